//! One peer: an ICE, DTLS and SRTP association and what flows over it. The only part that knows
//! str0m's `Rtc`. No I/O and no clock: datagrams and time come in, datagrams and events go out.

mod association;
mod certificates;
mod channels;
mod closing;
mod commands;
mod config;
mod consent;
mod datagrams;
mod describing;
mod directing;
mod driving;
mod dtls;
mod dumping;
mod error;
mod extensions;
mod handshake;
mod identity;
mod incoming;
mod lines;
mod negotiation;
mod path;
mod reactions;
mod reconciliation;
mod roaming;
mod sharing;
mod sources;
mod state;
mod statistics;
mod trickle;
mod trimming;
mod wishes;
mod wrapping;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use str0m::net::{Receive, Transmit};
use str0m::{Reason, Rtc};

pub use certificates::Certificates;
pub use identity::Identity;

use crate::codec::multiplex::{self, Multiplexed};
use crate::codec::names::Mid;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, TransportState};
use crate::control::flow::{Flow, LocalCandidates};
use crate::control::ids::{ChannelId, Ids, TransportId};
use crate::control::mailbox::Backlog;
use crate::control::options::TransportOptions;
use crate::control::stats::CandidatePairStats;
use crate::peer::{Dumping, PeerEvent};
use crate::receiving::{Receiving, TelephoneEvents};
use crate::sending::{Outlet, Sending, WallClock};
use channels::Channels;
use describing::Local;
use dtls::Dtls;
use lines::Lines;
use negotiation::Negotiation;
use roaming::Roaming;
use wrapping::Wrapping;

/// How much later str0m's statistics may be of a peer that sends nothing: the round trip of its
/// candidate pair is all they tell then.
const IDLE_STATS_DELAY: Duration = Duration::from_secs(9);

/// Without anything in DTLS for this long, an association has no timer running but for messages
/// that were not acknowledged.
const IDLE_DTLS: Duration = Duration::from_secs(5);

/// Most tracks in one direction of one peer.
pub const MAX_TRACKS: usize = 1000;

/// A WebRTC peer with all that was negotiated with it and everything that flows.
pub struct Session {
    id: TransportId,
    options: Box<TransportOptions>,
    rtc: Rtc,
    dtls: Dtls,
    /// Where DTLS goes while ICE has no pair: a peer's check or handshake came from there.
    handshake_flow: Option<Flow>,
    /// The m-line that carries the transport for the peer.
    carrier: Option<usize>,
    ids: Arc<Ids>,
    state: TransportState,
    negotiation: Negotiation,
    receiving: Receiving,
    sending: Sending,
    /// SSRCs of the m-lines.
    lines: Lines,
    /// M-lines whose incoming track was closed on this side.
    refused: HashSet<Mid>,
    /// Of lines that have several: those that were.
    refused_tracks: HashSet<(Mid, String)>,
    /// What our descriptions say of this side.
    local: Local,
    channels: Channels,
    local_ufrag: String,
    ufrag_changed: bool,
    /// Something was asked for that may need negotiation.
    unsettled: bool,
    created: Instant,
    /// When something authentic last came from the peer.
    consented: Instant,
    /// When str0m wants to be called.
    rtc_timeout: Instant,
    /// When DTLS last came or went.
    dtls_at: Instant,
    /// When room that setting up took is given back.
    trim_at: Option<Instant>,
    events: VecDeque<PeerEvent>,
    transmits: VecDeque<Transmit>,
    packets_received: u64,
    packets_sent: u64,
    bytes_received: u64,
    bytes_sent: u64,
    candidate_pair: Option<CandidatePairStats>,
    /// The pair of addresses that ICE chose, as far as str0m has shown.
    chosen_flow: Option<Flow>,
    /// When something last came over the pair that is sent to.
    heard: Instant,
    roaming: Roaming,
    telephone: TelephoneEvents,
    wrapping: Wrapping,
    path_changes: u64,
    /// Media and RTCP that was authentic and not there before, in packets.
    authentic_received: u64,
    dumping: Option<Arc<Dumping>>,
    /// The reason it has to be closed for, once there is one.
    over: Option<CloseReason>,
    #[cfg(feature = "fault-injection")]
    burden: Option<crate::control::command::Burden>,
}

impl Session {
    /// A peer with nothing negotiated; its ICE credentials, SSRCs and session id are drawn here.
    pub fn new(
        now: Instant,
        id: TransportId,
        options: Box<TransportOptions>,
        identity: &Identity,
        candidates: &LocalCandidates,
        ids: Arc<Ids>,
    ) -> Self {
        let dtls = Dtls::new(now);
        let (mut rtc, candidates) = config::build(now, &options, identity, &dtls, candidates);
        let api = rtc.direct_api();
        let local_ufrag = api.local_ice_credentials().ufrag;
        let report_ssrc = *api.new_ssrc();
        let id_of_session = u64::from(*api.new_ssrc()) << 32 | u64::from(*api.new_ssrc());
        let local = Local::new(id_of_session, identity.fingerprint(), candidates);
        let channels = Channels::new(id, options.max_message_size, options.max_buffered_amount);
        let mut session = Self {
            id,
            options,
            rtc,
            dtls,
            handshake_flow: None,
            carrier: None,
            ids,
            state: TransportState::New,
            negotiation: Negotiation::default(),
            receiving: Receiving::new(now, report_ssrc, &local.cname),
            sending: Sending::new(now, wall_clock(now), id),
            lines: Lines::default(),
            refused: HashSet::new(),
            refused_tracks: HashSet::new(),
            local,
            channels,
            local_ufrag,
            ufrag_changed: true,
            unsettled: false,
            created: now,
            consented: now,
            rtc_timeout: now,
            dtls_at: now,
            trim_at: None,
            events: VecDeque::new(),
            transmits: VecDeque::new(),
            packets_received: 0,
            packets_sent: 0,
            bytes_received: 0,
            bytes_sent: 0,
            candidate_pair: None,
            chosen_flow: None,
            heard: now,
            roaming: Roaming::default(),
            telephone: TelephoneEvents::default(),
            wrapping: Wrapping::default(),
            path_changes: 0,
            authentic_received: 0,
            dumping: None,
            over: None,
            #[cfg(feature = "fault-injection")]
            burden: None,
        };
        session.start_dump();
        session.drain(now);
        session
    }

    /// The user name fragment that a peer's STUN checks carry for this session, once after each
    /// change.
    pub fn take_new_ufrag(&mut self) -> Option<&str> {
        std::mem::take(&mut self.ufrag_changed).then_some(&*self.local_ufrag)
    }

    /// What of this peer's messages waits for JavaScript.
    pub fn backlog(&self) -> &Backlog {
        self.dtls.backlog()
    }

    /// What the peer's owner has to be told next; `None` when it knows everything.
    pub fn next_event(&mut self) -> Option<PeerEvent> {
        self.events.pop_front()
    }

    /// Whether there is an event to take or a datagram to send.
    pub fn has_news(&self) -> bool {
        !self.events.is_empty()
            || !self.transmits.is_empty()
            || self.sending.has_news()
            || self.over.is_some()
    }

    /// A turn has taken everything that came, and its media was sent on. Gives whether there is an
    /// event to take.
    pub fn end_turn(&mut self, now: Instant) -> bool {
        self.poll_receiving(now);
        self.announce_if_needed();
        !self.events.is_empty() || self.over.is_some()
    }

    /// Does what is due at `now`, from ICE checks to reports; closes a peer that never connected.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.poll_trimming(now);
        if now >= self.rtc_due(now) {
            self.advance(now);
        }
        self.poll_receiving(now);
        self.with_sending(|sending| sending.handle_timeout(now));
        let events = &mut self.events;
        self.telephone.poll(now, |event| events.push_back(PeerEvent::Event(event)));
        self.poll_roaming(now);
        self.poll_dump();
        let limit = self.options.connect_timeout;
        let never_connected =
            matches!(self.state, TransportState::New | TransportState::Connecting);
        if never_connected && limit.is_some_and(|limit| now >= self.created + limit) {
            self.end(CloseReason::ConnectTimeout);
        }
        self.poll_consent(now);
    }

    /// When `handle_timeout` wants to be called.
    pub fn poll_timeout(&mut self, now: Instant) -> Instant {
        let mut next = self.rtc_due(now);
        let receiving = self.receiving.next();
        let own = [
            self.sending.poll_timeout(now),
            receiving,
            self.telephone.next(),
            self.roaming_at(),
            self.consent_at(),
        ];
        next = own.into_iter().flatten().fold(next, Instant::min);
        let never_connected =
            matches!(self.state, TransportState::New | TransportState::Connecting);
        if let (true, Some(limit)) = (never_connected, self.options.connect_timeout) {
            next = next.min(self.created + limit);
        }
        next
    }

    /// When str0m has to be called. Statistics alone are no reason to wake up for a peer that sends
    /// nothing.
    fn rtc_due(&self, now: Instant) -> Instant {
        if self.rtc.last_timeout_reason() == Reason::Stats && self.only_statistics_wait(now) {
            let statistics = self.rtc_timeout + IDLE_STATS_DELAY;
            self.dtls.wakes_at().map_or(statistics, |at| statistics.min(at))
        } else {
            self.rtc_timeout
        }
    }

    /// Whether nothing in str0m waits behind its statistics. It tells its next timer alone, and
    /// every later one would be late with them: checks of ICE, unless the other side makes them
    /// all, acknowledgements and retransmissions of messages. When DTLS wants to be called is known.
    fn only_statistics_wait(&self, now: Instant) -> bool {
        let checks = !self.options.ice_lite;
        let connecting = self.state == TransportState::Connecting;
        let talks = self.negotiation.has_application()
            && now.saturating_duration_since(self.dtls_at) < IDLE_DTLS;
        let sends = self.channels.buffers();
        !(checks || connecting || talks || sends)
    }

    /// Hands over every datagram that waits to be sent.
    pub fn transmit(&mut self, mut send: impl FnMut(&Flow, &[u8])) {
        self.sending.transmit(&mut send);
        while let Some(transmit) = self.transmits.pop_front() {
            self.hand_over(&transmit, &mut send);
        }
    }

    /// Sends what DTLS says before media of the same turn: without the end of a handshake the peer has
    /// no keys to read it by.
    pub fn send_ahead(&mut self, outlet: &mut impl Outlet) {
        for _ in 0..self.transmits.len() {
            let Some(transmit) = self.transmits.pop_front() else { break };
            if multiplex::classify(&transmit.contents) != Multiplexed::Dtls {
                self.transmits.push_back(transmit);
                continue;
            }
            self.hand_over(&transmit, |flow, bytes| {
                outlet.datagram(flow, bytes.len(), |room| {
                    room.copy_from_slice(bytes);
                    Some(bytes.len())
                });
            });
        }
    }

    fn hand_over(&mut self, transmit: &Transmit, mut send: impl FnMut(&Flow, &[u8])) {
        self.packets_sent += 1;
        self.bytes_sent += transmit.contents.len() as u64;
        let contents = &transmit.contents;
        let wrapped = match multiplex::classify(contents) {
            Multiplexed::Dtls => self.wrap(contents),
            _ => None,
        };
        send(&flow_of(transmit), wrapped.unwrap_or(contents));
    }

    /// Sends a message that came on another channel.
    pub fn relay(&mut self, now: Instant, id: ChannelId, binary: bool, data: Bytes) {
        self.channels.relay(&mut self.rtc, id, binary, data, &mut self.events);
        self.advance(now);
    }

    /// Tells JavaScript of the error and closes the channel.
    pub fn fail_channel(&mut self, now: Instant, id: ChannelId, error: EngineError) {
        self.channels.fail(&mut self.rtc, id, error, &mut self.events);
        self.advance(now);
    }
}

/// What our reports tell the time by: the system's clock as it is now, so that no packet costs
/// another look at it.
fn wall_clock(now: Instant) -> WallClock {
    WallClock::new(now, SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn flow_of(transmit: &Transmit) -> Flow {
    Flow {
        protocol: config::from_str0m_protocol(transmit.proto),
        local: transmit.source,
        remote: transmit.destination,
    }
}

fn receive<'a>(flow: &Flow, bytes: &'a [u8]) -> Option<Receive<'a>> {
    let protocol = config::to_str0m_protocol(flow.protocol);
    Receive::new(protocol, flow.remote, flow.local, bytes).ok()
}
