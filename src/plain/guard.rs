//! What protects one direction of a port, by keys that descriptions brought (RFC 4568). Inside the
//! transport everything is in the clear, so that sound and pictures may have keys of their own.

use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use crate::receiving::RtpHeader;
use crate::srtp::{KeyingMaterial, PacketIndex, RtcpOpener, RtpOpener, Sealer};

/// SSRCs whose indices are remembered; the one that was silent for the longest gives way.
const MAX_STREAMS: usize = 64;
/// Packets that may be sent again: as many as the sending half keeps of pictures.
const KNOWN: usize = 512;
/// P in the first byte of the header (RFC 3550 5.1).
const PADDING: u8 = 0x20;

/// Opens what comes in on a port.
pub(super) struct Guard {
    rtp: RtpOpener,
    rtcp: RtcpOpener,
    streams: Vec<Stream>,
    /// Reused.
    body: Vec<u8>,
}

struct Stream {
    ssrc: u32,
    index: PacketIndex,
    heard: Instant,
}

/// A packet that is authentic, and was not there before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Authentic {
    /// It is ahead of all others of its stream.
    pub(super) newest: bool,
}

impl Guard {
    /// `None` when the cryptography refuses the keys.
    pub(super) fn new(material: &KeyingMaterial) -> Option<Self> {
        Some(Self {
            rtp: RtpOpener::new(material, false)?,
            rtcp: RtcpOpener::new(material, false)?,
            streams: Vec::new(),
            body: Vec::new(),
        })
    }

    /// Puts the RTP packet in the clear into `plain`, if it is authentic and not there before.
    pub(super) fn open_rtp(
        &mut self,
        now: Instant,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) -> Option<Authentic> {
        let header = RtpHeader::parse(datagram)?;
        let place = self.streams.iter().position(|stream| stream.ssrc == header.ssrc);
        let Self { rtp, streams, body, .. } = self;
        let mut opens = |index: &u64| rtp.open(datagram, header.length, header.ssrc, *index, body);
        let newest = match place.and_then(|place| streams.get_mut(place)) {
            Some(stream) => {
                let index = stream.index.guess(header.sequence)?;
                if !stream.index.accepts(index) || !opens(&index) {
                    return None;
                }
                let newest = index > stream.index.highest();
                stream.index.record(index);
                stream.heard = now;
                newest
            }
            None => {
                let index = PacketIndex::first_guesses(header.sequence).find(opens)?;
                if streams.len() >= MAX_STREAMS {
                    let oldest = streams.iter().enumerate().min_by_key(|(_, s)| s.heard)?.0;
                    streams.swap_remove(oldest);
                }
                let index = PacketIndex::new(index);
                streams.push(Stream { ssrc: header.ssrc, index, heard: now });
                true
            }
        };
        plain.clear();
        plain.extend_from_slice(datagram.get(..header.length)?);
        plain.extend_from_slice(&self.body);
        Some(Authentic { newest })
    }

    /// Puts the RTCP compound in the clear into `plain`, if it is authentic and not there before.
    pub(super) fn open_rtcp(&mut self, datagram: &[u8], plain: &mut Vec<u8>) -> bool {
        self.rtcp.open(datagram, plain)
    }
}

/// Protects what goes out of a port.
pub(super) struct Seal {
    sealer: Sealer,
    streams: Vec<Sent>,
    /// Of what packets are known by that were sealed; nobody outside can make two that have one.
    hasher: RandomState,
}

/// What was sealed of one SSRC.
struct Sent {
    ssrc: u32,
    index: PacketIndex,
    /// Of the last packets, at its index modulo their number.
    known: Vec<Option<(u64, u64)>>,
}

impl Sent {
    fn place(index: u64) -> usize {
        (index % KNOWN as u64) as usize
    }

    fn remember(&mut self, index: u64, hash: Option<u64>) {
        let Some(hash) = hash else { return };
        let place = Self::place(index);
        if self.known.len() <= place {
            self.known.resize(place + 1, None);
        }
        self.known[place] = Some((index, hash));
    }

    /// Whether this very packet was sealed under this index.
    fn is_repeated(&self, index: u64, hash: Option<u64>) -> bool {
        hash.is_some_and(|hash| self.known.get(Self::place(index)) == Some(&Some((index, hash))))
    }
}

impl Seal {
    /// `None` when the cryptography refuses the keys.
    pub(super) fn new(material: &KeyingMaterial) -> Option<Self> {
        let sealer = Sealer::new(material, true)?;
        Some(Self { sealer, streams: Vec::new(), hasher: RandomState::new() })
    }

    /// Bytes by which an RTP packet grows.
    pub(super) fn rtp_overhead(&self) -> usize {
        self.sealer.rtp_overhead()
    }

    /// Writes a plain RTP packet sealed into `out`. Numbers of a stream that follow each other count
    /// on through their 16 bits, as the sending half's own do. With `repeats` packets are known again: one that
    /// is sent as it was becomes the datagram that it was. Gives the length.
    pub(super) fn seal_rtp(
        &mut self,
        packet: &[u8],
        repeats: bool,
        out: &mut [u8],
    ) -> Option<usize> {
        let header = RtpHeader::parse(packet)?;
        let hash = repeats.then(|| self.hasher.hash_one(packet));
        let index = match self.streams.iter_mut().find(|stream| stream.ssrc == header.ssrc) {
            Some(stream) => {
                let index = stream.index.guess(header.sequence)?;
                if stream.index.accepts(index) {
                    stream.index.record(index);
                    stream.remember(index, hash);
                } else if !stream.is_repeated(index, hash) {
                    // Never two packets under one index (RFC 3711 9.1, RFC 7714 8.1).
                    return None;
                }
                index
            }
            None => {
                if self.streams.len() >= MAX_STREAMS {
                    return None;
                }
                let index = u64::from(header.sequence);
                let (ssrc, known) = (header.ssrc, Vec::new());
                let mut stream = Sent { ssrc, index: PacketIndex::new(index), known };
                stream.remember(index, hash);
                self.streams.push(stream);
                index
            }
        };
        let (clear, body) = packet.split_at_checked(header.length)?;
        out.get_mut(..clear.len())?.copy_from_slice(clear);
        let padded = clear.first().is_some_and(|first| first & PADDING != 0);
        let padding = if padded { usize::from(*body.last()?) } else { 0 };
        let body = body.get(..body.len().checked_sub(padding)?)?;
        self.sealer.seal_rtp(out, clear.len(), header.ssrc, index, &[], body, padding)
    }

    /// Gives a plain RTCP compound sealed.
    pub(super) fn seal_rtcp(&mut self, mut compound: Vec<u8>) -> Option<Vec<u8>> {
        let length = compound.len();
        compound.resize(length + self.sealer.rtcp_overhead(), 0);
        let length = self.sealer.seal_rtcp(&mut compound, length)?;
        compound.truncate(length);
        Some(compound)
    }
}
