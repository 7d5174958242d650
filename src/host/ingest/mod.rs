//! Servers that encoders push to, each on a thread of its own, so that what strangers send never waits
//! in front of media.

mod connection;
mod door;
mod server;
mod srt;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Waker;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use zeroize::Zeroizing;

use super::error::HostError;
use super::media_threads::Outside;
use super::tls;
use crate::control::error::EngineError;
use crate::control::ids::{Ended, IdMap, Ids, IngestServerId, InputId, RequestId, ShardIndex};
use crate::control::ingest::{IngestCommand, RtmpServerOptions, SrtPullOptions, SrtServerOptions};
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::ingest::srt::{CallerOptions, KeyLength};
use crate::net::listen::bind_tcp;
use crate::net::udp::enlarge_buffers;
use server::{IngestServer, Left, ServerParts};
use srt::{SrtPull, SrtPullParts, SrtServer, SrtServerParts};

/// Servers of one endpoint.
const MAX_SERVERS: usize = 64;
/// Commands that may wait for a server.
const MAX_COMMANDS: usize = 4_096;

pub(super) struct Ingest {
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    shards: usize,
    servers: Arc<IngestServers>,
}

/// The servers there are.
#[derive(Default)]
pub(super) struct IngestServers(Mutex<IdMap<IngestServerId, Handle>>);

struct Handle {
    commands: mpsc::Sender<IngestCommand>,
    waker: Waker,
    left: Arc<Mutex<Left>>,
    thread: Option<JoinHandle<()>>,
}

impl Ingest {
    pub(super) fn new(
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        shards: usize,
        servers: Arc<IngestServers>,
    ) -> Self {
        Self { ids, mailbox, outside, shards, servers }
    }

    /// Listens from when this returns on. Gives the address, with its port.
    pub(super) fn create(
        &self,
        options: &RtmpServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        let mut servers = self.servers.lock();
        servers.retain(|_, handle| !handle.commands.is_closed());
        if servers.len() >= MAX_SERVERS {
            return Err(HostError::ServerLimit(MAX_SERVERS).into());
        }
        let tls = options.tls.as_ref().map(tls::identity).transpose()?;
        let bound = bind_tcp(options.address).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        let (listener, address) = bound.map_err(|error| {
            EngineError::from(HostError::Listen { address: options.address, error })
        })?;
        let id = IngestServerId::new(&self.ids, ShardIndex(0));
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let left = Arc::<Mutex<Left>>::default();
        let parts = ServerParts {
            id,
            listener,
            tls,
            max_inputs: options.max_inputs,
            mix_b_frames: options.mix_b_frames,
            silence: Duration::from_millis(options.silence.into()),
            ids: Arc::clone(&self.ids),
            mailbox: Arc::clone(&self.mailbox),
            outside: self.outside.clone(),
            shards: self.shards,
            commands,
            left: Arc::clone(&left),
        };
        let (server, waker) = IngestServer::new(parts).map_err(HostError::IngestThread)?;
        let thread = std::thread::Builder::new()
            .name("medialoom-ingest".to_owned())
            .spawn(move || server.run())
            .map_err(HostError::IngestThread)?;
        servers.insert(id, Handle { commands: sender, waker, left, thread: Some(thread) });
        Ok((id, address))
    }

    /// Listens for SRT from when this returns on. Gives the address, with its port.
    pub(super) fn create_srt(
        &self,
        options: &SrtServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        let mut servers = self.servers.lock();
        servers.retain(|_, handle| !handle.commands.is_closed());
        if servers.len() >= MAX_SERVERS {
            return Err(HostError::ServerLimit(MAX_SERVERS).into());
        }
        let bound = UdpSocket::bind(options.address)
            .and_then(|socket| socket.local_addr().map(|address| (socket, address)));
        let (socket, address) = bound.map_err(|error| {
            EngineError::from(HostError::Listen { address: options.address, error })
        })?;
        enlarge_buffers(&socket);
        let id = IngestServerId::new(&self.ids, ShardIndex(0));
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let left = Arc::<Mutex<Left>>::default();
        let parts = SrtServerParts {
            id,
            socket,
            max_inputs: options.max_inputs,
            mix_b_frames: options.mix_b_frames,
            latency: Duration::from_millis(options.latency.into()),
            silence: Duration::from_millis(options.silence.into()),
            passphrase: options.passphrase.clone().map(Zeroizing::new),
            ids: Arc::clone(&self.ids),
            mailbox: Arc::clone(&self.mailbox),
            outside: self.outside.clone(),
            shards: self.shards,
            commands,
            left: Arc::clone(&left),
        };
        let (server, waker) = SrtServer::new(parts).map_err(HostError::IngestThread)?;
        let thread = std::thread::Builder::new()
            .name("medialoom-srt".to_owned())
            .spawn(move || server.run())
            .map_err(HostError::IngestThread)?;
        servers.insert(id, Handle { commands: sender, waker, left, thread: Some(thread) });
        Ok((id, address))
    }

    /// Fetches an input by SRT. The reply to `opening` says whether it is there. What it is commanded by
    /// is a server of its own, which ends with it.
    pub(super) fn pull_srt(
        &self,
        opening: RequestId,
        options: &SrtPullOptions,
    ) -> Result<(IngestServerId, InputId), EngineError> {
        let mut servers = self.servers.lock();
        servers.retain(|_, handle| !handle.commands.is_closed());
        if servers.len() >= MAX_SERVERS {
            return Err(HostError::ServerLimit(MAX_SERVERS).into());
        }
        let any: IpAddr = match options.address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))
            .and_then(|socket| socket.connect(options.address).map(|()| socket))
            .map_err(HostError::IngestThread)?;
        enlarge_buffers(&socket);
        let id = IngestServerId::new(&self.ids, ShardIndex(0));
        let shard = ShardIndex((servers.len() % self.shards) as u8);
        let input = InputId::new(&self.ids, shard);
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let left = Arc::<Mutex<Left>>::default();
        let parts = SrtPullParts {
            input,
            opening,
            socket,
            silence: Duration::from_millis(options.silence.into()),
            mix_b_frames: options.mix_b_frames,
            ids: Arc::clone(&self.ids),
            mailbox: Arc::clone(&self.mailbox),
            outside: self.outside.clone(),
            commands,
            left: Arc::clone(&left),
        };
        let length = if options.key_length == 32 { KeyLength::Aes256 } else { KeyLength::Aes128 };
        let passphrase = options.passphrase.clone().map(Zeroizing::new);
        let caller = CallerOptions {
            stream_id: options.stream_id.clone(),
            passphrase: passphrase.map(|passphrase| (passphrase, length)),
            latency: Duration::from_millis(options.latency.into()),
        };
        let (pull, waker) = SrtPull::new(parts, caller).map_err(HostError::IngestThread)?;
        let thread = std::thread::Builder::new()
            .name("medialoom-srt".to_owned())
            .spawn(move || pull.run())
            .map_err(HostError::IngestThread)?;
        servers.insert(id, Handle { commands: sender, waker, left, thread: Some(thread) });
        Ok((id, input))
    }

    pub(super) fn command(
        &self,
        server: IngestServerId,
        command: IngestCommand,
    ) -> Result<(), EngineError> {
        let servers = self.servers.lock();
        let handle = servers.get(&server).ok_or(HostError::ServerClosed)?;
        handle.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => HostError::CallsWaitForServer { calls: MAX_COMMANDS },
            TrySendError::Closed(_) => HostError::ServerClosed,
        })?;
        handle.wake();
        Ok(())
    }

    /// Ends all servers and waits for their threads.
    pub(super) fn shutdown(&self) {
        let mut handles: Vec<Handle> =
            self.servers.lock().drain().map(|(_, handle)| handle).collect();
        for handle in &handles {
            handle.leave(|left| left.stop = true);
        }
        // Their wakers live until the threads are gone: a closed one wakes nobody any more.
        for thread in handles.iter_mut().filter_map(|handle| handle.thread.take()) {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl IngestServers {
    /// A shard lost all it had, tracks of inputs among it.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().values() {
            handle.leave(|left| left.ended.push(ended));
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdMap<IngestServerId, Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    fn leave(&self, what: impl FnOnce(&mut Left)) {
        what(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake();
    }

    fn wake(&self) {
        // It fails when the poller is gone, and the thread with it.
        let _ = self.waker.wake();
    }
}
