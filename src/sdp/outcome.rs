//! What a peer's answer makes of an offer of this side (RFC 3264 7, RFC 8829 5.11).

use std::sync::Arc;

use super::agreement::{AgreedLine, Agreement, RemoteMedia, TelephoneEvent};
use super::answer::multiplexes;
use super::bundle::Members;
use super::capabilities::Capabilities;
use super::description::{Description, Direction, MediaKind, MediaSection};
use super::error::SdpError;
use super::formats::{self, Taken};
use super::local::{LocalExtension, LocalLine};
use super::offer::OfferedLine;
use super::transport::{self, Role, Standing};
use crate::codec::format::Format;

/// Says what an answer makes of an offer.
///
/// # Errors
/// Where it is no answer to this offer, or the peer cannot be reached by what it says.
pub fn outcome(
    offer: &[OfferedLine],
    answer: &Description<'_>,
    capabilities: &Capabilities,
    standing: Standing,
) -> Result<Agreement, SdpError> {
    if answer.media.len() != offer.len() {
        let reason =
            format!("the answer has {} m-lines and the offer {}", answer.media.len(), offer.len());
        return Err(SdpError::whole(reason));
    }
    let pairs = || offer.iter().zip(&answer.media);
    for (offered, media) in pairs() {
        answers(offered, media)?;
    }
    let taken: Vec<Taken> =
        pairs().map(|(offered, media)| take(offered, media, capabilities)).collect();
    let acceptable: Vec<bool> = pairs()
        .zip(&taken)
        .map(|((offered, media), taken)| {
            let nothing = taken.formats.is_empty();
            let media_line = matches!(media.kind, MediaKind::Rtp(_));
            !(offered.local.stopped || media.stopped() || media_line && nothing)
        })
        .collect();
    let members = Members::of(answer, &acceptable);
    let transport = transport::of(answer, &members, standing, Role::Answer)?;
    multiplexes(answer, &members, &acceptable)?;
    let lines: Vec<AgreedLine> = pairs()
        .zip(taken)
        .enumerate()
        .map(|(index, ((offered, media), taken))| {
            let member = members.has(index) && transport.is_some();
            line(offered, media, taken, member)
        })
        .collect();
    let usable = |index: &usize| lines.get(*index).is_some_and(AgreedLine::usable);
    Ok(Agreement {
        group: members.group.iter().copied().filter(usable).collect(),
        lines,
        transport,
        extmap_allow_mixed: answer.extmap_allow_mixed,
        ice_options: "trickle",
    })
}

fn answers(offered: &OfferedLine, media: &MediaSection<'_>) -> Result<(), SdpError> {
    if media.kind != offered.local.kind && !media.stopped() {
        let reason = format!("this m-line was offered for {}", offered.local.media);
        return Err(SdpError::unacceptable(media.line, reason));
    }
    if let Some((mid, line)) = media.mid
        && *mid != *offered.mid
    {
        let reason = format!("this m-line was offered as a=mid:{}", &*offered.mid);
        return Err(SdpError::unacceptable(line, reason));
    }
    Ok(())
}

fn take(offered: &OfferedLine, media: &MediaSection<'_>, capabilities: &Capabilities) -> Taken {
    match media.kind {
        MediaKind::Rtp(kind) if !media.stopped() && !offered.local.stopped => {
            formats::common(media, kind, capabilities)
        }
        _ => Taken::default(),
    }
}

fn line(offered: &OfferedLine, media: &MediaSection<'_>, taken: Taken, member: bool) -> AgreedLine {
    let stopped = offered.local.stopped || media.stopped() || !member;
    if stopped {
        return AgreedLine {
            mid: offered.mid.clone(),
            local: LocalLine { stopped: true, bundled: false, ..offered.local.clone() },
            allowed: Direction::Inactive,
            send: Arc::default(),
            receive: Arc::default(),
            send_events: Vec::new(),
            receive_events: Vec::new(),
            feedback: Default::default(),
            remote: RemoteMedia::of(media),
        };
    }
    let (send, receive) = matched(&offered.formats, &taken.formats);
    let receive_events: Vec<TelephoneEvent> = offered
        .events
        .iter()
        .filter(|ours| taken.events.iter().any(|theirs| theirs.clock_rate == ours.clock_rate))
        .copied()
        .collect();
    let agreed = |pt: u8| {
        let format = |f: &Format| f.pt == pt || f.rtx == Some(pt) || f.red == Some(pt);
        receive.iter().any(format) || receive_events.iter().any(|event| event.pt == pt)
    };
    let mut local = offered.local.clone();
    if !receive.is_empty() {
        let payloads = local.payloads.iter();
        local.payloads = payloads.filter(|payload| agreed(payload.pt)).cloned().collect();
    }
    local.extensions = extensions(offered, media).into();
    local.rids = Vec::new();
    local.simulcast = Vec::new();
    AgreedLine {
        mid: offered.mid.clone(),
        local,
        allowed: media.direction.reversed(),
        send: send.into(),
        receive: receive.into(),
        send_events: taken.events,
        receive_events,
        feedback: taken.feedback,
        remote: RemoteMedia::of(media),
    }
}

/// The formats that both name, by the peer's payload types and by this side's. An answer should
/// repeat the offer's numbers and may have its own (RFC 3264 6.1).
fn matched(ours: &[Format], theirs: &[Format]) -> (Vec<Format>, Vec<Format>) {
    let mut send: Vec<Format> = Vec::new();
    let mut receive: Vec<Format> = Vec::new();
    for theirs in theirs {
        let same = |format: &&Format| {
            (format.codec, format.parameters) == (theirs.codec, theirs.parameters)
        };
        let by_number = ours.iter().filter(same).find(|format| format.pt == theirs.pt);
        let Some(ours) = by_number.or_else(|| ours.iter().find(same)) else { continue };
        send.push(*theirs);
        if !receive.iter().any(|known| known.pt == ours.pt) {
            receive.push(Format {
                rtx: ours.rtx.filter(|_| theirs.rtx.is_some()),
                red: ours.red.filter(|_| theirs.red.is_some()),
                events: ours.events.filter(|_| theirs.events.is_some()),
                ..*ours
            });
        }
    }
    (send, receive)
}

/// What the answer takes of the offered header extensions (RFC 8285 7).
fn extensions(offered: &OfferedLine, media: &MediaSection<'_>) -> Vec<LocalExtension> {
    let answered = |ours: &LocalExtension| {
        let theirs = media.extensions.iter().find(|theirs| theirs.uri == ours.uri)?;
        let direction = theirs.direction.reversed().and(ours.direction);
        Some(LocalExtension { id: theirs.id, direction, uri: ours.uri })
    };
    offered.local.extensions.iter().filter_map(answered).collect()
}
