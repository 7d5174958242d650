//! Packets of pictures made to fit what takes them: those that are too large for a path to a browser
//! are cut, and parameter sets are put in front of keyframes that come without. Both make more packets
//! than came, so that the numbers of all that follow change, and for that packets have to be in order.
//! Streams that need none of it are left as they are and wait for nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::order::Order;
use super::parameter_sets::Sets;
use crate::codec::frame::{CUT_ABOVE, MAX_PAYLOAD, cut};
use crate::codec::{Codec, Description};
use crate::sdp::ParameterSets;
use crate::sfu::{EncodingIndex, SourcePacket};

/// How long a packet that is missing is waited for, without and with requests to repeat it.
const PATIENCE: Duration = Duration::from_millis(20);
const PATIENCE_WITH_REPAIR: Duration = Duration::from_millis(150);
/// Most packets that wait.
const MAX_WAITING: usize = 512;
/// Missing packets that may come late still.
const MAX_HOLES: usize = 256;
/// A gap of more is a sender that counts anew.
const MAX_GAP: u64 = 3000;

/// One encoding.
pub(super) struct Fitting {
    pub(super) encoding: EncodingIndex,
    pub(super) order: Order,
    ssrc: u32,
    sets: Sets,
    patience: Duration,
    /// Once something had to be changed.
    ordered: Option<Ordered>,
    /// The highest number that came, while nothing had to be.
    highest: Option<u64>,
    /// The frame that had parameter sets last.
    equipped: Option<u32>,
}

struct Ordered {
    /// The number that comes next, theirs and ours.
    expected: u64,
    next: u64,
    waiting: BTreeMap<u64, Arc<SourcePacket>>,
    /// Since when the expected one is missing.
    since: Option<Instant>,
    /// Numbers that were left for missing ones, theirs and ours.
    holes: VecDeque<(u64, u64)>,
}

impl Fitting {
    /// `repaired`: the sender is asked for what is missing.
    pub(super) fn new(encoding: EncodingIndex, declared: &[ParameterSets], repaired: bool) -> Self {
        Self {
            encoding,
            order: Order::default(),
            ssrc: 0,
            sets: Sets::new(declared),
            patience: if repaired { PATIENCE_WITH_REPAIR } else { PATIENCE },
            ordered: None,
            highest: None,
            equipped: None,
        }
    }

    /// The description has other parameter sets now.
    pub(super) fn redeclare(&mut self, declared: &[ParameterSets]) {
        (self.sets, self.equipped) = (Sets::new(declared), None);
    }

    /// Takes a packet and hands on what comes of it.
    pub(super) fn take(
        &mut self,
        now: Instant,
        packet: Arc<SourcePacket>,
        emit: &mut impl FnMut(Arc<SourcePacket>),
    ) {
        if packet.ssrc != self.ssrc {
            // Another life of the encoding, with numbers of its own.
            (self.ssrc, self.ordered, self.highest) = (packet.ssrc, None, None);
        }
        if self.ordered.is_none() {
            let has_sets = self.sets.read(packet.codec, &packet.payload);
            if has_sets {
                self.equipped = Some(packet.timestamp);
            }
            if !self.wants_change(&packet) {
                self.highest =
                    Some(self.highest.map_or(packet.sequence, |h| h.max(packet.sequence)));
                return emit(packet);
            }
            // What comes behind it is numbered on from here.
            let expected = packet.sequence.max(self.highest.map_or(0, |highest| highest + 1));
            self.ordered = Some(Ordered {
                expected,
                next: expected,
                waiting: BTreeMap::new(),
                since: None,
                holes: VecDeque::new(),
            });
        }
        let Some(ordered) = &mut self.ordered else { return };
        let ahead = packet.sequence.saturating_sub(ordered.expected);
        if packet.sequence < ordered.expected {
            let hole = ordered.holes.iter().position(|(theirs, _)| *theirs == packet.sequence);
            if let Some((_, ours)) = hole.and_then(|hole| ordered.holes.remove(hole))
                && packet.payload.len() <= CUT_ABOVE
            {
                emit(numbered(packet, ours));
            }
            return;
        }
        if ahead > 0 {
            ordered.since.get_or_insert(now);
        }
        ordered.waiting.insert(packet.sequence, packet);
        if ahead > MAX_GAP || ordered.waiting.len() > MAX_WAITING {
            self.give_up();
        }
        self.drain(now, emit);
    }

    /// When [`Fitting::poll`] wants to be called.
    pub(super) fn next(&self) -> Option<Instant> {
        Some(self.ordered.as_ref()?.since? + self.patience)
    }

    /// Goes on without what did not come in time.
    pub(super) fn poll(&mut self, now: Instant, emit: &mut impl FnMut(Arc<SourcePacket>)) {
        if self.next().is_some_and(|at| now >= at) {
            self.give_up();
            self.drain(now, emit);
        }
    }

    /// Whether anything of it is not as those who take it need it.
    fn wants_change(&self, packet: &SourcePacket) -> bool {
        packet.payload.len() > CUT_ABOVE || self.wants_sets(packet)
    }

    /// Whether it begins a keyframe that came without parameter sets, and there are some.
    fn wants_sets(&self, packet: &SourcePacket) -> bool {
        let described = matches!(packet.codec, Codec::H264 | Codec::H265);
        let Description { keyframe, keyframe_complete, .. } = packet.description;
        described
            && keyframe
            && !keyframe_complete
            && self.equipped != Some(packet.timestamp)
            && !self.sets.payloads(packet.codec, MAX_PAYLOAD).is_empty()
    }

    /// Leaves numbers for what is missing before the first that waits.
    fn give_up(&mut self) {
        let Some(ordered) = &mut self.ordered else { return };
        let Some((&first, _)) = ordered.waiting.first_key_value() else {
            ordered.since = None;
            return;
        };
        let missing = first.saturating_sub(ordered.expected).min(MAX_GAP);
        for number in 0..missing.min(MAX_HOLES as u64) {
            ordered.holes.push_back((ordered.expected + number, ordered.next + number));
        }
        while ordered.holes.len() > MAX_HOLES {
            ordered.holes.pop_front();
        }
        ordered.next += missing;
        ordered.expected = first;
        ordered.since = None;
    }

    fn drain(&mut self, now: Instant, emit: &mut impl FnMut(Arc<SourcePacket>)) {
        while let Some(ordered) = &mut self.ordered {
            let Some(packet) = ordered.waiting.remove(&ordered.expected) else {
                ordered.since = (!ordered.waiting.is_empty()).then(|| ordered.since.unwrap_or(now));
                return;
            };
            ordered.expected += 1;
            ordered.since = None;
            self.fit(packet, emit);
        }
    }

    /// Hands on the packet that is next, as one or as several.
    fn fit(&mut self, packet: Arc<SourcePacket>, emit: &mut impl FnMut(Arc<SourcePacket>)) {
        if self.sets.read(packet.codec, &packet.payload) {
            self.equipped = Some(packet.timestamp);
        }
        let wants_sets = self.wants_sets(&packet);
        let sets =
            if wants_sets { self.sets.payloads(packet.codec, MAX_PAYLOAD) } else { Vec::new() };
        let Some(ordered) = &mut self.ordered else { return };
        let mut number = || {
            let number = ordered.next;
            ordered.next += 1;
            number
        };
        if wants_sets {
            self.equipped = Some(packet.timestamp);
        }
        for payload in sets {
            emit(made(&packet, payload.into(), number(), false));
        }
        if packet.payload.len() <= CUT_ABOVE {
            return emit(numbered(packet, number()));
        }
        let mut payloads: Vec<Arc<[u8]>> = Vec::new();
        let cut = cut(packet.codec, &packet.payload, &mut |head, body| {
            payloads.push(head.iter().chain(body).copied().collect());
        });
        match cut {
            Ok(()) => {
                let last = payloads.len().saturating_sub(1);
                for (place, payload) in payloads.into_iter().enumerate() {
                    let marker = packet.marker && place == last;
                    emit(made(&packet, payload, number(), marker));
                }
            }
            // Whoever takes it may know what to do with it.
            Err(_) => emit(numbered(packet, number())),
        }
    }
}

/// The same packet under another number.
fn numbered(packet: Arc<SourcePacket>, sequence: u64) -> Arc<SourcePacket> {
    if packet.sequence == sequence {
        return packet;
    }
    let mut packet = Arc::unwrap_or_clone(packet);
    packet.sequence = sequence;
    Arc::new(packet)
}

/// Another packet of the same frame.
fn made(
    packet: &SourcePacket,
    payload: Arc<[u8]>,
    sequence: u64,
    marker: bool,
) -> Arc<SourcePacket> {
    let description = Description::parse(packet.codec, &payload, None);
    Arc::new(SourcePacket { payload, sequence, marker, description, ..packet.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Kind;
    use crate::control::ids::SourceId;
    use crate::sfu::Extensions;

    struct Rig {
        fitting: Fitting,
        now: Instant,
        out: Vec<Arc<SourcePacket>>,
    }

    const SPS: [u8; 6] = [0x67, 0x42, 0xc0, 0x1f, 0xda, 1];
    const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    fn rig(declared: bool) -> Rig {
        let sets =
            ParameterSets { pt: 96, codec: Codec::H264, units: vec![SPS.into(), PPS.into()] };
        let sets = if declared { vec![sets] } else { Vec::new() };
        Rig {
            fitting: Fitting::new(EncodingIndex(0), &sets, false),
            now: Instant::now(),
            out: Vec::new(),
        }
    }

    impl Rig {
        fn take(&mut self, sequence: u64, timestamp: u32, payload: &[u8]) {
            let packet = SourcePacket {
                track: SourceId(1),
                encoding: EncodingIndex(0),
                ssrc: 7,
                sequence,
                timestamp,
                marker: true,
                codec: Codec::H264,
                red: false,
                telephone_event: false,
                source_pt: 96,
                payload: payload.into(),
                arrival: self.now,
                captured: self.now,
                to_reported: None,
                description: Description::parse(Codec::H264, payload, None),
                extensions: Extensions::default(),
            };
            assert_eq!(packet.codec.kind(), Kind::Video);
            let out = &mut self.out;
            self.fitting.take(self.now, Arc::new(packet), &mut |packet| out.push(packet));
        }

        fn wait(&mut self, time: Duration) {
            self.now += time;
            let out = &mut self.out;
            self.fitting.poll(self.now, &mut |packet| out.push(packet));
        }

        fn numbers(&mut self) -> Vec<u64> {
            self.out.drain(..).map(|packet| packet.sequence).collect()
        }
    }

    /// A slice of a picture that depends on others, of so many bytes.
    fn slice(len: usize) -> Vec<u8> {
        let mut slice = vec![0x41; len];
        slice[1] = 0x9a;
        slice
    }

    #[test]
    fn what_fits_is_left_as_it_is_whatever_its_order() {
        let mut rig = rig(false);
        for sequence in [5, 7, 6, 9] {
            rig.take(sequence, 0, &slice(1188));
        }
        assert_eq!(rig.numbers(), [5, 7, 6, 9]);
        assert_eq!(rig.fitting.next(), None);
    }

    #[test]
    fn what_is_too_large_becomes_several_and_what_follows_is_numbered_on() {
        let mut rig = rig(false);
        rig.take(5, 0, &slice(100));
        rig.take(6, 0, &slice(1460));
        rig.take(7, 0, &slice(100));
        let markers: Vec<_> = rig.out.iter().map(|packet| packet.marker).collect();
        assert_eq!(markers, [true, false, true, true], "the last of a cut packet ends the frame");
        assert_eq!(rig.numbers(), [5, 6, 7, 8]);
    }

    #[test]
    fn packets_in_another_order_are_put_right_and_lost_ones_leave_a_gap() {
        let mut rig = rig(false);
        rig.take(5, 0, &slice(1460));
        rig.take(7, 0, &slice(1460));
        assert_eq!(rig.numbers(), [5, 6], "6 is missing");
        rig.take(6, 0, &slice(100));
        assert_eq!(rig.numbers(), [7, 8, 9]);
        rig.take(9, 0, &slice(100));
        assert!(rig.numbers().is_empty());
        rig.wait(PATIENCE);
        assert_eq!(rig.numbers(), [11], "10 is left for the missing one");
        rig.take(8, 0, &slice(100));
        assert_eq!(rig.numbers(), [10], "late, but it has its place");
        rig.take(8, 0, &slice(100));
        assert!(rig.numbers().is_empty(), "once");
    }

    #[test]
    fn a_keyframe_without_parameter_sets_gets_those_of_the_description() {
        let mut rig = rig(true);
        rig.take(5, 0, &slice(100));
        rig.take(6, 3000, &[0x65, 0x88, 1]);
        rig.take(7, 3000, &[0x65, 0x08, 2]);
        rig.take(8, 6000, &slice(100));
        let sets = [&[0x78, 0, 6][..], &SPS, &[0, 4], &PPS].concat();
        assert_eq!(rig.out[1].payload[..], sets);
        assert!(rig.out[1].description.keyframe_complete && !rig.out[1].marker);
        assert_eq!(rig.out[1].timestamp, 3000);
        assert_eq!(rig.numbers(), [5, 6, 7, 8, 9]);
    }

    #[test]
    fn numbers_go_on_when_other_parameter_sets_are_declared_in_the_middle() {
        let mut rig = rig(true);
        rig.take(5, 0, &[0x65, 0x88, 1]);
        let other: [u8; 6] = [0x67, 0x42, 0xc0, 0x1f, 0x40, 2];
        let units = vec![other.into(), PPS.into()];
        rig.fitting.redeclare(&[ParameterSets { pt: 96, codec: Codec::H264, units }]);
        rig.take(6, 3000, &slice(100));
        rig.take(7, 6000, &[0x65, 0x88, 1]);
        let sets = [&[0x78, 0, 6][..], &other, &[0, 4], &PPS].concat();
        assert_eq!(rig.out[3].payload[..], sets, "those that hold now");
        assert_eq!(rig.numbers(), [5, 6, 7, 8, 9]);
    }

    #[test]
    fn sets_that_came_once_are_repeated_in_front_of_every_keyframe_and_no_oftener() {
        let mut rig = rig(false);
        for (sequence, payload) in [&SPS[..], &PPS, &[0x65, 0x88, 1]].into_iter().enumerate() {
            rig.take(sequence as u64, 0, payload);
        }
        assert_eq!(rig.numbers(), [0, 1, 2], "this one has them");
        rig.take(3, 90_000, &[0x65, 0x88, 1]);
        assert_eq!(rig.out.len(), 2);
        assert!(rig.out[0].description.keyframe_complete);
    }

    #[test]
    fn a_stream_that_counts_anew_does_not_wait_for_what_never_was() {
        let mut rig = rig(false);
        rig.take(5, 0, &slice(1460));
        rig.out.clear();
        rig.take(50_000, 0, &slice(100));
        assert_eq!(rig.out.len(), 1);
        for ahead in 0..MAX_WAITING as u64 + 2 {
            rig.take(50_002 + ahead, 0, &slice(100));
        }
        assert!(rig.out.len() > MAX_WAITING);
    }
}
