//! Whether pictures are shown in the order in which they are decoded. Where they are not, their time of
//! composition changes from one to the next; some encoders have one that is not 0 and always the same,
//! which is harmless.

use super::timeline::Placed;
use crate::ingest::VideoFrame;

/// Milliseconds. More is a mistake of the sender's.
const MAX_DELAY: u32 = 2_000;
/// Milliseconds that rounding makes of nothing.
const ROUNDING: u32 = 2;

/// Looks at the times of composition of a stream.
#[derive(Default)]
pub struct Order {
    /// Of the first frame.
    composition: Option<i32>,
    /// The first frame, until the second shows whether it may be shown.
    first: Option<(Placed, Vec<u8>)>,
}

/// What is known with one more frame.
pub enum Ordered {
    /// It waits for the next one.
    Held,
    /// It is to be shown now, behind the one that waited, if one did.
    Shown(Option<(Placed, Vec<u8>)>),
    /// This one, or one that comes, is to be shown before another that was decoded earlier. With the
    /// one that waited.
    Reordered(Option<(Placed, Vec<u8>)>),
}

impl Order {
    /// How much later than it is decoded a frame is shown, as far as that is the same for all: it is what
    /// sound has to be in step with. 0 of a frame that shows that it is not.
    pub fn delay(&self, frame: &VideoFrame<'_>) -> i32 {
        let first = self.composition.unwrap_or(frame.composition);
        let same = first.abs_diff(frame.composition) <= ROUNDING;
        if same && first.unsigned_abs() <= MAX_DELAY { first } else { 0 }
    }

    /// Whether the first frame waits for the next one.
    pub fn is_holding(&self) -> bool {
        self.first.is_some()
    }

    /// What the first frame was placed later by, while it waits.
    pub fn held_delay(&self) -> i32 {
        let delay = self.composition.filter(|_| self.is_holding()).unwrap_or(0);
        if delay.unsigned_abs() <= MAX_DELAY { delay } else { 0 }
    }

    /// Takes the next frame.
    pub fn take(&mut self, placed: Placed, frame: &VideoFrame<'_>) -> Ordered {
        // The beginning is what the others are measured by, or they could creep away.
        let Some(first) = self.composition else {
            self.composition = Some(frame.composition);
            if frame.composition.unsigned_abs() <= ROUNDING {
                return Ordered::Shown(None);
            }
            self.first = Some((placed, frame.data.to_vec()));
            return Ordered::Held;
        };
        if first.abs_diff(frame.composition) > ROUNDING {
            return Ordered::Reordered(self.first.take());
        }
        Ordered::Shown(self.first.take())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::codec::Codec;

    /// What becomes of frames with these times: held, shown (with how many), or reordered.
    fn outcome(compositions: &[i32]) -> String {
        let mut order = Order::default();
        let placed = Placed { media: 0, captured: Instant::now() };
        let mut outcome = String::new();
        for composition in compositions {
            let codec = Codec::H264;
            let frame = VideoFrame { codec, keyframe: true, composition: *composition, data: &[1] };
            outcome += match order.take(placed, &frame) {
                Ordered::Held => "h",
                Ordered::Shown(None) => "1",
                Ordered::Shown(Some(_)) => "2",
                Ordered::Reordered(_) => "x",
            };
        }
        outcome
    }

    #[test]
    fn nothing_of_a_stream_with_b_frames_is_shown() {
        // x264 with two B-frames: I P B B.
        assert_eq!(outcome(&[66, 133]), "hx");
        assert_eq!(outcome(&[0, 100]), "1x", "found with the first that shows it");
    }

    #[test]
    fn what_stays_of_the_composition_time_is_when_pictures_are_shown() {
        let mut order = Order::default();
        let placed = Placed { media: 0, captured: Instant::now() };
        let mut delay = |composition| {
            let codec = Codec::H264;
            let frame = VideoFrame { codec, keyframe: true, composition, data: &[1] };
            let delay = order.delay(&frame);
            order.take(placed, &frame);
            delay
        };
        assert_eq!([80, 80, 81, 200, 80].map(&mut delay), [80, 80, 80, 0, 80]);
    }

    #[test]
    fn a_composition_time_that_stays_is_harmless() {
        assert_eq!(outcome(&[0, 0, 0, 1, 0]), "11111");
        assert_eq!(outcome(&[33, 33, 34, 33, 32]), "h2111");
        assert_eq!(outcome(&[33, 35, 37, 39]), "h2xx", "measured by the first");
    }
}
