//! Payload formats: which payload type of one peer carries what another peer sent (RFC 3264
//! 8.3.2). Payload types are numbers of one connection; what counts is the codec and its
//! parameters.

use super::Codec;
use super::h264_profile::H264Profile;

/// A negotiated payload format of an m-line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    pub codec: Codec,
    pub pt: u8,
    /// Payload type of the RED that wraps it (RFC 2198).
    pub red: Option<u8>,
    /// Payload type of its retransmissions (RFC 4588).
    pub rtx: Option<u8>,
    /// Payload type of `telephone-event` with its clock (RFC 4733), which goes in between.
    pub events: Option<u8>,
    pub parameters: Parameters,
}

/// What decides whether a receiver of one format can decode another of the same codec.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Parameters {
    /// VP9, AV1 and H.265: the profile's number. H.264: [`H264Profile::code`].
    pub profile: u32,
    /// H.264 packetization-mode (RFC 6184 8.1).
    pub packetization_mode: u8,
}

/// How well a receiver of `target` takes what was made as `source`; `None`: not at all.
fn suitability(source: &Format, target: &Format) -> Option<u32> {
    if source.codec != target.codec {
        return None;
    }
    let (from, to) = (source.parameters, target.parameters);
    if from == to {
        return Some(3);
    }
    match source.codec {
        Codec::H264 => {
            // Mode 1 allows all of mode 0, not the other way round (RFC 6184 6.2, 6.3).
            let mode = from.packetization_mode <= to.packetization_mode;
            let (source, target) =
                (H264Profile::from_code(from.profile)?, H264Profile::from_code(to.profile)?);
            let same = target.decodes(source) && source.decodes(target);
            (mode && target.decodes(source)).then_some(if same { 2 } else { 1 })
        }
        Codec::Vp9 | Codec::Av1 | Codec::H265 => None,
        _ => Some(1),
    }
}

/// How a packet leaves for one receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Carriage {
    pub pt: u8,
    pub red: Red,
    /// Payload type a repetition leaves under.
    pub rtx: Option<u8>,
}

/// What becomes of RED (RFC 2198) on the way to one receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Red {
    /// Neither has it.
    None,
    /// The packet is RED and the receiver takes none: only the primary block goes.
    Unwrap,
    /// The receiver takes RED and the packet is none. What is inside has the type `pt` there.
    Wrap { pt: u8 },
    /// Both have it; the payload types inside are those of two connections.
    Keep { from: u8, to: u8 },
}

/// Remembers how each of a source's payload types leaves for one receiver.
#[derive(Default, Debug)]
pub struct PayloadMap {
    /// (source payload type, what to do), a handful.
    known: Vec<(u8, Option<Carriage>)>,
}

impl PayloadMap {
    /// Forgets what was found, because the formats of one side have changed.
    pub fn clear(&mut self) {
        self.known.clear();
    }

    /// `None`: the receiver has no format for it.
    pub fn carriage(
        &mut self,
        source_pt: u8,
        sources: &[Format],
        targets: &[Format],
    ) -> Option<Carriage> {
        if let Some((_, carriage)) = self.known.iter().find(|(pt, _)| *pt == source_pt) {
            return *carriage;
        }
        let carriage = find(source_pt, sources, targets);
        self.known.push((source_pt, carriage));
        carriage
    }
}

fn find(source_pt: u8, sources: &[Format], targets: &[Format]) -> Option<Carriage> {
    let has =
        |s: &&Format| s.pt == source_pt || s.red == Some(source_pt) || s.events == Some(source_pt);
    let source = sources.iter().find(has)?;
    let is_red = source.red == Some(source_pt);
    let suitable = targets.iter().filter_map(|t| suitability(source, t).map(|score| (score, t)));
    // max_by_key keeps the last of equals; the first is the most wanted.
    let (_, target) = suitable.rev().max_by_key(|(score, _)| *score)?;
    if source.events == Some(source_pt) {
        return target.events.map(|pt| Carriage { pt, red: Red::None, rtx: None });
    }
    let (pt, red) = match (is_red, target.red) {
        (true, Some(red)) => (red, Red::Keep { from: source.pt, to: target.pt }),
        (false, Some(red)) => (red, Red::Wrap { pt: target.pt }),
        (true, None) => (target.pt, Red::Unwrap),
        (false, None) => (target.pt, Red::None),
    };
    Some(Carriage { pt, red, rtx: target.rtx })
}

/// Whether a receiver of `targets` can take anything of `sources`.
pub fn compatible(sources: &[Format], targets: &[Format]) -> bool {
    sources.iter().any(|s| targets.iter().any(|t| suitability(s, t).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(codec: Codec, pt: u8, parameters: Parameters) -> Format {
        Format { codec, pt, red: None, rtx: Some(pt + 1), events: None, parameters }
    }

    fn h264(pt: u8, profile: u32, packetization_mode: u8) -> Format {
        format(Codec::H264, pt, Parameters { profile, packetization_mode })
    }

    #[test]
    fn the_same_codec_leaves_under_the_receivers_payload_type() {
        let source = [format(Codec::Vp8, 96, Parameters::default())];
        let target = [
            format(Codec::Vp9, 98, Parameters::default()),
            format(Codec::Vp8, 120, Parameters::default()),
        ];
        let carriage = PayloadMap::default().carriage(96, &source, &target).unwrap();
        assert_eq!(carriage.pt, 120);
    }

    #[test]
    fn another_profile_of_vp9_is_another_codec() {
        let source = [format(Codec::Vp9, 98, Parameters { profile: 2, packetization_mode: 0 })];
        let target = [format(Codec::Vp9, 98, Parameters::default())];
        assert_eq!(PayloadMap::default().carriage(98, &source, &target), None);
        assert!(!compatible(&source, &target));
    }

    #[test]
    fn h264_prefers_the_same_profile_and_mode_and_accepts_a_higher_one() {
        let source = [h264(102, 0x42, 1)];
        let both = [h264(1, 0x64, 1), h264(2, 0x42, 1)];
        assert_eq!(find(102, &source, &both).unwrap().pt, 2);
        assert_eq!(find(102, &source, &both[..1]).unwrap().pt, 1);
        assert_eq!(find(102, &source, &[h264(3, 0x42, 0)]), None, "mode 1 does not fit mode 0");
        assert_eq!(find(102, &[h264(102, 0x64, 1)], &[h264(3, 0x42, 1)]), None);
    }

    #[test]
    fn keys_of_a_telephone_go_to_those_who_take_them() {
        let opus = |pt, events| Format { events, ..format(Codec::Opus, pt, Parameters::default()) };
        let source = [opus(111, Some(110))];
        let carriage = find(110, &source, &[opus(109, Some(101))]).unwrap();
        assert_eq!((carriage.pt, carriage.red), (101, Red::None));
        assert_eq!(find(110, &source, &[opus(109, None)]), None);
    }

    #[test]
    fn red_goes_to_those_who_take_it_whatever_the_source_sends() {
        let red = |pt, red| Format { red, ..format(Codec::Opus, pt, Parameters::default()) };
        let source = [red(111, Some(63))];
        let kept = find(63, &source, &[red(109, Some(61))]).unwrap();
        assert_eq!((kept.pt, kept.red), (61, Red::Keep { from: 111, to: 109 }));
        let unwrapped = find(63, &source, &[red(109, None)]).unwrap();
        assert_eq!((unwrapped.pt, unwrapped.red), (109, Red::Unwrap));
        let wrapped = find(111, &source, &[red(109, Some(61))]).unwrap();
        assert_eq!((wrapped.pt, wrapped.red), (61, Red::Wrap { pt: 109 }));
        let plain = find(111, &source, &[red(109, None)]).unwrap();
        assert_eq!((plain.pt, plain.red), (109, Red::None));
    }
}
