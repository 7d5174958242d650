//! One peer on a shard, of whatever kind, behind a wall: a panic inside ends that peer and nobody
//! else.
//!
//! A shard knows a peer by the methods here and in the files below: how it is driven, what its tracks
//! and channels are asked, and how its datagrams are found. None of them says what the peer is, so
//! another kind is one more variant of [`Kind`] with an answer to each.

mod children;
mod finding;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::control::command::TransportCommand;
use crate::control::error::EngineError;
use crate::control::event::CloseReason;
use crate::control::flow::Flow;
use crate::control::stats::TransportStats;
use crate::engine::timers::Deadline;
use crate::peer::PeerEvent;
use crate::plain;
use crate::sending::{Delivery, Outlet, Sending, Workspace};
use crate::sfu::SourcePacket;
use crate::webrtc::Session;

/// A peer, as the shard keeps it.
pub struct Peer {
    /// `None` once handling it failed.
    kind: Option<Kind>,
    /// The entry of this peer in the shard's timers.
    pub deadline: Option<Deadline>,
    /// In the shard's list of peers with something to do.
    pub touched: bool,
    /// Packets of this turn that go to it.
    pub deliveries: Vec<Delivery>,
}

/// What a peer is.
enum Kind {
    /// ICE, DTLS-SRTP and SCTP, agreed on by descriptions.
    WebRtc(Box<Session>),
    /// RTP at ports of its own, as it was told.
    Plain(Box<plain::Session>),
}

impl Peer {
    /// A peer that is found by ICE and keyed by DTLS.
    pub fn webrtc(session: Session) -> Self {
        Self::new(Kind::WebRtc(Box::new(session)))
    }

    /// A peer that is found by its ports.
    pub fn plain(session: plain::Session) -> Self {
        Self::new(Kind::Plain(Box::new(session)))
    }

    fn new(kind: Kind) -> Self {
        Self { kind: Some(kind), deadline: None, touched: false, deliveries: Vec::new() }
    }

    /// Runs something on the peer. `None` when it panicked, now or before.
    fn run<T>(&mut self, action: impl FnOnce(&mut Kind) -> T) -> Option<T> {
        let kind = self.kind.as_mut()?;
        match catch_unwind(AssertUnwindSafe(|| action(kind))) {
            Ok(value) => Some(value),
            Err(_) => {
                // Its state cannot be trusted; not even its destructor may take the thread down.
                let kind = self.kind.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(kind)));
                None
            }
        }
    }

    /// Does what JavaScript asks of this peer. `None` when it panicked.
    pub fn handle_command(&mut self, now: Instant, command: TransportCommand) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.handle_command(now, command),
            Kind::Plain(session) => session.handle_command(now, command),
        })
    }

    /// Takes a datagram. Gives whether there is anything to see to: events, datagrams, other timers,
    /// or that it panicked.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> bool {
        let more = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.handle_datagram(now, flow, bytes, workspace),
            Kind::Plain(session) => session.handle_datagram(now, flow, bytes, workspace),
        });
        more.unwrap_or(true)
    }

    /// Does what is due. `None` when it panicked.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.handle_timeout(now),
            Kind::Plain(session) => session.handle_timeout(now),
        })
    }

    /// When [`Peer::handle_timeout`] wants to be called. `None` when there is nothing to wait for, or
    /// it panicked.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let at = self.run(|kind| match kind {
            Kind::WebRtc(session) => Some(session.poll_timeout(now)),
            Kind::Plain(session) => session.poll_timeout(now),
        });
        at.flatten()
    }

    /// A turn has taken everything that came, and its media was sent on. Gives whether there is
    /// something to see to, or that it panicked.
    pub fn end_turn(&mut self, now: Instant) -> bool {
        let more = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.end_turn(now),
            Kind::Plain(session) => session.end_turn(now),
        });
        more.unwrap_or(true)
    }

    /// What it has to say next, if anything. `None` when it panicked, now or before.
    pub fn next_event(&mut self) -> Option<Option<PeerEvent>> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.next_event(),
            Kind::Plain(session) => session.next_event(),
        })
    }

    /// The reason that it has to be closed for, once there is one.
    pub fn over(&mut self) -> Option<CloseReason> {
        let over = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.over(),
            Kind::Plain(session) => session.over(),
        });
        over.flatten()
    }

    /// Hands over every datagram that waits to be sent. `None` when it panicked.
    pub fn transmit(&mut self, send: impl FnMut(&Flow, &[u8])) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.transmit(send),
            Kind::Plain(session) => session.transmit(send),
        })
    }

    /// Says goodbye and closes everything below. The last events and datagrams are there to be taken
    /// afterwards. `None` when it panicked.
    pub fn close(&mut self, now: Instant, reason: CloseReason) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.close(now, reason),
            Kind::Plain(session) => session.close(now, reason),
        })
    }

    /// Has it closed for a fault of the peer's. `None` when it panicked.
    pub fn give_up(&mut self, error: EngineError) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.give_up(error),
            Kind::Plain(session) => session.give_up(error),
        })
    }

    /// Its part of the statistics. `None` when it panicked.
    pub fn stats(&mut self, now: Instant) -> Option<TransportStats> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.stats(now),
            Kind::Plain(session) => session.stats(now),
        })
    }

    /// Runs something on what it is sent. `None` when it panicked, now or before.
    pub fn send<T>(&mut self, action: impl FnOnce(&mut Sending) -> T) -> Option<T> {
        self.run(|kind| kind.with_sending(action))
    }

    /// Lets it send what the packets of a turn have for it, as one burst. Gives whether there is
    /// something else to see to, and when it wants its timeout because of what it sent. `None` when
    /// it panicked, now or before.
    pub fn forward(
        &mut self,
        now: Instant,
        turn: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) -> Option<(bool, Option<Instant>)> {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        let forwarded = self.run(|kind| {
            kind.send_ahead(outlet);
            kind.forward(now, &deliveries, turn, workspace, outlet);
            kind.send_along(now, outlet);
            let wakes_at = kind.with_sending(|sending| sending.wakes_at(now));
            (kind.has_news(), wakes_at)
        });
        deliveries.clear();
        self.deliveries = deliveries;
        forwarded
    }
}

impl Kind {
    /// Runs something on the half that sends, which every kind has.
    fn with_sending<T>(&mut self, action: impl FnOnce(&mut Sending) -> T) -> T {
        match self {
            Kind::WebRtc(session) => session.with_sending(action),
            Kind::Plain(session) => session.with_sending(action),
        }
    }

    fn forward(
        &mut self,
        now: Instant,
        deliveries: &[Delivery],
        turn: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) {
        match self {
            Kind::WebRtc(session) => session.with_sending(|sending| {
                sending.forward(now, deliveries, turn, workspace, outlet);
            }),
            Kind::Plain(session) => session.forward(now, deliveries, turn, workspace, outlet),
        }
    }

    /// Sends what has to be there before media that is about to be sent.
    fn send_ahead(&mut self, outlet: &mut impl Outlet) {
        match self {
            Kind::WebRtc(session) => session.send_ahead(outlet),
            // Nothing comes before its media.
            Self::Plain(_) => {}
        }
    }

    /// Sends what is due of reports behind media that was just sent.
    fn send_along(&mut self, now: Instant, outlet: &mut impl Outlet) {
        match self {
            Kind::WebRtc(session) => session.send_along(now, outlet),
            Kind::Plain(session) => session.send_along(now, outlet),
        }
    }

    /// Whether there is an event to take or a datagram to send.
    fn has_news(&self) -> bool {
        match self {
            Kind::WebRtc(session) => session.has_news(),
            Kind::Plain(session) => session.has_news(),
        }
    }
}
