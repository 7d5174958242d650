//! Encoded pictures cut into RTP payloads.

use std::sync::Arc;
use std::time::Instant;

use super::annex_b;
use crate::codec::Codec;
use crate::mcu::MadePacket;

/// Most bytes of a payload, so that a packet with all it needs beyond fits every path.
const MAX_PAYLOAD: usize = 1150;

/// One encoded picture.
#[derive(Clone, Copy)]
pub(super) struct Encoded<'a> {
    pub data: &'a [u8],
    pub keyframe: bool,
    pub width: u16,
    pub height: u16,
    pub timestamp: u32,
    pub captured: Instant,
}

/// Numbers the packets and pictures of one class.
pub(super) struct Packetizer {
    codec: Codec,
    sequence: u64,
    /// 15 bits.
    picture_id: u16,
    tl0_picture_index: u8,
}

impl Packetizer {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, sequence: 0, picture_id: 0, tl0_picture_index: 0 }
    }

    /// Hands the payloads of `encoded` to `emit`, the marker on the last one.
    pub(super) fn packetize(&mut self, encoded: &Encoded<'_>, mut emit: impl FnMut(MadePacket)) {
        match self.codec {
            Codec::Vp8 => self.vp8(encoded, &mut emit),
            Codec::Vp9 => self.vp9(encoded, &mut emit),
            _ => self.h264(encoded, &mut emit),
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0_picture_index = self.tl0_picture_index.wrapping_add(1);
    }

    fn packet(&mut self, encoded: &Encoded<'_>, payload: Arc<[u8]>, marker: bool) -> MadePacket {
        let sequence = self.sequence;
        self.sequence += 1;
        MadePacket {
            sequence,
            timestamp: encoded.timestamp,
            marker,
            codec: self.codec,
            payload,
            captured: encoded.captured,
            audio_level: None,
        }
    }

    /// M and 15 bits (RFC 7741 4.2, RFC 9628 4.2).
    fn picture_id_bytes(&self) -> [u8; 2] {
        (0x8000 | self.picture_id).to_be_bytes()
    }

    /// RFC 7741 4.2: X, S on the first one; I with 15 bits.
    fn vp8(&mut self, encoded: &Encoded<'_>, emit: &mut impl FnMut(MadePacket)) {
        let [high, low] = self.picture_id_bytes();
        for piece in pieces(encoded.data, MAX_PAYLOAD - 4) {
            let start = if piece.first { 0x10 } else { 0 };
            let descriptor = [0x80 | start, 0x80, high, low];
            emit(self.packet(encoded, joined(&descriptor, piece.data), piece.last));
        }
    }

    /// RFC 9628 4.2, non-flexible mode: each picture is predicted from the one before, which the
    /// scalability structure of every keyframe says.
    fn vp9(&mut self, encoded: &Encoded<'_>, emit: &mut impl FnMut(MadePacket)) {
        const I: u8 = 0x80;
        const P: u8 = 0x40;
        const L: u8 = 0x20;
        const B: u8 = 0x08;
        const E: u8 = 0x04;
        const V: u8 = 0x02;
        let [high, low] = self.picture_id_bytes();
        let [width_high, width_low] = encoded.width.to_be_bytes();
        let [height_high, height_low] = encoded.height.to_be_bytes();
        // One layer with a size (Y), a group (G) of one picture: temporal layer 0, switching up
        // point, one reference, which is one picture back.
        let structure = [0x18, width_high, width_low, height_high, height_low, 1, 0x14, 1];
        let inter = if encoded.keyframe { 0 } else { P };
        for piece in pieces(encoded.data, MAX_PAYLOAD - 5 - structure.len()) {
            let mut flags = I | L | inter;
            flags |= if piece.first { B } else { 0 } | if piece.last { E } else { 0 };
            let mut descriptor = [0; 13];
            let len = if encoded.keyframe && piece.first {
                flags |= V;
                descriptor[5..].copy_from_slice(&structure);
                13
            } else {
                5
            };
            descriptor[..5].copy_from_slice(&[flags, high, low, 0, self.tl0_picture_index]);
            emit(self.packet(encoded, joined(&descriptor[..len], piece.data), piece.last));
        }
    }

    /// RFC 6184, packetization mode 1: parameter sets together in a STAP-A (5.7.1), large NAL units
    /// in FU-A (5.8), others alone.
    fn h264(&mut self, encoded: &Encoded<'_>, emit: &mut impl FnMut(MadePacket)) {
        const PARAMETER_SETS: [u8; 2] = [7, 8];
        const STAP_A: u8 = 24;
        let mut sets = Vec::new();
        let mut nals = annex_b::nal_units(encoded.data).peekable();
        while let Some(nal) = nals.next() {
            let set = PARAMETER_SETS.contains(&(nal[0] & 0x1f));
            if set && sets.len() + nal.len() + 3 <= MAX_PAYLOAD {
                if sets.is_empty() {
                    sets.push(STAP_A);
                }
                sets[0] |= nal[0] & 0x60;
                sets.extend((nal.len() as u16).to_be_bytes());
                sets.extend(nal);
                if nals.peek().is_some() {
                    continue;
                }
            }
            if !sets.is_empty() {
                let payload = Arc::from(sets.as_slice());
                emit(self.packet(encoded, payload, set && nals.peek().is_none()));
                sets.clear();
                if set {
                    continue;
                }
            }
            self.nal(encoded, nal, nals.peek().is_none(), emit);
        }
    }

    fn nal(
        &mut self,
        encoded: &Encoded<'_>,
        nal: &[u8],
        last: bool,
        emit: &mut impl FnMut(MadePacket),
    ) {
        const FU_A: u8 = 28;
        if nal.len() <= MAX_PAYLOAD {
            return emit(self.packet(encoded, Arc::from(nal), last));
        }
        let (header, body) = (nal[0], &nal[1..]);
        for piece in pieces(body, MAX_PAYLOAD - 2) {
            let start = if piece.first { 0x80 } else { 0 };
            let end = if piece.last { 0x40 } else { 0 };
            let prefix = [header & 0xe0 | FU_A, start | end | header & 0x1f];
            emit(self.packet(encoded, joined(&prefix, piece.data), last && piece.last));
        }
    }
}

struct Piece<'a> {
    data: &'a [u8],
    first: bool,
    last: bool,
}

/// Pieces of about the same size, none longer than `most`.
fn pieces(data: &[u8], most: usize) -> impl Iterator<Item = Piece<'_>> {
    let count = data.len().div_ceil(most).max(1);
    (0..count).map(move |i| {
        let at = |i: usize| i * data.len() / count;
        Piece { data: &data[at(i)..at(i + 1)], first: i == 0, last: i + 1 == count }
    })
}

fn joined(prefix: &[u8], data: &[u8]) -> Arc<[u8]> {
    // One allocation: the length of the chain is known.
    prefix.iter().chain(data).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::depacketizer::Parts;
    use super::*;
    use crate::codec::{Description, Descriptor};

    fn packetize(packetizer: &mut Packetizer, data: &[u8], keyframe: bool) -> Vec<MadePacket> {
        let captured = Instant::now();
        let encoded =
            Encoded { data, keyframe, width: 640, height: 360, timestamp: 3000, captured };
        let mut packets = Vec::new();
        packetizer.packetize(&encoded, |packet| packets.push(packet));
        packets
    }

    fn reassemble(codec: Codec, packets: &[MadePacket]) -> Vec<u8> {
        let mut parts = Parts::default();
        for packet in packets {
            assert!(packet.payload.len() <= MAX_PAYLOAD);
            parts.push(codec, &packet.payload).unwrap();
        }
        assert!(parts.is_complete());
        let markers = packets.iter().map(|p| p.marker);
        assert!(markers.rev().eq((0..packets.len()).map(|i| i == 0)));
        parts.data
    }

    #[test]
    fn what_is_cut_comes_together_again() {
        for len in [1, 2, 1137, 1138, 1146, 1147, 5000, 100_000] {
            let data: Vec<u8> = (0..len).map(|i| i as u8).collect();
            for codec in [Codec::Vp8, Codec::Vp9] {
                let mut packetizer = Packetizer::new(codec);
                for keyframe in [true, false] {
                    let packets = packetize(&mut packetizer, &data, keyframe);
                    assert_eq!(reassemble(codec, &packets), data);
                }
            }
        }
    }

    #[test]
    fn picture_ids_count_and_wrap_and_packets_are_numbered() {
        let mut packetizer = Packetizer::new(Codec::Vp8);
        packetizer.picture_id = 0x7fff;
        let mut packets = packetize(&mut packetizer, &[0; 3000], true);
        packets.extend(packetize(&mut packetizer, &[0; 10], false));
        let sequences: Vec<_> = packets.iter().map(|p| p.sequence).collect();
        assert_eq!(sequences, [0, 1, 2, 3]);
        let ids = packets.iter().map(|packet| {
            let Descriptor::Vp8(descriptor) =
                Description::parse(Codec::Vp8, &packet.payload, None).descriptor
            else {
                panic!("no descriptor")
            };
            descriptor.picture_id.unwrap().value
        });
        assert_eq!(ids.collect::<Vec<_>>(), [0x7fff, 0x7fff, 0x7fff, 0]);
    }

    #[test]
    fn a_vp9_keyframe_tells_its_size_and_others_their_dependence() {
        let mut packetizer = Packetizer::new(Codec::Vp9);
        let packets = packetize(&mut packetizer, &[1; 3000], true);
        let first = Description::parse(Codec::Vp9, &packets[0].payload, None);
        assert!(first.keyframe && first.frame_start && first.size == Some((640, 360)));
        let last = Description::parse(Codec::Vp9, &packets[2].payload, None);
        assert!(last.frame_end && !last.frame_start && !last.keyframe);
        let delta = packetize(&mut packetizer, &[1; 30], false);
        let delta = Description::parse(Codec::Vp9, &delta[0].payload, None);
        let Descriptor::Vp9(descriptor) = delta.descriptor else { panic!("no descriptor") };
        assert!(descriptor.inter_picture && delta.frame_start && delta.frame_end);
        assert_eq!(descriptor.tl0_picture_index, Some(1));
    }

    #[test]
    fn parameter_sets_go_together_and_large_units_in_fragments() {
        let mut data = vec![0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65];
        data.extend((0..4000).map(|i| (i % 255) as u8 + 1));
        let packets = packetize(&mut Packetizer::new(Codec::H264), &data, true);
        assert_eq!(packets[0].payload[..], [0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3]);
        assert_eq!(packets.len(), 1 + 4);
        assert!(Description::parse(Codec::H264, &packets[0].payload, None).keyframe_complete);
        assert_eq!(reassemble(Codec::H264, &packets), data);
        let small = [0, 0, 1, 0x41, 9, 9];
        let packets = packetize(&mut Packetizer::new(Codec::H264), &small, false);
        assert_eq!(packets[0].payload[..], [0x41, 9, 9]);
    }
}
