//! Both ends on fake time, over a link that loses what it is told to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::*;

const CALLER: &str = "192.0.2.1:4000";
const LATENCY: Duration = Duration::from_millis(120);

fn address() -> SocketAddr {
    CALLER.parse().unwrap()
}

fn options(passphrase: Option<&str>) -> CallerOptions {
    CallerOptions {
        stream_id: "#!::r=garden,m=publish".to_owned(),
        passphrase: passphrase.map(|text| (Zeroizing::new(text.to_owned()), KeyLength::Aes256)),
        latency: LATENCY,
    }
}

/// Says hello up to where the listener has a request.
fn request(now: Instant, caller: &mut Caller, listener: &Listener) -> Box<Request> {
    let induction = caller.transmit(now).unwrap();
    let Heard::Answer(answer) = listener.hear(now, address(), &induction) else { panic!() };
    assert!(answer.len() <= induction.len(), "nobody is flooded through us");
    assert!(caller.receive(now, &answer).unwrap().is_none());
    let conclusion = caller.transmit(now).unwrap();
    let Heard::Call(request) = listener.hear(now, address(), &conclusion) else { panic!() };
    request
}

fn connect(now: Instant, passphrase: Option<&str>) -> (Connection, Connection) {
    let listener = Listener::new(now).unwrap();
    let mut caller = Caller::new(now, address(), options(passphrase)).unwrap();
    let request = request(now, &mut caller, &listener);
    assert_eq!(request.stream_id(), "#!::r=garden,m=publish");
    let keys = request.open(passphrase).unwrap();
    let (listening, answer) = request.accept(now, 77, LATENCY, keys);
    let calling = caller.receive(now, &answer).unwrap().unwrap();
    (calling, listening)
}

/// Sends `count` payloads, one each five milliseconds, over a link with 20 ms of delay. `loses` says of
/// each datagram of the sender, by its number and that of the payload in it, whether it is lost. Gives what
/// was delivered, and when.
fn run(
    (sender, receiver): (&mut Connection, &mut Connection),
    start: Instant,
    count: u32,
    mut loses: impl FnMut(usize, Option<u32>) -> bool,
) -> Vec<(Instant, u32)> {
    const DELAY: u64 = 20;
    let mut wire: Vec<(u64, bool, Vec<u8>)> = Vec::new();
    let (mut delivered, mut index) = (Vec::new(), 0);
    for millisecond in 0..u64::from(count) * 5 + 500 {
        let now = start + Duration::from_millis(millisecond);
        if millisecond % 5 == 0 && millisecond / 5 < count.into() {
            sender.send(now, &((millisecond / 5) as u32).to_be_bytes());
        }
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut wire).into_iter().partition(|(at, ..)| *at <= millisecond);
        wire = later;
        for (_, forth, datagram) in due {
            let to = if forth { &mut *receiver } else { &mut *sender };
            to.receive(now, &datagram).unwrap();
        }
        sender
            .transmit(now, |datagram| {
                index += 1;
                let payload = (datagram[0] < 0x80).then(|| datagram.last_chunk().copied());
                if !loses(index, payload.flatten().map(u32::from_be_bytes)) {
                    wire.push((millisecond + DELAY, true, datagram.to_vec()));
                }
            })
            .unwrap();
        while let Some(payload) = receiver.poll(now) {
            delivered.push((now, u32::from_be_bytes(*payload.first_chunk().unwrap())));
        }
        let answers = |datagram: &[u8]| wire.push((millisecond + DELAY, false, datagram.to_vec()));
        receiver.transmit(now, answers).unwrap();
    }
    delivered
}

fn numbers(delivered: &[(Instant, u32)]) -> Vec<u32> {
    delivered.iter().map(|(_, number)| *number).collect()
}

#[test]
fn what_is_sent_is_delivered_in_order_and_in_even_steps() {
    for passphrase in [None, Some("a passphrase of ours")] {
        let start = Instant::now();
        let (mut caller, mut listener) = connect(start, passphrase);
        assert_eq!(listener.is_encrypted(), passphrase.is_some());
        let delivered = run((&mut caller, &mut listener), start, 200, |_, _| false);
        assert_eq!(numbers(&delivered), (0..200).collect::<Vec<_>>());
        let steps = delivered.windows(2).map(|pair| pair[1].0 - pair[0].0);
        assert!(steps.clone().all(|step| step <= Duration::from_millis(7)), "{steps:?}");
        // And the other way, with the same keys.
        let later = start + Duration::from_secs(2);
        let back = run((&mut listener, &mut caller), later, 50, |_, _| false);
        assert_eq!(back.len(), 50);
        assert_eq!(caller.stats().dropped + listener.stats().undecrypted, 0);
    }
}

#[test]
fn what_is_lost_is_sent_again_in_time() {
    let start = Instant::now();
    let (mut caller, mut listener) = connect(start, Some("a passphrase of ours"));
    let delivered = run((&mut caller, &mut listener), start, 400, |index, _| index % 7 == 3);
    let got = numbers(&delivered);
    // The last may be lost with nobody behind it to show that.
    assert!(got.starts_with(&(0..399).collect::<Vec<_>>()), "{got:?}");
    let stats = listener.stats();
    assert!(stats.recovered > 30 && stats.dropped == 0, "{stats:?}");
}

#[test]
fn keys_change_on_the_way_and_nothing_is_lost_by_that_even_where_their_announcements_are() {
    let start = Instant::now();
    let (mut caller, mut listener) = connect(start, Some("a passphrase of ours"));
    caller.set_key_refresh(KeyRefresh::after(100));
    let (mut announced, mut slots, mut delivered) = (0, Vec::new(), 0);
    for index in 0..500 {
        let now = start + Duration::from_millis(5 * index);
        caller.send(now, &[7; 100]);
        let mut datagrams = Vec::new();
        caller.transmit(now, |datagram| datagrams.push(datagram.to_vec())).unwrap();
        for datagram in datagrams {
            match packet::Packet::parse(&datagram) {
                Some(packet::Packet::Data(data)) => slots.push(data.key.unwrap()),
                Some(packet::Packet::Control(control)) if control.kind == packet::USER => {
                    announced += 1;
                    // Every other one is lost.
                    if announced % 2 == 1 {
                        continue;
                    }
                }
                _ => {}
            }
            listener.receive(now, &datagram).unwrap();
        }
        while listener.poll(now).is_some() {
            delivered += 1;
        }
        let mut answers = Vec::new();
        listener.transmit(now, |datagram| answers.push(datagram.to_vec())).unwrap();
        for answer in answers {
            caller.receive(now, &answer).unwrap();
        }
    }
    slots.dedup();
    use packet::KeySlot::{Even, Odd};
    assert_eq!(slots, [Even, Odd, Even, Odd, Even]);
    assert_eq!(announced, 10, "each of five until it was heard");
    assert_eq!((delivered, listener.stats().undecrypted), (500 - 24, 0), "all but what is due yet");
}

#[test]
fn what_is_too_late_is_left_out_and_what_follows_is_on_time() {
    let start = Instant::now();
    let (mut caller, mut listener) = connect(start, None);
    let lost = 100..130;
    let delivered = run((&mut caller, &mut listener), start, 400, |_, payload| {
        payload.is_some_and(|number| lost.contains(&number))
    });
    let got = numbers(&delivered);
    assert_eq!(got, (0..100).chain(130..400).collect::<Vec<_>>());
    let last = delivered.last().unwrap().0;
    assert!(last <= start + Duration::from_millis(5 * 399 + 20 + 120 + 10), "{:?}", last - start);
    assert_eq!(listener.stats().dropped, 30);
    assert!(caller.stats().sent_again > 30, "it was asked for more than once");
}

#[test]
fn a_wrong_passphrase_is_refused_by_its_code() {
    let now = Instant::now();
    let listener = Listener::new(now).unwrap();
    for (ours, theirs, code) in [
        (Some("a passphrase of ours"), Some("another passphrase"), Rejection::BAD_SECRET),
        (Some("a passphrase of ours"), None, Rejection::UNSECURE),
        (None, Some("another passphrase"), Rejection::UNSECURE),
    ] {
        let mut caller = Caller::new(now, address(), options(theirs)).unwrap();
        let request = request(now, &mut caller, &listener);
        let reason = request.open(ours).unwrap_err();
        assert_eq!(reason, code);
        let told = caller.receive(now, &request.refuse(reason)).unwrap_err();
        let expected = match code {
            Rejection::BAD_SECRET => SrtError::Passphrase,
            code => SrtError::Rejected(code),
        };
        assert_eq!(told, expected);
    }
}

#[test]
fn a_cookie_is_good_for_its_address_and_for_a_while() {
    let now = Instant::now();
    let listener = Listener::new(now).unwrap();
    let mut caller = Caller::new(now, address(), options(None)).unwrap();
    let Heard::Answer(answer) = listener.hear(now, address(), &caller.transmit(now).unwrap())
    else {
        panic!()
    };
    caller.receive(now, &answer).unwrap();
    let conclusion = caller.transmit(now).unwrap();
    let elsewhere = "192.0.2.2:4000".parse().unwrap();
    assert!(matches!(listener.hear(now, elsewhere, &conclusion), Heard::Nothing));
    let soon = now + Duration::from_secs(61);
    assert!(matches!(listener.hear(soon, address(), &conclusion), Heard::Call(_)));
    let late = now + Duration::from_secs(130);
    assert!(matches!(listener.hear(late, address(), &conclusion), Heard::Nothing));
}

#[test]
fn a_caller_without_a_socket_is_not_answered() {
    let now = Instant::now();
    let listener = Listener::new(now).unwrap();
    let mut caller = Caller::new(now, address(), options(None)).unwrap();
    let mut induction = caller.transmit(now).unwrap();
    assert!(matches!(listener.hear(now, address(), &induction), Heard::Answer(_)));
    induction[40..44].fill(0);
    assert!(matches!(listener.hear(now, address(), &induction), Heard::Nothing));
}

#[test]
fn a_caller_of_before_version_5_and_one_of_files_are_told_so() {
    let now = Instant::now();
    let listener = Listener::new(now).unwrap();
    let mut caller = Caller::new(now, address(), options(None)).unwrap();
    let Heard::Answer(answer) = listener.hear(now, address(), &caller.transmit(now).unwrap())
    else {
        panic!()
    };
    caller.receive(now, &answer).unwrap();
    let conclusion = caller.transmit(now).unwrap();
    let refused = |at: usize, value: u8| {
        let mut changed = conclusion.clone();
        changed[at] = value;
        let Heard::Answer(answer) = listener.hear(now, address(), &changed) else { panic!() };
        let (handshake, _) = handshake::Handshake::parse(&answer[16..]).unwrap();
        Rejection::of(handshake.kind)
    };
    assert_eq!(refused(19, 4), Some(Rejection::VERSION));
    // The flags of the request: a stream.
    assert_eq!(refused(64 + 4 + 7, 0x7f), Some(Rejection::MESSAGE_MODE));
    // A stream id that is longer than its extension.
    assert_eq!(refused(64 + 16 + 3, 200), Some(Rejection::BAD_REQUEST));
}

#[test]
fn silence_ends_a_connection_and_so_does_a_goodbye() {
    let start = Instant::now();
    let (mut caller, mut listener) = connect(start, None);
    let mut said = 0;
    let second = start + Duration::from_secs(1);
    caller.transmit(second, |_| said += 1).unwrap();
    assert_eq!(said, 1, "a sign of life");
    let late = start + Duration::from_secs(5);
    assert_eq!(caller.transmit(late, |_| {}), Err(SrtError::Timeout));
    let goodbye = caller.shutdown(second);
    assert_eq!(listener.receive(second, &goodbye), Err(SrtError::Shutdown));
}

#[test]
fn what_is_sent_to_the_deaf_is_a_sign_of_life_and_nothing_more() {
    let start = Instant::now();
    let (mut caller, mut listener) = connect(start, None);
    listener.deafen();
    for second in 1..=10 {
        let now = start + Duration::from_secs(second);
        caller.send(now, &[7; 100]);
        let mut datagrams = Vec::new();
        caller.transmit(now, |datagram| datagrams.push(datagram.to_vec())).unwrap();
        assert!(!datagrams.is_empty());
        for datagram in datagrams {
            listener.receive(now, &datagram).unwrap();
        }
        let mut answers = Vec::new();
        listener.transmit(now, |datagram| answers.push(datagram.to_vec())).unwrap();
        for answer in answers {
            caller.receive(now, &answer).unwrap();
        }
    }
    assert_eq!(listener.poll(start + Duration::from_secs(60)), None);
    assert_eq!(listener.stats().received, 0);
}

#[test]
fn whatever_bits_are_turned_nothing_breaks_and_nobody_waits_for_ever() {
    let start = Instant::now();
    let mut seed = 7u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize
    };
    for _ in 0..20 {
        let (mut caller, mut listener) = connect(start, None);
        let mut now = start;
        for _ in 0..300 {
            now += Duration::from_millis(5);
            caller.send(now, &[7; 1316]);
            let mut datagrams = Vec::new();
            caller.transmit(now, |datagram| datagrams.push((true, datagram.to_vec()))).unwrap();
            listener.transmit(now, |datagram| datagrams.push((false, datagram.to_vec()))).unwrap();
            for (forth, mut datagram) in datagrams {
                let flips = random() % 3;
                for _ in 0..flips {
                    // The headers, and what control packets say.
                    let at = random() % datagram.len().min(44);
                    datagram[at] ^= 1 << (random() % 8);
                }
                let to = if forth { &mut listener } else { &mut caller };
                let _ = to.receive(now, &datagram);
            }
            while listener.poll(now).is_some() {}
            assert!(listener.deadline(now) <= now + Duration::from_secs(1));
        }
    }
}
