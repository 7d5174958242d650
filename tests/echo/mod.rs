//! A shard that does what datagrams tell it, and what a test needs to talk to it.

#![allow(dead_code)]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use medialoom::control::command::{Command, TransportCommand};
use medialoom::control::flow::{Flow, LocalCandidates, Protocol};
use medialoom::control::ids::{Ended, Ids, RequestId, ShardIndex, TransportId};
use medialoom::control::options::{EngineOptions, Listen};
use medialoom::engine::io::{Message, Output, Reactor};
use medialoom::engine::occupancy::ThreadLoad;
use medialoom::host::{MediaThreads, Shards, Start};
use medialoom::queue::counters::ThreadCounters;

pub const PATIENCE: Duration = Duration::from_secs(10);
/// What a `burn` datagram takes.
pub const BURN: Duration = Duration::from_millis(15);

/// What all shards of a test saw.
#[derive(Default)]
pub struct Seen {
    pub commands: AtomicUsize,
    pub timeouts: AtomicUsize,
    pub flushes: AtomicUsize,
    pub shutdowns: AtomicUsize,
    /// Threads that died.
    pub deaths: AtomicUsize,
    /// Shards that were made, and what ended before.
    pub starts: Mutex<Vec<(ShardIndex, Option<Ended>)>>,
    /// Of every datagram.
    pub flows: Mutex<Vec<Flow>>,
    pub ended: Mutex<Vec<Flow>>,
    pub counters: Mutex<Vec<Arc<ThreadCounters>>>,
    pub loads: Mutex<Vec<ThreadLoad>>,
    pub candidates: Mutex<Vec<LocalCandidates>>,
    /// Keeps a shard that was told to `stall` from going on.
    pub stalled: AtomicBool,
    /// Commands and `mark` datagrams, in the order in which they were handled.
    pub order: Mutex<Vec<&'static str>>,
}

/// Answers every datagram with what it says:
/// `echo...` the same bytes, `burst` five datagrams, `across` an answer by way of the next shard,
/// `later` an answer by timer, `bye` the same and the end of the flow. No answer have `mark`, `burn`, and
/// `panic`, `stall` and `stall twice`, which do so, the second time while messages of shards are
/// handled.
pub struct Echo {
    shard: ShardIndex,
    shards: usize,
    seen: Arc<Seen>,
    datagrams: Vec<(Flow, Vec<u8>)>,
    messages: Vec<(ShardIndex, Across)>,
    later: Option<(Instant, Flow)>,
    finished: Vec<Flow>,
}

impl Echo {
    fn stall(&self) {
        self.seen.stalled.store(true, Ordering::SeqCst);
        wait_until("the test to go on", || !self.seen.stalled.load(Ordering::SeqCst));
    }
}

pub enum Across {
    Ask(ShardIndex, Flow),
    Answer(Flow),
    Stall,
}

impl Message for Across {
    fn droppable(&self) -> bool {
        false
    }
}

impl Reactor for Echo {
    type Message = Across;

    fn handle_command(&mut self, _: Instant, _: Command) {
        self.seen.commands.fetch_add(1, Ordering::SeqCst);
        self.seen.order.lock().unwrap().push("command");
    }

    fn handle_message(&mut self, _: Instant, message: Across) {
        match message {
            Across::Ask(from, flow) => self.messages.push((from, Across::Answer(flow))),
            Across::Answer(flow) => self.datagrams.push((flow, b"across".to_vec())),
            Across::Stall => self.stall(),
        }
    }

    fn handle_datagram(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) {
        self.seen.flows.lock().unwrap().push(*flow);
        match bytes {
            b"burst" => {
                let lengths = [1_000, 1_000, 1_000, 300, 1_200];
                self.datagrams.extend(lengths.map(|length| (*flow, vec![7; length])));
            }
            b"across" => {
                let next = ShardIndex(((self.shard.index() + 1) % self.shards) as u8);
                self.messages.push((next, Across::Ask(self.shard, *flow)));
            }
            b"later" => self.later = Some((now + Duration::from_millis(20), *flow)),
            b"bye" => {
                self.datagrams.push((*flow, bytes.to_vec()));
                self.finished.push(*flow);
            }
            b"stall" => self.stall(),
            b"stall twice" => {
                self.messages.push((self.shard, Across::Stall));
                self.stall();
            }
            b"mark" => self.seen.order.lock().unwrap().push("mark"),
            b"burn" => {
                let start = Instant::now();
                while start.elapsed() < BURN {}
            }
            b"panic" => panic!("the test asked for it"),
            bytes if bytes.starts_with(b"echo") => self.datagrams.push((*flow, bytes.to_vec())),
            _ => {}
        }
    }

    fn handle_flow_ended(&mut self, _: Instant, flow: &Flow) {
        self.seen.ended.lock().unwrap().push(*flow);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.seen.timeouts.fetch_add(1, Ordering::SeqCst);
        if let Some((_, flow)) = self.later.take_if(|(due, _)| *due <= now) {
            self.datagrams.push((flow, b"later".to_vec()));
        }
    }

    fn handle_load(&mut self, _: Instant, load: ThreadLoad) {
        self.seen.loads.lock().unwrap().push(load);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.later.map(|(due, _)| due)
    }

    fn flush(&mut self, _: Instant, output: &mut impl Output<Across>) {
        self.seen.flushes.fetch_add(1, Ordering::SeqCst);
        for (flow, bytes) in self.datagrams.drain(..) {
            output.datagram(&flow, &bytes);
        }
        for flow in self.finished.drain(..) {
            output.end_flow(&flow);
        }
        for (to, message) in self.messages.drain(..) {
            output.message(to, message);
        }
    }

    fn shutdown(&mut self, _: Instant) {
        self.seen.shutdowns.fetch_add(1, Ordering::SeqCst);
        let flows = self.seen.flows.lock().unwrap();
        self.datagrams.extend(flows.last().map(|flow| (*flow, b"goodbye".to_vec())));
    }
}

pub fn options(ip: &str, threads: usize) -> EngineOptions {
    let listen = vec![Listen { ip: ip.parse().unwrap(), announced: Vec::new() }];
    EngineOptions { listen, port: 0, threads, tcp: true, max_transports: 10, task_threads: 1 }
}

pub fn start(options: &EngineOptions) -> (MediaThreads, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let makers = Makers { shards: options.threads, seen: Arc::clone(&seen), ids: Ids::default() };
    let (host, _) = MediaThreads::start(options, makers).unwrap();
    (host, seen)
}

struct Makers {
    shards: usize,
    seen: Arc<Seen>,
    ids: Ids,
}

impl Shards for Makers {
    type Shard = Echo;

    fn make(&self, start: Start) -> Echo {
        let Start { shard, candidates, counters, after } = start;
        let (shards, seen) = (self.shards, Arc::clone(&self.seen));
        seen.counters.lock().unwrap().push(counters);
        seen.candidates.lock().unwrap().push(candidates);
        seen.starts.lock().unwrap().push((shard, after));
        let (datagrams, messages, finished) = Default::default();
        Echo { shard, shards, seen, datagrams, messages, later: None, finished }
    }

    fn ended(&self, shard: ShardIndex) -> Ended {
        self.seen.deaths.fetch_add(1, Ordering::SeqCst);
        Ended::new(&self.ids, shard)
    }
}

/// A peer connected to the UDP address of `shard`.
pub fn peer(host: &MediaThreads, shard: usize, ip: &str) -> UdpSocket {
    let ip: IpAddr = ip.parse().unwrap();
    let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = host
        .addresses()
        .iter()
        .find(|address| address.thread.index() == shard && address.protocol == Protocol::Udp)
        .unwrap();
    socket.connect(SocketAddr::new(ip, address.port)).unwrap();
    socket
}

pub fn receive(peer: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 2_000];
    let length = peer.recv(&mut buffer).expect("an answer in time");
    buffer[..length].to_vec()
}

pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn command(id: TransportId) -> Command {
    let command = TransportCommand::Close { request: RequestId(0) };
    Command::Transport { transport: id, command }
}
