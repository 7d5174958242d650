//! Encoded frames cut into RTP payloads.

use std::sync::Arc;
use std::time::Instant;

use super::h264::H264;
use super::h265::H265;
use super::{Malformed, av1, nal, vp8, vp9};
use crate::codec::Codec;
use crate::codec::packet::MadePacket;

/// Most bytes of a payload of pictures, so that a packet with all it needs beyond fits every path.
pub const MAX_PAYLOAD: usize = 1150;

/// One encoded frame: a picture, or a packet of sound.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    /// As [`Parts::data`](super::Parts::data) has it.
    pub data: &'a [u8],
    /// A decoder can begin with it.
    pub keyframe: bool,
    /// In pixels; 0 of sound.
    pub width: u16,
    /// In pixels; 0 of sound.
    pub height: u16,
    /// RTP time, at the clock rate of the codec.
    pub timestamp: u32,
    /// The moment that it stands for.
    pub captured: Instant,
}

/// Numbers the packets and pictures of one stream.
pub struct Packetizer {
    codec: Codec,
    sequence: u64,
    /// 15 bits.
    picture_id: u16,
    tl0_picture_index: u8,
}

impl Packetizer {
    /// Packets count from 0.
    pub fn new(codec: Codec) -> Self {
        Self { codec, sequence: 0, picture_id: 0, tl0_picture_index: 0 }
    }

    /// Hands the packets of `encoded` to `emit`, of pictures with the marker on the last one.
    ///
    /// # Errors
    /// [`Malformed`] when an AV1 frame is no row of OBUs with sizes; nothing was emitted then.
    /// Others are not looked into.
    pub fn packetize(
        &mut self,
        encoded: &Encoded<'_>,
        mut emit: impl FnMut(MadePacket),
    ) -> Result<(), Malformed> {
        let Self { codec, sequence, picture_id, tl0_picture_index } = self;
        let mut emit = |prefix: &[u8], data: &[u8], marker| {
            emit(MadePacket {
                sequence: *sequence,
                timestamp: encoded.timestamp,
                marker,
                codec: *codec,
                payload: joined(prefix, data),
                captured: encoded.captured,
                audio_level: None,
            });
            *sequence += 1;
        };
        match codec {
            Codec::Vp8 => vp8::packetize(encoded.data, *picture_id, &mut emit),
            Codec::Vp9 => vp9::packetize(encoded, *picture_id, *tl0_picture_index, &mut emit),
            Codec::H264 => nal::packetize::<H264>(encoded.data, &mut emit),
            Codec::H265 => nal::packetize::<H265>(encoded.data, &mut emit),
            Codec::Av1 => av1::packetize(encoded.data, encoded.keyframe, &mut emit)?,
            // One packet each (RFC 7587 4.2); the marker begins a talkspurt (RFC 3551 4.1), of
            // which a frame knows nothing.
            Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::G722 => {
                emit(&[], encoded.data, false);
            }
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0_picture_index = self.tl0_picture_index.wrapping_add(1);
        Ok(())
    }
}

fn joined(prefix: &[u8], data: &[u8]) -> Arc<[u8]> {
    // One allocation: the length of the chain is known.
    prefix.iter().chain(data).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::super::Parts;
    use super::*;
    use crate::codec::{Description, Descriptor};

    fn packetize(packetizer: &mut Packetizer, data: &[u8], keyframe: bool) -> Vec<MadePacket> {
        let captured = Instant::now();
        let encoded =
            Encoded { data, keyframe, width: 640, height: 360, timestamp: 3000, captured };
        let mut packets = Vec::new();
        packetizer.packetize(&encoded, |packet| packets.push(packet)).unwrap();
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
