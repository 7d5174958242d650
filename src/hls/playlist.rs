//! The playlist of one rendition (rfc8216bis 4.4).

use std::fmt::Write;
use std::time::Duration;

use super::rendition::{Rendition, Shape};

/// Parts are listed of what is no older than so many target durations (rfc8216bis 6.2.2 asks for three).
const PARTS_OF: u64 = 3;

/// Where another rendition is (EXT-X-RENDITION-REPORT).
pub(super) struct Report<'a> {
    pub(super) name: &'a str,
    pub(super) last: (u64, u64),
}

/// `date` is when the stream began, since 1970.
pub(super) fn playlist(
    rendition: &Rendition,
    shape: Shape,
    tag: &str,
    date: Duration,
    reports: &[Report<'_>],
) -> String {
    let mut text = String::with_capacity(4_096);
    let target = shape.target_duration();
    let part = shape.part.as_secs_f64();
    // Writing to a string never fails.
    let _ = write!(
        text,
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{target}\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={:.3},HOLD-BACK={:.3}\n\
         #EXT-X-PART-INF:PART-TARGET={part:.3}\n",
        3.0 * part,
        (3 * target) as f64,
    );
    let first = rendition.listed().next();
    let first_number = first.map_or_else(|| rendition.next().0, |segment| segment.number);
    let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{first_number}");
    let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", rendition.first_era());
    let length: Duration = rendition.listed().map(|segment| segment.duration()).sum();
    let parts_from = length.saturating_sub(Duration::from_secs(PARTS_OF * target));
    let (mut at, mut init, mut era) = (Duration::ZERO, None, rendition.first_era());
    for segment in rendition.listed() {
        // As many as the stream had: those of all renditions are counted alike.
        (era..segment.era).for_each(|_| text.push_str("#EXT-X-DISCONTINUITY\n"));
        era = segment.era;
        if init != Some(segment.init) {
            init = Some(segment.init);
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"init{}-{tag}.mp4\"", segment.init);
        }
        text.push_str("#EXT-X-PROGRAM-DATE-TIME:");
        date_time(&mut text, date.saturating_add(segment.begin));
        text.push('\n');
        let duration = segment.duration();
        if at + duration >= parts_from || segment.whole.is_none() {
            for (index, part) in segment.parts.iter().enumerate() {
                let _ = write!(
                    text,
                    "#EXT-X-PART:DURATION={:.5},URI=\"p{}.{index}-{tag}.mp4\"",
                    part.duration.as_secs_f64(),
                    segment.number
                );
                text.push_str(if part.independent { ",INDEPENDENT=YES\n" } else { "\n" });
            }
        }
        at += duration;
        if segment.whole.is_some() {
            let seconds = duration.as_secs_f64();
            let _ = write!(text, "#EXTINF:{seconds:.5},\ns{}-{tag}.mp4\n", segment.number);
        }
    }
    let (segment, part) = rendition.next();
    let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p{segment}.{part}-{tag}.mp4\"");
    for Report { name, last: (segment, part) } in reports {
        let _ = writeln!(
            text,
            "#EXT-X-RENDITION-REPORT:URI=\"../{name}/live.m3u8\",LAST-MSN={segment},LAST-PART={part}"
        );
    }
    text
}

/// ISO 8601, of the time since 1970.
fn date_time(text: &mut String, since: Duration) {
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Days since 1 March of the year 0: leap days are the last ones of a year then.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year_of_era + next_year;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let _ = write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        since.subsec_millis()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let date = |seconds: u64| {
            let mut text = String::new();
            date_time(&mut text, Duration::from_millis(seconds * 1_000 + 7));
            text
        };
        assert_eq!(date(0), "1970-01-01T00:00:00.007Z");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00.007Z");
        assert_eq!(date(1_795_996_799), "2026-11-29T23:59:59.007Z");
    }
}
