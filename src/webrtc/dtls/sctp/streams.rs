//! Which streams the association has on a peer's account, and how fast it opens others.

use std::collections::HashMap;
use std::time::Instant;

use super::chunk::Reset;

/// Streams that a peer may have.
pub(super) const MAX_STREAMS: usize = 1024;
/// New streams a second, after [`MAX_STREAMS`] at once.
const STREAMS_PER_SECOND: u32 = 50;
/// What is given up of a stream that nothing came on: kept until something does.
const MAX_SKIPS: u16 = 16;
/// What a request came to: nothing to do, or done (RFC 6525 4.4). All else but "in progress" is a
/// refusal.
const DONE: std::ops::RangeInclusive<u32> = 0..=1;
const IN_PROGRESS: u32 = 6;

#[derive(Debug)]
pub(super) struct Streams {
    /// With how often something was given up before anything came.
    open: HashMap<u16, u16>,
    /// Streams that may be opened now, and when that was counted.
    openings: u32,
    counted: Option<Instant>,
    /// A request that is not answered yet.
    resetting: Option<Resetting>,
    /// The last one that was carried out.
    last_reset: Option<u32>,
}

#[derive(Debug)]
struct Resetting {
    sequence: u32,
    /// None named is all.
    streams: Vec<u16>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            openings: MAX_STREAMS as u32,
            counted: None,
            resetting: None,
            last_reset: None,
        }
    }
}

impl Streams {
    /// Whether something may come on a stream.
    pub(super) fn has_room(&mut self, now: Instant, stream: u16) -> bool {
        if self.open.contains_key(&stream) {
            return true;
        }
        self.refill(now);
        self.open.len() < MAX_STREAMS && self.openings > 0
    }

    /// Whether something may be given up on a stream.
    pub(super) fn may_skip(&mut self, now: Instant, stream: u16) -> bool {
        self.has_room(now, stream) && self.open.get(&stream).is_none_or(|skips| *skips <= MAX_SKIPS)
    }

    fn refill(&mut self, now: Instant) {
        let counted = *self.counted.get_or_insert(now);
        let elapsed = now.saturating_duration_since(counted);
        let more = elapsed.as_millis().saturating_mul(u128::from(STREAMS_PER_SECOND)) / 1000;
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.openings = self.openings.saturating_add(more).min(MAX_STREAMS as u32);
            self.counted = Some(now);
        }
    }

    fn open(&mut self, stream: u16) -> &mut u16 {
        self.open.entry(stream).or_insert_with(|| {
            self.openings = self.openings.saturating_sub(1);
            1
        })
    }

    /// Something came.
    pub(super) fn record(&mut self, stream: u16) {
        *self.open(stream) = 0;
    }

    /// Something was given up.
    pub(super) fn skip(&mut self, stream: u16) {
        let skips = self.open(stream);
        // What came first takes care of it.
        if *skips > 0 {
            *skips = skips.saturating_add(1);
        }
    }

    /// The peer asks for a reset. Until it is answered, asking again with other streams changes
    /// nothing, and nor does asking for what was done (RFC 6525 5.2.2).
    pub(super) fn ask(&mut self, reset: &Reset<'_>) {
        if self.resetting.is_none() && self.last_reset != Some(reset.sequence) {
            let (sequence, streams) = (reset.sequence, reset.streams().collect());
            self.resetting = Some(Resetting { sequence, streams });
        }
    }

    /// The association answers. What it has reset it has no more.
    pub(super) fn answer(&mut self, sequence: u32, result: u32) {
        if result == IN_PROGRESS {
            return;
        }
        let Some(reset) = self.resetting.take_if(|reset| reset.sequence == sequence) else {
            return;
        };
        if !DONE.contains(&result) {
            return;
        }
        self.last_reset = Some(sequence);
        if reset.streams.is_empty() {
            self.open.clear();
        }
        for stream in reset.streams {
            self.open.remove(&stream);
        }
    }
}
