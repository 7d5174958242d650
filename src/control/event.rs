//! What a media thread tells JavaScript.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use super::error::EngineError;
use super::http::HttpAnswer;
use super::ids::{
    ChannelId, ConduitId, Ended, HlsId, IngestServerId, InputId, MixerId, OutgoingTrackId,
    OutputId, PlayerId, PortId, RecordedTrackId, RecorderId, RequestId, SourceId, SpeakersId,
    TransportId,
};
use super::ingest::InputTrackInfo;
use super::layers::{BandwidthReport, EncodingDemand, ForwardedLayer, LayerReason};
use super::options::ChannelOptions;
use super::player::PlayerPosition;
use super::recording::{LineFormat, RecordingProgress};
use super::rtsp::RtspState;
use crate::codec::{Codec, Kind};

/// As RTCPeerConnectionState.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransportState {
    New,
    Connecting,
    Connected,
    Disconnected,
    Closed,
}

impl TransportState {
    /// As JavaScript names it.
    pub fn name(self) -> &'static str {
        match self {
            TransportState::New => "new",
            TransportState::Connecting => "connecting",
            TransportState::Connected => "connected",
            TransportState::Disconnected => "disconnected",
            TransportState::Closed => "closed",
        }
    }
}

/// Why something closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    Closed,
    Parent,
    Remote,
    Timeout,
    ConnectTimeout,
    /// It has grown to what its options allow.
    Limit,
    Error,
}

impl CloseReason {
    /// As JavaScript names it.
    pub fn name(self) -> &'static str {
        match self {
            CloseReason::Closed => "closed",
            CloseReason::Parent => "parent",
            CloseReason::Remote => "remote",
            CloseReason::Timeout => "timeout",
            CloseReason::ConnectTimeout => "connect-timeout",
            CloseReason::Limit => "limit",
            CloseReason::Error => "error",
        }
    }
}

/// An encoding as JavaScript sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodingInfo {
    /// Its place in its track, by which it is known whatever its RID and SSRC are.
    pub index: u8,
    pub rid: Option<String>,
    pub ssrc: u32,
    pub active: bool,
    pub codec: Codec,
}

/// An m-line a peer sends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncomingTrackInfo {
    pub id: SourceId,
    pub kind: Kind,
    pub mid: String,
    /// The two halves of the MSID; `-` and empty when the peer gave none.
    pub stream: String,
    pub track: String,
    /// Negotiated codecs, most wanted first.
    pub codecs: Vec<Codec>,
    /// Simulcast RIDs the SDP announces.
    pub rids: Vec<String>,
    /// Pictures may come in another order than that in which they are shown, for mixers alone.
    pub reordered: bool,
}

/// The answer to a command that carried a [`RequestId`].
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    Done,
    /// SDP, or a fragment of it.
    Sdp(String),
    /// Nothing to say back.
    None,
    /// A file.
    Bytes(Vec<u8>),
    /// To a player of HLS.
    Http(HttpAnswer),
    /// What a player has, as JSON.
    Player(String),
    /// Seconds.
    Seconds(f64),
    /// The statistics that `getStats` of an endpoint, a transport, a mixer or a recorder gives, as JSON.
    Stats(String),
}

/// Something that JavaScript is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    Reply {
        request: RequestId,
        result: Result<Reply, EngineError>,
    },

    /// A media thread died, and with it all transports and groups of speakers that it had. Nothing
    /// more is told of them.
    ThreadEnded {
        ended: Ended,
        error: EngineError,
    },
    /// A media thread is too busy, or gives something else up for that than before. Overwrites the
    /// one before.
    Load {
        thread: u8,
        /// 0 to 1.
        busy: f32,
        /// It takes no new transports.
        overloaded: bool,
        /// How much of its best bitrate a video track is sent at most, 0 to 1.
        layers: f64,
    },

    TransportState {
        transport: TransportId,
        state: TransportState,
    },
    NegotiationNeeded {
        transport: TransportId,
    },
    /// Overwrites the one before.
    Bandwidth {
        transport: TransportId,
        report: BandwidthReport,
    },
    /// A fault; [`Event::TransportClosed`] follows when it was fatal.
    TransportError {
        transport: TransportId,
        error: EngineError,
    },
    /// The last event of a transport; everything below it closed with it.
    TransportClosed {
        transport: TransportId,
        reason: CloseReason,
    },

    IncomingTrack {
        transport: TransportId,
        info: Box<IncomingTrackInfo>,
    },
    /// A port of plain RTP hears the far end at this address from now on. `media` is the line's place,
    /// `encoding` that of the port.
    RtpRemote {
        transport: TransportId,
        media: usize,
        encoding: usize,
        remote: SocketAddr,
    },
    /// Something of what comes by plain RTP is left out.
    RtpWarning {
        transport: TransportId,
        error: EngineError,
    },
    /// The peer renegotiated: it sends (false) or does not send (true) on the m-line.
    IncomingTrackMuted {
        id: SourceId,
        muted: bool,
    },
    IncomingTrackClosed {
        id: SourceId,
        reason: CloseReason,
    },
    /// An encoding appeared or became active or inactive. Overwrites the one before of its place.
    Encoding {
        id: SourceId,
        encoding: EncodingInfo,
    },
    /// Overwrites the one before that JavaScript has not seen yet.
    AudioLevel {
        id: SourceId,
        level: i8,
        voice: bool,
    },

    /// The peer pressed a key of a telephone (RFC 4733).
    TelephoneEvent {
        id: SourceId,
        event: u8,
        /// What stands on it, for events 0 to 15.
        key: Option<char>,
        duration: Duration,
        /// dBm0, -63 to 0.
        volume: i8,
    },
    /// Which encodings of the track anybody takes. Overwrites the one before.
    Demand {
        id: SourceId,
        encodings: Vec<EncodingDemand>,
    },
    /// Who has the word in a group. Overwrites the one before.
    Speaker {
        group: SpeakersId,
        track: Option<SourceId>,
    },
    /// A member of a group begins or stops to speak. Overwrites the one before of its track.
    Speaking {
        group: SpeakersId,
        track: SourceId,
        speaking: bool,
    },
    /// What feeds a slot of speakers now. Overwrites the one before.
    SpeakerSlot {
        slot: SourceId,
        track: Option<SourceId>,
    },

    /// Whom a mixer lets be heard, the loudest first. Overwrites the one before.
    MixerSpeakers {
        mixer: MixerId,
        ports: Vec<PortId>,
    },
    /// How much effort a mixer's pictures get from now on, and how late the ticks before were.
    /// Overwrites the one before.
    MixerEffort {
        mixer: MixerId,
        effort: &'static str,
        late: Duration,
    },
    /// A fault that ends the mixer; [`Event::MixerClosed`] follows.
    MixerError {
        mixer: MixerId,
        error: EngineError,
    },
    /// The last event of a mixer.
    MixerClosed {
        mixer: MixerId,
        reason: CloseReason,
    },
    /// A file that a port played is over.
    PortFileEnded {
        port: PortId,
    },
    /// How far a recording is. Overwrites the one before.
    RecorderProgress {
        recorder: RecorderId,
        progress: RecordingProgress,
    },
    /// A recorder goes on with another file.
    RecorderFile {
        recorder: RecorderId,
        file: PathBuf,
    },
    /// A line of a recording has another entry in the file from here on.
    RecordedTrackFormat {
        line: RecordedTrackId,
        format: LineFormat,
    },
    /// A line of a recording ended because of this.
    RecordedTrackError {
        line: RecordedTrackId,
        error: EngineError,
    },
    /// A fault that ends the recorder; [`Event::RecorderClosed`] follows.
    RecorderError {
        recorder: RecorderId,
        error: EngineError,
    },
    /// The last event of a recorder.
    RecorderClosed {
        recorder: RecorderId,
        reason: CloseReason,
        progress: RecordingProgress,
    },
    /// Somebody watches a stream of HLS, or nobody does any more.
    HlsWatched {
        hls: HlsId,
        watched: bool,
    },
    /// A rendition cannot be made of what feeds it.
    RenditionError {
        rendition: RecordedTrackId,
        error: EngineError,
    },
    /// It panicked, and is closed.
    HlsFailed {
        hls: HlsId,
        error: EngineError,
    },

    /// Where a player is, each time that it goes on in another way than before.
    PlayerState {
        player: PlayerId,
        position: PlayerPosition,
    },
    /// A player begins with another file, or with the first one again.
    PlayerItem {
        player: PlayerId,
        item: usize,
        looped: bool,
    },
    /// All of its files are over.
    PlayerEnded {
        player: PlayerId,
    },
    /// A file of a player, by its place, cannot be played, or no further. Without a place it is a fault
    /// that ends the player; [`Event::PlayerClosed`] follows.
    PlayerError {
        player: PlayerId,
        item: Option<usize>,
        error: EngineError,
    },
    /// The last event of a player.
    PlayerClosed {
        player: PlayerId,
        reason: CloseReason,
    },

    /// Somebody asks a server whether he may publish. Answered by
    /// [`IngestCommand::Answer`](super::ingest::IngestCommand::Answer).
    InputAsks {
        server: IngestServerId,
        input: InputId,
        app: String,
        key: String,
        /// Address and port that he comes from.
        remote: SocketAddr,
    },
    /// Who asked is gone before he was answered.
    InputWithdrawn {
        server: IngestServerId,
        input: InputId,
    },
    /// An input has a track.
    InputTrack {
        input: InputId,
        info: InputTrackInfo,
    },
    /// What an encoder says of itself, as JSON.
    InputMetadata {
        input: InputId,
        metadata: String,
    },
    /// Something of an input is left out, and why; the rest goes on.
    InputWarning {
        input: InputId,
        error: EngineError,
    },
    /// Nothing has come of an input for as long as its server was told.
    InputStalled {
        input: InputId,
    },
    /// Something comes of it again.
    InputResumed {
        input: InputId,
    },
    /// A track of an input ended before it.
    InputTrackClosed {
        track: SourceId,
    },
    /// The last event of an input. With an error where one ended it.
    InputClosed {
        input: InputId,
        reason: CloseReason,
        error: Option<EngineError>,
    },
    /// What is fetched by RTSP stands somewhere else now, and why.
    InputState {
        input: InputId,
        state: RtspState,
        error: Option<EngineError>,
        /// Milliseconds until it is tried again.
        delay: Option<u64>,
    },
    /// The addresses of a host are asked for. Answered by
    /// [`RtspCommand::Resolved`](super::rtsp::RtspCommand::Resolved).
    InputResolve {
        input: InputId,
        /// Counts up with each.
        question: u32,
        host: String,
    },
    /// The connection to a server was lost, and is made again.
    OutputDisconnected {
        output: OutputId,
        error: EngineError,
    },
    /// It was.
    OutputReconnected {
        output: OutputId,
    },
    /// Nothing more is pushed to a server. With an error where one ended it.
    OutputClosed {
        output: OutputId,
        reason: CloseReason,
        error: Option<EngineError>,
    },
    /// A server failed and took its inputs with it. Its last event.
    IngestServerFailed {
        server: IngestServerId,
        error: EngineError,
    },

    /// A reader has something, or a writer has room. Overwrites the one before.
    Conduit {
        id: ConduitId,
    },
    ConduitClosed {
        id: ConduitId,
    },

    OutgoingTrackNegotiated {
        id: OutgoingTrackId,
        mid: String,
    },
    OutgoingTrackClosed {
        id: OutgoingTrackId,
        reason: CloseReason,
    },
    /// What the transponder forwards now. Overwrites the one before.
    TransponderEncoding {
        id: OutgoingTrackId,
        encoding: Option<EncodingInfo>,
    },
    /// The layers that the transponder forwards, with `None` for nothing. Overwrites the one
    /// before.
    TransponderLayer {
        id: OutgoingTrackId,
        layer: Option<ForwardedLayer>,
        reason: LayerReason,
    },
    TransponderError {
        id: OutgoingTrackId,
        error: EngineError,
    },

    /// The peer opened a channel. It is open.
    ChannelAnnounced {
        transport: TransportId,
        id: ChannelId,
        options: Box<ChannelOptions>,
    },
    ChannelOpen {
        id: ChannelId,
    },
    ChannelMessage {
        id: ChannelId,
        binary: bool,
        data: Bytes,
    },
    /// Bytes accepted by `SendMessage` and not acknowledged yet. Overwrites the one before.
    /// `accepted` counts all bytes that `SendMessage` ever brought, so that JavaScript can add
    /// what is still on its way here.
    ChannelBufferedAmount {
        id: ChannelId,
        amount: usize,
        accepted: u64,
    },
    ChannelBufferedAmountLow {
        id: ChannelId,
    },
    ChannelError {
        id: ChannelId,
        error: EngineError,
    },
    ChannelClosed {
        id: ChannelId,
        reason: CloseReason,
    },
}
