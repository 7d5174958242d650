//! Servers that encoders push to, each on a thread of its own, so that what strangers send never waits
//! in front of media.

mod desk;
mod rtmp;
mod service;
mod srt;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Poll, Waker};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::backoff::Backoff;
use super::error::HostError;
use super::media_threads::Outside;
use super::refusals::Refusals;
use super::{outward, tls};
use crate::control::error::EngineError;
use crate::control::ids::{Ended, IdMap, Ids, IngestServerId, InputId, RequestId, ShardIndex};
use crate::control::ingest::{IngestCommand, RtmpServerOptions, SrtPullOptions, SrtServerOptions};
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::engine::rtsp::PullError;
use crate::ingest::srt::CallerOptions;
use crate::net::listen::bind_tcp;
use crate::net::udp::enlarge_buffers;
use desk::Desk;
use rtmp::RtmpServer;
use service::{Left, Protocol, Service, WAKE};
use srt::{SrtPull, SrtServer};

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

    /// Listens for RTMP from when this returns on. Gives the address, with its port.
    pub(super) fn create(
        &self,
        options: &RtmpServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        let mut servers = self.room()?;
        let tls = options.tls.as_ref().map(tls::identity).transpose()?;
        let bound = bind_tcp(options.address).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        let (listener, address) = bound.map_err(|error| {
            EngineError::from(HostError::Listen { address: options.address, error })
        })?;
        let desk = self.desk(options.silence, options.mix_b_frames, 0);
        let id = begin(&mut servers, "medialoom-ingest", desk, |poll, desk| {
            RtmpServer::new(poll, desk, listener, tls, options.max_inputs)
        })?;
        Ok((id, address))
    }

    /// Listens for SRT from when this returns on. Gives the address, with its port.
    pub(super) fn create_srt(
        &self,
        options: &SrtServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        let mut servers = self.room()?;
        let bound = UdpSocket::bind(options.address)
            .and_then(|socket| socket.local_addr().map(|address| (socket, address)));
        let (socket, address) = bound.map_err(|error| {
            EngineError::from(HostError::Listen { address: options.address, error })
        })?;
        enlarge_buffers(&socket);
        let desk = self.desk(options.silence, options.mix_b_frames, 0);
        let id = begin(&mut servers, "medialoom-srt", desk, |poll, desk| {
            SrtServer::new(poll, desk, socket, options)
        })?;
        Ok((id, address))
    }

    /// Fetches an input by SRT. The reply to `opening` says whether it is there. What it is commanded by
    /// is a server of its own, which ends with it.
    ///
    /// # Errors
    /// `ERR_FORBIDDEN_ADDRESS`: of a private address that is not allowed.
    pub(super) fn pull_srt(
        &self,
        opening: RequestId,
        options: &SrtPullOptions,
    ) -> Result<(IngestServerId, InputId), EngineError> {
        let address = options.address;
        if !outward::may_ask(address.ip(), options.allow_private, &options.allow) {
            return Err(PullError::ForbiddenAddress.into());
        }
        let mut servers = self.room()?;
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))
            .and_then(|socket| socket.connect(address).map(|()| socket))
            .map_err(HostError::IngestThread)?;
        enlarge_buffers(&socket);
        let mut desk = self.desk(options.silence, options.mix_b_frames, servers.len());
        let input = desk.new_id();
        let SrtPullOptions { stream_id, passphrase, key_length, latency, .. } = options;
        let caller = CallerOptions::new(stream_id, passphrase.as_deref(), *key_length, *latency);
        let backoff = options.reconnect.map(Backoff::new);
        let id = begin(&mut servers, "medialoom-srt", desk, |poll, desk| {
            SrtPull::new(poll, desk, (input, opening), socket, caller, backoff)
        })?;
        Ok((id, input))
    }

    /// The servers there are, if there is room for one more.
    fn room(&self) -> Result<MutexGuard<'_, IdMap<IngestServerId, Handle>>, EngineError> {
        let mut servers = self.servers.lock();
        servers.retain(|_, handle| !handle.commands.is_closed());
        if servers.len() >= MAX_SERVERS {
            return Err(HostError::ServerLimit(MAX_SERVERS).into());
        }
        Ok(servers)
    }

    /// What one more server makes inputs with, on the shards from the one of this turn on.
    fn desk(&self, silence: u32, mix_b_frames: bool, made: usize) -> Desk {
        Desk {
            id: IngestServerId::new(&self.ids, ShardIndex(0)),
            ids: Arc::clone(&self.ids),
            mailbox: Arc::clone(&self.mailbox),
            outside: self.outside.clone(),
            shards: self.shards,
            made,
            silence: Duration::from_millis(silence.into()),
            mix_b_frames,
            refusals: Refusals::default(),
        }
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

/// Has what `make` gives run on a thread of its own.
fn begin<P: Protocol + Send + 'static>(
    servers: &mut IdMap<IngestServerId, Handle>,
    name: &str,
    desk: Desk,
    make: impl FnOnce(&Poll, Desk) -> io::Result<P>,
) -> Result<IngestServerId, EngineError> {
    let id = desk.id;
    let (sender, commands) = mpsc::channel(MAX_COMMANDS);
    let left = Arc::<Mutex<Left>>::default();
    let poll = Poll::new().map_err(HostError::IngestThread)?;
    let waker = Waker::new(poll.registry(), WAKE).map_err(HostError::IngestThread)?;
    let protocol = make(&poll, desk).map_err(HostError::IngestThread)?;
    let service = Service { protocol, poll, commands, left: Arc::clone(&left) };
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || service.run())
        .map_err(HostError::IngestThread)?;
    servers.insert(id, Handle { commands: sender, waker, left, thread: Some(thread) });
    Ok(id)
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
