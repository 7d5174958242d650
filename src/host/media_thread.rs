//! The life of one media thread, and of those that come after it.
//!
//! Faults of one peer are caught long before (`engine/peer.rs`). What panics elsewhere leaves the
//! shard in a state that nobody knows, so that all of it goes: its peers, and the poller and the
//! state of the sockets with them. What stays is what a fault in a shard cannot have harmed: the
//! sockets themselves, with what waits in them, the commands nobody took, and the rings, whose other
//! ends the other threads have. A new thread takes these over, because it starts with nothing in
//! thread-local memory that a panic may have left half done.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::thread::{Connections, Thread};
use crate::control::flow::LocalCandidates;
use crate::control::ids::{Ended, ShardIndex};
use crate::engine::io::Reactor;
use crate::net::address_table::AddressTable;
use crate::net::listen::ShardSockets;
use crate::net::poller::Poller;
use crate::net::sockets::Sockets;
use crate::net::tcp::TcpConnections;
use crate::net::udp::UdpSocket;
use crate::queue::counters::ThreadCounters;

/// Deaths within [`OFTEN`] after each of which a new thread starts at once.
const DEATHS: usize = 5;
const OFTEN: Duration = Duration::from_secs(10);
/// After more of them a new thread waits: somebody may have found out how to kill it.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a thread that waits looks whether the endpoint closes.
const LOOK: Duration = Duration::from_millis(10);

/// What a shard is made of, as far as its thread gives it.
#[derive(Debug)]
pub struct Start {
    pub shard: ShardIndex,
    /// The addresses that the thread listens on.
    pub candidates: LocalCandidates,
    /// What the thread counts, together with those before it.
    pub counters: Arc<ThreadCounters>,
    /// What ended with the thread before, if that died.
    pub after: Option<Ended>,
}

/// Who makes shards, and hears when the thread of one died. Called on media threads.
pub trait Shards: Send + Sync + 'static {
    /// What a media thread drives.
    type Shard: Reactor;

    /// Makes the shard for a thread that starts.
    fn make(&self, start: Start) -> Self::Shard;
    /// The thread of `shard` died. Nothing of it runs any more when this is called.
    fn ended(&self, shard: ShardIndex) -> Ended;
}

/// Threads that run, or have not been waited for.
pub(super) type Handles = Arc<Mutex<Vec<JoinHandle<()>>>>;

/// What outlives a media thread.
pub(super) struct Life<S: Shards> {
    pub shard: ShardIndex,
    pub shards: Arc<S>,
    /// Kept beside those that are waited for.
    pub sockets: ShardSockets,
    pub connections: Connections<<S::Shard as Reactor>::Message>,
    pub handles: Handles,
    pub deaths: Deaths,
    pub after: Option<Ended>,
}

impl<S: Shards> Life<S> {
    /// Starts a thread that lives it.
    ///
    /// Gives it back with the error when the system has no thread.
    pub fn begin(self: Box<Self>) -> Result<(), (io::Error, Option<Box<Self>>)> {
        let name = format!("medialoom-{}", self.shard.0);
        let handles = Arc::clone(&self.handles);
        // Held until the thread is among the handles: who shuts down waits for all of them.
        let mut handles = handles.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Arc::new(Mutex::new(Some(self)));
        let taken = Arc::clone(&place);
        let take = |place: &Mutex<Option<Box<Self>>>| {
            place.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        let live = move || {
            if let Some(life) = take(&taken) {
                life.live();
            }
        };
        match std::thread::Builder::new().name(name).spawn(live) {
            Ok(handle) => {
                // Those before it that are over need not be waited for.
                handles.retain(|handle| !handle.is_finished());
                handles.push(handle);
                Ok(())
            }
            Err(error) => Err((error, take(&place))),
        }
    }

    fn live(self: Box<Self>) {
        let mut life = self;
        while !life.run() {
            life.die();
            if life.is_stopped() {
                return;
            }
            match life.begin() {
                Ok(()) => return,
                // No thread to be had: this one goes on, which is better than none.
                Err((_, Some(back))) => life = back,
                Err((_, None)) => return,
            }
        }
    }

    /// Says whether it ended because it was told to.
    fn run(&mut self) -> bool {
        let start = Start {
            shard: self.shard,
            candidates: self.sockets.candidates(),
            counters: Arc::clone(&self.connections.counters),
            after: self.after,
        };
        let Ok(mut reactor) = catch_unwind(AssertUnwindSafe(|| self.shards.make(start))) else {
            return false;
        };
        let thread = Thread::new(&mut reactor, &mut self.connections);
        let ended = catch_unwind(AssertUnwindSafe(|| thread.run()));
        // By itself: a panic while another one unwinds ends the process.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(reactor)));
        ended.is_ok()
    }

    /// Lets everybody know, and has everything ready for the next thread.
    fn die(&mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.shards.ended(self.shard)));
        self.after = ended.ok().or(self.after);
        tracing::error!(
            thread = self.shard.0,
            "media thread ended by a fault, what lived on it is closed; a new one takes its place"
        );
        self.connections.wakeup.forget();
        while let Err(error) = self.renew() {
            if self.is_stopped() {
                return;
            }
            tracing::error!(thread = self.shard.0, "the media thread cannot start anew: {error}");
            self.wait(PAUSE);
        }
        let pause = self.deaths.pause(Instant::now());
        self.wait(pause);
    }

    /// Puts everything that a panic may have gone through in a new state.
    fn renew(&mut self) -> io::Result<()> {
        let (poller, udp, tcp, table) = register(self.sockets.try_clone()?)?;
        let old = (
            std::mem::replace(&mut self.connections.udp, udp),
            std::mem::replace(&mut self.connections.tcp, tcp),
            std::mem::replace(&mut self.connections.table, table),
            // With it all that it waited for is forgotten, whoever else has a socket of it.
            std::mem::replace(&mut self.connections.poller, poller),
        );
        let _ = catch_unwind(AssertUnwindSafe(|| drop(old)));
        Ok(())
    }

    fn wait(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while Instant::now() < until && !self.is_stopped() {
            std::thread::sleep(LOOK);
        }
    }

    fn is_stopped(&self) -> bool {
        self.connections.stop.load(Ordering::Acquire)
    }
}

/// When a thread and those before it died.
#[derive(Default)]
pub(super) struct Deaths(VecDeque<Instant>);

impl Deaths {
    /// How long the next one waits.
    fn pause(&mut self, now: Instant) -> Duration {
        self.0.push_back(now);
        if self.0.len() <= DEATHS {
            return Duration::ZERO;
        }
        let first = self.0.pop_front();
        let often = first.is_some_and(|first| now.saturating_duration_since(first) <= OFTEN);
        if often { PAUSE } else { Duration::ZERO }
    }
}

/// Makes what waits for a thread's sockets, and puts them there.
pub(super) fn register(
    sockets: ShardSockets,
) -> io::Result<(Poller, Sockets, TcpConnections, AddressTable)> {
    let poller = Poller::new()?;
    let watch = poller.watch()?;
    let udp = sockets.udp.into_iter().enumerate();
    let udp = udp.map(|(place, socket)| UdpSocket::new(socket, &watch, place));
    let udp = Sockets::new(udp.collect::<io::Result<_>>()?, poller.watch()?);
    let tcp = TcpConnections::new(sockets.tcp, watch)?;
    Ok((poller, udp, tcp, AddressTable::new(sockets.bound)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn who_dies_often_waits_and_who_dies_rarely_does_not() {
        let start = Instant::now();
        let mut deaths = Deaths::default();
        for death in 0..5 {
            assert_eq!(deaths.pause(start + death * SECOND), Duration::ZERO);
        }
        assert_eq!(deaths.pause(start + 5 * SECOND), PAUSE, "six within ten seconds");
        assert_eq!(deaths.pause(start + 6 * SECOND), PAUSE);
        assert_eq!(deaths.pause(start + 60 * SECOND), Duration::ZERO);
        for death in 3..1_000 {
            assert_eq!(deaths.pause(start + death * 30 * SECOND), Duration::ZERO);
        }
    }
}
