//! Who comes in: the listening socket, and how many connections of whom there may be that were not let in
//! yet.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};

use crate::net::origins::{Admission, Origins};

/// How long not to accept after the process ran out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// See the module. Connections have numbers of the server's.
pub(super) struct Door {
    listener: TcpListener,
    acceptable: bool,
    paused_until: Option<Instant>,
    origins: Origins,
    /// Connections in the order they came; some may be gone or strangers no more.
    strangers: VecDeque<usize>,
}

impl Door {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            acceptable: true,
            paused_until: None,
            origins: Origins::default(),
            strangers: VecDeque::new(),
        }
    }

    /// Somebody is there, as far as the system says.
    pub(super) fn knock(&mut self) {
        self.acceptable = true;
    }

    /// Whether [`accept`](Self::accept) may give somebody now.
    pub(super) fn is_busy(&self) -> bool {
        self.acceptable && self.paused_until.is_none()
    }

    /// Whether it waits for nothing but the next one.
    pub(super) fn is_idle(&self) -> bool {
        self.paused_until.is_none()
    }

    /// The next one who comes.
    pub(super) fn accept(&mut self, now: Instant) -> Option<(TcpStream, SocketAddr)> {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
        while self.is_busy() {
            match self.listener.accept() {
                Ok(accepted) => return Some(accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.acceptable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It went before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => self.paused_until = Some(now + ACCEPT_PAUSE),
            }
        }
        None
    }

    /// Whether a connection may be there; `InPlaceOf` is to be removed first, and this asked again.
    pub(super) fn admit(&mut self, ip: IpAddr, connection: usize) -> Admission {
        let admission = self.origins.admit(ip, connection);
        if admission == Admission::Admitted {
            self.strangers.push_back(connection);
        }
        admission
    }

    /// The connection that was let in longest ago of those that `is_stranger` still says so of.
    pub(super) fn oldest_stranger(&mut self, is_stranger: impl Fn(usize) -> bool) -> Option<usize> {
        std::iter::from_fn(|| self.strangers.pop_front()).find(|id| is_stranger(*id))
    }

    /// Forgets those who are no strangers any more.
    pub(super) fn retain_strangers(&mut self, is_stranger: impl Fn(usize) -> bool) {
        self.strangers.retain(|id| is_stranger(*id));
    }

    /// It publishes.
    pub(super) fn answered(&mut self, ip: IpAddr, connection: usize) {
        self.origins.answered(ip, connection);
    }

    /// It is gone.
    pub(super) fn left(&mut self, ip: IpAddr, connection: usize) {
        self.origins.left(ip, connection);
    }
}
