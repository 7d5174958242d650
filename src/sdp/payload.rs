//! Payload types of an m-line: what `a=rtpmap`, `a=fmtp` and `a=rtcp-fb` say of them.

use std::num::NonZeroU8;

use crate::codec::Codec;
use crate::codec::format::Parameters;
use crate::codec::h264_profile::H264Profile;

/// Most payload types of an m-line: there are no more numbers (RFC 3550 5.1).
pub(super) const MAX_PAYLOADS: usize = 128;
/// Most lines of feedback, and of format parameters, of one payload type.
pub(super) const MAX_LINES: usize = 16;

/// A payload type and what was said of it.
#[derive(Debug)]
pub struct Payload<'a> {
    pub pt: u8,
    /// The first `a=rtpmap` of it, or what RFC 3551 6 says of its number.
    pub encoding: Option<Encoding<'a>>,
    /// There was an `a=rtpmap` of it.
    pub(super) mapped: bool,
    /// What follows the number in each `a=fmtp`.
    pub fmtp: Vec<&'a str>,
    /// What follows the number in each `a=rtcp-fb`.
    pub feedback: Vec<&'a str>,
}

/// The payload types of an m-line, in its order, found by their number.
#[derive(Debug)]
pub struct Payloads<'a> {
    list: Vec<Payload<'a>>,
    /// Place in the list, by number.
    places: [Option<NonZeroU8>; MAX_PAYLOADS],
}

impl<'a> Payloads<'a> {
    pub(super) fn parse(formats: &'a str) -> Self {
        let mut payloads = Self { list: Vec::new(), places: [None; MAX_PAYLOADS] };
        for pt in formats.split_ascii_whitespace().filter_map(|word| word.parse::<u8>().ok()) {
            let next = u8::try_from(payloads.list.len() + 1).ok().and_then(NonZeroU8::new);
            if let Some(place) = payloads.places.get_mut(usize::from(pt))
                && place.is_none()
            {
                *place = next;
                payloads.list.push(Payload::new(pt));
            }
        }
        payloads
    }

    /// Those of no m-line.
    pub(super) fn none() -> Self {
        Self { list: Vec::new(), places: [None; MAX_PAYLOADS] }
    }

    pub(super) fn place(&self, pt: u8) -> Option<usize> {
        let place = (*self.places.get(usize::from(pt))?)?;
        Some(usize::from(place.get()) - 1)
    }

    pub(super) fn get_mut(&mut self, pt: u8) -> Option<&mut Payload<'a>> {
        let place = self.place(pt)?;
        self.list.get_mut(place)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// In the order of the m-line.
    pub fn iter(&self) -> impl Iterator<Item = &Payload<'a>> {
        self.list.iter()
    }
}

/// Encoding name, clock rate and channels of `a=rtpmap` (RFC 8866 6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding<'a> {
    pub name: &'a str,
    /// In Hz.
    pub clock_rate: u32,
    pub channels: Option<u8>,
}

/// What a payload type is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    Media(Codec),
    /// Retransmissions of another payload type (RFC 4588).
    Rtx {
        apt: u8,
    },
    /// Redundant sound (RFC 2198), of another payload type where it says so.
    Red {
        of: Option<u8>,
    },
    /// RFC 4733 2.5.
    TelephoneEvent {
        clock_rate: u32,
    },
    Unknown,
}

impl<'a> Payload<'a> {
    pub(super) fn new(pt: u8) -> Self {
        Self {
            pt,
            encoding: static_encoding(pt),
            mapped: false,
            fmtp: Vec::new(),
            feedback: Vec::new(),
        }
    }

    /// A parameter of `a=fmtp`. Names are compared without case (RFC 6838 4.3).
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let parameters = self.fmtp.iter().flat_map(|fmtp| fmtp.split(';'));
        let mut pairs = parameters.filter_map(|parameter| parameter.split_once('='));
        let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.parameter(name)?.parse().ok()
    }

    pub(super) fn meaning(&self) -> Meaning {
        let Some(encoding) = self.encoding else { return Meaning::Unknown };
        let is = |name: &str| encoding.name.eq_ignore_ascii_case(name);
        if is("rtx") {
            let apt = self.parameter("apt").and_then(|apt| apt.parse().ok());
            return apt.map_or(Meaning::Unknown, |apt| Meaning::Rtx { apt });
        }
        if is("red") && encoding.clock_rate == 48_000 {
            let primary =
                self.fmtp.iter().find_map(|fmtp| fmtp.split('/').next()?.trim().parse().ok());
            return Meaning::Red { of: primary };
        }
        if is("telephone-event") {
            return Meaning::TelephoneEvent { clock_rate: encoding.clock_rate };
        }
        let codec = Codec::ALL.into_iter().find(|codec| is(codec.name()));
        match codec {
            Some(codec) if encoding.is(codec) => Meaning::Media(codec),
            _ => Meaning::Unknown,
        }
    }

    /// What decides whether two formats of a codec are the same. `None`: nothing that can be
    /// forwarded.
    pub(super) fn parameters(&self, codec: Codec) -> Option<Parameters> {
        let mut parameters = Parameters::default();
        match codec {
            Codec::Vp9 => parameters.profile = self.number("profile-id").unwrap_or(0),
            // AV1 RTP payload format 7.2.1.
            Codec::Av1 => parameters.profile = self.number("profile").unwrap_or(0),
            // RFC 7798 7.1: 1 is the Main profile.
            Codec::H265 => parameters.profile = self.number("profile-id").unwrap_or(1),
            Codec::H264 => {
                parameters.profile = H264Profile::parse(self.parameter("profile-level-id"))?.code();
                let mode = self.number("packetization-mode").unwrap_or(0);
                // Mode 2 interleaves (RFC 6184 6.4), which nobody sends.
                parameters.packetization_mode = u8::try_from(mode).ok().filter(|mode| *mode < 2)?;
            }
            _ => {}
        }
        Some(parameters)
    }
}

impl Encoding<'_> {
    /// Whether this is the codec that it is named after. Some leave out the channels of Opus, some
    /// write the one of G.711.
    fn is(&self, codec: Codec) -> bool {
        let channels = match codec {
            Codec::Opus => 2,
            _ => 1,
        };
        self.clock_rate == codec.clock_rate() && self.channels.is_none_or(|c| c == channels)
    }
}

/// Payload types that mean something without `a=rtpmap` (RFC 3551 6), as far as they are known.
fn static_encoding(pt: u8) -> Option<Encoding<'static>> {
    let name = match pt {
        0 => "PCMU",
        8 => "PCMA",
        9 => "G722",
        _ => return None,
    };
    Some(Encoding { name, clock_rate: 8000, channels: None })
}

/// Reads what follows the number in `a=rtpmap`.
pub(super) fn parse_encoding(value: &str) -> Option<Encoding<'_>> {
    let mut parts = value.trim().split('/');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let clock_rate = parts.next()?.trim().parse().ok()?;
    let channels = parts.next().and_then(|channels| channels.trim().parse().ok());
    Some(Encoding { name, clock_rate, channels })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload<'a>(pt: u8, rtpmap: &'a str, fmtp: &'a str) -> Payload<'a> {
        Payload { encoding: parse_encoding(rtpmap), fmtp: vec![fmtp], ..Payload::new(pt) }
    }

    #[test]
    fn names_have_no_case_and_channels_may_be_left_out() {
        let cases = [
            ("OPUS/48000", Meaning::Media(Codec::Opus)),
            ("opus/48000/2", Meaning::Media(Codec::Opus)),
            ("PCMU/8000/1", Meaning::Media(Codec::Pcmu)),
            ("vp8/90000", Meaning::Media(Codec::Vp8)),
            ("opus/16000/2", Meaning::Unknown),
            ("iLBC/8000", Meaning::Unknown),
            ("telephone-event/8000", Meaning::TelephoneEvent { clock_rate: 8000 }),
        ];
        for (rtpmap, meaning) in cases {
            assert_eq!(payload(96, rtpmap, "").meaning(), meaning, "{rtpmap}");
        }
    }

    #[test]
    fn some_numbers_need_no_rtpmap() {
        assert_eq!(Payload::new(0).meaning(), Meaning::Media(Codec::Pcmu));
        assert_eq!(Payload::new(9).meaning(), Meaning::Media(Codec::G722));
        assert_eq!(Payload::new(63).meaning(), Meaning::Unknown);
    }

    #[test]
    fn retransmission_and_redundancy_name_their_primary() {
        assert_eq!(payload(97, "rtx/90000", "apt=96").meaning(), Meaning::Rtx { apt: 96 });
        assert_eq!(payload(97, "rtx/90000", "rtx-time=3000").meaning(), Meaning::Unknown);
        assert_eq!(payload(63, "red/48000/2", "111/111").meaning(), Meaning::Red { of: Some(111) });
    }

    #[test]
    fn parameters_tell_formats_of_a_codec_apart() {
        let h264 = payload(102, "H264/90000", "Packetization-Mode=1; profile-level-id=640c1f");
        let parameters = h264.parameters(Codec::H264).unwrap();
        assert_eq!(parameters.packetization_mode, 1);
        assert_eq!(parameters.profile, H264Profile::ConstrainedHigh.code());
        let interleaved = payload(102, "H264/90000", "packetization-mode=2");
        assert_eq!(interleaved.parameters(Codec::H264), None);
        let vp9 = payload(98, "VP9/90000", "profile-id=2");
        assert_eq!(vp9.parameters(Codec::Vp9).unwrap().profile, 2);
    }
}
