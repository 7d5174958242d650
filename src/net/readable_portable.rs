//! Waiting for a UDP socket where there are no descriptors, that is on Windows. Not compiled for
//! Windows so far: what it calls exists there by the sources of tokio and quinn-udp, and with the
//! feature `portable-sockets` all tests run over it on Unix. There it costs one more wake-up per
//! packet sent, as tokio's socket waits for writability too.

use std::io;
use std::net::UdpSocket;
use std::task::{Context, Poll};

use quinn_udp::UdpSockRef;
use tokio::io::Interest;

/// A UDP socket that the runtime watches.
pub(super) struct ReadableSocket(tokio::net::UdpSocket);

impl ReadableSocket {
    /// Has to be called inside the runtime that will wait on it.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        tokio::net::UdpSocket::from_std(socket).map(Self)
    }

    /// Ready when there may be something to read.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_recv_ready(context).map(|_| ())
    }

    /// Calls `read` if there may be something. When it says `WouldBlock`, the socket counts as
    /// empty until the next datagram.
    pub fn try_read<R>(&self, read: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.0.try_io(Interest::READABLE, read)
    }

    /// The socket, for system calls that send and receive several datagrams.
    pub fn reference(&self) -> UdpSockRef<'_> {
        UdpSockRef::from(&self.0)
    }
}
