//! RTMP and RTMPS: a connection by TCP, and what waits for it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry};

use super::output::{Carrier, SOCKET};
use crate::control::ingest::OutputStats;
use crate::engine::message::ShardMessage;
use crate::engine::push::{PushError, RtmpPush};
use crate::host::media_threads::Outside;
use crate::host::tls::{Channel, Trust};

const READ: usize = 16 * 1024;
/// Bytes of a server that are taken before it is written to again.
const READ_AT_ONCE: usize = 256 * 1024;

/// See the module.
pub(super) struct RtmpCarrier {
    push: RtmpPush<Outside<ShardMessage>>,
    address: SocketAddr,
    /// RTMPS, and whom to believe.
    trust: Option<Trust>,
    line: Option<Line>,
    unsent: VecDeque<u8>,
    buffer: Box<[u8]>,
    finished: bool,
}

/// One connection to the server.
struct Line {
    channel: Channel<TcpStream>,
    /// Until then nothing is written.
    connected: bool,
}

impl RtmpCarrier {
    pub(super) fn new(
        push: RtmpPush<Outside<ShardMessage>>,
        address: SocketAddr,
        trust: Option<Trust>,
    ) -> Self {
        let buffer = vec![0; READ].into_boxed_slice();
        let (line, unsent) = (None, VecDeque::new());
        Self { push, address, trust, line, unsent, buffer, finished: false }
    }

    fn open(&self, registry: &Registry) -> io::Result<Line> {
        let mut socket = TcpStream::connect(self.address)?;
        registry.register(&mut socket, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        let tls = self.trust.as_ref().map(Trust::connection).transpose()?;
        Ok(Line { channel: Channel::new(socket, tls), connected: false })
    }

    fn write(&mut self) -> io::Result<()> {
        let Self { line: Some(line), unsent, .. } = self else { return Ok(()) };
        while !unsent.is_empty() {
            let (first, _) = unsent.as_slices();
            match line.channel.write(first) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => drop(unsent.drain(..written)),
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(error),
            }
        }
        match line.channel.flush() {
            Err(error) if !is_later(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

impl Carrier for RtmpCarrier {
    const ANSWER_TIME: Duration = Duration::from_secs(10);

    fn connect(&mut self, _: Instant, registry: &Registry) -> Result<(), PushError> {
        self.line = Some(self.open(registry).map_err(PushError::Connection)?);
        Ok(())
    }

    fn turn(&mut self, now: Instant) -> Result<bool, PushError> {
        let Self { line: Some(line), push, buffer, .. } = self else { return Ok(false) };
        if !line.is_connected().map_err(PushError::Connection)? {
            return Ok(false);
        }
        let mut ready = false;
        // What it says is answered before it says more.
        let mut left = READ_AT_ONCE;
        while left > 0 {
            match line.channel.read(buffer) {
                Ok(0) => return Err(PushError::Ended),
                Ok(read) => {
                    left = left.saturating_sub(read);
                    ready |= push.receive(buffer.get(..read).unwrap_or(&[]))?;
                }
                Err(error) if is_later(&error) => break,
                Err(error) => return Err(PushError::Connection(error)),
            }
        }
        self.unsent.extend(push.run(now, self.unsent.len())?);
        self.write().map_err(PushError::Connection)?;
        Ok(ready)
    }

    fn disconnect(&mut self, registry: &Registry) {
        if let Some(mut line) = self.line.take() {
            let _ = registry.deregister(line.channel.socket());
        }
        self.unsent.clear();
        self.push.begin_anew();
    }

    fn idle(&mut self, now: Instant) -> Result<(), PushError> {
        // The first words of the next connection.
        self.unsent.extend(self.push.run(now, 0)?);
        Ok(())
    }

    fn finish(&mut self, _: Instant) -> bool {
        if !std::mem::replace(&mut self.finished, true) {
            self.unsent.extend(self.push.finish());
        }
        let connected = self.line.as_ref().is_some_and(|line| line.connected);
        if connected && self.write().is_ok() && !self.unsent.is_empty() {
            return true;
        }
        if let Some(mut line) = self.line.take() {
            line.channel.finish();
        }
        false
    }

    fn stats(&self) -> OutputStats {
        let mut stats = self.push.stats().clone();
        stats.bytes_waiting = self.unsent.len() as u64;
        stats
    }
}

impl Line {
    /// Whether there is a connection. Errors: why there will be none.
    fn is_connected(&mut self) -> io::Result<bool> {
        if !self.connected {
            if let Some(error) = self.channel.socket().take_error()? {
                return Err(error);
            }
            match self.channel.socket().peer_addr() {
                Ok(_) => self.connected = true,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.connected)
    }
}

/// Nothing is there yet, or there is no room.
fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
