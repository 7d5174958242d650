//! One media thread's sessions and what flows between them. No I/O, no clock.

mod closing;
mod commands;
mod media;
mod relays;
mod repair;
mod roaming;
mod sharing;
mod slots;
mod speakers;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::codec::wrapped;
use crate::control::command::{Command, RelayTarget};
use crate::control::event::{CloseReason, Event};
use crate::control::flow::{Flow, LocalCandidates};
use crate::control::ids::{ChannelId, IdMap, Ids, ShardIndex, TransportId};
use crate::control::mailbox::Mailbox;
use crate::control::snapshot::StatsCollector;
use crate::control::stats::{Share, ThreadStats};
use crate::engine::demultiplexer::{Addressee, Demultiplexer};
use crate::engine::io::{Output, Reactor};
use crate::engine::load::Load;
use crate::engine::message::ShardMessage;
use crate::engine::movers::Movers;
use crate::engine::peer::Peer;
use crate::engine::routes::{Owner, Routes};
use crate::engine::timers::{Tick, Timers};
use crate::engine::tries::Tries;
use crate::queue::counters::ThreadCounters;
use crate::sending::{Sending, SendingEvent, Workspace};
use crate::sfu::SourcePacket;
use crate::webrtc::{Identity, Session, SessionEvent};
use repair::Tails;
use slots::Slots;
use speakers::Speakers;

/// What all shards of an endpoint share.
#[derive(Clone)]
pub struct EndpointParts {
    pub ids: Arc<Ids>,
    pub identity: Identity,
    pub mailbox: Arc<Mailbox>,
    pub load: Arc<Load>,
}

pub struct Shard {
    index: ShardIndex,
    ids: Arc<Ids>,
    identity: Identity,
    mailbox: Arc<Mailbox>,
    candidates: LocalCandidates,
    counters: Arc<ThreadCounters>,
    load: Arc<Load>,
    peers: IdMap<TransportId, Peer>,
    demultiplexer: Demultiplexer,
    movers: Movers,
    /// For what may be of several peers behind one address.
    tries: Tries,
    routes: Routes,
    /// Data channels of this shard and whose they are.
    channels: IdMap<ChannelId, TransportId>,
    /// Channels of this shard whose messages others send on, and how often each was attached more
    /// than detached.
    relays: IdMap<ChannelId, HashMap<RelayTarget, i32>>,
    /// The other way: what a channel of this shard relays.
    relayed: IdMap<ChannelId, ChannelId>,
    timers: Timers,
    /// Reused for timers that are due.
    due: Vec<(Tick, TransportId)>,
    /// Peers with events to look at or datagrams to send.
    touched: VecDeque<TransportId>,
    /// Reused for those that were seen to.
    settled: Vec<TransportId>,
    /// Packets of this turn, each once however many receive it.
    turn: Vec<Arc<SourcePacket>>,
    /// Peers that receive some of them.
    receiving: Vec<TransportId>,
    workspace: Workspace,
    tails: Tails,
    /// Groups that live here, and tracks of this shard that groups listen to.
    speakers: Speakers,
    /// Slots that feed outgoing tracks of this shard.
    slots: Slots,
    messages: Vec<(ShardIndex, ShardMessage)>,
    ended_flows: Vec<Flow>,
    /// Datagrams of peers that are gone since, to be sent still.
    last_words: Vec<Box<Session>>,
    unmatched: u64,
    panics: u64,
}

impl Shard {
    /// `candidates` are the addresses that its thread listens on, `counters` what the thread counts.
    pub fn new(
        now: Instant,
        index: ShardIndex,
        endpoint: EndpointParts,
        candidates: LocalCandidates,
        counters: Arc<ThreadCounters>,
    ) -> Self {
        let EndpointParts { ids, identity, mailbox, load } = endpoint;
        Self {
            index,
            ids,
            identity,
            mailbox,
            candidates,
            counters,
            load,
            peers: IdMap::default(),
            demultiplexer: Demultiplexer::default(),
            movers: Movers::default(),
            tries: Tries::default(),
            routes: Routes::default(),
            channels: IdMap::default(),
            relays: IdMap::default(),
            relayed: IdMap::default(),
            timers: Timers::new(now),
            due: Vec::new(),
            touched: VecDeque::new(),
            settled: Vec::new(),
            turn: Vec::new(),
            receiving: Vec::new(),
            workspace: Workspace::default(),
            tails: Tails::default(),
            speakers: Speakers::default(),
            slots: Slots::default(),
            messages: Vec::new(),
            ended_flows: Vec::new(),
            last_words: Vec::new(),
            unmatched: 0,
            panics: 0,
        }
    }

    /// Runs something on a peer's session and sees to what comes of it at the next flush.
    fn with<T>(&mut self, id: TransportId, action: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.touch(id, |peer| peer.run(action))
    }

    fn touch<T>(
        &mut self,
        id: TransportId,
        action: impl FnOnce(&mut Peer) -> Option<T>,
    ) -> Option<T> {
        let peer = self.peers.get_mut(&id)?;
        let value = action(peer);
        if !std::mem::replace(&mut peer.touched, true) {
            self.touched.push_back(id);
        }
        value
    }

    /// Runs something on what a peer is sent and sees to what comes of it at the next flush.
    fn send<T>(&mut self, id: TransportId, action: impl FnOnce(&mut Sending) -> T) -> Option<T> {
        self.touch(id, |peer| peer.send(action))
    }

    /// Sees to everything that sessions have to say, until none has anything left.
    /// Adds to `settled` who is still there.
    fn settle(&mut self, now: Instant, settled: &mut Vec<TransportId>) {
        while let Some(id) = self.touched.pop_front() {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.touched = false;
            let mut over = None;
            while let Some(peer) = self.peers.get_mut(&id) {
                let next = peer.run(|session| {
                    over = session.over();
                    session.next_event()
                });
                match next {
                    Some(Some(event)) => self.on_session_event(now, id, event),
                    Some(None) => break,
                    None => {
                        self.on_panic(now, id);
                        break;
                    }
                }
            }
            match over {
                Some(reason) => self.close(now, id, reason),
                None => settled.push(id),
            }
        }
    }

    fn on_session_event(&mut self, now: Instant, id: TransportId, event: SessionEvent) {
        match event {
            SessionEvent::Packet { packet } => self.fan_out(packet, true),
            SessionEvent::Event(event) => {
                match &event {
                    Event::ChannelAnnounced { id: channel, .. } => {
                        self.channels.insert(*channel, id);
                    }
                    Event::IncomingTrackMuted { id: track, muted } => {
                        self.watched_muted(now, *track, *muted);
                    }
                    Event::TransportClosed { .. } => tracing::debug!(transport = %id, "closed"),
                    _ => {}
                }
                self.mailbox.post(event);
            }
            SessionEvent::IncomingTrackChanged { id: track } => self.describe(now, id, track),
            SessionEvent::IncomingTrackClosed { id: track, reason } => {
                self.watched_gone(now, track);
                self.remove_source(now, track);
                self.mailbox.post(Event::IncomingTrackClosed { id: track, reason });
            }
            SessionEvent::Sending(event) => self.on_sending_event(now, id, event),
            SessionEvent::ChannelMessage { id: channel, binary, data, listened } => {
                self.on_channel_message(now, id, channel, binary, data, listened);
            }
            SessionEvent::ChannelClosed { id: channel, reason } => {
                self.forget_channel(id, channel);
                self.mailbox.post(Event::ChannelClosed { id: channel, reason });
            }
        }
    }

    fn on_sending_event(&mut self, now: Instant, id: TransportId, event: SendingEvent) {
        match event {
            SendingEvent::Event(event) => self.mailbox.post(event),
            SendingEvent::TrackClosed { id: track, reason } => {
                self.leave_slot(track);
                let source = self.routes.remove_outgoing(track);
                self.release(now, track, source);
                self.mailbox.post(Event::OutgoingTrackClosed { id: track, reason });
            }
            SendingEvent::RetransmissionWanted { id: track } => self.retransmit(now, id, track),
            SendingEvent::EncodingsWanted { source, id: track, wanted } => {
                self.want_encodings(now, source, track, wanted);
            }
            SendingEvent::KeyframeWanted { source, encoding } => {
                self.want_keyframe(now, source, encoding);
            }
        }
    }

    fn schedule(&mut self, now: Instant, id: TransportId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(next) = peer.run(|session| session.poll_timeout(now)) else { return };
        let tick = self.timers.tick(next);
        // One that fires too early costs less than taking it back: it finds nothing to do.
        if peer.deadline.is_none_or(|armed| tick < armed) {
            peer.deadline = Some(tick);
            self.timers.arm(id, tick);
        }
    }

    fn add_stats(&mut self, now: Instant, collector: &StatsCollector, only: Option<TransportId>) {
        let asked: Vec<TransportId> = match only {
            Some(id) => vec![id],
            None => self.peers.keys().copied().collect(),
        };
        let mut share = Share::default();
        for id in asked {
            share.transports.extend(self.with(id, |session| session.stats(now)));
        }
        let mut thread = ThreadStats {
            thread: self.index.0,
            transports: self.peers.len(),
            packets_unmatched: self.unmatched,
            panics: self.panics,
            ..Default::default()
        };
        thread.take_counts(&self.counters);
        share.thread = Some(thread);
        collector.add(share);
    }
}

impl Reactor for Shard {
    type Message = ShardMessage;

    fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::CreateTransport { transport, options } => {
                self.create_transport(now, transport, options);
            }
            Command::Transport { transport, command } => {
                self.transport_command(now, transport, command);
            }
            Command::Speakers { group, command } => self.speakers_command(now, group, command),
            Command::RelayChannel { source, to } => self.count_relay(source, to, 1),
            Command::Stats { collector, only } => self.add_stats(now, &collector, only),
        }
    }

    fn handle_message(&mut self, now: Instant, message: ShardMessage) {
        match message {
            ShardMessage::Media { packet } => self.fan_out(packet, false),
            ShardMessage::Subscribe { track, from } => {
                let answer = match self.routes.route_mut(track).filter(|r| r.owner.is_some()) {
                    Some(route) => {
                        route.add_shard(from);
                        let description = route.description.clone();
                        description
                            .map(|description| ShardMessage::Description { track, description })
                    }
                    None => Some(ShardMessage::SourceClosed { track }),
                };
                self.messages.extend(answer.map(|answer| (from, answer)));
            }
            ShardMessage::Unsubscribe { track, from } => {
                if let Some(route) = self.routes.route_mut(track) {
                    route.remove_shard(from);
                    self.tell_demand(now, track);
                }
            }
            ShardMessage::Description { track, description } => {
                if let Some(route) = self.routes.route_mut(track) {
                    route.description = Some(description.clone());
                    self.tell_receivers(now, track, description);
                }
            }
            ShardMessage::SourceClosed { track } => self.remove_source(now, track),
            ShardMessage::Demand { track, from, wanted } => {
                if let Some(route) = self.routes.route_mut(track) {
                    route.set_far_demand(from, wanted);
                    self.tell_demand(now, track);
                }
            }
            ShardMessage::KeyframeWanted { track, encoding } => {
                self.want_keyframe(now, track, encoding);
            }
            ShardMessage::Watch { track, group, threshold } => {
                self.watch(now, track, group, threshold);
            }
            ShardMessage::Unwatch { track, group } => self.speakers.unwatch(track, group),
            ShardMessage::Speech { group, track, speech } => {
                self.on_speech(now, group, track, speech);
            }
            ShardMessage::WatchedMuted { group, track, muted } => {
                self.on_watched_muted(now, group, track, muted);
            }
            ShardMessage::WatchedGone { group, track } => self.on_watched_gone(now, group, track),
            ShardMessage::TakeSlot { slot, from } => self.take_slot(slot, from),
            ShardMessage::LeaveSlot { slot, from } => self.speakers.leave(slot, from),
            ShardMessage::SlotFed { slot, source } => self.feed_slot(now, slot, source),
            ShardMessage::SlotClosed { slot } => self.close_slot(now, slot),
            ShardMessage::MadeTrack { track, inlet, description } => {
                self.set_description(now, track, Owner::Maker(inlet), description);
            }
            ShardMessage::Made { packets } => {
                for packet in packets {
                    self.fan_out(packet, true);
                }
            }
            ShardMessage::MadeTrackClosed { track } => {
                self.watched_gone(now, track);
                self.remove_source(now, track);
            }
            ShardMessage::Tap { track, taker, inlet, wanted } => {
                self.tap(now, track, taker, &inlet, wanted);
            }
            ShardMessage::Untap { track, taker } => {
                if let Some(route) = self.routes.route_mut(track) {
                    route.remove_tap(taker);
                    self.tell_demand(now, track);
                }
            }
            ShardMessage::UnrelayChannel { source, to } => self.count_relay(source, to, -1),
            ShardMessage::ChannelMessage { to, binary, data } => {
                self.deliver(now, to, binary, data)
            }
        }
    }

    fn handle_datagram(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        let peers = &mut self.peers;
        let accepts = |id| {
            let peer: Option<&mut Peer> = peers.get_mut(&id);
            peer.and_then(|peer| peer.run(|session| session.accepts(now, flow, bytes)))
                .unwrap_or(false)
        };
        match self.demultiplexer.find(now, flow, bytes, accepts) {
            Addressee::Peer(id) => {
                let bytes = wrapped::unwrap(bytes).map_or(bytes, |(_, records)| records);
                let Self { peers, workspace, touched, .. } = self;
                let Some(peer) = peers.get_mut(&id) else { return };
                let more = peer.run(|session| session.handle_datagram(now, flow, bytes, workspace));
                if more != Some(false) && !std::mem::replace(&mut peer.touched, true) {
                    touched.push_back(id);
                }
            }
            Addressee::Several => self.handle_shared(now, flow, bytes),
            Addressee::Nobody => self.handle_stranger(now, flow, bytes),
        }
    }

    fn handle_flow_ended(&mut self, _now: Instant, flow: &Flow) {
        self.demultiplexer.remove_flow(flow);
    }

    fn handle_timeout(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        self.timers.take_due(now, &mut due);
        for (tick, id) in due.drain(..) {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            if peer.deadline == Some(tick) {
                peer.deadline = None;
                self.with(id, |session| session.handle_timeout(now));
                if self.send(id, |sending| sending.has_paced(now)) == Some(true) {
                    self.receiving.push(id);
                }
            }
        }
        self.due = due;
        self.repeat_tails(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        [self.timers.next(), self.tails.next()].into_iter().flatten().min()
    }

    fn flush(&mut self, now: Instant, output: &mut impl Output<ShardMessage>) {
        let mut settled = std::mem::take(&mut self.settled);
        self.settle(now, &mut settled);
        self.deliver_media(now, output);
        self.settle(now, &mut settled);
        // Once more: asking for negotiation waits until everything of this turn was applied, so
        // that several changes make one event.
        for id in &settled {
            self.with(*id, |session| session.end_turn(now));
        }
        self.settle(now, &mut settled);
        for id in settled.drain(..) {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            let demultiplexer = &mut self.demultiplexer;
            peer.run(|session| {
                if let Some(ufrag) = session.take_new_ufrag() {
                    demultiplexer.add_ufrag(id, ufrag);
                }
                for flow in session.take_refuted() {
                    demultiplexer.unbind(&flow, id);
                }
                session.transmit(|flow, bytes| {
                    demultiplexer.sent(id, flow, bytes);
                    output.datagram(flow, bytes);
                });
            });
            self.schedule(now, id);
        }
        self.settled = settled;
        for mut session in self.last_words.drain(..) {
            session.transmit(|flow, bytes| output.datagram(flow, bytes));
        }
        for (to, message) in self.messages.drain(..) {
            output.message(to, message);
        }
        for flow in self.ended_flows.drain(..) {
            output.end_flow(&flow);
        }
    }

    fn shutdown(&mut self, now: Instant) {
        let all: Vec<TransportId> = self.peers.keys().copied().collect();
        for id in all {
            self.close(now, id, CloseReason::Parent);
        }
    }
}
