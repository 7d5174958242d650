//! What rfc8216bis asks of the playlist of a rendition, for tests.

/// Panics with the playlist where it breaks a rule.
pub(crate) fn assert_right(playlist: &str) {
    let value = |name: &str| -> f64 {
        let (_, behind) =
            playlist.split_once(name).unwrap_or_else(|| panic!("{name} in {playlist}"));
        let number = behind.split(|c: char| c != '.' && !c.is_ascii_digit()).next();
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("{name} in {playlist}"))
    };
    assert!(playlist.starts_with("#EXTM3U\n#EXT-X-VERSION:"), "{playlist}");
    let (target, part) = (value("TARGETDURATION:"), value("PART-TARGET="));
    // 4.4.3.8: at least twice, and it should be three times; HOLD-BACK at least three times.
    assert!(value("PART-HOLD-BACK=") >= 3.0 * part - 1e-9, "{playlist}");
    assert!(value(",HOLD-BACK=") >= 3.0 * target, "{playlist}");
    let mut parts: Vec<(f64, bool)> = Vec::new();
    for line in playlist.lines() {
        if let Some(attributes) = line.strip_prefix("#EXT-X-PART:DURATION=") {
            let duration = attributes.split(',').next().and_then(|number| number.parse().ok());
            let duration: f64 = duration.unwrap_or_else(|| panic!("{line}"));
            // 4.4.4.9. An open segment has no last part yet.
            assert!(duration > 0.0 && duration <= part + 1e-9, "{line} of {playlist}");
            parts.push((duration, attributes.contains("INDEPENDENT=YES")));
        } else if let Some(duration) = line.strip_prefix("#EXTINF:") {
            let duration: f64 = duration.trim_end_matches(',').parse().unwrap();
            // 4.4.3.1, rounded to whole seconds.
            assert!(duration.round() <= target, "{line} of {playlist}");
            let sum: f64 = parts.iter().map(|(duration, _)| duration).sum();
            assert!(parts.is_empty() || (sum - duration).abs() < 1e-3, "{line} of {playlist}");
            parts.pop();
            assert_long_enough(&parts, part, playlist);
            parts.clear();
        }
    }
    assert_long_enough(&parts, part, playlist);
    let next = "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p";
    assert_eq!(playlist.matches(next).count(), 1, "{playlist}");
}

fn assert_long_enough(parts: &[(f64, bool)], part: f64, playlist: &str) {
    for (duration, independent) in parts {
        assert!(*independent || *duration >= 0.85 * part - 1e-9, "{duration} in {playlist}");
    }
}
