//! One rendition on its way: packets of the track that feeds it, until they are fragments.

use std::time::{Duration, Instant};

use super::error::HlsError;
use crate::codec::configuration::{Configuration, store};
use crate::codec::frame::EncodedFrame;
use crate::codec::packet::TakenPacket;
use crate::codec::{Codec, Kind};
use crate::container::mp4::Fragmenter;
use crate::container::{Frame, TrackEntry};
use crate::control::hls::RenditionStats;
use crate::control::ids::RecordedTrackId;
use crate::engine::recorder::{Line, larger};
use crate::hls::{Format, Publication, Stream};

/// Keyframes in a row that may be unreadable.
const MAX_UNREADABLE: u32 = 3;
/// Between two frames, at least.
const STEP: Duration = Duration::from_millis(1);
/// A track that is silent for so long does not go on where it stopped, or sooner where segments are short.
const GAP: Duration = Duration::from_secs(3);
/// The keyframe of the next segment is asked for so long before, and again after a while.
const AHEAD: Duration = Duration::from_millis(150);
const ASK_AGAIN: Duration = Duration::from_millis(750);

pub(super) struct Lane {
    line: Line,
    /// Its place in the stream.
    rendition: usize,
    fragments: Option<Fragments>,
    last: Option<Duration>,
    unreadable: u32,
    asked: Option<Instant>,
    frames: u64,
    keyframes: u64,
    /// A frame as a file has it; reused.
    stored: Vec<u8>,
}

/// Frames on their way into fragments, as long as they are of one kind.
struct Fragments {
    fragmenter: Fragmenter,
    codec: Codec,
    configuration: Configuration,
    rotation: u8,
    track: u8,
}

impl Lane {
    pub(super) fn new(line: Line, rendition: usize) -> Self {
        Self {
            line,
            rendition,
            fragments: None,
            last: None,
            unreadable: 0,
            asked: None,
            frames: 0,
            keyframes: 0,
            stored: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> RecordedTrackId {
        self.line.id()
    }

    pub(super) fn kind(&self) -> Kind {
        self.line.kind()
    }

    /// What feeds it counts anew.
    pub(super) fn begin_anew(&mut self) {
        self.line.begin_anew();
    }

    pub(super) fn receive(&mut self, now: Instant, packet: &TakenPacket, to_reported: Option<i32>) {
        self.line.receive(now, packet, to_reported);
    }

    /// Whether to ask for a keyframe now: because something was lost, or for the next segment.
    pub(super) fn wants_keyframe(&mut self, now: Instant, stream: &Stream) -> bool {
        if self.line.wants_keyframe(now) {
            self.asked = Some(now);
            return true;
        }
        let recent = |at: Instant| now.saturating_duration_since(at) < ASK_AGAIN;
        if self.kind() != Kind::Video
            || self.fragments.is_none()
            || self.asked.is_some_and(recent)
            || !stream.wants_segment(self.rendition, AHEAD)
        {
            return false;
        }
        self.asked = Some(now);
        true
    }

    /// Gives the stream what came. `begun` is the beginning of its time.
    pub(super) fn publish(
        &mut self,
        now: Instant,
        begun: Instant,
        entry: impl Fn(Codec) -> TrackEntry,
        stream: &Stream,
    ) -> Result<(), HlsError> {
        while let Some(frame) = self.line.poll(now) {
            // What a source without keyframes on request kept is older than the stream may be.
            let time = frame.captured.saturating_duration_since(begun);
            let result = self.take(time, &frame, &entry, stream);
            self.line.give_back(frame.parts);
            result?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        time: Duration,
        frame: &EncodedFrame,
        entry: &impl Fn(Codec) -> TrackEntry,
        stream: &Stream,
    ) -> Result<(), HlsError> {
        let longest = stream.shape().longest_frame().min(GAP);
        let gap = self.last.is_some_and(|last| time > last + longest);
        let time = self.last.map_or(time, |last| time.max(last + STEP));
        if gap {
            self.flush(stream);
            stream.publish(self.rendition, Publication::Interrupt(time));
        }
        if (frame.keyframe || self.fragments.is_none()) && !self.begin_with(frame, entry, stream)? {
            return Ok(());
        }
        let Some(fragments) = &mut self.fragments else { return Ok(()) };
        self.last = Some(time);
        self.frames += 1;
        self.keyframes += u64::from(frame.keyframe);
        self.stored.clear();
        store(frame.codec, &frame.parts.data, &frame.parts.starts, &mut self.stored);
        let (track, keyframe) = (fragments.track, frame.keyframe);
        let frame = Frame { track, time, keyframe, data: &self.stored };
        if let Some(fragment) = fragments.fragmenter.push(&frame) {
            stream.publish(self.rendition, Publication::Fragment(fragment));
        }
        Ok(())
    }

    /// Whether it goes on with this frame: it always does with a keyframe that can be read, which may
    /// be of another kind than those before.
    fn begin_with(
        &mut self,
        frame: &EncodedFrame,
        entry: &impl Fn(Codec) -> TrackEntry,
        stream: &Stream,
    ) -> Result<bool, HlsError> {
        let codec = frame.codec;
        let known = self.fragments.as_ref().filter(|known| known.codec == codec);
        if known.is_some() && self.kind() == Kind::Audio {
            return Ok(true);
        }
        if !frame.keyframe {
            self.line.broken = true;
            return Ok(false);
        }
        let Some(mut configuration) = Configuration::of(codec, &frame.parts.data) else {
            self.line.broken = true;
            self.unreadable += 1;
            let unreadable = self.unreadable > MAX_UNREADABLE;
            return if unreadable { Err(HlsError::Unreadable(codec)) } else { Ok(false) };
        };
        self.unreadable = 0;
        self.line.broken = false;
        if codec == Codec::Vp9 {
            let size = larger(configuration.size, self.line.announced);
            configuration = configuration.with_size(size);
        }
        let rotation = frame.rotation;
        let same =
            |known: &Fragments| known.configuration == configuration && known.rotation == rotation;
        if known.is_some_and(same) {
            return Ok(true);
        }
        self.flush(stream);
        let part = stream.shape().part;
        let mut fragmenter = Fragmenter::new(part, Duration::ZERO);
        let size = configuration.size;
        let made = TrackEntry { configuration: configuration.clone(), rotation, ..entry(codec) };
        let track = fragmenter.add_track(&made).map_err(|error| HlsError::of(codec, &error))?;
        let format = Format { codec: fragmenter.codecs().pop().unwrap_or_default(), size };
        let init = fragmenter.init();
        self.fragments = Some(Fragments { fragmenter, codec, configuration, rotation, track });
        stream.publish(self.rendition, Publication::Begin(format, init));
        Ok(true)
    }

    /// Nobody watches: what is there goes, and it begins with a keyframe again.
    pub(super) fn rest(&mut self) {
        self.fragments = None;
        self.last = None;
        self.line.begin_anew();
    }

    /// Nothing will come of it.
    pub(super) fn fail(&self, stream: &Stream) {
        stream.publish(self.rendition, Publication::Failed);
    }

    fn flush(&mut self, stream: &Stream) {
        let Some(mut fragments) = self.fragments.take() else { return };
        if let Some(fragment) = fragments.fragmenter.finish() {
            stream.publish(self.rendition, Publication::Fragment(fragment));
        }
    }

    pub(super) fn stats(&self, stream: &Stream) -> RenditionStats {
        let mut stats = stream.rendition_stats(self.rendition);
        (stats.id, stats.frames, stats.keyframes) = (self.id().0, self.frames, self.keyframes);
        stats.frames_lost = self.line.stats().frames_lost;
        stats
    }
}
