//! One rendition of a stream: the segments that are kept of it, and their parts.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::codec::Kind;
use crate::container::mp4::Fragment;
use crate::control::ids::RecordedTrackId;

/// What is measured of a rendition's rate goes back so many segments.
const RATE_OF: usize = 8;

/// Keyframes that are asked for come before they are needed.
const EARLY: Duration = Duration::from_millis(200);

/// Lengths of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// A part is no longer, as long as frames are regular.
    pub part: Duration,
    /// A segment is about as long.
    pub segment: Duration,
    /// Segments in a playlist; there are more where players need them to begin.
    pub window: usize,
}

impl Shape {
    /// EXT-X-TARGETDURATION: whole seconds that no segment is longer than. A keyframe that was asked for
    /// has half a segment to come.
    pub(super) fn target_duration(&self) -> u64 {
        (self.segment + self.segment / 2 + Duration::from_millis(999)).as_secs().max(1)
    }

    /// A keyframe that comes so much before a segment is as long as it is to be ends it.
    fn early(&self) -> Duration {
        (self.part / 2).max(EARLY).min(self.segment / 2)
    }

    /// A playlist may be asked for so many parts ahead (rfc8216bis 6.2.5.2): three seconds, and three
    /// where parts are longer than a second.
    pub(super) fn parts_ahead(&self) -> u64 {
        (3.0 / self.part.as_secs_f64().min(1.0)).ceil() as u64
    }

    /// Players begin three target durations before the end, which has to be in the playlist.
    fn listed(&self) -> usize {
        let least = 3 * self.target_duration() * 1_000 / (self.segment.as_millis() as u64).max(1);
        self.window.max(least as usize + 1)
    }

    /// What is longer without a frame is no part of a segment that the playlist allows.
    pub fn longest_frame(&self) -> Duration {
        Duration::from_secs(self.target_duration()).saturating_sub(self.part)
    }
}

/// What the frames of a rendition are.
#[derive(Clone, PartialEq, Debug)]
pub struct Format {
    /// As RFC 6381 has it.
    pub codec: String,
    /// Width and height of pictures.
    pub size: Option<(u16, u16)>,
}

/// A rendition; see the module.
#[derive(Debug)]
pub(super) struct Rendition {
    pub(super) id: RecordedTrackId,
    /// As playlists call it.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// For whoever chooses; may be empty.
    pub(super) title: String,
    pub(super) language: String,
    pub(super) format: Option<Format>,
    shape: Shape,
    /// Initialization segments that are still needed, by number.
    inits: VecDeque<(u64, Bytes)>,
    next_init: u64,
    /// The last one may be open.
    pub(super) segments: VecDeque<Segment>,
    /// Of the segment that comes next.
    next: u64,
    /// As many times the stream did not go on from before.
    era: u64,
    /// Bits a second of segments that ended: the highest, and what there was of the last ones.
    rates: VecDeque<u64>,
    pub(super) peak_rate: u64,
    /// Counts what is published.
    pub(super) version: u64,
    /// Its playlist, as it was when it had that version.
    pub(super) written: Option<(u64, Bytes)>,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) init: u64,
    /// Segments of one era go on from each other.
    pub(super) era: u64,
    /// Of its first frame, since the beginning of the stream.
    pub(super) begin: Duration,
    pub(super) parts: Vec<Part>,
    /// All parts, when no more come.
    pub(super) whole: Option<Bytes>,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) duration: Duration,
    pub(super) independent: bool,
}

impl Segment {
    pub(super) fn duration(&self) -> Duration {
        self.parts.iter().map(|part| part.duration).sum()
    }

    /// Gives its bytes one place, which its parts point into.
    fn close(&mut self) {
        if self.whole.is_some() {
            return;
        }
        let len = self.parts.iter().map(|part| part.bytes.len()).sum();
        let mut whole = Vec::with_capacity(len);
        self.parts.iter().for_each(|part| whole.extend_from_slice(&part.bytes));
        let whole = Bytes::from(whole);
        let mut at = 0;
        for part in &mut self.parts {
            let end = at + part.bytes.len();
            part.bytes = whole.slice(at..end);
            at = end;
        }
        self.whole = Some(whole);
    }
}

impl Rendition {
    pub(super) fn new(
        id: RecordedTrackId,
        name: String,
        kind: Kind,
        title: String,
        language: String,
        shape: Shape,
    ) -> Self {
        Self {
            id,
            name,
            kind,
            title,
            language,
            format: None,
            shape,
            inits: VecDeque::new(),
            next_init: 0,
            segments: VecDeque::new(),
            next: 0,
            era: 0,
            rates: VecDeque::new(),
            peak_rate: 0,
            version: 0,
            written: None,
        }
    }

    /// Fragments from here on are of this initialization segment.
    pub(super) fn begin(&mut self, format: Format, init: Bytes) {
        self.close_last();
        self.inits.push_back((self.next_init, init));
        self.next_init += 1;
        self.format = Some(format);
    }

    /// What comes from here on does not go on from before.
    pub(super) fn begin_era(&mut self, era: u64) {
        if self.era != era {
            self.close_last();
            self.era = era;
        }
    }

    /// Forgets all there is.
    pub(super) fn clear(&mut self) {
        self.close_last();
        self.segments.clear();
        self.inits.clear();
        self.format = None;
        self.version += 1;
    }

    /// How long the segment that is not over will be with what is ahead.
    fn length(&self, ahead: Duration) -> Option<Duration> {
        let open = self.segments.back().filter(|last| last.whole.is_none())?;
        Some(open.duration().saturating_add(ahead))
    }

    /// Whether a keyframe is to begin a segment when it comes after this time.
    pub(super) fn wants_segment(&self, ahead: Duration) -> bool {
        self.length(ahead).is_some_and(|length| length >= self.shape.segment)
    }

    /// Whether one that comes after this time does, asked for or not.
    pub(super) fn takes_segment(&self, ahead: Duration) -> bool {
        self.wants_segment(ahead.saturating_add(self.shape.early()))
    }

    /// Whether no other part has room behind this time, keyframe or not.
    pub(super) fn is_full(&self, ahead: Duration) -> bool {
        let limit = Duration::from_secs(self.shape.target_duration());
        self.length(ahead.saturating_add(self.shape.part)).is_some_and(|length| length > limit)
    }

    /// `last`: the segment ends with it.
    pub(super) fn push(&mut self, fragment: Fragment, last: bool) {
        let limit = Duration::from_secs(self.shape.target_duration());
        let Fragment { bytes, independent, begin, duration } = fragment;
        if self.length(duration).is_none_or(|length| length > limit) {
            self.open(begin);
        }
        if let Some(open) = self.segments.back_mut() {
            open.parts.push(Part { bytes: bytes.into(), duration, independent });
        }
        if last {
            self.close_last();
        }
        self.version += 1;
    }

    fn open(&mut self, begin: Duration) {
        self.close_last();
        let init = self.next_init.saturating_sub(1);
        let era = self.era;
        let number = self.next;
        self.next += 1;
        let parts = Vec::new();
        self.segments.push_back(Segment { number, init, era, begin, parts, whole: None });
        // Who read the playlist a while ago still gets what was in it (rfc8216bis 6.2.2).
        while self.segments.len() > 2 * self.shape.listed() + 1 {
            self.segments.pop_front();
        }
        let oldest = self.segments.front().map_or(0, |segment| segment.init);
        self.inits.retain(|(number, _)| *number >= oldest);
    }

    fn close_last(&mut self) {
        let Some(last) = self.segments.back_mut().filter(|last| last.whole.is_none()) else {
            return;
        };
        last.close();
        let (bytes, seconds) =
            (last.whole.as_ref().map_or(0, Bytes::len), last.duration().as_secs_f64());
        if seconds > 0.0 {
            self.rates.push_back((bytes as f64 * 8.0 / seconds) as u64);
            if self.rates.len() > RATE_OF {
                self.rates.pop_front();
            }
            self.peak_rate = self.peak_rate.max(self.rates.back().copied().unwrap_or(0));
        }
        self.version += 1;
    }

    /// Bits a second of late; before a segment has ended, of what there is.
    pub(super) fn average_rate(&self) -> u64 {
        if let Some(count) = std::num::NonZeroU64::new(self.rates.len() as u64) {
            return self.rates.iter().sum::<u64>() / count;
        }
        let Some(open) = self.segments.back() else { return 0 };
        let bytes: usize = open.parts.iter().map(|part| part.bytes.len()).sum();
        let seconds = open.duration().as_secs_f64();
        if seconds > 0.0 { (bytes as f64 * 8.0 / seconds) as u64 } else { 0 }
    }

    /// Those that its playlist has.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Segment> {
        let behind = self.segments.len().saturating_sub(self.shape.listed() + 1);
        self.segments.iter().skip(behind)
    }

    /// EXT-X-DISCONTINUITY-SEQUENCE of its playlist.
    pub(super) fn first_era(&self) -> u64 {
        self.listed().next().map_or(self.era, |first| first.era)
    }

    /// Segments that were begun.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// Segment and part that come next.
    pub(super) fn next(&self) -> (u64, u64) {
        match self.segments.back() {
            Some(open) if open.whole.is_none() => (open.number, open.parts.len() as u64),
            _ => (self.next, 0),
        }
    }

    /// Segment and part that came last.
    pub(super) fn last(&self) -> Option<(u64, u64)> {
        let last = self.segments.back()?;
        Some((last.number, (last.parts.len() as u64).checked_sub(1)?))
    }

    pub(super) fn segment(&self, number: u64) -> Option<&Segment> {
        let first = self.segments.front()?.number;
        self.segments.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    pub(super) fn init(&self, number: u64) -> Option<&Bytes> {
        self.inits.iter().find(|(known, _)| *known == number).map(|(_, bytes)| bytes)
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        let parts = self.segments.iter().flat_map(|segment| &segment.parts);
        parts.map(|part| part.bytes.len()).sum()
    }
}
