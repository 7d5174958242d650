//! A peer of plain RTP: no ICE, no DTLS and no negotiation, but ports, addresses and payload types
//! that were given or read from a description. What cameras, encoders and gateways speak.
//!
//! Its halves are the same as those of any peer, [`Receiving`] and [`Sending`], and work in the clear:
//! what protects packets ([`guard`]), where they come from and go to ([`latch`]) is a matter of each
//! port ([`leg`]), as sound and pictures have ports, addresses and keys of their own here. No I/O and no
//! clock.

mod announcement;
mod closing;
mod commands;
mod datagrams;
mod departures;
mod dumping;
mod error;
mod fitting;
mod guard;
mod incoming;
mod latch;
mod leg;
mod lines;
mod order;
mod parameter_sets;
mod setup;
mod split;
mod state;
mod statistics;
#[cfg(test)]
mod tests;
mod updating;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub use announcement::announcement;
pub use error::PlainError;
pub use setup::Setup;

use crate::codec::Kind;
use crate::codec::names::Rid;
use crate::control::event::{CloseReason, TransportState};
use crate::control::flow::{Flow, Protocol};
use crate::control::ids::{Ids, SourceId, TransportId};
use crate::control::rtp::{BoundPort, RtpOptions};
use crate::peer::{Dumping, PeerEvent};
use crate::receiving::{Receiving, TelephoneEvents};
use crate::sdp::Declared;
use crate::sending::{Sending, WallClock};
use crate::srtp::KeyingMaterial;
use fitting::Fitting;
use leg::Leg;
use setup::Media;

/// A transport of plain RTP.
pub struct Session {
    id: TransportId,
    ids: Arc<Ids>,
    options: Arc<RtpOptions>,
    media: Vec<MediaLine>,
    legs: Vec<Leg>,
    receiving: Receiving,
    sending: Sending,
    telephone: TelephoneEvents,
    state: TransportState,
    events: VecDeque<PeerEvent>,
    /// When something of the far end last came.
    heard: Instant,
    packets_received: u64,
    bytes_received: u64,
    packets_sent: u64,
    bytes_sent: u64,
    /// Datagrams that no port of it takes: from elsewhere, not authentic, or nothing at all.
    refused: u64,
    /// How often a port came to send somewhere else, the first time included.
    moves: u64,
    /// Datagrams that were the far end's.
    accepted: u64,
    /// Reused for what was opened, and for what is on its way out.
    opened: Vec<u8>,
    leaving: Vec<u8>,
    dumping: Option<Arc<Dumping>>,
    over: Option<CloseReason>,
}

/// One line, as it is used.
struct MediaLine {
    kind: Kind,
    declared: Declared,
    rids: Vec<Rid>,
    send: bool,
    /// The far end sends.
    receives: bool,
    /// The track that comes in, once the far end was to send.
    incoming: Option<SourceId>,
    /// When another SSRC was last taken for the far end's.
    renewed: Option<Instant>,
    /// Of pictures, one for each encoding that came.
    fitting: Vec<Fitting>,
}

/// What the sending half believes that it sends to. Where packets go is decided when they leave.
fn inside() -> Flow {
    let nowhere = ([0, 0, 0, 0], 0).into();
    Flow { protocol: Protocol::Udp, local: nowhere, remote: nowhere }
}

impl Session {
    /// A transport with ports that are bound already, those of all lines in their order.
    ///
    /// # Errors
    /// What [`Setup::new`] says of the options.
    pub fn new(
        now: Instant,
        id: TransportId,
        options: Box<RtpOptions>,
        ports: Vec<BoundPort>,
        ids: &Arc<Ids>,
    ) -> Result<Self, PlainError> {
        let Setup { media } = Setup::new(&options)?;
        let mut legs = Vec::new();
        let mut lines = Vec::with_capacity(media.len());
        let mut ports = ports.into_iter();
        for (place, Media { kind, declared, rids, keys }) in media.into_iter().enumerate() {
            let Some(given) = options.media.get(place) else { continue };
            for (index, (keys, port)) in keys.into_iter().zip(&given.ports).enumerate() {
                let wrong = || PlainError::Key { media: place, port: index };
                let bound = ports.next().ok_or(PlainError::Ports { media: place })?;
                let leg = Leg::new((place, index), &options, port, bound, keys);
                legs.push(leg.ok_or_else(wrong)?);
            }
            lines.push(MediaLine {
                kind,
                declared,
                rids,
                send: given.send,
                receives: given.receive,
                incoming: None,
                renewed: None,
                fitting: Vec::new(),
            });
        }
        let clear = KeyingMaterial::none();
        let mut receiving = Receiving::new(now, options.report_ssrc, &options.cname);
        receiving.set_keys(&clear, true);
        let mut sending = Sending::new(now, wall_clock(now), id);
        sending.set_keys(&clear, true);
        sending.set_flow(now, inside());
        let mut session = Self {
            id,
            ids: Arc::clone(ids),
            options: Arc::from(options),
            media: lines,
            legs,
            receiving,
            sending,
            telephone: TelephoneEvents::default(),
            state: TransportState::New,
            events: VecDeque::new(),
            heard: now,
            packets_received: 0,
            bytes_received: 0,
            packets_sent: 0,
            bytes_sent: 0,
            refused: 0,
            moves: 0,
            accepted: 0,
            opened: Vec::new(),
            leaving: Vec::new(),
            dumping: None,
            over: None,
        };
        for place in 0..session.media.len() {
            if session.media.get(place).is_some_and(|line| line.receives) {
                session.announce(place);
            }
        }
        session.configure();
        session.reach(now);
        Ok(session)
    }

    /// What the peer's owner has to be told next; `None` when it knows everything.
    pub fn next_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Whether there is an event to take or a datagram to send.
    pub fn has_news(&self) -> bool {
        !self.events.is_empty() || self.sending.has_news() || self.over.is_some()
    }

    /// A turn has taken everything that came, and its media was sent on. Gives whether there is an
    /// event to take.
    pub fn end_turn(&mut self, now: Instant) -> bool {
        self.poll_receiving(now);
        !self.events.is_empty() || self.over.is_some()
    }

    /// Does what is due at `now`: reports, requests, and noticing that the far end fell silent.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.poll_receiving(now);
        self.with_sending(|sending| sending.handle_timeout(now));
        let events = &mut self.events;
        self.telephone.poll(now, |event| events.push_back(PeerEvent::Event(event)));
        self.poll_fitting(now);
        self.poll_silence(now);
        self.poll_dump();
    }

    /// When [`Session::handle_timeout`] wants to be called.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let own = [
            self.sending.poll_timeout(now),
            self.receiving.next(),
            self.telephone.next(),
            self.silence_at(),
            self.fitting_at(),
        ];
        own.into_iter().flatten().min()
    }

    /// The addresses that it has ports at, those that others may have as well included.
    pub fn ports(&self) -> impl Iterator<Item = std::net::SocketAddr> + '_ {
        self.legs.iter().flat_map(|leg| [leg.bound.rtp.local, leg.bound.rtcp.local])
    }

    /// Datagrams so far that were the far end's.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }
}

/// What our reports tell the time by: the system's clock as it is now, so that no packet costs
/// another look at it.
fn wall_clock(now: Instant) -> WallClock {
    WallClock::new(now, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
