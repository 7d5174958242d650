//! One UDP socket, with the kernel's batching in both directions.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::calls::Calls;
#[cfg(target_os = "linux")]
use super::many;
use super::poller::{Key, Watch};
use super::run::Run;

/// Largest UDP payload, and largest merged (GRO) read.
const MAX_DATAGRAM: usize = 65_535;
/// Asked of the kernel in both directions; it gives what its limits allow. Holds about 20 ms of
/// a busy thread.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;
/// Runs the kernel may refuse, each followed by its datagrams being accepted one by one, before
/// segmentation counts as not supported.
const REFUSED_RUNS: u8 = 3;
/// Buffers of the first read of a turn: what mostly waits, since one buffer takes all that the kernel
/// merged of a peer. Preparing more of them is a good part of what a read costs.
const FEW: usize = if BATCH_SIZE < 8 { BATCH_SIZE } else { 8 };
/// Reads that fail in a row before the socket is left alone until the next packet.
const READ_ERRORS: usize = 3;

/// Which sockets are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Looking {
    /// Those that the kernel said something of.
    WhereReady,
    /// Whether it did or not. What is taken before it tells of it is told of no more.
    Everywhere,
}

/// Gives a socket for media as much as the kernel has for it. Small buffers lose packets but work.
pub(crate) fn enlarge_buffers(socket: &StdUdpSocket) {
    let socket = socket2::SockRef::from(socket);
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
}

pub(crate) struct UdpSocket {
    socket: mio::net::UdpSocket,
    /// There may be something to read.
    readable: bool,
    state: UdpSocketState,
    max_segments: usize,
    refused_runs: u8,
    pub calls: Calls,
}

impl UdpSocket {
    /// `watch` will wait for it and name it by its `place`. It must not block.
    pub fn new(socket: StdUdpSocket, watch: &Watch, place: usize) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        enlarge_buffers(&socket);
        let max_segments = state.max_gso_segments();
        let mut socket = mio::net::UdpSocket::from_std(socket);
        watch.for_reading(&mut socket, Key::Udp(place))?;
        let calls = Calls::default();
        Ok(Self { socket, readable: false, state, max_segments, refused_runs: 0, calls })
    }

    /// The kernel says that there is something to read.
    pub fn set_readable(&mut self) {
        self.readable = true;
    }

    /// Takes what one system call gives and hands every datagram to `each`, in order, with the
    /// peer's address and the address it was sent to. Returns whether there may be more. A read
    /// that comes back with room to spare has emptied the socket, so no further call finds that
    /// out.
    pub fn receive(
        &mut self,
        buffers: &mut ReceiveBuffers,
        looking: Looking,
        mut each: impl FnMut(SocketAddr, Option<IpAddr>, &[u8]),
    ) -> bool {
        if looking == Looking::WhereReady && !self.readable {
            return false;
        }
        let ReceiveBuffers { memory, metas, count } = buffers;
        // As many as the compiler does not know: code for each of them is more than the processor
        // remembers from one turn to the next.
        let mut slices: [_; BATCH_SIZE] = std::array::from_fn(|_| IoSliceMut::new(&mut []));
        let memory = memory.chunks_exact_mut(MAX_DATAGRAM).map(IoSliceMut::new);
        slices.iter_mut().zip(memory).take(*count).for_each(|(slice, memory)| *slice = memory);
        let (slices, metas) = (&mut slices[..*count], &mut metas[..*count]);
        let received = self.read(slices, metas);
        // Else the socket is empty, and the kernel tells of the next datagram.
        self.readable = received == *count;
        *count = if self.readable { BATCH_SIZE } else { FEW };
        for (slice, meta) in slices.iter().zip(&*metas).take(received) {
            let bytes = &slice[..meta.len.min(slice.len())];
            for datagram in bytes.chunks(meta.stride.max(1)) {
                each(without_flow_label(meta.addr), meta.dst_ip, datagram);
            }
        }
        self.readable
    }

    fn read(&self, slices: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]) -> usize {
        // Errors of earlier sends can surface here (ICMP); they say nothing about reading.
        let mut errors = 0;
        loop {
            self.calls.receive();
            let socket = UdpSockRef::from(&self.socket);
            // Through mio, which waits anew on Windows when there is nothing.
            match self.socket.try_io(|| self.state.recv(socket, slices, metas)) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock && errors < READ_ERRORS => {
                    errors += 1;
                }
                Err(_) => return 0,
                Ok(received) => return received,
            }
        }
    }

    /// Most datagrams one [`send`](Self::send) can carry.
    pub fn max_segments(&self) -> usize {
        self.max_segments
    }

    /// Sends runs that lie in `slab`, by as few system calls as that takes. Tells `sent` of each how
    /// many of its datagrams the kernel took; the others are lost. Never blocks.
    pub(super) fn send_all(&mut self, runs: &[Run], slab: &[u8], sent: impl Fn(&Run, usize)) {
        let mut rest = runs;
        while let [first, others @ ..] = rest {
            #[cfg(target_os = "linux")]
            if !others.is_empty() {
                let several = &rest[..rest.len().min(many::AT_ONCE)];
                self.calls.send();
                let taken = match many::send(&self.socket, several, slab) {
                    Ok(taken) => {
                        for run in several.iter().take(taken) {
                            sent(run, run.segments);
                            self.refused_runs *= u8::from(run.segments == 1);
                        }
                        taken
                    }
                    // There is no room for the others either.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        several.iter().for_each(|run| sent(run, 0));
                        several.len()
                    }
                    Err(_) => 0,
                };
                if taken > 0 {
                    rest = &rest[taken..];
                    continue;
                }
            }
            let Run { departure, destination, segment, .. } = *first;
            let contents = &slab[first.start..first.end];
            sent(first, self.send(departure.source, destination, contents, segment));
            rest = others;
        }
    }

    /// Sends `contents` as datagrams of `segment` bytes, the last perhaps shorter. Returns how
    /// many the kernel took; the others are lost. Never blocks.
    fn send(
        &mut self,
        source: Option<IpAddr>,
        destination: SocketAddr,
        contents: &[u8],
        segment: usize,
    ) -> usize {
        let segments = contents.len().div_ceil(segment);
        match self.transmit(source, destination, contents, Some(segment)) {
            Ok(()) => {
                if segments > 1 {
                    self.refused_runs = 0;
                }
                segments
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || segments == 1 => 0,
            Err(_) => {
                let taken = contents
                    .chunks(segment)
                    .map(|datagram| self.transmit(source, destination, datagram, None))
                    .filter(Result::is_ok)
                    .count();
                // Where single datagrams fail as well, the address or the size is to blame.
                // That is why quinn-udp's own verdict is not asked: any EINVAL turns it.
                if taken == segments {
                    self.refused_runs += 1;
                    if self.refused_runs >= REFUSED_RUNS {
                        tracing::info!("UDP segmentation is not supported here, sending singly");
                        self.max_segments = 1;
                    }
                }
                taken
            }
        }
    }

    fn transmit(
        &self,
        src_ip: Option<IpAddr>,
        destination: SocketAddr,
        contents: &[u8],
        segment_size: Option<usize>,
    ) -> io::Result<()> {
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip };
        self.calls.send();
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }
}

/// The flow label is no part of a peer's address: it may change from packet to packet.
pub(crate) fn without_flow_label(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            SocketAddr::V6(v6)
        }
        v4 => v4,
    }
}

/// What all sockets of a thread read into.
pub(crate) struct ReceiveBuffers {
    memory: Box<[u8]>,
    metas: [RecvMeta; BATCH_SIZE],
    /// Of how many the next read makes use.
    count: usize,
}

impl ReceiveBuffers {
    /// Room for as many of the largest datagrams as one system call reads.
    pub fn new() -> Self {
        Self {
            memory: vec![0; BATCH_SIZE * MAX_DATAGRAM].into_boxed_slice(),
            metas: [RecvMeta::default(); BATCH_SIZE],
            count: FEW,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::time::Duration;

    use crate::net::address_table::Departure;
    use crate::net::poller::Poller;
    use crate::queue::counters::ThreadCounters;

    /// A socket under test, what waits for it, and a peer that talks to it alone.
    fn pair() -> (UdpSocket, Poller, StdUdpSocket) {
        let poller = Poller::new().unwrap();
        let peer = StdUdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let socket = StdUdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        peer.connect(socket.local_addr().unwrap()).unwrap();
        let watch = poller.watch().unwrap();
        (UdpSocket::new(socket, &watch, 0).unwrap(), poller, peer)
    }

    fn receive_all(socket: &mut UdpSocket, poller: &mut Poller, count: usize) -> Vec<Vec<u8>> {
        let mut buffers = ReceiveBuffers::new();
        let mut datagrams = Vec::new();
        while datagrams.len() < count {
            if !socket.readable {
                poller.wait(Some(Duration::from_secs(5)), |_, _| socket.set_readable()).unwrap();
                assert!(socket.readable, "something in time");
            }
            socket.receive(&mut buffers, Looking::WhereReady, |_, _, bytes| {
                datagrams.push(bytes.to_vec())
            });
        }
        datagrams
    }

    #[test]
    fn a_run_arrives_as_its_datagrams_with_a_shorter_last_one() {
        let (mut socket, _, peer) = pair();
        let contents: Vec<u8> = (0..2_500u32).map(|n| (n % 251) as u8).collect();
        let sent = socket.send(None, peer.local_addr().unwrap(), &contents, 1_000);
        assert_eq!(sent, 3);
        let mut buffer = [0; 2_000];
        for expected in contents.chunks(1_000) {
            let length = peer.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected);
        }
    }

    #[test]
    fn a_merged_read_is_split_into_its_datagrams() {
        let (mut sender, ..) = pair();
        let (mut receiver, mut poller, peer) = pair();
        let address = peer.peer_addr().unwrap();
        let contents = [[1u8; 500], [2; 500], [3; 500]].concat();
        assert_eq!(sender.send(None, address, &contents, 500), 3);
        let datagrams = receive_all(&mut receiver, &mut poller, 3);
        assert_eq!(datagrams, [[1u8; 500], [2; 500], [3; 500]]);
    }

    #[test]
    fn more_datagrams_than_one_read_takes_all_arrive() {
        let (mut receiver, mut poller, peer) = pair();
        for number in 0..3 * BATCH_SIZE as u8 {
            // Sizes that change keep the kernel from merging.
            peer.send(&vec![number; 1 + usize::from(number)]).unwrap();
        }
        let datagrams = receive_all(&mut receiver, &mut poller, 3 * BATCH_SIZE);
        for (number, datagram) in datagrams.iter().enumerate() {
            assert_eq!(datagram, &vec![number as u8; number + 1]);
        }
    }

    #[test]
    fn a_destination_that_cannot_be_reached_does_not_end_segmentation() {
        let (mut socket, _, peer) = pair();
        let before = socket.max_segments();
        for _ in 0..10 {
            assert_eq!(socket.send(None, "127.0.0.1:0".parse().unwrap(), &[0; 300], 100), 0);
        }
        assert_eq!(socket.max_segments(), before);
        assert_eq!(socket.send(None, peer.local_addr().unwrap(), &[0; 300], 100), 3);
    }

    /// Sends runs one behind the other, as a turn has them; gives what was taken of each.
    fn send_runs(socket: &mut UdpSocket, runs: &[(SocketAddr, usize, &[u8])]) -> Vec<usize> {
        let (mut slab, mut made) = (Vec::new(), Vec::new());
        for (destination, segment, contents) in runs {
            let departure = Departure { socket: 0, source: None };
            let mut datagrams = contents.chunks(*segment).map(<[u8]>::len);
            let first = datagrams.next().unwrap();
            let mut run = Run::new(departure, *destination, slab.len(), first);
            assert!(datagrams.all(|length| run.extend(length, 64)));
            made.push(run);
            slab.extend_from_slice(contents);
        }
        let taken = RefCell::new(Vec::new());
        socket.send_all(&made, &slab, |_, sent| taken.borrow_mut().push(sent));
        taken.into_inner()
    }

    #[test]
    fn what_goes_to_many_peers_leaves_by_few_calls_whole_and_in_order() {
        let (mut socket, ..) = pair();
        let peers: Vec<_> = (0..20).map(|_| pair().2).collect();
        let addresses: Vec<_> = peers.iter().map(|peer| peer.local_addr().unwrap()).collect();
        let contents: Vec<u8> = (0..250).collect();
        let runs: Vec<_> = addresses.iter().map(|to| (*to, 100, &contents[..])).collect();
        // Nobody but `socket` may send to the others, as they are connected: by addresses of their own.
        peers.iter().for_each(|peer| peer.connect(socket.socket.local_addr().unwrap()).unwrap());
        assert_eq!(send_runs(&mut socket, &runs), vec![3; 20]);
        for peer in &peers {
            let mut buffer = [0; 2_000];
            for expected in contents.chunks(100) {
                let length = peer.recv(&mut buffer).unwrap();
                assert_eq!(&buffer[..length], expected);
            }
        }
        if cfg!(target_os = "linux") {
            let counters = ThreadCounters::default();
            socket.calls.take_over(&counters);
            assert_eq!(counters.send_calls.get(), 2, "sixteen and four");
        }
    }

    #[test]
    fn who_cannot_be_reached_keeps_nothing_from_the_others() {
        let (mut socket, _, peer) = pair();
        let (there, nowhere) = (peer.local_addr().unwrap(), "127.0.0.1:0".parse().unwrap());
        let runs: [(_, _, &[u8]); 5] = [
            (there, 1, &[1]),
            (nowhere, 1, &[2]),
            (nowhere, 1, &[3, 3]),
            (there, 2, &[4, 4, 4]),
            (nowhere, 1, &[5]),
        ];
        assert_eq!(send_runs(&mut socket, &runs), [1, 0, 0, 2, 0]);
        let mut buffer = [0; 10];
        for expected in [&[1][..], &[4, 4], &[4]] {
            let length = peer.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected);
        }
    }

    #[test]
    fn a_datagram_too_long_for_udp_is_lost_and_the_next_one_is_not() {
        let (mut socket, _, peer) = pair();
        let address = peer.local_addr().unwrap();
        assert_eq!(socket.send(None, address, &vec![0; 65_530], 65_530), 0);
        assert_eq!(socket.send(None, address, &[7], 1), 1);
        let mut buffer = [0; 10];
        assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
    }
}
