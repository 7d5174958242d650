//! Writes a peer's decrypted RTP and RTCP to its dump file.

use std::io;
use std::path::Path;

use crate::codec::multiplex::{self, Multiplexed};
use crate::control::flow::Flow;
use crate::dump::PacketDump;
use crate::sending::{Observer, OutgoingPacket};

/// Takes what a peer gets and is sent, decrypted.
pub struct Dumping {
    dump: PacketDump,
}

impl Dumping {
    /// Begins a file.
    ///
    /// # Errors
    /// What the system says of it.
    pub fn create(path: &Path) -> io::Result<Self> {
        PacketDump::create(path).map(|dump| Self { dump })
    }

    /// An RTP datagram came, which is `plaintext` behind its header.
    pub fn received(&self, flow: &Flow, datagram: &[u8], plaintext: &[u8]) {
        self.with_header(true, false, flow, datagram, &[plaintext]);
    }

    /// A whole packet, in the clear.
    pub fn plain(&self, incoming: bool, flow: &Flow, bytes: &[u8]) {
        self.dump.packet_now(incoming, flow.local, flow.remote, bytes);
    }

    /// The clear header of `sealed`, and what follows it.
    fn with_header(&self, incoming: bool, own: bool, flow: &Flow, sealed: &[u8], plain: &[&[u8]]) {
        let Some(header) = clear_header(sealed) else { return };
        let mut packet = sealed[..header].to_vec();
        if own {
            // Padding is left out, so the header must not promise any.
            packet[0] &= !0x20;
        }
        plain.iter().for_each(|part| packet.extend_from_slice(part));
        self.plain(incoming, flow, &packet);
    }

    /// Why writing stopped. Told once.
    pub fn take_error(&self) -> Option<io::Error> {
        self.dump.take_error()
    }
}

impl Observer for Dumping {
    fn rtp(&self, flow: &Flow, datagram: &[u8], packet: &OutgoingPacket<'_>) {
        let (start, rest) = packet.parts();
        self.with_header(false, true, flow, datagram, &[start, rest]);
    }

    fn rtx(&self, flow: &Flow, datagram: &[u8], packet: &OutgoingPacket<'_>) {
        let (start, rest) = packet.parts();
        let sequence = (packet.index as u16).to_be_bytes();
        self.with_header(false, true, flow, datagram, &[&sequence, start, rest]);
    }

    fn rtcp(&self, flow: &Flow, compound: &[u8]) {
        self.plain(false, flow, compound);
    }
}

/// Length of what SRTP and SRTCP leave in the clear (RFC 3711 3.1, 3.4).
fn clear_header(bytes: &[u8]) -> Option<usize> {
    match multiplex::classify(bytes) {
        Multiplexed::Rtcp => (bytes.len() >= 8).then_some(8),
        Multiplexed::Rtp => {
            let fixed = 12 + 4 * usize::from(bytes[0] & 0x0f);
            if bytes[0] & 0x10 == 0 {
                return (bytes.len() >= fixed).then_some(fixed);
            }
            let words = bytes.get(fixed + 2..fixed + 4)?;
            let length = fixed + 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
            (bytes.len() >= length).then_some(length)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_the_clear_header() {
        let mut rtp = vec![0x80, 96];
        rtp.resize(40, 0);
        assert_eq!(clear_header(&rtp), Some(12));
        rtp[0] = 0x92; // Two CSRCs and an extension of one word.
        rtp[12 + 8 + 3] = 1;
        assert_eq!(clear_header(&rtp), Some(12 + 8 + 4 + 4));
        rtp[12 + 8 + 3] = 200;
        assert_eq!(clear_header(&rtp), None);
        assert_eq!(clear_header(&[0x80, 200, 0, 1, 0, 0, 0, 0, 1]), Some(8));
        assert_eq!(clear_header(&[22; 40]), None);
    }
}
