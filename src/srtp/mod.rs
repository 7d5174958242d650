//! SRTP and SRTCP (RFC 3711) with the three profiles that DTLS-SRTP negotiates in browsers: AES-GCM
//! (RFC 7714) with 128 and 256 bits, and AES in counter mode with HMAC-SHA1 (RFC 5764 4.1.2); with
//! those that only descriptions agree on (RFC 4568 6.2, RFC 6188), and RTP that nothing protects.
//!
//! A [`Sealer`] protects what we send, an [`RtpOpener`] opens the media that the peer sends and an
//! [`RtcpOpener`] its reports. Nothing here knows time or sockets, and neither sealing nor opening
//! allocates.

mod cm;
mod gcm;
#[cfg(test)]
mod interoperability;
mod keys;
mod library;
mod null;
mod opener;
mod packet_index;
mod replay;
mod rtp_opener;
mod sealer;

pub use keys::KeyingMaterial;
pub use library::library_version;
pub use opener::RtcpOpener;
pub use packet_index::PacketIndex;
pub use rtp_opener::RtpOpener;
pub use sealer::Sealer;

use cm::CounterMode;
use gcm::Gcm;
use keys::{Packets, SessionKeys};

/// What two sides agreed on, in the DTLS handshake or by descriptions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// RFC 5764 4.1.2, RFC 4568 6.2.1.
    Aes128CmSha1_80,
    /// RFC 4568 6.2.2; not for DTLS.
    Aes128CmSha1_32,
    /// RFC 6188 2; not for DTLS.
    Aes256CmSha1_80,
    /// RFC 6188 2; not for DTLS.
    Aes256CmSha1_32,
    /// RFC 7714 14.2.
    AeadAes128Gcm,
    /// RFC 7714 14.2.
    AeadAes256Gcm,
    /// RTP and RTCP as they are (RFC 3551): nothing is secret and nothing authentic.
    Null,
}

impl Profile {
    /// Every profile that protects.
    pub const ALL: [Profile; 6] = [
        Profile::Aes128CmSha1_80,
        Profile::Aes128CmSha1_32,
        Profile::Aes256CmSha1_80,
        Profile::Aes256CmSha1_32,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ];

    /// Bytes of a master key.
    pub const fn key_len(self) -> usize {
        match self {
            Profile::Aes128CmSha1_80 | Profile::Aes128CmSha1_32 | Profile::AeadAes128Gcm => 16,
            Profile::Aes256CmSha1_80 | Profile::Aes256CmSha1_32 | Profile::AeadAes256Gcm => 32,
            Profile::Null => 0,
        }
    }

    /// Bytes of a master salt.
    pub const fn salt_len(self) -> usize {
        match self {
            Profile::Aes128CmSha1_80
            | Profile::Aes128CmSha1_32
            | Profile::Aes256CmSha1_80
            | Profile::Aes256CmSha1_32 => 14,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 12,
            Profile::Null => 0,
        }
    }

    /// Bytes by which an RTP packet grows: the tag.
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Profile::Aes128CmSha1_80 | Profile::Aes256CmSha1_80 => cm::TAG_LEN,
            Profile::Aes128CmSha1_32 | Profile::Aes256CmSha1_32 => cm::SHORT_TAG_LEN,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => gcm::TAG_LEN,
            Profile::Null => 0,
        }
    }

    /// Bytes by which an RTCP compound grows: the tag and the word with the index. Tags of RTCP are
    /// never short (RFC 4568 6.2.2).
    pub const fn rtcp_overhead(self) -> usize {
        match self {
            Profile::Aes128CmSha1_80
            | Profile::Aes128CmSha1_32
            | Profile::Aes256CmSha1_80
            | Profile::Aes256CmSha1_32 => cm::TAG_LEN + SrtcpIndex::LEN,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => gcm::TAG_LEN + SrtcpIndex::LEN,
            Profile::Null => 0,
        }
    }
}

/// The header that stays in the clear in SRTCP: that of the first packet, with its SSRC
/// (RFC 3711 3.4).
const RTCP_HEADER_LEN: usize = 8;

/// What an SRTCP packet says of itself without a key, for each place where a profile may put it:
/// bytes behind the index (RFC 3711 3.4, RFC 7714 9), SSRC and index.
pub fn rtcp_numbers(packet: &[u8]) -> impl Iterator<Item = (usize, u32, u32)> {
    [0, cm::TAG_LEN].into_iter().filter_map(|tag| {
        let end = packet.len().checked_sub(tag).filter(|end| *end >= RTCP_HEADER_LEN)?;
        let index = SrtcpIndex::from_bytes(*packet[..end].last_chunk()?)?;
        Some((tag, rtcp_sender(packet)?, index.0))
    })
}

/// Who sent an RTCP compound: the SSRC of its first packet. `None` when it is too short to tell.
fn rtcp_sender(compound: &[u8]) -> Option<u32> {
    compound.get(4..RTCP_HEADER_LEN)?.try_into().ok().map(u32::from_be_bytes)
}

/// The 31-bit index of an SRTCP packet (RFC 3711 3.4), which is encrypted: E is set on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct SrtcpIndex(u32);

impl SrtcpIndex {
    /// Bytes on the wire.
    const LEN: usize = 4;
    const LAST: u32 = 0x7fff_ffff;
    const ENCRYPTED: u32 = 0x8000_0000;

    fn to_bytes(self) -> [u8; Self::LEN] {
        (self.0 | Self::ENCRYPTED).to_be_bytes()
    }

    /// `None` for a packet that is not encrypted. Nobody sends such in WebRTC, where encryption is
    /// not optional (RFC 8827 6.5).
    fn from_bytes(bytes: [u8; Self::LEN]) -> Option<Self> {
        let word = u32::from_be_bytes(bytes);
        (word & Self::ENCRYPTED != 0).then_some(Self(word & Self::LAST))
    }
}

/// What is sealed of an RTP packet, in the order it has on the wire.
struct Payload<'a> {
    prefix: &'a [u8],
    rest: &'a [u8],
    /// Bytes of RTP padding, the last of which holds their number (RFC 3550 5.1).
    padding: u8,
}

impl Payload<'_> {
    fn len(&self) -> usize {
        self.prefix.len() + self.rest.len() + usize::from(self.padding)
    }
}

/// The keys and cipher of one direction, for either RTP or RTCP.
enum Cipher {
    Gcm(Gcm),
    /// Boxed for its schedules of some 1,700 bytes, which most peers do not need.
    CounterMode(Box<CounterMode>),
    Null,
}

impl Cipher {
    /// For what one side sends.
    fn new(material: &KeyingMaterial, client: bool, packets: Packets) -> Option<Self> {
        let profile = material.profile();
        if profile == Profile::Null {
            return Some(Cipher::Null);
        }
        Self::with_keys(profile, &material.session_keys(client, packets)?, packets)
    }

    fn with_keys(profile: Profile, keys: &SessionKeys, packets: Packets) -> Option<Self> {
        // RTCP has the long tag in any case.
        let tag = if packets == Packets::Rtp { profile.rtp_overhead() } else { cm::TAG_LEN };
        Some(match profile {
            Profile::Aes128CmSha1_80
            | Profile::Aes128CmSha1_32
            | Profile::Aes256CmSha1_80
            | Profile::Aes256CmSha1_32 => {
                Cipher::CounterMode(Box::new(CounterMode::new(keys, tag)?))
            }
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => Cipher::Gcm(Gcm::new(keys)?),
            Profile::Null => Cipher::Null,
        })
    }
}
