//! Where the streams of a peer are, which is by what a peer that moved is looked for: its datagrams go
//! on from there.

use crate::codec::multiplex::{self, Multiplexed};

/// An RTP stream or sender of RTCP, as far as can be told without a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stream {
    Rtp {
        ssrc: u32,
    },
    /// `tag`: bytes behind the index of an SRTCP packet (RFC 3711 3.4, RFC 7714 9).
    Rtcp {
        tag: usize,
        ssrc: u32,
    },
}

/// The newest that came of a stream: its RTP sequence number or SRTCP index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trace {
    pub stream: Stream,
    pub newest: u32,
}

impl Trace {
    /// How far ahead of the newest packet of its stream another one is; `None` when it is not.
    pub fn ahead(&self, number: u32) -> Option<u32> {
        let ahead = match self.stream {
            Stream::Rtp { .. } => match (number as u16).wrapping_sub(self.newest as u16) {
                ahead if ahead < 0x8000 => u32::from(ahead),
                _ => 0,
            },
            Stream::Rtcp { .. } => number.saturating_sub(self.newest),
        };
        (ahead > 0).then_some(ahead)
    }
}

/// The streams that a datagram may go on, each with the number it has there.
pub fn streams(bytes: &[u8]) -> impl Iterator<Item = (Stream, u32)> {
    let kind = multiplex::classify(bytes);
    let rtp = (kind == Multiplexed::Rtp).then(|| {
        let ssrc = u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        (Stream::Rtp { ssrc }, u32::from(u16::from_be_bytes([bytes[2], bytes[3]])))
    });
    let rtcp = (kind == Multiplexed::Rtcp).then(|| crate::srtp::rtcp_numbers(bytes));
    let rtcp = rtcp.into_iter().flatten();
    rtp.into_iter().chain(rtcp.map(|(tag, ssrc, index)| (Stream::Rtcp { tag, ssrc }, index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_newer_is_ahead() {
        let rtp = |newest| Trace { stream: Stream::Rtp { ssrc: 1 }, newest };
        assert_eq!(rtp(10).ahead(11), Some(1));
        assert_eq!(rtp(10).ahead(10), None);
        assert_eq!(rtp(10).ahead(9), None);
        assert_eq!(rtp(0xfffe).ahead(3), Some(5), "sequence numbers start over");
        assert_eq!(rtp(3).ahead(0xfffe), None);
        let rtcp = |newest| Trace { stream: Stream::Rtcp { tag: 0, ssrc: 1 }, newest };
        assert_eq!(rtcp(10).ahead(11), Some(1));
        assert_eq!(rtcp(10).ahead(10), None);
        assert_eq!(rtcp(10).ahead(9), None);
    }

    #[test]
    fn a_datagram_is_read_without_a_key() {
        let mut rtp = [0x80, 96, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2];
        assert_eq!(streams(&rtp).collect::<Vec<_>>(), [(Stream::Rtp { ssrc: 7 }, 0x1234)]);
        assert_eq!(streams(&rtp[..11]).count(), 0);
        rtp[0] = 22;
        assert_eq!(streams(&rtp).count(), 0, "DTLS names no stream");

        let mut rtcp = vec![0x80, 201, 0, 1, 0, 0, 0, 1];
        rtcp.extend([0x80, 0, 0, 5]);
        rtcp.extend([0x80, 0, 0, 9, 0, 0, 0x80, 0, 0, 6]);
        let expected =
            [(Stream::Rtcp { tag: 0, ssrc: 1 }, 6), (Stream::Rtcp { tag: 10, ssrc: 1 }, 5)];
        assert_eq!(streams(&rtcp).collect::<Vec<_>>(), expected);
        for end in 0..rtcp.len() {
            assert!(streams(&rtcp[..end]).count() <= 2);
        }
    }
}
