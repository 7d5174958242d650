//! Datagrams, each behind its length: the first is what somebody says who has a cookie, the others what
//! comes on the connection that he gets, each a moment later.

use std::time::{Duration, Instant};

use medialoom::ingest::srt::{Caller, CallerOptions, Heard, Listener};

const COOKIE: usize = 16 + 28;
const SOCKET: u32 = 77;

pub fn run(input: &[u8]) {
    let mut now = Instant::now();
    let mut datagrams = split(input);
    let Some(mut first) = datagrams.next() else { return };
    let (Some(listener), Ok(remote)) = (Listener::new(now), "192.0.2.1:4000".parse()) else {
        return;
    };
    // A cookie as everybody gets one.
    let options =
        CallerOptions { stream_id: String::new(), passphrase: None, latency: Duration::ZERO };
    let Some(mut caller) = Caller::new(now, remote, options) else { return };
    let Some(induction) = caller.transmit(now) else { return };
    let Heard::Answer(answer) = listener.hear(now, remote, &induction) else { panic!("no answer") };
    if let (Some(from), Some(to)) =
        (answer.get(COOKIE..COOKIE + 4), first.get_mut(COOKIE..COOKIE + 4))
    {
        to.copy_from_slice(from);
    }
    let _ = caller.receive(now, &answer);
    let _ = caller.receive(now, &first);
    let Heard::Call(request) = listener.hear(now, remote, &first) else { return };
    let passphrase = request.is_encrypted().then_some("a passphrase of ours");
    let Ok(keys) = request.open(passphrase) else { return };
    let (mut connection, _) = request.accept(now, SOCKET, Duration::from_millis(120), keys);
    for datagram in datagrams {
        now += Duration::from_millis(5);
        connection.send(now, &datagram);
        if connection.receive(now, &datagram).is_err() {
            return;
        }
        while connection.poll(now).is_some() {}
        let mut sent = 0;
        if connection.transmit(now, |datagram| sent += datagram.len()).is_err() {
            return;
        }
        // Nobody is flooded because of one datagram.
        assert!(sent <= 256 * 1024, "{sent} bytes");
        assert!(connection.deadline(now) >= now);
    }
}

fn split(mut input: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    std::iter::from_fn(move || {
        let (length, rest) = input.split_first_chunk()?;
        let (datagram, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        input = rest;
        Some(datagram.to_vec())
    })
}
