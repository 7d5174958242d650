//! Whether somebody makes a sound, of each by themselves: at once when there is one, and through the
//! pauses between words.

use std::hash::Hash;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

/// Pauses between words are shorter than this, unless somebody says otherwise.
pub const PAUSE: Duration = Duration::from_millis(700);
/// Ends are looked for this often at most, and told as much later.
const INTERVAL: Duration = Duration::from_millis(50);

/// Those who talk, by what they are called.
#[derive(Debug)]
pub struct Talking<K> {
    /// Until when, if nothing more is heard.
    until: FxHashMap<K, Instant>,
    next: Option<Instant>,
    pause: Duration,
}

impl<K: Copy + Eq + Hash> Talking<K> {
    /// Whoever makes no sound for `pause` has stopped to talk.
    pub fn new(pause: Duration) -> Self {
        Self { until: FxHashMap::default(), next: None, pause }
    }

    /// A sound was heard of somebody, as [`SpeechMeter`](super::SpeechMeter) tells it. True when they
    /// begin to talk.
    pub fn hear(&mut self, now: Instant, key: K) -> bool {
        let until = now + self.pause;
        self.next.get_or_insert(until);
        self.until.insert(key, until).is_none()
    }

    /// Somebody is gone or muted. True when they talked until now.
    pub fn remove(&mut self, key: K) -> bool {
        self.until.remove(&key).is_some()
    }

    /// When [`Talking::poll`] wants to be called.
    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Adds those who do not talk any more to `ended`.
    pub fn poll(&mut self, now: Instant, ended: &mut Vec<K>) {
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        ended.extend(self.until.extract_if(|_, until| *until <= now).map(|(key, _)| key));
        let first = self.until.values().min();
        self.next = first.map(|first| (*first).max(now + INTERVAL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn ended(talking: &mut Talking<u64>, now: Instant) -> Vec<u64> {
        let mut ended = Vec::new();
        talking.poll(now, &mut ended);
        ended
    }

    #[test]
    fn speech_is_one_stretch_while_its_pauses_are_short() {
        let mut talking = Talking::new(PAUSE);
        let mut now = Instant::now();
        assert!(talking.hear(now, 1));
        for _ in 0..5 {
            now += 500 * MS;
            assert!(ended(&mut talking, now).is_empty());
            assert!(!talking.hear(now, 1));
        }
        assert!(ended(&mut talking, now + 600 * MS).is_empty());
        let due = talking.next().unwrap();
        assert!(due <= now + PAUSE, "whoever sleeps until then is not late");
        assert_eq!(ended(&mut talking, now + PAUSE), [1]);
        assert_eq!(talking.next(), None, "nobody is waited for");
        assert!(talking.hear(now + 2 * PAUSE, 1));
    }

    #[test]
    fn how_long_a_pause_may_be_is_told_it() {
        let mut talking = Talking::new(200 * MS);
        let now = Instant::now();
        talking.hear(now, 1);
        assert!(ended(&mut talking, now + 199 * MS).is_empty());
        assert_eq!(ended(&mut talking, now + 200 * MS), [1]);
    }

    #[test]
    fn who_is_gone_talks_no_more_and_is_not_told_again() {
        let mut talking = Talking::new(PAUSE);
        let now = Instant::now();
        talking.hear(now, 1);
        talking.hear(now, 2);
        assert!(talking.remove(1));
        assert!(!talking.remove(1));
        assert_eq!(ended(&mut talking, now + PAUSE), [2]);
    }

    #[test]
    fn a_hundred_who_talk_cost_twenty_looks_a_second_at_most() {
        let mut talking = Talking::new(PAUSE);
        let start = Instant::now();
        let mut looks = 0;
        for at in 0..1_000u64 {
            let now = start + MS * at as u32;
            if at < 300 {
                talking.hear(now, at % 100);
            }
            if talking.next().is_some_and(|next| next <= now) {
                looks += 1;
                talking.poll(now, &mut Vec::new());
            }
        }
        assert!((1..=20).contains(&looks), "{looks}");
    }
}
