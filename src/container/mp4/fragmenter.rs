//! Frames of several tracks on their way into fragments (`moof` and `mdat`, ISO/IEC 14496-12 8.8),
//! without a word of where those go: into a file, or to viewers of a live stream one by one.
//!
//! A frame's duration is what the next one of its track tells. So the last of each track waits for
//! that one, and goes into the fragment after: a fragment that begins with a keyframe has nothing of
//! that track before it.

use std::time::Duration;

use super::boxes::{boxed, full, u32s, u64s};
use super::movie::{self, Track};
use super::sample_entry;
use crate::codec::Kind;
use crate::codec::configuration::Configuration;
use crate::container::error::ContainerError;
use crate::container::{Frame, TrackEntry};

/// Tracks of a file.
pub const MAX_TRACKS: usize = 64;
/// Bytes and samples of a fragment, beyond one frame of each track.
const MAX_BYTES: usize = 8 << 20;
const MAX_SAMPLES: usize = 8_192;
/// How long fragments wait for the track they are cut by, which may be off, or waits for repairs.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the last frame of a track waits for the next one, which tells its duration: a player of
/// fragments stops at a gap.
const HOLD: Duration = Duration::from_secs(2);
/// Of a frame that none follows and none precedes.
const USUAL_FRAME: Duration = Duration::from_millis(20);
/// A last frame lasts no longer than this, as far as anybody knows.
const LONGEST_LAST: Duration = Duration::from_millis(100);
/// sample_flags (ISO/IEC 14496-12 8.8.3.1): depends on no other; depends on others and is no sync
/// sample.
const SYNC: u32 = 0x0200_0000;
const DEPENDS: u32 = 0x0101_0000;
/// tfhd: flags of samples are here; offsets count from the moof.
const DEFAULT_FLAGS: u32 = 0x20;
const BASE_IS_MOOF: u32 = 0x2_0000;
/// trun: offset of the data; each sample has a duration and a size; and flags.
const DATA_DURATIONS_SIZES: u32 = 0x301;
const FLAGS: u32 = 0x400;

/// Frames on their way into fragments; see the module.
#[derive(Debug)]
pub struct Fragmenter {
    tracks: Vec<Lane>,
    date: Duration,
    target: Duration,
    hold: Duration,
    /// Whoever fills it says where fragments end.
    by_hand: bool,
    /// The last fragment's (mfhd).
    sequence: u32,
    /// Sum over the tracks.
    bytes: usize,
    samples: usize,
    /// The latest time of a frame that a fragment was cut by, or of the first one.
    since: Option<Duration>,
}

/// A whole `moof` and its `mdat`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment {
    pub bytes: Vec<u8>,
    /// A decoder can begin with it: its pictures begin with a keyframe, or there are none in it.
    pub independent: bool,
    /// Time of its first frame of the track it was cut by.
    pub begin: Duration,
    /// From there to the first frame of that track in the next one.
    pub duration: Duration,
}

/// What waits of a track.
#[derive(Debug)]
struct Lane {
    track: Track,
    samples: Vec<Sample>,
    /// The frames one behind the other.
    data: Vec<u8>,
    /// How long the last frame took that another followed.
    usual: Option<u32>,
    /// When its next frame is not before, in its units.
    earliest: u64,
    /// Of its newest frame.
    newest: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// In units of the track, since the beginning of the file.
    time: u64,
    /// Not known of the last one.
    duration: Option<u32>,
    size: u32,
    keyframe: bool,
}

impl Fragmenter {
    /// Fragments are about as long as `target`, and no longer where frames are regular. `date` counts
    /// from 1970.
    pub fn new(target: Duration, date: Duration) -> Self {
        Self {
            tracks: Vec::new(),
            date,
            target,
            hold: HOLD,
            by_hand: false,
            sequence: 0,
            bytes: 0,
            samples: 0,
            since: None,
        }
    }

    /// Fragments end where [`cut`](Self::cut) says, and nowhere else as long as they are not too large.
    pub fn by_hand() -> Self {
        Self { by_hand: true, ..Self::new(Duration::MAX, Duration::ZERO) }
    }

    /// The last frame of a track waits for the next one for so long instead of two seconds. A gap
    /// follows it where that comes later.
    pub(super) fn holding(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }

    /// Gives a track its number. Fragments are cut by the first track of pictures, or by the first
    /// where none has any. An [`init`](Self::init) from before does not know the track.
    ///
    /// # Errors
    /// [`ContainerError::Codec`] when the file holds no such codec, [`ContainerError::Tracks`] when
    /// there are [`MAX_TRACKS`] already.
    pub fn add_track(&mut self, entry: &TrackEntry) -> Result<u8, ContainerError> {
        sample_entry::holds(entry.codec)?;
        let id = self.tracks.len() + 1;
        if id > MAX_TRACKS {
            return Err(ContainerError::Tracks(MAX_TRACKS));
        }
        self.tracks.push(Lane::new(Track { id: id as u32, entry: entry.clone(), inline: false }));
        Ok(id as u8)
    }

    /// Takes the last track back, of which there are no frames.
    pub(super) fn remove_last_track(&mut self) {
        self.tracks.pop();
    }

    /// Frames of a track go on with another configuration, from the keyframe that comes next. Its
    /// entry then says that parameter sets are in the frames (avc3, hev1). `false` when that changes
    /// nothing of [`init`](Self::init).
    pub fn reconfigure(&mut self, track: u8, configuration: &Configuration) -> bool {
        let Some(lane) = self.lane(track) else { return false };
        let changes = lane.track.entry.configuration != *configuration && !lane.track.inline;
        lane.track.inline |= changes;
        changes
    }

    /// The initialization segment: `ftyp` and `moov`. What fragments come after.
    pub fn init(&self) -> Vec<u8> {
        let mut out = Vec::new();
        movie::file_type(&mut out);
        self.movie(&mut out);
        out
    }

    /// Appends the `moov`.
    pub(super) fn movie(&self, out: &mut Vec<u8>) {
        movie::fragmented(out, self.tracks.iter().map(|lane| &lane.track), self.date);
    }

    /// What the tracks are, as `codecs` of a MIME type (RFC 6381) names it.
    pub fn codecs(&self) -> Vec<String> {
        self.tracks.iter().map(|lane| lane.track.codec_name()).collect()
    }

    /// Bytes of frames that are in no fragment yet.
    pub fn waiting(&self) -> usize {
        self.bytes
    }

    /// When the last frame is over, as far as that is known.
    pub fn duration(&self) -> Duration {
        self.tracks.iter().filter_map(Lane::end).max().unwrap_or_default()
    }

    /// Adds a frame, and gives the fragment that ends before it. Frames of one track come in the
    /// order of their times; different tracks may be some seconds apart.
    pub fn push(&mut self, frame: &Frame<'_>) -> Option<Fragment> {
        let index = usize::from(frame.track).checked_sub(1)?;
        let cut = self.ends_before(index, frame);
        let lane = self.tracks.get_mut(index)?;
        let time = lane.begin(frame.time);
        let fragment = if cut { self.emit(Some(frame.time)) } else { None };
        if cut || self.since.is_none() {
            self.since = self.since.max(Some(frame.time));
        }
        self.bytes += frame.data.len();
        self.samples += 1;
        self.tracks.get_mut(index)?.push(time, frame);
        fragment
    }

    /// Ends a fragment at `at`, when the next frame is shown of the track that it is cut by.
    pub fn cut(&mut self, at: Duration) -> Option<Fragment> {
        let lead = self.lead();
        self.tracks.get_mut(lead)?.begin(at);
        self.since = self.since.max(Some(at));
        self.emit(Some(at))
    }

    /// The fragment of all that waits, when nothing follows.
    pub fn finish(&mut self) -> Option<Fragment> {
        self.emit(None)
    }

    fn lane(&mut self, track: u8) -> Option<&mut Lane> {
        self.tracks.get_mut(usize::from(track).checked_sub(1)?)
    }

    /// The track that fragments are cut by.
    fn lead(&self) -> usize {
        let pictures = |lane: &Lane| lane.track.entry.codec.kind() == Kind::Video;
        self.tracks.iter().position(pictures).unwrap_or(0)
    }

    fn ends_before(&self, index: usize, frame: &Frame<'_>) -> bool {
        if self.bytes >= MAX_BYTES || self.samples >= MAX_SAMPLES {
            return true;
        }
        if self.by_hand {
            return false;
        }
        let lead = self.lead();
        if index != lead {
            let most = self.target.saturating_add(PATIENCE);
            return self.since.is_some_and(|since| frame.time.saturating_sub(since) > most);
        }
        let Some(lane) = self.tracks.get(lead) else { return false };
        let Some(first) = lane.samples.first() else { return false };
        let age = frame.time.saturating_sub(lane.duration_of(first.time));
        if frame.keyframe && lane.track.entry.codec.kind() == Kind::Video {
            // Keyframes close to each other share a fragment that begins with one.
            if !first.keyframe || age >= self.target / 2 {
                return true;
            }
        }
        let usual = lane.usual.map_or(Duration::ZERO, |units| lane.duration_of(units.into()));
        age.saturating_add(usual.min(LONGEST_LAST)) > self.target
    }

    /// The fragment of all frames whose duration is known; or of all there are, when none comes at
    /// `now`.
    fn emit(&mut self, now: Option<Duration>) -> Option<Fragment> {
        let lead = self.lead();
        let hold = self.hold;
        self.tracks.iter_mut().for_each(|lane| lane.settle(now, hold));
        let span = self.tracks.get(lead).and_then(Lane::span);
        let span = span.or_else(|| self.tracks.iter().find_map(Lane::span));
        let (begin, duration) = span?;
        let first = self.tracks.get(lead).and_then(|lane| lane.samples.first());
        let leads = first.is_some_and(|first| first.duration.is_some());
        let independent = !leads || first.is_some_and(|first| first.keyframe);
        self.sequence = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        self.movie_fragment(&mut bytes);
        boxed(&mut bytes, b"mdat", |out| {
            self.tracks.iter_mut().for_each(|lane| lane.take_data(out));
        });
        self.bytes = self.tracks.iter().map(|lane| lane.data.len()).sum();
        self.samples = self.tracks.iter().map(|lane| lane.samples.len()).sum();
        Some(Fragment { bytes, independent, begin, duration })
    }

    fn movie_fragment(&self, out: &mut Vec<u8>) {
        let at = out.len();
        let mut offsets = Vec::new();
        boxed(out, b"moof", |out| {
            full(out, b"mfhd", 0, 0, |out| u32s(out, &[self.sequence]));
            for lane in &self.tracks {
                let samples = lane.settled();
                if let Some(first) = samples.first() {
                    let offset = lane.track_fragment(out, first.time, samples);
                    offsets.push((offset, samples.iter().map(|sample| sample.size).sum::<u32>()));
                }
            }
        });
        // Data begins behind the head of the mdat.
        let mut data = (out.len() - at) as u32 + super::boxes::HEAD as u32;
        for (offset, len) in offsets {
            if let Some(room) = out.get_mut(offset..offset + 4) {
                room.copy_from_slice(&data.to_be_bytes());
            }
            data = data.saturating_add(len);
        }
    }
}

impl Lane {
    fn new(track: Track) -> Self {
        Self {
            track,
            samples: Vec::new(),
            data: Vec::new(),
            usual: None,
            earliest: 0,
            newest: None,
        }
    }

    /// A frame follows, which tells how long the one before is. Gives its time in units.
    fn begin(&mut self, time: Duration) -> u64 {
        let nanos = time.as_nanos().saturating_mul(self.track.scale().into());
        let rounded = u64::try_from((nanos + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX);
        let time = rounded.max(self.earliest);
        if let Some(last) = self.samples.last_mut().filter(|last| last.duration.is_none()) {
            let duration = u32::try_from(time.saturating_sub(last.time)).unwrap_or(u32::MAX);
            last.duration = Some(duration);
            self.usual = Some(duration);
        }
        time
    }

    fn push(&mut self, time: u64, frame: &Frame<'_>) {
        // A frame has 4 MiB at most.
        let size = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
        self.samples.push(Sample { time, duration: None, size, keyframe: frame.keyframe });
        self.data.extend_from_slice(frame.data);
        self.earliest = time.saturating_add(1);
        self.newest = Some(frame.time);
    }

    /// Says how long the last frame is that none followed for long, or that none will follow.
    fn settle(&mut self, now: Option<Duration>, hold: Duration) {
        let Some(last) = self.samples.last().filter(|last| last.duration.is_none()).copied() else {
            return;
        };
        let shown = self.duration_of(last.time);
        let units = |time: Duration| {
            let units = time.as_nanos() * u128::from(self.track.scale()) / 1_000_000_000;
            u32::try_from(units).unwrap_or(u32::MAX)
        };
        let duration = match now.map(|now| now.saturating_sub(shown)) {
            Some(age) if age < hold => return,
            Some(age) => units(age),
            None => self.usual.unwrap_or(units(USUAL_FRAME)).min(units(LONGEST_LAST)),
        };
        self.earliest = self.earliest.max(last.time.saturating_add(duration.into()));
        if let Some(last) = self.samples.last_mut() {
            last.duration = Some(duration);
        }
    }

    /// Frames whose duration is known.
    fn settled(&self) -> &[Sample] {
        let known = self.samples.iter().take_while(|sample| sample.duration.is_some()).count();
        self.samples.get(..known).unwrap_or_default()
    }

    /// When these begin, and how long they are.
    fn span(&self) -> Option<(Duration, Duration)> {
        let (first, last) = (self.settled().first()?, self.settled().last()?);
        let end = last.time.saturating_add(last.duration.unwrap_or(0).into());
        let begin = self.duration_of(first.time);
        Some((begin, self.duration_of(end).saturating_sub(begin)))
    }

    /// When its newest frame is over.
    fn end(&self) -> Option<Duration> {
        let usual = self.usual.map_or(USUAL_FRAME, |units| self.duration_of(units.into()));
        Some(self.newest?.saturating_add(usual.min(LONGEST_LAST)))
    }

    fn duration_of(&self, units: u64) -> Duration {
        let nanos = u128::from(units) * 1_000_000_000 / u128::from(self.track.scale());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Appends the `traf`. Gives where the offset of its data is to stand.
    fn track_fragment(&self, out: &mut Vec<u8>, time: u64, samples: &[Sample]) -> usize {
        let pictures = self.track.entry.codec.kind() == Kind::Video;
        let mut offset = 0;
        boxed(out, b"traf", |out| {
            // Each packet of sound can be begun with.
            full(out, b"tfhd", 0, BASE_IS_MOOF | DEFAULT_FLAGS, |out| {
                u32s(out, &[self.track.id, SYNC]);
            });
            full(out, b"tfdt", 1, 0, |out| u64s(out, &[time]));
            let flags = DATA_DURATIONS_SIZES | if pictures { FLAGS } else { 0 };
            full(out, b"trun", 0, flags, |out| {
                u32s(out, &[samples.len() as u32]);
                offset = out.len();
                u32s(out, &[0]);
                for sample in samples {
                    u32s(out, &[sample.duration.unwrap_or(0), sample.size]);
                    if pictures {
                        u32s(out, &[if sample.keyframe { SYNC } else { DEPENDS }]);
                    }
                }
            });
        });
        offset
    }

    /// Moves the data of the frames whose duration is known.
    fn take_data(&mut self, out: &mut Vec<u8>) {
        let known = self.settled().len();
        let len: usize = self.settled().iter().map(|sample| sample.size as usize).sum();
        let len = len.min(self.data.len());
        out.extend_from_slice(self.data.get(..len).unwrap_or_default());
        self.data.drain(..len);
        self.samples.drain(..known);
    }
}
