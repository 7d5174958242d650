//! One peer on a shard: its session behind a wall. A panic inside ends that peer and nobody else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::engine::timers::Tick;
use crate::sending::{Delivery, Sending};
use crate::webrtc::Session;

pub struct Peer {
    session: Option<Box<Session>>,
    /// The entry of this peer in the shard's timers.
    pub deadline: Option<Tick>,
    /// In the shard's list of peers with something to do.
    pub touched: bool,
    /// Packets of this turn that go to it.
    pub deliveries: Vec<Delivery>,
}

impl Peer {
    pub fn new(session: Session) -> Self {
        Self {
            session: Some(Box::new(session)),
            deadline: None,
            touched: false,
            deliveries: Vec::new(),
        }
    }

    /// Runs something on the session. `None` when it panicked, now or before.
    pub fn run<T>(&mut self, action: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let session = self.session.as_mut()?;
        match catch_unwind(AssertUnwindSafe(|| action(session))) {
            Ok(value) => Some(value),
            Err(_) => {
                // Its state cannot be trusted; not even its destructor may take the thread down.
                let session = self.session.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(session)));
                None
            }
        }
    }

    /// Runs something on what it is sent, whatever kind of peer it is. `None` when it panicked, now
    /// or before.
    pub fn send<T>(&mut self, action: impl FnOnce(&mut Sending) -> T) -> Option<T> {
        self.run(|session| session.with_sending(action))
    }

    /// The session, unless handling it failed.
    pub fn into_session(self) -> Option<Box<Session>> {
        self.session
    }
}
