//! RTP and RTCP with keys into a whole shard: of a peer that publishes sound, pictures and three
//! encodings of pictures, and of one that is sent all of it and publishes as well. Garbage, time and
//! commands in between.

use std::time::Duration;

use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::{RequestId, SourceId};

use super::steps::{Step, steps};
use super::world::{address, nothing_panicked, world};
use crate::support::World;
use crate::support::bare_peer::{AUDIO_SSRC, BareOptions, BarePeer, RTX_SSRC, VIDEO_SSRC};
use crate::support::bare_rtp::{header, picture};

const MAX_STEPS: usize = 128;
const SSRCS: [u32; 8] = [AUDIO_SSRC, VIDEO_SSRC, RTX_SSRC, 1, 2, 3, 0x5555, 0];
const PAYLOAD_TYPES: [u8; 8] = [111, 63, 110, 96, 97, 98, 45, 0];

pub fn run(input: &[u8]) {
    let mut world = world(1);
    let options = BareOptions::default();
    let mut publisher = BarePeer::connected(&mut world, 0, address(1), options, &[]);
    let tracks: Vec<(Kind, SourceId)> =
        world.tracks_of(publisher.transport).iter().map(|track| (track.kind, track.id)).collect();
    let mut viewer = BarePeer::connected(&mut world, 0, address(2), options, &tracks);
    let sent = viewer.sent_ssrcs();
    let mut good = 0;
    for step in steps(input).take(MAX_STEPS) {
        let Step { kind, detail, number, body } = step;
        match kind % 10 {
            0 => {
                world.run(Duration::from_millis(u64::from(number) % 2000));
                publisher.exchange(&mut world, |_, datagram| vec![datagram]);
                viewer.exchange(&mut world, |_, datagram| vec![datagram]);
            }
            1 => publisher.send_rtcp(&mut world, body),
            2 => {
                let mut compound = body.to_vec();
                let ssrc = sent.get(usize::from(detail) % sent.len().max(1));
                if let (Some(ssrc), Some(media)) = (ssrc, compound.get_mut(8..12)) {
                    media.copy_from_slice(&ssrc.to_be_bytes());
                }
                viewer.send_rtcp(&mut world, &compound);
            }
            3 => publisher.send(&mut world, body),
            4 => {
                picture(&mut world, &publisher, good, good % 8 == 0);
                good += 1;
            }
            5 => command(&mut world, &step, &publisher, &viewer, &tracks),
            _ => {
                let ssrc = SSRCS[usize::from(detail >> 5)];
                let pt = PAYLOAD_TYPES[usize::from(detail >> 2 & 7)] | (kind & 0x80);
                // A third of the body for the extensions, whose form the detail chooses.
                let (extension, payload) = body.split_at(body.len() / 12 * 4);
                let padding = detail & 1 != 0;
                let header = header(ssrc, pt, number, detail & 2 == 0, extension, padding);
                let from = if kind & 0x40 == 0 { &publisher } else { &viewer };
                from.send_rtp(&mut world, &header, u64::from(number), payload);
            }
        }
    }
    world.run(Duration::from_secs(1));
    nothing_panicked(&world);
}

fn command(
    world: &mut World,
    step: &Step<'_>,
    publisher: &BarePeer,
    viewer: &BarePeer,
    tracks: &[(Kind, SourceId)],
) {
    let (detail, number) = (step.detail, usize::from(step.number));
    let (source, id) = (tracks[number % tracks.len()].1, viewer.outgoing[number % tracks.len()]);
    let request = RequestId(9);
    let (publisher, viewer) = (publisher.transport, viewer.transport);
    let (transport, command) = match detail % 12 {
        0 => (publisher, TransportCommand::RequestKeyframe { id: source, rid: None }),
        1 => (publisher, TransportCommand::ListenLevels { id: source, listen: true }),
        2 => (viewer, TransportCommand::ListenBandwidth { listen: true }),
        3 => {
            let bitrate = Some(number as u64 * 100);
            (viewer, TransportCommand::SetMaxBitrate { bitrate })
        }
        4 => (viewer, TransportCommand::CreateOffer { request, ice_restart: number & 1 == 1 }),
        5 => (viewer, TransportCommand::Rollback { request }),
        6 => (viewer, TransportCommand::Mute { id, muted: number & 16 == 0 }),
        7 => {
            let rid = [None, Some("q".into()), Some("f".into())][(number >> 8) % 3].clone();
            (viewer, TransportCommand::SelectEncoding { id, rid })
        }
        8 => {
            let (spatial, temporal) = (Some((number >> 8 & 3) as u8), None);
            (viewer, TransportCommand::SelectLayer { id, spatial, temporal })
        }
        9 => (viewer, TransportCommand::Detach { id }),
        10 => (viewer, TransportCommand::Attach { id, source }),
        _ => (publisher, TransportCommand::RemoveIncomingTrack { id: source }),
    };
    world.command(transport, command);
}
