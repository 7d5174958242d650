//! One rendition on its way: packets of the track that feeds it, until they are fragments.

use std::time::{Duration, Instant};

use super::error::HlsError;
use super::pace::{EARLY, Pace};
use super::still::Still;
use crate::codec::configuration::{Configuration, store};
use crate::codec::frame::EncodedFrame;
use crate::codec::packet::TakenPacket;
use crate::codec::{Codec, Kind, opus};
use crate::container::mp4::Fragmenter;
use crate::container::{Frame, TrackEntry};
use crate::control::hls::RenditionStats;
use crate::control::ids::RecordedTrackId;
use crate::engine::recorder::{Line, larger};
use crate::hls::{Format, Publication, Stream};

/// Keyframes in a row that may be unreadable.
const MAX_UNREADABLE: u32 = 3;
/// What was not looked at for so long does not go on where it stopped: there was no turn, or no clock.
const GAP: Duration = Duration::from_secs(10);
/// What does not come is waited for so much longer than frames took lately.
const PATIENCE: Duration = Duration::from_millis(250);
/// The keyframe of the next segment is asked for so long before, and again after a while.
const AHEAD: Duration = Duration::from_millis(150);
const ASK_AGAIN: Duration = Duration::from_millis(750);

pub(super) struct Lane {
    line: Line,
    fragments: Option<Fragments>,
    pace: Pace,
    still: Still,
    silence: Option<Silence>,
    /// Time of the stream when it was last looked at, and how long frames took to be there, lately.
    live: Duration,
    lag: Duration,
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

/// What is heard while no sound comes.
#[derive(Clone, Copy)]
struct Silence {
    packet: [u8; 1],
    length: Duration,
    /// From when on, if nothing comes.
    begin: Duration,
    /// What was heard last is silence already.
    heard: bool,
}

/// How a frame goes on from those before.
enum Next {
    Same,
    /// By another initialization segment.
    Other(Configuration),
    /// Not at all.
    Nothing,
}

impl Lane {
    pub(super) fn new(line: Line, part: Duration) -> Self {
        Self {
            fragments: None,
            pace: Pace::new(line.kind(), part),
            still: Still::new(part),
            silence: None,
            live: Duration::ZERO,
            lag: Duration::ZERO,
            unreadable: 0,
            asked: None,
            frames: 0,
            keyframes: 0,
            stored: Vec::new(),
            line,
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
            || !stream.wants_segment(self.id(), AHEAD + self.pace.age(self.live))
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
        self.live = now.saturating_duration_since(begun);
        while let Some(frame) = self.line.poll(now) {
            // What a source without keyframes on request kept is older than the stream may be.
            let time = frame.captured.saturating_duration_since(begun);
            self.lag = self.live.saturating_sub(time).max(self.lag * 63 / 64);
            let result = self.take(time, &frame, &entry, stream);
            self.line.give_back(frame.parts);
            result?;
        }
        if !self.line.is_waiting(now) {
            self.fill(self.live.saturating_sub(self.lag + PATIENCE), stream);
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
        let early = if self.kind() == Kind::Video { EARLY } else { Duration::ZERO };
        self.fill(time.saturating_sub(early), stream);
        if self.pace.behind(time) > stream.shape().longest_frame() {
            self.interrupt(time, stream);
        }
        let Some(time) = self.after_silence(time) else { return Ok(()) };
        let next = self.next(frame)?;
        let age = self.pace.age(time);
        let ends = match next {
            Next::Nothing => return Ok(()),
            Next::Other(_) => true,
            Next::Same => {
                self.kind() == Kind::Video && frame.keyframe && stream.takes_segment(self.id(), age)
            }
        };
        self.frames += 1;
        self.keyframes += u64::from(frame.keyframe);
        let place = self.pace.place(time, ends);
        let full = place.ends && stream.is_full(self.id(), age);
        if place.ends {
            let sound = self.kind() == Kind::Audio;
            let last = ends || full || (sound && self.is_due(age, stream));
            self.cut(place.time, last, stream);
        }
        let mut time = place.time;
        if let Next::Other(configuration) = next {
            self.begin(frame, configuration, entry, stream)?;
        } else if full && !frame.keyframe && self.repeat(time, stream) {
            // A segment that begins with no keyframe is none to begin with, and hls.js stops at it.
            time = self.pace.follow();
        }
        let mut stored = std::mem::take(&mut self.stored);
        stored.clear();
        store(frame.codec, &frame.parts.data, &frame.parts.starts, &mut stored);
        match self.kind() {
            Kind::Video => self.still.push(frame.keyframe, &stored),
            Kind::Audio => self.silence = Silence::after(time, &stored),
        }
        self.append(time, frame.keyframe, &stored, stream);
        self.stored = stored;
        Ok(())
    }

    /// What goes on with this frame: it always does with a keyframe that can be read, which may be of
    /// another kind than those before.
    fn next(&mut self, frame: &EncodedFrame) -> Result<Next, HlsError> {
        let codec = frame.codec;
        let known = self.fragments.as_ref().filter(|known| known.codec == codec);
        if self.fragments.is_some() && !frame.keyframe {
            return Ok(Next::Same);
        }
        if known.is_some() && self.kind() == Kind::Audio {
            return Ok(Next::Same);
        }
        if !frame.keyframe {
            self.line.broken = true;
            return Ok(Next::Nothing);
        }
        let Some(mut configuration) = Configuration::of(codec, &frame.parts.data) else {
            self.line.broken = true;
            self.unreadable += 1;
            let unreadable = self.unreadable > MAX_UNREADABLE;
            return if unreadable { Err(HlsError::Unreadable(codec)) } else { Ok(Next::Nothing) };
        };
        self.unreadable = 0;
        self.line.broken = false;
        if codec == Codec::Vp9 {
            let size = larger(configuration.size, self.line.announced);
            configuration = configuration.with_size(size);
        }
        let same = known.is_some_and(|known| {
            known.configuration == configuration && known.rotation == frame.rotation
        });
        Ok(if same { Next::Same } else { Next::Other(configuration) })
    }

    /// Frames from here on are of another kind.
    fn begin(
        &mut self,
        frame: &EncodedFrame,
        configuration: Configuration,
        entry: &impl Fn(Codec) -> TrackEntry,
        stream: &Stream,
    ) -> Result<(), HlsError> {
        let (codec, rotation) = (frame.codec, frame.rotation);
        let mut fragmenter = Fragmenter::by_hand();
        let size = configuration.size;
        let made = TrackEntry { configuration: configuration.clone(), rotation, ..entry(codec) };
        let track = fragmenter.add_track(&made).map_err(|error| HlsError::of(codec, &error))?;
        let format = Format { codec: fragmenter.codecs().pop().unwrap_or_default(), size };
        let init = fragmenter.init();
        self.fragments = Some(Fragments { fragmenter, codec, configuration, rotation, track });
        stream.publish(self.id(), Publication::Begin(format, init));
        Ok(())
    }

    fn append(&mut self, time: Duration, keyframe: bool, data: &[u8], stream: &Stream) {
        let Some(Fragments { fragmenter, track, .. }) = &mut self.fragments else { return };
        let frame = Frame { track: *track, time, keyframe, data };
        if let Some(fragment) = fragmenter.push(&frame) {
            let last = false;
            stream.publish(self.line.id(), Publication::Fragment { fragment, last });
        }
    }

    /// Ends a part; `last`: the segment, too.
    fn cut(&mut self, time: Duration, last: bool, stream: &Stream) {
        let Some(Fragments { fragmenter, .. }) = &mut self.fragments else { return };
        if let Some(fragment) = fragmenter.cut(time) {
            stream.publish(self.line.id(), Publication::Fragment { fragment, last });
        }
    }

    /// Whether a segment ends with a part of this length where whatever follows can begin one.
    fn is_due(&self, age: Duration, stream: &Stream) -> bool {
        stream.wants_segment(self.id(), age + stream.shape().part / 2)
    }

    /// Shows and lets hear something where nothing came until then.
    fn fill(&mut self, until: Duration, stream: &Stream) {
        if self.pace.behind(until) > GAP {
            return;
        }
        match self.kind() {
            Kind::Video => {
                while let Some(limit) = self.pace.limit().filter(|limit| *limit <= until)
                    && self.show_again(limit, stream)
                {}
            }
            Kind::Audio => {
                while let Some(silence) = self.silence
                    && self.fragments.is_some()
                    && silence.begin + silence.length * 3 / 4 <= until
                {
                    let age = self.pace.age(silence.begin);
                    let place = self.pace.place(silence.begin, false);
                    if place.ends {
                        self.cut(place.time, self.is_due(age, stream), stream);
                    }
                    self.append(place.time, true, &silence.packet, stream);
                    let begin = place.time + silence.length;
                    self.silence = Some(Silence { begin, heard: true, ..silence });
                }
            }
        }
    }

    /// Begins a part with the last picture.
    fn show_again(&mut self, begin: Duration, stream: &Stream) -> bool {
        if self.fragments.is_none() || self.still.is_empty() {
            return false;
        }
        let age = self.pace.age(begin);
        let last = stream.is_full(self.id(), age) || self.is_due(age, stream);
        self.cut(begin, last, stream);
        self.repeat(begin, stream)
    }

    /// Shows the last picture in a part that begins. `false`: there is none.
    fn repeat(&mut self, begin: Duration, stream: &Stream) -> bool {
        let still = std::mem::take(&mut self.still);
        let mut last = None;
        for (keyframe, time, picture) in still.pictures(begin) {
            self.append(time, keyframe, picture, stream);
            last = Some(time);
        }
        self.still = still;
        if let Some(last) = last {
            self.pace.fill(begin, last);
        }
        last.is_some()
    }

    /// When sound is heard that came at `time`, if it was not given up already.
    fn after_silence(&self, time: Duration) -> Option<Duration> {
        let Some(silence) = self.silence.filter(|silence| silence.heard) else { return Some(time) };
        (time + silence.length / 2 >= silence.begin).then(|| time.max(silence.begin))
    }

    /// Time does not go on where it stopped.
    fn interrupt(&mut self, time: Duration, stream: &Stream) {
        if let Some(mut fragments) = self.fragments.take()
            && let Some(fragment) = fragments.fragmenter.finish()
        {
            let last = true;
            stream.publish(self.id(), Publication::Fragment { fragment, last });
        }
        self.pace.interrupt();
        self.silence = None;
        stream.publish(self.id(), Publication::Interrupt(time));
    }

    /// Nobody watches: what is there goes, and it begins with a keyframe again.
    pub(super) fn rest(&mut self, part: Duration) {
        self.fragments = None;
        self.pace = Pace::new(self.kind(), part);
        self.still.clear();
        self.silence = None;
        self.lag = Duration::ZERO;
        self.line.begin_anew();
    }

    pub(super) fn stats(&self, stream: &Stream) -> RenditionStats {
        let mut stats = stream.rendition_stats(self.id());
        (stats.id, stats.frames, stats.keyframes) = (self.id().0, self.frames, self.keyframes);
        stats.frames_lost = self.line.stats().frames_lost;
        stats
    }
}

impl Silence {
    /// After this packet.
    fn after(time: Duration, packet: &[u8]) -> Option<Self> {
        let length = |packet: &[u8]| {
            Some(Duration::from_secs(1) * opus::packet_samples(packet)? / opus::RATE)
        };
        let silence = opus::nothing_like(packet);
        let (begin, length) = (time + length(packet)?, length(&silence)?);
        Some(Self { packet: silence, length, begin, heard: false })
    }
}
