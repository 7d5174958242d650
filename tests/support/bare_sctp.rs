//! SCTP of a peer that obeys nobody (RFC 9260): the association is made as it should be, and
//! everything else is up to the caller.

use super::World;
use super::bare_peer::BarePeer;
use super::stun::crc32c;

pub const DATA: u8 = 0;
pub const INIT: u8 = 1;
pub const INIT_ACK: u8 = 2;
pub const SACK: u8 = 3;
pub const COOKIE_ECHO: u8 = 10;
pub const COOKIE_ACK: u8 = 11;
pub const FORWARD_TSN: u8 = 192;
pub const RECONFIG: u8 = 130;

/// RFC 8831 8.
pub const DCEP: u32 = 50;
pub const STRING: u32 = 51;
pub const BINARY: u32 = 53;

const PORT: u16 = 5000;
const STATE_COOKIE: u16 = 7;

/// One association.
pub struct BareSctp {
    /// What the other side wants to see in packets to it.
    pub tag: u32,
    /// Of the next DATA chunk.
    pub tsn: u32,
}

impl BareSctp {
    /// What the other side has to put into packets to this one.
    pub const TAG: u32 = 0x0102_0304;

    /// Begins an association and sees it through. A peer that is the DTLS server waits for the other
    /// side to begin.
    pub fn associate(world: &mut World, peer: &mut BarePeer) -> Self {
        let mut association = Self { tag: 0, tsn: 0x1000 };
        let began = association.answer(world, peer);
        if !began {
            association.send(world, peer, &chunk(INIT, 0, &association.init()));
            association.tag = 0;
            for _ in 0..2 {
                peer.exchange(world, |_, datagram| vec![datagram]);
                association.answer(world, peer);
            }
        }
        association
    }

    fn init(&self) -> Vec<u8> {
        let mut init = Self::TAG.to_be_bytes().to_vec();
        init.extend(0x0010_0000_u32.to_be_bytes());
        init.extend(u16::MAX.to_be_bytes());
        init.extend(u16::MAX.to_be_bytes());
        init.extend(self.tsn.to_be_bytes());
        // FORWARD-TSN (RFC 3758), and with it and RE-CONFIG the extensions (RFC 5061 4.2.7).
        init.extend([0xc0, 0, 0, 4, 0x80, 0x08, 0, 6, RECONFIG, FORWARD_TSN, 0, 0]);
        init
    }

    /// Answers what came of the handshake, if anything did.
    pub fn answer(&mut self, world: &mut World, peer: &mut BarePeer) -> bool {
        peer.exchange(world, |_, datagram| vec![datagram]);
        let mut answered = false;
        for packet in std::mem::take(&mut peer.data) {
            let Some(value) = packet.get(16..) else { continue };
            let tag = || value.first_chunk().map(|tag| u32::from_be_bytes(*tag));
            match packet[12] {
                INIT => {
                    self.tag = tag().unwrap_or(0);
                    let mut ack = self.init();
                    ack.extend(STATE_COOKIE.to_be_bytes());
                    ack.extend([0, 8, 1, 2, 3, 4]);
                    self.send(world, peer, &chunk(INIT_ACK, 0, &ack));
                }
                INIT_ACK => {
                    self.tag = tag().unwrap_or(0);
                    let cookie = cookie(value).unwrap_or_default().to_vec();
                    self.send(world, peer, &chunk(COOKIE_ECHO, 0, &cookie));
                }
                COOKIE_ECHO => self.send(world, peer, &chunk(COOKIE_ACK, 0, &[])),
                _ => continue,
            }
            answered = true;
        }
        answered
    }

    /// Sends chunks with the header they have to have.
    pub fn send(&self, world: &mut World, peer: &mut BarePeer, chunks: &[u8]) {
        peer.send_data(world, &self.packet(chunks));
    }

    pub fn packet(&self, chunks: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(12 + chunks.len());
        packet.extend(PORT.to_be_bytes());
        packet.extend(PORT.to_be_bytes());
        packet.extend(self.tag.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(chunks);
        let sum = crc32c(&packet);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
        packet
    }
}

fn cookie(init_ack: &[u8]) -> Option<&[u8]> {
    let mut rest = init_ack.get(16..)?;
    while let [k0, k1, l0, l1, ..] = rest {
        let (kind, length) = (u16::from_be_bytes([*k0, *k1]), u16::from_be_bytes([*l0, *l1]));
        let length = usize::from(length);
        if kind == STATE_COOKIE {
            return rest.get(4..length);
        }
        rest = rest.get(length.max(4).next_multiple_of(4)..)?;
    }
    None
}

/// A chunk (RFC 9260 3.2).
pub fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = vec![kind, flags];
    chunk.extend((value.len() as u16 + 4).to_be_bytes());
    chunk.extend(value);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

/// A DATA chunk (RFC 9260 3.3.1); `flags` 3 is a whole message.
pub fn data(flags: u8, tsn: u32, stream: u16, number: u16, protocol: u32, data: &[u8]) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend(number.to_be_bytes());
    value.extend(protocol.to_be_bytes());
    value.extend(data);
    chunk(DATA, flags, &value)
}

/// DATA_CHANNEL_OPEN (RFC 8832 5.1).
pub fn open(kind: u8, reliability: u32, label: &[u8], protocol: &[u8]) -> Vec<u8> {
    let mut open = vec![3, kind, 0, 0];
    open.extend(reliability.to_be_bytes());
    open.extend((label.len() as u16).to_be_bytes());
    open.extend((protocol.len() as u16).to_be_bytes());
    open.extend(label);
    open.extend(protocol);
    open
}
