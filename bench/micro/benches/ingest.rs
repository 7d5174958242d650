//! What a packet that was decrypted is looked at for before anybody gets it: its payload's
//! descriptor, and the meters of its encoding.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use medialoom::codec::{Codec, Description};
use medialoom::sfu::Encoding;
use medialoom_micro::Camera;

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
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
