//! The first byte chooses the codec, the second the length of payloads. The rest is taken for a frame
//! to cut, and for payloads of a stream: a frame that payloads came to has to survive being cut.

use std::sync::Arc;
use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::codec::frame::{Assembler, Encoded, MAX_PAYLOAD, Packetizer, Parts};
use medialoom::codec::packet::{MadePacket, TakenPacket};

/// Packets of a frame; none when it cannot be cut.
fn packetize(codec: Codec, data: &[u8], keyframe: bool, now: Instant) -> Vec<MadePacket> {
    let encoded =
        Encoded { data, keyframe, width: 320, height: 180, timestamp: 90_000, captured: now };
    let mut packets = Vec::new();
    let cut = Packetizer::new(codec).packetize(&encoded, |packet| packets.push(packet));
    assert!(cut.is_ok() || packets.is_empty());
    packets
}

/// What packets come to, if it is a frame.
fn reassemble(codec: Codec, packets: &[MadePacket]) -> Option<Parts> {
    let mut parts = Parts::default();
    for packet in packets {
        assert!(packet.payload.len() <= MAX_PAYLOAD || packets.len() == 1);
        parts.push(codec, &packet.payload).ok()?;
    }
    parts.is_complete().then_some(parts)
}

pub fn run(input: &[u8]) {
    let [codec, length, data @ ..] = input else { return };
    let codec = Codec::ALL[usize::from(*codec) % Codec::ALL.len()];
    let now = Instant::now();
    packetize(codec, data, length % 2 == 0, now);

    let mut assembler = Assembler::new(Duration::from_millis(100));
    for (index, payload) in data.chunks(usize::from(*length).max(1)).enumerate() {
        let at = now + Duration::from_millis(10 * index as u64);
        assembler.insert(&TakenPacket {
            // Two in three in order, one late.
            sequence: (index ^ usize::from(index % 3 == 0)) as u64,
            timestamp: (index / 4) as u32,
            marker: index % 4 == 3,
            codec,
            red: false,
            payload: Arc::from(payload),
            arrival: at,
            captured: at,
            audio_level: None,
            rotation: 0,
        });
        while let Some(frame) = assembler.poll(at) {
            assert!(frame.parts.is_complete());
            let packets = packetize(codec, &frame.parts.data, frame.keyframe, now);
            // Of H.264 and H.265 units may be left out, and VP9 is told of its layers anew.
            if matches!(codec, Codec::Av1 | Codec::Vp8 | Codec::Opus) {
                let again = reassemble(codec, &packets).expect("what was a frame is one");
                // Sizes in AV1 may have been written longer than they need.
                assert!(codec == Codec::Av1 || again.data == frame.parts.data);
            }
            assembler.give_back(frame.parts);
        }
    }
}
