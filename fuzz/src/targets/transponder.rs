//! Four bytes make one step: what to do, with which encoding, and two of the packet.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use medialoom::codec::{Codec, Description, Kind, Layer};
use medialoom::control::ids::SourceId;
use medialoom::sfu::{EncodingIndex, EncodingState, Extensions, SourcePacket, Transponder};

pub fn run(steps: &[u8]) {
    let now = Instant::now();
    let mut transponder = Transponder::new(Kind::Video);
    let states = |active: u8| {
        [0, 1, 2].map(|index| EncodingState {
            index: EncodingIndex(index),
            active: active >> index & 1 == 1,
            rank: u32::from(index),
        })
    };
    transponder.set_source(&states(7));
    let mut heads = [70_000u64; 3];
    let mut sent = HashSet::new();
    for (time, step) in steps.chunks_exact(4).enumerate() {
        let encoding = EncodingIndex(step[1] % 3);
        match step[0] {
            0 => transponder.select(Some(encoding), Layer::new(step[1] & 3, step[2] & 3)),
            1 => transponder.select(None, Layer::HIGHEST),
            2 => transponder.set_muted(step[1] & 1 == 0),
            3 => transponder.set_encodings(&states(step[1])),
            4 => transponder.set_source(&states(step[1])),
            5 => transponder.restart(encoding),
            6 => transponder.detach(),
            _ => {
                let head = &mut heads[usize::from(encoding.0)];
                *head = head.saturating_add_signed(i64::from(step[2] as i8));
                let payload: Arc<[u8]> = match step[3] {
                    0..32 => Arc::from([]),
                    32..96 => Arc::from([0x90, 0xe0, 0x80, step[2], step[3], step[1] << 5, 0x10]),
                    _ => Arc::from([0x90, 0xe0, 0x80, step[2], step[3], step[1] << 5, 0x11]),
                };
                let at = now + Duration::from_millis(time as u64);
                let packet = SourcePacket {
                    track: SourceId(1),
                    ssrc: 1 + u32::from(encoding.0),
                    encoding,
                    sequence: *head,
                    timestamp: (*head as u32).wrapping_mul(3000),
                    marker: true,
                    codec: Codec::Vp8,
                    red: false,
                    source_pt: 96,
                    description: Description::parse(Codec::Vp8, &payload, None),
                    payload,
                    arrival: at,
                    captured: at,
                    to_reported: None,
                    extensions: Extensions::default(),
                    telephone_event: false,
                };
                if let Some(forward) = transponder.forward(&packet) {
                    assert!(sent.insert(forward.sequence), "index {} twice", forward.sequence);
                }
            }
        }
        transponder.wants_keyframe(now + Duration::from_millis(time as u64));
        transponder.poll_change();
    }
}
