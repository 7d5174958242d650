//! When pictures are decoded and shown: in order, what can be decoded, after a delay that follows
//! how late pictures come.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::references::Known;

const CLOCK: f64 = 90_000.0;

/// Lateness is looked at over this time.
const WINDOW: Duration = Duration::from_secs(10);

/// Of a hundred pictures one may come later than the delay allows for.
const PERCENTILE: f64 = 0.99;

/// What the delay has beyond that: decoding, and a screen that waits for its next refresh.
const MARGIN: Duration = Duration::from_millis(25);

const MAX_DELAY: Duration = Duration::from_secs(1);

/// How fast the delay follows, so that nobody sees it (libwebrtc's 100 ms a second). What comes
/// later than it allows for raises it at once.
const DELAY_CHANGE_PER_SECOND: f64 = 0.1;

const DECODED_KEPT: usize = 1000;

/// A picture on the screen.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub at: Instant,
    /// Microseconds since the start of the world.
    pub captured: u64,
    pub height: u16,
    pub spatial: u8,
    pub temporal: u8,
    /// Of all layers that were decoded for it, on the link.
    pub bytes: usize,
}

#[derive(Default)]
pub struct Playout {
    frames: BTreeMap<i64, Known>,
    decoded: BTreeSet<i64>,
    newest_decoded: Option<i64>,
    /// Arrivals and transit times, the latter in seconds on a clock of its own.
    transits: VecDeque<(Instant, f64)>,
    start: Option<(Instant, u64)>,
    delay: f64,
    delay_changed: Option<Instant>,
    pub shown: Vec<Shown>,
    /// True frames that were decoded, by stream and number.
    truth: HashSet<(u8, u32)>,
    /// Decoded although what they are predicted from was not.
    pub broken: u64,
    /// Decoded although packets were missing or of another frame.
    pub mangled: u64,
    /// The first of these, for whoever looks for the reason.
    pub first_wrong: Option<String>,
}

impl Playout {
    pub fn add(&mut self, known: Known) {
        if self.newest_decoded.is_some_and(|newest| known.id <= newest) {
            return;
        }
        if known.frame.ends_picture {
            let transit = self.transit(known.at, known.frame.timestamp);
            self.transits.push_back((known.at, transit));
            while self.transits.front().is_some_and(|(at, _)| known.at - *at > WINDOW) {
                self.transits.pop_front();
            }
        }
        self.frames.insert(known.id, known);
    }

    /// Seconds from capture to `at`, but for a constant.
    fn transit(&mut self, at: Instant, timestamp: u64) -> f64 {
        let (start, first) = *self.start.get_or_insert((at, timestamp));
        (at - start).as_secs_f64() - (timestamp as f64 - first as f64) / CLOCK
    }

    /// Decodes and shows what is due.
    pub fn poll(&mut self, now: Instant) {
        self.follow_lateness(now);
        while let Some((ids, due)) = self.next_decodable() {
            if due > now {
                break;
            }
            self.show(&ids, due);
        }
    }

    fn follow_lateness(&mut self, now: Instant) {
        let passed = self.delay_changed.map_or(0.0, |at| (now - at).as_secs_f64());
        self.delay_changed = Some(now);
        let change = DELAY_CHANGE_PER_SECOND * passed;
        let target = self.target();
        self.delay = target.clamp(self.delay - change, self.delay + change);
    }

    fn base(&self) -> f64 {
        self.transits.iter().map(|(_, transit)| *transit).fold(f64::MAX, f64::min)
    }

    fn target(&self) -> f64 {
        if self.transits.is_empty() {
            return 0.0;
        }
        let mut transits: Vec<f64> = self.transits.iter().map(|(_, transit)| *transit).collect();
        let at = ((transits.len() - 1) as f64 * PERCENTILE).round() as usize;
        let (_, late, _) = transits.select_nth_unstable_by(at, f64::total_cmp);
        (*late - self.base() + MARGIN.as_secs_f64()).min(MAX_DELAY.as_secs_f64())
    }

    /// The first picture that can be decoded, as the numbers of its layers, and when it is due.
    fn next_decodable(&mut self) -> Option<(Vec<i64>, Instant)> {
        let mut picture: Vec<i64> = Vec::new();
        let mut timestamp = None;
        let mut found = None;
        let mut lacks = false;
        for (id, known) in &self.frames {
            if timestamp != Some(known.frame.timestamp) {
                picture.clear();
                timestamp = Some(known.frame.timestamp);
                lacks = false;
            }
            let there =
                |reference: &i64| self.decoded.contains(reference) || picture.contains(reference);
            // A layer that lacks something takes its picture with it.
            lacks |= !known.references.iter().all(there);
            picture.push(*id);
            // The decoder is given a picture when its last layer is there.
            if known.frame.ends_picture && !lacks {
                let ready = picture.iter().map(|id| self.frames[id].at).max();
                found = Some((picture, known.frame.timestamp, ready.expect("a layer")));
                break;
            }
        }
        let (ids, timestamp, ready) = found?;
        let (start, first) = self.start?;
        let on_time = self.base() + self.delay + (timestamp as f64 - first as f64) / CLOCK;
        let on_time = start + Duration::from_secs_f64(on_time.max(0.0));
        Some((ids, on_time.max(ready)))
    }

    fn show(&mut self, ids: &[i64], at: Instant) {
        let last = *ids.last().expect("a layer");
        let mut bytes = 0;
        let mut top = None;
        for id in ids {
            let known = self.frames.remove(id).expect("a frame");
            self.decoded.insert(*id);
            bytes += known.frame.bytes;
            let whole = known.frame.whole;
            self.mangled += u64::from(!whole);
            let Some(stamp) = known.frame.stamp else { continue };
            let has = |reference: u32| self.truth.contains(&(stamp.stream, reference));
            let sound = stamp.references().all(has);
            if sound {
                self.truth.insert((stamp.stream, stamp.frame));
            } else {
                self.broken += 1;
            }
            if !whole || !sound {
                self.first_wrong.get_or_insert_with(|| {
                    let Known { references, frame, .. } = &known;
                    let sequences = (frame.first_sequence, frame.last_sequence);
                    format!("{id} of {references:?}, {sequences:?}, whole: {whole}, {stamp:?}")
                });
            }
            top = Some((stamp, known.at));
        }
        while self.decoded.len() > DECODED_KEPT {
            self.decoded.pop_first();
        }
        self.newest_decoded = Some(last);
        self.frames = self.frames.split_off(&(last + 1));
        let Some((stamp, _)) = top else { return };
        // What is shown late comes no earlier than what was shown before it.
        let at = self.shown.last().map_or(at, |before| before.at.max(at));
        self.raise_delay(at, &stamp);
        self.shown.push(Shown {
            at,
            captured: stamp.captured,
            height: stamp.height,
            spatial: stamp.spatial,
            temporal: stamp.temporal,
            bytes,
        });
    }

    /// A picture that came too late raises the delay, but not beyond what is called for.
    fn raise_delay(&mut self, at: Instant, stamp: &super::super::stamp::Stamp) {
        let Some(before) = self.shown.last() else {
            self.delay = self.target();
            return;
        };
        let gap = at.saturating_duration_since(before.at).as_secs_f64();
        let media = stamp.captured.saturating_sub(before.captured) as f64 / 1e6;
        if gap > media {
            self.delay = (self.delay + gap - media).min(self.target().max(self.delay));
        }
    }
}
