//! A thread on fake time: what a datagram takes is told by the test.

use std::sync::atomic::{AtomicU64, Ordering};

use super::leftover::{SHARE, SLICE};
use super::*;
use crate::control::flow::Protocol;

const HONEST: TransportId = TransportId(1);
const GUILTY: TransportId = TransportId(2);
const MEDIA: [u8; 12] = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const RECORD: [u8; 20] = [23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0];
const COST: Duration = Duration::from_millis(2);

struct Thread {
    start: Instant,
    passed: Arc<AtomicU64>,
    budget: Budget,
    /// Datagrams that were handled, by peer.
    handled: IdMap<TransportId, u64>,
}

impl Thread {
    fn new() -> Self {
        let (start, passed) = (Instant::now(), Arc::<AtomicU64>::default());
        let nanoseconds = Arc::clone(&passed);
        let clock = move || start + Duration::from_nanos(nanoseconds.load(Ordering::Relaxed));
        let budget = Budget::new(start, Clock { now: Arc::new(clock), slowness: 1 });
        Self { start, passed, budget, handled: IdMap::default() }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.passed.load(Ordering::Relaxed))
    }

    fn pass(&self, time: Duration) {
        self.passed.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    fn load(&mut self, busy: f32) {
        let load = ThreadLoad { busy, lately: busy, longest: Duration::ZERO };
        self.budget.handle_load(self.now(), load);
    }

    /// A datagram of a peer, which takes so long to handle.
    fn datagram(&mut self, id: TransportId, bytes: &[u8], cost: Duration) {
        let address = "10.0.0.1:1".parse().unwrap();
        let flow = Flow { protocol: Protocol::Udp, local: address, remote: address };
        if !self.budget.hold(id, &flow, bytes) {
            self.handle(id, bytes, cost);
        }
    }

    fn handle(&mut self, id: TransportId, bytes: &[u8], cost: Duration) {
        self.budget.begin(Some(id), Work::of(bytes));
        self.pass(cost);
        *self.handled.entry(id).or_default() += 1;
    }

    /// The end of a turn, in which those that waited have theirs.
    fn finish(&mut self, cost: Duration) {
        self.budget.handle_timeout(self.now());
        while let Some((id, _, bytes)) = self.budget.next_held() {
            self.handle(id, &bytes, cost);
        }
        self.budget.end();
    }

    fn handled(&self, id: TransportId) -> u64 {
        self.handled.get(&id).copied().unwrap_or(0)
    }

    /// Turns of 10 ms on a busy thread, in each of which the honest peer sends `media` cheap
    /// datagrams and the other one `costly` ones.
    fn run(&mut self, turns: u64, media: u32, costly: u32) {
        for turn in 0..turns {
            let began = self.now();
            for _ in 0..media {
                self.datagram(HONEST, &MEDIA, Duration::from_micros(5));
            }
            for _ in 0..costly {
                self.datagram(GUILTY, &RECORD, COST);
            }
            self.finish(COST);
            let took = self.now() - began;
            self.pass(Duration::from_millis(10).saturating_sub(took));
            if turn % 10 == 0 {
                self.load(0.9);
            }
        }
    }
}

#[test]
fn on_an_idle_thread_the_clock_is_not_read_and_nobody_waits() {
    let mut thread = Thread::new();
    thread.budget.clock = Arc::new(|| panic!("the clock was read"));
    for _ in 0..1000 {
        thread.datagram(GUILTY, &RECORD, Duration::from_secs(1));
        thread.finish(Duration::ZERO);
    }
    thread.load(0.5);
    assert!(!thread.budget.is_measured() && thread.budget.waiting() == 0);
    assert_eq!(thread.budget.poll_timeout(), None);
}

#[test]
fn a_long_turn_is_enough_to_begin_measuring() {
    let mut thread = Thread::new();
    let load = ThreadLoad { busy: 0.1, lately: 0.1, longest: LONG_TURN };
    thread.budget.handle_load(thread.now(), load);
    assert!(thread.budget.is_measured());
    thread.pass(LINGER);
    thread.load(0.1);
    assert!(!thread.budget.is_measured());
}

#[test]
fn a_costly_peer_waits_and_the_other_one_loses_nothing() {
    let mut thread = Thread::new();
    thread.load(0.9);
    thread.run(300, 10, 20);
    assert_eq!(thread.budget.waiting(), 1);
    assert_eq!(thread.handled(HONEST), 3000);
    let took = COST * thread.handled(GUILTY) as u32;
    let passed = thread.now() - thread.start;
    // What it could take at once, and then a tenth of the thread.
    let most =
        Duration::from_secs_f64(thread.budget.allowance.burst) + passed.mul_f32(SHARE) + COST * 20;
    assert!(took < most, "{took:?} of {passed:?}");
    assert!(thread.budget.dropped() > 1000);
}

#[test]
fn who_does_not_give_way_for_five_seconds_is_closed_with_what_it_did() {
    let mut thread = Thread::new();
    thread.load(0.9);
    let mut excess = None;
    for _ in 0..30 {
        thread.run(100, 10, 20);
        excess = excess.or_else(|| thread.budget.next_excess());
    }
    let excess = excess.expect("it is closed");
    assert_eq!(excess.transport, GUILTY);
    assert!(excess.text.contains("DTLS and SCTP") && excess.text.contains("dropped"), "{excess:?}");
}

#[test]
fn descriptions_that_take_half_of_the_thread_for_seconds_end_their_peer() {
    let mut thread = Thread::new();
    let mut excess = None;
    for _ in 0..1000 {
        thread.load(0.9);
        thread.budget.begin(Some(GUILTY), Work::Negotiation);
        thread.pass(Duration::from_millis(5));
        thread.finish(Duration::ZERO);
        thread.pass(Duration::from_millis(5));
        excess = excess.or_else(|| thread.budget.next_excess());
    }
    let excess = excess.expect("it is closed");
    assert!(excess.text.contains("negotiation"), "{excess:?}");
}

#[test]
fn who_gives_way_stays_and_is_free_again() {
    let mut thread = Thread::new();
    thread.load(0.9);
    thread.run(100, 10, 20);
    assert_eq!(thread.budget.waiting(), 1);
    // Far less than it gets; its credit has to grow to the half from the deepest debt.
    let turns = (thread.budget.allowance.burst * 1.5 / MOST * 100.0) as u64 + 300;
    thread.run(turns, 10, 0);
    assert_eq!(thread.budget.waiting(), 0);
    assert!(thread.budget.next_excess().is_none());
}

#[test]
fn those_that_wait_get_what_the_others_leave() {
    let handled = |busy: f32| {
        let mut thread = Thread::new();
        thread.load(0.9);
        thread.run(100, 0, 20);
        let before = thread.handled(GUILTY);
        for _ in 0..100 {
            thread.datagram(GUILTY, &RECORD, COST);
            thread.finish(COST);
            thread.pass(COST * 2);
            // Theirs comes on top.
            let load = busy + thread.budget.leftover.taking;
            thread.load(load);
        }
        thread.handled(GUILTY) - before
    };
    let (crowded, empty) = (handled(0.9), handled(0.1));
    assert!(empty > 2 * crowded, "{crowded} and {empty}");
}

#[test]
fn the_longer_a_datagram_takes_the_less_of_the_thread_it_gets() {
    let share = |cost: Duration| {
        let mut thread = Thread::new();
        thread.load(0.9);
        while thread.budget.waiting() == 0 {
            thread.datagram(GUILTY, &RECORD, cost);
            thread.finish(cost);
        }
        let (start, before) = (thread.now(), thread.handled(GUILTY));
        while thread.now() < start + Duration::from_secs(3) {
            thread.datagram(GUILTY, &RECORD, cost);
            thread.finish(cost);
            thread.pass(Duration::from_millis(10));
        }
        let took = cost * (thread.handled(GUILTY) - before) as u32;
        took.as_secs_f32() / (thread.now() - start).as_secs_f32()
    };
    let (short, long) = (share(SLICE), share(SLICE * 10));
    assert!(long < short / 3.0, "{short} and {long}");
}

#[test]
fn many_that_take_a_little_too_much_share_what_one_may() {
    let mut thread = Thread::new();
    thread.load(0.9);
    let cost = COST / 2;
    // Twenty peers, each of which takes a twenty-fifth of the thread.
    for _ in 0..300 {
        for id in 10..30 {
            thread.datagram(TransportId(id), &RECORD, cost);
        }
        thread.finish(cost);
        thread.pass(cost * 5);
        thread.load(0.9);
    }
    assert!(thread.budget.waiting() >= 10, "{}", thread.budget.waiting());
}

#[test]
fn a_publisher_of_4k_video_and_a_meeting_of_fifty_never_wait() {
    let mut thread = Thread::new();
    thread.load(1.0);
    for _ in 0..6000 {
        // 60 Mbit/s, and 49 others with sound, pictures and reports, every 10 ms.
        for _ in 0..60 {
            thread.datagram(HONEST, &MEDIA, Duration::from_micros(15));
        }
        for id in 10..59 {
            for _ in 0..4 {
                thread.datagram(TransportId(id), &MEDIA, Duration::from_micros(15));
            }
        }
        thread.finish(Duration::ZERO);
        thread.pass(Duration::from_millis(6));
        thread.load(1.0);
        assert_eq!(thread.budget.waiting(), 0);
    }
}

#[test]
fn a_meeting_that_begins_at_once_does_not_wait() {
    let mut thread = Thread::new();
    thread.load(1.0);
    // A handshake and its description, 10 ms each, of fifty peers.
    for id in 10..60 {
        let id = TransportId(id);
        thread.budget.begin(Some(id), Work::Negotiation);
        thread.pass(Duration::from_millis(5));
        thread.datagram(id, &RECORD, Duration::from_millis(5));
        thread.finish(Duration::ZERO);
        thread.load(1.0);
    }
    assert_eq!(thread.budget.waiting(), 0);
}

#[test]
fn a_peer_that_is_gone_leaves_nothing() {
    let mut thread = Thread::new();
    thread.load(0.9);
    thread.run(100, 0, 20);
    thread.budget.forget(GUILTY);
    assert_eq!((thread.budget.waiting(), thread.budget.poll_timeout()), (0, None));
    assert!(thread.budget.next_held().is_none());
}
