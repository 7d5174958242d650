//! How soon a client has a picture, and how far behind the live one it is in its first seconds.

use std::time::Duration;

use crate::publication::begins_vp8_keyframe;

/// Since the first packet of the first keyframe.
const SPAN: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct FirstSeconds {
    /// When the first keyframe came, in nanoseconds of the wall clock.
    began: Option<u64>,
    worst: u64,
}

impl FirstSeconds {
    /// A packet of video came. Times are nanoseconds of the wall clock. Gives whether the first
    /// keyframe begins with it.
    pub fn received(&mut self, payload: &[u8], sent: u64, arrived: u64) -> bool {
        let begins = self.began.is_none() && begins_vp8_keyframe(payload);
        if begins {
            self.began = Some(arrived);
        }
        let Some(began) = self.began else { return false };
        if arrived < began + SPAN.as_nanos() as u64 {
            // What was sent before there was anybody to get it is late from then on.
            self.worst = self.worst.max(arrived.saturating_sub(sent.max(began)));
        }
        begins
    }

    /// How late the latest packet of the first five seconds was, in nanoseconds: since it was sent,
    /// or since the first keyframe came if that was later. `None` where there was no keyframe.
    pub fn worst(&self) -> Option<u64> {
        self.began.map(|_| self.worst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYFRAME: [u8; 6] = [0x90, 0x80, 0x80, 1, 0x10, 0];
    const DELTA: [u8; 6] = [0x90, 0x80, 0x80, 1, 0x11, 0];
    const MS: u64 = 1_000_000;

    #[test]
    fn lateness_counts_from_the_first_keyframe_for_five_seconds() {
        let mut first = FirstSeconds::default();
        assert!(!first.received(&DELTA, 0, 900 * MS));
        assert_eq!(first.worst(), None);
        assert!(first.received(&KEYFRAME, 500 * MS, 1_000 * MS));
        assert!(!first.received(&DELTA, 600 * MS, 1_004 * MS));
        assert_eq!(first.worst(), Some(4 * MS));
        first.received(&KEYFRAME, 1_100 * MS, 1_120 * MS);
        first.received(&DELTA, 5_000 * MS, 6_000 * MS);
        assert_eq!(first.worst(), Some(20 * MS));
    }
}
