//! Header and encryption of one packet for one receiver, from the shared payload into the slab.

use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialoom::srtp::Profile;
use medialoom_micro::{Camera, Receiver};

fn sealing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sealing");
    let now = Instant::now();
    let source = Camera::new().packet();
    group.throughput(Throughput::Bytes(source.payload.len() as u64));
    for profile in Profile::ALL {
        let mut receiver = Receiver::new(now, profile);
        let mut slab = vec![0; 64 * 1_500];
        let mut place = 0;
        group.bench_function(BenchmarkId::from_parameter(format!("{profile:?}")), |bencher| {
            bencher.iter(|| {
                place = (place + 1) % 64;
                receiver.seal(now, &source, &mut slab[place * 1_500..])
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sealing);
criterion_main!(benches);
