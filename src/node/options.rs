//! Options as `lib/object/check.js` hands them over: checked, with every default filled in.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use napi_derive::napi;

use crate::codec::Codec;
use crate::control::error::{EngineError, InvalidArgument};
use crate::control::layers::Preferences;
use crate::control::options::{
    Announced, ChannelOptions, DtlsVersions, EngineOptions, Listen, OpusOptions, TransportOptions,
};

/// An address to listen on.
#[napi(object)]
pub struct NativeListenOptions {
    pub ip: String,
    pub announced: Vec<NativeAnnounced>,
}

/// An address to announce instead.
#[napi(object)]
pub struct NativeAnnounced {
    pub ip: String,
    /// That of thread 0; absent where it is the one listened on.
    pub port: Option<u16>,
}

/// Of an endpoint.
#[napi(object)]
pub struct NativeEndpointOptions {
    pub listen: Vec<NativeListenOptions>,
    /// Thread k listens on `port + k`; 0 takes any free port.
    pub port: u16,
    pub threads: u32,
    pub tcp: bool,
    pub max_transports: u32,
    /// Started with the first mixer.
    pub mixing_threads: u32,
}

/// Of a transport.
#[napi(object)]
pub struct NativeTransportOptions {
    pub ice_lite: bool,
    pub polite: bool,
    /// Most wanted first; empty means all.
    pub codecs: Vec<String>,
    pub red: bool,
    pub dtx: bool,
    pub opus: NativeOpusOptions,
    /// `1.2`, `1.3` or `auto`.
    pub dtls: String,
    /// Milliseconds; 0 is never.
    pub connect_timeout: u32,
    /// Milliseconds.
    pub disconnect_timeout: u32,
    /// Bytes.
    pub max_message_size: u32,
    /// Bytes.
    pub max_buffered_amount: f64,
    pub dump_file: Option<String>,
}

/// How peers are asked to send Opus.
#[napi(object)]
pub struct NativeOpusOptions {
    pub stereo: bool,
    /// Bit/s, 6,000 to 510,000.
    pub max_average_bitrate: Option<u32>,
}

/// Of a data channel (RFC 8831 6.1, RFC 8832 5.1).
#[napi(object)]
pub struct NativeChannelOptions {
    pub label: String,
    pub protocol: String,
    pub ordered: bool,
    pub max_retransmits: Option<u16>,
    /// Milliseconds.
    pub max_packet_life_time: Option<u16>,
    /// SCTP stream id agreed on by other means.
    pub negotiated: Option<u16>,
}

/// What of a video track is of use, and how much it is worth.
#[napi(object)]
pub struct NativePreferences {
    pub max_width: Option<u16>,
    pub max_height: Option<u16>,
    /// Frames a second.
    pub max_frame_rate: Option<f64>,
    /// Bit/s.
    pub max_bitrate: Option<f64>,
    /// 1 to 100.
    pub priority: u32,
    pub pause_allowed: bool,
}

fn invalid(field: impl Into<String>, expected: &'static str) -> EngineError {
    EngineError::from(InvalidArgument::Expected(expected)).field(field)
}

fn address(text: &str, field: impl Fn() -> String) -> Result<IpAddr, EngineError> {
    text.parse().map_err(|_| invalid(field(), "an IPv4 or IPv6 address"))
}

impl TryFrom<NativeEndpointOptions> for EngineOptions {
    type Error = EngineError;

    fn try_from(options: NativeEndpointOptions) -> Result<Self, EngineError> {
        let entries = options.listen.into_iter().enumerate();
        let listen = entries
            .map(|(index, entry)| {
                let ip = address(&entry.ip, || format!("options.listen[{index}].ip"))?;
                let announced = entry.announced.iter().map(|NativeAnnounced { ip, port }| {
                    let ip = address(ip, || format!("options.listen[{index}].announcedIp"))?;
                    Ok(Announced { ip, port: *port })
                });
                Ok(Listen { ip, announced: announced.collect::<Result<_, EngineError>>()? })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(EngineOptions {
            listen,
            port: options.port,
            threads: options.threads as usize,
            tcp: options.tcp,
            max_transports: options.max_transports as usize,
            task_threads: options.mixing_threads as usize,
        })
    }
}

impl TryFrom<NativeTransportOptions> for TransportOptions {
    type Error = EngineError;

    fn try_from(options: NativeTransportOptions) -> Result<Self, EngineError> {
        let names = options.codecs.iter().enumerate();
        let codecs = names
            .map(|(index, name)| {
                Codec::from_name(name)
                    .ok_or_else(|| invalid(format!("options.codecs[{index}]"), "a codec"))
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let dtls = match options.dtls.as_str() {
            "1.2" => DtlsVersions::Dtls12,
            "1.3" => DtlsVersions::Dtls13,
            "auto" => DtlsVersions::Auto,
            _ => return Err(invalid("options.dtls", "'1.2', '1.3' or 'auto'")),
        };
        let milliseconds = |value: u32| Duration::from_millis(u64::from(value));
        let never_or = |value: u32| (value > 0).then(|| milliseconds(value));
        Ok(TransportOptions {
            ice_lite: options.ice_lite,
            polite: options.polite,
            codecs,
            red: options.red,
            dtx: options.dtx,
            opus: OpusOptions {
                stereo: options.opus.stereo,
                max_average_bitrate: options.opus.max_average_bitrate,
            },
            dtls,
            connect_timeout: never_or(options.connect_timeout),
            disconnect_timeout: milliseconds(options.disconnect_timeout),
            max_message_size: options.max_message_size as usize,
            max_buffered_amount: options.max_buffered_amount as usize,
            dump_file: options.dump_file.map(PathBuf::from),
        })
    }
}

impl From<NativePreferences> for Preferences {
    fn from(preferences: NativePreferences) -> Self {
        Self {
            max_width: preferences.max_width,
            max_height: preferences.max_height,
            max_frame_rate: preferences.max_frame_rate.map(|rate| rate as f32),
            max_bitrate: preferences.max_bitrate.map(|bitrate| bitrate as u64),
            priority: preferences.priority,
            pause_allowed: preferences.pause_allowed,
        }
    }
}

impl From<NativeChannelOptions> for ChannelOptions {
    fn from(options: NativeChannelOptions) -> Self {
        Self {
            label: options.label,
            protocol: options.protocol,
            ordered: options.ordered,
            max_retransmits: options.max_retransmits,
            max_packet_life_time: options.max_packet_life_time,
            negotiated: options.negotiated,
        }
    }
}

impl From<ChannelOptions> for NativeChannelOptions {
    fn from(options: ChannelOptions) -> Self {
        Self {
            label: options.label,
            protocol: options.protocol,
            ordered: options.ordered,
            max_retransmits: options.max_retransmits,
            max_packet_life_time: options.max_packet_life_time,
            negotiated: options.negotiated,
        }
    }
}
