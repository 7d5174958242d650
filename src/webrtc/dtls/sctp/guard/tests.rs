use super::super::ahead::{FREE_WAITING, MAX_WAITING};
use super::super::chunk::{FORWARD_TSN, OUTGOING_RESET, RECONFIG, RESPONSE};
use super::super::streams::MAX_STREAMS;
use super::super::testing::{data, init, packet, parameter, sack};
use super::*;

fn started() -> (Guard, Instant) {
    let (mut guard, now) = (Guard::default(), Instant::now());
    assert_eq!(guard.judge(now, &packet(&[init(100)])), Verdict::Pass);
    (guard, now)
}

/// An outgoing reset request.
fn reset(sequence: u32, last_tsn: u32, streams: &[u16]) -> (u8, Vec<u8>) {
    (RECONFIG, parameter(OUTGOING_RESET, &[sequence, 0, last_tsn], streams))
}

fn response(sequence: u32, result: u32) -> (u8, Vec<u8>) {
    (RECONFIG, parameter(RESPONSE, &[sequence, result], &[]))
}

fn forward(tsn: u32, streams: &[(u16, u16)]) -> (u8, Vec<u8>) {
    let mut value = tsn.to_be_bytes().to_vec();
    for (stream, sequence) in streams {
        value.extend(stream.to_be_bytes());
        value.extend(sequence.to_be_bytes());
    }
    (FORWARD_TSN, value)
}

#[test]
fn what_comes_in_order_always_passes() {
    let (mut guard, now) = started();
    for tsn in 100..100_000 {
        assert_eq!(guard.judge(now, &packet(&[data(tsn, 1, 1)])), Verdict::Pass);
        guard.delivered(1);
    }
    assert_eq!(guard.ahead.as_ref().map(|ahead| ahead.waiting), Some(0));
}

#[test]
fn small_chunks_ahead_of_a_missing_one_are_kept_up_to_a_number() {
    let (mut guard, now) = started();
    let passed = (101..2000)
        .filter(|tsn| guard.judge(now, &packet(&[data(*tsn, 1, 1)])) == Verdict::Pass)
        .count();
    assert_eq!(passed, FREE_WAITING as usize);
    // The missing one comes with others behind it, as a sender bundles them: there is room again.
    let gap = packet(&[data(100, 1, 1), data(900, 1, 1)]);
    assert_eq!(guard.judge(now, &gap), Verdict::Pass);
    assert_eq!(guard.judge(now, &packet(&[data(9000, 1, 1)])), Verdict::Drop, "too far ahead");
    assert_eq!(guard.judge(now, &packet(&[data(700, 1, 1)])), Verdict::Pass);
}

#[test]
fn a_fast_link_with_a_loss_keeps_its_full_packets() {
    let (mut guard, now) = started();
    for tsn in 101..100 + MAX_WAITING {
        let verdict = guard.judge(now, &packet(&[data(tsn, 1, 1150)]));
        assert_eq!(verdict, Verdict::Pass, "{tsn}");
    }
    assert_eq!(guard.judge(now, &packet(&[data(100 + MAX_WAITING, 1, 1150)])), Verdict::Drop);
}

#[test]
fn what_is_given_up_waits_no_more() {
    let (mut guard, now) = started();
    for tsn in 101..600 {
        guard.judge(now, &packet(&[data(tsn, 1, 1)]));
    }
    let forward = (FORWARD_TSN, 100u32.to_be_bytes().to_vec());
    assert_eq!(guard.judge(now, &packet(&[forward])), Verdict::Pass);
    let ahead = guard.ahead.as_ref().unwrap();
    assert_eq!((ahead.cumulative, ahead.waiting), (599, 0));
    let far = (FORWARD_TSN, 1_000_000u32.to_be_bytes().to_vec());
    guard.judge(now, &packet(&[far]));
    assert_eq!(guard.ahead.as_ref().map(|ahead| ahead.cumulative), Some(1_000_000));
}

#[test]
fn numbers_wrap() {
    let (mut guard, now) = (Guard::default(), Instant::now());
    guard.judge(now, &packet(&[init(u32::MAX - 1)]));
    for tsn in [u32::MAX, 0, 1, u32::MAX - 1] {
        assert_eq!(guard.judge(now, &packet(&[data(tsn, 1, 9)])), Verdict::Pass);
    }
    assert_eq!(guard.ahead.as_ref().map(|ahead| (ahead.cumulative, ahead.waiting)), Some((1, 0)));
}

#[test]
fn streams_are_bounded_in_number_and_in_rate_until_they_are_reset() {
    let (mut guard, now) = started();
    let later = |seconds| now + Duration::from_secs(seconds);
    let mut tsn = 100;
    let mut open = |guard: &mut Guard, now, stream| {
        let verdict = guard.judge(now, &packet(&[data(tsn, stream, 9)]));
        tsn += u32::from(verdict == Verdict::Pass);
        verdict
    };
    for stream in 0..MAX_STREAMS as u16 {
        assert_eq!(open(&mut guard, now, stream), Verdict::Pass);
    }
    assert_eq!(open(&mut guard, now, 5000), Verdict::Drop);
    assert_eq!(open(&mut guard, now, 3), Verdict::Pass, "a known one");
    guard.judge(now, &packet(&[reset(7, 0, &[3, 4])]));
    assert_eq!(open(&mut guard, later(1), 5000), Verdict::Drop, "nothing was reset yet");
    guard.hear(&packet(&[response(7, 1)]));
    assert_eq!(open(&mut guard, later(1), 5000), Verdict::Pass);
    // Asked for again with other streams, which the association does not reset.
    guard.judge(now, &packet(&[reset(7, 0, &[5, 6, 7, 8])]));
    guard.hear(&packet(&[response(7, 1)]));
    assert_eq!(open(&mut guard, later(2), 5001), Verdict::Pass);
    assert_eq!(open(&mut guard, later(3), 5002), Verdict::Drop);
}

#[test]
fn who_goes_on_is_given_up_and_who_pauses_is_forgiven() {
    let (mut guard, now) = started();
    for tsn in 101..100 + MAX_WAITING {
        guard.judge(now, &packet(&[data(tsn, 1, 1)]));
    }
    let late = now + FORGIVEN_AFTER * 2;
    let one_more = packet(&[data(100 + MAX_WAITING - 1, 1, 1)]);
    let before = (0..MAX_REFUSED).filter(|_| guard.judge(late, &one_more) == Verdict::Drop);
    assert_eq!(before.count(), MAX_REFUSED as usize);
    assert_eq!(guard.judge(late, &one_more), Verdict::Abort(Excess::Waiting));
}

#[test]
fn malformed_packets_pass_and_change_nothing() {
    let (mut guard, now) = started();
    let whole = packet(&[data(101, 1, 20), init(7)]);
    for end in 0..whole.len() {
        assert_eq!(guard.judge(now, &whole[..end]), Verdict::Pass);
    }
    for byte in 0..=255 {
        let junk = vec![byte; 200];
        guard.judge(now, &junk);
    }
}

#[test]
fn messages_in_small_pieces_are_kept_up_to_a_number_and_full_packets_are_not_counted() {
    let (mut guard, now) = started();
    let passed = (100..5000)
        .filter(|tsn| guard.judge(now, &packet(&[data(*tsn, 1, 1)])) == Verdict::Pass)
        .count();
    assert!((1024..1030).contains(&passed), "{passed}");
    let (mut guard, now) = started();
    for tsn in 100..5000 {
        assert_eq!(guard.judge(now, &packet(&[data(tsn, 1, 1150)])), Verdict::Pass);
    }
}

#[test]
fn a_packet_has_a_few_control_chunks() {
    let (mut guard, now) = started();
    let heartbeat = (4, vec![0, 1, 0, 8, 0, 0, 0, 0]);
    assert_eq!(guard.judge(now, &packet(&vec![heartbeat.clone(); MAX_CONTROL])), Verdict::Pass);
    assert_eq!(guard.judge(now, &packet(&vec![heartbeat; 100])), Verdict::Drop);
}

#[test]
fn gaps_of_an_acknowledgement_are_in_order_and_apart() {
    let (mut guard, now) = started();
    let told = |blocks: &[(u16, u16)]| packet(&[sack(1000, blocks)]);
    assert_eq!(guard.judge(now, &told(&[(2, 3), (5, 5), (7, 900)])), Verdict::Pass);
    for odd in [&[(2, 900), (2, 900)][..], &[(5, 4)], &[(7, 9), (3, 4)], &[(0, 4)]] {
        assert_eq!(guard.judge(now, &told(odd)), Verdict::Drop, "{odd:?}");
    }
}

#[test]
fn a_reset_that_lies_ahead_waits_until_everything_before_it_came() {
    let (mut guard, now) = started();
    assert_eq!(guard.judge(now, &packet(&[reset(1, 100, &[1])])), Verdict::Drop);
    assert_eq!(guard.judge(now, &packet(&[data(100, 1, 9)])), Verdict::Pass);
    assert_eq!(guard.judge(now, &packet(&[reset(1, 100, &[1])])), Verdict::Pass);
}

#[test]
fn what_is_given_up_on_streams_that_nothing_comes_on_is_bounded() {
    let (mut guard, now) = started();
    let mut skipped = 0;
    for n in 0..100 {
        let verdict = guard.judge(now, &packet(&[forward(100 + n, &[(9, n as u16)])]));
        skipped += u32::from(verdict == Verdict::Pass);
    }
    assert!((10..20).contains(&skipped), "{skipped}");
    let many: Vec<_> = (0..2000).map(|stream| (stream, 1)).collect();
    let passed = many
        .chunks(200)
        .enumerate()
        .filter(|(n, streams)| {
            let chunk = forward(300 + *n as u32, streams);
            guard.judge(now, &packet(&[chunk])) == Verdict::Pass
        })
        .count();
    assert!(passed <= 6, "{passed} packets of 200 streams");
    // Where data comes, messages are given up for ever.
    let mut guard = started().0;
    guard.judge(now, &packet(&[data(100, 9, 9)]));
    for n in 0..1000 {
        let chunk = forward(101 + n, &[(9, n as u16)]);
        assert_eq!(guard.judge(now, &packet(&[chunk])), Verdict::Pass);
    }
}

#[test]
fn forwarding_of_interleaved_messages_was_never_offered() {
    let (mut guard, now) = started();
    let chunk = (I_FORWARD_TSN, 100u32.to_be_bytes().to_vec());
    assert_eq!(guard.judge(now, &packet(&[chunk])), Verdict::Drop);
}

#[test]
fn until_data_comes_the_last_init_says_where_numbers_begin() {
    let (mut guard, now) = started();
    guard.judge(now, &packet(&[init(9_000_000)]));
    let passed = (9_000_001..9_001_000)
        .filter(|tsn| guard.judge(now, &packet(&[data(*tsn, 1, 1)])) == Verdict::Pass)
        .count();
    assert_eq!(passed, FREE_WAITING as usize);
}

#[test]
fn a_peer_that_begins_again_and_again_is_not_heard_any_more() {
    let (mut guard, now) = started();
    for tsn in 1..MAX_INITS {
        assert_eq!(guard.judge(now, &packet(&[init(tsn)])), Verdict::Pass);
    }
    assert_eq!(guard.judge(now, &packet(&[init(0)])), Verdict::Drop);
    assert_eq!(
        guard.judge(now, &packet(&[data(MAX_INITS - 1, 1, 20)])),
        Verdict::Pass,
        "its data is"
    );
}
