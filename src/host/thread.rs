//! What one media thread does: wait until there is something, take all of it, let the shard
//! think once, send.
//!
//! Commands come first, and once more between reading a batch of anything else and handing it
//! on: what JavaScript asked for before a datagram arrived was done when the datagram is looked
//! at. So whoever tells a peer to send after a call returned has no race to lose. Only when more
//! than `COMMANDS_AT_ONCE` wait is media not held up for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quinn_udp::BATCH_SIZE;
use tokio::sync::mpsc;

use super::messages::MessageReceiver;
use super::rings::{IncomingRings, OutgoingRings};
use super::wakeup::Wakeup;
use crate::control::command::Command;
use crate::control::flow::{Flow, Protocol};
use crate::control::ids::ShardIndex;
use crate::engine::io::{Message, Output, Reactor};
use crate::engine::occupancy::{LONG_TURN, Occupancy};
use crate::engine::unfinished::Rest;
use crate::net::address_table::AddressTable;
use crate::net::burst::Burst;
use crate::net::poller::{Key, Poller};
use crate::net::sockets::{NewPort, Sockets};
use crate::net::tcp::{TcpConnections, TcpEvent};
use crate::net::udp::{Looking, ReceiveBuffers};
use crate::queue::counters::ThreadCounters;

/// Taken in one go before media gets its chance.
const COMMANDS_AT_ONCE: usize = 256;
/// Taken per turn from each source before the others and the timer get their chance.
const MESSAGES_PER_TURN: usize = 1_024;
/// A read takes up to `BATCH_SIZE` datagrams on Linux and one elsewhere.
const READS_PER_TURN: usize = 128 / BATCH_SIZE;
/// How long a turn waits for the rest of what it saw a part of. With the slack that the kernel gives
/// timers, some 150 us: longer than who sends a picture takes from its first packet to its last, and
/// short against what a picture takes on its way. Where timers are coarse nothing is waited for.
const REST: Option<Duration> = if cfg!(windows) { None } else { Some(Duration::from_micros(100)) };
/// A thread that works for this share of its time finds several packets whenever it looks, and has no
/// time to wait.
const TOO_BUSY: f32 = 0.5;
/// Between two looks when the kernel does not say what is ready.
const BLIND: Duration = Duration::from_millis(1);
/// When to look again whether a full ring to another thread has room.
const RING_RETRY: Duration = Duration::from_millis(1);

/// Everything a media thread needs but its shard.
pub(super) struct Connections<M> {
    pub udp: Sockets,
    pub tcp: TcpConnections,
    pub table: AddressTable,
    /// Waits for all of them.
    pub poller: Poller,
    pub outgoing: OutgoingRings<M>,
    pub incoming: IncomingRings<M>,
    pub inbox: Waiting<M>,
    pub wakeup: Arc<Wakeup>,
    pub stop: Arc<AtomicBool>,
    pub counters: Arc<ThreadCounters>,
}

/// What waits for the thread that no other media thread sent.
pub(super) struct Waiting<M> {
    pub commands: mpsc::Receiver<Command>,
    pub messages: MessageReceiver<M>,
    /// Ports for transports that are made.
    pub ports: mpsc::Receiver<NewPort>,
    /// By which whoever puts something in says so.
    pub wakeup: Arc<Wakeup>,
    /// Something was taken since ports were looked for: a port comes before the command that is about it.
    pub ports_due: bool,
}

impl<M: Message> Waiting<M> {
    /// Says whether there may be more.
    fn take<R: Reactor<Message = M>>(&mut self, reactor: &mut R, now: Instant) -> bool {
        if !self.wakeup.take_posted() {
            return false;
        }
        self.ports_due = true;
        let more = self.take_some(reactor, now);
        if more {
            self.wakeup.leave();
        }
        more
    }

    /// Messages first: a track is known before anybody is attached to it.
    fn take_some<R: Reactor<Message = M>>(&mut self, reactor: &mut R, now: Instant) -> bool {
        let mut more = true;
        for _ in 0..COMMANDS_AT_ONCE {
            let Some(message) = self.messages.next() else {
                more = false;
                break;
            };
            reactor.handle_message(now, message);
        }
        for _ in 0..COMMANDS_AT_ONCE {
            let Ok(command) = self.commands.try_recv() else { return more };
            reactor.handle_command(now, command);
        }
        true
    }
}

/// Borrows what has to be there still when a turn has panicked.
pub(super) struct Thread<'a, R: Reactor> {
    reactor: &'a mut R,
    connections: &'a mut Connections<R::Message>,
    burst: Burst,
    buffers: ReceiveBuffers,
    /// Reused for the sockets of a turn.
    places: Vec<usize>,
    /// Messages still wait for room in a ring.
    ring_full: bool,
    /// When the shard wants its timeout.
    timeout: Option<Instant>,
    /// When the thread has to be awake for whatever reason.
    deadline: Option<Instant>,
    occupancy: Occupancy,
    /// When the last turn did, so that going to sleep needs no other look at the clock.
    ended: Instant,
}

/// What a turn left to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Left {
    Nothing,
    More,
}

impl<'a, R: Reactor> Thread<'a, R> {
    /// A thread that has not looked at its sockets yet; [`Thread::run`] is its life.
    pub fn new(reactor: &'a mut R, connections: &'a mut Connections<R::Message>) -> Self {
        let now = Instant::now();
        Self {
            reactor,
            connections,
            burst: Burst::new(),
            buffers: ReceiveBuffers::new(),
            places: Vec::new(),
            ring_full: false,
            timeout: None,
            deadline: None,
            occupancy: Occupancy::new(now),
            ended: now,
        }
    }

    /// Runs until told to stop.
    pub fn run(mut self) {
        self.set_deadline();
        // A shard may have something to say before anything comes.
        let mut left = Left::More;
        self.connections.wakeup.set_waker(self.connections.poller.waker());
        // The thread before may have died over something that it took.
        self.connections.wakeup.leave();
        while !self.connections.stop.load(Ordering::Acquire) {
            match left {
                Left::Nothing => self.wait(),
                // Packets get their chance in between.
                Left::More => self.look(Some(Duration::ZERO)),
            }
            left = self.turn();
            self.count_calls();
        }
        self.finish();
    }

    /// Waits until there is something to do.
    fn wait(&mut self) {
        let ended = self.ended;
        let timeout = self.deadline.map(|deadline| deadline.saturating_duration_since(ended));
        // Of what was handed over during the turn as well: nothing else is woken by their datagrams.
        self.open_ports();
        let Connections { tcp, incoming, wakeup, stop, .. } = &*self.connections;
        wakeup.fall_asleep();
        let handed_something = wakeup.is_posted()
            || !incoming.is_empty()
            || tcp.is_ready()
            || stop.load(Ordering::Acquire);
        self.look(if handed_something { Some(Duration::ZERO) } else { timeout });
        self.connections.wakeup.rise();
    }

    /// Asks the kernel what is ready, and waits for that as long as told.
    fn look(&mut self, timeout: Option<Duration>) {
        let Connections { udp, tcp, poller, counters, .. } = &mut *self.connections;
        counters.wait_calls.add(1);
        let waited = poller.wait(timeout, |key, readiness| match key {
            Key::Wake => {}
            Key::Udp(place) => udp.set_readable(place),
            Key::Listener(_) | Key::Connection(_) => tcp.set_ready(key, readiness),
        });
        if let Err(error) = waited {
            // Nothing can be waited for. Whoever looks a thousand times a second can go on.
            tracing::debug!(%error, "cannot wait for sockets");
            udp.set_all_readable();
            std::thread::sleep(BLIND);
        }
    }

    fn turn(&mut self) -> Left {
        let began = Instant::now();
        let mut now = began;
        self.open_ports();
        let mut more = self.connections.inbox.take(self.reactor, now);
        more |= self.take_messages(now);
        more |= self.take_datagrams(&mut now, Looking::WhereReady);
        let mut waited = Duration::ZERO;
        if !more {
            (more, waited) = self.take_rest(&mut now);
        }
        self.take_tcp(now);
        if self.timeout.is_some_and(|timeout| timeout <= now) {
            self.reactor.handle_timeout(now);
        }
        self.flush(now);
        more |= self.connections.outgoing.has_own();
        let ended = Instant::now();
        self.ended = ended;
        if let Some(load) = self.occupancy.turn(began + waited, ended) {
            self.reactor.handle_load(ended, load);
        }
        self.set_deadline();
        if more { Left::More } else { Left::Nothing }
    }

    /// Opens ports that transports have from now on.
    fn open_ports(&mut self) {
        let Connections { udp, inbox, .. } = &mut *self.connections;
        if !std::mem::take(&mut inbox.ports_due) && !inbox.wakeup.is_posted() {
            return;
        }
        while let Ok(port) = inbox.ports.try_recv() {
            if let Err(error) = udp.open(port) {
                tracing::warn!(%error, "a port for RTP cannot be waited for");
            }
        }
    }

    fn take_messages(&mut self, now: Instant) -> bool {
        if self.connections.outgoing.has_own() {
            let own: VecDeque<_> = self.connections.outgoing.take_own();
            for message in own {
                self.reactor.handle_message(now, message);
            }
        }
        let Connections { incoming, inbox, .. } = &mut *self.connections;
        let reactor = &mut *self.reactor;
        incoming.drain(MESSAGES_PER_TURN, |messages| {
            inbox.take(reactor, now);
            messages.for_each(|message| reactor.handle_message(now, message));
        })
    }

    /// Takes the rest of what came, and waits for it if that is worth it. Gives whether there may be
    /// more, and how long it waited.
    fn take_rest(&mut self, now: &mut Instant) -> (bool, Duration) {
        let awaited = self.reactor.awaits_rest();
        let worth = awaited != Rest::Nothing && self.occupancy.busy() < TOO_BUSY;
        let Some(rest) = REST.filter(|_| worth) else { return (false, Duration::ZERO) };
        // Mostly it came while the beginning was handled, and to look costs far less than to sleep. Where
        // many send, a sleep collects what the others send at the same time as well.
        if awaited == Rest::OfOne {
            let more = self.take_datagrams(now, Looking::Everywhere);
            if more || self.reactor.awaits_rest() == Rest::Nothing {
                return (more, Duration::ZERO);
            }
        }
        let before = Instant::now();
        std::thread::sleep(rest);
        let waited = before.elapsed();
        (self.take_datagrams(now, Looking::Everywhere), waited)
    }

    fn take_datagrams(&mut self, now: &mut Instant, looking: Looking) -> bool {
        let Connections { udp, table, counters, inbox, .. } = &mut *self.connections;
        let reactor = &mut *self.reactor;
        let mut any_more = false;
        let mut places = std::mem::take(&mut self.places);
        udp.take_places(&mut places, looking);
        for index in places.drain(..) {
            let mut more = true;
            for read in 0..READS_PER_TURN {
                let mut packets = 0;
                let mut length = 0;
                // Arrival times are what bandwidth estimation lives on.
                let before = std::mem::replace(now, Instant::now());
                // What came is costly: what this turn has for others goes first.
                if read > 0 && now.saturating_duration_since(before) >= LONG_TURN {
                    break;
                }
                more = udp.receive(
                    index,
                    &mut self.buffers,
                    looking,
                    |port, remote, destination, bytes| {
                        if packets == 0 {
                            inbox.take(reactor, *now);
                        }
                        packets += 1;
                        length += bytes.len() as u64;
                        if let Some(local) = port.or_else(|| table.announced(index, destination)) {
                            let flow = Flow { protocol: Protocol::Udp, local, remote };
                            reactor.handle_datagram(*now, &flow, bytes);
                        }
                    },
                );
                counters.packets_received.add(packets);
                counters.bytes_received.add(length);
                if !more {
                    break;
                }
            }
            any_more |= more;
        }
        self.places = places;
        any_more
    }

    fn take_tcp(&mut self, now: Instant) {
        let Connections { tcp, table, counters, inbox, .. } = &mut *self.connections;
        let reactor = &mut *self.reactor;
        let mut each = |event: TcpEvent<'_>| match event {
            TcpEvent::Packet(flow, bytes) => {
                inbox.take(reactor, now);
                counters.packets_received.add(1);
                counters.bytes_received.add(bytes.len() as u64);
                reactor.handle_datagram(now, flow, bytes);
            }
            TcpEvent::Ended(flow) => reactor.handle_flow_ended(now, flow),
        };
        tcp.receive(now, table, &mut each);
        tcp.handle_timeout(now, &mut each);
    }

    fn flush(&mut self, now: Instant) {
        let Connections { udp, tcp, table, outgoing, counters, .. } = &mut *self.connections;
        let mut out = Out { udp, tcp, table, outgoing, counters, burst: &mut self.burst };
        self.reactor.flush(now, &mut out);
        self.burst.send(udp, counters);
        tcp.flush();
        self.ring_full = outgoing.flush();
    }

    fn count_calls(&self) {
        let Connections { udp, tcp, counters, .. } = &*self.connections;
        udp.calls().for_each(|calls| calls.take_over(counters));
        tcp.calls.take_over(counters);
        counters.take_over();
    }

    fn set_deadline(&mut self) {
        self.timeout = self.reactor.poll_timeout();
        let retry = self.ring_full.then(|| Instant::now() + RING_RETRY);
        let tcp = self.connections.tcp.deadline();
        self.deadline = [self.timeout, tcp, retry].into_iter().flatten().min();
    }

    /// What JavaScript asked for before it closed still happens.
    fn finish(mut self) {
        let now = Instant::now();
        self.connections.wakeup.leave();
        while self.connections.inbox.take(self.reactor, now) {}
        self.reactor.shutdown(now);
        self.flush(now);
    }
}

/// Takes a shard's output apart by where it goes.
struct Out<'a, M> {
    udp: &'a mut Sockets,
    tcp: &'a mut TcpConnections,
    table: &'a AddressTable,
    outgoing: &'a mut OutgoingRings<M>,
    counters: &'a ThreadCounters,
    burst: &'a mut Burst,
}

impl<M: Message> Output<M> for Out<'_, M> {
    fn datagram(&mut self, flow: &Flow, bytes: &[u8]) {
        match flow.protocol {
            Protocol::Udp => self.burst.push(flow, bytes, self.udp, self.table, self.counters),
            Protocol::Tcp => self.tcp.send(flow, bytes, self.counters),
        }
    }

    fn datagram_in_place(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        match flow.protocol {
            Protocol::Udp => {
                let (udp, table, counters) = (&mut *self.udp, self.table, self.counters);
                self.burst.push_in_place(flow, capacity, write, udp, table, counters);
            }
            Protocol::Tcp => {
                let mut bytes = vec![0; capacity];
                if let Some(length) = write(&mut bytes) {
                    self.tcp.send(flow, &bytes[..length], self.counters);
                }
            }
        }
    }

    fn message(&mut self, to: ShardIndex, message: M) {
        self.outgoing.push(to, message, self.counters);
    }

    fn end_flow(&mut self, flow: &Flow) {
        if flow.protocol == Protocol::Tcp {
            self.tcp.end(flow);
        }
    }

    fn close_ports(&mut self) {
        // The last words of whoever had them leave by them.
        self.burst.send(self.udp, self.counters);
        self.udp.close_ended();
    }
}
