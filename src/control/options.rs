//! What an endpoint and a transport can be told when they are made. Checked by the caller.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::codec::Codec;

/// One address to listen on.
#[derive(Clone, Debug)]
pub struct Listen {
    pub ip: IpAddr,
    /// Written into candidates instead of `ip`; empty: `ip`, or the host's addresses when it is a
    /// wildcard.
    pub announced: Vec<Announced>,
}

/// An address that leads here, seen from the peers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announced {
    pub ip: IpAddr,
    /// That of shard 0, shard k announces `port + k`. `None`: the port that is listened on.
    pub port: Option<u16>,
}

/// What an endpoint is made of, checked.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Never empty.
    pub listen: Vec<Listen>,
    /// Shard k listens on `port + k`; 0 takes any free port.
    pub port: u16,
    /// 1 to [`MAX_SHARDS`](super::ids::MAX_SHARDS).
    pub threads: usize,
    /// Listen on TCP too, at the same port number (RFC 6544).
    pub tcp: bool,
    /// Open at the same time; one more is refused.
    pub max_transports: usize,
    /// Threads of the pool of tasks, which start with the first task: a mixer.
    pub task_threads: usize,
}

/// Which versions of DTLS a transport speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtlsVersions {
    Dtls12,
    Dtls13,
    Auto,
}

/// What a transport is made of, checked.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    pub ice_lite: bool,
    pub polite: bool,
    /// Most wanted first; empty means all.
    pub codecs: Vec<Codec>,
    /// RFC 2198.
    pub red: bool,
    /// Ask peers to pause Opus in silence (RFC 7587 3.1.3).
    pub dtx: bool,
    /// How peers are asked to send Opus.
    pub opus: OpusOptions,
    pub dtls: DtlsVersions,
    /// `None`: never.
    pub connect_timeout: Option<Duration>,
    /// Without consent for so long it closes (RFC 7675 5.1).
    pub disconnect_timeout: Duration,
    /// Bytes.
    pub max_message_size: usize,
    /// Bytes.
    pub max_buffered_amount: usize,
    /// Where to write decrypted RTP and RTCP.
    pub dump_file: Option<PathBuf>,
}

/// What a peer is asked for in its Opus (RFC 7587 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpusOptions {
    /// Two channels.
    pub stereo: bool,
    /// In bits per second, 6,000 to 510,000; `None` leaves it to the peer.
    pub max_average_bitrate: Option<u32>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            ice_lite: true,
            polite: true,
            codecs: Vec::new(),
            red: false,
            dtx: false,
            opus: OpusOptions::default(),
            dtls: DtlsVersions::Auto,
            connect_timeout: Some(Duration::from_secs(30)),
            disconnect_timeout: Duration::from_secs(30),
            max_message_size: 256 * 1024,
            max_buffered_amount: 16 * 1024 * 1024,
            dump_file: None,
        }
    }
}

/// How a data channel delivers (RFC 8832).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelOptions {
    pub label: String,
    pub protocol: String,
    pub ordered: bool,
    /// Without it and a life time, until it arrives (RFC 8831 6.1).
    pub max_retransmits: Option<u16>,
    /// Milliseconds.
    pub max_packet_life_time: Option<u16>,
    /// SCTP stream id agreed on by other means.
    pub negotiated: Option<u16>,
}
