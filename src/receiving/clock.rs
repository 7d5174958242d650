//! When media was captured, on our clock.
//!
//! Sender reports (RFC 3550 6.4.1) map the RTP time of a stream to the NTP clock of its sender,
//! and [`SenderClock`] that clock to ours, one for all streams of a peer. A [`TimeLine`] makes of
//! it, for each stream, a mapping without leaps: receivers and mixers play by it.

use std::time::{Duration, Instant};

/// The offset between a peer's NTP clock and ours. One for all its streams, so that sound and
/// picture stay in step however their packets travel.
#[derive(Default, Debug)]
pub struct SenderClock {
    /// The pair of moments everything is measured from.
    origin: Option<(u64, Instant)>,
    /// Smallest seen excess of travel time over the origin's, in microseconds.
    offset: i64,
}

/// A report that disagrees by more than this, in microseconds, is a peer whose clock was set.
const CLOCK_JUMP: i64 = 2_000_000;

impl SenderClock {
    /// Our time of the peer's `ntp`, from a report that came at `received`.
    pub fn local(&mut self, ntp: u64, received: Instant) -> Option<Instant> {
        let (ntp_origin, local_origin) = *self.origin.get_or_insert((ntp, received));
        // The difference survives NTP's wrap in 2036.
        let peer = micros(ntp.wrapping_sub(ntp_origin) as i64);
        let local = received.saturating_duration_since(local_origin).as_micros() as i64;
        let excess = local.checked_sub(peer)?;
        if excess.saturating_sub(self.offset).saturating_abs() > CLOCK_JUMP {
            self.origin = Some((ntp, received));
            self.offset = 0;
            return Some(received);
        }
        // The quickest report is the one that waited least; clocks drift, so creep up slowly.
        self.offset =
            if excess < self.offset { excess } else { self.offset + (excess - self.offset) / 64 };
        shifted(local_origin, peer.checked_add(self.offset)?)
    }
}

/// A span of NTP time in microseconds.
fn micros(span: i64) -> i64 {
    ((i128::from(span) * 1_000_000) >> 32) as i64
}

fn shifted(at: Instant, micros: i64) -> Option<Instant> {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros >= 0 { at.checked_add(distance) } else { at.checked_sub(distance) }
}

/// How fast the offset follows what reports say, as a fraction of the time that passes: 50 ms a
/// second, which nobody hears or sees.
const SLEW: i64 = 20;
/// What is further off, in microseconds, is not slewed to: a track would be out of step for ten seconds.
const SNAP: i64 = 500_000;
/// Media this much older than its arrival, or RTP time that is this much ahead, in microseconds, is
/// a stream that counts anew.
const LOST: i64 = 10_000_000;

/// RTP time of one stream on our clock: extended RTP time plus an offset that moves slowly.
#[derive(Clone, Copy, Debug)]
pub struct TimeLine {
    clock_rate: u32,
    /// What RTP time counts from, and the moment that stands for it.
    origin: Instant,
    /// The newest RTP time, since the origin, with the wire's value and its arrival.
    newest: (i64, u32, Instant),
    /// Added to what follows from the origin, in microseconds; never makes captures later than
    /// arrivals.
    offset: i64,
    /// Where the offset is going, and when it last moved.
    target: i64,
    moved: Instant,
    /// The target is a report's, not that of arrivals.
    reported: bool,
}

impl TimeLine {
    /// Begins with a packet. Until reports tell more, media counts as captured when the quickest
    /// packets arrive.
    pub fn new(timestamp: u32, arrival: Instant, clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            origin: arrival,
            newest: (0, timestamp, arrival),
            offset: 0,
            target: 0,
            moved: arrival,
            reported: false,
        }
    }

    /// When media of an RTP time was captured that came at `arrival`. To be called for packets as
    /// they come; not later than `arrival`.
    pub fn capture(&mut self, timestamp: u32, arrival: Instant) -> Instant {
        let ticks = self.extend(timestamp, arrival);
        self.slew(arrival);
        let media = self.micros(ticks);
        let now = arrival.saturating_duration_since(self.origin).as_micros() as i64;
        let ahead = media.saturating_add(self.offset).saturating_sub(now);
        if !(-LOST..=LOST).contains(&ahead) {
            *self = Self::new(timestamp, arrival, self.clock_rate);
            return arrival;
        }
        if ticks > self.newest.0 {
            self.newest = (ticks, timestamp, arrival);
        }
        if !self.reported {
            // The quickest packet is the one that waited least.
            let excess = now - media;
            let slower = excess - self.target;
            self.target = if slower < 0 { excess } else { self.target + slower / 512 };
        }
        if ahead > 0 {
            // Nothing arrives before it was captured.
            self.offset -= ahead;
        }
        self.moment(media).map_or(arrival, |at| at.min(arrival))
    }

    /// When other media of the stream was captured, such as what a packet repeats.
    pub fn at(&self, timestamp: u32) -> Instant {
        let ticks = self.nearest(timestamp, self.newest.0);
        self.moment(self.micros(ticks)).unwrap_or(self.newest.2)
    }

    /// Microseconds that captures have yet to go to where reports put them; `None` before the first.
    pub fn rest(&self) -> Option<i32> {
        let rest = self.target.saturating_sub(self.offset);
        self.reported.then(|| rest.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }

    /// A sender report says that media of `timestamp` was captured at `captured`.
    pub fn report(&mut self, timestamp: u32, captured: Instant) {
        let media = self.micros(self.nearest(timestamp, self.newest.0));
        let since = |at: Instant| match at.checked_duration_since(self.origin) {
            Some(after) => after.as_micros() as i64,
            None => -(self.origin.saturating_duration_since(at).as_micros() as i64),
        };
        let target = since(captured).saturating_sub(media);
        if target.saturating_abs() > LOST {
            return;
        }
        self.target = target;
        self.reported = true;
        if (self.target - self.offset).abs() > SNAP {
            self.offset = self.target;
        }
    }

    fn slew(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.moved).as_micros() as i64;
        let most = passed / SLEW;
        if most > 0 {
            self.moved = now;
            self.offset += (self.target - self.offset).clamp(-most, most);
        }
    }

    /// Extended RTP time. The 32 bits wrap after hours; which turn it is follows from the time
    /// that passed since the newest packet.
    fn extend(&self, timestamp: u32, arrival: Instant) -> i64 {
        let (newest, _, at) = self.newest;
        let passed = arrival.saturating_duration_since(at);
        let rate = u64::from(self.clock_rate);
        let expected = passed.as_secs().saturating_mul(rate);
        let expected =
            expected.saturating_add(u64::from(passed.subsec_micros()) * rate / 1_000_000);
        self.nearest(timestamp, newest.saturating_add_unsigned(expected))
    }

    /// The extended time with these 32 bits that is nearest to `expected`.
    fn nearest(&self, timestamp: u32, expected: i64) -> i64 {
        let (newest, wire, _) = self.newest;
        let expected_wire = wire.wrapping_add(expected.wrapping_sub(newest) as u32);
        expected.saturating_add(i64::from(timestamp.wrapping_sub(expected_wire) as i32))
    }

    fn micros(&self, ticks: i64) -> i64 {
        // Seconds and the rest of one apart, as 64 bits hold that: a division of 128 is a long one.
        let rate = i64::from(self.clock_rate);
        let (seconds, rest) = (ticks / rate, ticks % rate);
        seconds.saturating_mul(1_000_000).saturating_add(rest * 1_000_000 / rate)
    }

    fn moment(&self, media: i64) -> Option<Instant> {
        shifted(self.origin, media.checked_add(self.offset)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    fn ntp(seconds: u64) -> u64 {
        seconds << 32
    }

    #[test]
    fn a_senders_clock_maps_to_ours_whatever_it_shows() {
        let mut clock = SenderClock::default();
        let start = Instant::now();
        assert_eq!(clock.local(ntp(77), start), Some(start));
        // Five seconds later a report travels 30 ms longer: the media is not that much later.
        let late = clock.local(ntp(82), start + 5 * SECOND + 30 * MS);
        let error = late.unwrap().saturating_duration_since(start + 5 * SECOND);
        assert!(error < MS, "{error:?}");
    }

    #[test]
    fn ticks_are_as_many_microseconds_as_wider_numbers_say() {
        for rate in [1, 3, 8_000, 44_100, 90_000, u32::MAX] {
            let line = TimeLine::new(0, Instant::now(), rate);
            for ticks in [0, 1, -1, 2_999, -90_001, 12_345_678_901, -(1 << 40), i64::MAX] {
                let exact = i128::from(ticks) * 1_000_000 / i128::from(rate);
                let exact = i64::try_from(exact).unwrap_or(i64::MAX);
                assert_eq!(line.micros(ticks), exact, "{ticks} at {rate}");
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_starts_over() {
        let mut clock = SenderClock::default();
        let start = Instant::now();
        clock.local(ntp(77), start);
        let later = start + SECOND;
        assert_eq!(clock.local(ntp(3677), later), Some(later));
        let later = later + SECOND;
        assert_eq!(clock.local(u64::MAX / 2, later), Some(later), "as far as can be");
    }

    #[test]
    fn a_senders_clock_goes_on_over_the_wrap_of_2036() {
        let mut clock = SenderClock::default();
        let start = Instant::now();
        clock.local(u64::MAX - ntp(1) + 1, start);
        let at = clock.local(ntp(1), start + 2 * SECOND).unwrap();
        assert_eq!(at, start + 2 * SECOND);
    }

    /// 20 ms of sound at 48 kHz.
    struct Sound {
        line: TimeLine,
        start: Instant,
        timestamp: u32,
        at: Duration,
    }

    impl Sound {
        fn new(timestamp: u32) -> Self {
            let start = Instant::now() + 100 * SECOND;
            let line = TimeLine::new(timestamp, start, 48_000);
            Self { line, start, timestamp, at: Duration::ZERO }
        }

        /// The next packet, that much late; how far its capture is from when it was made.
        fn next(&mut self, late: Duration) -> Duration {
            self.timestamp = self.timestamp.wrapping_add(960);
            self.at += 20 * MS;
            let made = self.start + self.at;
            let captured = self.line.capture(self.timestamp, made + late);
            captured.max(made) - captured.min(made)
        }
    }

    #[test]
    fn without_reports_media_is_as_old_as_the_quickest_packets() {
        let mut sound = Sound::new(7);
        for packet in 0..500 {
            let late = if packet % 3 == 0 { 40 * MS } else { Duration::ZERO };
            assert!(sound.next(late) <= 20 * MS, "jitter is no time of capture");
        }
    }

    #[test]
    fn captures_never_leap_when_the_first_report_comes() {
        let mut sound = Sound::new(7);
        for _ in 0..50 {
            sound.next(Duration::ZERO);
        }
        // It was captured 100 ms before it is sent.
        sound.line.report(sound.timestamp, sound.start + sound.at - 100 * MS);
        let mut before = Duration::ZERO;
        for _ in 0..150 {
            let distance = sound.next(Duration::ZERO);
            assert!(distance >= before && distance - before <= 2 * MS, "{distance:?}");
            before = distance;
        }
        assert!(before >= 99 * MS && before <= 101 * MS, "{before:?}");
    }

    #[test]
    fn a_report_that_is_far_off_is_followed_at_once() {
        let mut sound = Sound::new(7);
        sound.next(Duration::ZERO);
        sound.line.report(sound.timestamp, sound.start + sound.at - SECOND);
        let distance = sound.next(Duration::ZERO);
        assert!(distance >= 990 * MS && distance <= 1010 * MS, "{distance:?}");
    }

    #[test]
    fn time_goes_on_over_wraps_and_long_pauses() {
        let mut sound = Sound::new(u32::MAX - 480);
        assert!(sound.next(Duration::ZERO) <= MS);
        sound.line.report(sound.timestamp, sound.start + sound.at);
        // 13 hours: more than half of 2^32 at 48 kHz, after which a plain difference turns its sign.
        let pause = 13 * 3600 * SECOND;
        sound.at += pause;
        sound.timestamp = sound.timestamp.wrapping_add((13 * 3600 * 48_000_u64) as u32);
        assert!(sound.next(Duration::ZERO) <= MS);
    }

    #[test]
    fn nothing_is_captured_after_it_arrived() {
        let mut sound = Sound::new(7);
        sound.next(Duration::ZERO);
        sound.line.report(sound.timestamp, sound.start + sound.at + 300 * MS);
        for _ in 0..500 {
            sound.timestamp = sound.timestamp.wrapping_add(960);
            sound.at += 20 * MS;
            let arrival = sound.start + sound.at;
            assert!(sound.line.capture(sound.timestamp, arrival) <= arrival);
        }
    }

    #[test]
    fn a_stream_that_counts_anew_begins_anew() {
        let mut sound = Sound::new(7);
        sound.next(Duration::ZERO);
        sound.timestamp = sound.timestamp.wrapping_add(0x7000_0000);
        assert!(sound.next(Duration::ZERO) <= MS);
        sound.timestamp = 0;
        assert!(sound.next(Duration::ZERO) <= MS);
    }

    #[test]
    fn what_a_packet_repeats_was_captured_earlier() {
        let mut sound = Sound::new(7);
        for _ in 0..10 {
            sound.next(Duration::ZERO);
        }
        let newest = sound.line.at(sound.timestamp);
        assert_eq!(newest - sound.line.at(sound.timestamp.wrapping_sub(960)), 20 * MS);
    }
}
