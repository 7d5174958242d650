//! One ICE-TCP connection (RFC 6544): frames in, frames out, neither ever blocking.

use std::io::{self, Read};
use std::task::{Context, Waker};

use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::calls::Calls;
use super::framing::FrameDecoder;
use super::send_queue::{Lost, SendQueue};
use crate::control::flow::Flow;

pub(super) struct Connection {
    stream: TcpStream,
    /// Woken when the stream can be read or written again.
    waker: Waker,
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
    /// Nothing was read or sent yet. `waker` is woken when it can be read or written again.
    pub fn new(stream: TcpStream, flow: Flow, waker: Waker) -> Self {
        // A frame is a packet: holding it back for more of them only delays it. Fails on some
        // systems when the peer has ended the connection already, which reading will show.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            waker,
            flow,
            decoder: FrameDecoder::default(),
            queue: SendQueue::default(),
            delivered: false,
            answered: false,
        }
    }

    /// Hands on what one read gives.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        calls: &Calls,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Ended> {
        let mut length = 0;
        let result = self.stream.try_io(Interest::READABLE, || {
            calls.receive();
            length = (&*SockRef::from(&self.stream)).read(buffer)?;
            match length {
                0 => Ok(Err(Ended)),
                // Nothing is left: wait for more without trying. The end of the stream is
                // remembered apart and not lost by this.
                length if length < buffer.len() => Err(io::ErrorKind::WouldBlock.into()),
                _ => Ok(Ok(())),
            }
        });
        match result {
            Ok(Err(Ended)) => return Err(Ended),
            Err(error) if !is_temporary(&error) => return Err(Ended),
            _ => {}
        }
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
        while !self.queue.is_empty() {
            let result = self.stream.try_write(self.queue.unwritten());
            // Where nothing could be written the stream mostly knew without asking the kernel.
            if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                calls.send();
            }
            match result {
                Ok(0) => return Err(Ended),
                Ok(length) => self.queue.wrote(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_temporary(&error) => break,
                Err(_) => return Err(Ended),
            }
        }
        Ok(())
    }

    /// Has the waker woken when there is something to do.
    pub fn watch(&self) {
        let mut context = Context::from_waker(&self.waker);
        let readable = self.stream.poll_read_ready(&mut context).is_ready();
        let writable =
            !self.queue.is_empty() && self.stream.poll_write_ready(&mut context).is_ready();
        if readable || writable {
            self.waker.wake_by_ref();
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
