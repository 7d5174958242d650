//! One media thread's peers and what flows between them. No I/O, no clock.
//!
//! A shard is made of parts that own their state: [`Media`], [`Relays`], [`Speakers`] and [`Slots`].
//! They work on the [`Core`] that all of them share, and what one has to say to another goes through
//! it as a message, like what shards say to each other. What comes in takes this way and no other:
//! commands, then events of peers, then messages, then the parts.

mod commands;
mod core;
mod ended;
mod error;
mod events;
mod load;
mod media;
mod messages;
mod plain;
mod relays;
mod repair;
mod roaming;
mod sharing;
mod slots;
mod speakers;

use std::sync::Arc;
use std::time::Instant;

use crate::codec::multiplex::{self, Multiplexed};
use crate::codec::wrapped;
use crate::control::command::Command;
use crate::control::event::CloseReason;
use crate::control::flow::{Flow, LocalCandidates};
use crate::control::ids::{Ended, Ids, RequestId, ShardIndex, TransportId};
use crate::control::mailbox::Mailbox;
use crate::control::snapshot::StatsCollector;
use crate::control::stats::{Share, ThreadStats};
use crate::engine::budget::{Budget, Clock, Work};
use crate::engine::demultiplexer::{Addressee, Demultiplexer};
use crate::engine::io::{Output, Reactor};
use crate::engine::load::Load;
use crate::engine::message::ShardMessage;
use crate::engine::movers::Movers;
use crate::engine::occupancy::ThreadLoad;
use crate::engine::peer::Peer;
use crate::engine::ports::Ports;
use crate::engine::shedding::Shedding;
use crate::engine::tries::Tries;
use crate::engine::unfinished::{Rest, Unfinished};
use crate::queue::counters::ThreadCounters;
use crate::webrtc::Certificates;
use core::Core;
use media::Media;
use relays::Relays;
use slots::Slots;
use speakers::Speakers;

/// What all shards of an endpoint share.
#[derive(Clone)]
pub struct EndpointParts {
    pub ids: Arc<Ids>,
    pub certificates: Arc<Certificates>,
    pub mailbox: Arc<Mailbox>,
    pub load: Arc<Load>,
    /// For what handling a peer takes, and for nothing else.
    pub clock: Clock,
}

/// The peers of one media thread; see [`Reactor`] for how to drive it.
pub struct Shard {
    core: Core,
    media: Media,
    relays: Relays,
    /// Groups that live here, and tracks of this shard that groups listen to.
    speakers: Speakers,
    /// Slots that feed outgoing tracks of this shard.
    slots: Slots,
    ids: Arc<Ids>,
    certificates: Arc<Certificates>,
    candidates: LocalCandidates,
    counters: Arc<ThreadCounters>,
    load: Arc<Load>,
    demultiplexer: Demultiplexer,
    ports: Ports,
    /// Who waits for a port to be closed, and for a transport that is closed to be told of.
    freed: Vec<RequestId>,
    ports_ended: bool,
    movers: Movers,
    /// For what may be of several peers behind one address.
    tries: Tries,
    budget: Budget,
    shedding: Shedding,
    unfinished: Unfinished,
    /// Reused for those that were seen to.
    settled: Vec<TransportId>,
    ended_flows: Vec<Flow>,
    /// Datagrams of peers that are gone since, to be sent still.
    last_words: Vec<Peer>,
    unmatched: u64,
    panics: u64,
    #[cfg(feature = "fault-injection")]
    injected_load: Option<f32>,
    /// What the thread before had, if it died. Nobody may get hold of it any more.
    before: Option<Ended>,
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
        let EndpointParts { ids, certificates, mailbox, load, clock } = endpoint;
        load.set_overloaded(index, false);
        Self {
            core: Core::new(now, index, mailbox),
            media: Media::default(),
            relays: Relays::default(),
            speakers: Speakers::default(),
            slots: Slots::default(),
            ids,
            certificates,
            candidates,
            counters,
            load,
            demultiplexer: Demultiplexer::default(),
            ports: Ports::default(),
            freed: Vec::new(),
            ports_ended: false,
            movers: Movers::default(),
            tries: Tries::default(),
            budget: Budget::new(now, clock),
            shedding: Shedding::default(),
            unfinished: Unfinished::default(),
            settled: Vec::new(),
            ended_flows: Vec::new(),
            last_words: Vec::new(),
            unmatched: 0,
            panics: 0,
            #[cfg(feature = "fault-injection")]
            injected_load: None,
            before: None,
        }
    }

    fn add_stats(&mut self, now: Instant, collector: &StatsCollector, only: Option<TransportId>) {
        let asked: Vec<TransportId> = match only {
            Some(id) => vec![id],
            None => self.core.peers.keys().copied().collect(),
        };
        let mut share = Share::default();
        for id in asked {
            share.transports.extend(self.core.with(id, |peer| peer.stats(now)));
        }
        let mut thread = ThreadStats {
            thread: self.core.index.0,
            transports: self.core.peers.len(),
            packets_unmatched: self.unmatched,
            panics: self.panics,
            packets_over_budget: self.budget.dropped(),
            transports_over_budget: self.budget.waiting(),
            load: self.shedding.busy(),
            overloaded: self.shedding.is_overloaded(),
            layer_share: self.shedding.share(),
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
        self.budget.begin(None, Work::Other);
        match command {
            // JavaScript was told that it ended, before it was there.
            Command::CreateTransport { transport, .. }
                if self.ended_before(|ended| transport.ended_with(ended)) => {}
            Command::Speakers { group, .. }
                if self.ended_before(|ended| group.ended_with(ended)) => {}
            Command::CreateRtpTransport { request, transport, .. }
                if self.ended_before(|ended| transport.ended_with(ended)) =>
            {
                self.refuse_rtp_transport(request, transport);
            }
            Command::CreateTransport { transport, options } => {
                self.create_transport(now, transport, options);
            }
            Command::CreateRtpTransport { request, transport, options, ports } => {
                self.create_rtp_transport(now, request, transport, options, ports);
            }
            Command::Transport { transport, command } => {
                self.transport_command(now, transport, command);
            }
            Command::Speakers { group, command } => {
                self.speakers.speakers_command(&mut self.core, now, group, command)
            }
            Command::ForgetPast { track } => {
                let route = self.media.routes.route_mut(track);
                route.into_iter().for_each(|route| route.forget_past());
            }
            Command::RelayChannel { source, to } => self.relays.count_relay(source, to, 1),
            Command::Stats { collector, only } => self.add_stats(now, &collector, only),
            #[cfg(feature = "fault-injection")]
            Command::Load { busy } => self.injected_load = Some(busy),
            #[cfg(feature = "fault-injection")]
            Command::Panic => panic!("as the test wants"),
        }
        self.handle_own(now);
    }

    fn handle_message(&mut self, now: Instant, message: ShardMessage) {
        self.budget.begin(None, Work::Other);
        self.on_message(now, message);
        self.handle_own(now);
    }

    fn handle_datagram(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        if self.take_plain(now, flow, bytes) {
            return;
        }
        let peers = &mut self.core.peers;
        let accepts = |id| {
            let peer: Option<&mut Peer> = peers.get_mut(&id);
            peer.is_some_and(|peer| peer.accepts(now, flow, bytes))
        };
        match self.demultiplexer.find(now, flow, bytes, accepts) {
            Addressee::Peer(id) => {
                let bytes = wrapped::unwrap(bytes).map_or(bytes, |(_, records)| records);
                if multiplex::classify(bytes) == Multiplexed::Rtp {
                    self.unfinished.note(bytes);
                }
                if self.is_up(id, flow, bytes) {
                    self.take_datagram(now, id, flow, bytes);
                }
            }
            Addressee::Several => self.handle_shared(now, flow, bytes),
            Addressee::Nobody => {
                self.budget.begin(None, Work::Other);
                self.handle_stranger(now, flow, bytes);
            }
        }
    }

    fn awaits_rest(&mut self) -> Rest {
        // Nobody pays for the time until then.
        self.budget.end();
        self.unfinished.rest()
    }

    fn handle_flow_ended(&mut self, _now: Instant, flow: &Flow) {
        self.demultiplexer.remove_flow(flow);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now, &mut self.media.receiving, &mut self.budget);
        self.speakers.handle_timeout(&self.core, now);
        self.handle_held(now);
        self.shedding.handle_timeout(now);
        let Media { tails, routes, .. } = &mut self.media;
        tails.repeat(&mut self.core, routes, now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let load = [self.budget.poll_timeout(), self.shedding.poll_timeout()];
        let media = [self.core.timers.next(), self.media.tails.next(), self.speakers.next()];
        media.into_iter().chain(load).flatten().min()
    }

    fn handle_load(&mut self, now: Instant, load: ThreadLoad) {
        self.on_load(now, load);
    }

    fn flush(&mut self, now: Instant, output: &mut impl Output<ShardMessage>) {
        self.budget.end();
        self.unfinished.clear();
        self.limit_layers(now);
        let mut settled = std::mem::take(&mut self.settled);
        self.settle(now, &mut settled);
        self.media.deliver_media(&mut self.core, now, output);
        self.settle(now, &mut settled);
        // Once more: asking for negotiation waits until everything of this turn was applied, so
        // that several changes make one event.
        for id in &settled {
            self.core.end_turn(now, *id);
        }
        self.settle(now, &mut settled);
        for id in settled.drain(..) {
            let Some(peer) = self.core.peers.get_mut(&id) else { continue };
            let demultiplexer = &mut self.demultiplexer;
            if let Some(ufrag) = peer.take_new_ufrag() {
                demultiplexer.add_ufrag(id, &ufrag);
            }
            peer.take_refuted(|flow| demultiplexer.unbind(&flow, id));
            peer.transmit(|flow, bytes| {
                demultiplexer.sent(id, flow, bytes);
                output.datagram(flow, bytes);
            });
            self.core.schedule(now, id);
        }
        self.settled = settled;
        self.core.put_off(now);
        if !self.last_words.is_empty() {
            for mut peer in self.last_words.drain(..) {
                peer.transmit(|flow, bytes| output.datagram(flow, bytes));
            }
        }
        for (to, message) in self.core.messages.drain(..) {
            output.message(to, message);
        }
        for flow in self.ended_flows.drain(..) {
            output.end_flow(&flow);
        }
        self.end_ports(output);
    }

    fn shutdown(&mut self, now: Instant) {
        let all: Vec<TransportId> = self.core.peers.keys().copied().collect();
        for id in all {
            self.close(now, id, CloseReason::Parent);
        }
        self.handle_own(now);
    }
}
