//! Who is heard: the loudest few, and whoever is stays for a moment.
//!
//! That is another question than who has the word in a group (`sfu/active_speaker.rs`): places in the mix
//! are given at once and by peaks, or first syllables would be cut off, and a cough that gets one does no
//! harm. The dominant port, which a canvas shows large, is the one of those in the mix that was most
//! active of late, as what an application writes or plays is not speech and has to be shown as well.

use std::time::{Duration, Instant};

use super::signal::SILENCE;
use crate::mcu::PortKey;

/// What is quieter is nobody speaking, in dBov.
pub(super) const AUDIBLE: f32 = -60.0;
/// Loudness is forgotten by so many dB a second.
const FORGET: f32 = 20.0;
/// Who is heard stays so long at least, and so long after the last sound.
const STAY: Duration = Duration::from_secs(1);
/// Who is louder by so many dB takes another's place.
const LOUDER: f32 = 6.0;
/// Ticks that the activity for the dominant speaker goes back, as a part.
const ACTIVITY: f32 = 0.02;
/// The dominant speaker is another when that one was more active by this factor.
const MORE_ACTIVE: f32 = 1.3;

/// How loud a port was of late: peaks that fall slowly. Costs nothing while nothing comes.
#[derive(Clone, Copy)]
pub(super) struct Loudness {
    level: f32,
    at: Instant,
}

impl Loudness {
    pub(super) fn new(level: f32, at: Instant) -> Self {
        Self { level, at }
    }

    pub(super) fn at(&self, now: Instant) -> f32 {
        let since = now.saturating_duration_since(self.at).as_secs_f32();
        (self.level - since * FORGET).max(SILENCE)
    }

    pub(super) fn hear(&mut self, level: f32, now: Instant) {
        if level >= self.at(now) {
            *self = Self::new(level, now);
        }
    }
}

struct Member {
    port: PortKey,
    entered: Instant,
    last_audible: Instant,
    level: f32,
    activity: f32,
}

/// The ports in the mix.
pub(super) struct Selection {
    limit: usize,
    members: Vec<Member>,
    dominant: Option<PortKey>,
}

impl Selection {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, members: Vec::with_capacity(limit), dominant: None }
    }

    pub(super) fn contains(&self, port: PortKey) -> bool {
        self.members.iter().any(|member| member.port == port)
    }

    pub(super) fn remove(&mut self, port: PortKey) {
        self.members.retain(|member| member.port != port);
        self.dominant = self.dominant.filter(|&dominant| dominant != port);
    }

    pub(super) fn members(&self) -> impl Iterator<Item = PortKey> {
        self.members.iter().map(|member| member.port)
    }

    pub(super) fn dominant(&self) -> Option<PortKey> {
        self.dominant
    }

    /// Chooses among ports that come with their loudness. Who does not come is not heard.
    pub(super) fn update(
        &mut self,
        now: Instant,
        candidates: impl Iterator<Item = (PortKey, f32)> + Clone,
    ) {
        for member in &mut self.members {
            member.level = SILENCE;
        }
        for (port, level) in candidates.clone() {
            if let Some(member) = self.members.iter_mut().find(|member| member.port == port) {
                member.level = level;
                if level >= AUDIBLE {
                    member.last_audible = now;
                }
            }
        }
        self.members.retain(|member| now.saturating_duration_since(member.last_audible) < STAY);
        for _ in 0..self.limit {
            let loudest = candidates
                .clone()
                .filter(|&(port, level)| level >= AUDIBLE && !self.contains(port))
                .max_by(|one, other| one.1.total_cmp(&other.1));
            let Some((port, level)) = loudest else { break };
            if !self.make_room(now, level) {
                break;
            }
            self.members.push(Member {
                port,
                entered: now,
                last_audible: now,
                level,
                activity: 0.0,
            });
        }
        self.update_dominant();
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
                self.members.swap_remove(index);
                true
            }
            _ => false,
        }
    }

    fn update_dominant(&mut self) {
        for member in &mut self.members {
            let above = (member.level - AUDIBLE).max(0.0);
            member.activity += (above - member.activity) * ACTIVITY;
        }
        let most = self.members.iter().max_by(|a, b| a.activity.total_cmp(&b.activity));
        let Some(most) = most else { return };
        let present = self
            .dominant
            .and_then(|dominant| self.members.iter().find(|member| member.port == dominant));
        if present.is_none_or(|present| most.activity > present.activity * MORE_ACTIVE) {
            self.dominant = Some(most.port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(
        selection: &mut Selection,
        from: Instant,
        count: u32,
        levels: &[(u64, f32)],
    ) -> Instant {
        let mut now = from;
        for _ in 0..count {
            selection.update(now, levels.iter().map(|&(port, level)| (PortKey(port), level)));
            now += Duration::from_millis(20);
        }
        now
    }

    #[test]
    fn the_loudest_are_heard() {
        let mut selection = Selection::new(2);
        ticks(&mut selection, Instant::now(), 1, &[(1, -30.0), (2, -20.0), (3, -25.0), (4, -80.0)]);
        assert!(selection.contains(PortKey(2)) && selection.contains(PortKey(3)));
        assert_eq!(selection.members().count(), 2);
    }

    #[test]
    fn who_is_in_stays_a_second() {
        let mut selection = Selection::new(1);
        let now = ticks(&mut selection, Instant::now(), 1, &[(1, -40.0)]);
        let now = ticks(&mut selection, now, 48, &[(1, -40.0), (2, -10.0)]);
        assert!(selection.contains(PortKey(1)));
        let now = ticks(&mut selection, now, 3, &[(1, -40.0), (2, -10.0)]);
        assert!(selection.contains(PortKey(2)));
        // A little louder is not enough.
        let now = ticks(&mut selection, now, 100, &[(1, -8.0), (2, -10.0)]);
        assert!(selection.contains(PortKey(2)));
        // Silence is kept for a second too.
        let now = ticks(&mut selection, now, 49, &[(2, -100.0)]);
        assert!(selection.contains(PortKey(2)));
        ticks(&mut selection, now, 3, &[(2, -100.0)]);
        assert_eq!(selection.members().count(), 0);
    }

    #[test]
    fn the_dominant_speaker_stays_through_a_word_of_others() {
        let mut selection = Selection::new(3);
        let now = ticks(&mut selection, Instant::now(), 100, &[(1, -20.0)]);
        let now = ticks(&mut selection, now, 20, &[(1, -60.0), (2, -20.0)]);
        assert_eq!(selection.dominant(), Some(PortKey(1)));
        ticks(&mut selection, now, 80, &[(1, -60.0), (2, -20.0)]);
        assert_eq!(selection.dominant(), Some(PortKey(2)));
    }

    #[test]
    fn loudness_fades() {
        let now = Instant::now();
        let mut loudness = Loudness::new(-20.0, now);
        loudness.hear(-50.0, now + Duration::from_millis(500));
        assert!((loudness.at(now + Duration::from_secs(1)) + 40.0).abs() < 0.01);
        loudness.hear(-50.0, now + Duration::from_secs(2));
        assert_eq!(loudness.at(now + Duration::from_secs(2)), -50.0);
        assert_eq!(loudness.at(now + Duration::from_secs(200)), SILENCE);
    }
}
