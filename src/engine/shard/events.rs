//! What peers have to say, and peers that end, in good order or not.

use std::time::Instant;

use super::Shard;
use super::error::ShardError;
use super::repair::retransmit;
use crate::control::event::{CloseReason, Event, TransportState};
use crate::control::flow::Protocol;
use crate::control::ids::TransportId;
use crate::engine::message::ShardMessage;
use crate::peer::PeerEvent;
use crate::sending::SendingEvent;
use crate::sfu::Need;

impl Shard {
    /// Sees to everything that peers have to say, until none has anything left.
    /// Adds to `settled` who is still there.
    pub(super) fn settle(&mut self, now: Instant, settled: &mut Vec<TransportId>) {
        while let Some(id) = self.core.touched.pop_front() {
            let Some(peer) = self.core.peers.get_mut(&id) else { continue };
            peer.touched = false;
            let mut over = None;
            while let Some(peer) = self.core.peers.get_mut(&id) {
                match peer.next_event() {
                    Some(Some(event)) => self.on_peer_event(now, id, event),
                    Some(None) => {
                        over = peer.over();
                        break;
                    }
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

    pub(super) fn on_peer_event(&mut self, now: Instant, id: TransportId, event: PeerEvent) {
        match event {
            PeerEvent::Packet { packet } => {
                self.speakers.hear(&mut self.core, &packet);
                // Whoever has a slot because of it gets it.
                self.handle_own(now);
                self.media.fan_out(&mut self.core, packet, true);
            }
            PeerEvent::Event(event) => {
                match &event {
                    Event::ChannelAnnounced { id: channel, .. } => {
                        self.relays.channels.insert(*channel, id);
                    }
                    Event::TransportClosed { .. } => tracing::debug!(transport = %id, "closed"),
                    _ => {}
                }
                self.core.mailbox.post(event);
            }
            PeerEvent::IncomingTrackChanged { id: track } => {
                self.media.describe(&mut self.core, now, id, track);
            }
            PeerEvent::IncomingTrackHeldBack { id: track, held_back } => {
                self.speakers.watched_muted(&mut self.core, track, held_back);
                self.handle_own(now);
            }
            PeerEvent::IncomingTrackClosed { id: track, reason } => {
                self.speakers.watched_gone(&mut self.core, track);
                // What takes its place is there before it goes.
                self.handle_own(now);
                self.media.remove_source(&mut self.core, now, track);
                self.core.mailbox.post(Event::IncomingTrackClosed { id: track, reason });
            }
            PeerEvent::Sending(event) => self.on_sending_event(now, id, event),
            PeerEvent::ChannelMessage { id: channel, binary, data, listened } => {
                self.relays.relay(&mut self.core, now, channel, binary, &data);
                if listened {
                    self.core.tell_message(now, id, channel, binary, data);
                }
            }
            PeerEvent::ChannelClosed { id: channel, reason } => {
                self.relays.forget_channel(&mut self.core, id, channel);
                self.core.mailbox.post(Event::ChannelClosed { id: channel, reason });
            }
        }
    }

    fn on_sending_event(&mut self, now: Instant, id: TransportId, event: SendingEvent) {
        match event {
            SendingEvent::Event(event) => self.core.mailbox.post(event),
            SendingEvent::TrackClosed { id: track, reason } => {
                self.slots.leave_slot(&mut self.core, &mut self.speakers, track);
                let source = self.media.routes.remove_outgoing(track);
                self.media.release(&mut self.core, now, track, source);
                self.core.mailbox.post(Event::OutgoingTrackClosed { id: track, reason });
            }
            SendingEvent::RetransmissionWanted { id: track } => {
                retransmit(&mut self.core, &self.media.routes, now, id, track);
            }
            SendingEvent::EncodingsWanted { source, id: track, wanted } => {
                self.media.want_encodings(&mut self.core, now, source, track, wanted);
            }
            SendingEvent::LossChanged { source, id: track, loss } => {
                self.media.note_loss(&mut self.core, now, source, track, loss);
            }
            SendingEvent::KeyframeWanted { source, encoding } => {
                self.media.want_keyframe(&mut self.core, now, source, encoding, Need::Repair);
            }
            SendingEvent::StartWanted { source, id: track, encoding } => {
                self.media.start(&mut self.core, now, id, track, (source, encoding));
            }
            SendingEvent::StartExpected { source, encoding, opening } => {
                self.media.expect_start(&mut self.core, now, (source, encoding), opening);
            }
        }
    }

    /// Ends a peer in good order: goodbye to it, events for everything below.
    pub(super) fn close(&mut self, now: Instant, id: TransportId, reason: CloseReason) {
        let Some(mut peer) = self.core.peers.remove(&id) else { return };
        self.load.leave(self.core.index);
        self.budget.forget(id);
        self.leave_ports(id);
        let mut events = Vec::new();
        let mut closed = peer.close(now, reason).is_some();
        while closed {
            match peer.next_event() {
                Some(Some(event)) => events.push(event),
                Some(None) => break,
                None => closed = false,
            }
        }
        let flows = self.demultiplexer.remove(id);
        self.ended_flows.extend(flows.into_iter().filter(|flow| flow.protocol == Protocol::Tcp));
        for event in events {
            self.on_peer_event(now, id, event);
        }
        if !closed {
            self.on_panic(now, id);
        }
        self.last_words.push(peer);
    }

    /// Handling a peer failed: close what was below it in its place.
    pub(super) fn on_panic(&mut self, now: Instant, id: TransportId) {
        self.panics += 1;
        tracing::error!(transport = %id, "handling this peer failed, it is closed");
        self.budget.forget(id);
        self.leave_ports(id);
        if self.core.peers.remove(&id).is_some() {
            self.load.leave(self.core.index);
        }
        self.ended_flows.extend(
            self.demultiplexer.remove(id).into_iter().filter(|flow| flow.protocol == Protocol::Tcp),
        );
        let error = ShardError::PeerFailed.into();
        self.core.mailbox.post(Event::TransportError { transport: id, error });
        let reason = CloseReason::Parent;
        let (incoming, outgoing) = self.media.routes.children_of(id);
        for track in incoming {
            self.speakers.watched_gone(&mut self.core, track);
            self.handle_own(now);
            if let Some(route) = self.media.routes.remove_source(track) {
                for shard in route.shards() {
                    self.core.messages.push((shard, ShardMessage::SourceClosed { track }));
                }
                for tap in &route.taps {
                    tap.inlet.described(track, None);
                }
            }
            self.core.mailbox.post(Event::IncomingTrackClosed { id: track, reason });
        }
        for track in outgoing {
            self.slots.leave_slot(&mut self.core, &mut self.speakers, track);
            let source = self.media.routes.remove_outgoing(track);
            self.media.release(&mut self.core, now, track, source);
            self.core.mailbox.post(Event::OutgoingTrackClosed { id: track, reason });
        }
        let owned = self.relays.channels.iter().filter(|(_, owner)| **owner == id);
        for channel in owned.map(|(channel, _)| *channel).collect::<Vec<_>>() {
            self.relays.forget_channel(&mut self.core, id, channel);
            self.core.mailbox.post(Event::ChannelClosed { id: channel, reason });
        }
        let state = TransportState::Closed;
        self.core.mailbox.post(Event::TransportState { transport: id, state });
        self.core
            .mailbox
            .post(Event::TransportClosed { transport: id, reason: CloseReason::Error });
    }
}
