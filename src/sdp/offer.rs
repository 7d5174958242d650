//! Lines of this side's offers (RFC 8829 5.2).

use std::collections::HashMap;
use std::sync::Arc;

use super::agreement::{AgreedLine, TelephoneEvent};
use super::capabilities::{self, Capabilities, EXTENSIONS, RED};
use super::description::{Direction, MediaKind};
use super::feedback::Feedback;
use super::formats::{retransmission, telephone_event};
use super::local::{LocalExtension, LocalLine, LocalPayload, PayloadName};
use super::payload::Payload;
use crate::codec::format::{Format, Parameters};
use crate::codec::names::Mid;
use crate::codec::{Codec, Kind};

/// An m-line of an offer, with what it means.
#[derive(Clone, PartialEq, Debug)]
pub struct OfferedLine {
    pub mid: Mid,
    pub local: LocalLine,
    /// By this side's payload types.
    pub formats: Vec<Format>,
    pub events: Vec<TelephoneEvent>,
}

/// Makes the lines of one offer, so that no number means two things in it.
pub struct Draft<'a> {
    capabilities: &'a Capabilities,
    numbers: Numbers,
    extensions: HashMap<u8, &'static str>,
}

/// The payload types of `telephone-event` with the clocks that sound has, unless they are taken.
const TELEPHONE_EVENTS: [(u8, u32); 2] = [(110, 48_000), (126, 8000)];

impl<'a> Draft<'a> {
    /// `lines` are those agreed on, whose numbers stay what they are.
    pub fn new(capabilities: &'a Capabilities, lines: &[AgreedLine]) -> Self {
        let mut numbers = Numbers::default();
        let mut extensions = HashMap::new();
        for line in lines.iter().filter(|line| line.usable()) {
            numbers.know(line);
            for extension in line.local.extensions.iter() {
                extensions.entry(extension.id).or_insert(extension.uri);
            }
        }
        Self { capabilities, numbers, extensions }
    }

    /// A line that was agreed on before, offered again as it is.
    pub fn renewed(&self, line: &AgreedLine) -> OfferedLine {
        let mut local = line.local.clone();
        // It has a name for the peer from now on.
        local.mid = Some(line.mid.clone());
        OfferedLine {
            mid: line.mid.clone(),
            local,
            formats: line.receive.to_vec(),
            events: line.receive_events.clone(),
        }
    }

    /// A new line for media.
    pub fn media(&mut self, kind: Kind, mid: Mid) -> OfferedLine {
        let mut formats = Vec::new();
        let mut payloads = Vec::new();
        for offered in self.capabilities.formats(kind) {
            let parameters = parameters(offered.codec, &offered.fmtp);
            let meaning = Number::Media(offered.codec, parameters);
            let Some(pt) = self.numbers.claim(offered.pt, meaning) else { continue };
            let with_red = self.capabilities.red && offered.codec == Codec::Opus;
            let red = self.numbers.claim_if(with_red, RED, Number::Red(pt));
            let rtx = offered.rtx.and_then(|rtx| self.numbers.claim(rtx, Number::Rtx(pt)));
            if let Some(red) = red {
                // First, so that senders choose it.
                payloads.push(LocalPayload {
                    pt: red,
                    name: PayloadName::Red { of: pt },
                    fmtp: String::new(),
                    feedback: Feedback::default(),
                });
            }
            payloads.push(LocalPayload {
                pt,
                name: PayloadName::Media(offered.codec),
                fmtp: offered.fmtp,
                feedback: capabilities::feedback(offered.codec),
            });
            payloads.extend(rtx.map(|rtx| retransmission(rtx, pt)));
            formats.push(Format { codec: offered.codec, pt, red, rtx, events: None, parameters });
        }
        let mut events = Vec::new();
        for (pt, clock_rate) in TELEPHONE_EVENTS {
            let wanted = formats.iter().any(|format: &Format| {
                format.codec.kind() == Kind::Audio && format.codec.clock_rate() == clock_rate
            });
            let number = Number::TelephoneEvent(clock_rate);
            if let Some(pt) = self.numbers.claim_if(wanted, pt, number) {
                let event = TelephoneEvent { pt, clock_rate };
                event.belongs_to(&mut formats);
                events.push(event);
                payloads.push(telephone_event(pt, clock_rate));
            }
        }
        let mut local = line(MediaKind::Rtp(kind), kind.name(), "UDP/TLS/RTP/SAVPF", &mid);
        local.payloads = payloads.into();
        local.extensions = self.extensions(kind).into();
        local.rtcp_rsize = true;
        OfferedLine { mid, local, formats, events }
    }

    /// A new line for data channels (RFC 8841).
    pub fn application(&self, mid: Mid) -> OfferedLine {
        let mut local = line(MediaKind::Application, "application", "UDP/DTLS/SCTP", &mid);
        local.formats = "webrtc-datachannel".into();
        OfferedLine { mid, local, formats: Vec::new(), events: Vec::new() }
    }

    /// An extension has one id in all lines of a group (RFC 8285 5, RFC 9143 9.1.1).
    fn extensions(&mut self, kind: Kind) -> Vec<LocalExtension> {
        let mut list = Vec::new();
        for extension in EXTENSIONS.iter().filter(|extension| extension.is_for(kind)) {
            let known = self.extensions.iter().find(|known| *known.1 == extension.uri);
            let known = known.map(|(id, _)| *id);
            let free = || {
                let ids = std::iter::once(extension.id).chain(1..15);
                ids.into_iter().find(|id| !self.extensions.contains_key(id))
            };
            if let Some(id) = known.or_else(free) {
                self.extensions.entry(id).or_insert(extension.uri);
                list.push(LocalExtension {
                    id,
                    direction: Direction::SendRecv,
                    uri: extension.uri,
                });
            }
        }
        list
    }
}

fn line(kind: MediaKind, media: &str, profile: &str, mid: &Mid) -> LocalLine {
    LocalLine {
        kind,
        media: media.to_owned(),
        profile: profile.to_owned(),
        formats: String::new(),
        stopped: false,
        mid: Some(mid.clone()),
        bundled: true,
        direction: Direction::SendRecv,
        payloads: Arc::default(),
        extensions: Arc::default(),
        extmap_allow_mixed: false,
        rtcp_rsize: false,
        sender: None,
        rids: Vec::new(),
        simulcast: Vec::new(),
        sctpmap: None,
    }
}

/// What parameters of ours mean, read as a peer's are.
fn parameters(codec: Codec, fmtp: &str) -> Parameters {
    let payload = Payload { fmtp: vec![fmtp], ..Payload::new(96) };
    payload.parameters(codec).unwrap_or_default()
}

/// What a payload type means. Within a group it means one thing (RFC 9143 9.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Number {
    Media(Codec, Parameters),
    Rtx(u8),
    Red(u8),
    TelephoneEvent(u32),
    /// Something else to somebody.
    Taken,
}

struct Numbers([Option<Number>; 128]);

impl Default for Numbers {
    fn default() -> Self {
        Self([None; 128])
    }
}

impl Numbers {
    fn know(&mut self, line: &AgreedLine) {
        for format in line.receive.iter().chain(line.send.iter()) {
            self.note(format.pt, Number::Media(format.codec, format.parameters));
            if let Some(rtx) = format.rtx {
                self.note(rtx, Number::Rtx(format.pt));
            }
            if let Some(red) = format.red {
                self.note(red, Number::Red(format.pt));
            }
        }
        for event in line.receive_events.iter().chain(&line.send_events) {
            self.note(event.pt, Number::TelephoneEvent(event.clock_rate));
        }
        for payload in line.local.payloads.iter() {
            if let Some(number @ None) = self.0.get_mut(usize::from(payload.pt)) {
                *number = Some(Number::Taken);
            }
        }
    }

    fn note(&mut self, pt: u8, meaning: Number) {
        if let Some(number) = self.0.get_mut(usize::from(pt)) {
            // Two meanings are none that a third line could share.
            *number = match *number {
                Some(known) if known != meaning => Some(Number::Taken),
                _ => Some(meaning),
            };
        }
    }

    fn claim_if(&mut self, wanted: bool, preferred: u8, meaning: Number) -> Option<u8> {
        if wanted { self.claim(preferred, meaning) } else { None }
    }

    /// A number for a meaning: the one it has, the preferred one, or one that is free. Those from
    /// 64 to 95 are left alone: with the marker bit they look like RTCP (RFC 5761 4).
    fn claim(&mut self, preferred: u8, meaning: Number) -> Option<u8> {
        let has = |pt: &u8| self.0.get(usize::from(*pt)) == Some(&Some(meaning));
        let free = |pt: &u8| self.0.get(usize::from(*pt)) == Some(&None);
        let dynamic = || (96..128).chain(35..64);
        let preferred_first = || std::iter::once(preferred).chain(dynamic());
        let pt = preferred_first().find(has).or_else(|| preferred_first().find(free))?;
        self.note(pt, meaning);
        Some(pt)
    }
}
