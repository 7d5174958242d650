//! Which layers of an encoding a receiver gets, frame by frame. Layers are given up at the next
//! picture; they are taken up where the payload descriptor or the dependency descriptor says that
//! nothing is needed which the receiver has not got.
//!
//! The layers are those of temporal scalability and of SVC (scalable video coding); encodings of a
//! simulcast are chosen in [`transponder`](super::transponder).

use std::mem;

use super::packet::SourcePacket;
use crate::codec::dependency_descriptor::{Dependencies, Frame, Indication};
use crate::codec::vp8::Vp8Descriptor;
use crate::codec::vp9::Vp9Descriptor;
use crate::codec::{Descriptor, Layer};

#[derive(Clone, Copy, Debug)]
pub(super) struct LayerSelector {
    /// What there should be at most.
    target: Layer,
    /// What there is at most.
    current: Layer,
    /// Timestamp of the newest picture.
    picture: Option<u32>,
    /// A layer of the target comes, and only a keyframe makes it one that can be forwarded.
    blocked: bool,
    /// Spatial layers of VP9 that were left out since the last keyframe because those above do not need
    /// them, a bit each.
    passed_over: u8,
    /// The highest spatial layer of VP9 that came since the last keyframe, in which all come.
    top: u8,
    /// Of the newest picture of VP9 something was left out because no layer above needs it; something went
    /// out.
    passed: bool,
    went: bool,
    /// Pictures in a row of which all was left out for that reason.
    ceased: u8,
    frames: ForwardedFrames,
}

/// So many pictures without their highest layer, and it has ceased: senders give it up without a keyframe,
/// and what is left of them refers to what was left out.
const CEASED: u8 = 3;

impl LayerSelector {
    pub(super) fn new() -> Self {
        Self {
            target: Layer::HIGHEST,
            current: Layer::HIGHEST,
            picture: None,
            blocked: false,
            passed_over: 0,
            top: 0,
            passed: false,
            went: false,
            ceased: 0,
            frames: ForwardedFrames::default(),
        }
    }

    /// What should be forwarded from now on, as far as it comes.
    pub(super) fn set_target(&mut self, target: Layer) {
        if self.target != target {
            self.target = target;
            self.blocked = false;
        }
    }

    /// Begins with a keyframe, with which all layers begin.
    pub(super) fn start(&mut self, target: Layer) {
        *self = Self { target, current: target, ..Self::new() };
    }

    pub(super) fn current(&self) -> Layer {
        self.current
    }

    pub(super) fn wants_keyframe(&self) -> bool {
        self.blocked
    }

    /// Whether a packet goes out, and with which marker. The marker ends a picture, so it belongs
    /// to the last packet of the highest layer that is forwarded (RFC 9628 4.1).
    pub(super) fn decide(&mut self, packet: &SourcePacket) -> Option<bool> {
        let description = &packet.description;
        let newer =
            self.picture.is_none_or(|picture| (packet.timestamp.wrapping_sub(picture) as i32) > 0);
        if newer {
            self.picture = Some(packet.timestamp);
        }
        let goes = match (&description.frame, &description.descriptor) {
            (Some(frame @ Frame { dependencies: Some(dependencies), .. }), _) => {
                self.decide_by_dependencies(frame, dependencies, newer)
            }
            (_, Descriptor::Vp8(vp8)) => {
                self.decide_vp8(vp8, newer, description.keyframe, description.layer)
            }
            (_, Descriptor::Vp9(vp9)) => {
                self.decide_vp9(vp9, newer, description.keyframe, description.layer)
            }
            _ => true,
        };
        let ends = description.frame_end && description.layer.spatial == self.current.spatial;
        goes.then_some(packet.marker || ends)
    }

    /// At the first packet of a picture: what is too much goes, and with a keyframe all comes.
    fn begin_picture(&mut self, keyframe: bool) {
        if keyframe {
            self.current = self.target;
            (self.blocked, self.passed_over, self.top, self.ceased) = (false, 0, 0, 0);
        }
        self.current.temporal = self.current.temporal.min(self.target.temporal);
        if self.target.spatial >= self.current.spatial {
            return;
        }
        if self.passed_over >> self.target.spatial & 1 == 0 {
            self.current.spatial = self.target.spatial;
        } else {
            // The way down waits for a keyframe; until then the link has to carry less already.
            self.current.temporal = 0;
            self.blocked = true;
        }
    }

    /// RFC 7741 4.2: a frame with Y depends on the base layer alone.
    fn decide_vp8(
        &mut self,
        vp8: &Vp8Descriptor,
        newer: bool,
        keyframe: bool,
        layer: Layer,
    ) -> bool {
        if newer {
            self.begin_picture(keyframe);
            let up = self.current.temporal + 1..=self.target.temporal;
            if vp8.layer_sync && up.contains(&layer.temporal) {
                self.current.temporal = layer.temporal;
            }
        }
        layer.temporal <= self.current.temporal
    }

    /// RFC 9628 4.2: behind a picture with U, higher temporal layers depend on nothing before it
    /// that is higher than the picture itself. A frame without P needs only the layers below it in
    /// its own picture.
    fn decide_vp9(
        &mut self,
        vp9: &Vp9Descriptor,
        newer: bool,
        keyframe: bool,
        layer: Layer,
    ) -> bool {
        if newer {
            let (passed, went) = (mem::take(&mut self.passed), mem::take(&mut self.went));
            self.ceased = match (passed, went) {
                (_, true) => 0,
                (true, false) => self.ceased.saturating_add(1),
                (false, false) => self.ceased,
            };
            self.begin_picture(keyframe);
            self.blocked |= self.ceased >= CEASED;
            let up = vp9.layer.is_some_and(|layer| layer.switching_up);
            let down = self.target.spatial < self.current.spatial;
            if up && !down && layer.temporal <= self.current.temporal {
                self.current.temporal = self.target.temporal;
            }
        }
        self.top = self.top.max(layer.spatial);
        if layer.temporal > self.current.temporal {
            return false;
        }
        let next = layer.spatial == self.current.spatial + 1 && vp9.frame_start;
        if next && !vp9.inter_picture && layer.spatial <= self.target.spatial {
            self.current.spatial = layer.spatial;
            self.blocked = false;
        }
        if layer.spatial > self.current.spatial {
            self.blocked |= layer.spatial <= self.target.spatial;
            return false;
        }
        // Z: no layer above needs it, as in L3T3_KEY outside of keyframes. To send it all the same would
        // take a third of the link for a way down without a keyframe.
        let above = layer.spatial < self.current.spatial.min(self.top);
        let needless = above && vp9.not_reference_above;
        if needless && vp9.inter_picture {
            self.passed_over |= 1u8.checked_shl(layer.spatial.into()).unwrap_or(0);
            self.passed = true;
            return false;
        }
        self.went = true;
        true
    }

    /// AV1 RTP payload format, appendix A.
    fn decide_by_dependencies(
        &mut self,
        frame: &Frame,
        dependencies: &Dependencies,
        newer_picture: bool,
    ) -> bool {
        let newer_frame = self.frames.advance(frame.number);
        if newer_frame && let Some(best) = dependencies.targets.best_within(self.target) {
            self.retarget(frame, dependencies, best, newer_picture);
        }
        let goes = dependencies
            .targets
            .indication(self.current)
            .is_none_or(|indication| indication != Indication::NotPresent);
        if goes {
            self.frames.insert(frame.number);
        }
        goes
    }

    /// Moves to the decode target `best`, or towards it, if this frame is where that can be done.
    fn retarget(
        &mut self,
        frame: &Frame,
        dependencies: &Dependencies,
        best: Layer,
        newer_picture: bool,
    ) {
        if frame.keyframe() {
            self.current = best;
        }
        let current = self.current;
        if current == best {
            self.blocked = false;
            return;
        }
        let same_stream = !dependencies.simulcast || best.spatial == current.spatial;
        let decodable = dependencies.references.within(self.frames.before(frame.number));
        if newer_picture && same_stream {
            self.give_up(dependencies, best, decodable);
        }
        // Who can decode a frame with the indication "switch" can decode all that follows.
        if decodable {
            let reachable = Layer::all().filter(|target| {
                let targets = &dependencies.targets;
                let towards = target.within(best) && self.current.within(*target)
                    || dependencies.simulcast && *target == best;
                towards
                    && targets.indication(*target) == Some(Indication::Switch)
                    && targets.intact(*target)
            });
            if let Some(target) = reachable.last() {
                self.current = target;
            }
        }
        self.blocked = self.current.spatial != best.spatial;
    }

    /// Gives up what is above `best`. Where spatial layers need those below in keyframes alone (as in
    /// L3T3_KEY) these went out with keyframes alone, and the picture's first frame is not `decodable`.
    /// Where they need them always, those went out, also where this frame itself is of a temporal layer
    /// that did not.
    fn give_up(&mut self, dependencies: &Dependencies, best: Layer, decodable: bool) {
        self.current.temporal = self.current.temporal.min(best.temporal);
        if best.spatial >= self.current.spatial {
            return;
        }
        let lowest = Layer::new(self.current.spatial, 0);
        let temporal = dependencies.layer.temporal.max(self.current.temporal);
        let with_those_above = dependencies
            .targets
            .indication(Layer::new(self.current.spatial, temporal))
            .is_some_and(|indication| indication != Indication::NotPresent);
        if decodable || with_those_above {
            self.current.spatial = best.spatial;
        } else if dependencies.targets.indication(lowest).is_some() {
            // The way down waits for a keyframe; until then the link has to carry less already.
            self.current = lowest;
        }
    }
}

/// Which of the last frames went out, by the source's frame numbers.
#[derive(Clone, Copy, Default, Debug)]
struct ForwardedFrames {
    newest: Option<u16>,
    /// Bit n: the frame n before the newest.
    sent: u64,
}

impl ForwardedFrames {
    /// Takes note of a frame; true when it is the newest.
    fn advance(&mut self, number: u16) -> bool {
        match self.newest.map(|newest| number.wrapping_sub(newest)) {
            None => {}
            Some(ahead @ 1..0x8000) => {
                self.sent = self.sent.checked_shl(ahead.into()).unwrap_or(0);
            }
            // More packets of the newest frame are no news.
            Some(_) => return false,
        }
        self.newest = Some(number);
        true
    }

    fn insert(&mut self, number: u16) {
        let behind = self.newest.map_or(0, |newest| newest.wrapping_sub(number));
        self.sent |= 1u64.checked_shl(behind.into()).unwrap_or(0);
    }

    /// The frames before the newest, bit n the one n + 1 before it.
    fn before(&self, number: u16) -> u64 {
        debug_assert_eq!(self.newest, Some(number));
        self.sent >> 1
    }
}

#[cfg(test)]
mod tests;
