//! Where in an encoding a receiver's stream can begin.

use super::packet::SourcePacket;
use crate::codec::Kind;

/// A sequence that lies this far behind is taken for a sender that began anew. The value is
/// MAX_DROPOUT of RFC 3550 A.1.
const MAX_LATENESS: u64 = 3000;

/// Watches all packets of one encoding and says at which of them a stream can begin.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct SwitchPoint {
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The highest sequence so far.
    newest: u64,
    timestamp: u32,
    /// Nothing is missing of the frame so far.
    complete: bool,
}

impl SwitchPoint {
    /// Whether a stream that was not forwarded so far can begin with `packet`: audio with any,
    /// video with a keyframe.
    pub(super) fn observe(&mut self, packet: &SourcePacket) -> bool {
        let complete = match self.seen {
            Some(seen) if packet.sequence <= seen.newest => {
                if seen.newest - packet.sequence < MAX_LATENESS {
                    // Packets after this one went by; beginning here would make them a loss that
                    // nobody can repair.
                    return false;
                }
                true
            }
            Some(seen) => {
                let follows = packet.sequence == seen.newest + 1;
                follows && (packet.timestamp != seen.timestamp || seen.complete)
            }
            None => true,
        };
        let (newest, timestamp) = (packet.sequence, packet.timestamp);
        self.seen = Some(Seen { newest, timestamp, complete });
        if packet.payload.is_empty() {
            return false;
        }
        let description = &packet.description;
        packet.codec.kind() == Kind::Audio
            || description.keyframe && (description.keyframe_complete || complete)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Source;
    use super::*;
    use crate::codec::{Codec, Description};

    #[test]
    fn audio_can_begin_anywhere_but_at_padding() {
        let mut source = Source::new(Codec::Opus);
        let mut point = SwitchPoint::default();
        assert!(!point.observe(&source.padding()));
        assert!(point.observe(&source.packet()));
        assert!(point.observe(&source.packet()));
    }

    #[test]
    fn video_can_begin_at_a_keyframe_only() {
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
            let mut source = Source::new(codec);
            let mut point = SwitchPoint::default();
            assert!(!point.observe(&source.packet()), "{codec}");
            assert!(point.observe(&source.keyframe()), "{codec}");
            assert!(!point.observe(&source.packet()), "{codec}");
        }
    }

    #[test]
    fn a_keyframe_that_comes_after_packets_behind_it_is_no_beginning() {
        let mut source = Source::new(Codec::Vp8);
        let mut point = SwitchPoint::default();
        let frame = source.frame(true, 2);
        assert!(!point.observe(&frame[1]));
        assert!(!point.observe(&frame[0]));
    }

    #[test]
    fn an_idr_slice_is_a_beginning_when_nothing_of_its_frame_is_missing() {
        let mut source = Source::new(Codec::H264);
        let delta = source.packet();
        let mut idr = source.packet();
        idr.payload = vec![0x65, 0x88].into();
        idr.description = Description::parse(Codec::H264, &idr.payload, None);
        let mut point = SwitchPoint::default();
        point.observe(&delta);
        assert!(point.observe(&idr));
    }

    #[test]
    fn an_idr_slice_whose_parameter_sets_were_lost_is_no_beginning() {
        let mut source = Source::new(Codec::H264);
        let mut point = SwitchPoint::default();
        point.observe(&source.packet());
        let frame = source.frame(true, 2);
        assert!(frame[1].description.keyframe);
        assert!(!point.observe(&frame[1]));
    }

    #[test]
    fn a_sender_that_began_anew_far_behind_is_followed() {
        let mut source = Source::new(Codec::Vp8);
        source.sequence = 50_000;
        let mut point = SwitchPoint::default();
        point.observe(&source.packet());
        source.sequence = 100;
        assert!(point.observe(&source.keyframe()));
    }
}
