//! Writing transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1).
//!
//! Known as TWCC, the feedback of transport-wide congestion control.

use super::feedback::transport_format;
use super::payload_type;
use super::writer::PacketWriter;

/// Units of deltas in a microsecond's terms.
const DELTA: i64 = 250;
/// Units of the reference time: 64 ms.
const REFERENCE: i64 = 64_000;
/// The header, both SSRCs and the fixed part of the information.
const FIXED: usize = 4 + 8 + 8;
/// Symbols in a vector of two bits, and in one of one bit.
const WIDE: usize = 7;
const NARROW: usize = 14;
/// The longest run.
const LONGEST_RUN: usize = 0x1fff;

/// Tells of the packets from `base` on: for each the microsecond of its arrival, from any origin
/// that stays the same, or `None` when it did not come. Takes as many as fit into `out`; gives the
/// length of the packet and how many it tells of.
///
/// `None` when nothing fits, or none of them came.
pub fn write_transport_feedback(
    out: &mut [u8],
    sender: u32,
    media: u32,
    base: u16,
    count: u8,
    arrivals: impl Iterator<Item = Option<i64>> + Clone,
) -> Option<(usize, u16)> {
    let arrivals = arrivals.take(usize::from(u16::MAX));
    let reference = arrivals.clone().flatten().next()?.div_euclid(REFERENCE);

    let mut builder = Builder { room: out.len().checked_sub(FIXED)? & !3, ..Builder::default() };
    let mut last = reference * REFERENCE / DELTA;
    for arrival in arrivals {
        let symbol = match arrival {
            None => Symbol::Missing,
            Some(at) => {
                let units = at.div_euclid(DELTA);
                let Ok(delta) = i16::try_from(units - last) else { break };
                last = units;
                u8::try_from(delta).map_or(Symbol::Large(delta), Symbol::Small)
            }
        };
        if !builder.push(symbol) {
            break;
        }
    }
    let told = u16::try_from(builder.told).ok().filter(|told| *told > 0)?;
    let (chunks, deltas) = builder.finish();

    let format = usize::from(transport_format::TRANSPORT_WIDE);
    let length = FIXED + 2 * chunks.len() + deltas.len();
    let padding = length.next_multiple_of(4) - length;
    let mut writer = PacketWriter::new(out, format, payload_type::TRANSPORT_FEEDBACK)?;
    writer.u32(sender)?;
    writer.u32(media)?;
    writer.u32(u32::from(base) << 16 | u32::from(told))?;
    writer.u32((reference as u32) << 8 | u32::from(count))?;
    chunks.iter().try_for_each(|chunk| writer.bytes(&chunk.to_be_bytes()))?;
    writer.bytes(&deltas)?;
    writer.bytes(&[0, 0, 0][..padding.saturating_sub(1)])?;
    if padding > 0 {
        writer.bytes(&[padding as u8])?;
    }
    let length = writer.finish()?;
    if padding > 0 {
        out[0] |= 0x20;
    }
    Some((length, told))
}

#[derive(Clone, Copy, Debug)]
enum Symbol {
    Missing,
    Small(u8),
    Large(i16),
}

impl Symbol {
    fn code(self) -> u16 {
        match self {
            Symbol::Missing => 0,
            Symbol::Small(_) => 1,
            Symbol::Large(_) => 2,
        }
    }

    fn length(self) -> usize {
        usize::from(self.code())
    }
}

/// Gathers chunks and deltas.
#[derive(Default)]
struct Builder {
    /// Bytes for both.
    room: usize,
    chunks: Vec<u16>,
    deltas: Vec<u8>,
    /// Symbols that are in no chunk yet: a run of the same, or as many as a vector holds.
    pending: Pending,
    /// Symbols in all.
    told: usize,
}

#[derive(Clone, Copy, Default)]
struct Pending {
    codes: [u16; NARROW],
    length: usize,
}

impl Pending {
    fn kept(&self) -> &[u16] {
        &self.codes[..self.length.min(NARROW)]
    }

    fn is_run(&self) -> bool {
        // What is longer than a vector is a run, or it would not have been taken.
        self.length > NARROW || self.kept().windows(2).all(|pair| pair[0] == pair[1])
    }

    fn takes(&self, code: u16) -> bool {
        let narrow = code != 2 && self.kept().iter().all(|code| *code != 2);
        let run = self.is_run() && self.codes[0] == code && self.length < LONGEST_RUN;
        self.length < WIDE || narrow && self.length < NARROW || run
    }

    fn push(&mut self, code: u16) {
        if let Some(place) = self.codes.get_mut(self.length) {
            *place = code;
        }
        self.length += 1;
    }

    /// Takes one chunk out. Symbols that are in none yet stay, fewer than a vector of them: only
    /// the last vector may be short, because readers take it for full.
    fn take(&mut self) -> u16 {
        let mut rest = Self::default();
        let chunk = if self.is_run() {
            self.codes[0] << 13 | self.length as u16
        } else if self.length == NARROW {
            self.vector(0b10 << 14, 1, NARROW)
        } else {
            self.kept().iter().skip(WIDE).for_each(|code| rest.push(*code));
            self.vector(0b11 << 14, 2, WIDE)
        };
        *self = rest;
        chunk
    }

    fn vector(&self, kind: u16, width: usize, most: usize) -> u16 {
        let symbols = self.kept().iter().take(most).enumerate();
        symbols.fold(kind, |chunk, (place, code)| chunk | code << (14 - width * (place + 1)))
    }
}

impl Builder {
    /// False when there is no room for it.
    fn push(&mut self, symbol: Symbol) -> bool {
        let opens = !self.pending.takes(symbol.code());
        // One more for what a vector leaves.
        let chunks = self.chunks.len() + 2 + usize::from(opens);
        if 2 * chunks + self.deltas.len() + symbol.length() > self.room {
            return false;
        }
        if opens {
            self.chunks.push(self.pending.take());
        }
        self.pending.push(symbol.code());
        match symbol {
            Symbol::Missing => {}
            Symbol::Small(delta) => self.deltas.push(delta),
            Symbol::Large(delta) => self.deltas.extend(delta.to_be_bytes()),
        }
        self.told += 1;
        true
    }

    fn finish(mut self) -> (Vec<u16>, Vec<u8>) {
        while self.pending.length > 0 {
            self.chunks.push(self.pending.take());
        }
        (self.chunks, self.deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Packet, packets};
    use super::*;

    /// Writes and reads again; arrivals in microseconds, cut to the units of deltas.
    #[track_caller]
    fn through_the_wire(base: u16, arrivals: &[Option<i64>]) -> Vec<(u16, Option<i64>)> {
        let mut out = [0; 1200];
        let given = arrivals.iter().copied();
        let (length, told) = write_transport_feedback(&mut out, 1, 2, base, 9, given).unwrap();
        let Some(Packet::TransportFeedback(feedback)) = packets(&out[..length]).next() else {
            panic!("transport feedback");
        };
        assert_eq!((feedback.sender, feedback.media, feedback.feedback_count), (1, 2, 9));
        assert_eq!((feedback.base_sequence, feedback.status_count), (base, told));
        let reference = i64::from(feedback.reference_time) * REFERENCE;
        let read: Vec<_> = feedback
            .arrivals()
            .map(|(sequence, at)| (sequence, at.map(|at| reference + i64::from(at) * DELTA)))
            .collect();
        assert_eq!(read.len(), usize::from(told), "every delta is there");
        read
    }

    #[track_caller]
    fn survives(base: u16, arrivals: &[Option<i64>]) {
        let read = through_the_wire(base, arrivals);
        assert_eq!(read.len(), arrivals.len());
        for (place, (sequence, at)) in read.into_iter().enumerate() {
            assert_eq!(sequence, base.wrapping_add(place as u16));
            assert_eq!(at, arrivals[place].map(|at| at.div_euclid(DELTA) * DELTA));
        }
    }

    #[test]
    fn what_was_written_is_read() {
        survives(65_530, &[Some(1_000_000)]);
        survives(65_530, &[None, None, Some(1_000_000)]);
        let run: Vec<_> = (0..300).map(|n| Some(1_000_000 + n * 1_000)).collect();
        survives(65_530, &run);
        let gaps: Vec<_> = (0..200).map(|n| (n % 3 == 0).then_some(n * 5_000)).collect();
        survives(7, &gaps);
        let large: Vec<_> = (0..100).map(|n| Some(n * n * 3_000)).collect();
        survives(7, &large);
        let order: Vec<_> = (0..50).map(|n| Some(500_000 + (n ^ 1) * 20_000)).collect();
        survives(7, &order);
    }

    #[test]
    fn long_runs_of_lost_packets_take_one_chunk() {
        let mut arrivals = vec![Some(0)];
        arrivals.resize(3000, None);
        arrivals.push(Some(2_000_000));
        survives(0, &arrivals);
        let mut out = [0; 40];
        let written = write_transport_feedback(&mut out, 1, 2, 0, 0, arrivals.into_iter());
        assert_eq!(written.unwrap().1, 3001);
    }

    #[test]
    fn random_patterns_survive() {
        use rand::{Rng, SeedableRng, rngs::SmallRng};
        let mut random = SmallRng::seed_from_u64(5);
        for _ in 0..500 {
            let mut at = random.random_range(-1_000_000..1_000_000);
            let loss = random.random_range(0.0..0.9);
            let mut arrivals: Vec<Option<i64>> = (0..random.random_range(0..150))
                .map(|_| {
                    at += random.random_range(-20_000..200_000);
                    (!random.random_bool(loss)).then_some(at)
                })
                .collect();
            arrivals.insert(0, Some(at.min(0)));
            let read = through_the_wire(random.random(), &arrivals);
            for (given, (_, read)) in arrivals.iter().zip(read) {
                assert_eq!(read, given.map(|at| at.div_euclid(DELTA) * DELTA));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_left_for_the_next() {
        let arrivals = (0..1000).map(|n| Some(n * 100_000));
        let mut out = [0; 300];
        let (length, told) = write_transport_feedback(&mut out, 1, 2, 0, 0, arrivals).unwrap();
        assert!(length <= 300 && told > 100 && told < 200, "{length} bytes, {told} packets");
        // Nine seconds are more than a delta can say.
        let apart = [Some(0), Some(9_000_000)].into_iter();
        assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, 0, apart).unwrap().1, 1);
    }

    #[test]
    fn without_room_or_a_packet_that_came_nothing_is_written() {
        let mut out = [0; 100];
        assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, 0, [].into_iter()), None);
        assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, 0, [None].into_iter()), None);
        let one = || [Some(1)].into_iter();
        assert_eq!(write_transport_feedback(&mut out[..19], 1, 2, 0, 0, one()), None);
        assert_eq!(write_transport_feedback(&mut out[..24], 1, 2, 0, 0, one()), None);
        assert_eq!(write_transport_feedback(&mut out[..28], 1, 2, 0, 0, one()), Some((24, 1)));
    }
}
