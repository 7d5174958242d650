//! A burst for one receiver from its packets to the socket: sealed into the slab and sent in one call
//! over loopback, where the kernel has segmentation offload.

use std::net::UdpSocket;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use medialoom::srtp::Profile;
use medialoom_micro::{Camera, Receiver};
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};

fn sending(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sending");
    let now = Instant::now();
    let source = Camera::new().packet();
    let mut receiver = Receiver::new(now, Profile::AeadAes256Gcm);
    // The receiver's buffer fills and overflows, which costs the sender less than a reader that
    // has to be woken.
    let bind = || UdpSocket::bind("127.0.0.1:0").expect("a socket on loopback");
    let (socket, peer) = (bind(), bind());
    let destination = peer.local_addr().expect("its address");
    let state = UdpSocketState::new(UdpSockRef::from(&socket)).expect("socket options");
    let mut slab = vec![0; 64 * 1_500];
    for burst in [1, 2, 6, 16] {
        group.throughput(Throughput::Elements(burst));
        group.bench_function(BenchmarkId::new("burst", burst), |bencher| {
            bencher.iter(|| {
                let (mut used, mut segment) = (0, 0);
                for _ in 0..burst {
                    segment = receiver.seal(now, &source, &mut slab[used..]);
                    used += segment;
                }
                let transmit = Transmit {
                    destination,
                    ecn: None,
                    contents: &slab[..used],
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
