//! What a recorded packet costs the media thread.

use std::sync::Arc;
use std::time::Instant;

use medialoom::codec::Codec;
use medialoom::codec::packet::MadePacket;
use medialoom::control::ids::{Ids, ShardIndex, SourceId};
use medialoom::engine::tap::{Class, Inlet, Made};
use medialoom::sfu::EncodingIndex;

use crate::allocations;

const ROUNDS: u32 = 2_000;
/// Fewer than an inlet has room for.
const PACKETS: u32 = 1_000;

/// Nanoseconds and allocations of a packet.
pub fn measure() -> (f64, f64) {
    let (inlet, mut packets) = Inlet::new(|| ());
    let now = Instant::now();
    let class = Class { codec: Codec::Opus, rung: 0, size: None, bitrate: 32_000, frame_rate: 50 };
    let mut made = Made::new(now, SourceId::new(&Ids::default(), ShardIndex(0)), &[class]);
    let packet = MadePacket {
        sequence: 1,
        timestamp: 960,
        marker: false,
        codec: Codec::Opus,
        payload: vec![0xf8; 1_000].into(),
        captured: now,
        audio_level: None,
    };
    let packet = made.packet(now, EncodingIndex(0), packet).expect("it is one of its encodings");
    let (mut taken, mut allocated, mut times) = (0u64, 0, Vec::new());
    for _ in 0..ROUNDS {
        let (begun, before) = (Instant::now(), allocations::count());
        for _ in 0..PACKETS {
            inlet.packet(std::hint::black_box(&packet));
        }
        times.push(begun.elapsed());
        allocated += allocations::count() - before;
        while packets.poll().is_some() {
            taken += 1;
        }
    }
    assert_eq!(taken, u64::from(ROUNDS * PACKETS));
    assert_eq!(Arc::strong_count(&packet), 1);
    times.sort();
    let median = times[times.len() / 2].as_nanos() as f64 / f64::from(PACKETS);
    (median, allocated as f64 / f64::from(ROUNDS * PACKETS))
}
