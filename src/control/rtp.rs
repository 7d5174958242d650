//! What a transport of plain RTP is made of. Checked by the caller, with every default filled in;
//! values cross as JSON.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::codec::Kind;

/// Most lines of media of one transport.
pub const MAX_RTP_MEDIA: usize = 16;
/// Most ports of one line: one for each encoding.
pub const MAX_RTP_PORTS: usize = 8;
/// Most networks that packets may be from.
pub const MAX_RTP_ALLOWED: usize = 64;
/// Most sources of a multicast address: Linux lets a socket have 10 unless it is told otherwise.
pub const MAX_RTP_SOURCES: usize = 10;

/// What a transport of plain RTP is made of.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtpOptions {
    pub media: Vec<RtpMedia>,
    /// The far end may move to another address.
    pub comedia: bool,
    /// What our reports call this side (RFC 3550 6.5.1).
    pub cname: String,
    /// What our reports are sent under; nothing else is.
    pub report_ssrc: u32,
    /// Milliseconds without a packet after which the state is `disconnected`.
    pub silence: u32,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
    /// Where to write RTP and RTCP in the clear.
    pub dump_file: Option<PathBuf>,
}

/// Sound or pictures, as one m-line has them.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtpMedia {
    pub kind: RtpKind,
    /// This side sends.
    pub send: bool,
    /// The far end sends.
    pub receive: bool,
    /// Most wanted first.
    pub formats: Vec<RtpFormat>,
    /// The far end takes NACK, PLI and FIR (RTP/AVPF, RFC 4585, RFC 5104).
    pub feedback: bool,
    /// Feedback may go without a report before it (RFC 5506).
    pub reduced_size: bool,
    /// What is sent with, another one for each line.
    pub send_ssrc: u32,
    /// One, or one for each encoding of simulcast, lowest quality first. What is sent goes out of the
    /// first.
    pub ports: Vec<RtpPort>,
}

/// [`Kind`], as JSON has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RtpKind {
    Audio,
    Video,
}

impl From<RtpKind> for Kind {
    fn from(kind: RtpKind) -> Self {
        match kind {
            RtpKind::Audio => Kind::Audio,
            RtpKind::Video => Kind::Video,
        }
    }
}

/// A payload type, with what `a=rtpmap` and `a=fmtp` would say of it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtpFormat {
    pub payload_type: u8,
    /// `<name>/<clock rate>`, perhaps with channels (RFC 8866 6.6).
    pub encoding: String,
    /// Parameters, `;` between them; may be empty.
    pub parameters: String,
}

/// Where one stream comes in and goes out.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtpPort {
    /// The address that is bound. A multicast address is joined.
    pub address: IpAddr,
    /// The interface that a multicast address is joined on.
    pub interface: Option<IpAddr>,
    /// Whose packets alone a multicast address is joined for (RFC 4607); empty: anybody's.
    pub sources: Vec<IpAddr>,
    /// 0 takes any free one, an even one where RTCP has a port of its own.
    pub port: u16,
    /// RTCP comes and goes on the same port (RFC 5761); else on the next one (RFC 3550 11).
    pub rtcp_mux: bool,
    /// Other transports may have the same port, told apart by address and SSRC.
    pub shared: bool,
    /// Name of the encoding.
    pub rid: Option<String>,
    /// What the far end sends with, where that is known.
    pub ssrc: Option<u32>,
    /// Where to send, where that is known.
    pub remote: Option<SocketAddr>,
    /// Where to send RTCP, where that is another place than what follows from `remote`.
    pub remote_rtcp: Option<SocketAddr>,
    /// Networks that the first packet may be from; empty: any.
    pub allowed: Vec<RtpNetwork>,
    /// How we protect what we send; nothing: RTP/AVP.
    pub send_key: Option<RtpKey>,
    /// How the far end does.
    pub receive_key: Option<RtpKey>,
}

/// Addresses that begin alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtpNetwork {
    pub address: IpAddr,
    /// Bits that are the same.
    pub prefix: u8,
}

impl RtpNetwork {
    /// Whether an address is one of it.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let bits = u32::from(self.prefix.min(32));
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let bits = u32::from(self.prefix.min(128));
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// A suite and the master key and salt of one direction (RFC 4568 6.1).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RtpKey {
    /// As `a=crypto` names it, such as `AES_CM_128_HMAC_SHA1_80`.
    pub suite: String,
    /// Key and salt, one behind the other, in hexadecimal digits.
    pub key: String,
}

impl fmt::Debug for RtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// A port that is open as long as somebody has this.
#[derive(Debug)]
pub struct PortLease {
    /// The address bound.
    pub local: SocketAddr,
}

/// The ports of one entry of [`RtpMedia::ports`], bound.
#[derive(Clone, Debug)]
pub struct BoundPort {
    pub rtp: Arc<PortLease>,
    /// The same as `rtp` where both share one.
    pub rtcp: Arc<PortLease>,
    /// Others may have it too.
    pub shared: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8) -> RtpNetwork {
        RtpNetwork { address: address.parse().unwrap(), prefix }
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_like_it() {
        let has = |network: RtpNetwork, address: &str| network.has(address.parse().unwrap());
        assert!(has(network("192.0.2.0", 24), "192.0.2.255"));
        assert!(!has(network("192.0.2.0", 24), "192.0.3.0"));
        assert!(has(network("192.0.2.1", 32), "192.0.2.1"));
        assert!(has(network("0.0.0.0", 0), "203.0.113.9"));
        assert!(!has(network("0.0.0.0", 0), "2001:db8::1"));
        assert!(has(network("192.0.2.0", 24), "::ffff:192.0.2.7"), "the same address");
        assert!(has(network("2001:db8::", 32), "2001:db8:5::1"));
        assert!(!has(network("2001:db8::", 32), "2001:db9::1"));
    }

    #[test]
    fn keys_are_not_in_a_debug_text() {
        let key = RtpKey { suite: "AEAD_AES_128_GCM".into(), key: "abcd".into() };
        assert!(!format!("{key:?}").contains("abcd"));
    }
}
