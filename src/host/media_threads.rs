//! All media threads of an endpoint, and the way in for commands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{self, Permit, error::TrySendError};

use super::error::HostError;
use super::media_thread::{self, Deaths, Handles, Life, Shards};
use super::messages::{self, MessageSender};
use super::rings;
use super::thread::{Connections, Waiting};
use super::wakeup::Wakeup;
use crate::control::command::Command;
use crate::control::error::EngineError;
use crate::control::ids::ShardIndex;
use crate::control::options::EngineOptions;
use crate::engine::io::{Message, Reactor};
use crate::engine::message::ShardMessage;
use crate::net::listen::{self, ListenAddress};
use crate::net::sockets::NewPort;

/// Commands that may wait for one thread.
const MAX_COMMANDS: usize = 65_536;
/// Ports of plain RTP that may wait for one thread.
const MAX_PORTS: usize = 1024;
/// Messages of others than media threads; what has to arrive does beyond them.
const MAX_MESSAGES: usize = 16_384;

/// The media threads of one endpoint, each driving one shard. Dropping it shuts down.
pub struct MediaThreads {
    addresses: Vec<ListenAddress>,
    inboxes: Vec<Inbox>,
    stop: Arc<AtomicBool>,
    threads: Handles,
}

type MessageOf<S> = <<S as Shards>::Shard as Reactor>::Message;

struct Inbox {
    commands: mpsc::Sender<Command>,
    ports: mpsc::Sender<NewPort>,
    wakeup: Arc<Wakeup>,
}

/// The way in for messages of those that are no media thread.
pub struct Outside<M>(Arc<[(MessageSender<M>, Arc<Wakeup>)]>);

impl<M> Clone for Outside<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Message> Outside<M> {
    /// There are no threads.
    #[cfg(test)]
    pub(super) fn to_nobody() -> Self {
        Self(Arc::new([]))
    }

    /// Hands a message to a thread. Never blocks; gives back what may be dropped when there is no room.
    pub fn send(&self, shard: ShardIndex, message: M) -> Result<(), M> {
        let Some((sender, wakeup)) = self.0.get(shard.index()) else { return Err(message) };
        sender.send(message)?;
        wakeup.wake();
        Ok(())
    }
}

impl crate::engine::tap::Shards for Outside<ShardMessage> {
    fn send(&self, shard: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        Outside::send(self, shard, message)
    }
}

impl MediaThreads {
    /// Binds all sockets, then starts one thread per shard, each of which has `makers` make its
    /// shard.
    ///
    /// # Errors
    /// `Listen` with `options.port` or `options.listen[i].ip` when an address cannot
    /// be bound, `Io` when the system gives no thread or no way to wait.
    pub fn start<S: Shards>(
        options: &EngineOptions,
        makers: S,
    ) -> Result<(Self, Outside<MessageOf<S>>), EngineError> {
        let sockets = listen::bind(options)?;
        let wakeups: Vec<_> = (0..sockets.len()).map(|_| Arc::<Wakeup>::default()).collect();
        let mut media = Self {
            addresses: Vec::new(),
            inboxes: Vec::with_capacity(sockets.len()),
            stop: Arc::default(),
            threads: Arc::default(),
        };
        let makers = Arc::new(makers);
        let rings = rings::connect::<MessageOf<S>>(&wakeups);
        let mut outside = Vec::with_capacity(sockets.len());
        for (index, ((sockets, wakeup), (outgoing, incoming))) in
            sockets.into_iter().zip(wakeups).zip(rings).enumerate()
        {
            let shard = ShardIndex(index as u8);
            media.addresses.extend(sockets.addresses(shard));
            let (commands, receiver) = mpsc::channel(MAX_COMMANDS);
            let (ports, new_ports) = mpsc::channel(MAX_PORTS);
            media.inboxes.push(Inbox { commands, ports, wakeup: Arc::clone(&wakeup) });
            let (messages, outside_messages) = messages::channel(MAX_MESSAGES);
            outside.push((messages, Arc::clone(&wakeup)));
            // By the caller, so that it hears of failures.
            let registered = sockets.try_clone().and_then(media_thread::register);
            let (poller, udp, tcp, table) = registered.map_err(HostError::MediaThread)?;
            let connections = Connections {
                udp,
                tcp,
                table,
                poller,
                outgoing,
                incoming,
                inbox: Waiting {
                    commands: receiver,
                    messages: outside_messages,
                    ports: new_ports,
                    wakeup: Arc::clone(&wakeup),
                    ports_due: false,
                },
                wakeup,
                stop: Arc::clone(&media.stop),
                counters: Arc::default(),
            };
            let life = Life {
                shard,
                shards: Arc::clone(&makers),
                sockets,
                connections,
                handles: Arc::clone(&media.threads),
                deaths: Deaths::default(),
                after: None,
            };
            Box::new(life).begin().map_err(|(error, _)| HostError::MediaThread(error))?;
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

    /// Hands ports to a thread, which opens them before it takes what is sent after this.
    ///
    /// # Errors
    /// `QueueFull` when a thousand wait already, `Closed` after [`shutdown`](Self::shutdown).
    pub(crate) fn open_ports(
        &self,
        shard: ShardIndex,
        ports: Vec<NewPort>,
    ) -> Result<(), EngineError> {
        let Some(inbox) = self.inboxes.get(shard.index()) else {
            return Err(HostError::NoSuchThread(shard).into());
        };
        for port in ports {
            inbox.ports.try_send(port).map_err(|error| match error {
                TrySendError::Full(_) => {
                    HostError::CallsWaitForThread { calls: MAX_PORTS, thread: shard }
                }
                TrySendError::Closed(_) => HostError::EndpointClosed,
            })?;
        }
        Ok(())
    }

    /// Hands `command` to a thread; commands to one thread keep their order. Never blocks.
    ///
    /// # Errors
    /// `QueueFull` when 65,536 commands wait already, `Closed` after
    /// [`shutdown`](Self::shutdown). While a thread that died has no successor, commands wait.
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
            Err(TrySendError::Closed(())) => Err(HostError::EndpointClosed.into()),
        }
    }

    /// Lets every shard say goodbye, closes all sockets and waits for the threads to end.
    /// Commands sent before are carried out. Calling it again does nothing.
    pub fn shutdown(&self) {
        self.stop.store(true, Ordering::Release);
        for inbox in &self.inboxes {
            inbox.wakeup.wake();
        }
        // One that dies just now may have left another one.
        loop {
            let threads = self.take_threads();
            if threads.is_empty() {
                break;
            }
            for thread in threads {
                // A media thread that drops them cannot wait for itself.
                if thread.thread().id() != std::thread::current().id() {
                    let _ = thread.join();
                }
            }
        }
        for inbox in &self.inboxes {
            inbox.wakeup.forget();
        }
    }

    fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for MediaThreads {
    fn drop(&mut self) {
        self.shutdown();
    }
}
