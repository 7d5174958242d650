//! Header and encryption of one packet for one receiver, from the shared payload into the slab.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialoom::egress::srtp::{KeyingMaterial, Profile};
use medialoom::egress::{Egress, ExtensionIds, OutgoingPacket, Stream, StreamParameters};
use medialoom_micro::Camera;

const SLAB: usize = 64 * 1_500;

fn sealing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sealing");
    let now = Instant::now();
    let source = Camera::new().packet();
    group.throughput(Throughput::Bytes(source.payload.len() as u64));
    for profile in Profile::ALL {
        let length = 2 * (profile.key_len() + profile.salt_len());
        let bytes: Vec<u8> = (0..length as u8).collect();
        let Some(material) = KeyingMaterial::new(profile, &bytes) else { continue };
        let mut egress = Egress::new(now);
        egress.set_keys(&material, true);
        let mut stream = Stream::new(StreamParameters {
            ssrc: 1,
            rtx: Some(2),
            mid: "0".into(),
            cname: "bench".into(),
            extensions: ExtensionIds {
                mid: Some(4),
                transport_sequence: Some(3),
                abs_send_time: Some(2),
                ..Default::default()
            },
        });
        let mut slab = vec![0; SLAB];
        let mut index = 0;
        group.bench_function(BenchmarkId::from_parameter(format!("{profile:?}")), |bencher| {
            bencher.iter(|| {
                index += 1;
                let packet = OutgoingPacket {
                    pt: 96,
                    index,
                    timestamp: source.timestamp,
                    marker: false,
                    clock_rate: 90_000,
                    captured: now,
                    payload: black_box(&source.payload),
                    prefix: None,
                    extensions: &source.extensions,
                    frame_number: None,
                };
                let room = &mut slab[(index as usize % 64) * 1_500..];
                egress.seal(now, &mut stream, &packet, 0, room)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sealing);
criterion_main!(benches);
