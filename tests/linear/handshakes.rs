//! DTLS before anybody is authenticated.

use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, Dtls, DtlsCertificate, Output, certificate};

use super::measure::is_linear;

fn server(config: &Arc<Config>, certificate: &DtlsCertificate, now: Instant) -> Dtls {
    let mut dtls = Dtls::new_12(config.clone(), certificate.clone(), now);
    dtls.set_active(false);
    dtls.handle_timeout(now).unwrap();
    dtls
}

/// A record of a fragment of a ClientHello (RFC 6347 4.1, 4.2.2).
fn fragment(record: u64, sequence: u16, length: u32, offset: u32, bytes: &[u8]) -> Vec<u8> {
    let mut packet = vec![22, 0xfe, 0xfd, 0, 0];
    packet.extend(&record.to_be_bytes()[2..]);
    packet.extend((bytes.len() as u16 + 12).to_be_bytes());
    packet.push(1);
    packet.extend(&length.to_be_bytes()[1..]);
    packet.extend(sequence.to_be_bytes());
    packet.extend(&offset.to_be_bytes()[1..]);
    packet.extend(&(bytes.len() as u32).to_be_bytes()[1..]);
    packet.extend(bytes);
    packet
}

#[test]
fn messages_in_pieces() {
    let now = Instant::now();
    let config = Arc::new(Config::builder().use_server_cookie(false).build().unwrap());
    let certificate = certificate::generate_self_signed_certificate().unwrap();
    type Piece = fn(u32) -> Vec<u8>;
    let cases: [(&str, Piece); 5] = [
        ("pieces of a byte each", |n| fragment(n.into(), 0, 60_000, n, &[7])),
        ("pieces from the last on", |n| fragment(n.into(), 0, 60_000, 50_000 - n, &[7])),
        ("pieces with gaps", |n| fragment(n.into(), 0, 60_000, n * 2, &[7])),
        ("messages ahead of a missing one", |n| {
            fragment(n.into(), n as u16 + 1, 100, 0, &[7; 100])
        }),
        ("pieces that are the same", |n| fragment(n.into(), 0, 60_000, 0, &[7; 500])),
    ];
    for (what, piece) in cases {
        let bundled = |times: usize| (0..times as u32 * 300).map(piece).collect::<Vec<_>>();
        let inputs = [bundled(1), bundled(4)];
        is_linear(
            what,
            |times| (server(&config, &certificate, now), &inputs[usize::from(times != 1)]),
            |(dtls, packets)| {
                let mut buffer = vec![0; 2000];
                for packet in packets.iter() {
                    let _ = dtls.handle_packet(packet);
                    while !matches!(dtls.poll_output(&mut buffer), Output::Timeout(_)) {}
                }
            },
        );
        // The same in one datagram after the other, each as long as one can be.
        is_linear(
            what,
            |times| {
                let packets = inputs[usize::from(times != 1)].concat();
                (server(&config, &certificate, now), packets)
            },
            |(dtls, packets)| {
                let mut buffer = vec![0; 2000];
                for packet in packets.chunks(60_000) {
                    let _ = dtls.handle_packet(packet);
                    while !matches!(dtls.poll_output(&mut buffer), Output::Timeout(_)) {}
                }
            },
        );
    }
}
