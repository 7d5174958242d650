//! How str0m is set up for a peer.

use std::time::Instant;

use str0m::config::DtlsVersion;
use str0m::net::{Protocol as StrProtocol, TcpType};
use str0m::{Candidate, Rtc, RtcConfig};

use super::dtls::Dtls;
use super::extensions::extension_map;
use super::identity::Identity;
use super::wrapping;
use crate::codec::{Codec, Kind};
use crate::control::flow::{LocalCandidates, Protocol};
use crate::control::options::{DtlsVersions, TransportOptions};

/// Packets str0m keeps per outgoing video stream to answer NACKs: some two seconds at 2 Mbit/s.
/// Its default of 1024 costs 400 kB a stream.
const RETRANSMISSION_SLOTS: usize = 512;

/// What SCTP takes of a message beyond the limit we announce, in bytes. A peer that ignores the
/// limit has its channel closed with an error for that; without the slack SCTP would refuse the
/// chunk over and over and the whole association with it.
pub(super) const MESSAGE_SLACK: usize = 1 << 20;

/// How often str0m reports its statistics.
pub(super) const STATS_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) fn build(
    now: Instant,
    options: &TransportOptions,
    identity: &Identity,
    dtls: &Dtls,
    candidates: &LocalCandidates,
) -> Rtc {
    let config = RtcConfig::new()
        .set_crypto_provider(identity.provider())
        .set_dtls_cert(identity.certificate())
        .set_local_ice_credentials(wrapping::credentials())
        .set_dtls_version(match options.dtls {
            DtlsVersions::Dtls12 => DtlsVersion::Dtls12,
            DtlsVersions::Dtls13 => DtlsVersion::Dtls13,
            DtlsVersions::Auto => DtlsVersion::Auto,
        })
        .set_ice_lite(options.ice_lite)
        .set_rtp_mode(true)
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_send_buffer_video(RETRANSMISSION_SLOTS)
        .set_sctp_max_message_size(
            u32::try_from(options.max_message_size + MESSAGE_SLACK).unwrap_or(u32::MAX),
        )
        .set_sctp_max_buffered_amount(options.max_buffered_amount)
        .set_extension_map(extension_map())
        .clear_codecs();
    let config = wanted_codecs(options)
        .into_iter()
        .fold(config, |config, codec| enable(config, codec, options.red));

    let mut rtc = dtls.observe(|| config.build(now));
    for (protocol, address) in &candidates.0 {
        let host = match protocol {
            Protocol::Udp => Candidate::builder().udp().host(*address).build(),
            Protocol::Tcp => {
                Candidate::builder().tcp().host(*address).tcptype(TcpType::Passive).build()
            }
        };
        match host {
            Ok(candidate) => {
                rtc.add_local_candidate(candidate);
            }
            Err(error) => tracing::warn!(%address, %error, "no candidate for this address"),
        }
    }
    rtc
}

fn wanted_codecs(options: &TransportOptions) -> Vec<Codec> {
    if options.codecs.is_empty() { Codec::ALL.to_vec() } else { options.codecs.clone() }
}

fn enable(config: RtcConfig, codec: Codec, red: bool) -> RtcConfig {
    match codec {
        Codec::Opus => config.enable_opus(true, red),
        Codec::Pcmu => config.enable_pcmu(true, false),
        Codec::Pcma => config.enable_pcma(true, false),
        Codec::G722 => config.enable_g722(true, false),
        Codec::Vp8 => config.enable_vp8(true),
        Codec::Vp9 => config.enable_vp9(true),
        Codec::H264 => config.enable_h264(true),
        Codec::H265 => config.enable_h265(true),
        Codec::Av1 => config.enable_av1(true),
    }
}

/// The engine's name of a str0m codec, `None` for what is not forwarded.
pub(super) fn codec_of(codec: str0m::format::Codec) -> Option<Codec> {
    use str0m::format::Codec as Str;
    Some(match codec {
        Str::Opus => Codec::Opus,
        Str::PCMU => Codec::Pcmu,
        Str::PCMA => Codec::Pcma,
        Str::G722 => Codec::G722,
        Str::Vp8 => Codec::Vp8,
        Str::Vp9 => Codec::Vp9,
        Str::H264 => Codec::H264,
        Str::H265 => Codec::H265,
        Str::Av1 => Codec::Av1,
        _ => return None,
    })
}

pub(super) fn kind_of(kind: str0m::media::MediaKind) -> Kind {
    match kind {
        str0m::media::MediaKind::Audio => Kind::Audio,
        str0m::media::MediaKind::Video => Kind::Video,
    }
}

pub(super) fn media_kind_of(kind: Kind) -> str0m::media::MediaKind {
    match kind {
        Kind::Audio => str0m::media::MediaKind::Audio,
        Kind::Video => str0m::media::MediaKind::Video,
    }
}

pub(super) fn to_str0m_protocol(protocol: Protocol) -> StrProtocol {
    match protocol {
        Protocol::Udp => StrProtocol::Udp,
        Protocol::Tcp => StrProtocol::Tcp,
    }
}

pub(super) fn from_str0m_protocol(protocol: StrProtocol) -> Protocol {
    match protocol {
        StrProtocol::Udp => Protocol::Udp,
        _ => Protocol::Tcp,
    }
}
