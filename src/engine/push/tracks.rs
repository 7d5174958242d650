//! The tracks of one output, whatever carries them: what shards leave of them, put together to frames.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Parts;
use crate::codec::frame::{Assembler, EncodedFrame, Parts as FrameParts};
use crate::codec::{Codec, Kind};
use crate::engine::tap::{Inlet, LeftPackets, Outlet, Shards, Taker};

/// How long a packet that is missing is waited for.
const WINDOW: Duration = Duration::from_millis(200);
/// Servers cut streams at keyframes, and whoever comes later begins at one.
const KEYFRAME_EVERY: Duration = Duration::from_secs(2);
/// Between two requests because somebody new is there.
const KEYFRAME_SOON: Duration = Duration::from_millis(500);
/// The best that there is.
const BEST: (u16, u16) = (u16::MAX, u16::MAX);

/// See the module.
pub(super) struct Tracks<S: Shards> {
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    taker: Taker<Kind>,
    sound: Assembler,
    pictures: Assembler,
    /// What was captured then has the time 0.
    origin: Option<Instant>,
    /// When a keyframe was asked for last.
    asked: Option<Instant>,
}

impl<S: Shards> Tracks<S> {
    /// Takes nothing before somebody wants it: Opus, and pictures of these codecs, the first preferred.
    pub(super) fn new(parts: Parts<S>, codecs: &'static [Codec]) -> Self {
        let taker = Taker::new(parts.id.into(), Arc::clone(&parts.inlet));
        let mut taker = taker.preferring(codecs);
        taker.attach(Kind::Audio, Kind::Audio, parts.audio);
        taker.attach(Kind::Video, Kind::Video, parts.video);
        Self {
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            packets: parts.packets,
            taker,
            sound: Assembler::new(WINDOW),
            pictures: Assembler::new(WINDOW),
            origin: None,
            asked: None,
        }
    }

    /// Takes what shards have left; of pictures, what `takes` says. Gives whether the track of pictures
    /// ended.
    pub(super) fn receive(&mut self, takes: impl Fn(Codec) -> bool) -> bool {
        let mut ended = false;
        self.outlet.send_backlog();
        let notes = self.inlet.take_notes();
        let lost: Vec<_> = notes.ended.iter().flat_map(|ended| self.taker.ended(*ended)).collect();
        let lost = lost.into_iter().map(|track| (track, None));
        for (track, description) in notes.sources.into_iter().chain(lost) {
            let gone = description.is_none();
            for (kind, _) in self.taker.described(track, description) {
                self.assembler(kind).reset();
                ended |= gone && kind == Kind::Video;
            }
        }
        let Self { packets, taker, sound, pictures, .. } = self;
        while let Some(packet) = packets.poll() {
            taker.receive(&packet, |input, packet| match input.kind {
                Kind::Audio if packet.codec == Codec::Opus => {
                    packet.without_red().iter().for_each(|packet| sound.insert(packet));
                }
                Kind::Video if takes(packet.codec) => pictures.insert(packet),
                // Of a track that was something else when it was taken.
                _ => {}
            });
        }
        ended
    }

    fn assembler(&mut self, kind: Kind) -> &mut Assembler {
        match kind {
            Kind::Audio => &mut self.sound,
            Kind::Video => &mut self.pictures,
        }
    }

    /// The next whole frame of a kind.
    pub(super) fn poll(&mut self, kind: Kind, now: Instant) -> Option<EncodedFrame> {
        self.assembler(kind).poll(now)
    }

    /// Takes the memory of a frame back.
    pub(super) fn give_back(&mut self, kind: Kind, parts: FrameParts) {
        self.assembler(kind).give_back(parts);
    }

    /// How long after the first of a stream something was captured.
    pub(super) fn since_begin(&mut self, captured: Instant) -> Duration {
        captured.saturating_duration_since(*self.origin.get_or_insert(captured))
    }

    /// What follows is another stream: it begins at 0, with a keyframe.
    pub(super) fn begin_anew(&mut self) {
        (self.origin, self.asked) = (None, None);
    }

    /// Somebody is there who has to begin.
    pub(super) fn want_keyframe(&mut self, now: Instant) {
        let old = |at: Instant| now.saturating_duration_since(at) >= KEYFRAME_SOON;
        if self.asked.is_some_and(old) {
            self.asked = None;
        }
    }

    /// Has the shards send what is pushed while somebody takes it.
    pub(super) fn tap(&mut self, now: Instant, wanted: bool) {
        self.taker.update(now, |_| wanted.then_some(BEST));
        let due = self.asked.is_none_or(|at| now.saturating_duration_since(at) >= KEYFRAME_EVERY);
        if wanted && due {
            self.asked = Some(now);
            self.taker.ask_for_keyframe(Kind::Video);
        }
        self.send_messages();
    }

    /// Takes nothing any more: the shards are told.
    pub(super) fn leave(&mut self) {
        self.taker.clear();
        self.send_messages();
    }

    fn send_messages(&mut self) {
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
    }
}
