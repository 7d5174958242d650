use super::*;

const SITUATION: Situation =
    Situation { estimate: 1e6, wanted: 1_500_000, max: 1e8, round_trip: Duration::from_millis(50) };

/// Tells about a probe sent at its rate through a link of another, `lost` of whose packets go.
fn answer(probing: &mut Probing, probe: Probe, link: f64, lost: usize) {
    let size = probe.bytes.div_ceil(probe.packets);
    let (mut sent, mut arrived) = (1.0, 2.0_f64);
    for number in 0..probe.packets {
        arrived = (arrived + size as f64 * 8.0 / link).max(sent + 1.0);
        probing.told(&PacketResult {
            number: number as u64,
            sent: Duration::from_secs_f64(sent),
            size,
            arrived: (number >= lost).then_some((arrived * 4000.0) as i64),
            probe: Some(probe.id),
        });
        sent += size as f64 * 8.0 / probe.rate as f64;
    }
}

/// Without the steps at the start.
fn started(now: Instant) -> Probing {
    let mut probing = Probing::default();
    let probe = probing.next(now, SITUATION).unwrap();
    answer(&mut probing, probe, 1e8, 0);
    assert!(probing.conclude(now, SITUATION).is_some());
    probing
}

#[test]
fn a_wish_is_probed_at_once_with_a_margin_and_few_packets() {
    let now = Instant::now();
    let probe = started(now).next(now, SITUATION).unwrap();
    assert_eq!(probe.rate, 1_800_000);
    assert!(probe.packets >= 5);
    assert!(probe.bytes < 6000, "{probe:?}");
}

#[test]
fn nothing_is_probed_that_is_not_wanted() {
    let now = Instant::now();
    let mut probing = started(now);
    assert_eq!(probing.next(now, Situation { wanted: 800_000, ..SITUATION }), None);
    assert_eq!(probing.next(now, Situation { max: 1e6, ..SITUATION }), None);
}

#[test]
fn a_link_that_takes_it_is_found_to_carry_the_rate_of_the_probe() {
    let now = Instant::now();
    let mut probing = started(now);
    let probe = probing.next(now, SITUATION).unwrap();
    answer(&mut probing, probe, 1e7, 0);
    let finding = probing.conclude(now, SITUATION).unwrap();
    assert!(!finding.filled);
    assert!((finding.rate / 1.8e6 - 1.0).abs() < 0.05, "{finding:?}");
}

#[test]
fn a_link_that_does_not_is_found_to_carry_what_arrives() {
    let now = Instant::now();
    let mut probing = started(now);
    let probe = probing.next(now, SITUATION).unwrap();
    answer(&mut probing, probe, 1.2e6, 0);
    let finding = probing.conclude(now, SITUATION).unwrap();
    assert!(finding.filled);
    assert!((finding.rate / 1.2e6 - 0.95).abs() < 0.05, "{finding:?}");
}

#[test]
fn pauses_get_longer_while_nothing_is_found_and_short_again_when_something_is() {
    let mut now = Instant::now();
    let mut probing = started(now);
    let mut pauses = Vec::new();
    for link in [1e6, 1e6, 1e6, 1e6, 1e7] {
        let probe = probing.next(now, SITUATION).unwrap();
        answer(&mut probing, probe, link, 0);
        probing.conclude(now, SITUATION).unwrap();
        let before = now;
        while probing.next(now, SITUATION).is_none() {
            now += Duration::from_millis(100);
        }
        // That one is given up, or it would count as the next.
        probing.cluster = None;
        pauses.push((now - before).as_millis());
    }
    assert_eq!(pauses, [1000, 2000, 2500, 2500, 0]);
}

#[test]
fn promises_that_are_not_kept_make_pauses_much_longer() {
    let mut now = Instant::now();
    let mut probing = started(now);
    for _ in 0..4 {
        while probing.next(now, SITUATION).is_none() {
            now += Duration::from_millis(100);
        }
        let probe = probing.cluster.as_ref().unwrap().probe;
        answer(&mut probing, probe, 1e7, 0);
        probing.conclude(now, SITUATION).unwrap();
        now += Duration::from_secs(1);
        probing.overused(now);
    }
    assert_eq!(probing.next(now + Duration::from_secs(20), SITUATION), None);
    assert!(probing.next(now + MAX_PAUSE, SITUATION).is_some());
}

#[test]
fn a_probe_that_nobody_tells_about_is_given_up() {
    let now = Instant::now();
    let mut probing = started(now);
    probing.next(now, SITUATION).unwrap();
    let later = now + Duration::from_secs(1);
    assert_eq!(probing.conclude(later, SITUATION), None);
    assert_eq!(probing.next(later, SITUATION), None);
    assert!(probing.next(later + Duration::from_secs(1), SITUATION).is_some());
}

#[test]
fn jitter_makes_probes_longer_instead_of_wrong() {
    let now = Instant::now();
    let mut probing = started(now);
    let probe = probing.next(now, SITUATION).unwrap();
    for number in 0..probe.packets as u64 {
        probing.told(&PacketResult {
            number,
            sent: Duration::from_millis(1000 + number * 4),
            size: probe.bytes.div_ceil(probe.packets),
            arrived: Some(8000 + number as i64 * 16 + number as i64 * 7 % 5 * 60),
            probe: Some(probe.id),
        });
    }
    assert_eq!(probing.conclude(now, SITUATION), None);
    let longer = probing.next(now + AGAIN, SITUATION).unwrap();
    assert!(longer.bytes > 2 * probe.bytes, "{longer:?}");
}

#[test]
fn a_probe_that_arrives_at_once_is_no_proof_of_anything_beyond_its_rate() {
    let now = Instant::now();
    let mut probing = started(now);
    let probe = probing.next(now, SITUATION).unwrap();
    for number in 0..probe.packets as u64 {
        probing.told(&PacketResult {
            number,
            sent: Duration::from_millis(1000 + number * 4),
            size: probe.bytes.div_ceil(probe.packets),
            arrived: Some(8000),
            probe: Some(probe.id),
        });
    }
    let found = probing.conclude(now, SITUATION);
    assert!(found.is_none_or(|found| found.rate <= 2e6), "{found:?}");
}

#[test]
fn a_probe_that_was_held_up_and_let_go_at_once_shows_that_the_link_carries_it() {
    let now = Instant::now();
    // At once, and with one that was held up for longer.
    for (last, shown) in [(0, true), (40, false)] {
        let mut probing = started(now);
        let probe = probing.next(now, SITUATION).unwrap();
        let size = probe.bytes.div_ceil(probe.packets);
        for number in 0..probe.packets as u64 {
            let behind = if number + 1 == probe.packets as u64 { last * 4 } else { 0 };
            probing.told(&PacketResult {
                number,
                sent: Duration::from_secs_f64(
                    number as f64 * size as f64 * 8.0 / probe.rate as f64,
                ),
                size,
                arrived: Some(1_000 + behind),
                probe: Some(probe.id),
            });
        }
        let found = probing.conclude(now, SITUATION).map(|finding| (finding.filled, finding.rate));
        let found = found.is_some_and(|(filled, rate)| !filled && rate > 0.9 * probe.rate as f64);
        assert_eq!(found, shown, "the last one {last} ms later");
    }
}
