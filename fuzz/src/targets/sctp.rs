//! SCTP and DCEP of a peer that is through its DTLS handshake, to a whole shard. The first byte
//! chooses the roles, and whether there is an association before the steps begin.

use std::time::Duration;

use bytes::Bytes;
use medialoom::control::command::TransportCommand;
use medialoom::control::options::ChannelOptions;

use super::steps::{Step, steps};
use super::world::{address, nothing_panicked, world};
use crate::support::bare_peer::{BareOptions, BarePeer};
use crate::support::bare_sctp::{BINARY, BareSctp, DCEP, STRING, chunk, data, open};

const MAX_STEPS: usize = 96;

pub fn run(input: &[u8]) {
    let Some((&byte, rest)) = input.split_first() else { return };
    let mut world = world(1);
    let options = BareOptions { active: byte & 1 == 0, ..BareOptions::default() };
    let mut peer = BarePeer::connected(&mut world, 0, address(1), options, &[]);
    let mut sctp = BareSctp { tag: 0, tsn: 0x1000 };
    if byte & 2 == 0 {
        sctp = BareSctp::associate(&mut world, &mut peer);
        assert_ne!(sctp.tag, 0, "there is an association");
    }
    let mut channels = Vec::new();
    for step in steps(rest).take(MAX_STEPS) {
        let Step { kind, detail, number, body } = step;
        match kind % 12 {
            0 => world.run(Duration::from_millis(u64::from(number) % 4000)),
            1 => peer.send_data(&mut world, body),
            2 => sctp.send(&mut world, &mut peer, body),
            3 => sctp.send(&mut world, &mut peer, &chunk(detail, number as u8, body)),
            4 | 5 => {
                let protocol = [DCEP, STRING, BINARY, 54, 56, 57, 0][usize::from(detail >> 4) % 7];
                // In order, ahead of a gap, or from before.
                let tsn = match detail & 3 {
                    0 | 1 => sctp.tsn,
                    2 => sctp.tsn.wrapping_add(u32::from(number >> 8)),
                    _ => sctp.tsn.wrapping_sub(u32::from(number >> 8)),
                };
                if detail & 3 < 2 {
                    sctp.tsn = sctp.tsn.wrapping_add(1);
                }
                let flags = if detail & 4 == 0 { 3 } else { (number >> 4) as u8 };
                let chunk = data(flags, tsn, number & 15, number >> 8, protocol, body);
                sctp.send(&mut world, &mut peer, &chunk);
            }
            6 => {
                let (label, protocol) = body.split_at(body.len() / 2);
                let message = open(detail, u32::from(number), label, protocol);
                let chunk = data(3, sctp.tsn, number & 15, 0, DCEP, &message);
                sctp.tsn = sctp.tsn.wrapping_add(1);
                sctp.send(&mut world, &mut peer, &chunk);
            }
            7 => drop(sctp.answer(&mut world, &mut peer)),
            // Acknowledges what came last, and more or less than that.
            8 => {
                peer.exchange(&mut world, |_, datagram| vec![datagram]);
                let came = peer.data.last().and_then(|packet| packet.get(16..20)?.try_into().ok());
                let tsn = u32::from_be_bytes(came.unwrap_or_default());
                let mut sack = tsn.wrapping_add(u32::from(detail)).to_be_bytes().to_vec();
                sack.extend(u32::from(number).to_be_bytes());
                sack.extend(((body.len() / 4) as u16).to_be_bytes());
                sack.extend([0, 0]);
                sack.extend(body);
                sctp.send(&mut world, &mut peer, &chunk(3, 0, &sack));
            }
            9 => {
                let id = world.channel_id(peer.transport);
                let negotiated = (detail & 1 == 1).then_some(number & 15);
                let options = Box::new(ChannelOptions {
                    label: "ours".into(),
                    protocol: String::new(),
                    ordered: detail & 2 == 0,
                    max_retransmits: (detail & 4 != 0).then_some(number >> 8),
                    max_packet_life_time: None,
                    negotiated,
                });
                channels.push(id);
                world.command(peer.transport, TransportCommand::CreateChannel { id, options });
            }
            10 => {
                let Some(id) = channels.get(usize::from(detail) % channels.len().max(1)) else {
                    continue;
                };
                let data = Bytes::from(vec![detail; usize::from(number)]);
                let command = TransportCommand::SendMessage { id: *id, binary: true, data };
                world.command(peer.transport, command);
            }
            _ => {
                if let Some(id) = channels.pop() {
                    world.command(peer.transport, TransportCommand::CloseChannel { id });
                }
            }
        }
    }
    world.run(Duration::from_secs(1));
    nothing_panicked(&world);
}
