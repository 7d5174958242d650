//! Waiting for a UDP socket on Unix, by its descriptor. tokio's own socket waits for writability
//! too, and so wakes the thread whenever the kernel has freed a packet that was sent.

use std::io;
use std::net::UdpSocket;
use std::task::{Context, Poll};

use quinn_udp::UdpSockRef;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A UDP socket that the runtime watches.
pub(super) struct ReadableSocket(AsyncFd<UdpSocket>);

impl ReadableSocket {
    /// Has to be called inside the runtime that will wait on it.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        // SAFETY: the descriptor has to stay open and the same until the AsyncFd is dropped. It
        // owns the socket, which owns the descriptor, and nothing takes the socket out again.
        let registered = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
        Ok(Self(registered?))
    }

    /// Ready when there may be something to read.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_read_ready(context).map(|_| ())
    }

    /// Calls `read` if there may be something. When it says `WouldBlock`, the socket counts as
    /// empty until the next datagram.
    pub fn try_read<R>(&self, read: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.0.try_io(Interest::READABLE, |_| read())
    }

    /// The socket, for system calls that send and receive several datagrams.
    pub fn reference(&self) -> UdpSockRef<'_> {
        UdpSockRef::from(self.0.get_ref())
    }
}
