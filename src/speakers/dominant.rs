//! Who of many speaks, and who is the one to look at.
//!
//! Members are told of only while there is sound, so the silent ones cost nothing: what was heard
//! of somebody fades by itself. Decisions are made when something is told, for the one it is told
//! of.

use std::hash::Hash;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::speech::Speech;

/// Who has to be heard this much of the last half second. A cough is not.
const ENTER: f32 = 0.45;
/// And must lead whoever was dominant until now by this, the more the more was heard of them just
/// now: who interrupts has to go on for longer than who answers.
const LEAD: f32 = 0.06;
const LEAD_OVER_SPEECH: f32 = 0.3;
/// Or has been this much louder for as long as a turn: a television in the background does not
/// keep the word from who speaks in front of it, although it never pauses.
const LEAD_OVER_TURN: f32 = 0.12;
/// What was heard before says nothing about now.
const MEMORY: Duration = Duration::from_secs(10);

/// What was heard of the members lately, by what they are called.
#[derive(Debug)]
pub struct Voices<K> {
    heard: FxHashMap<K, Voice>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Voice {
    speech: Speech,
    at: Instant,
}

impl<K> Default for Voices<K> {
    fn default() -> Self {
        Self { heard: FxHashMap::default(), swept: None }
    }
}

impl<K: Copy + Eq + Hash> Voices<K> {
    /// Something was heard of a member.
    pub fn receive(&mut self, now: Instant, member: K, speech: Speech) {
        let old = |since: Instant| now.saturating_duration_since(since) >= MEMORY;
        if self.swept.is_none_or(old) {
            self.swept = Some(now);
            self.heard.retain(|_, voice| !old(voice.at));
        }
        self.heard.insert(member, Voice { speech, at: now });
    }

    /// A member is gone.
    pub fn remove(&mut self, member: K) {
        self.heard.remove(&member);
    }

    /// How much a member speaks now.
    pub fn of(&self, now: Instant, member: K) -> Speech {
        self.heard.get(&member).map_or(Speech::default(), |voice| {
            voice.speech.after(now.saturating_duration_since(voice.at))
        })
    }
}

/// The one who has the word. Whoever had it last keeps it in silence.
#[derive(Debug)]
pub struct DominantSpeaker<K> {
    current: Option<K>,
}

impl<K> Default for DominantSpeaker<K> {
    fn default() -> Self {
        Self { current: None }
    }
}

impl<K: Copy + Eq + Hash> DominantSpeaker<K> {
    /// Who has the word.
    pub fn current(&self) -> Option<K> {
        self.current
    }

    /// Something was told of a member. True when they have the word from now on.
    pub fn challenge(&mut self, now: Instant, member: K, voices: &Voices<K>) -> bool {
        if self.current == Some(member) {
            return false;
        }
        let challenger = voices.of(now, member);
        let holder = self.current.map_or(Speech::default(), |member| voices.of(now, member));
        let lead = LEAD + LEAD_OVER_SPEECH * holder.medium;
        let interrupts = challenger.for_the_word() >= holder.for_the_word() + lead;
        let drowns = challenger.long >= holder.long + LEAD_OVER_TURN;
        let wins =
            challenger.immediate > 0.0 && challenger.medium >= ENTER && (interrupts || drowns);
        if wins {
            self.current = Some(member);
        }
        wins
    }

    /// A member is gone. True when nobody has the word any more.
    pub fn remove(&mut self, member: K) -> bool {
        let had = self.current == Some(member);
        if had {
            self.current = None;
        }
        had
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::super::speech::SpeechMeter;
    use super::*;
    use crate::control::ids::SourceId;

    const STEP: Duration = Duration::from_millis(20);

    /// People at microphones, one packet of 20 ms each at a time.
    struct Room {
        now: Instant,
        meters: Vec<SpeechMeter>,
        voices: Voices<SourceId>,
        dominant: DominantSpeaker<SourceId>,
        random: SmallRng,
        /// Milliseconds and who had the word from then on.
        changes: Vec<(u64, u64)>,
        elapsed: u64,
        /// Steps left of the word or pause of each, and whether it is a word.
        words: Vec<(u32, bool)>,
        told: usize,
    }

    #[derive(Clone, Copy)]
    enum Doing {
        Silent,
        /// At this level, in words with pauses between them.
        Talking(i8),
        /// The same level all the time.
        Noise(i8),
    }

    impl Room {
        fn new(members: usize, seed: u64) -> Self {
            let now = Instant::now();
            Self {
                now,
                meters: (0..members).map(|_| SpeechMeter::new(now, -60)).collect(),
                voices: Voices::default(),
                dominant: DominantSpeaker::default(),
                random: SmallRng::seed_from_u64(seed),
                changes: Vec::new(),
                elapsed: 0,
                words: vec![(0, false); members],
                told: 0,
            }
        }

        fn run(&mut self, time: Duration, doing: &[(usize, Doing)]) {
            for _ in 0..time.as_millis() / 20 {
                self.now += STEP;
                self.elapsed += 20;
                for member in 0..self.meters.len() {
                    let doing = doing.iter().find(|(who, _)| *who == member).map(|(_, what)| *what);
                    let level = self.level(member, doing.unwrap_or(Doing::Silent));
                    let Some(speech) = self.meters[member].receive(self.now, level) else {
                        continue;
                    };
                    self.told += 1;
                    let id = SourceId(member as u64);
                    self.voices.receive(self.now, id, speech);
                    if self.dominant.challenge(self.now, id, &self.voices) {
                        self.changes.push((self.elapsed, member as u64));
                    }
                }
            }
        }

        fn level(&mut self, member: usize, doing: Doing) -> i8 {
            let jitter = self.random.random_range(-4..=4);
            match doing {
                Doing::Silent => -75 + jitter,
                Doing::Noise(level) => level + jitter / 4,
                Doing::Talking(level) => {
                    let (left, word) = &mut self.words[member];
                    if *left == 0 {
                        *word = !*word;
                        // Words of 160 to 500 ms, pauses of 40 to 240 ms.
                        *left = match word {
                            true => self.random.random_range(8..25),
                            false => self.random.random_range(2..12),
                        };
                    }
                    *left -= 1;
                    if *word { level + jitter } else { -70 + jitter }
                }
            }
        }

        fn who(&self) -> Option<u64> {
            self.dominant.current().map(|id| id.0)
        }
    }

    const SECOND: Duration = Duration::from_secs(1);
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn who_talks_has_the_word_and_keeps_it_in_silence() {
        let mut room = Room::new(5, 1);
        room.run(SECOND, &[]);
        assert_eq!(room.who(), None);
        room.run(3 * SECOND, &[(2, Doing::Talking(-28))]);
        assert_eq!(room.who(), Some(2));
        room.run(60 * SECOND, &[]);
        assert_eq!(room.who(), Some(2));
    }

    #[test]
    fn a_new_talker_takes_over_within_three_to_six_tenths_of_a_second() {
        let mut took = Vec::new();
        for seed in 0..100 {
            let mut room = Room::new(4, seed);
            room.run(5 * SECOND, &[(0, Doing::Talking(-28))]);
            let start = room.elapsed;
            room.words[1] = (0, false);
            room.run(2 * SECOND, &[(1, Doing::Talking(-28))]);
            assert_eq!(room.who(), Some(1), "seed {seed}");
            took.push(room.changes.last().unwrap().0 - start);
        }
        took.sort_unstable();
        let (median, worst) = (took[50], took[99]);
        assert!((300..=600).contains(&median), "{took:?}");
        assert!(took[0] >= 280 && worst <= 1_000, "{took:?}");
    }

    #[test]
    fn a_quieter_voice_takes_over_from_a_louder_one_that_stopped() {
        let mut room = Room::new(3, 3);
        room.run(5 * SECOND, &[(0, Doing::Talking(-18))]);
        room.run(2 * SECOND, &[(1, Doing::Talking(-42))]);
        assert_eq!(room.who(), Some(1));
    }

    #[test]
    fn coughs_and_clicks_do_not_take_the_word() {
        for seed in 0..50 {
            let mut room = Room::new(4, seed);
            room.run(3 * SECOND, &[(0, Doing::Talking(-28))]);
            for _ in 0..20 {
                let talking = (0, Doing::Talking(-28));
                room.run(700 * MS, &[talking]);
                room.run(200 * MS, &[talking, (1, Doing::Noise(-8))]);
                room.run(100 * MS, &[talking]);
                room.run(60 * MS, &[talking, (2, Doing::Noise(-12))]);
            }
            assert_eq!(room.changes.len(), 1, "seed {seed}: {:?}", room.changes);
            // Nor in the silence after the talk.
            room.run(3 * SECOND, &[]);
            room.run(200 * MS, &[(1, Doing::Noise(-8))]);
            room.run(3 * SECOND, &[]);
            assert_eq!(room.who(), Some(0), "seed {seed}");
        }
    }

    #[test]
    fn pauses_between_words_lose_nothing() {
        for seed in 0..20 {
            let mut room = Room::new(3, seed);
            room.run(120 * SECOND, &[(0, Doing::Talking(-30)), (1, Doing::Noise(-48))]);
            assert_eq!(room.changes.len(), 1, "seed {seed}: {:?}", room.changes);
        }
    }

    #[test]
    fn of_two_at_once_one_keeps_the_word_for_a_while() {
        let mut changes = 0;
        for seed in 0..20 {
            let mut room = Room::new(2, seed);
            room.run(60 * SECOND, &[(0, Doing::Talking(-28)), (1, Doing::Talking(-28))]);
            changes += room.changes.len();
        }
        // Twenty minutes of two who talk at once.
        assert!(changes < 20 * 12, "{changes} changes");
    }

    #[test]
    fn who_is_much_louder_for_a_while_has_the_word_from_one_who_goes_on() {
        let mut took = Vec::new();
        for seed in 0..50 {
            let mut room = Room::new(2, seed);
            let quiet = (0, Doing::Talking(-40));
            room.run(10 * SECOND, &[quiet]);
            let start = room.elapsed;
            room.run(20 * SECOND, &[quiet, (1, Doing::Talking(-15))]);
            assert_eq!(room.who(), Some(1), "seed {seed}: {:?}", room.changes);
            let first = room.changes.iter().find(|(_, who)| *who == 1).unwrap();
            took.push(first.0 - start);
        }
        took.sort_unstable();
        assert!(took[25] <= 3_000 && took[49] <= 5_000, "{took:?}");
    }

    #[test]
    fn two_tones_without_a_pause_are_told_apart_by_loudness() {
        // Nothing was heard before the first one, so that it is not taken for noise.
        let mut room = Room::new(2, 11);
        room.run(SECOND, &[]);
        room.run(3 * SECOND, &[(0, Doing::Noise(-32))]);
        room.run(5 * SECOND, &[(0, Doing::Noise(-32)), (1, Doing::Noise(-12))]);
        assert_eq!(room.who(), Some(1), "{:?}", room.changes);
    }

    #[test]
    fn silent_members_are_not_told_of() {
        let mut room = Room::new(500, 9);
        room.run(SECOND, &[]);
        room.told = 0;
        room.run(10 * SECOND, &[(77, Doing::Talking(-28))]);
        assert!(room.told <= 100, "{}", room.told);
        assert_eq!(room.voices.heard.len(), 1);
    }

    #[test]
    fn nobody_has_the_word_of_one_who_left() {
        let mut room = Room::new(2, 10);
        room.run(3 * SECOND, &[(0, Doing::Talking(-28))]);
        room.voices.remove(SourceId(0));
        assert!(room.dominant.remove(SourceId(0)));
        assert!(!room.dominant.remove(SourceId(0)));
        room.run(2 * SECOND, &[(1, Doing::Talking(-28))]);
        assert_eq!(room.who(), Some(1));
    }

    #[test]
    fn what_was_heard_long_ago_is_forgotten() {
        let mut voices = Voices::default();
        let now = Instant::now();
        for member in 0..1_000u64 {
            let at = now + 100 * MS * member as u32;
            voices.receive(at, SourceId(member), Speech::default());
        }
        assert!(voices.heard.len() <= 201, "{}", voices.heard.len());
    }
}
