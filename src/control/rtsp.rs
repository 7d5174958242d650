//! What is said of servers that media are fetched from by RTSP.

use serde::{Deserialize, Serialize};

use super::error::EngineError;
use super::ids::{InputId, RequestId, SourceId};
use super::ingest::{InputTrackStats, ReconnectOptions};
use super::rtp::RtpNetwork;
use super::stats::IncomingTrackStats;

/// How media are fetched. Checked by the caller, with every default filled in; values cross as JSON.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtspOptions {
    /// With its credentials, where it has some.
    pub url: String,
    /// Instead of those of the URL.
    pub user: Option<String>,
    pub password: Option<String>,
    pub transport: RtspTransport,
    /// Milliseconds for a connection and for an answer.
    pub timeout: u32,
    /// Milliseconds without media after which the server counts as gone.
    pub silence: u32,
    /// `None`: what ends is over.
    pub reconnect: Option<ReconnectOptions>,
    /// Private and loopback addresses are asked too.
    pub allow_private: bool,
    /// Networks that are asked whatever they are.
    pub allow: Vec<RtpNetwork>,
    /// Whom to believe, of `rtsps:`.
    pub trust: Option<RtspTrust>,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
}

/// How a server in TLS is known.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RtspTrust {
    /// By roots, as PEM, one of which vouches for its name or address.
    Ca(String),
    /// By SHA-256 of its certificate, in hexadecimal digits.
    Fingerprint(String),
}

/// How media travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RtspTransport {
    /// TCP, and UDP where the server does not send by TCP.
    Auto,
    Tcp,
    Udp,
}

/// Where an input stands that is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtspState {
    Connecting,
    /// Media come, or are about to.
    Connected,
    /// None came for too long.
    Stalled,
    /// It is tried again, or soon.
    Reconnecting,
}

impl RtspState {
    /// The name JavaScript knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Stalled => "stalled",
            Self::Reconnecting => "reconnecting",
        }
    }
}

/// What the thread that fetches is told.
#[derive(Clone, Debug)]
pub enum RtspCommand {
    /// The addresses of a host that was asked for by the question of this number, or why there are none.
    Resolved {
        input: InputId,
        question: u32,
        addresses: Result<Vec<std::net::IpAddr>, EngineError>,
    },
    /// Has levels of a track told, or not any more.
    ListenLevels { input: InputId, track: SourceId, listen: bool },
    /// The reply is [`RtspStats`] as JSON.
    Stats { input: InputId, request: RequestId },
    /// Ends an input; the reply comes when its connection is closed.
    Close { input: InputId, request: RequestId },
}

/// Statistics of an input.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtspStats {
    pub state: &'static str,
    /// `tcp` or `udp`, while it is connected.
    pub transport: Option<&'static str>,
    /// Times it was connected.
    pub connections: u64,
    /// Times media did not come any more.
    pub stalls: u64,
    #[serde(flatten)]
    pub media: RtspMediaStats,
}

/// What came of the media, since the beginning.
#[derive(Clone, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtspMediaStats {
    /// RTP and RTCP.
    pub bytes_received: u64,
    pub packets_received: u64,
    /// What goes on as it came.
    pub tracks: Vec<IncomingTrackStats>,
    /// Sound that becomes Opus.
    pub transcoded: Option<InputTrackStats>,
}
