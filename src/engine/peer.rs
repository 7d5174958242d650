//! One peer on a shard: its session behind a wall. A panic inside ends that peer and nobody else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::timers::Tick;
use crate::sending::{Delivery, Outlet, Sending, Workspace};
use crate::sfu::SourcePacket;
use crate::webrtc::Session;

/// A peer, as the shard keeps it.
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

    /// Lets it send what the packets of a turn have for it, as one burst. Gives whether there is
    /// something else to see to, and when it wants its timeout because of what it sent. `None` when
    /// it panicked, now or before.
    pub fn forward(
        &mut self,
        now: Instant,
        turn: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) -> Option<(bool, Option<Instant>)> {
        let mut deliveries = std::mem::take(&mut self.deliveries);
        let forwarded = self.run(|session| {
            let wakes_at = session.with_sending(|sending| {
                sending.forward(now, &deliveries, turn, workspace, outlet);
                sending.wakes_at(now)
            });
            (session.has_news(), wakes_at)
        });
        deliveries.clear();
        self.deliveries = deliveries;
        forwarded
    }

    /// The session, unless handling it failed.
    pub fn into_session(self) -> Option<Box<Session>> {
        self.session
    }
}
