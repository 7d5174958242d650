//! RED (RFC 2198) for one receiver: made of what a source sends without, and kept right where the
//! source sends it.

use std::sync::Arc;

use super::packet::SourcePacket;
use super::segment::Origin;
use crate::codec::red::{self, Red};

/// Redundant blocks that a packet gets at most.
pub const MAX_BLOCKS: usize = 2;

/// A payload is not made larger than this: with all headers it stays below what any path takes
/// (RFC 8200 5 has 1280 bytes).
const MAX_PAYLOAD: usize = 1100;

/// Of one outgoing track.
#[derive(Default, Debug)]
pub struct Redundancy {
    segment: Option<Segment>,
    /// The last packets that went out without RED of their own, oldest first.
    recent: [Option<Sent>; MAX_BLOCKS],
}

/// What goes out of one source without a break.
#[derive(Debug)]
struct Segment {
    origin: Origin,
    /// The timestamp it goes out with from the beginning.
    first: u32,
}

#[derive(Debug)]
struct Sent {
    packet: Arc<SourcePacket>,
    timestamp: u32,
}

impl Redundancy {
    /// What came before is not repeated any more: the source changes, or somebody stops it.
    pub fn end_segment(&mut self) {
        *self = Self::default();
    }

    fn enter(&mut self, packet: &SourcePacket, timestamp: u32) -> &Segment {
        let origin = Origin::of(packet);
        if self.segment.as_ref().is_none_or(|segment| segment.origin != origin) {
            self.recent = Default::default();
            self.segment = None;
        }
        self.segment.get_or_insert(Segment { origin, first: timestamp })
    }

    /// Appends to `out` what goes before the payload of a packet: headers, and up to `blocks` of
    /// the payloads before it. `timestamp` is the one it goes out with, `pt` the receiver's type of
    /// what is inside.
    pub fn wrap(
        &mut self,
        packet: &Arc<SourcePacket>,
        timestamp: u32,
        pt: u8,
        blocks: usize,
        out: &mut Vec<u8>,
    ) {
        self.enter(packet, timestamp);
        let mut room = MAX_PAYLOAD.saturating_sub(red::PRIMARY_HEADER_LEN + packet.payload.len());
        // The newest first: with it a single loss is repaired.
        let mut chosen = [None; MAX_BLOCKS];
        let mut wanted = blocks;
        for (place, sent) in self.recent.iter().enumerate().rev() {
            let Some(sent) = sent.as_ref().filter(|_| wanted > 0) else { continue };
            // Of one that goes out later than the packet this is far beyond the limit.
            let offset = timestamp.wrapping_sub(sent.timestamp);
            let length = sent.packet.payload.len();
            let cost = red::HEADER_LEN + length;
            if (1..=red::MAX_OFFSET).contains(&offset) && length <= red::MAX_LENGTH && cost <= room
            {
                room -= cost;
                wanted -= 1;
                chosen[place] = Some((sent, offset as u16));
            }
        }
        for (sent, offset) in chosen.iter().flatten() {
            let length = sent.packet.payload.len() as u16;
            out.extend_from_slice(&red::header(pt, *offset, length));
        }
        out.push(pt);
        for (sent, _) in chosen.iter().flatten() {
            out.extend_from_slice(&sent.packet.payload);
        }
        self.remember(packet, timestamp);
    }

    /// Keeps the newest packets; one that comes late finds its place between them.
    fn remember(&mut self, packet: &Arc<SourcePacket>, timestamp: u32) {
        let later = |sent: &Option<Sent>| {
            sent.as_ref().is_some_and(|s| (s.timestamp.wrapping_sub(timestamp) as i32) > 0)
        };
        let place = self.recent.iter().take_while(|sent| !later(sent)).count();
        if place > 0 {
            self.recent[..place].rotate_left(1);
            self.recent[place - 1] = Some(Sent { packet: Arc::clone(packet), timestamp });
        }
    }

    /// A packet that is RED already: appends to `out` what takes the place of its payload's first
    /// bytes, and gives how many. `from` is the source's payload type of what is inside, `to` the
    /// receiver's. Blocks from before the segment are left out: they are of what the receiver was
    /// not to hear, or the stream had other sound there. `None`: nothing in it is for the receiver.
    pub fn keep(
        &mut self,
        packet: &SourcePacket,
        timestamp: u32,
        from: u8,
        to: u8,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let red = Red::parse(&packet.payload).filter(|red| red.pt == from)?;
        let first = self.enter(packet, timestamp).first;
        let blocks = red.redundant();
        let fits = |block: &&red::Block| {
            let at = timestamp.wrapping_sub(u32::from(block.offset));
            block.pt == from && (at.wrapping_sub(first) as i32) >= 0
        };
        let kept = blocks.iter().rev().take_while(fits).count();
        if kept == blocks.len() && from == to {
            return Some(0);
        }
        let dropped = blocks.len() - kept;
        for block in &blocks[dropped..] {
            out.extend_from_slice(&red::header(to, block.offset, block.length));
        }
        out.push(to);
        Some(red.start_of(dropped))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::Source;
    use super::*;
    use crate::codec::Codec;

    const FRAME: u32 = 960;

    fn packet(source: &mut Source, payload: &[u8]) -> Arc<SourcePacket> {
        Arc::new(SourcePacket { payload: payload.into(), ..source.packet() })
    }

    fn wrap(redundancy: &mut Redundancy, packet: &Arc<SourcePacket>, blocks: usize) -> Vec<u8> {
        let mut out = Vec::new();
        redundancy.wrap(packet, packet.timestamp, 111, blocks, &mut out);
        out.extend_from_slice(&packet.payload);
        out
    }

    /// Offsets and data of the redundant blocks, and the primary data.
    fn blocks(payload: &[u8]) -> (Vec<(u32, Vec<u8>)>, Vec<u8>) {
        let red = Red::parse(payload).unwrap();
        let of = |b: &red::Block| (u32::from(b.offset), red.data(b).to_vec());
        (red.redundant().iter().map(of).collect(), red::primary(payload).unwrap().to_vec())
    }

    #[test]
    fn a_packet_repeats_the_ones_before_it() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        let sent = [b"a", b"b", b"c"].map(|payload| packet(&mut source, payload));
        assert_eq!(blocks(&wrap(&mut redundancy, &sent[0], 2)), (vec![], b"a".to_vec()));
        let second = (vec![(FRAME, b"a".to_vec())], b"b".to_vec());
        assert_eq!(blocks(&wrap(&mut redundancy, &sent[1], 2)), second);
        let third = vec![(2 * FRAME, b"a".to_vec()), (FRAME, b"b".to_vec())];
        assert_eq!(blocks(&wrap(&mut redundancy, &sent[2], 2)), (third, b"c".to_vec()));
        let fourth = packet(&mut source, b"d");
        let one = (vec![(FRAME, b"c".to_vec())], b"d".to_vec());
        assert_eq!(blocks(&wrap(&mut redundancy, &fourth, 1)), one);
    }

    #[test]
    fn what_lies_too_far_back_is_left_out() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        wrap(&mut redundancy, &packet(&mut source, b"a"), 2);
        // 340 ms in all are 16,320 ticks and still fit 14 bits; 20 ms more do not.
        source.wait(Duration::from_millis(320));
        let after = packet(&mut source, b"b");
        assert_eq!(blocks(&wrap(&mut redundancy, &after, 2)).0, [(16_320, b"a".to_vec())]);
        source.wait(Duration::from_millis(340));
        let silent = packet(&mut source, b"c");
        assert_eq!(blocks(&wrap(&mut redundancy, &silent, 2)).0, []);
    }

    #[test]
    fn nothing_of_another_source_or_from_before_a_break_is_repeated() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        wrap(&mut redundancy, &packet(&mut source, b"a"), 2);
        let mut other = (*packet(&mut source, b"x")).clone();
        other.track = crate::control::ids::SourceId(2);
        assert_eq!(blocks(&wrap(&mut redundancy, &Arc::new(other), 2)).0, []);
        let back = packet(&mut source, b"b");
        assert_eq!(blocks(&wrap(&mut redundancy, &back, 2)).0, []);
        redundancy.end_segment();
        assert_eq!(blocks(&wrap(&mut redundancy, &packet(&mut source, b"c"), 2)).0, []);
    }

    #[test]
    fn a_late_packet_repeats_what_is_older_and_is_repeated_in_its_place() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        let sent = [b"a", b"b", b"c", b"d"].map(|payload| packet(&mut source, payload));
        wrap(&mut redundancy, &sent[0], 2);
        wrap(&mut redundancy, &sent[2], 2);
        let late = vec![(FRAME, b"a".to_vec())];
        assert_eq!(blocks(&wrap(&mut redundancy, &sent[1], 2)).0, late);
        let next = vec![(2 * FRAME, b"b".to_vec()), (FRAME, b"c".to_vec())];
        assert_eq!(blocks(&wrap(&mut redundancy, &sent[3], 2)).0, next);
    }

    #[test]
    fn a_payload_never_grows_beyond_what_fits() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        wrap(&mut redundancy, &packet(&mut source, &[1; 1_024]), 2);
        let small = packet(&mut source, &[2; 40]);
        assert_eq!(blocks(&wrap(&mut redundancy, &small, 2)).0, [], "1,024 bytes fit no block");
        wrap(&mut redundancy, &packet(&mut source, &[3; 640]), 2);
        let large = wrap(&mut redundancy, &packet(&mut source, &[4; 480]), 2);
        assert!(large.len() <= MAX_PAYLOAD, "{}", large.len());
        // The newest does not fit any more; the small one before it does.
        assert_eq!(blocks(&large).0, [(2 * FRAME, vec![2; 40])]);
        let whole = wrap(&mut redundancy, &packet(&mut source, &[5; 1_400]), 2);
        assert_eq!(whole.len(), 1_401);
    }

    /// RED of a source: one block of the frame before it.
    fn red(source: &mut Source, pt: u8) -> SourcePacket {
        let mut payload = red::header(pt, FRAME as u16, 3).to_vec();
        payload.push(pt);
        payload.extend(b"oldnew");
        SourcePacket { payload: payload.into(), red: true, ..source.packet() }
    }

    #[test]
    fn red_stays_as_it_is_but_for_what_was_before_the_segment() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        let mut out = Vec::new();
        let first = red(&mut source, 111);
        let skip = redundancy.keep(&first, first.timestamp, 111, 111, &mut out).unwrap();
        assert_eq!([&out[..], &first.payload[skip..]].concat(), b"\x6fnew");
        out.clear();
        let second = red(&mut source, 111);
        assert_eq!(redundancy.keep(&second, second.timestamp, 111, 111, &mut out), Some(0));
        assert_eq!(out, b"");
    }

    #[test]
    fn blocks_of_red_get_the_receivers_payload_type() {
        let mut source = Source::new(Codec::Opus);
        let mut redundancy = Redundancy::default();
        let first = red(&mut source, 111);
        redundancy.keep(&first, first.timestamp, 111, 109, &mut Vec::new());
        let second = red(&mut source, 111);
        let mut out = Vec::new();
        let skip = redundancy.keep(&second, second.timestamp, 111, 109, &mut out).unwrap();
        out.extend_from_slice(&second.payload[skip..]);
        let parsed = Red::parse(&out).unwrap();
        assert_eq!((parsed.pt, parsed.redundant()[0].pt), (109, 109));
        assert_eq!(blocks(&out), (vec![(FRAME, b"old".to_vec())], b"new".to_vec()));
    }

    #[test]
    fn red_around_something_else_goes_to_nobody() {
        let mut source = Source::new(Codec::Opus);
        let other = red(&mut source, 13);
        let kept = Redundancy::default().keep(&other, 0, 111, 109, &mut Vec::new());
        assert_eq!(kept, None);
    }
}
