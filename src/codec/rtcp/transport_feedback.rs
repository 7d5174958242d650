//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1): which packets
//! arrived, and when.
//!
//! Known as TWCC, the feedback of transport-wide congestion control.

use super::Packet;
use super::feedback::Feedback;

/// The packets from `base_sequence` on, in the order of their transport-wide sequence numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransportFeedback<'a> {
    pub sender: u32,
    pub media: u32,
    pub base_sequence: u16,
    /// How many packets it tells of, lost ones among them.
    pub status_count: u16,
    /// What arrivals count from, in 64 ms of the receiver's clock; of 24 bits, so it wraps.
    pub reference_time: i32,
    /// Counts feedback packets, so that a lost one is noticed.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// `None` when there are not the chunks for all packets: without them it is not known where the
/// deltas begin.
pub(super) fn parse<'a>(feedback: &Feedback<'a>) -> Option<Packet<'a>> {
    let (&[b0, b1, c0, c1, r0, r1, r2, feedback_count], chunks) =
        feedback.information.split_first_chunk()?;
    let status_count = u16::from_be_bytes([c0, c1]);
    let mut deltas = chunks;
    let mut covered = 0;
    while covered < u32::from(status_count) {
        let (chunk, rest) = Chunk::split(deltas)?;
        covered += u32::from(chunk.left);
        deltas = rest;
    }
    Some(Packet::TransportFeedback(TransportFeedback {
        sender: feedback.sender,
        media: feedback.media,
        base_sequence: u16::from_be_bytes([b0, b1]),
        status_count,
        // Shifting back extends the sign.
        reference_time: i32::from_be_bytes([r0, r1, r2, 0]) >> 8,
        feedback_count,
        chunks,
        deltas,
    }))
}

impl<'a> TransportFeedback<'a> {
    /// Each packet with its time of arrival since `reference_time`, in units of 250 us, or `None`
    /// when it did not arrive. Ends before `status_count` at what is malformed: a missing delta or
    /// a reserved symbol.
    pub fn arrivals(&self) -> Arrivals<'a> {
        Arrivals {
            sequence: self.base_sequence,
            left: self.status_count,
            chunk: Chunk::EMPTY,
            chunks: self.chunks,
            deltas: self.deltas,
            elapsed: 0,
        }
    }
}

/// What [`TransportFeedback::arrivals`] returns.
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    sequence: u16,
    left: u16,
    chunk: Chunk,
    chunks: &'a [u8],
    deltas: &'a [u8],
    /// Since the reference time. At most 65,535 deltas of 16 bits, which 32 bits hold.
    elapsed: i32,
}

impl Arrivals<'_> {
    fn symbol(&mut self) -> Option<u8> {
        loop {
            if let Some(symbol) = self.chunk.next() {
                return Some(symbol);
            }
            // A run of none is useless but no harm: each takes two bytes of those that are there.
            (self.chunk, self.chunks) = Chunk::split(self.chunks)?;
        }
    }

    /// How long after the arrival before (draft 3.1.5). `None` inside means a lost packet.
    fn delta(&mut self) -> Option<Option<i32>> {
        match self.symbol()? {
            symbol::NOT_RECEIVED => Some(None),
            symbol::SMALL_DELTA => {
                let (delta, rest) = self.deltas.split_first()?;
                self.deltas = rest;
                Some(Some(i32::from(*delta)))
            }
            symbol::LARGE_DELTA => {
                let (delta, rest) = self.deltas.split_first_chunk()?;
                self.deltas = rest;
                Some(Some(i32::from(i16::from_be_bytes(*delta))))
            }
            _ => None,
        }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = (u16, Option<i32>);

    fn next(&mut self) -> Option<(u16, Option<i32>)> {
        self.left = self.left.checked_sub(1)?;
        let Some(delta) = self.delta() else {
            self.left = 0;
            return None;
        };
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let arrival = delta.map(|delta| {
            self.elapsed = self.elapsed.saturating_add(delta);
            self.elapsed
        });
        Some((sequence, arrival))
    }
}

/// Status symbols (draft 3.1.1).
mod symbol {
    pub(super) const NOT_RECEIVED: u8 = 0;
    /// One byte, unsigned.
    pub(super) const SMALL_DELTA: u8 = 1;
    /// Two bytes, signed.
    pub(super) const LARGE_DELTA: u8 = 2;
}

/// What is left of a packet status chunk (draft 3.1.2 to 3.1.4).
#[derive(Clone, Copy, Debug)]
struct Chunk {
    kind: ChunkKind,
    /// Symbols.
    left: u16,
}

#[derive(Clone, Copy, Debug)]
enum ChunkKind {
    /// The same symbol again and again.
    Run { symbol: u8 },
    /// Symbols of one or two bits, the next one on top.
    Vector { bits: u16, width: u8 },
}

impl Chunk {
    const EMPTY: Chunk = Chunk { kind: ChunkKind::Run { symbol: 0 }, left: 0 };

    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (chunk, rest) = bytes.split_first_chunk()?;
        let chunk = u16::from_be_bytes(*chunk);
        let chunk = match chunk >> 14 {
            0 | 1 => Chunk {
                kind: ChunkKind::Run { symbol: (chunk >> 13 & 3) as u8 },
                left: chunk & 0x1fff,
            },
            2 => Chunk { kind: ChunkKind::Vector { bits: chunk << 2, width: 1 }, left: 14 },
            _ => Chunk { kind: ChunkKind::Vector { bits: chunk << 2, width: 2 }, left: 7 },
        };
        Some((chunk, rest))
    }

    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        Some(match &mut self.kind {
            ChunkKind::Run { symbol } => *symbol,
            ChunkKind::Vector { bits, width } => {
                let symbol = (*bits >> (16 - *width)) as u8;
                *bits <<= *width;
                symbol
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    /// With base sequence 1000, reference time 2 and feedback count 3.
    fn feedback(base: u16, count: u16, chunks: &[u16], deltas: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        bytes.extend(base.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend([0, 0, 2, 3]);
        bytes.extend(chunks.iter().flat_map(|chunk| chunk.to_be_bytes()));
        bytes.extend(deltas);
        let padding = (4 - bytes.len() % 4) % 4;
        if padding > 0 {
            bytes.extend(&[0, 0, 0][..padding - 1]);
            bytes.push(padding as u8);
            bytes[0] |= 0x20;
        }
        bytes[3] = (bytes.len() / 4 - 1) as u8;
        bytes
    }

    #[track_caller]
    fn read(bytes: &[u8]) -> TransportFeedback<'_> {
        match packets(bytes).next() {
            Some(Packet::TransportFeedback(feedback)) => feedback,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn arrivals(bytes: &[u8]) -> Vec<Option<i32>> {
        let feedback = read(bytes);
        let all: Vec<_> = feedback.arrivals().collect();
        for (at, (sequence, _)) in all.iter().enumerate() {
            assert_eq!(*sequence, feedback.base_sequence.wrapping_add(at as u16));
        }
        all.into_iter().map(|(_, arrival)| arrival).collect()
    }

    #[test]
    fn a_packet_of_chrome_is_read() {
        // One packet, and a single byte of padding.
        let bytes = [
            0xaf, 0xcd, 0x00, 0x05, 0xfa, 0x17, 0xfa, 0x17, 0x43, 0x03, 0x2f, 0xa0, 0x00, 0x99,
            0x00, 0x01, 0x3d, 0xe8, 0x02, 0x17, 0x20, 0x01, 0x94, 0x01,
        ];
        let feedback = read(&bytes);
        assert_eq!((feedback.sender, feedback.media), (0xfa17_fa17, 0x4303_2fa0));
        assert_eq!((feedback.base_sequence, feedback.status_count), (153, 1));
        assert_eq!((feedback.reference_time, feedback.feedback_count), (4_057_090, 23));
        assert!(feedback.arrivals().eq([(153, Some(148))]));
    }

    #[test]
    fn a_run_repeats_its_symbol() {
        let bytes = feedback(1000, 5, &[3, 1 << 13 | 2], &[4, 5]);
        assert_eq!(arrivals(&bytes), [None, None, None, Some(4), Some(9)]);
        // As long as a run can be.
        let bytes = feedback(1000, 0x1fff, &[0x1fff], &[]);
        assert_eq!(arrivals(&bytes), vec![None; 0x1fff]);
    }

    #[test]
    fn a_vector_of_single_bits_has_14_symbols() {
        let bytes = feedback(1000, 14, &[0b10_10000000000011], &[1, 2, 3]);
        let mut expected = vec![None; 14];
        (expected[0], expected[12], expected[13]) = (Some(1), Some(3), Some(6));
        assert_eq!(arrivals(&bytes), expected);
    }

    #[test]
    fn a_vector_of_two_bits_has_7_symbols() {
        let deltas = [255, 0x7f, 0xff, 0x80, 0x00, 7];
        let bytes = feedback(1000, 7, &[0b11_01_10_00_00_10_00_01], &deltas);
        let expected = [Some(255), Some(255 + 32_767), None, None, Some(254), None, Some(261)];
        assert_eq!(arrivals(&bytes), expected);
    }

    #[test]
    fn arrivals_may_be_before_the_reference_time() {
        let bytes = feedback(1000, 2, &[0b11_10_10_00_00_00_00_00], &[0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(arrivals(&bytes), [Some(-1), Some(-3)]);
    }

    #[test]
    fn the_last_chunk_counts_only_up_to_the_number_of_packets() {
        let bytes = feedback(1000, 3, &[0b10_11111111111111], &[1, 1, 1, 1, 1, 1]);
        assert_eq!(arrivals(&bytes), [Some(1), Some(2), Some(3)]);
        let bytes = feedback(1000, 2, &[1 << 13 | 0x1fff], &[1, 1, 1, 1]);
        assert_eq!(arrivals(&bytes), [Some(1), Some(2)]);
        assert!(arrivals(&feedback(1000, 0, &[], &[])).is_empty());
    }

    #[test]
    fn sequence_numbers_wrap() {
        let bytes = feedback(65_535, 2, &[2], &[]);
        assert!(read(&bytes).arrivals().eq([(65_535, None), (0, None)]));
    }

    #[test]
    fn the_reference_time_has_a_sign() {
        let mut bytes = feedback(1000, 0, &[], &[]);
        bytes[16..19].copy_from_slice(&[0xff, 0xff, 0xff]);
        assert_eq!(read(&bytes).reference_time, -1);
        bytes[16..19].copy_from_slice(&[0x80, 0, 0]);
        assert_eq!(read(&bytes).reference_time, -0x80_0000);
        bytes[16..19].copy_from_slice(&[0x7f, 0xff, 0xff]);
        assert_eq!(read(&bytes).reference_time, 0x7f_ffff);
    }

    #[test]
    fn reading_ends_where_a_delta_is_missing() {
        let bytes = feedback(1000, 7, &[0b11_01_00_10_00_00_00_00], &[5, 0]);
        assert_eq!(arrivals(&bytes), [Some(5), None], "half of a large delta");
        let bytes = feedback(1000, 300, &[1 << 13 | 300], &[5, 6]);
        assert_eq!(arrivals(&bytes), [Some(5), Some(11)]);
    }

    #[test]
    fn reading_ends_at_a_reserved_symbol() {
        let bytes = feedback(1000, 7, &[0b11_01_11_01_00_00_00_00], &[5, 6]);
        assert_eq!(arrivals(&bytes), [Some(5)]);
        let mut iterator = read(&bytes).arrivals();
        assert_eq!(iterator.by_ref().count(), 1);
        assert_eq!(iterator.next(), None, "and does not go on");
        assert!(arrivals(&feedback(1000, 7, &[3 << 13 | 7], &[5, 6])).is_empty());
    }

    #[test]
    fn too_few_chunks_are_malformed() {
        assert_eq!(packets(&feedback(1000, 15, &[0b10 << 14], &[])).next(), None);
        assert_eq!(packets(&feedback(1000, 1, &[], &[])).next(), None);
        assert_eq!(packets(&feedback(1000, 9, &[8, 0, 0, 0], &[])).next(), None);
    }

    #[test]
    fn runs_of_none_are_passed_over() {
        assert_eq!(arrivals(&feedback(1000, 2, &[0, 1, 1 << 13, 1], &[])), [None, None]);
    }

    #[test]
    fn the_longest_sums_stay_within_32_bits() {
        for delta in [i16::MIN, i16::MAX] {
            let chunks = [2 << 13 | 0x1fff; 9];
            let mut information = vec![0, 0, 0xff, 0xff, 0, 0, 0, 0];
            information.extend(chunks.iter().flat_map(|chunk: &u16| chunk.to_be_bytes()));
            for _ in 0..u16::MAX {
                information.extend(delta.to_be_bytes());
            }
            let feedback = Feedback { sender: 1, media: 2, information: &information };
            let Some(Packet::TransportFeedback(feedback)) = parse(&feedback) else {
                panic!("transport feedback");
            };
            let last = feedback.arrivals().last();
            assert_eq!(last, Some((65_534, Some(i32::from(delta) * 65_535))));
        }
    }
}
