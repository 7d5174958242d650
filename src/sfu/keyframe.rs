//! Keyframe requests to the sender of one encoding.

use std::time::{Duration, Instant};

/// At most one request goes out in this time.
const INTERVAL: Duration = Duration::from_millis(500);

/// The same for who has no picture at all yet. Those who come together get one keyframe, and most of
/// them the group of pictures that it begins.
const START_INTERVAL: Duration = Duration::from_millis(200);

/// What a keyframe is needed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// To go on: something was lost, or another encoding follows.
    Repair,
    /// To begin: there is no picture.
    Start,
}

/// How long to wait for the keyframe before asking again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How often to ask for one keyframe before giving up.
const MAX_TRIES: u32 = 5;

/// Coalesces what receivers ask of one encoding.
#[derive(Default, Debug)]
pub struct KeyframeRequests {
    last_sent: Option<Instant>,
    waiting: Option<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Requests sent for this keyframe.
    tries: u32,
    /// When to send the next one.
    due: Instant,
}

impl KeyframeRequests {
    /// Nobody waits for a keyframe, and none was asked for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Someone needs a keyframe. True: send a request now. Otherwise one was sent just now or goes
    /// out at [`KeyframeRequests::next`].
    #[must_use]
    pub fn request(&mut self, now: Instant) -> bool {
        self.want(now, Need::Repair);
        self.poll(now)
    }

    /// As [`KeyframeRequests::request`], for who polls later.
    pub fn want(&mut self, now: Instant, need: Need) {
        let interval = match need {
            Need::Repair => INTERVAL,
            Need::Start => START_INTERVAL,
        };
        let opens = self.last_sent.map_or(now, |sent| sent + interval).max(now);
        let waiting = self.waiting.get_or_insert(Waiting { tries: 0, due: opens });
        // Who asks anew has not got it: ask earlier than a retry would, and keep trying.
        waiting.due = waiting.due.min(opens);
        waiting.tries = waiting.tries.min(MAX_TRIES - 1);
    }

    /// Whether to send a request now.
    #[must_use]
    pub fn poll(&mut self, now: Instant) -> bool {
        let Some(waiting) = self.waiting.filter(|waiting| waiting.due <= now) else { return false };
        let tries = waiting.tries + 1;
        self.last_sent = Some(now);
        self.waiting = (tries < MAX_TRIES).then_some(Waiting { tries, due: now + RETRY_AFTER });
        true
    }

    /// When to call [`KeyframeRequests::poll`] next.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.map(|waiting| waiting.due)
    }

    /// A keyframe began: nobody waits any more.
    pub fn handle_keyframe(&mut self) {
        self.waiting = None;
    }

    /// Nobody takes the encoding any more.
    pub fn cancel(&mut self) {
        self.waiting = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_request_goes_out_at_once() {
        assert!(KeyframeRequests::new().request(Instant::now()));
    }

    #[test]
    fn requests_within_half_a_second_become_one_when_it_is_over() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::new();
        assert!(requests.request(now));
        for ms in 1..500 {
            assert!(!requests.request(now + MS * ms));
        }
        assert_eq!(requests.next(), Some(now + INTERVAL));
        assert!(!requests.poll(now + MS * 499));
        assert!(requests.poll(now + MS * 500));
        assert!(!requests.poll(now + MS * 501));
    }

    #[test]
    fn who_has_no_picture_waits_for_two_hundred_milliseconds_at_most() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::new();
        assert!(requests.request(now));
        requests.handle_keyframe();
        assert!(!requests.request(now + MS * 50));
        requests.want(now + MS * 100, Need::Start);
        assert!(!requests.poll(now + MS * 199));
        assert!(requests.poll(now + MS * 200));
    }

    #[test]
    fn a_keyframe_answers_everyone_who_waits() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::new();
        assert!(requests.request(now));
        assert!(!requests.request(now + MS * 10));
        requests.handle_keyframe();
        assert_eq!(requests.next(), None);
        assert!(!requests.poll(now + MS * 5000));
    }

    #[test]
    fn the_limit_holds_over_a_keyframe() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::new();
        assert!(requests.request(now));
        requests.handle_keyframe();
        assert!(!requests.request(now + MS * 100));
        assert_eq!(requests.next(), Some(now + INTERVAL));
    }

    #[test]
    fn a_request_without_an_answer_is_repeated_and_given_up() {
        let start = Instant::now();
        let mut requests = KeyframeRequests::new();
        let mut sent = u32::from(requests.request(start));
        while let Some(due) = requests.next() {
            assert!(requests.poll(due));
            sent += 1;
        }
        assert_eq!(sent, MAX_TRIES);
        assert!(requests.request(start + MS * 60_000), "someone asks again");
    }

    #[test]
    fn however_many_ask_at_most_one_goes_out_in_half_a_second() {
        let start = Instant::now();
        let mut requests = KeyframeRequests::new();
        let mut last: Option<Instant> = None;
        for ms in 0..20_000 {
            let now = start + MS * ms;
            if ms % 3 == 0 && requests.request(now) || requests.poll(now) {
                assert!(last.is_none_or(|last| now - last >= INTERVAL));
                last = Some(now);
            }
            if ms % 1700 == 0 {
                requests.handle_keyframe();
            }
        }
        assert!(last.is_some());
    }
}
