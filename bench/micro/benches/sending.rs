//! A burst for one receiver from its packets to the socket: sealed into the slab and sent in one call
//! over loopback, where the kernel has segmentation offload.

use std::net::UdpSocket;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialoom::egress::srtp::{KeyingMaterial, Profile};
use medialoom::egress::{Egress, ExtensionIds, OutgoingPacket, Stream, StreamParameters};
use medialoom_micro::Camera;
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};

fn sending(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sending");
    let now = Instant::now();
    let source = Camera::new().packet();
    let profile = Profile::AeadAes256Gcm;
    let bytes = vec![7; 2 * (profile.key_len() + profile.salt_len())];
    let Some(material) = KeyingMaterial::new(profile, &bytes) else { return };
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
            ..Default::default()
        },
    });
    // The receiver's buffer fills and overflows, which costs the sender less than a reader that
    // has to be woken.
    let bind = || UdpSocket::bind("127.0.0.1:0").expect("a socket on loopback");
    let (socket, receiver) = (bind(), bind());
    let destination = receiver.local_addr().expect("its address");
    let state = UdpSocketState::new(UdpSockRef::from(&socket)).expect("socket options");
    let mut slab = vec![0; 64 * 1_500];
    let mut index = 0;
    for burst in [1, 2, 6, 16] {
        group.throughput(Throughput::Elements(burst));
        group.bench_function(BenchmarkId::new("burst", burst), |bencher| {
            bencher.iter(|| {
                let (mut used, mut segment) = (0, 0);
                for _ in 0..burst {
                    index += 1;
                    let packet = OutgoingPacket {
                        pt: 96,
                        index,
                        timestamp: source.timestamp,
                        marker: false,
                        clock_rate: 90_000,
                        captured: now,
                        payload: &source.payload,
                        prefix: None,
                        extensions: &source.extensions,
                        frame_number: None,
                    };
                    let sealed = egress.seal(now, &mut stream, &packet, 0, &mut slab[used..]);
                    segment = sealed.expect("room in the slab");
                    used += segment;
                }
                let contents = &slab[..used];
                let transmit = Transmit {
                    destination,
                    ecn: None,
                    contents,
                    segment_size: (burst > 1).then_some(segment),
                    src_ip: None,
                };
                state.try_send(UdpSockRef::from(&socket), &transmit)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sending);
criterion_main!(benches);
