//! All media threads of an endpoint, and the way in for commands.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{self, Permit, error::TrySendError};

use super::error::HostError;
use super::rings;
use super::thread::{Connections, Thread, Waiting};
use super::wakeup::Wakeup;
use crate::control::command::Command;
use crate::control::error::EngineError;
use crate::control::flow::LocalCandidates;
use crate::control::ids::ShardIndex;
use crate::control::options::EngineOptions;
use crate::engine::io::Reactor;
use crate::net::address_table::AddressTable;
use crate::net::listen::{self, ListenAddress, ShardSockets};
use crate::net::tcp::TcpConnections;
use crate::net::udp::UdpSocket;
use crate::queue::counters::ThreadCounters;

/// Commands that may wait for one thread.
const MAX_COMMANDS: usize = 65_536;
/// Messages of others than media threads.
const MAX_MESSAGES: usize = 16_384;

/// The media threads of one endpoint, each driving one shard. Dropping it shuts down.
pub struct MediaThreads {
    addresses: Vec<ListenAddress>,
    inboxes: Vec<Inbox>,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Inbox {
    commands: mpsc::Sender<Command>,
    wakeup: Arc<Wakeup>,
}

/// The way in for messages of those that are no media thread.
pub struct Outside<M>(Arc<[(mpsc::Sender<M>, Arc<Wakeup>)]>);

impl<M> Clone for Outside<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Outside<M> {
    /// Hands a message to a thread. Never blocks; gives it back when there is no room.
    pub fn send(&self, shard: ShardIndex, message: M) -> Result<(), M> {
        let Some((sender, wakeup)) = self.0.get(shard.index()) else { return Err(message) };
        match sender.try_send(message) {
            Ok(()) => {
                wakeup.wake();
                Ok(())
            }
            // The thread is gone, and everything on it.
            Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(message)) => Err(message),
        }
    }
}

impl MediaThreads {
    /// Binds all sockets, then starts one thread per shard. `make` is called on each of them and
    /// gives the shard to drive.
    ///
    /// # Errors
    /// `Listen` with `options.port` or `options.listen[i].ip` when an address cannot
    /// be bound, `Io` when the system gives no thread or no way to wait.
    pub fn start<R, F>(
        options: &EngineOptions,
        make: F,
    ) -> Result<(Self, Outside<R::Message>), EngineError>
    where
        R: Reactor,
        F: Fn(ShardIndex, LocalCandidates, Arc<ThreadCounters>) -> R + Send + Sync + 'static,
    {
        let sockets = listen::bind(options)?;
        let shards = sockets.len();
        let wakeups: Vec<_> = (0..shards).map(|_| Arc::<Wakeup>::default()).collect();
        let mut media = Self {
            addresses: Vec::new(),
            inboxes: Vec::with_capacity(shards),
            stop: Arc::default(),
            threads: Mutex::default(),
        };
        let make = Arc::new(make);
        let rings = rings::connect::<R::Message>(&wakeups);
        let mut outside = Vec::with_capacity(shards);
        for (index, ((sockets, wakeup), rings)) in
            sockets.into_iter().zip(wakeups).zip(rings).enumerate()
        {
            let shard = ShardIndex(index as u8);
            media.addresses.extend(sockets.addresses(shard));
            let (commands, receiver) = mpsc::channel(MAX_COMMANDS);
            media.inboxes.push(Inbox { commands, wakeup: Arc::clone(&wakeup) });
            let (messages, outside_messages) = mpsc::channel(MAX_MESSAGES);
            outside.push((messages, Arc::clone(&wakeup)));
            let candidates = sockets.candidates();
            let counters = Arc::<ThreadCounters>::default();
            let (runtime, udp, tcp, table) = register(sockets).map_err(HostError::MediaThread)?;
            let connections = Connections {
                udp,
                tcp,
                table,
                outgoing: rings.0,
                incoming: rings.1,
                inbox: Waiting { commands: receiver, messages: outside_messages },
                wakeup,
                stop: Arc::clone(&media.stop),
                counters: Arc::clone(&counters),
            };
            let make = Arc::clone(&make);
            let run = move || {
                runtime.block_on(async {
                    let reactor = make(shard, candidates, counters);
                    Thread::new(reactor, connections).run().await;
                });
            };
            let thread = std::thread::Builder::new()
                .name(format!("medialoom-{index}"))
                .spawn(move || contain(shard, run))
                .map_err(HostError::MediaThread)?;
            media.threads.get_mut().unwrap_or_else(|e| e.into_inner()).push(thread);
        }
        Ok((media, Outside(outside.into())))
    }

    /// What is listened on, by thread, UDP before TCP, in the order of `options.listen`.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// How many media threads there are.
    pub fn shards(&self) -> usize {
        self.inboxes.len()
    }

    /// Hands `command` to a thread; commands to one thread keep their order. Never blocks.
    ///
    /// # Errors
    /// `QueueFull` when 65,536 commands wait already, `Closed` after
    /// [`shutdown`](Self::shutdown), `Internal` when the thread ended by a fault.
    pub fn send(&self, shard: ShardIndex, command: Command) -> Result<(), EngineError> {
        self.send_all([(shard, command)])
    }

    /// Hands each command to its thread, or none of them when one of the threads cannot take it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_all<const N: usize>(
        &self,
        commands: [(ShardIndex, Command); N],
    ) -> Result<(), EngineError> {
        let mut places = Vec::with_capacity(N);
        for (shard, _) in &commands {
            places.push(self.reserve(*shard)?);
        }
        for ((inbox, place), (_, command)) in places.into_iter().zip(commands) {
            place.send(command);
            inbox.wakeup.wake();
        }
        Ok(())
    }

    fn reserve(&self, shard: ShardIndex) -> Result<(&Inbox, Permit<'_, Command>), EngineError> {
        let Some(inbox) = self.inboxes.get(shard.index()) else {
            return Err(HostError::NoSuchThread(shard).into());
        };
        if self.stop.load(Ordering::Acquire) {
            return Err(HostError::EndpointClosed.into());
        }
        match inbox.commands.try_reserve() {
            Ok(place) => Ok((inbox, place)),
            Err(TrySendError::Full(())) => {
                let calls = MAX_COMMANDS;
                Err(HostError::CallsWaitForThread { calls, thread: shard }.into())
            }
            Err(TrySendError::Closed(())) => Err(HostError::ThreadFailed(shard).into()),
        }
    }

    /// Lets every shard say goodbye, closes all sockets and waits for the threads to end.
    /// Commands sent before are carried out. Calling it again does nothing.
    pub fn shutdown(&self) {
        self.stop.store(true, Ordering::Release);
        for inbox in &self.inboxes {
            inbox.wakeup.wake();
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(|e| e.into_inner()));
        for thread in threads {
            // A media thread that drops them cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        for inbox in &self.inboxes {
            inbox.wakeup.forget();
        }
    }
}

impl Drop for MediaThreads {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Makes the thread's runtime and registers its sockets with it. Done by the caller of
/// [`MediaThreads::start`], so that it hears of failures.
fn register(
    sockets: ShardSockets,
) -> std::io::Result<(Runtime, Vec<UdpSocket>, TcpConnections, AddressTable)> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let _inside = runtime.enter();
    let udp = sockets.udp.into_iter().map(UdpSocket::new).collect::<std::io::Result<_>>()?;
    let tcp = TcpConnections::new(sockets.tcp)?;
    drop(_inside);
    Ok((runtime, udp, tcp, AddressTable::new(sockets.bound)))
}

/// The last resort. Faults of one peer are caught long before; one that is not takes its thread
/// with it, but neither the process nor the other threads.
fn contain(shard: ShardIndex, run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        tracing::error!(thread = shard.0, "media thread ended by a panic: {text}");
    }
}
