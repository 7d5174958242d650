use super::*;

/// A packet every 10 ms whose delay in ms is given; the clock of arrival is steps of 250 us.
fn send(queue: &mut QueueDelay, from: u32, to: u32, delay: impl Fn(f64) -> f64) {
    for n in from * 100..to * 100 {
        let sent = f64::from(n) * 10.0;
        queue.arrived(sent, ((sent + delay(sent)) * 4.0) as i64 + 1_000_000, 1000);
    }
}

#[test]
fn a_queue_that_grows_is_overuse_and_one_that_drains_is_underuse() {
    let mut queue = QueueDelay::default();
    send(&mut queue, 0, 5, |_| 30.0);
    assert_eq!(queue.usage(), Usage::Normal);
    send(&mut queue, 5, 6, |sent| 30.0 + (sent - 5000.0) * 0.1);
    assert_eq!(queue.usage(), Usage::Overuse);
    assert!(queue.standing() > 50.0);
    send(&mut queue, 6, 7, |sent| 130.0 - (sent - 6000.0) * 0.08);
    assert_eq!(queue.usage(), Usage::Underuse);
}

#[test]
fn a_queue_that_stopped_growing_still_stands() {
    let mut queue = QueueDelay::default();
    send(&mut queue, 0, 5, |_| 30.0);
    send(&mut queue, 5, 10, |_| 80.0);
    assert_eq!(queue.usage(), Usage::Overuse);
    assert!((queue.standing() - 50.0).abs() < 1.0);
    queue.rebase();
    send(&mut queue, 10, 11, |_| 80.0);
    assert_eq!(queue.usage(), Usage::Normal);
    assert!(queue.is_quiet());
}

#[test]
fn a_queue_that_grows_slowly_is_not_taken_for_jitter() {
    let mut queue = QueueDelay::default();
    send(&mut queue, 0, 5, |_| 30.0);
    send(&mut queue, 5, 9, |sent| 30.0 + (sent - 5000.0) * 0.015);
    assert_eq!(queue.usage(), Usage::Overuse);
}

#[test]
fn jitter_is_not_a_queue() {
    let mut queue = QueueDelay::default();
    let mut noise = 1u32;
    for n in 0..3000 {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let sent = f64::from(n) * 10.0;
        let delay = 30.0 + f64::from(noise >> 16) / 65536.0 * 100.0;
        queue.arrived(sent, ((sent + delay) * 4.0) as i64, 1000);
        assert_ne!(queue.usage(), Usage::Overuse, "{n}");
    }
}

#[test]
fn on_a_path_with_jitter_a_queue_that_grows_is_overuse_at_once_and_a_step_is_not() {
    let jitter = |sent: f64| 30.0 + if (sent as u64 / 50).is_multiple_of(2) { 0.0 } else { 15.0 };
    let (mut growing, mut held) = (QueueDelay::default(), QueueDelay::default());
    let first = |queue: &mut QueueDelay, more: fn(f64) -> f64| {
        send(queue, 0, 5, jitter);
        (0..60).find(|n| {
            let sent = 5000.0 + f64::from(*n) * 10.0;
            let delay = 30.0 + more(sent - 5000.0);
            queue.arrived(sent, ((sent + delay) * 4.0) as i64 + 1_000_000, 1000);
            queue.usage() == Usage::Overuse
        })
    };
    let grown = first(&mut growing, |since| since * 0.25).expect("overuse");
    let held = first(&mut held, |_| 120.0);
    assert!(grown <= 52, "{grown}");
    assert!(held.is_none_or(|held| held > 40), "{held:?}");
}

#[test]
fn clocks_that_drift_apart_are_not_a_queue() {
    for drift in [-300e-6, 300e-6] {
        let mut queue = QueueDelay::default();
        send(&mut queue, 0, 300, |sent| 30.0 + sent * drift);
        assert!(queue.standing() < 10.0, "{}", queue.standing());
    }
}

#[test]
fn a_clock_that_jumps_begins_anew() {
    let mut queue = QueueDelay::default();
    send(&mut queue, 0, 5, |_| 30.0);
    send(&mut queue, 5, 10, |_| 1e9);
    assert_eq!(queue.usage(), Usage::Normal);
    queue.arrived(10_000.0, i64::MAX, 1000);
    queue.arrived(10_060.0, i64::MIN, 1000);
    assert_eq!(queue.usage(), Usage::Normal);
}

/// Frames of `packets` at once, every 33 ms over a path with jitter: what one waits on top of 30 ms,
/// and how far its packets come apart.
fn play(
    queue: &mut QueueDelay,
    frames: std::ops::Range<u32>,
    waits: impl Fn(u32) -> f64,
    apart: f64,
) {
    for frame in frames {
        let sent = f64::from(frame) * 33.0;
        for packet in 0..5 {
            let arrived = sent + 30.0 + waits(frame) + f64::from(packet) * apart;
            queue.arrived(sent, (arrived * 4.0) as i64, 1000);
        }
    }
}

#[test]
fn what_differs_on_a_full_link_is_its_queue_and_no_jitter() {
    let jitter = |frame: u32| f64::from(frame / 3 % 3) * 15.0;
    let standing = |frame: u32| 75.0 + jitter(frame);
    // 5,000 bytes each 33 ms are 1.2 Mbit/s; 6.5 ms between packets are what such a link carries.
    for (apart, overuse) in [(6.5, true), (1.0, false)] {
        let mut queue = QueueDelay::default();
        play(&mut queue, 0..150, jitter, apart);
        assert_eq!(queue.usage(), Usage::Normal);
        // Of 330 ms.
        play(&mut queue, 150..160, standing, apart);
        assert_eq!(queue.usage() == Usage::Overuse, overuse, "{apart} ms apart: {queue:?}");
    }
}
