//! Whether pictures are shown in the order in which they come. RTP time is the moment at which a picture
//! is shown (RFC 6184 5.1, RFC 7798 4.1), and numbers follow the order of decoding, so that with
//! B-frames time goes back from one picture to the next. No browser can be told so: it would show the
//! picture jump.

use crate::codec::Codec;
use crate::sfu::SourcePacket;

/// How far time goes back at most for a picture that waits for others, of which there are 16 at most
/// (H.264 A.3.1, H.265 A.4.2) and more than eight a second. What goes back further is a clock that was
/// set. In ticks of 90 kHz.
const FURTHEST: u32 = 180_000;
/// Pictures in order after which a stream counts as one without B-frames: a clock that was set back a
/// little looked like one with them. Encoders that choose where to put some go on with that.
const CALM: u32 = 300;

/// Looks at one encoding.
#[derive(Default, Debug)]
pub(super) struct Order {
    ssrc: Option<u32>,
    /// Number and time of the newest packet.
    newest: Option<(u64, u32)>,
    reordered: bool,
    /// Pictures in order since the last that was not.
    calm: u32,
}

/// What is to be done with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    Free,
    /// It is one of a stream with B-frames. Told of the first of them.
    Refused {
        first: bool,
    },
}

impl Order {
    /// Whether a codec has pictures that are decoded before others that are shown earlier. VP8, VP9 and
    /// AV1 have frames that are not shown instead.
    pub(super) fn matters_of(codec: Codec) -> bool {
        matches!(codec, Codec::H264 | Codec::H265)
    }

    /// Looks at the next packet, in whatever order they come.
    pub(super) fn look(&mut self, packet: &SourcePacket) -> Passage {
        if self.ssrc != Some(packet.ssrc) {
            *self = Self { ssrc: Some(packet.ssrc), ..Self::default() };
        }
        let mut first = false;
        match self.newest {
            // Late, or again: those before it have shown what it would.
            Some((newest, _)) if packet.sequence <= newest => {}
            Some((_, time)) => {
                let back = time.wrapping_sub(packet.timestamp);
                if (1..=FURTHEST).contains(&back) {
                    first = !std::mem::replace(&mut self.reordered, true);
                    self.calm = 0;
                } else if back != 0 {
                    self.calm = self.calm.saturating_add(1);
                }
                self.newest = Some((packet.sequence, packet.timestamp));
            }
            None => self.newest = Some((packet.sequence, packet.timestamp)),
        }
        if self.reordered && self.calm >= CALM && packet.description.keyframe {
            self.reordered = false;
        }
        if self.reordered { Passage::Refused { first } } else { Passage::Free }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sfu::testing::Source;

    struct Rig {
        order: Order,
        packet: SourcePacket,
    }

    fn rig() -> Rig {
        let mut source = Source::new(Codec::Vp8);
        let packet = source.frame(false, 1).remove(0);
        Rig { order: Order::default(), packet }
    }

    impl Rig {
        /// What becomes of packets with these numbers and moments, in 40 ms: passed, first to be
        /// refused, or refused.
        fn look(&mut self, packets: &[(u64, u32)]) -> String {
            let look = |(sequence, moment): &(u64, u32)| {
                self.packet.sequence = *sequence;
                self.packet.timestamp = moment.wrapping_mul(3600);
                match self.order.look(&self.packet) {
                    Passage::Free => '.',
                    Passage::Refused { first: true } => '!',
                    Passage::Refused { first: false } => 'x',
                }
            };
            packets.iter().map(look).collect()
        }
    }

    #[test]
    fn time_that_goes_back_is_a_b_frame_and_nothing_goes_on_after_it() {
        // I P B B P B B, as they are decoded.
        let packets = [(0, 2), (1, 5), (2, 3), (3, 4), (4, 8), (5, 6), (6, 7)];
        assert_eq!(rig().look(&packets), "..!xxxx");
    }

    #[test]
    fn the_pieces_of_one_picture_and_packets_in_another_order_are_harmless() {
        let packets = [(0, 1), (1, 1), (3, 2), (2, 1), (3, 2), (5, 4), (4, 3), (6, 5)];
        assert_eq!(rig().look(&packets), "........");
    }

    #[test]
    fn time_goes_on_over_its_end() {
        let last = u32::MAX / 3600;
        let mut rig = rig();
        assert_eq!(rig.look(&[(0, last), (1, last.wrapping_add(1))]), "..");
        rig.packet.timestamp = u32::MAX - 100;
        let mut order = Order::default();
        rig.packet.sequence = 10;
        assert_eq!(order.look(&rig.packet), Passage::Free);
        (rig.packet.sequence, rig.packet.timestamp) = (11, 3500);
        assert_eq!(order.look(&rig.packet), Passage::Free);
    }

    #[test]
    fn a_clock_that_is_set_and_another_life_of_the_encoding_are_no_b_frames() {
        let mut rig = rig();
        assert_eq!(rig.look(&[(0, 1000), (1, 1001), (2, 10), (3, 11)]), "....");
        rig.packet.ssrc += 1;
        assert_eq!(rig.look(&[(4, 9), (5, 10)]), "..");
    }

    #[test]
    fn a_stream_that_has_been_in_order_for_long_goes_on_with_a_keyframe() {
        let mut rig = rig();
        assert_eq!(rig.look(&[(0, 10), (1, 9)]), ".!");
        rig.packet.description.keyframe = true;
        assert_eq!(rig.look(&[(2, 11)]), "x", "not yet");
        rig.packet.description.keyframe = false;
        let calm: Vec<_> = (3..3 + u64::from(CALM)).map(|n| (n, n as u32 + 20)).collect();
        assert!(rig.look(&calm).bytes().all(|passage| passage == b'x'));
        rig.packet.description.keyframe = true;
        assert_eq!(rig.look(&[(1000, 1000)]), ".");
        rig.packet.description.keyframe = false;
        assert_eq!(rig.look(&[(1001, 1001), (1002, 999)]), ".!", "and is told of anew");
    }
}
