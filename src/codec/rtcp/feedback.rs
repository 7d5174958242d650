//! What all feedback begins with: who sends it and about which stream (RFC 4585 6.1).

use super::{Packet, RawPacket, fir, nack, read_u32, remb, transport_feedback};

/// Formats of transport layer feedback.
pub(super) mod transport_format {
    /// RFC 4585 6.2.1.
    pub(in super::super) const NACK: u8 = 1;
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1.
    pub(in super::super) const TRANSPORT_WIDE: u8 = 15;
}

/// Formats of payload-specific feedback.
pub(super) mod payload_format {
    /// RFC 4585 6.3.1.
    pub(in super::super) const PLI: u8 = 1;
    /// RFC 5104 4.3.1.
    pub(in super::super) const FIR: u8 = 4;
    /// RFC 4585 6.4: told apart by what it begins with.
    pub(in super::super) const APPLICATION: u8 = 15;
}

/// A feedback packet taken apart.
pub(super) struct Feedback<'a> {
    /// Who sends the feedback.
    pub(super) sender: u32,
    /// The stream that it is about, or 0.
    pub(super) media: u32,
    /// FCI, the part that each format defines.
    pub(super) information: &'a [u8],
}

impl<'a> Feedback<'a> {
    fn parse(raw: &RawPacket<'a>) -> Option<Self> {
        let (sender, rest) = read_u32(raw.body)?;
        let (media, information) = read_u32(rest)?;
        Some(Self { sender, media, information })
    }
}

pub(super) fn parse_transport<'a>(raw: &RawPacket<'a>) -> Option<Packet<'a>> {
    let feedback = Feedback::parse(raw)?;
    match raw.count {
        transport_format::NACK => Some(nack::parse(&feedback)),
        transport_format::TRANSPORT_WIDE => transport_feedback::parse(&feedback),
        _ => Some(Packet::Other { payload_type: raw.payload_type }),
    }
}

pub(super) fn parse_payload<'a>(raw: &RawPacket<'a>) -> Option<Packet<'a>> {
    let feedback = Feedback::parse(raw)?;
    let other = Packet::Other { payload_type: raw.payload_type };
    match raw.count {
        payload_format::PLI => Some(Packet::Pli { sender: feedback.sender, media: feedback.media }),
        payload_format::FIR => Some(fir::parse(&feedback)),
        payload_format::APPLICATION if remb::is_remb(&feedback) => remb::parse(&feedback),
        _ => Some(other),
    }
}
