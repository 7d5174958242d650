//! What a description costs grows with its length and nothing else.

use std::time::Duration;

use cpu_time::ThreadTime;

use super::super::{Draft, parse};
use super::{Lines, agree, capabilities, text};
use crate::sdp::description::Direction;

/// CPU time of the quickest of a few runs: others use the machine too.
fn cost(sdp: &str) -> Duration {
    let run = || {
        let start = ThreadTime::now();
        if let Ok(agreement) = agree(sdp) {
            let capabilities = capabilities();
            let draft = Draft::new(&capabilities, &agreement.lines);
            std::hint::black_box(draft.renewed(&agreement.lines[0]));
            std::hint::black_box(text(&agreement));
        }
        start.elapsed()
    };
    (0..7).map(|_| run()).min().unwrap_or_default()
}

/// Eight times the text may cost eight times as much, and something for caches.
fn is_linear(make: impl Fn(usize) -> String) {
    let (small, large) = (make(1), make(8));
    assert!(parse(&large).is_ok(), "{}", large.len());
    let ratio = cost(&large).as_secs_f64() / cost(&small).as_secs_f64().max(1e-6);
    assert!(ratio < 24.0, "{ratio} times the cost for {} bytes", large.len());
}

fn lines(times: usize, line: impl Fn(usize) -> String) -> String {
    let head = Lines::head(&["0"]).then(Lines::video("0", Direction::SendOnly)).sdp();
    (0..times * 1500).fold(head, |text, n| text + &line(n) + "\r\n")
}

#[test]
fn many_lines_of_any_kind_cost_what_their_length_does() {
    is_linear(|times| lines(times, |n| format!("a=fmtp:96 x{n}={n}")));
    is_linear(|times| lines(times, |n| format!("a=ssrc:{n} cname:{n}")));
    is_linear(|times| lines(times, |n| format!("a=ssrc-group:FID {n} {}", n + 1)));
    is_linear(|times| lines(times, |n| format!("a=candidate:{n} 1 udp 1 192.0.2.1 {n} typ host")));
    is_linear(|times| lines(times, |n| format!("a=rid:{n} send")));
    is_linear(|times| lines(times, |n| format!("a=extmap:{} urn:{n}", n % 255 + 1)));
    is_linear(|times| lines(times, |n| format!("a=simulcast:send {n};{n},{n}")));
    is_linear(|times| lines(times, |n| format!("a=x:{n}")));
}

#[test]
fn long_lines_cost_what_their_length_does() {
    is_linear(|times| lines(0, |_| String::new()) + "a=fmtp:96 " + &"x=1;".repeat(9000 * times));
    is_linear(|times| lines(0, |_| String::new()) + "a=msid:" + &"x ".repeat(9000 * times));
    is_linear(|times| {
        lines(0, |_| String::new()) + "a=simulcast:send " + &"x,".repeat(9000 * times)
    });
    is_linear(|times| {
        lines(0, |_| String::new()) + "a=ssrc-group:SIM" + &" 1".repeat(9000 * times)
    });
}

#[test]
fn many_m_lines_cost_what_their_number_does() {
    is_linear(|times| {
        let mids: Vec<String> = (0..times * 60).map(|n| n.to_string()).collect();
        let names: Vec<&str> = mids.iter().map(String::as_str).collect();
        let head = Lines::head(&names);
        names.iter().fold(head, |all, mid| all.then(Lines::video(mid, Direction::SendOnly))).sdp()
    });
}
