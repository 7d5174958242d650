//! Peers and shards on fake time over a seeded network. Nothing here sleeps or opens a socket.

#![allow(dead_code)] // Each test uses its own part.

pub mod bare_peer;
pub mod bare_rtcp;
pub mod bare_rtp;
pub mod bare_sctp;
pub mod camera;
pub mod client;
pub mod link;
pub mod mutation;
pub mod network;
pub mod recorder;
pub mod room;
pub mod stun;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "fault-injection")]
use medialoom::control::command::Burden;
use medialoom::control::command::{Command, TransportCommand};
use medialoom::control::error::EngineError;
use medialoom::control::event::{Event, IncomingTrackInfo, Reply};
use medialoom::control::flow::{Flow, LocalCandidates, Protocol};
use medialoom::control::ids::{
    ChannelId, Ended, Ids, OutgoingTrackId, RequestId, ShardIndex, SlotsId, SourceId, SpeakersId,
    TransportId,
};
use medialoom::control::mailbox::Mailbox;
use medialoom::control::options::TransportOptions;
use medialoom::control::snapshot;
use medialoom::control::speakers::SpeakersCommand;
use medialoom::control::stats::Shape;
use medialoom::engine::budget::Clock;
use medialoom::engine::io::{Output, Reactor};
use medialoom::engine::load::Load;
use medialoom::engine::message::ShardMessage;
use medialoom::engine::occupancy::{Occupancy, ThreadLoad};
use medialoom::engine::shard::{EndpointParts, Shard};
use medialoom::speakers::talking::PAUSE;
use medialoom::webrtc::Certificates;

use client::Client;
use network::{Conditions, Network};

/// Shards, clients and the network between them.
pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub shards: Vec<Shard>,
    pub clients: Vec<Client>,
    pub network: Network,
    pub events: Vec<Event>,
    /// JavaScript does not get to take what is in the mailbox.
    pub javascript_busy: bool,
    mailbox: Arc<Mailbox>,
    ids: Arc<Ids>,
    parts: EndpointParts,
    next_request: u32,
    /// What came for a shard whose thread does not get to run just now.
    waiting: Vec<Option<Waiting>>,
    replies: HashMap<RequestId, Result<Reply, EngineError>>,
    /// How often threads of shards were woken because time had passed.
    pub timeouts: u64,
    pub load: Arc<Load>,
    /// Nanoseconds since the start: what the threads of the shards tell the time by, which goes on
    /// while they work.
    work: Arc<AtomicU64>,
    /// How busy those are whose work takes time.
    occupancies: Vec<Option<Occupancy>>,
}

/// In the order in which a thread takes it.
#[derive(Default)]
struct Waiting {
    commands: Vec<Command>,
    messages: Vec<ShardMessage>,
    datagrams: Vec<(Flow, Vec<u8>)>,
}

/// Where shard `index` listens.
pub fn shard_address(index: usize) -> SocketAddr {
    format!("10.0.0.1:{}", 40_000 + index).parse().unwrap()
}

pub fn client_address(index: usize) -> SocketAddr {
    format!("10.0.{}.{}:50000", 1 + index / 250, 1 + index % 250).parse().unwrap()
}

struct Collector<'a> {
    now: Instant,
    network: &'a mut Network,
    messages: &'a mut Vec<(ShardIndex, ShardMessage)>,
}

impl Output<ShardMessage> for Collector<'_> {
    fn datagram(&mut self, flow: &Flow, bytes: &[u8]) {
        self.network.send(self.now, flow.local, flow.remote, bytes);
    }

    fn datagram_in_place(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let mut bytes = vec![0; capacity];
        if let Some(length) = write(&mut bytes) {
            self.datagram(flow, &bytes[..length]);
        }
    }

    fn message(&mut self, to: ShardIndex, message: ShardMessage) {
        self.messages.push((to, message));
    }

    fn end_flow(&mut self, _flow: &Flow) {}
}

impl World {
    pub fn new(shards: usize, seed: u64, conditions: Conditions) -> Self {
        let now = Instant::now();
        let ids = Arc::new(Ids::default());
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let certificates = Arc::new(Certificates::generate(now).unwrap());
        let load = Arc::new(Load::new(shards));
        let work = Arc::<AtomicU64>::default();
        let time = Arc::clone(&work);
        let clock = move || now + Duration::from_nanos(time.load(Ordering::Relaxed));
        let parts = EndpointParts {
            ids: ids.clone(),
            certificates,
            mailbox: mailbox.clone(),
            load: load.clone(),
            clock: Clock { now: Arc::new(clock), slowness: 1 },
        };
        let make = |index: usize| make_shard(now, index, &parts);
        Self {
            now,
            start: now,
            shards: (0..shards).map(make).collect(),
            clients: Vec::new(),
            network: Network::new(seed, conditions),
            events: Vec::new(),
            javascript_busy: false,
            mailbox,
            ids,
            parts,
            next_request: 0,
            waiting: (0..shards).map(|_| None).collect(),
            replies: HashMap::new(),
            timeouts: 0,
            load,
            work,
            occupancies: vec![None; shards],
        }
    }

    /// From now on the work of this shard takes the time that [`World::burden`] says, and it hears
    /// how busy that makes it.
    pub fn measure(&mut self, shard: usize) {
        self.occupancies[shard] = Some(Occupancy::new(self.now));
    }

    /// Every datagram of a peer takes so long to handle.
    #[cfg(feature = "fault-injection")]
    pub fn burden(&mut self, transport: TransportId, time: Duration) {
        let work = Arc::clone(&self.work);
        let burden = move || {
            work.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        };
        let burden = Burden(Arc::new(burden));
        self.command(transport, TransportCommand::Burden { burden });
    }

    /// Tells a shard that its thread is so busy.
    pub fn tell_load(&mut self, shard: usize, busy: f32) {
        let load = ThreadLoad { busy, lately: busy, longest: Duration::ZERO };
        self.shards[shard].handle_load(self.now, load);
        self.flush(shard);
    }

    pub fn create_transport(&mut self, shard: usize, options: TransportOptions) -> TransportId {
        let transport = self.reserve_transport(shard);
        self.make_transport(transport, options);
        transport
    }

    /// The name of a transport that is made later.
    pub fn reserve_transport(&self, shard: usize) -> TransportId {
        TransportId::new(&self.ids, ShardIndex(shard as u8))
    }

    pub fn make_transport(&mut self, transport: TransportId, options: TransportOptions) {
        let options = Box::new(options);
        self.command_to_shard(transport.shard(), Command::CreateTransport { transport, options });
    }

    pub fn command(&mut self, transport: TransportId, command: TransportCommand) {
        self.command_to_shard(transport.shard(), Command::Transport { transport, command });
    }

    fn command_to_shard(&mut self, shard: ShardIndex, command: Command) {
        let shard = shard.index();
        if let Some(waiting) = &mut self.waiting[shard] {
            return waiting.commands.push(command);
        }
        self.shards[shard].handle_command(self.now, command);
        self.flush(shard);
    }

    /// A group of speakers that lives on a shard.
    pub fn create_speakers(&mut self, shard: usize) -> SpeakersId {
        let group = SpeakersId::new(&self.ids, ShardIndex(shard as u8));
        self.speakers(group, SpeakersCommand::Create { threshold: -60, pause: PAUSE });
        group
    }

    pub fn speakers(&mut self, group: SpeakersId, command: SpeakersCommand) {
        self.command_to_shard(group.shard(), Command::Speakers { group, command });
    }

    /// Slots of a group, for sound and for pictures.
    pub fn create_slots(
        &mut self,
        group: SpeakersId,
        audio: usize,
        video: usize,
    ) -> (SlotsId, Vec<SourceId>, Vec<SourceId>) {
        let slots =
            |count| (0..count).map(|_| SourceId::new(&self.ids, group.shard())).collect::<Vec<_>>();
        let (audio, video) = (slots(audio), slots(video));
        let id = SlotsId::new(&self.ids, group.shard());
        let command =
            SpeakersCommand::CreateSlots { id, audio: audio.clone(), video: video.clone() };
        self.speakers(group, command);
        (id, audio, video)
    }

    /// As `Engine::attach_channel` does.
    pub fn attach_channel(
        &mut self,
        transport: TransportId,
        channel: ChannelId,
        source: ChannelId,
    ) {
        for (shard, command) in Command::attach_channel(transport, channel, source) {
            self.command_to_shard(shard, command);
        }
    }

    /// From now on the thread of this shard does not get to run; what comes for it waits.
    pub fn pause(&mut self, shard: usize) {
        self.waiting[shard] = Some(Waiting::default());
    }

    pub fn resume(&mut self, shard: usize) {
        let Some(waiting) = self.waiting[shard].take() else { return };
        let now = self.now;
        for command in waiting.commands {
            self.shards[shard].handle_command(now, command);
        }
        for message in waiting.messages {
            self.shards[shard].handle_message(now, message);
        }
        for (flow, bytes) in waiting.datagrams {
            self.shards[shard].handle_datagram(now, &flow, &bytes);
        }
        self.flush(shard);
    }

    /// The thread of a shard dies, and the next one begins. What comes for it meanwhile waits.
    pub fn kill_thread(&mut self, shard: usize, meanwhile: impl FnOnce(&mut Self)) -> Ended {
        let index = ShardIndex(shard as u8);
        self.pause(shard);
        self.parts.load.went_down(index);
        let ended = Ended::new(&self.ids, index);
        meanwhile(self);
        self.shards[shard] = make_shard(self.now, shard, &self.parts);
        let shards = self.shards.len();
        self.shards[shard].succeed(ended, shards);
        self.flush(shard);
        self.resume(shard);
        ended
    }

    /// When a shard that gets to run wants its timeout.
    fn shard_timeout(&mut self, shard: usize) -> Option<Instant> {
        self.waiting[shard].is_none().then(|| self.shards[shard].poll_timeout())?
    }

    /// Asks something that is answered at once.
    pub fn ask(
        &mut self,
        transport: TransportId,
        command: impl FnOnce(RequestId) -> TransportCommand,
    ) -> Result<Reply, EngineError> {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        self.command(transport, command(request));
        self.replies.remove(&request).expect("an answer")
    }

    pub fn accept_offer(
        &mut self,
        transport: TransportId,
        sdp: &str,
    ) -> Result<String, EngineError> {
        let sdp = sdp.to_owned();
        self.ask(transport, |request| TransportCommand::AcceptOffer { request, sdp }).map(sdp_of)
    }

    pub fn create_offer(&mut self, transport: TransportId) -> Result<String, EngineError> {
        let command = |request| TransportCommand::CreateOffer { request, ice_restart: false };
        self.ask(transport, command).map(sdp_of)
    }

    pub fn accept_answer(&mut self, transport: TransportId, sdp: &str) -> Result<(), EngineError> {
        let sdp = sdp.to_owned();
        self.ask(transport, |request| TransportCommand::AcceptAnswer { request, sdp }).map(|_| ())
    }

    /// One snapshot of everything, as JavaScript gets it.
    pub fn snapshot(&mut self) -> serde_json::Value {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        let (mailbox, shards) = (self.mailbox.clone(), self.shards.len());
        let collector = snapshot::collector(request, mailbox, Shape::Endpoint);
        for (shard, collector) in std::iter::repeat_n(collector, shards).enumerate() {
            let command = Command::Stats { collector, only: None };
            self.command_to_shard(ShardIndex(shard as u8), command);
        }
        match self.replies.remove(&request) {
            Some(Ok(Reply::Stats(json))) => serde_json::from_str(&json).expect("JSON"),
            other => panic!("statistics, not {other:?}"),
        }
    }

    pub fn add_outgoing(
        &mut self,
        transport: TransportId,
        kind: medialoom::codec::Kind,
        stream: &str,
    ) -> OutgoingTrackId {
        let id = OutgoingTrackId::new(&self.ids, transport.shard());
        let (stream, track) = (stream.to_owned(), format!("track-{id}"));
        self.command(transport, TransportCommand::AddOutgoingTrack { id, kind, stream, track });
        id
    }

    pub fn channel_id(&self, transport: TransportId) -> ChannelId {
        ChannelId::new(&self.ids, transport.shard())
    }

    pub fn add_client(&mut self, client: impl FnOnce(Instant, SocketAddr) -> Client) -> usize {
        let index = self.clients.len();
        let client = client(self.now, client_address(index));
        self.clients.push(client);
        index
    }

    /// The statistics of one transport, as JavaScript gets them.
    pub fn stats(&mut self, transport: TransportId) -> serde_json::Value {
        self.next_request += 1;
        let request = RequestId(self.next_request);
        let (mailbox, shape) = (self.mailbox.clone(), Shape::Transport);
        let collector = snapshot::collector(request, mailbox, shape);
        let shard = transport.shard().index();
        let command = Command::Stats { collector, only: Some(transport) };
        self.shards[shard].handle_command(self.now, command);
        self.flush(shard);
        match self.replies.remove(&request) {
            Some(Ok(Reply::Stats(json))) => serde_json::from_str(&json).expect("JSON"),
            other => panic!("statistics, not {other:?}"),
        }
    }

    /// The client offers what it has, the transport answers.
    pub fn offer_from_client(&mut self, client: usize, transport: TransportId) {
        let offer = self.clients[client].create_offer();
        let answer = self.accept_offer(transport, &offer).expect("the offer is accepted");
        self.clients[client].accept_answer(&answer);
    }

    /// The transport offers what it has, the client answers.
    pub fn offer_from_transport(&mut self, transport: TransportId, client: usize) {
        let offer = self.create_offer(transport).expect("there is something to offer");
        let answer = self.clients[client].accept_offer(&offer);
        self.accept_answer(transport, &answer).expect("the answer is accepted");
    }

    pub fn tracks_of(&self, transport: TransportId) -> Vec<IncomingTrackInfo> {
        let of_transport = |event: &Event| match event {
            Event::IncomingTrack { transport: of, info } if *of == transport => Some(*info.clone()),
            _ => None,
        };
        self.events.iter().filter_map(of_transport).collect()
    }

    /// A datagram comes for a shard, from whatever address.
    pub fn replay(&mut self, shard: usize, from: SocketAddr, bytes: &[u8]) {
        let flow = Flow { protocol: Protocol::Udp, local: shard_address(shard), remote: from };
        self.shards[shard].handle_datagram(self.now, &flow, bytes);
        self.flush(shard);
    }

    /// Lets time pass.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let shards: Vec<Instant> =
                (0..self.shards.len()).filter_map(|shard| self.shard_timeout(shard)).collect();
            let clients = self.clients.iter().map(|client| client.next_timeout());
            let network = self.network.next_arrival();
            let next = clients.chain(network).chain(shards).min();
            let next = next.filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.pass(next);
            self.step();
        }
        self.pass(end);
    }

    fn pass(&mut self, until: Instant) {
        self.now = self.now.max(until);
        let passed = self.now.duration_since(self.start).as_nanos() as u64;
        self.work.fetch_max(passed, Ordering::Relaxed);
    }

    /// Runs until something is true; fails after `limit`.
    pub fn run_until(&mut self, limit: Duration, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            assert!(self.now < end, "{what} within {limit:?}");
            self.run(Duration::from_millis(10));
        }
    }

    /// A message comes for a shard, from one who is none.
    pub fn deliver(&mut self, to: ShardIndex, message: ShardMessage) {
        self.shards[to.index()].handle_message(self.now, message);
        self.flush(to.index());
    }

    fn step(&mut self) {
        while let Some(datagram) = self.network.arrive(self.now) {
            let now = self.now;
            if let Some(shard) = (0..self.shards.len()).find(|i| shard_address(*i) == datagram.to) {
                let flow =
                    Flow { protocol: Protocol::Udp, local: datagram.to, remote: datagram.from };
                if let Some(waiting) = &mut self.waiting[shard] {
                    waiting.datagrams.push((flow, datagram.bytes));
                    continue;
                }
                self.shards[shard].handle_datagram(now, &flow, &datagram.bytes);
                self.flush(shard);
            } else if let Some(client) = self.clients.iter_mut().find(|c| c.address == datagram.to)
            {
                client.receive(now, datagram.from, &datagram.bytes, &mut self.network);
            }
        }
        let now = self.now;
        for client in &mut self.clients {
            if client.next_timeout() <= now {
                client.handle_timeout(now, &mut self.network);
            }
        }
        for index in 0..self.shards.len() {
            if self.shard_timeout(index).is_some_and(|at| at <= now) {
                self.timeouts += 1;
                self.shards[index].handle_timeout(now);
                self.flush(index);
            }
        }
    }

    fn flush(&mut self, index: usize) {
        let mut messages = Vec::new();
        let (now, network) = (self.now, &mut self.network);
        let mut collector = Collector { now, network, messages: &mut messages };
        self.shards[index].flush(now, &mut collector);
        if let Some(occupancy) = &mut self.occupancies[index] {
            let ended = self.start + Duration::from_nanos(self.work.load(Ordering::Relaxed));
            if let Some(load) = occupancy.turn(now, ended) {
                self.shards[index].handle_load(ended, load);
            }
            self.now = ended;
        }
        let events = if self.javascript_busy { Vec::new() } else { self.mailbox.drain() };
        for event in events {
            match event {
                Event::Reply { request, result } => {
                    self.replies.insert(request, result);
                }
                event => self.events.push(event),
            }
        }
        for (to, message) in messages {
            if let Some(waiting) = &mut self.waiting[to.index()] {
                waiting.messages.push(message);
                continue;
            }
            self.shards[to.index()].handle_message(now, message);
            self.flush(to.index());
        }
    }
}

fn make_shard(now: Instant, index: usize, parts: &EndpointParts) -> Shard {
    let candidates = LocalCandidates(vec![(Protocol::Udp, shard_address(index))]);
    Shard::new(now, ShardIndex(index as u8), parts.clone(), candidates, Default::default())
}

fn sdp_of(reply: Reply) -> String {
    match reply {
        Reply::Sdp(sdp) => sdp,
        other => panic!("an SDP, not {other:?}"),
    }
}
