//! Which peer a datagram is from, by its address, among as many peers as a media thread may have.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use medialoom::control::ids::TransportId;
use medialoom::engine::demultiplexer::{Addressee, Demultiplexer};
use medialoom_micro::flow;

/// A STUN binding request (RFC 8489 5) whose user name begins with `ufrag`.
fn binding_request(ufrag: &str) -> Vec<u8> {
    let name = format!("{ufrag}:theirs");
    let padded = name.len().next_multiple_of(4);
    let mut request = vec![0, 1];
    request.extend_from_slice(&((4 + padded) as u16).to_be_bytes());
    request.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    request.extend_from_slice(&[9; 12]);
    request.extend_from_slice(&[0, 6]);
    request.extend_from_slice(&(name.len() as u16).to_be_bytes());
    request.extend_from_slice(name.as_bytes());
    request.resize(20 + 4 + padded, 0);
    request
}

fn demultiplex(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("demultiplex");
    let now = Instant::now();
    for peers in [1, 100, 1_000] {
        let now = Instant::now();
        let mut demultiplexer = Demultiplexer::default();
        let flows: Vec<_> = (0..peers).map(flow).collect();
        for (peer, flow) in flows.iter().enumerate() {
            let (id, ufrag) = (TransportId(64 * (peer as u64 + 1)), format!("user{peer}"));
            demultiplexer.add_ufrag(id, &ufrag);
            let found = demultiplexer.find(now, flow, &binding_request(&ufrag), |_| true);
            assert_eq!(found, Addressee::Peer(id));
        }
        let mut rtp = [0; 1_100];
        rtp[0] = 0x80;
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(peers), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % flows.len();
                demultiplexer.find(now, black_box(&flows[turn]), black_box(&rtp), |_| false)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, demultiplex);
criterion_main!(benches);
