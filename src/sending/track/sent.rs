//! What was sent on a track, for statistics and for choosing what to probe with.

use std::time::{Duration, Instant};

#[derive(Default)]
pub(in crate::sending) struct Sent {
    pub(in crate::sending) packets: u64,
    /// Of payload.
    pub(in crate::sending) bytes: u64,
    /// Pictures that were sent to their end.
    pub(in crate::sending) frames: u64,
    /// Of the newest packet.
    pub(in crate::sending) codec: Option<&'static str>,
    /// When the running second began, and how much was sent until then.
    window: Option<(Instant, u64)>,
    bitrate: u64,
}

impl Sent {
    pub(in crate::sending) fn count(
        &mut self,
        now: Instant,
        bytes: usize,
        frame: bool,
        codec: &'static str,
    ) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.frames += u64::from(frame);
        self.codec = Some(codec);
        self.roll(now);
    }

    /// Bits per second of payload over the last whole second or so.
    pub(in crate::sending) fn bitrate(&self) -> u64 {
        self.bitrate
    }

    /// Begins the next second when one is over, whether or not anything was sent.
    pub(in crate::sending) fn roll(&mut self, now: Instant) {
        let (since, bytes) = *self.window.get_or_insert((now, self.bytes));
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Duration::from_secs(1) {
            let bits = (self.bytes - bytes) as f64 * 8.0;
            self.bitrate = (bits / elapsed.as_secs_f64()) as u64;
            self.window = Some((now, self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bitrate_is_that_of_the_last_second_and_falls_when_nothing_is_sent() {
        let start = Instant::now();
        let mut sent = Sent::default();
        for step in 0..=50 {
            sent.count(start + Duration::from_millis(20) * step, 250, step % 5 == 0, "VP8");
        }
        // The packet that begins the window is not of it.
        assert_eq!(sent.bitrate(), 50 * 250 * 8);
        assert_eq!((sent.packets, sent.bytes, sent.frames), (51, 51 * 250, 11));
        sent.roll(start + Duration::from_secs(2));
        assert_eq!(sent.bitrate(), 0);
    }
}
