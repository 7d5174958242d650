//! Chunks of SCTP packets, as far as bounds need them (RFC 9260 3.2).

pub(super) const DATA: u8 = 0;
pub(super) const INIT: u8 = 1;
pub(super) const INIT_ACK: u8 = 2;
pub(super) const SACK: u8 = 3;
pub(super) const RECONFIG: u8 = 130;
pub(super) const FORWARD_TSN: u8 = 192;
/// Of interleaved messages (RFC 8260 2.3), which this side does not offer.
pub(super) const I_FORWARD_TSN: u8 = 194;
/// Outgoing SSN reset request (RFC 6525 4.1).
pub(super) const OUTGOING_RESET: u16 = 13;
/// Re-configuration response (RFC 6525 4.4).
pub(super) const RESPONSE: u16 = 16;

/// Bytes before the first chunk (RFC 9260 3.1).
pub(super) const COMMON_HEADER: usize = 12;

/// One chunk of a packet.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u8,
    pub(super) value: &'a [u8],
}

/// What counts of a DATA chunk (RFC 9260 3.3.1).
#[derive(Clone, Copy)]
pub(super) struct Data {
    pub(super) tsn: u32,
    pub(super) stream: u16,
    /// Of the message.
    pub(super) bytes: u32,
}

/// An outgoing SSN reset request (RFC 6525 4.1).
#[derive(Clone, Copy)]
pub(super) struct Reset<'a> {
    pub(super) sequence: u32,
    /// Everything up to this number comes before the reset.
    pub(super) last_tsn: u32,
    streams: &'a [u8],
}

impl Reset<'_> {
    /// The streams it names; none is all of them.
    pub(super) fn streams(&self) -> impl Iterator<Item = u16> {
        self.streams.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl<'a> Chunk<'a> {
    pub(super) fn data(&self) -> Option<Data> {
        if self.kind != DATA {
            return None;
        }
        let bytes = self.value.len().saturating_sub(12) as u32;
        Some(Data { tsn: u32_at(self.value, 0)?, stream: u16_at(self.value, 4)?, bytes })
    }

    /// Where the sender's numbers begin (RFC 9260 3.3.2, 3.3.3).
    pub(super) fn initial_tsn(&self) -> Option<u32> {
        self.begins().then(|| u32_at(self.value, 12)).flatten()
    }

    fn begins(&self) -> bool {
        matches!(self.kind, INIT | INIT_ACK)
    }

    /// The receive window that its sender has, of INIT, INIT ACK (RFC 9260 3.3.2) and SACK (3.3.4).
    pub(super) fn window(&self) -> Option<u32> {
        (self.begins() || self.kind == SACK).then(|| u32_at(self.value, 4)).flatten()
    }

    /// Whether the gap ack blocks of a SACK are in order and apart, as they have to be
    /// (RFC 9260 3.3.4). Blocks that say the same again would each be gone through.
    pub(super) fn is_odd_sack(&self) -> bool {
        if self.kind != SACK {
            return false;
        }
        let blocks = usize::from(u16_at(self.value, 8).unwrap_or_default());
        let blocks = self.value.get(12..).unwrap_or_default().chunks_exact(4).take(blocks);
        let mut last = 0;
        !blocks.map(|block| [[block[0], block[1]], [block[2], block[3]]]).all(|[start, end]| {
            let (start, end) = (u16::from_be_bytes(start), u16::from_be_bytes(end));
            let after = start > last && end >= start;
            last = end;
            after
        })
    }

    /// The number that the peer gives up what lies before (RFC 3758 3.2).
    pub(super) fn forwarded_to(&self) -> Option<u32> {
        (self.kind == FORWARD_TSN).then(|| u32_at(self.value, 0)).flatten()
    }

    /// The streams that a FORWARD TSN names.
    pub(super) fn forwarded_streams(&self) -> impl Iterator<Item = u16> + use<'a> {
        let streams = if self.kind == FORWARD_TSN { self.value.get(4..) } else { None };
        let streams = streams.unwrap_or_default().chunks_exact(4);
        streams.map(|stream| u16::from_be_bytes([stream[0], stream[1]]))
    }

    /// The parameters of a RE-CONFIG, two at most (RFC 6525 3.1).
    fn parameters(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = if self.kind == RECONFIG { self.value } else { &[] };
        let next = move || {
            let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
            let value = rest.get(4..length)?;
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, value))
        };
        std::iter::from_fn(next).take(2)
    }

    pub(super) fn resets(&self) -> impl Iterator<Item = Reset<'a>> + use<'a> {
        self.parameters().filter_map(|(kind, value)| {
            let streams = (kind == OUTGOING_RESET).then(|| value.get(12..)).flatten()?;
            Some(Reset { sequence: u32_at(value, 0)?, last_tsn: u32_at(value, 8)?, streams })
        })
    }

    /// Answers to requests: which, and what came of it.
    pub(super) fn responses(&self) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        self.parameters().filter_map(|(kind, value)| {
            (kind == RESPONSE).then(|| Some((u32_at(value, 0)?, u32_at(value, 4)?))).flatten()
        })
    }
}

/// The chunks of a packet, as far as their lengths make sense.
pub(super) fn chunks(packet: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = packet.get(COMMON_HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&[kind, _, high, low], _) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Chunk { kind, value })
    })
}
