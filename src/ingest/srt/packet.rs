//! Packets (3.1, 3.2): a header of 16 bytes, and what is behind it.

pub(super) const HEADER: usize = 16;

pub(super) const HANDSHAKE: u16 = 0;
pub(super) const KEEPALIVE: u16 = 1;
pub(super) const ACK: u16 = 2;
pub(super) const NAK: u16 = 3;
pub(super) const SHUTDOWN: u16 = 5;
pub(super) const ACKACK: u16 = 6;
pub(super) const DROP_REQUEST: u16 = 7;
pub(super) const USER: u16 = 0x7fff;
/// Subtypes of USER: keys that change while the connection goes on (3.2.2).
pub(super) const KEY_REQUEST: u16 = 3;
pub(super) const KEY_RESPONSE: u16 = 4;

const CONTROL: u32 = 1 << 31;
/// A packet that is a message of its own, as all of live streams are.
const SOLO: u32 = 3 << 30;
pub(super) const MESSAGE_MASK: u32 = (1 << 26) - 1;
pub(super) const RETRANSMITTED: u32 = 1 << 26;

/// Which key a payload is encrypted with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeySlot {
    Even,
    Odd,
}

/// One packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packet<'a> {
    Data(Data<'a>),
    Control(Control<'a>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Data<'a> {
    pub(super) sequence: u32,
    /// `None` in the clear.
    pub(super) key: Option<KeySlot>,
    pub(super) retransmitted: bool,
    pub(super) timestamp: u32,
    pub(super) payload: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Control<'a> {
    pub(super) kind: u16,
    pub(super) subtype: u16,
    /// What depends on the type.
    pub(super) info: u32,
    pub(super) timestamp: u32,
    pub(super) body: &'a [u8],
}

/// The socket that a datagram is for; 0 is whoever listens. `None` of what is too short.
pub fn destination(datagram: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*datagram.get(12..)?.first_chunk()?))
}

impl<'a> Packet<'a> {
    /// `None` of what is no packet.
    pub(super) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (&[a, b, c, d, e, f, g, h, i, j, k, l, ..], body) =
            datagram.split_first_chunk::<HEADER>()?;
        let first = u32::from_be_bytes([a, b, c, d]);
        let info = u32::from_be_bytes([e, f, g, h]);
        let timestamp = u32::from_be_bytes([i, j, k, l]);
        if first & CONTROL != 0 {
            let (kind, subtype) = ((first >> 16) as u16 & 0x7fff, first as u16);
            return Some(Self::Control(Control { kind, subtype, info, timestamp, body }));
        }
        let key = match info >> 27 & 3 {
            0 => None,
            1 => Some(KeySlot::Even),
            2 => Some(KeySlot::Odd),
            _ => return None,
        };
        let retransmitted = info & RETRANSMITTED != 0;
        Some(Self::Data(Data { sequence: first, key, retransmitted, timestamp, payload: body }))
    }
}

/// Appends the header of a control packet.
pub(super) fn control(
    kind: u16,
    subtype: u16,
    info: u32,
    timestamp: u32,
    to: u32,
    out: &mut Vec<u8>,
) {
    let first = CONTROL | u32::from(kind) << 16 | u32::from(subtype);
    for word in [first, info, timestamp, to] {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// The header of a packet of payload.
pub(super) fn data(
    sequence: u32,
    message: u32,
    key: Option<KeySlot>,
    timestamp: u32,
    to: u32,
) -> [u8; HEADER] {
    let key = match key {
        None => 0,
        Some(KeySlot::Even) => 1,
        Some(KeySlot::Odd) => 2,
    };
    let info = SOLO | key << 27 | message & MESSAGE_MASK;
    let words = [sequence, info, timestamp, to].map(u32::to_be_bytes);
    let mut header = [0; HEADER];
    header.as_chunks_mut().0.copy_from_slice(&words);
    header
}
