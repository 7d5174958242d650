//! What a packet costs before anybody gets it: the whole way from the datagram to its track, and of
//! that its payload's descriptor and the meters of its encoding.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialoom::codec::{Codec, Description};
use medialoom::sfu::Encoding;
use medialoom::srtp::Profile;
use medialoom_micro::{Camera, Publisher};

fn ingest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ingest");
    group.throughput(Throughput::Elements(1));
    let mut camera = Camera::new();
    let payload = camera.payload();
    group.bench_function("describe", |bencher| {
        bencher.iter(|| Description::parse(Codec::Vp8, black_box(&payload), None));
    });
    let packets: Vec<_> = (0..6_000).map(|_| camera.packet()).collect();
    group.bench_function("meter", |bencher| {
        let mut encoding = Encoding::new(packets[0].arrival);
        let mut turn = 0;
        bencher.iter(|| {
            turn = (turn + 1) % packets.len();
            encoding.receive(black_box(&packets[turn]))
        });
    });
    for profile in Profile::ALL {
        let name = BenchmarkId::new("receive", format!("{profile:?}"));
        group.bench_function(name, |bencher| {
            // Sealing is not part of it: packets come as they do from a socket, a batch at a time.
            bencher.iter_custom(|packets| {
                let mut publisher = Publisher::new(profile);
                let mut spent = std::time::Duration::ZERO;
                for first in (0..packets).step_by(64) {
                    let batch = publisher.seal((packets - first).min(64) as usize);
                    let start = std::time::Instant::now();
                    for datagram in &batch {
                        publisher.receive(black_box(datagram));
                    }
                    publisher.end_turn();
                    spent += start.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
