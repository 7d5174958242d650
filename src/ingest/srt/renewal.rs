//! When a key of this end's is used up and another takes its place (6.1.6): it is announced before, until
//! the other end says that it has it.

use std::time::{Duration, Instant};

/// Packets that are sent with one key, and how many before that the next is announced.
const EVERY: u32 = 1 << 25;
const ANNOUNCED_BEFORE: u32 = 1 << 12;
/// Between two announcements, if the round trip is not longer.
const PATIENCE: Duration = Duration::from_millis(100);
/// Packets that one key is good for where the other end takes no other: a number never comes twice.
const KEY_LIFE: u64 = 1 << 30;

/// How long a key is sent with. Packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRefresh {
    every: u32,
    announced_before: u32,
}

impl Default for KeyRefresh {
    fn default() -> Self {
        Self::after(EVERY)
    }
}

impl KeyRefresh {
    /// After so many packets, 16 at least.
    pub fn after(packets: u32) -> Self {
        let every = packets.max(16);
        Self { every, announced_before: ANNOUNCED_BEFORE.min(every / 2) }
    }
}

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Renewal {
    refresh: KeyRefresh,
    /// Packets that were sent with the key.
    used: u64,
    announced: Option<Announced>,
}

#[derive(Debug)]
struct Announced {
    message: Vec<u8>,
    told: Option<Instant>,
    confirmed: bool,
}

/// What is to be done before a packet is sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Nothing,
    /// Another key is to be made and announced.
    Announce,
    /// It is to be sent with from now on.
    Switch,
    /// The other end takes no other one, and this one has no life left.
    UsedUp,
}

impl Renewal {
    pub(super) fn set_refresh(&mut self, refresh: KeyRefresh) {
        self.refresh = refresh;
    }

    /// One more packet is to be sealed.
    pub(super) fn step(&mut self) -> Step {
        self.used += 1;
        let KeyRefresh { every, announced_before } = self.refresh;
        match &self.announced {
            None if self.used > u64::from(every - announced_before) => Step::Announce,
            // Whoever has not said that he has the next one could read nothing.
            Some(next) if next.confirmed && self.used > u64::from(every) => {
                (self.used, self.announced) = (1, None);
                Step::Switch
            }
            _ if self.used > KEY_LIFE => Step::UsedUp,
            _ => Step::Nothing,
        }
    }

    /// The next key was made, and this is its message.
    pub(super) fn announce(&mut self, message: Vec<u8>) {
        self.announced = Some(Announced { message, told: None, confirmed: false });
    }

    /// What is to be announced now, if anything is.
    pub(super) fn poll(&mut self, now: Instant, round_trip: Duration) -> Option<&[u8]> {
        let patience = PATIENCE.max(round_trip * 3 / 2);
        let next = self.announced.as_mut().filter(|next| !next.confirmed)?;
        let early = next.told.is_some_and(|at| now.saturating_duration_since(at) < patience);
        if early {
            return None;
        }
        next.told = Some(now);
        Some(&next.message)
    }

    /// The other end has the keys of a message.
    pub(super) fn confirm(&mut self, message: &[u8]) {
        if let Some(next) = self.announced.as_mut().filter(|next| next.message == message) {
            next.confirmed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_switches_to_a_key_that_the_other_end_does_not_have() {
        let (mut renewal, now) = (Renewal::default(), Instant::now());
        renewal.set_refresh(KeyRefresh::after(100));
        let steps = |renewal: &mut Renewal, count| {
            (0..count).map(|_| renewal.step()).filter(|step| *step != Step::Nothing).last()
        };
        assert_eq!(steps(&mut renewal, 50), None);
        assert_eq!(renewal.step(), Step::Announce);
        renewal.announce(vec![7; 80]);
        let later = |millis| now + Duration::from_millis(millis);
        let round_trip = Duration::from_millis(20);
        assert_eq!(renewal.poll(now, round_trip), Some(&[7; 80][..]));
        assert_eq!(renewal.poll(later(99), round_trip), None);
        assert!(renewal.poll(later(100), round_trip).is_some(), "it is said again");
        assert_eq!(steps(&mut renewal, 500), None);
        renewal.confirm(&[8; 80]);
        assert_eq!(renewal.step(), Step::Nothing, "it has another one");
        renewal.confirm(&[7; 80]);
        assert_eq!(renewal.poll(later(900), round_trip), None);
        assert_eq!(renewal.step(), Step::Switch);
        assert_eq!(steps(&mut renewal, 49), None);
        assert_eq!(renewal.step(), Step::Announce, "and so on");
    }
}
