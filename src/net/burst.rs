//! Datagrams on their way out, gathered so that those of one flow leave as one buffer, and the buffers
//! of many flows by few system calls.

use super::address_table::{AddressTable, Departure};
use super::run::Run;
use super::sockets::Sockets;
use crate::control::flow::Flow;
use crate::queue::counters::ThreadCounters;

/// Bytes gathered before they are sent without waiting for the end of the turn: enough for a
/// keyframe to many peers, small enough to stay in the processor's cache.
const SLAB: usize = 256 * 1024;
/// Largest UDP payload over IPv4.
const MAX_DATAGRAM: usize = 65_507;

pub(crate) struct Burst {
    slab: Box<[u8]>,
    /// How much of the slab is in use.
    used: usize,
    runs: Vec<Run>,
    /// The flow of the last run, to find the next datagram's socket without a look-up.
    flow: Option<Flow>,
}

impl Burst {
    /// Holds nothing; its slab is allocated here, once for all bursts of a thread.
    pub fn new() -> Self {
        Self { slab: vec![0; SLAB].into(), used: 0, runs: Vec::new(), flow: None }
    }

    /// Adds one datagram, sending the others first when there is no room.
    pub fn push(
        &mut self,
        flow: &Flow,
        bytes: &[u8],
        sockets: &mut Sockets,
        table: &AddressTable,
        counters: &ThreadCounters,
    ) {
        let write = |room: &mut [u8]| {
            room.copy_from_slice(bytes);
            Some(bytes.len())
        };
        self.push_in_place(flow, bytes.len(), write, sockets, table, counters);
    }

    /// Adds one datagram of at most `capacity` bytes that `write` writes where it will be sent
    /// from.
    pub fn push_in_place(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
        sockets: &mut Sockets,
        table: &AddressTable,
        counters: &ThreadCounters,
    ) {
        if capacity == 0 || capacity > MAX_DATAGRAM || flow.remote.port() == 0 {
            counters.discarded_on_send.add(1);
            return;
        }
        if self.used + capacity > SLAB {
            self.send(sockets, counters);
        }
        let start = self.used;
        let Some(length) = write(&mut self.slab[start..start + capacity]) else { return };
        let same_flow = self.flow.as_ref() == Some(flow);
        if let Some(run) = self.runs.last_mut().filter(|_| same_flow)
            && run.extend(length, max_segments(sockets, run.departure))
        {
            self.used += length;
            return;
        }
        // All that a listening socket sends leaves the same way, whoever it is for.
        let same_local = self.flow.as_ref().is_some_and(|last| last.local == flow.local);
        let departure = match self.runs.last() {
            Some(run) if same_local => run.departure,
            _ => match table.departure(flow.local).or_else(|| sockets.departure(flow.local)) {
                Some(departure) => departure,
                None => {
                    counters.discarded_on_send.add(1);
                    return;
                }
            },
        };
        self.used += length;
        self.flow = Some(*flow);
        self.runs.push(Run::new(departure, flow.remote, start, length));
    }

    /// Sends everything. What a full socket does not take is dropped and counted: a late packet
    /// is worth less than a thread that goes on.
    pub fn send(&mut self, sockets: &mut Sockets, counters: &ThreadCounters) {
        let count = |run: &Run, sent: usize| {
            let bytes = (sent * run.segment).min(run.end - run.start);
            counters.packets_sent.add(sent as u64);
            counters.bytes_sent.add(bytes as u64);
            counters.discarded_on_send.add((run.segments - sent) as u64);
        };
        let mut runs = &self.runs[..];
        while let Some(first) = runs.first() {
            let place = first.departure.socket;
            let of_one = runs.iter().take_while(|run| run.departure.socket == place).count();
            let (now, later) = runs.split_at(of_one);
            match sockets.get_mut(place) {
                Some(socket) => socket.send_all(now, &self.slab, count),
                None => now.iter().for_each(|run| count(run, 0)),
            }
            runs = later;
        }
        self.runs.clear();
        self.used = 0;
        self.flow = None;
    }
}

fn max_segments(sockets: &mut Sockets, departure: Departure) -> usize {
    sockets.get_mut(departure.socket).map_or(1, |socket| socket.max_segments())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::control::flow::Protocol;
    use crate::net::address_table::Bound;
    use crate::net::poller::Poller;
    use crate::net::udp::{Looking, ReceiveBuffers, UdpSocket};

    /// A burst with the sockets and the table it needs, and the address of the second socket.
    struct Fixture {
        burst: Burst,
        sockets: Sockets,
        table: AddressTable,
        counters: ThreadCounters,
        flow: Flow,
        poller: Poller,
    }

    impl Fixture {
        fn new() -> Self {
            let poller = Poller::new().unwrap();
            let watch = poller.watch().unwrap();
            let bind = || std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let (from, to) = (bind(), bind());
            let (local, remote) = (from.local_addr().unwrap(), to.local_addr().unwrap());
            let (ip, port, announced) = (local.ip(), local.port(), vec![local]);
            let bound = Bound { ip, port, announced, mapped: false, own: Vec::new() };
            Self {
                burst: Burst::new(),
                sockets: {
                    let sockets = [(from, 0), (to, 1)].map(|(socket, place)| {
                        socket.set_nonblocking(true).unwrap();
                        UdpSocket::new(socket, &watch, place).unwrap()
                    });
                    Sockets::new(sockets.into(), watch)
                },
                table: AddressTable::new(vec![bound]),
                counters: ThreadCounters::default(),
                flow: Flow { protocol: Protocol::Udp, local, remote },
                poller,
            }
        }

        fn push(&mut self, flow: &Flow, bytes: &[u8]) {
            self.burst.push(flow, bytes, &mut self.sockets, &self.table, &self.counters);
        }

        /// Reads the number each datagram starts with.
        fn receive_what_was_sent(&mut self, numbers: &mut Vec<u32>) {
            let mut buffers = ReceiveBuffers::new();
            while (numbers.len() as u64) < self.counters.packets_sent.get() {
                let Self { poller, sockets, .. } = self;
                let wait = poller.wait(Some(Duration::from_secs(5)), |_, _| ());
                wait.unwrap();
                sockets.set_readable(1);
                let socket = self.sockets.get_mut(1).unwrap();
                socket.receive(&mut buffers, Looking::WhereReady, |_, _, bytes| {
                    assert_eq!(bytes.len(), 1_200);
                    numbers.push(u32::from_be_bytes(bytes[..4].try_into().unwrap()));
                });
            }
        }
    }

    #[test]
    fn more_than_the_slab_holds_leaves_in_order() {
        let mut fixture = Fixture::new();
        let flow = fixture.flow;
        let total = 2 * SLAB as u32 / 1_200;
        let mut numbers = Vec::new();
        let mut datagram = [0; 1_200];
        for number in 0..total {
            datagram[..4].copy_from_slice(&number.to_be_bytes());
            fixture.push(&flow, &datagram);
            assert!(fixture.burst.used <= SLAB);
            // Read early: the kernel's buffers may be small.
            fixture.receive_what_was_sent(&mut numbers);
        }
        fixture.burst.send(&mut fixture.sockets, &fixture.counters);
        fixture.receive_what_was_sent(&mut numbers);
        assert!(numbers.into_iter().eq(0..total));
    }

    #[test]
    fn what_cannot_leave_is_counted_and_does_not_stop_the_rest() {
        let mut fixture = Fixture::new();
        let flow = fixture.flow;
        let foreign = Flow { local: "192.0.2.1:1".parse().unwrap(), ..flow };
        let nowhere = Flow { remote: "127.0.0.1:0".parse().unwrap(), ..flow };
        fixture.push(&flow, b"1");
        fixture.push(&foreign, b"2");
        fixture.push(&nowhere, b"3");
        fixture.push(&flow, &vec![0; MAX_DATAGRAM + 1]);
        fixture.push(&flow, b"");
        fixture.push(&flow, b"4");
        fixture.burst.send(&mut fixture.sockets, &fixture.counters);
        assert_eq!(fixture.counters.discarded_on_send.get(), 4);
        assert_eq!(fixture.counters.packets_sent.get(), 2);
        assert_eq!(fixture.counters.bytes_sent.get(), 2);
    }
}
