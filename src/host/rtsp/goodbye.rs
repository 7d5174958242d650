//! Connections that were left: a server hears the goodbye only if what it still sends is taken, as a
//! socket that closes with something unread ends with a reset.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

/// How long a server has to hear it.
const TIME: Duration = Duration::from_secs(1);
/// Connections at a time. The oldest then closes as it is.
const MAX: usize = 256;
/// Bytes taken of one in one turn.
const TURN: usize = 256 * 1024;

/// See the module.
#[derive(Default)]
pub(super) struct Goodbyes(VecDeque<(Instant, TcpStream)>);

impl Goodbyes {
    /// One more, to which the last word was written.
    pub(super) fn add(&mut self, now: Instant, socket: TcpStream) {
        // It may be closed already.
        let _ = socket.shutdown(Shutdown::Write);
        if self.0.len() >= MAX {
            self.0.pop_front();
        }
        self.0.push_back((now + TIME, socket));
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what came, and lets go of those that ended or had their time.
    pub(super) fn run(&mut self, now: Instant, buffer: &mut [u8]) {
        self.0.retain_mut(|(until, socket)| *until > now && goes_on(socket, buffer));
    }
}

fn goes_on(socket: &mut TcpStream, buffer: &mut [u8]) -> bool {
    let mut left = TURN;
    while left > 0 {
        match socket.read(buffer) {
            Ok(0) => return false,
            Ok(read) => left = left.saturating_sub(read),
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
    true
}
