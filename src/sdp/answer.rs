//! Answers to a peer's offer (RFC 8829 5.3.1, RFC 3264 6).

use std::collections::HashSet;
use std::sync::Arc;

use super::agreement::{AgreedLine, Agreement, RemoteMedia};
use super::bundle::Members;
use super::capabilities::{Capabilities, EXTENSIONS, MID_URI};
use super::description::{Description, Direction, MediaKind, MediaSection};
use super::error::SdpError;
use super::formats::{self, Taken};
use super::local::{LocalExtension, LocalLine};
use super::transport::{self, Role, Standing};
use crate::codec::Kind;
use crate::codec::format::Format;
use crate::codec::names::{Mid, Rid};

/// Says what is taken of an offer. `current` is what was agreed on before, in the order of its
/// lines.
///
/// # Errors
/// Where the peer cannot be reached by what it says, or goes back on an earlier description.
pub fn answer(
    offer: &Description<'_>,
    current: &[AgreedLine],
    capabilities: &Capabilities,
    standing: Standing,
) -> Result<Agreement, SdpError> {
    if offer.media.is_empty() {
        return Err(SdpError::whole("an offer has at least one m-line"));
    }
    continues(offer, current)?;
    let mut taken: Vec<Taken> = offer.media.iter().map(|media| take(media, capabilities)).collect();
    let mut has_data = false;
    let acceptable: Vec<bool> = offer
        .media
        .iter()
        .zip(&taken)
        .map(|(media, taken)| {
            // A peer has one SCTP association, as in browsers.
            let data = media.kind == MediaKind::Application;
            let further = data && has_data;
            let acceptable = acceptable(media, taken) && !further;
            has_data |= data && acceptable;
            acceptable
        })
        .collect();
    let members = Members::of(offer, &acceptable);
    let transport = transport::of(offer, &members, standing, Role::Offer)?;
    multiplexes(offer, &members, &acceptable)?;

    let mut names = Names::of(offer, current);
    let mut lines = Vec::with_capacity(offer.media.len());
    for (index, media) in offer.media.iter().enumerate() {
        let taken = taken.get_mut(index).map(std::mem::take).unwrap_or_default();
        let member = members.has(index) && transport.is_some();
        let accepted = member && acceptable.get(index) == Some(&true);
        // The tagged line cannot be refused alone (RFC 9143 7.3.3): it stays, with nothing on it.
        let kept = member && !accepted && members.group.first() == Some(&index);
        let mid = names.of_line(media, current.get(index));
        let line = line(offer, media, mid, Verdict { accepted, kept, taken });
        lines.push(line);
    }
    let usable = |index: &usize| lines.get(*index).is_some_and(AgreedLine::usable);
    let group = members.group.iter().copied().filter(usable).collect();
    Ok(Agreement {
        lines,
        transport,
        group,
        extmap_allow_mixed: offer.extmap_allow_mixed,
        ice_options: repeated_options(offer),
    })
}

/// Whether an offer has the lines of what was agreed on before (RFC 3264 8, RFC 8829 5.2.2).
fn continues(offer: &Description<'_>, current: &[AgreedLine]) -> Result<(), SdpError> {
    if offer.media.len() < current.len() {
        let reason = format!(
            "there are {} m-lines where there were {} before: lines can be refused, not left out",
            offer.media.len(),
            current.len()
        );
        return Err(SdpError::whole(reason));
    }
    for (media, before) in offer.media.iter().zip(current) {
        // A line that was given up is free for anything (RFC 8829 5.2.2).
        if before.local.stopped || media.stopped() {
            continue;
        }
        if media.kind != before.local.kind {
            let reason = format!("this m-line was for {} before", before.local.media);
            return Err(SdpError::unacceptable(media.line, reason));
        }
        if let (Some((mid, line)), Some(known)) = (media.mid, &before.local.mid)
            && *mid != **known
        {
            let reason = "this m-line had another a=mid before";
            return Err(SdpError::unacceptable(line, reason));
        }
    }
    Ok(())
}

fn take(media: &MediaSection<'_>, capabilities: &Capabilities) -> Taken {
    match media.kind {
        MediaKind::Rtp(kind) if !media.stopped() => formats::common(media, kind, capabilities),
        _ => Taken::default(),
    }
}

/// Whether there is anything to agree on.
fn acceptable(media: &MediaSection<'_>, taken: &Taken) -> bool {
    match media.kind {
        _ if media.stopped() => false,
        MediaKind::Rtp(_) => !taken.formats.is_empty(),
        MediaKind::Application => {
            media.formats.contains("webrtc-datachannel") || media.sctp_port.is_some()
        }
        MediaKind::Other => false,
    }
}

/// RTP and RTCP have to come to one port: there is no other (RFC 8829 5.1.1). In a group the
/// first line's attribute stands for all (RFC 9143 9.3).
pub(super) fn multiplexes(
    description: &Description<'_>,
    members: &Members,
    acceptable: &[bool],
) -> Result<(), SdpError> {
    let lines = description.media.iter().enumerate().filter(|(index, media)| {
        let rtp = matches!(media.kind, MediaKind::Rtp(_));
        rtp && members.has(*index) && acceptable.get(*index) == Some(&true)
    });
    let grouped = !members.group.is_empty();
    let mut first = None;
    for (_, media) in lines {
        if media.rtcp_mux && grouped {
            return Ok(());
        }
        if !media.rtcp_mux {
            first.get_or_insert(media.line);
        }
    }
    match first {
        None => Ok(()),
        Some(line) => {
            let reason = "there is no a=rtcp-mux for it: RTP and RTCP share one port here";
            Err(SdpError::unacceptable(line, reason))
        }
    }
}

/// Names for m-lines, none twice.
struct Names<'a> {
    offered: HashSet<&'a str>,
    used: HashSet<&'a str>,
    next: u32,
}

impl<'a> Names<'a> {
    fn of(offer: &'a Description<'_>, current: &'a [AgreedLine]) -> Self {
        let offered: HashSet<&str> = offer.media.iter().filter_map(MediaSection::mid).collect();
        let known = current.iter().map(|line| &*line.mid);
        Self { used: offered.iter().copied().chain(known).collect(), offered, next: 0 }
    }

    /// The peer's name; without one that which the line had, or one of our own.
    fn of_line(&mut self, media: &MediaSection<'_>, before: Option<&AgreedLine>) -> Mid {
        if let Some(mid) = media.mid() {
            return mid.into();
        }
        // Unless the peer calls another line so now.
        if let Some(before) = before
            && !self.offered.contains(&*before.mid)
        {
            return before.mid.clone();
        }
        loop {
            let name = format!("m{}", self.next);
            self.next += 1;
            if !self.used.contains(&*name) {
                return name.as_str().into();
            }
        }
    }
}

struct Verdict {
    accepted: bool,
    kept: bool,
    taken: Taken,
}

fn line(
    offer: &Description<'_>,
    media: &MediaSection<'_>,
    mid: Mid,
    Verdict { accepted, kept, taken }: Verdict,
) -> AgreedLine {
    let rtp = match media.kind {
        MediaKind::Rtp(kind) => Some(kind),
        _ => None,
    };
    let placeholder = rtp.filter(|_| kept).and_then(|kind| formats::placeholder(media, kind));
    let taken = if accepted { taken } else { Taken::default() };
    let stopped = !accepted && placeholder.is_none();
    let allowed = if accepted { media.direction.reversed() } else { Direction::Inactive };
    let remote = RemoteMedia::of(media);
    let mut payloads = taken.payloads;
    payloads.extend(placeholder);
    let formats: Arc<[Format]> = taken.formats.into();
    let mut local = LocalLine {
        kind: media.kind,
        media: media.media.to_owned(),
        profile: media.profile.to_owned(),
        formats: media.formats.to_owned(),
        stopped,
        mid: media.mid().map(Mid::from),
        bundled: !stopped,
        direction: allowed,
        payloads: payloads.into(),
        extensions: Arc::default(),
        extmap_allow_mixed: media.extmap_allow_mixed,
        rtcp_rsize: media.rtcp_rsize,
        sender: None,
        rids: Vec::new(),
        simulcast: Vec::new(),
        sctpmap: None,
    };
    if accepted && let Some(kind) = rtp {
        local.extensions = extensions(offer, media, kind).into();
        local.rids = remote.rids.clone();
        local.simulcast = repeated_simulcast(media);
    }
    if media.kind == MediaKind::Application && !media.formats.contains("webrtc-datachannel") {
        local.sctpmap = media.sctp_port;
    }
    AgreedLine {
        mid,
        local,
        allowed,
        send: formats.clone(),
        receive: formats,
        send_events: taken.events.clone(),
        receive_events: taken.events,
        feedback: taken.feedback,
        remote,
    }
}

/// The offered header extensions that are known, each once, under the peer's ids (RFC 8285 7).
fn extensions(
    offer: &Description<'_>,
    media: &MediaSection<'_>,
    kind: Kind,
) -> Vec<LocalExtension> {
    let mut taken: Vec<LocalExtension> = Vec::new();
    for offered in offer.extensions(media) {
        let known = EXTENSIONS.iter().find(|known| known.uri == offered.uri);
        let Some(known) = known.filter(|known| known.is_for(kind)) else { continue };
        let twice = taken.iter().any(|t| t.id == offered.id || t.uri == offered.uri);
        // A line without a name has none for packets either.
        let nameless = offered.uri == MID_URI && media.mid.is_none();
        if !twice && !nameless {
            taken.push(LocalExtension {
                id: offered.id,
                direction: offered.direction.reversed(),
                uri: known.uri,
            });
        }
    }
    taken
}

/// What the peer would send as simulcast, as what is received, paused streams included
/// (RFC 8853 5.3.2).
fn repeated_simulcast(media: &MediaSection<'_>) -> Vec<Vec<(Rid, bool)>> {
    let Some(simulcast) = &media.simulcast else { return Vec::new() };
    let declared = |rid: &str| {
        let send = |(known, direction): &(&str, _)| {
            *known == rid && *direction == super::simulcast::RidDirection::Send
        };
        media.rids.iter().any(send)
    };
    let streams = simulcast.send.iter().map(|stream| {
        let declared = stream.iter().filter(|alternative| declared(alternative.rid));
        declared.map(|alternative| (Rid::from(alternative.rid), alternative.paused)).collect()
    });
    streams.filter(|stream: &Vec<_>| !stream.is_empty()).collect()
}

/// Candidates may come one by one (RFC 8838 4), and aggressive nomination is not done
/// (RFC 8445 10): both are so here, and are said where the peer says them.
fn repeated_options(offer: &Description<'_>) -> &'static str {
    match (offer.has_ice_option("trickle"), offer.has_ice_option("ice2")) {
        (true, true) => "trickle ice2",
        (false, true) => "ice2",
        (true, false) => "trickle",
        (false, false) => "",
    }
}
