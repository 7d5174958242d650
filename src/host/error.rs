//! Why the engine does not do what it was asked, before a shard or a mixer hears of it.

use std::net::SocketAddr;
use std::{fmt, io};

use crate::control::error::{ErrorCode, Fault};
use crate::control::ids::ShardIndex;

/// An error of the host.
#[derive(Debug)]
pub enum HostError {
    /// No certificate could be made.
    Identity(&'static str),
    /// The system gives no media thread, or no way for one to wait.
    MediaThread(io::Error),
    /// The system gives no thread of the pool.
    PoolThread(io::Error),
    NoSuchThread(ShardIndex),
    ThreadFailed(ShardIndex),
    EndpointClosed,
    MixerClosed,
    RecorderClosed,
    HlsClosed,
    PlayerClosed,
    /// A server that encoders push to is closed, or what one of them pushes.
    ServerClosed,
    InputClosed,
    /// What pushed tracks to a server is closed.
    OutputClosed,
    /// The endpoint pushes to as many servers as it may.
    OutputLimit(usize),
    /// The endpoint has as many such servers as it may.
    ServerLimit(usize),
    /// So many calls wait for a server.
    CallsWaitForServer {
        calls: usize,
    },
    /// A server cannot listen there.
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    /// A certificate or a key, and what is wrong with it.
    Tls {
        field: &'static str,
        reason: String,
    },
    /// The system gives no thread for a server, or no way for one to wait.
    IngestThread(io::Error),
    /// A server panicked.
    IngestFailed,
    /// The endpoint has as many transports as it may.
    TransportLimit(usize),
    /// All media threads are too busy.
    Overload,
    /// The endpoint has as many mixers as it may.
    MixerLimit(usize),
    /// The endpoint has as many recorders as it may.
    RecorderLimit(usize),
    /// The endpoint has as many streams of HLS as it may.
    HlsLimit(usize),
    /// A stream of HLS has as many renditions as it may.
    Renditions(usize),
    /// Another stream of HLS has this name.
    HlsName(String),
    /// The endpoint has as many servers of HLS as it may.
    HlsServers(usize),
    /// The system does not let players of HLS be listened for.
    HlsListen {
        address: std::net::SocketAddr,
        error: io::Error,
    },
    /// The endpoint has as many players as it may.
    PlayerLimit(usize),
    /// The player has as many files as it may.
    ItemLimit(usize),
    /// The mixer has as many ports as it may.
    PortLimit(usize),
    /// So many calls wait for a media thread.
    CallsWaitForThread {
        calls: usize,
        thread: ShardIndex,
    },
    /// So many calls wait for a mixer.
    CallsWaitForMixer {
        calls: usize,
    },
    /// So many calls wait for a recorder.
    CallsWaitForRecorder {
        calls: usize,
    },
    /// So many calls wait for a stream of HLS.
    CallsWaitForHls {
        calls: usize,
    },
    /// So many calls wait for a player.
    CallsWaitForPlayer {
        calls: usize,
    },
    /// The ring to a media thread is full.
    ThreadBehind(ShardIndex),
    /// A codec that pictures are not made in, by its place in `options.video.codecs`.
    MixedCodec(usize),
    /// A font that is refused, and why.
    #[cfg(feature = "mcu")]
    Font(crate::engine::mixer::VideoError),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(reason) => f.write_str(reason),
            Self::MediaThread(error) => write!(f, "cannot start a media thread: {error}"),
            Self::PoolThread(error) => write!(f, "cannot start a thread of the pool: {error}"),
            Self::NoSuchThread(thread) => write!(f, "there is no media thread {}", thread.0),
            Self::ThreadFailed(thread) => {
                let number = thread.0;
                write!(f, "media thread {number} ended by a fault: what lived on it is closed, ")?;
                f.write_str("and a new one takes its place")
            }
            Self::EndpointClosed => f.write_str("the endpoint is closed"),
            Self::MixerClosed => f.write_str("the mixer is closed"),
            Self::RecorderClosed => f.write_str("the recorder is closed"),
            Self::HlsClosed => f.write_str("the stream is closed"),
            Self::PlayerClosed => f.write_str("the player is closed"),
            Self::ServerClosed => f.write_str("the server is closed"),
            Self::InputClosed => f.write_str("the input is closed"),
            Self::OutputClosed => f.write_str("the output is closed"),
            Self::OutputLimit(limit) => write!(f, "an endpoint has at most {limit} outputs"),
            Self::ServerLimit(limit) => write!(f, "an endpoint has at most {limit} servers"),
            Self::CallsWaitForServer { calls } => {
                write!(f, "{calls} calls wait for the server; await some first")
            }
            Self::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Tls { field: "key", reason } => write!(f, "no key for the certificate: {reason}"),
            Self::Tls { field: "fingerprint", reason } => f.write_str(reason),
            Self::Tls { reason, .. } => write!(f, "no certificate: {reason}"),
            Self::IngestThread(error) => write!(f, "cannot run a server: {error}"),
            Self::IngestFailed => f.write_str("the server ended by a fault; make another one"),
            Self::TransportLimit(limit) => {
                write!(f, "the endpoint has {limit} transports already")
            }
            Self::Overload => {
                f.write_str("all media threads are too busy for another transport; try again later")
            }
            Self::MixerLimit(limit) => write!(f, "an endpoint has at most {limit} mixers"),
            Self::RecorderLimit(limit) => write!(f, "an endpoint has at most {limit} recorders"),
            Self::HlsLimit(limit) => write!(f, "an endpoint has at most {limit} streams of HLS"),
            Self::Renditions(limit) => write!(f, "a stream has at most {limit} renditions"),
            Self::HlsName(name) => write!(f, "another stream of the endpoint is called {name}"),
            Self::HlsServers(limit) => write!(f, "an endpoint has at most {limit} servers of HLS"),
            Self::HlsListen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::PlayerLimit(limit) => write!(f, "an endpoint has at most {limit} players"),
            Self::ItemLimit(limit) => write!(f, "a player has at most {limit} files"),
            Self::PortLimit(limit) => write!(f, "a mixer has at most {limit} ports"),
            Self::CallsWaitForThread { calls, thread } => {
                write!(f, "{calls} calls wait for media thread {}; await some first", thread.0)
            }
            Self::CallsWaitForMixer { calls } => {
                write!(f, "{calls} calls wait for the mixer; await some first")
            }
            Self::CallsWaitForRecorder { calls } => {
                write!(f, "{calls} calls wait for the recorder; await some first")
            }
            Self::CallsWaitForHls { calls } => {
                write!(f, "{calls} calls wait for the stream; await some first")
            }
            Self::CallsWaitForPlayer { calls } => {
                write!(f, "{calls} calls wait for the player; await some first")
            }
            Self::ThreadBehind(thread) => {
                write!(f, "media thread {} does not keep up; try again", thread.0)
            }
            Self::MixedCodec(_) => f.write_str("expected 'vp8', 'vp9' or 'h264'"),
            #[cfg(feature = "mcu")]
            Self::Font(error) => error.fmt(f),
        }
    }
}

impl Fault for HostError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Identity(_) | Self::NoSuchThread(_) | Self::ThreadFailed(_) => {
                ErrorCode::Internal
            }
            Self::IngestFailed => ErrorCode::Internal,
            Self::MediaThread(_)
            | Self::PoolThread(_)
            | Self::IngestThread(_)
            | Self::HlsListen { .. } => ErrorCode::Io,
            Self::EndpointClosed
            | Self::MixerClosed
            | Self::RecorderClosed
            | Self::HlsClosed
            | Self::PlayerClosed => ErrorCode::Closed,
            Self::ServerClosed | Self::InputClosed | Self::OutputClosed => ErrorCode::Closed,
            Self::Listen { .. } => ErrorCode::Listen,
            Self::Tls { .. } => ErrorCode::InvalidArg,
            Self::ServerLimit(_)
            | Self::OutputLimit(_)
            | Self::TransportLimit(_)
            | Self::MixerLimit(_)
            | Self::RecorderLimit(_)
            | Self::HlsLimit(_)
            | Self::Renditions(_)
            | Self::HlsServers(_)
            | Self::PlayerLimit(_)
            | Self::ItemLimit(_)
            | Self::PortLimit(_) => ErrorCode::Limit,
            Self::CallsWaitForThread { .. }
            | Self::CallsWaitForMixer { .. }
            | Self::CallsWaitForRecorder { .. }
            | Self::CallsWaitForHls { .. }
            | Self::CallsWaitForPlayer { .. }
            | Self::CallsWaitForServer { .. }
            | Self::ThreadBehind(_) => ErrorCode::QueueFull,
            Self::Overload => ErrorCode::Busy,
            Self::MixedCodec(_) | Self::HlsName(_) => ErrorCode::InvalidArg,
            #[cfg(feature = "mcu")]
            Self::Font(_) => ErrorCode::InvalidArg,
        }
    }

    fn field(&self) -> Option<String> {
        match self {
            Self::Listen { .. } => Some("options.port".to_owned()),
            Self::Tls { field: field @ ("ca" | "fingerprint"), .. } => {
                Some(format!("options.{field}"))
            }
            Self::Tls { field, .. } => Some(format!("options.tls.{field}")),
            Self::MixedCodec(index) => Some(format!("options.video.codecs[{index}]")),
            #[cfg(feature = "mcu")]
            Self::Font(_) => Some("font".to_owned()),
            _ => None,
        }
    }
}
