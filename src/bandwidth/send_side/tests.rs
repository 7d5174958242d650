use super::*;

/// A link that packets of 1000 bytes are sent over, with feedback every 50 ms.
struct Link {
    now: Instant,
    origin: Instant,
    estimator: SendSideEstimator,
    number: u64,
    free: f64,
    /// What would wait longer is dropped, in ms.
    queue: f64,
    wanted: u64,
}

impl Link {
    fn new(limits: Limits) -> Self {
        let origin = Instant::now();
        let estimator = SendSideEstimator::new(origin, limits);
        Self {
            now: origin,
            origin,
            estimator,
            number: 0,
            free: 0.0,
            queue: f64::INFINITY,
            wanted: 0,
        }
    }

    /// Sends at a rate over a link of another for some time; 0 is a link that nothing gets over.
    fn send(&mut self, milliseconds: u32, rate: f64, capacity: f64) {
        let gap = 8e6 / rate;
        let mut due = self.milliseconds();
        for _ in 0..milliseconds / 50 {
            let end = self.milliseconds() + 50.0;
            let mut results = Vec::new();
            while due < end {
                let fits = capacity > 0.0 && self.free - due <= self.queue;
                if fits || capacity == 0.0 {
                    self.free = self.free.max(due) + 8e6 / capacity.max(1.0);
                }
                let arrived = fits.then_some(((self.free + 20.0) * 4.0) as i64);
                results.push(PacketResult {
                    number: self.number,
                    sent: Duration::from_secs_f64(due / 1000.0),
                    size: 1000,
                    arrived,
                    probe: None,
                });
                self.number += 1;
                due += gap;
            }
            if capacity == 0.0 {
                self.free = 0.0;
            }
            self.now += Duration::from_millis(50);
            let sending = Sending { bytes: results.len() * 1000, wanted: self.wanted };
            self.estimator.tick(self.now, sending);
            if capacity > 0.0 {
                self.estimator.feedback(self.now, &results, Some(Duration::from_millis(40)));
            }
        }
    }

    fn milliseconds(&self) -> f64 {
        (self.now - self.origin).as_secs_f64() * 1000.0
    }

    fn change(&self) -> Change {
        self.estimator.statistics().change
    }
}

#[test]
fn the_estimate_begins_as_asked_for_and_stays_within_its_limits() {
    let limits = Limits { start: 10, min: 50_000, max: 400_000 };
    let mut link = Link::new(limits);
    assert_eq!(link.estimator.estimate(), 50_000);
    link.send(60_000, 390e3, 1e7);
    assert_eq!(link.estimator.estimate(), 400_000);
    link.send(10_000, 390e3, 30e3);
    assert_eq!(link.estimator.estimate(), 50_000);
    assert_eq!(link.change(), Change::Overuse);
}

#[test]
fn what_is_sent_is_what_limits_the_increase() {
    let mut link = Link::new(Limits::default());
    link.send(30_000, 280e3, 1e7);
    assert_eq!(link.change(), Change::Increase);
    let estimate = link.estimator.estimate() as f64;
    assert!((300e3..1.4 * 280e3).contains(&estimate), "{estimate}");
}

#[test]
fn little_to_send_does_not_make_the_link_thinner() {
    let mut link = Link::new(Limits { start: 2_000_000, ..Limits::default() });
    link.send(5_000, 1_900e3, 5e6);
    let before = link.estimator.estimate();
    link.send(60_000, 40e3, 5e6);
    assert_eq!(link.estimator.estimate(), before);
}

#[test]
fn a_link_that_gets_thinner_is_found_out_within_half_a_second() {
    let mut link = Link::new(Limits { start: 2_000_000, ..Limits::default() });
    link.send(10_000, 1_900e3, 5e6);
    link.send(500, 1_900e3, 1e6);
    assert_eq!(link.change(), Change::Overuse);
    let estimate = link.estimator.estimate() as f64;
    assert!((0.75e6..1e6).contains(&estimate), "{estimate}");
    assert!(link.estimator.statistics().queue > Duration::from_millis(25));
}

/// Keyframes that are waited for, repetitions and layers that grow make it so for a while.
#[test]
fn a_queue_that_stays_full_of_what_is_sent_is_neither_the_path_nor_bad_luck() {
    for (sent, queue) in [(1.2, 300.0), (1.6, 300.0), (2.5, 300.0), (1.5, 100.0), (1.5, 600.0)] {
        let mut link = Link::new(Limits::default());
        link.queue = queue;
        link.send(5_000, 280e3, 10e6);
        link.send(1_000, 2.0 * sent * 200e3, 200e3);
        for second in 0..30 {
            link.send(1_000, sent * 200e3, 200e3);
            let estimate = link.estimator.estimate();
            assert!(estimate < 205_000, "{estimate} in second {second} of {sent} times 200 kbit/s");
        }
    }
}

#[test]
fn silence_halves_the_estimate_and_half_of_it_comes_back_with_the_first_word() {
    let mut link = Link::new(Limits { start: 1_000_000, ..Limits::default() });
    link.send(5_000, 900e3, 5e6);
    let before = link.estimator.estimate();
    link.send(800, 900e3, 0.0);
    assert_eq!(link.estimator.estimate(), before);
    link.send(5_000, 50e3, 0.0);
    assert_eq!(link.change(), Change::Timeout);
    assert!(link.estimator.estimate() < before / 8);
    link.send(200, 50e3, 5e6);
    let after = link.estimator.estimate() as f64 / before as f64;
    assert!((0.45..0.55).contains(&after), "{after}");
}

#[test]
fn nothing_sent_is_no_silence() {
    let mut link = Link::new(Limits { start: 1_000_000, ..Limits::default() });
    link.send(5_000, 900e3, 5e6);
    let before = link.estimator.estimate();
    for _ in 0..100 {
        link.now += Duration::from_millis(50);
        link.estimator.tick(link.now, Sending::default());
    }
    assert_eq!(link.estimator.estimate(), before);
}

#[test]
fn remb_counts_where_no_transport_wide_feedback_comes() {
    let mut link = Link::new(Limits::default());
    link.estimator.remb(link.now, 1_200_000);
    assert_eq!(link.estimator.estimate(), 1_200_000);
    assert_eq!(link.change(), Change::Remb);
    link.send(1_000, 1_000e3, 5e6);
    let before = link.estimator.estimate();
    link.estimator.remb(link.now, 100_000);
    assert_eq!(link.estimator.estimate(), before);
}

#[test]
fn another_path_begins_with_what_is_sent_and_is_probed() {
    let mut link = Link::new(Limits { start: 3_000_000, ..Limits::default() });
    link.wanted = 3_000_000;
    link.send(5_000, 800e3, 5e6);
    while link.estimator.next_probe(link.now).is_some() {
        link.send(1_500, 800e3, 5e6);
    }
    link.estimator.reset_path(link.now);
    let estimate = link.estimator.estimate() as f64;
    assert_eq!(estimate, 3e6, "the start rate");
    assert!(link.estimator.next_probe(link.now).is_some());
    // Longer by 200 ms: no queue.
    link.free += 200.0;
    link.send(2_000, 800e3, 5e6);
    assert_ne!(link.change(), Change::Overuse);
}

#[test]
fn a_peer_that_never_sends_feedback_is_not_probed_for_long() {
    let mut link = Link::new(Limits::default());
    link.wanted = 2_000_000;
    let mut probes = 0;
    for _ in 0..600 {
        link.now += Duration::from_millis(50);
        link.estimator.tick(link.now, Sending { bytes: 100, wanted: 2_000_000 });
        probes += u32::from(link.estimator.next_probe(link.now).is_some());
    }
    assert_eq!(probes, DEAF);
}

#[test]
fn what_a_peer_makes_up_changes_nothing_but_its_own_estimate() {
    let mut link = Link::new(Limits::default());
    let mut noise = 1u64;
    for _ in 0..20_000 {
        let results: Vec<_> = (0..3)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                PacketResult {
                    number: noise >> (noise & 63),
                    sent: Duration::from_micros(noise >> 32),
                    size: (noise >> 48) as usize,
                    arrived: (noise & 4 == 0).then_some(noise as i64 >> (noise & 31)),
                    probe: (noise & 8 == 0).then_some((noise & 3) as u32),
                }
            })
            .collect();
        link.now += Duration::from_millis(noise & 127);
        link.estimator.tick(link.now, Sending { bytes: 1000, wanted: noise & 0xff_ffff });
        link.estimator.feedback(link.now, &results, Some(Duration::from_millis(noise & 0xffff)));
        let _ = link.estimator.next_probe(link.now);
        let estimate = link.estimator.estimate();
        assert!((30_000..=50_000_000).contains(&estimate), "{estimate}");
        let _ = link.estimator.statistics();
    }
}
