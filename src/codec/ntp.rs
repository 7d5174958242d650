//! NTP time as RTCP carries it (RFC 3550 4): 32 bits of seconds since 1900, 32 bits of fraction.
//! In its compact form, the middle 32 bits, it counts 1/65,536 s and wraps every 18 hours.

use std::time::Duration;

/// From 1900 to 1970.
const UNIX_EPOCH: u64 = 2_208_988_800;

/// The NTP time so long after the Unix epoch. Wraps in 2036, as NTP does.
pub fn from_unix(since_epoch: Duration) -> u64 {
    let seconds = since_epoch.as_secs().wrapping_add(UNIX_EPOCH);
    let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}

/// The middle 32 bits, as in LSR (RFC 3550 6.4.1).
pub fn compact(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// A span in the units of compact time, as in DLSR. What is longer than they hold is cut.
pub fn compact_from_duration(span: Duration) -> u32 {
    let units = span.as_nanos() * 65_536 / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// A span of compact time.
pub fn compact_to_duration(span: u32) -> Duration {
    Duration::from_nanos(u64::from(span) * 1_000_000_000 / 65_536)
}

/// The round trip that a report block tells when it arrives at `now`, in compact time
/// (RFC 3550 6.4.1). `None` when its writer has not seen a sender report yet.
///
/// Clocks that do not agree can make it negative; it is zero then.
pub fn round_trip(now: u32, last_sr: u32, delay_since_last_sr: u32) -> Option<Duration> {
    if last_sr == 0 {
        return None;
    }
    let span = now.wrapping_sub(last_sr).wrapping_sub(delay_since_last_sr);
    Some(compact_to_duration(if (span as i32) < 0 { 0 } else { span }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_from_1900() {
        assert_eq!(from_unix(Duration::ZERO), 2_208_988_800 << 32);
        assert_eq!(from_unix(Duration::from_millis(1500)), 2_208_988_801 << 32 | 1 << 31);
        let almost = Duration::new(0, 999_999_999);
        assert_eq!(from_unix(almost) >> 32, 2_208_988_800, "a fraction is no second");
    }

    #[test]
    fn time_wraps_in_2036() {
        assert_eq!(from_unix(Duration::from_secs((1 << 32) - UNIX_EPOCH)), 0);
    }

    #[test]
    fn compact_time_is_the_middle() {
        assert_eq!(compact(0x1111_2222_3333_4444), 0x2222_3333);
    }

    #[test]
    fn spans_go_to_and_fro() {
        assert_eq!(compact_from_duration(Duration::from_millis(1500)), 0x0001_8000);
        assert_eq!(compact_to_duration(0x0001_8000), Duration::from_millis(1500));
        assert_eq!(compact_from_duration(Duration::MAX), u32::MAX);
        for units in [0, 1, 65_535, 65_536, u32::MAX] {
            let span = compact_to_duration(units) + Duration::from_nanos(1);
            assert_eq!(compact_from_duration(span), units);
        }
    }

    #[test]
    fn the_round_trip_is_that_of_the_example_in_rfc_3550() {
        // Figure 2: A = 0xb710:8000, LSR = 0xb705:2000, DLSR = 0x0005:4000.
        let span = round_trip(0xb710_8000, 0xb705_2000, 0x0005_4000);
        assert_eq!(span, Some(Duration::from_millis(6125)));
    }

    #[test]
    fn the_round_trip_is_right_over_a_wrap() {
        let span = round_trip(0x0000_8000, 0xffff_8000, 0x0000_8000);
        assert_eq!(span, Some(Duration::from_millis(500)));
    }

    #[test]
    fn without_a_sender_report_there_is_no_round_trip() {
        assert_eq!(round_trip(5, 0, 0), None);
    }

    #[test]
    fn a_negative_round_trip_is_none_at_all() {
        assert_eq!(round_trip(100, 100, 1), Some(Duration::ZERO));
        assert_eq!(round_trip(100, 200, 0), Some(Duration::ZERO));
    }
}
