//! Datagrams on their way out, gathered so that those of one flow leave in one system call.

use std::net::SocketAddr;

use super::address_table::{AddressTable, Departure};
use super::sockets::Sockets;
use crate::control::flow::Flow;
use crate::queue::counters::ThreadCounters;

/// Bytes gathered before they are sent without waiting for the end of the turn: enough for a
/// keyframe to many peers, small enough to stay in the processor's cache.
const SLAB: usize = 256 * 1024;
/// A run's datagrams together must fit one IP packet as far as the kernel is concerned.
const MAX_RUN: usize = 65_000;
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

/// Datagrams of one flow, of equal length but for the last, one after the other in the slab.
#[derive(Debug, PartialEq)]
struct Run {
    departure: Departure,
    destination: SocketAddr,
    start: usize,
    end: usize,
    /// Length of every datagram but the last.
    segment: usize,
    segments: usize,
    /// Its last datagram is shorter, so that none can follow.
    complete: bool,
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
        let departure = match self.runs.last() {
            Some(run) if same_flow => run.departure,
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
        self.runs.push(Run {
            departure,
            destination: flow.remote,
            start,
            end: start + length,
            segment: length,
            segments: 1,
            complete: false,
        });
    }

    /// Sends everything. What a full socket does not take is dropped and counted: a late packet
    /// is worth less than a thread that goes on.
    pub fn send(&mut self, sockets: &mut Sockets, counters: &ThreadCounters) {
        for run in self.runs.drain(..) {
            let Departure { socket, source } = run.departure;
            let contents = &self.slab[run.start..run.end];
            let sent = match sockets.get_mut(socket) {
                Some(socket) => socket.send(source, run.destination, contents, run.segment),
                None => 0,
            };
            let bytes = (sent * run.segment).min(contents.len());
            counters.packets_sent.add(sent as u64);
            counters.bytes_sent.add(bytes as u64);
            counters.discarded_on_send.add((run.segments - sent) as u64);
        }
        self.used = 0;
        self.flow = None;
    }
}

fn max_segments(sockets: &mut Sockets, departure: Departure) -> usize {
    sockets.get_mut(departure.socket).map_or(1, |socket| socket.max_segments())
}

impl Run {
    /// Makes room for one more datagram, if the kernel could still tell it from the others.
    fn extend(&mut self, length: usize, max_segments: usize) -> bool {
        let fits = !self.complete
            && length <= self.segment
            && self.segments < max_segments
            && self.end - self.start + length <= MAX_RUN;
        if fits {
            self.end += length;
            self.segments += 1;
            self.complete = length < self.segment;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::control::flow::Protocol;
    use crate::net::address_table::Bound;
    use crate::net::poller::Poller;
    use crate::net::udp::{Looking, ReceiveBuffers, UdpSocket};

    fn run(segment: usize) -> Run {
        Run {
            departure: Departure { socket: 0, source: None },
            destination: "127.0.0.1:9".parse().unwrap(),
            start: 0,
            end: segment,
            segment,
            segments: 1,
            complete: false,
        }
    }

    #[test]
    fn equal_datagrams_extend_a_run_and_a_shorter_one_ends_it() {
        let mut run = run(1_000);
        assert!(run.extend(1_000, 64));
        assert!(run.extend(400, 64));
        assert!(!run.extend(400, 64));
        assert_eq!((run.segments, run.end), (3, 2_400));
    }

    #[test]
    fn a_longer_datagram_starts_a_new_run() {
        assert!(!run(1_000).extend(1_001, 64));
    }

    #[test]
    fn a_run_stays_within_the_kernels_limits() {
        let mut many = run(100);
        while many.extend(100, 64) {}
        assert_eq!(many.segments, 64);
        let mut large = run(1_200);
        while large.extend(1_200, 64) {}
        assert!(large.end <= MAX_RUN && large.end + 1_200 > MAX_RUN);
        assert!(!run(100).extend(100, 1), "a kernel without segmentation");
    }

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
