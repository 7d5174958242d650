//! One ICE-TCP connection (RFC 6544): frames in, frames out, neither ever blocking.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::calls::Calls;
use super::framing::FrameDecoder;
use super::poller::Readiness;
use super::send_queue::{Lost, SendQueue};
use crate::control::flow::Flow;

pub(super) struct Connection {
    stream: TcpStream,
    /// What the kernel said of the stream and that did not turn out otherwise since.
    readiness: Readiness,
    /// It is among those that are looked at in the next turn.
    pub listed: bool,
    pub flow: Flow,
    decoder: FrameDecoder,
    queue: SendQueue,
    /// A packet of it was handed on.
    pub delivered: bool,
    /// It was sent something, so somebody here knows the peer.
    pub answered: bool,
}

/// The connection is over: the peer ended it, it failed, or what came was no framing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ended;

impl Connection {
    /// Nothing was read or sent yet.
    pub fn new(stream: TcpStream, flow: Flow) -> Self {
        // A frame is a packet: holding it back for more of them only delays it. Fails on some
        // systems when the peer has ended the connection already, which reading will show.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            readiness: Readiness { writable: true, ..Readiness::default() },
            listed: false,
            flow,
            decoder: FrameDecoder::default(),
            queue: SendQueue::default(),
            delivered: false,
            answered: false,
        }
    }

    /// The kernel says what it is ready for.
    pub fn set_ready(&mut self, readiness: Readiness) {
        self.readiness.readable |= readiness.readable;
        self.readiness.writable |= readiness.writable;
        self.readiness.over |= readiness.over;
    }

    /// Whether there may be something to read.
    pub fn is_readable(&self) -> bool {
        self.readiness.readable
    }

    /// Hands on what one read gives.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        calls: &Calls,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Ended> {
        if !self.readiness.readable {
            return Ok(());
        }
        calls.receive();
        let length = match self.stream.read(buffer) {
            Ok(0) => return Err(Ended),
            Ok(length) => length,
            Err(error) if is_temporary(&error) => {
                // Whoever was interrupted may try again.
                self.readiness.readable = error.kind() == io::ErrorKind::Interrupted;
                return Ok(());
            }
            Err(_) => return Err(Ended),
        };
        // Nothing is left: wait for more without trying. The end of the stream is told only once, so
        // that it is read up to there.
        self.readiness.readable = length == buffer.len() || self.readiness.over;
        let mut delivered = self.delivered;
        let decoded = self.decoder.push(&buffer[..length], |packet| {
            delivered = true;
            each(packet);
        });
        self.delivered = delivered;
        decoded.map_err(|_| Ended)
    }

    /// Queues one packet. Gives what was lost because the peer is too slow.
    pub fn queue(&mut self, packet: &[u8]) -> Lost {
        self.answered = true;
        self.queue.push(packet)
    }

    /// Writes what the kernel takes.
    pub fn write(&mut self, calls: &Calls) -> Result<(), Ended> {
        while self.readiness.writable && !self.queue.is_empty() {
            let unwritten = self.queue.unwritten();
            calls.send();
            match self.stream.write(unwritten) {
                Ok(0) => return Err(Ended),
                Ok(length) => {
                    self.readiness.writable = length == unwritten.len();
                    self.queue.wrote(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_temporary(&error) => self.readiness.writable = false,
                Err(_) => return Err(Ended),
            }
        }
        Ok(())
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
