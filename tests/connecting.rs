//! The whole engine on loopback sockets, and peers that reach it every way there is.

#[path = "support/socket_client.rs"]
mod socket_client;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use bytes::Bytes;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::event::{CloseReason, Event, Reply, TransportState};
use medialoom::control::flow::Protocol;
use medialoom::control::ids::{ChannelId, RequestId, TransportId};
use medialoom::control::mailbox::Mailbox;
use medialoom::control::options::{
    Announced, DtlsVersions, EngineOptions, Listen, TransportOptions,
};
use medialoom::host::Engine;
use serde_json::Value;
use socket_client::{Nat, SocketClient};
use str0m::RtcConfig;
use str0m::config::DtlsVersion;

const PATIENCE: Duration = Duration::from_secs(10);

/// The engine, with everything it said so far.
struct Server {
    engine: Engine,
    mailbox: Arc<Mailbox>,
    bell: Receiver<()>,
    events: Vec<Event>,
    next_request: u32,
}

impl Server {
    fn start(ip: &str, announced: Vec<Announced>) -> Self {
        Self::with_threads(ip, announced, 1)
    }

    fn with_threads(ip: &str, announced: Vec<Announced>, threads: usize) -> Self {
        let listen = vec![Listen { ip: ip.parse().unwrap(), announced }];
        let options = EngineOptions {
            listen,
            port: 0,
            threads,
            tcp: true,
            max_transports: 10,
            task_threads: 1,
        };
        let (ring, bell) = mpsc::channel();
        let mailbox = Arc::new(Mailbox::new(move || {
            let _ = ring.send(());
        }));
        let engine = Engine::start(options, Arc::clone(&mailbox)).unwrap();
        Self { engine, mailbox, bell, events: Vec::new(), next_request: 0 }
    }

    fn address(&self, protocol: Protocol) -> SocketAddr {
        let mut addresses = self.engine.addresses().iter();
        let address = addresses.find(|address| address.protocol == protocol).unwrap();
        SocketAddr::new(address.ip, address.port)
    }

    fn request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    fn collect(&mut self) {
        self.events.extend(self.mailbox.drain());
    }

    fn reply(&mut self, wanted: RequestId) -> Reply {
        let end = Instant::now() + PATIENCE;
        loop {
            self.collect();
            let of_request =
                |event: &Event| matches!(event, Event::Reply { request, .. } if *request == wanted);
            if let Some(index) = self.events.iter().position(of_request) {
                let Event::Reply { result, .. } = self.events.remove(index) else { unreachable!() };
                return result.expect("no error");
            }
            let left = end.saturating_duration_since(Instant::now());
            self.bell.recv_timeout(left).expect("an answer in time");
        }
    }

    fn accept_offer(&mut self, transport: TransportId, sdp: String) -> String {
        let request = self.request();
        self.engine.command(transport, TransportCommand::AcceptOffer { request, sdp }).unwrap();
        match self.reply(request) {
            Reply::Sdp(sdp) => sdp,
            other => panic!("an answer, not {other:?}"),
        }
    }

    fn stats(&mut self, transport: TransportId) -> Value {
        let request = self.request();
        self.engine.stats(request, Some(transport)).unwrap();
        match self.reply(request) {
            Reply::Stats(json) => serde_json::from_str(&json).expect("JSON"),
            other => panic!("statistics, not {other:?}"),
        }
    }

    fn connected(&self, transport: TransportId) -> bool {
        let state = TransportState::Connected;
        self.events.contains(&Event::TransportState { transport, state })
    }
}

/// A peer and the transport it talks to, which sends back the audio it gets.
struct Call {
    server: Server,
    client: SocketClient,
    transport: TransportId,
    answer: String,
}

impl Call {
    fn start(mut server: Server, mut client: SocketClient, options: TransportOptions) -> Self {
        let transport = server.engine.create_transport(options).unwrap();
        let outgoing = server.engine.outgoing_track_id(transport);
        let (stream, track) = ("echo".to_owned(), "audio".to_owned());
        let kind = Kind::Audio;
        let add = TransportCommand::AddOutgoingTrack { id: outgoing, kind, stream, track };
        server.engine.command(transport, add).unwrap();
        let answer = server.accept_offer(transport, client.create_offer());
        client.accept_answer(&answer);
        server.collect();
        let source = server.events.iter().find_map(|event| match event {
            Event::IncomingTrack { info, .. } => Some(info.id),
            _ => None,
        });
        let source = source.expect("an incoming track");
        let attach = TransportCommand::Attach { id: outgoing, source };
        server.engine.command(transport, attach).unwrap();
        Self { server, client, transport, answer }
    }

    fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.server.collect();
            if done(self) {
                return;
            }
            assert!(Instant::now() < end, "{what} in time");
            self.client.step();
        }
    }

    fn connects(&mut self) {
        self.run_until("both sides connected", |call| {
            call.client.connected && call.server.connected(call.transport)
        });
    }

    /// Audio comes back as it was sent, and a message goes each way.
    fn carries_media_and_messages(&mut self) {
        self.run_until("audio", |call| call.client.payloads.len() >= 5);
        assert!(self.client.payloads.iter().all(|p| p.starts_with(b"a frame of audio ")));

        let mut announced: Option<ChannelId> = None;
        self.run_until("the channel", |call| {
            announced = call.server.events.iter().find_map(|event| match event {
                Event::ChannelAnnounced { id, .. } => Some(*id),
                _ => None,
            });
            announced.is_some() && call.client.channel.is_some()
        });
        let id = announced.unwrap();
        let listen = TransportCommand::ListenChannel { id, listen: true };
        self.server.engine.command(self.transport, listen).unwrap();
        self.client.send_message(b"ping");
        self.run_until("the message", |call| {
            call.server.events.iter().any(
                |event| matches!(event, Event::ChannelMessage { data, .. } if &data[..] == b"ping"),
            )
        });
        let data = Bytes::from_static(b"pong");
        let send = TransportCommand::SendMessage { id, binary: true, data };
        self.server.engine.command(self.transport, send).unwrap();
        self.run_until("the answer", |call| call.client.messages == [b"pong"]);
    }

    /// Statistics once the selected pair shows in them.
    fn stats(&mut self) -> Value {
        let mut stats = Value::Null;
        self.run_until("the selected pair", |call| {
            stats = call.server.stats(call.transport);
            stats["selectedCandidatePair"].is_object()
        });
        stats
    }
}

fn lite() -> TransportOptions {
    TransportOptions { dtls: DtlsVersions::Dtls12, ..TransportOptions::default() }
}

fn dtls12() -> RtcConfig {
    RtcConfig::new().set_dtls_version(DtlsVersion::Dtls12)
}

#[test]
fn a_peer_connects_over_udp_in_ipv4_and_ipv6() {
    for ip in ["127.0.0.1", "::1"] {
        let server = Server::start(ip, Vec::new());
        let address = server.address(Protocol::Udp).to_string();
        let mut call = Call::start(server, SocketClient::udp(dtls12(), ip), lite());
        call.connects();
        call.carries_media_and_messages();
        let stats = call.stats();
        assert_eq!(stats["state"], "connected");
        assert_eq!(stats["iceLite"], true);
        assert_eq!(stats["selectedCandidatePair"]["protocol"], "udp");
        assert_eq!(stats["selectedCandidatePair"]["localAddress"], address);
    }
}

#[test]
fn a_peer_connects_over_tcp_in_ipv4_and_ipv6() {
    for ip in ["127.0.0.1", "::1"] {
        let server = Server::start(ip, Vec::new());
        let address = server.address(Protocol::Tcp);
        let client = SocketClient::tcp(dtls12(), address);
        let mut call = Call::start(server, client, lite());
        assert!(call.answer.contains("tcptype passive"), "{}", call.answer);
        call.connects();
        call.carries_media_and_messages();
        let stats = call.stats();
        assert_eq!(stats["selectedCandidatePair"]["protocol"], "tcp");
        assert_eq!(stats["selectedCandidatePair"]["localAddress"], address.to_string());
    }
}

#[test]
fn a_peer_outside_connects_by_the_announced_address() {
    let ip: IpAddr = "203.0.113.5".parse().unwrap();
    for port in [None, Some(30_000)] {
        for ice_lite in [true, false] {
            let lan = Announced { ip: "192.0.2.77".parse().unwrap(), port: None };
            let server = Server::start("127.0.0.1", vec![lan, Announced { ip, port }]);
            let bound = server.address(Protocol::Udp);
            let announced = SocketAddr::new(ip, port.unwrap_or(bound.port()));
            let client = SocketClient::udp(dtls12(), "127.0.0.1").behind(Nat { announced, bound });
            let mut call = Call::start(server, client, TransportOptions { ice_lite, ..lite() });
            assert!(!call.answer.contains("127.0.0.1"), "{}", call.answer);
            let candidate = format!("{} {} typ host", announced.ip(), announced.port());
            assert!(call.answer.contains(&candidate), "{}", call.answer);
            call.connects();
            call.carries_media_and_messages();
        }
    }
}

#[test]
fn full_ice_connects_over_udp_and_tcp() {
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let server = Server::start("127.0.0.1", Vec::new());
        let client = match protocol {
            Protocol::Udp => SocketClient::udp(dtls12(), "127.0.0.1"),
            Protocol::Tcp => SocketClient::tcp(dtls12(), server.address(Protocol::Tcp)),
        };
        let options = TransportOptions { ice_lite: false, ..lite() };
        let mut call = Call::start(server, client, options);
        assert!(!call.answer.contains("a=ice-lite"), "{}", call.answer);
        call.connects();
        call.carries_media_and_messages();
        assert_eq!(call.stats()["iceLite"], false);
        call.run_until("an answered check", |call| {
            let stats = call.server.stats(call.transport);
            stats["selectedCandidatePair"]["responsesReceived"].as_u64() > Some(0)
        });
    }
}

#[test]
fn every_dtls_version_on_both_sides_agrees_on_the_best_they_share() {
    use {DtlsVersion as Client, DtlsVersions as Engine};
    let agreements = [
        (Engine::Dtls12, Client::Dtls12, "DTLS 1.2"),
        (Engine::Dtls12, Client::Auto, "DTLS 1.2"),
        (Engine::Dtls13, Client::Dtls13, "DTLS 1.3"),
        (Engine::Dtls13, Client::Auto, "DTLS 1.3"),
        (Engine::Auto, Client::Dtls12, "DTLS 1.2"),
        (Engine::Auto, Client::Dtls13, "DTLS 1.3"),
        (Engine::Auto, Client::Auto, "DTLS 1.3"),
    ];
    for (engine, client, expected) in agreements {
        let server = Server::start("127.0.0.1", Vec::new());
        let config = RtcConfig::new().set_dtls_version(client);
        let client = SocketClient::udp(config, "127.0.0.1");
        let options = TransportOptions { dtls: engine, ..TransportOptions::default() };
        let mut call = Call::start(server, client, options);
        call.connects();
        call.run_until("audio", |call| call.client.payloads.len() >= 2);
        let stats = call.server.stats(call.transport);
        assert_eq!(stats["dtlsVersion"], expected, "{engine:?}");
        let cipher = stats["srtpCipher"].as_str().unwrap_or_default();
        assert!(cipher.starts_with("SRTP_AEAD_AES_"), "{engine:?} {stats}");
    }
}

#[test]
fn a_peer_that_shares_no_dtls_version_is_given_up_in_time() {
    for (engine, client) in
        [(DtlsVersions::Dtls12, DtlsVersion::Dtls13), (DtlsVersions::Dtls13, DtlsVersion::Dtls12)]
    {
        let server = Server::start("127.0.0.1", Vec::new());
        let config = RtcConfig::new().set_dtls_version(client);
        let client = SocketClient::udp(config, "127.0.0.1");
        let connect_timeout = Some(Duration::from_secs(1));
        let options =
            TransportOptions { dtls: engine, connect_timeout, ..TransportOptions::default() };
        let mut call = Call::start(server, client, options);
        let transport = call.transport;
        let given_up = Event::TransportClosed { transport, reason: CloseReason::ConnectTimeout };
        call.run_until("the end", |call| call.server.events.contains(&given_up));
        assert!(!call.server.connected(transport) && !call.client.connected);
    }
}

#[cfg(feature = "fault-injection")]
#[test]
fn a_media_thread_that_dies_again_and_again_does_not_touch_a_call_on_another() {
    use medialoom::control::ids::ShardIndex;

    let unlucky = ShardIndex(0);
    let server = Server::with_threads("127.0.0.1", Vec::new(), 2);
    let first = server.engine.create_transport(lite()).unwrap();
    assert_eq!(first.shard(), unlucky);
    let mut call = Call::start(server, SocketClient::udp(dtls12(), "127.0.0.1"), lite());
    assert_ne!(call.transport.shard(), unlucky);
    call.connects();
    for death in 1..=7 {
        let heard = call.client.payloads.len();
        call.server.engine.panic(unlucky).unwrap();
        // Asked while the thread may be down, or about to be.
        let request = call.server.request();
        call.server.engine.stats(request, None).unwrap();
        let mut stats = None;
        call.run_until("statistics and audio", |call| {
            let reply = call.server.events.iter().find_map(|event| match event {
                Event::Reply { request: of, result } if *of == request => Some(result.clone()),
                _ => None,
            });
            stats = stats.take().or(reply);
            stats.is_some() && call.client.payloads.len() >= heard + 10
        });
        let Some(Ok(Reply::Stats(json))) = stats else { panic!("statistics, not {stats:?}") };
        let stats: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(stats["threads"].as_array().map(Vec::len), Some(2));
        let ended = |event: &&Event| matches!(event, Event::ThreadEnded { ended, .. } if ended.shard == unlucky);
        assert_eq!(call.server.events.iter().filter(ended).count(), death);
    }
    let late = |event: &Event| matches!(event, Event::TransportClosed { .. });
    assert!(!call.server.events.iter().any(late));
    let next = call.server.engine.create_transport(lite()).unwrap();
    assert_eq!(next.shard(), unlucky, "it is the emptiest");
    assert_eq!(call.server.stats(next)["state"], "new");
}
