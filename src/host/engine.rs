//! The whole engine as its binding sees it: start, ask, shut down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::error::HostError;
use super::hls::{Streaming, Streams};
use super::ingest::{Ingest, IngestServers};
use super::media_thread::{Shards, Start};
use super::media_threads::MediaThreads;
#[cfg(feature = "mcu")]
use super::mixing::{MixedTrackInfo, MixerInfo, Mixers, Mixing};
use super::playback::{Item, Playback, Players};
use super::push::{KnownOutputs, Outputs};
use super::recording::{Recorders, Recordings};
use super::rtp_ports::{Bound, RtpPorts};
use super::tasks::TaskPool;
use crate::control::command::{Command, TransportCommand};
#[cfg(feature = "mcu")]
use crate::control::conduit::Conduit;
use crate::control::error::EngineError;
use crate::control::event::Event;
use crate::control::hls::{HlsCommand, HlsOptions};
use crate::control::ids::{
    ChannelId, Ended, HlsId, Ids, IngestServerId, InputId, OutgoingTrackId, OutputId, PlayerId,
    RecordedTrackId, RecorderId, RequestId, ShardIndex, SlotsId, SourceId, SpeakersId, TransportId,
};
#[cfg(feature = "mcu")]
use crate::control::ids::{MixerId, PortId};
use crate::control::ingest::{
    IngestCommand, OutputCommand, RtmpOutputOptions, RtmpServerOptions, SrtOutputOptions,
    SrtPullOptions, SrtServerOptions,
};
use crate::control::mailbox::Mailbox;
#[cfg(feature = "mcu")]
use crate::control::mixer::{MixerCommand, MixerOptions, PortOptions};
use crate::control::options::{EngineOptions, TransportOptions};
use crate::control::player::{PlayerCommand, PlayerOptions};
use crate::control::recorder::{RecorderCommand, RecorderOptions};
use crate::control::rtp::{BoundPort, RtpOptions};
use crate::control::snapshot;
use crate::control::speakers::SpeakersCommand;
use crate::control::stats::Shape;
use crate::engine::budget::Clock;
use crate::engine::cipher_speed::slow_cipher;
use crate::engine::load::{Load, Refusal};
use crate::engine::shard::{EndpointParts, Shard};
use crate::net::ListenAddress;
use crate::plain::Setup;
#[cfg(feature = "mcu")]
use crate::queue::conduit::Weight;
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

    /// Asks for a snapshot of one mixer.
    ///
    /// Errors: `QueueFull`, `Closed`.
    #[cfg(feature = "mcu")]
    pub fn mixer_stats(&self, request: RequestId, mixer: MixerId) -> Result<(), EngineError> {
        let collector = snapshot::collector(request, self.mailbox.clone(), Shape::Mixer);
        self.mixer(mixer, MixerCommand::Stats { collector })
    }

    /// Makes a mixer, with tracks that can be attached to at once.
    ///
    /// Errors: `InvalidArg`, `Limit`, `QueueFull`, `Io`.
    #[cfg(feature = "mcu")]
    pub fn create_mixer(&self, options: &MixerOptions) -> Result<MixerInfo, EngineError> {
        self.mixing.create(options)
    }

    /// Adds a font, for letters on the canvases of mixers made from then on that neither DejaVu
    /// Sans has nor a font added before.
    ///
    /// Errors: `InvalidArg` when it is none, or one too many.
    #[cfg(feature = "mcu")]
    pub fn add_font(&self, file: Vec<u8>) -> Result<(), EngineError> {
        self.mixing.add_font(file)
    }

    /// Makes a place in a mixer, with the track that it gets.
    ///
    /// Errors: `Limit`, `QueueFull`, `Closed`.
    #[cfg(feature = "mcu")]
    pub fn add_port(
        &self,
        mixer: MixerId,
        options: PortOptions,
    ) -> Result<(PortId, Option<MixedTrackInfo>), EngineError> {
        self.mixing.add_port(mixer, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    #[cfg(feature = "mcu")]
    pub fn mixer(&self, mixer: MixerId, command: MixerCommand) -> Result<(), EngineError> {
        self.mixing.command(mixer, command)
    }

    /// A queue between a mixer and JavaScript, bounded by the weight of what is in it.
    #[cfg(feature = "mcu")]
    pub fn conduit<T: Weight>(&self, mixer: MixerId, capacity: usize) -> Arc<Conduit<T>> {
        self.mixing.conduit(mixer, capacity)
    }

    /// Makes a recorder. The reply to `opening` says whether there is a file.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn create_recorder(
        &self,
        opening: RequestId,
        options: RecorderOptions,
    ) -> Result<RecorderId, EngineError> {
        self.recordings.create(opening, options)
    }

    /// For a line of a recording that is made next.
    pub fn recorded_track_id(&self) -> RecordedTrackId {
        self.recordings.line_id()
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn recorder(
        &self,
        recorder: RecorderId,
        command: RecorderCommand,
    ) -> Result<(), EngineError> {
        self.recordings.command(recorder, command)
    }

    /// Makes a stream of HLS.
    ///
    /// Errors: `Limit`, `InvalidArg` when another one has the name, `Io`.
    pub fn create_hls(&self, options: HlsOptions) -> Result<HlsId, EngineError> {
        self.streaming.create(options)
    }

    /// For a rendition that is made next.
    pub fn rendition_id(&self) -> RecordedTrackId {
        self.streaming.rendition_id()
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn hls(&self, hls: HlsId, command: HlsCommand) -> Result<(), EngineError> {
        self.streaming.command(hls, command)
    }

    /// What a player of HLS gets; the reply to `request` is the answer, when there is one.
    ///
    /// Errors: `Closed`.
    pub fn ask_hls(
        &self,
        hls: HlsId,
        path: &str,
        query: &str,
        request: RequestId,
    ) -> Result<(), EngineError> {
        self.streaming.ask(hls, path, query, request)
    }

    /// Serves all streams of HLS at an address of their own. Gives the address.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn listen_hls(&self, address: SocketAddr) -> Result<SocketAddr, EngineError> {
        self.streaming.listen(address)
    }

    /// Makes a player. The reply to `opening` says what its tracks are.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn create_player(
        &self,
        opening: RequestId,
        items: Vec<Item>,
        options: PlayerOptions,
    ) -> Result<PlayerId, EngineError> {
        self.playback.create(opening, items, options)
    }

    /// Adds files behind those that a player has.
    ///
    /// Errors: `Limit`, `QueueFull`, `Closed`.
    pub fn add_to_player(&self, player: PlayerId, items: Vec<Item>) -> Result<(), EngineError> {
        self.playback.add(player, items)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn player(&self, player: PlayerId, command: PlayerCommand) -> Result<(), EngineError> {
        self.playback.command(player, command)
    }

    /// Makes an RTMP server, which listens when this returns. Gives its address, with the port.
    ///
    /// Errors: `InvalidArg` with `options.tls.cert` or `options.tls.key`, `Listen`, `Limit`, `Io`.
    pub fn create_rtmp_server(
        &self,
        options: &RtmpServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        self.ingest.create(options)
    }

    /// Makes an SRT server, which listens when this returns. Gives its address, with the port.
    ///
    /// Errors: `Listen`, `Limit`, `Io`.
    pub fn create_srt_server(
        &self,
        options: &SrtServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        self.ingest.create_srt(options)
    }

    /// Fetches an input by SRT. The reply to `opening` says whether it is there. Gives what commands to it
    /// go to, and the input.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn pull_srt(
        &self,
        opening: RequestId,
        options: &SrtPullOptions,
    ) -> Result<(IngestServerId, InputId), EngineError> {
        self.ingest.pull_srt(opening, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn ingest(
        &self,
        server: IngestServerId,
        command: IngestCommand,
    ) -> Result<(), EngineError> {
        self.ingest.command(server, command)
    }

    /// Pushes tracks to an RTMP server. The reply to `opening` says whether it takes them.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn create_rtmp_output(
        &self,
        opening: RequestId,
        options: &RtmpOutputOptions,
    ) -> Result<OutputId, EngineError> {
        self.outputs.create(opening, options)
    }

    /// Sends tracks by SRT to somebody, or to whoever calls. The reply to `opening` says when. Gives the
    /// port of this end.
    ///
    /// Errors: `Limit`, `Io`, `Listen`.
    pub fn create_srt_output(
        &self,
        opening: RequestId,
        options: &SrtOutputOptions,
    ) -> Result<(OutputId, u16), EngineError> {
        self.outputs.create_srt(opening, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn output(&self, output: OutputId, command: OutputCommand) -> Result<(), EngineError> {
        self.outputs.command(output, command)
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
        self.outputs.shutdown();
        self.tasks.shutdown();
        // Recorders that ended just now have left something to write.
        self.recordings.shutdown();
        self.playback.shutdown();
        self.media.shutdown();
    }
}

/// Makes the shards of an endpoint, and tells everybody when the thread of one died.
struct Makers {
    parts: EndpointParts,
    shards: usize,
    #[cfg(feature = "mcu")]
    mixers: Arc<Mixers>,
    recorders: Arc<Recorders>,
    streams: Arc<Streams>,
    players: Arc<Players>,
    servers: Arc<IngestServers>,
    outputs: Arc<KnownOutputs>,
}

impl Shards for Makers {
    type Shard = Shard;

    fn make(&self, start: Start) -> Shard {
        let Start { shard, candidates, counters, after } = start;
        let parts = self.parts.clone();
        let mut made = Shard::new(Instant::now(), shard, parts, candidates, counters);
        if let Some(ended) = after {
            made.succeed(ended, self.shards);
        }
        made
    }

    fn ended(&self, shard: ShardIndex) -> Ended {
        let EndpointParts { ids, mailbox, load, .. } = &self.parts;
        // First of all: no transport that ended is counted, and none goes there.
        load.went_down(shard);
        let ended = Ended::new(ids, shard);
        mailbox.post(Event::ThreadEnded { ended, error: HostError::ThreadFailed(shard).into() });
        #[cfg(feature = "mcu")]
        self.mixers.thread_ended(ended);
        self.recorders.thread_ended(ended);
        self.streams.thread_ended(ended);
        self.players.thread_ended(ended);
        self.servers.thread_ended(ended);
        self.outputs.thread_ended(ended);
        ended
    }
}
