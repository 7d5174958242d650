//! What JavaScript asks of a media thread.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::ids::{
    ChannelId, OutgoingTrackId, RequestId, ShardIndex, SourceId, SpeakersId, TransportId,
};
use super::layers::Preferences;
use super::options::{ChannelOptions, TransportOptions};
use super::rtp::{BoundPort, RtpOptions};
use super::snapshot::StatsCollector;
use super::speakers::SpeakersCommand;
use crate::codec::Kind;

/// A command to one shard, in most cases the one that owns the transport. Commands with a
/// `request` are answered by exactly one [`Event::Reply`](super::event::Event::Reply); the others
/// show in events.
#[derive(Debug)]
pub enum Command {
    CreateTransport {
        transport: TransportId,
        options: Box<TransportOptions>,
    },
    /// A transport of plain RTP, whose ports are bound: those of all its lines, in their order.
    /// Answered when its tracks were told of.
    CreateRtpTransport {
        request: RequestId,
        transport: TransportId,
        options: Box<RtpOptions>,
        ports: Vec<BoundPort>,
    },
    /// Anything one transport is asked.
    Transport {
        transport: TransportId,
        command: TransportCommand,
    },
    /// Anything a group of speakers is asked, to the shard it lives on.
    Speakers {
        group: SpeakersId,
        command: SpeakersCommand,
    },
    /// Who begins with a track from now on gets nothing of what came before.
    ForgetPast {
        track: SourceId,
    },
    /// Messages that arrive on `source`, a channel of this shard, go to `to` as well. The first
    /// half of [`attach_channel`](Self::attach_channel).
    RelayChannel {
        source: ChannelId,
        to: RelayTarget,
    },
    /// This shard's share of one statistics snapshot, put into the collector that all shards were
    /// given; who lets go of it last answers the request. `only` limits it to one transport.
    Stats {
        collector: Arc<StatsCollector>,
        only: Option<TransportId>,
    },
    /// The thread is so busy from now on, 0 to 1, whatever its driver says.
    #[cfg(feature = "fault-injection")]
    Load {
        busy: f32,
    },
    /// Ends the thread.
    #[cfg(feature = "fault-injection")]
    Panic,
}

impl Command {
    /// Sends on `channel` whatever arrives on `source`: what to post to which shard, in this
    /// order. The shard of `source` hears of it directly rather than through the other shard, so
    /// that it knows before the caller can tell anybody to send: there is no race to lose.
    pub fn attach_channel(
        transport: TransportId,
        channel: ChannelId,
        source: ChannelId,
    ) -> [(ShardIndex, Self); 2] {
        let to = RelayTarget { transport, channel };
        let command = TransportCommand::AttachChannel { id: channel, source };
        [
            (source.shard(), Self::RelayChannel { source, to }),
            (transport.shard(), Self::Transport { transport, command }),
        ]
    }
}

/// A channel that sends what another receives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RelayTarget {
    pub transport: TransportId,
    pub channel: ChannelId,
}

/// A key of a telephone (RFC 4733).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyPress {
    /// 0 to 15 for the keys, and what else RFC 4733 3.2 and its registry name.
    pub event: u8,
    /// How long it is down.
    pub duration: Duration,
    /// Power below 0 dBm0, 0 to 63.
    pub volume: u8,
}

/// A command to one transport.
#[derive(Debug)]
pub enum TransportCommand {
    AcceptOffer {
        request: RequestId,
        sdp: String,
    },
    CreateOffer {
        request: RequestId,
        ice_restart: bool,
    },
    AcceptAnswer {
        request: RequestId,
        sdp: String,
    },
    Rollback {
        request: RequestId,
    },
    /// The empty string ends the candidates.
    AddCandidate {
        request: RequestId,
        candidate: String,
    },
    AcceptFragment {
        request: RequestId,
        fragment: String,
    },

    /// Of plain RTP: what was said anew of its lines. Ports and SSRCs stay.
    UpdateRtp {
        request: RequestId,
        options: Box<RtpOptions>,
    },
    /// `stream` and `track` are the two halves of the MSID.
    AddOutgoingTrack {
        id: OutgoingTrackId,
        kind: Kind,
        stream: String,
        track: String,
    },
    RemoveOutgoingTrack {
        id: OutgoingTrackId,
    },
    RemoveIncomingTrack {
        id: SourceId,
    },
    /// Feeds `id` from `source`, which may live on another shard. Replaces what fed it before.
    Attach {
        id: OutgoingTrackId,
        source: SourceId,
    },
    /// Feeds `id` from whatever has a slot of speakers, but for what this peer sends itself.
    AttachSlot {
        id: OutgoingTrackId,
        slot: SourceId,
    },
    Detach {
        id: OutgoingTrackId,
    },
    /// `None` lets the engine choose.
    SelectEncoding {
        id: OutgoingTrackId,
        rid: Option<String>,
    },
    /// At most these layers of an encoding; `None` does not limit them.
    SelectLayer {
        id: OutgoingTrackId,
        spatial: Option<u8>,
        temporal: Option<u8>,
    },
    SetPreferences {
        id: OutgoingTrackId,
        preferences: Preferences,
    },
    Mute {
        id: OutgoingTrackId,
        muted: bool,
    },
    /// Lets nothing of an incoming track through to whatever takes it, or again.
    Withhold {
        id: SourceId,
        withheld: bool,
    },
    /// Presses a key of a telephone on a track of sound (RFC 4733), after those that wait.
    PressKey {
        request: RequestId,
        id: OutgoingTrackId,
        key: KeyPress,
    },
    /// `None` means all encodings.
    RequestKeyframe {
        id: SourceId,
        rid: Option<String>,
    },
    /// Whether JavaScript wants to hear how loud a track is. It does not at first: a level every
    /// tenth of a second and track is most of what would wake it.
    ListenLevels {
        id: SourceId,
        listen: bool,
    },
    /// No more than this is sent to the peer, in bit/s; `None` leaves it to the link.
    SetMaxBitrate {
        bitrate: Option<u64>,
    },
    /// The peer may send no more than this, in bit/s; `None` leaves it to the link.
    SetMaxIncomingBitrate {
        bitrate: Option<u64>,
    },
    /// Whether JavaScript wants to hear how good the link is.
    ListenBandwidth {
        listen: bool,
    },

    CreateChannel {
        id: ChannelId,
        options: Box<ChannelOptions>,
    },
    SendMessage {
        id: ChannelId,
        binary: bool,
        data: Bytes,
    },
    /// Emit `ChannelBufferedAmountLow` at this many bytes or less.
    SetBufferedAmountLow {
        id: ChannelId,
        threshold: usize,
    },
    /// Whether JavaScript wants to see the messages that arrive.
    ListenChannel {
        id: ChannelId,
        listen: bool,
    },
    /// `id` sends what arrives on `source`, whose shard was told by a
    /// [`RelayChannel`](Command::RelayChannel) before. Replaces what it sent on before.
    AttachChannel {
        id: ChannelId,
        source: ChannelId,
    },
    DetachChannel {
        id: ChannelId,
    },
    CloseChannel {
        id: ChannelId,
    },

    /// Answered when everything below is closed.
    Close {
        request: RequestId,
    },
    #[cfg(feature = "fault-injection")]
    Panic,
    /// Every datagram of the peer takes this along from now on.
    #[cfg(feature = "fault-injection")]
    Burden {
        burden: Burden,
    },
}

/// Something to do for each datagram of a peer, in place of what takes long.
#[cfg(feature = "fault-injection")]
#[derive(Clone)]
pub struct Burden(pub Arc<dyn Fn() + Send + Sync>);

#[cfg(feature = "fault-injection")]
impl std::fmt::Debug for Burden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Burden")
    }
}
