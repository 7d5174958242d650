//! The whole engine as its binding sees it: start, ask, shut down.

mod makers;
mod media;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use makers::Makers;

use super::error::HostError;
use super::hls::{Streaming, Streams};
use super::ingest::{Ingest, IngestServers};
use super::media_threads::MediaThreads;
#[cfg(feature = "mcu")]
use super::mixing::{Mixers, Mixing};
use super::playback::{Playback, Players};
use super::push::{KnownOutputs, Outputs};
use super::recording::{Recorders, Recordings};
use super::rtp_ports::{Bound, RtpPorts};
use super::rtsp::{Fetching, FetchingThread};
use super::tasks::TaskPool;
use crate::control::command::{Command, TransportCommand};
use crate::control::error::EngineError;
use crate::control::ids::{
    ChannelId, Ids, OutgoingTrackId, RequestId, ShardIndex, SlotsId, SourceId, SpeakersId,
    TransportId,
};
use crate::control::mailbox::Mailbox;
use crate::control::options::{EngineOptions, TransportOptions};
use crate::control::rtp::{BoundPort, RtpOptions};
use crate::control::snapshot;
use crate::control::speakers::SpeakersCommand;
use crate::control::stats::Shape;
use crate::engine::budget::Clock;
use crate::engine::cipher_speed::slow_cipher;
use crate::engine::load::{Load, Refusal};
use crate::engine::shard::EndpointParts;
use crate::net::ListenAddress;
use crate::plain::Setup;
use crate::webrtc::Certificates;

/// How much longer code takes that was not optimised.
const SLOWNESS: u32 = if cfg!(debug_assertions) { 10 } else { 1 };

/// Media threads with their sockets and DTLS certificates. Calls never block; what they ask for
/// shows as events in the mailbox.
pub struct Engine {
    media: MediaThreads,
    ids: Arc<Ids>,
    load: Arc<Load>,
    mailbox: Arc<Mailbox>,
    certificates: Arc<Certificates>,
    max_transports: usize,
    /// Groups of speakers there ever were: they take turns with the shards.
    groups: AtomicUsize,
    tasks: Arc<TaskPool>,
    recordings: Recordings,
    streaming: Streaming,
    playback: Playback,
    rtp_ports: RtpPorts,
    ingest: Ingest,
    fetching: Fetching,
    outputs: Outputs,
    #[cfg(feature = "mcu")]
    mixing: Mixing,
}

impl Engine {
    /// Binds the sockets and starts the threads.
    pub fn start(options: EngineOptions, mailbox: Arc<Mailbox>) -> Result<Self, EngineError> {
        if let Some(time) = slow_cipher(Instant::now) {
            let micros = time.as_micros();
            tracing::warn!(
                micros,
                "encrypting a packet is slow: no AES instructions, or OPENSSL_ia32cap hides them"
            );
        }
        let certificates = Certificates::generate(Instant::now()).map_err(HostError::Identity)?;
        let certificates = Arc::new(certificates);
        let ids = Arc::new(Ids::default());
        let load = Arc::new(Load::new(options.threads));
        let parts = EndpointParts {
            ids: ids.clone(),
            certificates: certificates.clone(),
            mailbox: mailbox.clone(),
            load: load.clone(),
            clock: Clock { now: Arc::new(Instant::now), slowness: SLOWNESS },
        };
        #[cfg(feature = "mcu")]
        let mixers = Arc::<Mixers>::default();
        let recorders = Arc::<Recorders>::default();
        let streams = Arc::<Streams>::default();
        let players = Arc::<Players>::default();
        let servers = Arc::<IngestServers>::default();
        let fetchers = Arc::<FetchingThread>::default();
        let outputs = Arc::<KnownOutputs>::default();
        let makers = Makers {
            parts,
            shards: options.threads,
            #[cfg(feature = "mcu")]
            mixers: Arc::clone(&mixers),
            recorders: Arc::clone(&recorders),
            streams: Arc::clone(&streams),
            players: Arc::clone(&players),
            servers: Arc::clone(&servers),
            fetchers: Arc::clone(&fetchers),
            outputs: Arc::clone(&outputs),
        };
        let (media, outside) = MediaThreads::start(&options, makers)?;
        let tasks = Arc::new(TaskPool::new(options.task_threads));
        let recordings = Recordings::new(
            Arc::clone(&tasks),
            ids.clone(),
            mailbox.clone(),
            outside.clone(),
            recorders,
        );
        let streaming = Streaming::new(
            Arc::clone(&tasks),
            ids.clone(),
            mailbox.clone(),
            outside.clone(),
            streams,
        );
        let playback = Playback::new(
            Arc::clone(&tasks),
            ids.clone(),
            mailbox.clone(),
            outside.clone(),
            media.shards(),
            players,
        );
        let outputs = Outputs::new(ids.clone(), mailbox.clone(), outside.clone(), outputs);
        let fetching =
            Fetching::new(ids.clone(), mailbox.clone(), outside.clone(), media.shards(), fetchers);
        let ingest =
            Ingest::new(ids.clone(), mailbox.clone(), outside.clone(), media.shards(), servers);
        #[cfg(feature = "mcu")]
        let mixing = Mixing::new(
            Arc::clone(&tasks),
            ids.clone(),
            mailbox.clone(),
            outside,
            media.shards(),
            mixers,
        );
        #[cfg(not(feature = "mcu"))]
        drop(outside);
        Ok(Self {
            media,
            ids,
            load,
            mailbox,
            certificates,
            max_transports: options.max_transports,
            groups: AtomicUsize::new(0),
            tasks,
            recordings,
            streaming,
            playback,
            rtp_ports: RtpPorts::default(),
            ingest,
            fetching,
            outputs,
            #[cfg(feature = "mcu")]
            mixing,
        })
    }

    /// What is listened on, by thread.
    pub fn addresses(&self) -> &[ListenAddress] {
        self.media.addresses()
    }

    /// As in `a=fingerprint`, of a transport that is made now.
    pub fn fingerprint(&self) -> String {
        self.certificates.current(Instant::now()).fingerprint().to_owned()
    }

    /// Makes a transport on the shard with the fewest.
    ///
    /// Errors: `Limit` when the endpoint has as many as it may, `Busy` when all threads are
    /// overloaded, `QueueFull`, `Closed`.
    pub fn create_transport(&self, options: TransportOptions) -> Result<TransportId, EngineError> {
        let shard = self.load.admit(self.max_transports).map_err(|refusal| match refusal {
            Refusal::Limit => HostError::TransportLimit(self.max_transports),
            Refusal::Overload => HostError::Overload,
        })?;
        let transport = TransportId::new(&self.ids, shard);
        let command = Command::CreateTransport { transport, options: Box::new(options) };
        match self.media.send(shard, command) {
            Ok(()) => Ok(transport),
            Err(error) => {
                self.load.leave(shard);
                Err(error)
            }
        }
    }

    /// Makes a transport of plain RTP, with its ports. The reply to `request` says that its tracks were
    /// told of.
    ///
    /// Errors: `InvalidArg` and `CodecMismatch` for what the options say, `Listen` when a port cannot
    /// be had; else as [`create_transport`](Self::create_transport).
    pub fn create_rtp_transport(
        &self,
        request: RequestId,
        options: RtpOptions,
    ) -> Result<(TransportId, Vec<BoundPort>), EngineError> {
        Setup::new(&options)?;
        let refused = |refusal| match refusal {
            Refusal::Limit => HostError::TransportLimit(self.max_transports),
            Refusal::Overload => HostError::Overload,
        };
        let shard = match self.rtp_ports.shard(&options) {
            Some(shard) => self.load.admit_to(shard, self.max_transports),
            None => self.load.admit(self.max_transports),
        };
        let shard = shard.map_err(refused)?;
        let made = self.rtp_ports.bind(&options, shard).and_then(|Bound { ports, new }| {
            let transport = TransportId::new(&self.ids, shard);
            self.media.open_ports(shard, new)?;
            let (options, told) = (Box::new(options), ports.clone());
            let command = Command::CreateRtpTransport { request, transport, options, ports };
            self.media.send(shard, command)?;
            Ok((transport, told))
        });
        made.inspect_err(|_| self.load.leave(shard))
    }

    /// For a new outgoing track.
    pub fn outgoing_track_id(&self, transport: TransportId) -> OutgoingTrackId {
        OutgoingTrackId::new(&self.ids, transport.shard())
    }

    /// For a new data channel.
    pub fn channel_id(&self, transport: TransportId) -> ChannelId {
        ChannelId::new(&self.ids, transport.shard())
    }

    /// For a new group of speakers.
    pub fn speakers_id(&self) -> SpeakersId {
        let shard = self.groups.fetch_add(1, Ordering::Relaxed) % self.media.shards();
        SpeakersId::new(&self.ids, ShardIndex(shard as u8))
    }

    /// For slots of a group: a single one, and those that are made together.
    pub fn slot_id(&self, group: SpeakersId) -> SourceId {
        SourceId::new(&self.ids, group.shard())
    }

    /// For slots that are made together.
    pub fn slots_id(&self, group: SpeakersId) -> SlotsId {
        SlotsId::new(&self.ids, group.shard())
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn speakers(&self, group: SpeakersId, command: SpeakersCommand) -> Result<(), EngineError> {
        self.media.send(group.shard(), Command::Speakers { group, command })
    }

    /// Who begins with a track from now on gets nothing of what came before.
    ///
    /// Errors: `QueueFull`, `Closed`.
    pub fn forget_past(&self, track: SourceId) -> Result<(), EngineError> {
        self.media.send(track.shard(), Command::ForgetPast { track })
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn command(
        &self,
        transport: TransportId,
        command: TransportCommand,
    ) -> Result<(), EngineError> {
        self.media.send(transport.shard(), Command::Transport { transport, command })
    }

    /// Sends on `channel` whatever arrives on `source`, from the moment this returns.
    ///
    /// Errors: `QueueFull`, `Closed`; nothing was attached then.
    pub fn attach_channel(
        &self,
        transport: TransportId,
        channel: ChannelId,
        source: ChannelId,
    ) -> Result<(), EngineError> {
        self.media.send_all(Command::attach_channel(transport, channel, source))
    }

    /// Asks for one snapshot of everything, or of one transport.
    pub fn stats(&self, request: RequestId, only: Option<TransportId>) -> Result<(), EngineError> {
        let (shape, shards) = match only {
            Some(transport) => (Shape::Transport, vec![transport.shard()]),
            None => {
                (Shape::Endpoint, (0..self.media.shards()).map(|k| ShardIndex(k as u8)).collect())
            }
        };
        let mailbox = self.mailbox.clone();
        let collector = snapshot::collector(request, mailbox, shape);
        #[cfg(feature = "mcu")]
        if only.is_none() {
            self.mixing.add_stats(&collector)?;
        }
        if only.is_none() {
            self.recordings.add_stats(&collector)?;
        }
        // Each has one, and nobody else: whoever lets go last answers.
        let collectors = std::iter::repeat_n(collector, shards.len());
        shards.into_iter().zip(collectors).try_for_each(|(shard, collector)| {
            self.media.send(shard, Command::Stats { collector, only })
        })
    }

    /// Has a media thread believe that it is so busy, 0 to 1.
    #[cfg(feature = "fault-injection")]
    pub fn inject_load(&self, shard: ShardIndex, busy: f32) -> Result<(), EngineError> {
        self.media.send(shard, Command::Load { busy })
    }

    /// Ends a media thread by a fault.
    #[cfg(feature = "fault-injection")]
    pub fn panic(&self, shard: ShardIndex) -> Result<(), EngineError> {
        self.media.send(shard, Command::Panic)
    }

    /// Closes everything and ends the threads. Calling it twice is fine.
    pub fn shutdown(&self) {
        self.streaming.shutdown();
        self.ingest.shutdown();
        self.fetching.shutdown();
        self.outputs.shutdown();
        self.tasks.shutdown();
        // Recorders that ended just now have left something to write.
        self.recordings.shutdown();
        self.playback.shutdown();
        self.media.shutdown();
    }
}
