//! Who is heard in a mix: the loudest few, and whoever is stays for a moment.
//!
//! A place is given at once and by peaks, or the first syllable would be cut off; a cough that gets one
//! does no harm. Who has the word, which a canvas shows large, and in which order they are told, is
//! decided by speech as everywhere else.

use std::hash::Hash;
use std::time::{Duration, Instant};

use super::dominant::{DominantSpeaker, Voices};
use super::speech::{Speech, THRESHOLD};

/// Of what cannot be heard at all, in dBov (RFC 6464 3).
const SILENCE: f32 = -127.0;
/// Who is heard stays so long at least, and so long after the last sound.
const STAY: Duration = Duration::from_secs(1);
/// Who is louder by so many dB takes another's place.
const LOUDER: f32 = 6.0;
/// Who leads the next one by this comes before them.
const LEAD: f32 = 0.1;

struct Member<K> {
    key: K,
    entered: Instant,
    last_audible: Instant,
    level: f32,
}

/// The places of a mix and who has them, by what they are called.
pub struct Places<K> {
    limit: usize,
    /// The loudest first.
    members: Vec<Member<K>>,
    voices: Voices<K>,
    word: DominantSpeaker<K>,
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// So many are heard at once.
    pub fn new(limit: usize) -> Self {
        let (voices, word) = (Voices::default(), DominantSpeaker::default());
        Self { limit, members: Vec::with_capacity(limit), voices, word }
    }

    /// Whether somebody is heard.
    pub fn contains(&self, key: K) -> bool {
        self.members.iter().any(|member| member.key == key)
    }

    /// Somebody is gone.
    pub fn remove(&mut self, key: K) {
        self.members.retain(|member| member.key != key);
        self.voices.remove(key);
        self.word.remove(key);
    }

    /// Who is heard, the loudest first.
    pub fn members(&self) -> impl Iterator<Item = K> {
        self.members.iter().map(|member| member.key)
    }

    /// Who has the word. Machines may never have it: while nobody had, it is the first of those who are
    /// heard, so that there is somebody to look at.
    pub fn dominant(&self) -> Option<K> {
        self.word.current().or_else(|| self.members().next())
    }

    /// Something was told of somebody's speech.
    pub fn speaks(&mut self, now: Instant, key: K, speech: Speech) {
        self.voices.receive(now, key, speech);
        self.word.challenge(now, key, &self.voices);
    }

    /// Chooses among those who come with their loudness. Who does not come is not heard.
    pub fn update(&mut self, now: Instant, candidates: impl Iterator<Item = (K, f32)> + Clone) {
        for member in &mut self.members {
            member.level = SILENCE;
        }
        for (key, level) in candidates.clone() {
            if let Some(member) = self.members.iter_mut().find(|member| member.key == key) {
                member.level = level;
                if is_audible(level) {
                    member.last_audible = now;
                }
            }
        }
        self.members.retain(|member| now.saturating_duration_since(member.last_audible) < STAY);
        for _ in 0..self.limit {
            let loudest = candidates
                .clone()
                .filter(|&(key, level)| is_audible(level) && !self.contains(key))
                .max_by(|one, other| one.1.total_cmp(&other.1));
            let Some((key, level)) = loudest else { break };
            if !self.make_room(now, level) {
                break;
            }
            self.members.push(Member { key, entered: now, last_audible: now, level });
        }
        self.order(now);
    }

    fn make_room(&mut self, now: Instant, level: f32) -> bool {
        if self.members.len() < self.limit {
            return true;
        }
        let weakest = self
            .members
            .iter()
            .enumerate()
            .filter(|(_, member)| now.saturating_duration_since(member.entered) >= STAY)
            .min_by(|(_, one), (_, other)| one.level.total_cmp(&other.level));
        match weakest {
            Some((index, member)) if member.level + LOUDER <= level => {
                self.members.remove(index);
                true
            }
            _ => false,
        }
    }

    /// One place forward for everybody who leads who is before them, so that it takes a few ticks at
    /// most until the order is right, and a word does not change it.
    fn order(&mut self, now: Instant) {
        let merit = |member: &Member<K>| self.voices.of(now, member.key).for_a_place();
        for next in 1..self.members.len() {
            let (before, after) = (&self.members[next - 1], &self.members[next]);
            if merit(after) >= merit(before) + LEAD {
                self.members.swap(next - 1, next);
            }
        }
    }
}

fn is_audible(level: f32) -> bool {
    level >= f32::from(THRESHOLD)
}

#[cfg(test)]
mod tests {
    use super::super::speech::SpeechMeter;
    use super::*;

    fn ticks(
        places: &mut Places<u64>,
        from: Instant,
        count: u32,
        levels: &[(u64, f32)],
    ) -> Instant {
        let mut now = from;
        for _ in 0..count {
            places.update(now, levels.iter().copied());
            now += Duration::from_millis(20);
        }
        now
    }

    #[test]
    fn the_loudest_are_heard() {
        let mut places = Places::new(2);
        ticks(&mut places, Instant::now(), 1, &[(1, -30.0), (2, -20.0), (3, -25.0), (4, -80.0)]);
        assert!(places.contains(2) && places.contains(3));
        assert_eq!(places.members().count(), 2);
    }

    #[test]
    fn who_is_in_stays_a_second() {
        let mut places = Places::new(1);
        let now = ticks(&mut places, Instant::now(), 1, &[(1, -40.0)]);
        let now = ticks(&mut places, now, 48, &[(1, -40.0), (2, -10.0)]);
        assert!(places.contains(1));
        let now = ticks(&mut places, now, 3, &[(1, -40.0), (2, -10.0)]);
        assert!(places.contains(2));
        // A little louder is not enough.
        let now = ticks(&mut places, now, 100, &[(1, -8.0), (2, -10.0)]);
        assert!(places.contains(2));
        // Silence is kept for a second too.
        let now = ticks(&mut places, now, 49, &[(2, -100.0)]);
        assert!(places.contains(2));
        ticks(&mut places, now, 3, &[(2, -100.0)]);
        assert_eq!(places.members().count(), 0);
    }

    /// Levels of packets for `time`, from members that are all in the mix.
    fn talk(
        places: &mut Places<u64>,
        from: Instant,
        time: Duration,
        levels: &[(u64, i8)],
    ) -> Instant {
        let mut meters: Vec<_> =
            levels.iter().map(|(who, _)| (*who, SpeechMeter::new(from, THRESHOLD))).collect();
        for (_, meter) in &mut meters {
            meter.receive(from, -90);
        }
        let mut now = from;
        while now < from + time {
            now += Duration::from_millis(20);
            for ((who, meter), (_, level)) in meters.iter_mut().zip(levels) {
                if let Some(speech) = meter.receive(now, *level) {
                    places.speaks(now, *who, speech);
                }
            }
            places.update(now, levels.iter().map(|&(who, level)| (who, f32::from(level))));
        }
        now
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_dominant_speaker_stays_through_a_word_of_others() {
        let mut places = Places::new(3);
        let now = talk(&mut places, Instant::now(), 2 * SECOND, &[(1, -20)]);
        let now = talk(&mut places, now, SECOND / 5, &[(1, -80), (2, -20)]);
        assert_eq!(places.dominant(), Some(1));
        talk(&mut places, now, 2 * SECOND, &[(1, -80), (2, -20)]);
        assert_eq!(places.dominant(), Some(2));
    }

    #[test]
    fn where_nobody_had_the_word_the_first_of_the_mix_is_dominant() {
        let mut places = Places::new(3);
        ticks(&mut places, Instant::now(), 1, &[(1, -45.0), (2, -40.0)]);
        assert_eq!(places.dominant(), Some(2));
    }

    #[test]
    fn the_order_is_that_of_loudness_and_does_not_change_with_every_word() {
        let mut places = Places::new(3);
        let now = talk(&mut places, Instant::now(), SECOND, &[(1, -40), (2, -15)]);
        assert_eq!(places.members().collect::<Vec<_>>(), [2, 1]);
        talk(&mut places, now, SECOND, &[(1, -14), (2, -16)]);
        assert_eq!(places.members().collect::<Vec<_>>(), [2, 1]);
    }
}
