//! RTCP as on the wire (RFC 3550 6): reading compounds without allocating, writing packets into
//! slices one behind the other.

mod extended_report;
mod feedback;
mod fir;
mod goodbye;
mod nack;
mod pli;
mod receiver_report;
mod remb;
mod report_block;
mod sender_report;
mod source_description;
mod transport_feedback;
mod transport_feedback_writer;
mod writer;

pub use extended_report::{DelayBlocks, write_reference_time};
pub use fir::{FirEntries, write_fir};
pub use goodbye::write_goodbye;
pub use nack::{Lost, write_nack};
pub use pli::write_pli;
pub use receiver_report::write_receiver_report;
pub use remb::write_remb;
pub use report_block::{ReportBlock, ReportBlocks};
pub use sender_report::write_sender_report;
pub use source_description::write_source_description;
pub use transport_feedback::{Arrivals, TransportFeedback};
pub use transport_feedback_writer::write_transport_feedback;

/// RFC 3550 12.1, RFC 4585 6.1, RFC 3611 2.
mod payload_type {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const GOODBYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
    pub(super) const EXTENDED_REPORT: u8 = 207;
}

/// One RTCP packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet<'a> {
    /// RFC 3550 6.4.1.
    SenderReport {
        ssrc: u32,
        /// When the report was sent, as NTP time.
        ntp: u64,
        /// The same moment as RTP timestamp.
        rtp: u32,
        packets: u32,
        /// Of payload, without headers and padding.
        octets: u32,
        reports: ReportBlocks<'a>,
    },
    /// RFC 3550 6.4.2.
    ReceiverReport { ssrc: u32, reports: ReportBlocks<'a> },
    /// RFC 3550 6.5.
    SourceDescription,
    /// RFC 3550 6.6: these left.
    Goodbye(Ssrcs<'a>),
    /// RFC 4585 6.2.1: send again what got lost.
    Nack { sender: u32, media: u32, lost: Lost<'a> },
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1.
    TransportFeedback(TransportFeedback<'a>),
    /// RFC 4585 6.3.1: send a keyframe.
    Pli { sender: u32, media: u32 },
    /// RFC 5104 4.3.1: send a keyframe, with each number once.
    Fir { sender: u32, entries: FirEntries<'a> },
    /// draft-alvestrand-rmcat-remb-03 2.2: in bits per second, all of `ssrcs` together.
    Remb { sender: u32, bitrate: u64, ssrcs: Ssrcs<'a> },
    /// RFC 3611 2. Of its blocks only those are read that answer a reference time (DLRR, 4.5).
    ExtendedReport { ssrc: u32, delays: DelayBlocks<'a> },
    /// Well-formed as far as its header tells, but of no kind that is known here.
    Other { payload_type: u8 },
}

impl<'a> Packet<'a> {
    /// What there is in it to look at.
    fn blocks(&self) -> usize {
        match self {
            Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } => {
                reports.clone().count().max(1)
            }
            Packet::Fir { entries, .. } => entries.clone().count().max(1),
            Packet::TransportFeedback(feedback) => {
                1 + usize::from(feedback.status_count / STATUSES_OF_A_BLOCK)
            }
            _ => 1,
        }
    }

    /// `None` when the body is too short for what the header announces.
    fn parse(raw: &RawPacket<'a>) -> Option<Self> {
        match raw.payload_type {
            payload_type::SENDER_REPORT => sender_report::parse(raw),
            payload_type::RECEIVER_REPORT => receiver_report::parse(raw),
            payload_type::SOURCE_DESCRIPTION => Some(Packet::SourceDescription),
            payload_type::GOODBYE => goodbye::parse(raw),
            payload_type::TRANSPORT_FEEDBACK => feedback::parse_transport(raw),
            payload_type::PAYLOAD_FEEDBACK => feedback::parse_payload(raw),
            payload_type::EXTENDED_REPORT => extended_report::parse(raw),
            payload_type => Some(Packet::Other { payload_type }),
        }
    }
}

/// Blocks of one compound that are looked at: reports of streams and requests for keyframes, each
/// of which looks for its stream. A compound that fills a packet has some fifty.
const MAX_BLOCKS: usize = 256;

/// Packets that transport-wide feedback tells of, for the cost of one block. A chunk of two bytes
/// tells of thousands.
const STATUSES_OF_A_BLOCK: u16 = 64;

/// The packets of a compound, one after the other. Ends at the first malformed one, since nothing
/// behind it can be found, and after [`MAX_BLOCKS`]. That the first is a report (RFC 3550 6.1) is not asked for: peers send
/// feedback alone when that was agreed on (RFC 5506).
pub fn packets(bytes: &[u8]) -> Packets<'_> {
    Packets { rest: bytes, blocks: MAX_BLOCKS }
}

/// What [`packets`] returns.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
    /// That may still come.
    blocks: usize,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let bytes = std::mem::take(&mut self.rest);
        let (raw, rest) = RawPacket::split(bytes)?;
        let packet = Packet::parse(&raw)?;
        self.blocks = self.blocks.checked_sub(packet.blocks())?;
        self.rest = rest;
        Some(packet)
    }
}

/// A packet by its common header (RFC 3550 6.4.1).
struct RawPacket<'a> {
    /// RC, SC or FMT: five bits that each type uses in its own way.
    count: u8,
    payload_type: u8,
    /// What is behind the four bytes of the header, without padding.
    body: &'a [u8],
}

impl<'a> RawPacket<'a> {
    /// The first packet and what is behind it, with the checks of RFC 3550 A.2.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[first, payload_type, length @ ..], rest) = bytes.split_first_chunk::<4>()?;
        if first >> 6 != 2 {
            return None;
        }
        let (mut body, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(length)) * 4)?;
        if first & 0x20 != 0 {
            // Should be a multiple of four, but Chrome pads transport feedback by single bytes.
            let padding = usize::from(*body.last()?);
            if padding == 0 {
                return None;
            }
            body = &body[..body.len().checked_sub(padding)?];
        }
        Some((Self { count: first & 0x1f, payload_type, body }, rest))
    }
}

fn read_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*value), rest))
}

/// SSRCs that a packet lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ssrcs<'a>(&'a [u8]);

impl<'a> Ssrcs<'a> {
    /// `None` when `bytes` are not so many.
    fn new(bytes: &'a [u8], count: u8) -> Option<Self> {
        bytes.get(..usize::from(count) * 4).map(Self)
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (ssrc, rest) = read_u32(self.0)?;
        self.0 = rest;
        Some(ssrc)
    }
}

#[cfg(test)]
mod tests;
