//! Where a mixer's output goes.

use std::time::{Duration, Instant};

use super::options::{ClassIndex, Frame, TapKey, Wanted};
use crate::mcu::{MadePacket, PortId};

/// Takes what a [`VideoMixer`](super::VideoMixer) produces.
pub trait VideoSink {
    /// A packet of a class, for all its viewers; the packets of a picture come in a row.
    fn packet(&mut self, class: ClassIndex, packet: MadePacket, keyframe: bool);

    /// A picture for an application.
    fn frame(&mut self, tap: TapKey, frame: Frame<'_>, captured: Instant);

    /// What is worth sending of a port changed. `None`: nothing, it is not shown.
    fn wanted(&mut self, port: PortId, wanted: Option<Wanted>);

    /// A port's decoder waits for a keyframe; comes at most every 500 ms until there is one.
    fn keyframe_needed(&mut self, port: PortId);

    /// Time of the thread, for the figures of decoding and encoding; `None` counts none.
    fn clock(&self) -> Option<Duration> {
        None
    }
}
