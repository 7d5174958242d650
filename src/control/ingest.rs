//! What is said to servers that encoders push to, and of what they push.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::ids::{InputId, RequestId, SourceId};
use super::rtp::RtpNetwork;
use crate::codec::{Codec, Kind};

/// How an RTMP server is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtmpServerOptions {
    /// Where it listens; port 0 is one that is free.
    pub address: SocketAddr,
    /// Speaks RTMPS, and nothing else.
    pub tls: Option<TlsOptions>,
    /// Publishers at a time.
    pub max_inputs: usize,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
    /// Milliseconds without sound and pictures after which an input is told to be stalled.
    pub silence: u32,
}

/// How an SRT server is made.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SrtServerOptions {
    /// Where it listens; port 0 is one that is free.
    pub address: SocketAddr,
    /// What all who call have to have; `None`: nobody may encrypt.
    pub passphrase: Option<String>,
    /// Milliseconds from sending to delivery, unless the caller wants more.
    pub latency: u16,
    /// Milliseconds without sound and pictures after which an input is told to be stalled.
    pub silence: u32,
    /// Publishers at a time.
    pub max_inputs: usize,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
}

impl std::fmt::Debug for SrtServerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtServerOptions").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Where an input is fetched from by SRT.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SrtPullOptions {
    /// Who is called.
    pub address: SocketAddr,
    /// What is said to him; empty: nothing.
    pub stream_id: String,
    pub passphrase: Option<String>,
    /// Bytes: 16 or 32.
    pub key_length: u8,
    /// Milliseconds.
    pub latency: u16,
    /// Milliseconds without sound and pictures after which it is told to be stalled.
    pub silence: u32,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
    /// `None`: what ends is over.
    pub reconnect: Option<ReconnectOptions>,
    /// Private and loopback addresses are called too.
    pub allow_private: bool,
    /// Networks that are called whatever they are.
    pub allow: Vec<RtpNetwork>,
}

/// How often what is fetched is tried again.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReconnectOptions {
    /// Milliseconds until the first try; each next one waits twice as long.
    pub delay: u32,
    /// Most of them.
    pub max_delay: u32,
}

/// The identity of a server, as PEM.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsOptions {
    /// The certificate and those between it and its root.
    pub cert: String,
    /// Its private key.
    pub key: String,
}

impl std::fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsOptions").finish_non_exhaustive()
    }
}

/// Whom a client of TLS believes.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrustOptions {
    /// Host name or address that the certificate has to have.
    pub name: String,
    /// Roots, as PEM.
    pub ca: String,
}

/// What a server is told.
#[derive(Clone, Debug)]
pub enum IngestCommand {
    /// Whether somebody who asked may publish, and what he is told where he may not.
    Answer { input: InputId, accepted: bool, reason: String },
    /// Tells somebody who asked by SRT that he may not, with a code of its own.
    Reject { input: InputId, code: u16 },
    /// Has levels of a track told, or not any more.
    ListenLevels { input: InputId, track: SourceId, listen: bool },
    /// The reply is [`InputStats`] as JSON.
    InputStats { input: InputId, request: RequestId },
    /// Ends an input and its connection.
    CloseInput { input: InputId },
    /// Ends the server and all its inputs; the reply comes when nothing listens any more.
    Close { request: RequestId },
}

/// A track of an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputTrackInfo {
    pub id: SourceId,
    pub kind: Kind,
    pub codec: Codec,
    pub ssrc: u32,
    /// Width and height, of pictures.
    pub size: Option<(u16, u16)>,
    /// Pictures in another order than that in which they are shown: for mixers alone.
    pub reordered: bool,
}

/// Statistics of an input.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputStats {
    /// Of sound and pictures, as they came.
    pub bytes_received: u64,
    pub video: Option<InputTrackStats>,
    pub audio: Option<InputTrackStats>,
    /// Times the sender's clock jumped.
    pub clock_jumps: u64,
    /// Of SRT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkStats>,
}

/// What the link to an encoder does that pushes by SRT. Packets are those of SRT.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkStats {
    pub packets_received: u64,
    /// That did not come by themselves.
    pub packets_lost: u64,
    /// Of these: that came when they were asked for.
    pub packets_recovered: u64,
    /// That were not there when they were due.
    pub packets_dropped: u64,
    /// That no key fits.
    pub packets_undecrypted: u64,
    /// Seconds.
    pub round_trip_time: f64,
    pub encrypted: bool,
}

/// Statistics of a track of an input.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InputTrackStats {
    pub codec: &'static str,
    /// Pictures, or packets of sound.
    pub frames: u64,
    pub keyframes: u64,
    /// Damaged, or of no use.
    pub frames_dropped: u64,
    /// What was handed on.
    pub packets: u64,
}

/// Where tracks are pushed to by RTMP.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtmpOutputOptions {
    /// Of the server.
    pub address: SocketAddr,
    /// Of the application (tcUrl), without the key.
    pub url: String,
    pub app: String,
    /// RTMPS: in TLS from the first byte on.
    pub tls: Option<TrustOptions>,
    /// Seconds for which a connection that was lost is made again; 0: it is the end.
    pub reconnect: u32,
    /// A secret.
    pub key: String,
    /// The tracks, by their ids.
    #[serde(deserialize_with = "source")]
    pub audio: Option<SourceId>,
    #[serde(deserialize_with = "source")]
    pub video: Option<SourceId>,
}

/// Where tracks are sent by SRT, or where whoever takes them calls.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SrtOutputOptions {
    /// Who is called, or where it is listened.
    pub address: SocketAddr,
    /// Whoever calls watches.
    pub listen: bool,
    /// What is said to who is called, or what those have to say who call; empty: nothing.
    pub stream_id: String,
    pub passphrase: Option<String>,
    /// Bytes, of who calls: 16 or 32.
    pub key_length: u8,
    /// Milliseconds.
    pub latency: u16,
    /// Who may watch at a time.
    pub max_watchers: usize,
    /// Seconds for which a connection that was lost is made again, of who calls; 0: it is the end.
    pub reconnect: u32,
    /// Packets after which another key is sent with.
    pub key_refresh: u32,
    /// The tracks, by their ids.
    #[serde(deserialize_with = "source")]
    pub audio: Option<SourceId>,
    #[serde(deserialize_with = "source")]
    pub video: Option<SourceId>,
}

fn source<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<SourceId>, D::Error> {
    Ok(Option::<u64>::deserialize(from)?.map(SourceId))
}

/// What is asked of what is pushed to a server.
#[derive(Clone, Copy, Debug)]
pub enum OutputCommand {
    /// The reply is [`OutputStats`] as JSON.
    Stats { request: RequestId },
    /// Says goodbye; the reply comes when the connection is closed.
    Close { request: RequestId },
}

/// Statistics of what is pushed to a server.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputStats {
    pub bytes_sent: u64,
    /// Bytes that wait for the link.
    pub bytes_waiting: u64,
    pub frames_sent: u64,
    /// Pictures left out because the link did not keep up.
    pub frames_dropped: u64,
    /// Packets of sound.
    pub sounds_sent: u64,
    /// Of SRT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<SendLinkStats>,
}

/// What the links do that something is sent by SRT over, together. Packets are those of SRT.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendLinkStats {
    /// Who takes it now.
    pub watchers: usize,
    pub packets_sent: u64,
    pub packets_sent_again: u64,
    /// That were too late before the other end had them.
    pub packets_dropped: u64,
    /// The longest, in seconds.
    pub round_trip_time: f64,
}
