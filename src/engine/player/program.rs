//! What is played in which order: readings of files one behind the other, without a gap between them.

use std::collections::VecDeque;
use std::time::Duration;

use super::files::Reading;

/// Nothing is taken to be shorter, so that a file of one frame that is repeated costs little.
const SHORTEST: Duration = Duration::from_millis(100);
/// Readings that are there at a time: those of short files are ahead of what is played.
const MAX_SEGMENTS: usize = 32;

/// One reading on its way through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) reading: Reading,
    /// It comes again, with all that stands before it.
    pub(super) looped: bool,
    /// The file is open.
    pub(super) opened: bool,
    /// Where in the file it begins.
    pub(super) begins: Duration,
    /// When that is, in time that was played.
    pub(super) start: Duration,
    /// When it is over; `None` while more of it may come.
    pub(super) end: Option<Duration>,
    /// Of the whole file, where it says that.
    pub(super) duration: Option<Duration>,
}

pub(super) struct Program {
    pub(super) items: usize,
    pub(super) loops: bool,
    /// The first one is played.
    segments: VecDeque<Segment>,
    /// Of the last one that was begun.
    last: Option<Reading>,
    /// Files in a row of which nothing could be played.
    failures: usize,
}

impl Program {
    pub(super) fn new(items: usize, loops: bool) -> Self {
        Self { items, loops, segments: VecDeque::new(), last: None, failures: 0 }
    }

    /// What is played.
    pub(super) fn current(&self) -> Option<&Segment> {
        self.segments.front()
    }

    pub(super) fn find(&mut self, number: u64) -> Option<&mut Segment> {
        self.segments.iter_mut().find(|segment| segment.reading.number == number)
    }

    /// Whether all that was begun was read.
    pub(super) fn is_read(&self) -> bool {
        self.segments.back().is_none_or(|segment| segment.end.is_some())
    }

    /// Where what was read ends.
    pub(super) fn end(&self) -> Option<Duration> {
        self.segments.back().and_then(|segment| segment.end)
    }

    /// Begins with a file, in place of all there is.
    pub(super) fn jump(&mut self, item: usize, from: Duration, start: Duration) -> Reading {
        self.segments.clear();
        self.begin(item, from, start, false)
    }

    /// What comes behind all that was begun, if anything does and there is room for it.
    pub(super) fn follow(&mut self) -> Option<Reading> {
        let (item, looped) = self.next()?;
        if self.segments.len() >= MAX_SEGMENTS || self.is_hopeless() {
            return None;
        }
        let start = self.end().unwrap_or_default();
        Some(self.begin(item, Duration::ZERO, start, looped))
    }

    /// Which file comes next, and whether that is the first one again.
    pub(super) fn next(&self) -> Option<(usize, bool)> {
        let item = self.last?.item + 1;
        if item < self.items {
            return Some((item, false));
        }
        (self.loops && self.items > 0).then_some((0, true))
    }

    fn begin(&mut self, item: usize, from: Duration, start: Duration, looped: bool) -> Reading {
        let number = self.last.map_or(0, |last| last.number + 1);
        let reading = Reading { number, item, from };
        self.last = Some(reading);
        self.segments.push_back(Segment {
            reading,
            looped,
            opened: false,
            begins: from,
            start,
            end: None,
            duration: None,
        });
        reading
    }

    /// A reading ends, with what was played of it last. `false` when there was nothing in it.
    pub(super) fn finish(&mut self, number: u64, end: Duration) -> bool {
        let Some(segment) = self.find(number) else { return true };
        // Behind the last frame there is nothing either, and that is no fault of the file.
        let something = end > segment.start || !segment.reading.from.is_zero();
        segment.end = Some(end.max(segment.start.saturating_add(SHORTEST)));
        self.failures = if something { 0 } else { self.failures + 1 };
        something
    }

    /// Nothing of a reading is played.
    pub(super) fn fail(&mut self, number: u64) {
        self.failures += 1;
        self.segments.retain(|segment| segment.reading.number != number);
    }

    /// Whether of none of the files anything could be played.
    pub(super) fn is_hopeless(&self) -> bool {
        self.failures >= self.items
    }

    /// Whether all was read that there is.
    pub(super) fn is_done(&self) -> bool {
        self.is_read() && (self.next().is_none() || self.is_hopeless())
    }

    /// Whether what is played is over and something else comes: that.
    pub(super) fn advance(&mut self, played: Duration) -> Option<Segment> {
        let over = self.current()?.end.is_some_and(|end| end <= played);
        if !over || self.segments.len() < 2 {
            return None;
        }
        self.segments.pop_front();
        self.current().copied()
    }

    /// Whether everything is over.
    pub(super) fn is_over(&self, played: Duration) -> bool {
        self.is_done() && self.end().is_none_or(|end| end <= played)
    }
}
