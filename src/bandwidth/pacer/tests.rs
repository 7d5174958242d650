use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;

const MS: Duration = Duration::from_millis(1);
const SIZE: usize = 1200;

/// Sends packets as an own sending side would: whatever the budget allows, then sleeps.
fn send(pacer: &mut Pacer, start: Instant, mut packets: usize) -> Vec<(Duration, usize)> {
    let mut now = start;
    let mut bursts = Vec::new();
    while packets > 0 {
        let budget = pacer.budget(now);
        let mut burst = 0;
        while burst < budget && packets > 0 {
            burst += SIZE;
            packets -= 1;
        }
        if burst > 0 {
            pacer.sent(now, burst);
            bursts.push((now - start, burst));
        } else {
            now = pacer.next(now).expect("opens again");
        }
    }
    bursts
}

fn paced(estimate: u64) -> (Pacer, Instant) {
    let (mut pacer, now) = (Pacer::new(), Instant::now());
    pacer.set_rate(now, estimate);
    (pacer, now)
}

#[test]
fn nothing_is_paced_before_there_is_an_estimate() {
    let mut pacer = Pacer::new();
    let now = Instant::now();
    pacer.sent(now, 10_000_000);
    assert_eq!((pacer.budget(now), pacer.next(now)), (usize::MAX, None));
}

#[test]
fn a_frame_of_average_size_leaves_at_once() {
    let (mut pacer, now) = paced(1_500_000);
    let frame = 1_500_000 / 8 / 30;
    for index in 0..30 {
        let at = now + MS * 33 * index;
        assert!(pacer.budget(at) >= frame);
        pacer.sent(at, frame);
    }
}

#[test]
fn a_keyframe_is_spread_in_bursts_worth_a_call() {
    let (mut pacer, now) = paced(1_500_000);
    let packets = 8 * 1_500_000 / 8 / 30 / SIZE;
    let bursts = send(&mut pacer, now, packets);
    let last = bursts.last().expect("sent").0;
    assert!(last > 60 * MS && last < 107 * MS, "{bursts:?}");
    let whole = &bursts[..bursts.len() - 1];
    assert!(whole.iter().all(|(_, bytes)| *bytes >= 4 * SIZE), "{bursts:?}");
}

#[test]
fn audio_is_counted_but_the_pacer_never_has_to_be_asked() {
    let (mut pacer, now) = paced(1_000_000);
    let before = pacer.budget(now);
    pacer.sent(now, 300);
    assert_eq!(pacer.budget(now), before - 300);
}

#[test]
fn the_next_burst_may_leave_exactly_when_it_was_said() {
    let (mut pacer, now) = paced(777_777);
    pacer.sent(now, 20_000);
    assert_eq!(pacer.budget(now), 0);
    let next = pacer.next(now).expect("later");
    assert_eq!(pacer.budget(next - MS), 0);
    assert!(pacer.budget(next) > 0);
    assert_eq!(pacer.next(next), None);
}

#[test]
fn a_link_of_almost_nothing_still_moves() {
    let (mut pacer, now) = paced(0);
    let bursts = send(&mut pacer, now, 10);
    assert!(bursts.last().expect("sent").0 < Duration::from_secs(3));
}

#[test]
fn a_queue_that_would_take_too_long_is_drained_within_a_second() {
    assert_eq!(draining_rate(1_000_000, 50_000), 1_000_000);
    assert_eq!(draining_rate(1_000_000, 500_000), 4_000_000);
    let (mut pacer, mut now) = paced(400_000);
    let start = now;
    let mut queue: usize = 500_000;
    while queue > 0 {
        pacer.set_queue(now, queue);
        let budget = pacer.budget(now).min(queue);
        pacer.sent(now, budget);
        queue -= budget;
        now = pacer.next(now).unwrap_or(now);
    }
    assert!(now - start <= Duration::from_secs(1), "{:?}", now - start);
    pacer.set_queue(now, 0);
    assert_eq!(pacer.pacing_rate(), Some(1_000_000));
}

#[test]
fn an_idle_time_is_not_made_up_for() {
    let (mut pacer, now) = paced(1_000_000);
    let fresh = pacer.budget(now);
    pacer.sent(now, fresh);
    assert_eq!(pacer.budget(now + 60_000 * MS), fresh);
}

#[test]
fn in_any_window_no_more_leaves_than_the_rate_a_burst_and_a_packet() {
    let mut random = SmallRng::seed_from_u64(0x7061_6365);
    for _ in 0..60 {
        let estimate = 1u64 << random.random_range(15..27);
        let (mut pacer, start) = paced(estimate);
        let rate = pacer.pacing_rate().expect("paced") as f64 / 8.0;
        let mut now = start;
        let mut bursts: Vec<(f64, f64)> = Vec::new();
        let mut total = 0.0;
        for _ in 0..400 {
            let (budget, mut burst) = (pacer.budget(now), 0);
            while burst < budget {
                burst += random.random_range(200..SIZE);
            }
            pacer.sent(now, burst);
            total += burst as f64;
            bursts.push(((now - start).as_secs_f64(), burst as f64));
            // Timers are late, never early; sometimes the source has nothing for a while.
            let late = random.random_range(0..3000);
            now = pacer.next(now).unwrap_or(now) + Duration::from_micros(late);
        }
        for from in 0..bursts.len() {
            let mut window = 0.0;
            for (at, bytes) in &bursts[from..] {
                window += bytes;
                let burst = (0.020 * rate).max(SIZE as f64);
                let limit = (at - bursts[from].0) * rate + burst + SIZE as f64 + 2.0;
                assert!(window <= limit, "{window} of {limit} at {estimate}");
            }
        }
        let seconds = (now - start).as_secs_f64();
        assert!(total >= 0.6 * rate * (seconds - 1.5), "{total} in {seconds} at {estimate}");
    }
}
