//! What of a peer's SCTP packets reaches the association. Its queues grow with what a peer sends
//! ahead of a number that is missing, and so does what each further chunk costs there; streams
//! likewise. So both are counted here first, in constant time for a chunk, and a packet that would
//! exceed a bound is treated as lost (RFC 9260 6.2: a receiver may drop what it has no room for).
//! An honest sender sends it again when there is room.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Chunks ahead of a missing one, of any size.
const MAX_WAITING: u32 = 4096;
/// Of which so many may come before their size counts. 512 chunks are some 600 kB of a sender
/// that fills its packets.
const FREE_WAITING: u32 = 512;
/// Bytes that waiting chunks have to have on average for more. Messages of a few bytes are bundled
/// by the dozen in a packet, so that a packet of them would cost as much as dozens of others.
const WAITING_BYTES: u32 = 400;
/// Streams that a peer may have data on.
const MAX_STREAMS: usize = 1024;
/// New streams a second, after [`MAX_STREAMS`] at once.
const STREAMS_PER_SECOND: u32 = 50;
/// Packets refused for one of these bounds before the association is given up.
const MAX_REFUSED: u32 = 4096;
/// A minute without a refusal forgives those before.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Pass,
    /// As if it had been lost.
    Drop,
    /// The peer goes on and on.
    Abort(Excess),
}

/// Which bound was exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Excess {
    Waiting,
    Streams,
}

impl Excess {
    /// For the error that the application gets.
    pub(in super::super) fn text(self) -> &'static str {
        match self {
            Excess::Waiting => {
                "the peer sent more SCTP chunks ahead of a missing one than are kept"
            }
            Excess::Streams => "the peer opened more SCTP streams than are kept",
        }
    }
}

/// Watches one association in the direction from the peer.
#[derive(Debug)]
pub(super) struct SctpGuard {
    /// Set by the peer's INIT or INIT ACK.
    ahead: Option<Ahead>,
    streams: HashSet<u16>,
    /// Streams that may be opened now, and when that was counted.
    openings: u32,
    counted: Option<Instant>,
    refused: u32,
    refused_at: Option<Instant>,
}

impl Default for SctpGuard {
    fn default() -> Self {
        Self {
            ahead: None,
            streams: HashSet::new(),
            openings: MAX_STREAMS as u32,
            counted: None,
            refused: 0,
            refused_at: None,
        }
    }
}

impl SctpGuard {
    /// Judges a packet that came out of DTLS. Malformed ones pass: the association refuses them
    /// at the cost of reading them once.
    pub(super) fn judge(&mut self, now: Instant, packet: &[u8]) -> Verdict {
        // What fills the gap makes room, whatever comes with it.
        let fills = self.ahead.as_ref().is_some_and(|ahead| {
            chunks(packet).filter_map(|chunk| chunk.data()).any(|data| ahead.is_next(data.tsn))
        });
        match chunks(packet).find_map(|chunk| self.excess(now, &chunk, fills)) {
            None => {
                chunks(packet).for_each(|chunk| self.record(&chunk));
                Verdict::Pass
            }
            Some(excess) => self.refuse(now, excess),
        }
    }

    fn refuse(&mut self, now: Instant, excess: Excess) -> Verdict {
        if self.refused_at.is_some_and(|at| now.saturating_duration_since(at) > FORGIVEN_AFTER) {
            self.refused = 0;
        }
        self.refused_at = Some(now);
        self.refused += 1;
        if self.refused > MAX_REFUSED { Verdict::Abort(excess) } else { Verdict::Drop }
    }

    /// The bound that a chunk exceeds.
    fn excess(&mut self, now: Instant, chunk: &Chunk<'_>, fills: bool) -> Option<Excess> {
        let data = chunk.data()?;
        if let Some(ahead) = &self.ahead
            && !fills
            && !ahead.has_room(&data)
        {
            return Some(Excess::Waiting);
        }
        if self.streams.contains(&data.stream) {
            return None;
        }
        self.refill(now);
        (self.streams.len() >= MAX_STREAMS || self.openings == 0).then_some(Excess::Streams)
    }

    fn refill(&mut self, now: Instant) {
        let counted = *self.counted.get_or_insert(now);
        let elapsed = now.saturating_duration_since(counted);
        let more = elapsed.as_millis().saturating_mul(u128::from(STREAMS_PER_SECOND)) / 1000;
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.openings = self.openings.saturating_add(more).min(MAX_STREAMS as u32);
            self.counted = Some(now);
        }
    }

    fn record(&mut self, chunk: &Chunk<'_>) {
        if let Some(data) = chunk.data() {
            if self.streams.insert(data.stream) {
                self.openings = self.openings.saturating_sub(1);
            }
            if let Some(ahead) = &mut self.ahead {
                ahead.record(&data);
            }
        } else if let Some(first) = chunk.initial_tsn() {
            self.ahead.get_or_insert_with(|| Ahead::new(first));
        } else if let (Some(to), Some(ahead)) = (chunk.forwarded_to(), &mut self.ahead) {
            ahead.forward(to);
        } else {
            chunk.reset_streams().for_each(|stream| {
                self.streams.remove(&stream);
            });
            if chunk.resets_all() {
                self.streams.clear();
            }
        }
    }
}

/// Which transmission sequence numbers came ahead of a missing one.
#[derive(Debug)]
struct Ahead {
    /// All up to this one came.
    cumulative: u32,
    /// Bit n: `cumulative + 1 + n` came, as a ring that starts at `start`.
    came: Box<[u64; (MAX_WAITING / 64) as usize]>,
    start: u32,
    waiting: u32,
    bytes: u32,
}

impl Ahead {
    fn new(first: u32) -> Self {
        let came = Box::new([0; (MAX_WAITING / 64) as usize]);
        Self { cumulative: first.wrapping_sub(1), came, start: 0, waiting: 0, bytes: 0 }
    }

    /// How far ahead of the next expected number; `None` for what came before.
    fn distance(&self, tsn: u32) -> Option<u32> {
        let distance = tsn.wrapping_sub(self.cumulative.wrapping_add(1));
        (distance < 1 << 31).then_some(distance)
    }

    fn is_next(&self, tsn: u32) -> bool {
        self.distance(tsn) == Some(0)
    }

    fn bit(&self, distance: u32) -> (usize, u64) {
        let place = (self.start + distance) % MAX_WAITING;
        ((place / 64) as usize, 1 << (place % 64))
    }

    fn has_room(&self, data: &Data) -> bool {
        match self.distance(data.tsn) {
            None | Some(0) => true,
            Some(distance) if distance >= MAX_WAITING => false,
            Some(_) => {
                self.waiting < FREE_WAITING
                    || self.bytes >= self.waiting.saturating_mul(WAITING_BYTES)
            }
        }
    }

    fn record(&mut self, data: &Data) {
        let Some(distance) = self.distance(data.tsn).filter(|distance| *distance < MAX_WAITING)
        else {
            return;
        };
        let (word, bit) = self.bit(distance);
        if self.came[word] & bit == 0 {
            self.came[word] |= bit;
            self.waiting += 1;
            self.bytes = self.bytes.saturating_add(data.bytes);
        }
        self.advance();
    }

    /// Passes over what came without a gap, a word at a time.
    fn advance(&mut self) {
        loop {
            let (word, bit) = self.bit(0);
            let first = bit.trailing_zeros();
            let run = (self.came[word] >> first).trailing_ones();
            if run == 0 {
                break;
            }
            self.pass(run.min(u64::BITS - first));
        }
    }

    /// Moves on by so many, whether they came or not; no further than the end of a word.
    fn pass(&mut self, count: u32) {
        let (word, bit) = self.bit(0);
        let first = bit.trailing_zeros();
        let mask = (u64::MAX >> (u64::BITS - count)) << first;
        let passed = (self.came[word] & mask).count_ones();
        self.came[word] &= !mask;
        // What leaves is taken for of average size.
        let share = u64::from(self.bytes) * u64::from(passed) / u64::from(self.waiting.max(1));
        self.bytes = self.bytes.saturating_sub(share as u32);
        self.waiting -= passed;
        self.start = (self.start + count) % MAX_WAITING;
        self.cumulative = self.cumulative.wrapping_add(count);
    }

    /// The peer gave up what lies before `to` (RFC 3758 3.6).
    fn forward(&mut self, to: u32) {
        let Some(distance) = self.distance(to) else { return };
        if distance >= MAX_WAITING {
            *self = Self::new(to.wrapping_add(1));
        } else {
            let mut left = distance + 1;
            while left > 0 {
                let count = left.min(u64::BITS - self.start % u64::BITS);
                self.pass(count);
                left -= count;
            }
            self.advance();
        }
    }
}

/// One chunk of a packet (RFC 9260 3.2).
struct Chunk<'a> {
    kind: u8,
    value: &'a [u8],
}

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const RECONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;
/// Outgoing SSN reset request (RFC 6525 4.1).
const OUTGOING_RESET: u16 = 13;

struct Data {
    tsn: u32,
    stream: u16,
    bytes: u32,
}

impl Chunk<'_> {
    fn u32_at(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.value.get(at..at + 4)?.try_into().ok()?))
    }

    /// RFC 9260 3.3.1.
    fn data(&self) -> Option<Data> {
        if self.kind != DATA {
            return None;
        }
        let stream = u16::from_be_bytes(self.value.get(4..6)?.try_into().ok()?);
        let bytes = self.value.len().saturating_sub(12) as u32;
        Some(Data { tsn: self.u32_at(0)?, stream, bytes })
    }

    /// RFC 9260 3.3.2 and 3.3.3.
    fn initial_tsn(&self) -> Option<u32> {
        matches!(self.kind, INIT | INIT_ACK).then(|| self.u32_at(12)).flatten()
    }

    /// RFC 3758 3.2.
    fn forwarded_to(&self) -> Option<u32> {
        (self.kind == FORWARD_TSN).then(|| self.u32_at(0)).flatten()
    }

    /// What an outgoing reset names: the parameter's value behind its three sequence numbers.
    fn reset(&self) -> Option<&[u8]> {
        if self.kind != RECONFIG {
            return None;
        }
        let kind = u16::from_be_bytes(self.value.get(..2)?.try_into().ok()?);
        let length = usize::from(u16::from_be_bytes(self.value.get(2..4)?.try_into().ok()?));
        (kind == OUTGOING_RESET).then(|| self.value.get(16..length.max(16))).flatten()
    }

    fn reset_streams(&self) -> impl Iterator<Item = u16> {
        let streams = self.reset().unwrap_or_default();
        streams.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// No stream named is all streams (RFC 6525 4.1).
    fn resets_all(&self) -> bool {
        self.reset().is_some_and(<[u8]>::is_empty)
    }
}

/// The chunks of a packet, as far as their lengths make sense.
fn chunks(packet: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = packet.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&[kind, _, high, low], _) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Chunk { kind, value })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(chunks: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut packet = vec![0; 12];
        for (kind, value) in chunks {
            packet.extend([*kind, 3]);
            packet.extend((value.len() as u16 + 4).to_be_bytes());
            packet.extend(value);
            packet.resize(packet.len().next_multiple_of(4), 0);
        }
        packet
    }

    fn data(tsn: u32, stream: u16, bytes: usize) -> (u8, Vec<u8>) {
        let mut value = tsn.to_be_bytes().to_vec();
        value.extend(stream.to_be_bytes());
        value.extend([0; 6]);
        value.resize(12 + bytes, 0);
        (DATA, value)
    }

    fn init(tsn: u32) -> (u8, Vec<u8>) {
        let mut value = vec![0; 12];
        value.extend(tsn.to_be_bytes());
        (INIT, value)
    }

    fn started() -> (SctpGuard, Instant) {
        let (mut guard, now) = (SctpGuard::default(), Instant::now());
        assert_eq!(guard.judge(now, &packet(&[init(100)])), Verdict::Pass);
        (guard, now)
    }

    #[test]
    fn what_comes_in_order_always_passes() {
        let (mut guard, now) = started();
        for tsn in 100..100_000 {
            assert_eq!(guard.judge(now, &packet(&[data(tsn, 1, 1)])), Verdict::Pass);
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
        let (mut guard, now) = (SctpGuard::default(), Instant::now());
        guard.judge(now, &packet(&[init(u32::MAX - 1)]));
        for tsn in [u32::MAX, 0, 1, u32::MAX - 1] {
            assert_eq!(guard.judge(now, &packet(&[data(tsn, 1, 9)])), Verdict::Pass);
        }
        assert_eq!(
            guard.ahead.as_ref().map(|ahead| (ahead.cumulative, ahead.waiting)),
            Some((1, 0))
        );
    }

    #[test]
    fn streams_are_bounded_in_number_and_in_rate_until_they_are_reset() {
        let (mut guard, now) = started();
        let mut tsn = 100;
        let mut open = |guard: &mut SctpGuard, now, stream| {
            let verdict = guard.judge(now, &packet(&[data(tsn, stream, 9)]));
            tsn += u32::from(verdict == Verdict::Pass);
            verdict
        };
        for stream in 0..MAX_STREAMS as u16 {
            assert_eq!(open(&mut guard, now, stream), Verdict::Pass);
        }
        assert_eq!(open(&mut guard, now, 5000), Verdict::Drop);
        assert_eq!(open(&mut guard, now, 3), Verdict::Pass, "a known one");
        let mut reset = vec![0, 13, 0, 20];
        reset.extend([0; 12]);
        reset.extend([0, 3, 0, 4]);
        guard.judge(now, &packet(&[(RECONFIG, reset)]));
        assert_eq!(open(&mut guard, now, 5000), Verdict::Drop, "too many at once");
        let later = now + Duration::from_millis(20);
        assert_eq!(open(&mut guard, later, 5000), Verdict::Pass);
        assert_eq!(open(&mut guard, later, 5001), Verdict::Drop);
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
}
