//! A publisher and its viewers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use medialoom::control::command::TransportCommand;
use medialoom::control::ids::{OutgoingTrackId, TransportId};
use medialoom::control::options::TransportOptions;
use str0m::media::{Direction, MediaKind};

use super::World;
use super::client::{Client, frame_number};
use super::network::Conditions;

const SECOND: Duration = Duration::from_secs(1);

/// A publisher of sound and picture, and viewers.
pub struct Room {
    pub world: World,
    pub publisher: usize,
    pub publishing: TransportId,
    pub viewers: Vec<Viewer>,
}

pub struct Viewer {
    pub client: usize,
    pub transport: TransportId,
    pub outgoing: Vec<OutgoingTrackId>,
}

impl Room {
    pub fn new(seed: u64, conditions: Conditions, viewers: usize) -> Self {
        let mut world = World::new(1, seed, conditions);
        let publisher = world.add_client(Client::new);
        let publishing = world.create_transport(0, Default::default());
        world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
        world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
        world.offer_from_client(publisher, publishing);
        let mut room = Self { world, publisher, publishing, viewers: Vec::new() };
        for _ in 0..viewers {
            room.add_viewer();
        }
        room
    }

    pub fn add_viewer(&mut self) {
        self.add_viewer_with(TransportOptions::default(), Client::new);
    }

    pub fn add_viewer_with(
        &mut self,
        options: TransportOptions,
        client: impl FnOnce(Instant, SocketAddr) -> Client,
    ) {
        let world = &mut self.world;
        let client = world.add_client(client);
        let transport = world.create_transport(0, options);
        let mut outgoing = Vec::new();
        for track in world.tracks_of(self.publishing) {
            let id = world.add_outgoing(transport, track.kind, "forwarded");
            world.command(transport, TransportCommand::Attach { id, source: track.id });
            outgoing.push(id);
        }
        world.offer_from_transport(transport, client);
        self.viewers.push(Viewer { client, transport, outgoing });
    }

    pub fn connect(&mut self) {
        self.world.run_until(30 * SECOND, "everyone connects", |world| {
            world.clients.iter().all(|client| client.connected)
        });
    }

    pub fn record(&mut self, viewer: usize) {
        let address = self.world.clients[self.viewers[viewer].client].address;
        self.world.network.recorded.insert(address, Vec::new());
    }

    pub fn recorded(&self, viewer: usize) -> &[Vec<u8>] {
        let address = self.world.clients[self.viewers[viewer].client].address;
        &self.world.network.recorded[&address]
    }

    /// The longest time without a packet of video at a viewer, from `since` until now.
    pub fn longest_gap(&self, viewer: usize, since: Instant) -> Duration {
        let client = &self.world.clients[self.viewers[viewer].client];
        let arrivals = client.packets_of(MediaKind::Video).map(|packet| packet.timestamp);
        let mut last = since;
        let mut longest = Duration::ZERO;
        for at in arrivals.filter(|at| *at > since).chain([self.world.now]) {
            longest = longest.max(at.saturating_duration_since(last));
            last = last.max(at);
        }
        longest
    }

    pub fn video_frames(&self, viewer: usize) -> Vec<u64> {
        let client = &self.world.clients[self.viewers[viewer].client];
        client.packets_of(MediaKind::Video).map(frame_number).collect()
    }
}

pub fn is_rtp(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(128..192)) && !is_rtcp(bytes)
}

pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(128..192)) && matches!(bytes.get(1), Some(192..224))
}

pub fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}
