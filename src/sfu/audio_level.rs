//! How loud a track is, for people to look at.

use std::time::{Duration, Instant};

/// A level is reported at most this often.
const INTERVAL: Duration = Duration::from_millis(100);

/// dBov of silence (RFC 6464 3).
const SILENCE: i8 = -127;

/// Share of a new packet in the smoothed level. Getting louder shows at once, getting quieter over
/// some packets, so that the pauses between words do not flicker.
const ATTACK: f32 = 0.6;
const RELEASE: f32 = 0.15;

/// Smooths the RFC 6464 levels of a track and thins them out.
#[derive(Debug)]
pub struct AudioLevelMeter {
    level: f32,
    voice: bool,
    last_report: Option<Instant>,
    reported: Option<(i8, bool)>,
}

impl Default for AudioLevelMeter {
    fn default() -> Self {
        Self { level: f32::from(SILENCE), voice: false, last_report: None, reported: None }
    }
}

impl AudioLevelMeter {
    /// Begins with silence, of which nothing was reported.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the level of a packet, -127 to 0 dBov. Gives the level to report: at most ten times
    /// a second, and lasting silence only once.
    pub fn receive(&mut self, now: Instant, level: i8, voice: bool) -> Option<(i8, bool)> {
        let level = f32::from(level.clamp(SILENCE, 0));
        let share = if level > self.level { ATTACK } else { RELEASE };
        self.level += (level - self.level) * share;
        self.voice |= voice;
        if self.last_report.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            return None;
        }
        let report = (self.level.round() as i8, self.voice);
        self.voice = false;
        self.last_report = Some(now);
        let before = self.reported.replace(report);
        let still_silent = report == (SILENCE, false) && before == Some(report);
        (!still_silent).then_some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    #[test]
    fn a_level_is_reported_ten_times_a_second() {
        let start = Instant::now();
        let mut meter = AudioLevelMeter::new();
        let reports = (0..50).filter_map(|i| meter.receive(start + PACKET * i, -20, true)).count();
        assert_eq!(reports, 10);
    }

    #[test]
    fn the_level_settles_where_the_packets_are() {
        let start = Instant::now();
        let mut meter = AudioLevelMeter::new();
        let last = (0..50).filter_map(|i| meter.receive(start + PACKET * i, -20, true)).last();
        assert_eq!(last, Some((-20, true)));
    }

    #[test]
    fn voice_in_any_packet_shows_in_the_next_report() {
        let start = Instant::now();
        let mut meter = AudioLevelMeter::new();
        meter.receive(start, -50, false);
        meter.receive(start + PACKET, -50, true);
        for i in 2..5 {
            meter.receive(start + PACKET * i, -50, false);
        }
        let (_, voice) = meter.receive(start + PACKET * 5, -50, false).unwrap();
        assert!(voice);
        for i in 6..10 {
            meter.receive(start + PACKET * i, -50, false);
        }
        let (_, voice) = meter.receive(start + PACKET * 10, -50, false).unwrap();
        assert!(!voice);
    }

    #[test]
    fn silence_is_reported_once() {
        let start = Instant::now();
        let mut meter = AudioLevelMeter::new();
        let reports: Vec<_> =
            (0..500).filter_map(|i| meter.receive(start + PACKET * i, -127, false)).collect();
        assert_eq!(reports, [(-127, false)]);
    }

    #[test]
    fn levels_outside_the_range_are_clamped() {
        let mut meter = AudioLevelMeter::new();
        for i in 0..100 {
            meter.receive(Instant::now() + PACKET * i, 127, true);
        }
        assert_eq!(meter.reported.unwrap().0, 0);
    }
}
