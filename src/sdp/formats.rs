//! Which payload types of a peer's m-line are taken, and what our description says of them
//! (RFC 3264 6.1, RFC 4588 8, RFC 2198 5, RFC 4733 7.1).

use super::agreement::TelephoneEvent;
use super::capabilities::{self, Capabilities};
use super::description::MediaSection;
use super::feedback::Feedback;
use super::local::{LocalPayload, PayloadName};
use super::payload::{Meaning, Payload};
use crate::codec::format::Format;
use crate::codec::{Codec, Kind};

/// What of an m-line is taken.
#[derive(Default)]
pub(super) struct Taken {
    /// By the peer's payload types, most wanted first.
    pub(super) formats: Vec<Format>,
    pub(super) events: Vec<TelephoneEvent>,
    /// As an answer lists them.
    pub(super) payloads: Vec<LocalPayload>,
    /// What any of them has.
    pub(super) feedback: Feedback,
}

/// The formats of an m-line that this side can do as well.
pub(super) fn common(media: &MediaSection<'_>, kind: Kind, capabilities: &Capabilities) -> Taken {
    let meanings: Vec<(&Payload<'_>, Meaning)> =
        media.payloads.iter().map(|payload| (payload, meaning(payload))).collect();
    let mut wanted: Vec<(usize, Codec, &Payload<'_>)> = meanings
        .iter()
        .filter_map(|(payload, meaning)| match meaning {
            Meaning::Media(codec) if codec.kind() == kind => {
                Some((capabilities.preference(*codec)?, *codec, *payload))
            }
            _ => None,
        })
        .collect();
    // Stable: formats of one codec keep the peer's order.
    wanted.sort_by_key(|(preference, ..)| *preference);

    let companions = Companions::of(&meanings, capabilities.red);
    let of_all = Feedback::parse(media.feedback.iter().copied());
    let mut taken = Taken::default();
    for (_, codec, payload) in wanted {
        let Some(parameters) = payload.parameters(codec) else { continue };
        let red = companions.red(payload.pt, codec);
        let rtx = companions.rtx(payload.pt);
        let said = of_all | Feedback::parse(payload.feedback.iter().copied());
        let feedback =
            (said & capabilities::feedback(codec)) | capabilities::tacit_feedback(codec, said);
        if let Some(red) = red {
            taken.payloads.push(LocalPayload {
                pt: red,
                name: PayloadName::Red { of: payload.pt },
                fmtp: String::new(),
                feedback: Feedback::default(),
            });
        }
        taken.payloads.push(LocalPayload {
            pt: payload.pt,
            name: PayloadName::Media(codec),
            fmtp: answered_fmtp(payload, codec, capabilities),
            feedback,
        });
        if let Some(rtx) = rtx {
            taken.payloads.push(retransmission(rtx, payload.pt));
        }
        taken.feedback = taken.feedback | feedback;
        let format = Format { codec, pt: payload.pt, red, rtx, events: None, parameters };
        taken.formats.push(format);
    }
    if taken.formats.is_empty() {
        return taken;
    }
    for (payload, meaning) in &meanings {
        if let Meaning::TelephoneEvent { clock_rate } = meaning
            && kind == Kind::Audio
        {
            let event = TelephoneEvent { pt: payload.pt, clock_rate: *clock_rate };
            taken.events.push(event);
            event.belongs_to(&mut taken.formats);
            taken.payloads.push(telephone_event(payload.pt, *clock_rate));
        }
    }
    taken
}

/// What a payload type is to us, where RTP and RTCP share a port. 64 to 95 look like RTCP with a marker
/// (RFC 5761 4).
fn meaning(payload: &Payload<'_>) -> Meaning {
    match payload.pt {
        64..=95 => Meaning::Unknown,
        _ => payload.meaning(),
    }
}

/// The payload types that belong to others of an m-line.
pub(super) struct Companions {
    /// RTX by the number it repeats.
    rtx: [Option<u8>; 128],
    red: Option<(u8, Option<u8>)>,
}

impl Companions {
    pub(super) fn of(meanings: &[(&Payload<'_>, Meaning)], red: bool) -> Self {
        let mut companions = Self { rtx: [None; 128], red: None };
        for (payload, meaning) in meanings {
            match meaning {
                Meaning::Rtx { apt } if *apt != payload.pt => {
                    if let Some(rtx) = companions.rtx.get_mut(usize::from(*apt)) {
                        rtx.get_or_insert(payload.pt);
                    }
                }
                Meaning::Red { of } if red => {
                    companions.red.get_or_insert((payload.pt, *of));
                }
                _ => {}
            }
        }
        companions
    }

    pub(super) fn rtx(&self, pt: u8) -> Option<u8> {
        self.rtx.get(usize::from(pt)).copied().flatten()
    }

    pub(super) fn red(&self, pt: u8, codec: Codec) -> Option<u8> {
        let (red, of) = self.red.filter(|_| codec == Codec::Opus)?;
        of.is_none_or(|of| of == pt).then_some(red)
    }
}

/// One format of an m-line that is kept although nothing of it is wanted, because its transport
/// is needed: the first that is a codec at all.
pub(super) fn placeholder(media: &MediaSection<'_>, kind: Kind) -> Option<LocalPayload> {
    media.payloads.iter().find_map(|payload| match meaning(payload) {
        Meaning::Media(codec) if codec.kind() == kind => {
            payload.parameters(codec)?;
            Some(LocalPayload {
                pt: payload.pt,
                name: PayloadName::Media(codec),
                fmtp: repeated_fmtp(payload, codec),
                feedback: Feedback::default(),
            })
        }
        _ => None,
    })
}

pub(super) fn retransmission(pt: u8, apt: u8) -> LocalPayload {
    LocalPayload {
        pt,
        name: PayloadName::Rtx { apt },
        fmtp: String::new(),
        feedback: Feedback::default(),
    }
}

pub(super) fn telephone_event(pt: u8, clock_rate: u32) -> LocalPayload {
    LocalPayload {
        pt,
        name: PayloadName::TelephoneEvent { clock_rate },
        fmtp: String::new(),
        feedback: Feedback::default(),
    }
}

fn answered_fmtp(payload: &Payload<'_>, codec: Codec, capabilities: &Capabilities) -> String {
    match codec {
        Codec::Opus => capabilities.opus_fmtp(),
        _ => repeated_fmtp(payload, codec),
    }
}

/// The parameters that make up the format, as the peer wrote them. What is forwarded is as others
/// made it, so this side has no level of its own; repeating the peer's never exceeds it
/// (RFC 6184 8.2.2, RFC 7798 7.2.2).
fn repeated_fmtp(payload: &Payload<'_>, codec: Codec) -> String {
    let names: &[&str] = match codec {
        Codec::H264 => &["level-asymmetry-allowed", "packetization-mode", "profile-level-id"],
        Codec::H265 => &["profile-id", "tier-flag", "level-id", "tx-mode"],
        Codec::Vp9 => &["profile-id"],
        Codec::Av1 => &["profile", "level-idx", "tier"],
        _ => &[],
    };
    let mut fmtp = String::new();
    for name in names {
        // Longer values are none of these.
        if let Some(value) = payload.parameter(name).filter(|value| value.len() <= 16) {
            if !fmtp.is_empty() {
                fmtp.push(';');
            }
            fmtp.push_str(name);
            fmtp.push('=');
            fmtp.push_str(value);
        }
    }
    fmtp
}
