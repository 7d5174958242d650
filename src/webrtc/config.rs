//! How str0m is set up for a peer.

use std::time::Instant;

use str0m::config::DtlsVersion;
use str0m::net::{Protocol as StrProtocol, TcpType};
use str0m::{Candidate, Rtc, RtcConfig};

use super::dtls::Dtls;
use super::identity::Identity;
use super::wrapping;
use crate::codec::Codec;
use crate::control::flow::{LocalCandidates, Protocol};
use crate::control::options::{DtlsVersions, TransportOptions};

/// What SCTP takes of a message beyond the limit we announce, in bytes. A peer that ignores the
/// limit has its channel closed with an error for that; without the slack SCTP would refuse the
/// chunk over and over and the whole association with it.
pub(super) const MESSAGE_SLACK: usize = 1 << 20;

/// How often str0m reports its statistics.
pub(super) const STATS_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Gives the candidates of this side as well, as descriptions list them.
pub(super) fn build(
    now: Instant,
    options: &TransportOptions,
    identity: &Identity,
    dtls: &Dtls,
    candidates: &LocalCandidates,
) -> (Rtc, Vec<String>) {
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
        .set_sctp_max_message_size(
            u32::try_from(options.max_message_size + MESSAGE_SLACK).unwrap_or(u32::MAX),
        )
        .set_sctp_max_buffered_amount(options.max_buffered_amount)
        .clear_codecs();
    let mut rtc = dtls.observe(|| config.build(now));
    let mut lines = Vec::with_capacity(candidates.0.len());
    for (protocol, address) in &candidates.0 {
        let host = match protocol {
            Protocol::Udp => Candidate::builder().udp().host(*address).build(),
            Protocol::Tcp => {
                Candidate::builder().tcp().host(*address).tcptype(TcpType::Passive).build()
            }
        };
        match host {
            Ok(candidate) => {
                lines.push(candidate.to_sdp_string());
                rtc.add_local_candidate(candidate);
            }
            Err(error) => tracing::warn!(%address, %error, "no candidate for this address"),
        }
    }
    (rtc, lines)
}

/// The codecs to negotiate, most wanted first.
pub(super) fn wanted_codecs(options: &TransportOptions) -> Vec<Codec> {
    if options.codecs.is_empty() { Codec::ALL.to_vec() } else { options.codecs.clone() }
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
