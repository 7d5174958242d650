//! What each receiver adds to a packet before it is sealed: whether it goes out, and its numbers.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialoom::codec::Kind;
use medialoom::sfu::{EncodingIndex, EncodingState, Transponder};
use medialoom_micro::Camera;

/// Long enough for the branch predictor to learn nothing, short enough for memory.
const PACKETS: u64 = 6_000;

fn transponder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("transponder");
    for receivers in [1, 10, 100, 1_000] {
        let encodings = [EncodingState { index: EncodingIndex(0), active: true, rank: 1 }];
        let mut transponders: Vec<_> = (0..receivers)
            .map(|_| {
                let mut transponder = Transponder::new(Kind::Video);
                transponder.set_source(&encodings);
                transponder
            })
            .collect();
        let mut camera = Camera::new();
        let mut packets: Vec<_> = (0..PACKETS).map(|_| camera.packet()).collect();
        let mut turn = 0;
        group.throughput(Throughput::Elements(receivers));
        group.bench_function(BenchmarkId::from_parameter(receivers), |bencher| {
            bencher.iter(|| {
                let packet = &mut packets[turn];
                let forwarded = transponders
                    .iter_mut()
                    .filter_map(|transponder| transponder.forward(black_box(packet)))
                    .count();
                assert_eq!(forwarded as u64, receivers);
                // Comes again after all others, with the numbers that follow theirs.
                packet.sequence += PACKETS;
                packet.timestamp = packet.timestamp.wrapping_add(PACKETS as u32 / 6 * 3_000);
                turn = (turn + 1) % packets.len();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transponder);
criterion_main!(benches);
