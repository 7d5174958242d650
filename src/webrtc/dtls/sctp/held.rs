//! How many chunks the association holds because their message is not whole, or not in turn.
//!
//! A message may come in pieces of a byte each, or messages in an order that leaves one out, and
//! none of it is ahead of a missing number. For each piece that comes the association goes through
//! those it has. What it holds shows from two sides: messages come out of it, and its receive
//! window says how many bytes are left in it (RFC 9260 6.2).

use std::time::{Duration, Instant};

/// Chunks of any size.
const FREE_HELD: u32 = 1024;
/// Bytes that chunks have to have on average for more. Senders fill packets with what is left of a
/// message, so that only its ends are small.
const HELD_BYTES: u32 = 400;
/// While there is no room, a packet is let through this often: what comes of it shows how much is
/// really held.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct Held {
    /// An estimate that is never too low.
    chunks: u32,
    /// As the last receive window said.
    bytes: u32,
    /// What went in since.
    since: (u32, u32),
    /// The largest chunk that came: a message has no fewer of them than its length says.
    pub(super) largest: u32,
    /// The receive window when nothing is held.
    window: u32,
    tried: Option<Instant>,
}

impl Held {
    pub(super) fn has_room(&mut self, now: Instant) -> bool {
        let bytes = self.bytes.saturating_add(self.since.1);
        if self.chunks < FREE_HELD || bytes >= self.chunks.saturating_mul(HELD_BYTES) {
            return true;
        }
        let late = self.tried.is_none_or(|at| now.saturating_duration_since(at) >= BETWEEN_TRIES);
        if late {
            self.tried = Some(now);
        }
        late
    }

    pub(super) fn record(&mut self, bytes: u32) {
        self.chunks = self.chunks.saturating_add(1);
        self.since.0 = self.since.0.saturating_add(1);
        self.since.1 = self.since.1.saturating_add(bytes);
        self.largest = self.largest.max(bytes);
    }

    /// So many chunks at least came out of the association as messages.
    pub(super) fn delivered(&mut self, chunks: u32) {
        self.chunks = self.chunks.saturating_sub(chunks);
    }

    /// This side begins an association with this receive window.
    pub(super) fn begin(&mut self, window: u32) {
        self.window = window;
    }

    /// The association says how much of its receive window is left. What came last may not have
    /// been looked at yet; of the rest no more chunks are there than bytes.
    pub(super) fn tell(&mut self, left: u32) {
        self.bytes = self.window.saturating_sub(left);
        let before = self.bytes.saturating_sub(self.since.1);
        self.chunks = self.chunks.min(before.saturating_add(self.since.0));
        self.since = (0, 0);
        self.bytes = self.bytes.min(self.window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: u32 = 1_048_576;

    fn held() -> Held {
        let mut held = Held::default();
        held.begin(WINDOW);
        held
    }

    #[test]
    fn messages_that_come_out_leave_room_for_others_for_ever() {
        let (mut held, now) = (held(), Instant::now());
        for _ in 0..100_000 {
            assert!(held.has_room(now));
            held.record(10);
            held.delivered(1);
        }
    }

    #[test]
    fn small_pieces_that_stay_are_no_more_than_so_many() {
        let (mut held, now) = (held(), Instant::now());
        let mut sum = 0;
        let passed = (0..100_000)
            .filter(|_| {
                let room = held.has_room(now);
                if room {
                    held.record(1);
                    sum += 1;
                    held.tell(WINDOW - sum);
                }
                room
            })
            .count();
        assert_eq!(passed, FREE_HELD as usize + 1, "and one to try");
        assert!(held.has_room(now + BETWEEN_TRIES));
        assert!(!held.has_room(now + BETWEEN_TRIES));
    }

    #[test]
    fn a_large_message_comes_in_full_packets_however_many() {
        let (mut held, now) = (held(), Instant::now());
        for n in 1..900 {
            assert!(held.has_room(now));
            held.record(1150);
            held.tell(WINDOW - n * 1150);
        }
    }

    #[test]
    fn what_was_thought_to_be_held_is_not_when_the_window_is_open_again() {
        let (mut held, now) = (held(), Instant::now());
        for _ in 0..FREE_HELD {
            held.record(1);
        }
        held.tried = Some(now);
        assert!(!held.has_room(now));
        // Messages were given up, and nobody said so.
        held.tell(WINDOW);
        held.record(1);
        held.tell(WINDOW - 1);
        assert_eq!(held.chunks, 1);
        assert!(held.has_room(now));
    }
}
