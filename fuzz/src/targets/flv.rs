//! A row of tags, each after its kind and its length in two bytes. The frames that they come to are cut
//! into packets, as everything that is pushed is.

use std::time::Instant;

use medialoom::codec::frame::{Encoded, MAX_PAYLOAD, Packetizer};
use medialoom::codec::opus;
use medialoom::ingest::Sound;
use medialoom::ingest::flv::Demuxer;

pub fn run(mut input: &[u8]) {
    let mut demuxer = Demuxer::default();
    let captured = Instant::now();
    while let [kind, high, low, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (tag, after) = rest.split_at(length);
        input = after;
        if kind % 2 == 0 {
            if let Ok(Some(Sound::Opus(packet))) = demuxer.audio(tag) {
                assert!(opus::samples(packet).is_none_or(|samples| samples <= 5760));
            }
            continue;
        }
        let Ok(Some(frame)) = demuxer.video(tag) else { continue };
        let encoded = Encoded {
            data: frame.data,
            keyframe: frame.keyframe,
            width: 320,
            height: 180,
            timestamp: 90_000,
            captured,
        };
        let _ = Packetizer::new(frame.codec).packetize(&encoded, |packet| {
            assert!(packet.payload.len() <= MAX_PAYLOAD + 64);
        });
    }
}
