//! One session and a peer made of a STUN check every now and then and a DTLS association, on fake
//! time. It can do what whole clients do not: nominate late, begin again, send alerts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::{digest, hmac};
use dimpl::{Config, Dtls, DtlsCertificate, Output, certificate};
use medialoom::control::command::TransportCommand;
use medialoom::control::error::EngineError;
use medialoom::control::event::{CloseReason, Event, Reply, TransportState};
use medialoom::control::flow::{Flow, LocalCandidates, Protocol};
use medialoom::control::ids::{Ids, RequestId, ShardIndex, TransportId};
use medialoom::control::options::TransportOptions;
use medialoom::peer::PeerEvent;
use medialoom::sending::Workspace;
use medialoom::webrtc::{Identity, Session};
use str0m::ice::{StunMessage, TransId};

const SERVER: &str = "192.0.2.1:4000";
const PASSWORD: &str = "thepasswordofthepeerisquitelong";
const BETWEEN_CHECKS: Duration = Duration::from_millis(500);

/// The peer's role, as in `a=setup` (RFC 8842).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setup {
    Active,
    Passive,
}

pub struct Peer {
    /// Where it sends from and is heard.
    pub address: &'static str,
    certificate: DtlsCertificate,
    config: Arc<Config>,
    dtls: Dtls,
    setup: Setup,
    /// Of the transport, from its answer.
    remote: Option<(String, String)>,
    pub fingerprints: Vec<String>,
    /// Counted from the first check. `None`: never.
    pub nominates_after: Option<Duration>,
    /// Hears nothing of DTLS and says nothing.
    pub deaf: bool,
    pub connected: bool,
    pub error: Option<String>,
    /// Whether it offers data channels as well.
    pub offers_data: bool,
    /// What came over the association: packets of SCTP.
    pub data: Vec<Vec<u8>>,
    begun: bool,
    first_check: Option<Instant>,
    next_check: Option<Instant>,
    timeout: Instant,
}

impl Peer {
    fn new(now: Instant, setup: Setup) -> Self {
        let certificate = certificate::generate_self_signed_certificate().unwrap();
        let config = Arc::new(Config::builder().use_server_cookie(false).build().unwrap());
        let dtls = Dtls::new_12(config.clone(), certificate.clone(), now);
        let mut peer = Self {
            address: World::PEER,
            certificate,
            config,
            dtls,
            setup,
            remote: None,
            fingerprints: Vec::new(),
            nominates_after: Some(Duration::ZERO),
            deaf: false,
            connected: false,
            error: None,
            offers_data: false,
            data: Vec::new(),
            begun: false,
            first_check: None,
            next_check: None,
            timeout: now,
        };
        peer.fingerprints = vec![peer.fingerprint("sha-256")];
        peer.dtls.set_active(setup == Setup::Active);
        peer
    }

    pub fn fingerprint(&self, hash: &str) -> String {
        let algorithm = match hash {
            "sha-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha-384" => &digest::SHA384,
            "sha-512" => &digest::SHA512,
            _ => &digest::SHA256,
        };
        let digest = digest::digest(algorithm, &self.certificate.certificate);
        let bytes: Vec<String> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        format!("{hash} {}", bytes.join(":"))
    }

    fn offer(&self, mid: &str) -> String {
        let setup = match self.setup {
            Setup::Active => "active",
            Setup::Passive => "passive",
        };
        let fingerprints: String =
            self.fingerprints.iter().map(|f| format!("a=fingerprint:{f}\r\n")).collect();
        let line = |line_mid: &str| {
            let port = if line_mid < mid { 0 } else { 9 };
            format!(
                "m=audio {port} UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:{line_mid}\r\n\
                 a=ice-ufrag:peer\r\na=ice-pwd:{PASSWORD}\r\n{fingerprints}a=setup:{setup}\r\n\
                 a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
            )
        };
        let (name, data) = if self.offers_data {
            (" 2", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n")
        } else {
            ("", "")
        };
        format!(
            "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}{name}\r\n{}{}{data}",
            if mid == "0" { "0 1" } else { "1" },
            line("0"),
            line("1"),
        )
    }

    /// Leaves the association as browsers do.
    pub fn close(&mut self) {
        self.dtls.close().unwrap();
    }

    /// Sends something over the association, such as a packet of SCTP.
    pub fn say(&mut self, data: &[u8]) {
        assert_eq!(self.dtls.send_application_data(data).ok(), Some(data.len()));
    }

    /// Another association with the same certificate, and nothing said of the one before.
    pub fn begin_again(&mut self, now: Instant, setup: Setup) {
        let left = std::mem::replace(
            &mut self.dtls,
            Dtls::new_12(self.config.clone(), self.certificate.clone(), now),
        );
        drop(left);
        self.dtls.set_active(setup == Setup::Active);
        self.setup = setup;
        (self.connected, self.deaf, self.error) = (false, false, None);
        self.begin(now);
    }

    /// Another association of which only the first message is sent.
    pub fn pause_after_hello(&mut self, now: Instant) {
        self.begin_again(now, Setup::Active);
        self.deaf = true;
    }

    fn begin(&mut self, now: Instant) {
        self.begun = true;
        self.dtls.handle_timeout(now).unwrap();
        if self.setup == Setup::Active {
            let _ = self.dtls.handle_packet(&[]);
        }
        self.timeout = now;
    }

    fn handle(&mut self, now: Instant, datagram: &[u8]) {
        match datagram.first() {
            // The answer to a check.
            Some(0..=3) if !self.begun => self.begin(now),
            Some(20..=63) if self.begun && !self.deaf => {
                self.dtls.handle_timeout(now).unwrap();
                if let Err(error) = self.dtls.handle_packet(datagram) {
                    self.error.get_or_insert(error.to_string());
                }
            }
            _ => {}
        }
    }

    fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut buffer = [0; 4096];
        while self.begun {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => datagrams.push(packet.to_vec()),
                Output::Connected => self.connected = true,
                Output::ApplicationData(data) => self.data.push(data.to_vec()),
                Output::Timeout(at) => {
                    self.timeout = at;
                    break;
                }
                _ => {}
            }
        }
        datagrams
    }

    fn check(&self, nominates: bool) -> Vec<u8> {
        let (ufrag, password) = self.remote.clone().unwrap();
        let username = format!("{ufrag}:peer");
        let request =
            StunMessage::binding_request(&username, TransId::new(), true, 1, 1, nominates);
        let mut buffer = vec![0; 500];
        let length = request.to_bytes(Some(password.as_bytes()), &mut buffer, sha1_hmac).unwrap();
        buffer.truncate(length);
        buffer
    }
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().try_into().unwrap()
}

struct Datagram {
    at: Instant,
    /// Where the peer sends it from; `None` for one to the peer.
    from: Option<SocketAddr>,
    bytes: Vec<u8>,
}

pub struct World {
    pub now: Instant,
    delay: Duration,
    session: Session,
    workspace: Workspace,
    pub peer: Peer,
    wire: Vec<Datagram>,
    events: Vec<Event>,
    state: TransportState,
    requests: u32,
    idle_turns: u32,
}

impl World {
    pub const PEER: &str = "198.51.100.1:5000";
    /// Another address of the peer, checked but not used.
    pub const ELSEWHERE: &str = "198.51.100.2:5000";

    /// `delay` is that of the network, one way.
    pub fn new(delay: Duration, setup: Setup) -> Self {
        let now = Instant::now();
        let ids = Arc::new(Ids::default());
        let id = TransportId::new(&ids, ShardIndex(0));
        let candidates = LocalCandidates(vec![(Protocol::Udp, SERVER.parse().unwrap())]);
        let identity = Identity::generate().unwrap();
        let options = Box::new(TransportOptions::default());
        let session = Session::new(now, id, options, &identity, &candidates, ids);
        Self {
            now,
            delay,
            session,
            workspace: Workspace::default(),
            peer: Peer::new(now, setup),
            wire: Vec::new(),
            events: Vec::new(),
            state: TransportState::New,
            requests: 0,
            idle_turns: 0,
        }
    }

    /// The peer offers, with the line of this mid as the first that is not refused.
    pub fn negotiate(&mut self, mid: &str) {
        self.try_negotiate(mid).unwrap();
    }

    pub fn try_negotiate(&mut self, mid: &str) -> Result<(), EngineError> {
        self.requests += 1;
        let request = RequestId(self.requests);
        let sdp = self.peer.offer(mid);
        self.session.handle_command(self.now, TransportCommand::AcceptOffer { request, sdp });
        self.take_events();
        let reply = self.events.iter().find_map(|event| match event {
            Event::Reply { request: of, result } if *of == request => Some(result.clone()),
            _ => None,
        });
        let Reply::Sdp(answer) = reply.unwrap()? else { panic!("no answer") };
        let value = |name: &str| {
            let line = answer.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().to_owned()
        };
        self.peer.remote = Some((value("a=ice-ufrag:"), value("a=ice-pwd:")));
        self.peer.next_check.get_or_insert(self.now);
        Ok(())
    }

    pub fn state(&self) -> TransportState {
        self.state
    }

    /// Why the session is over.
    pub fn closed(&self) -> Option<CloseReason> {
        self.session.over()
    }

    pub fn errors(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        for event in &self.events {
            if let Event::TransportError { error, .. } = event {
                texts.push(error.message.as_str());
            }
        }
        texts
    }

    /// Puts a datagram of the peer's on the wire.
    pub fn send(&mut self, from: &str, bytes: Vec<u8>) {
        let from = Some(from.parse().unwrap());
        self.wire.push(Datagram { at: self.now + self.delay, from, bytes });
    }

    pub fn send_plaintext_alert(&mut self, from: &str, description: u8) {
        if from != Self::PEER {
            let check = self.peer.check(false);
            self.send(from, check);
        }
        let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 9, 9, 0, 2, 2, description];
        self.send(from, alert.to_vec());
    }

    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            self.exchange();
            let wire = self.wire.iter().map(|datagram| datagram.at);
            let own = [self.session.poll_timeout(self.now)];
            let peer = self.peer.begun.then_some(self.peer.timeout);
            let next = wire.chain(own).chain(peer).chain(self.peer.next_check).min().unwrap();
            if next > until {
                self.now = until;
                return;
            }
            // A timer that is due and stays due would be a turn without an end.
            self.idle_turns = if next <= self.now { self.idle_turns + 1 } else { 0 };
            assert!(self.idle_turns < 1000, "a timer is due for ever");
            self.now = next.max(self.now);
            self.deliver();
            self.session.handle_timeout(self.now);
            if self.peer.begun
                && self.now >= self.peer.timeout
                && let Err(error) = self.peer.dtls.handle_timeout(self.now)
            {
                self.peer.error.get_or_insert(error.to_string());
                self.peer.begun = false;
            }
        }
    }

    fn exchange(&mut self) {
        if self.peer.next_check.is_some_and(|at| self.now >= at) {
            let first = *self.peer.first_check.get_or_insert(self.now);
            let nominates =
                self.peer.nominates_after.is_some_and(|after| self.now >= first + after);
            self.peer.next_check = Some(self.now + BETWEEN_CHECKS);
            let check = self.peer.check(nominates);
            self.send(self.peer.address, check);
        }
        for bytes in self.peer.take_datagrams() {
            self.send(self.peer.address, bytes);
        }
        self.take_events();
        let (at, wire, address) = (self.now + self.delay, &mut self.wire, self.peer.address);
        self.session.transmit(|flow, bytes| {
            if flow.remote.to_string() == address {
                wire.push(Datagram { at, from: None, bytes: bytes.to_vec() });
            }
        });
    }

    fn deliver(&mut self) {
        let now = self.now;
        let (due, later) = self.wire.drain(..).partition(|datagram: &Datagram| datagram.at <= now);
        self.wire = later;
        for Datagram { from, bytes, .. } in due {
            let Some(remote) = from else {
                self.peer.handle(now, &bytes);
                continue;
            };
            let local = SERVER.parse().unwrap();
            let flow = Flow { protocol: Protocol::Udp, local, remote };
            self.session.handle_datagram(now, &flow, &bytes, &mut self.workspace);
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.session.next_event() {
            let PeerEvent::Event(event) = event else { continue };
            if let Event::TransportState { state, .. } = event {
                self.state = state;
            }
            self.events.push(event);
        }
    }
}
