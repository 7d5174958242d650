//! What the micro-benchmarks work on: packets and datagrams as a browser sends them.

mod publisher;
mod receiver;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use publisher::Publisher;
pub use receiver::Receiver;

use medialoom::codec::{Codec, Description};
use medialoom::control::flow::{Flow, Protocol};
use medialoom::control::ids::SourceId;
use medialoom::sfu::{EncodingIndex, Extensions, SourcePacket};

/// Payload bytes of a packet of a camera with 1.5 Mbit/s, six packets a frame.
pub const PAYLOAD: usize = 1_041;
pub const PACKETS_PER_FRAME: u64 = 6;

/// VP8 packets of one camera that never ends, the first frame a keyframe.
pub struct Camera {
    number: u64,
    now: Instant,
}

impl Camera {
    pub fn new() -> Self {
        Self { number: 0, now: Instant::now() }
    }

    /// The payload of the next packet, with its descriptor (RFC 7741 4.2).
    pub fn payload(&self) -> Vec<u8> {
        let first = self.number.is_multiple_of(PACKETS_PER_FRAME);
        let frame = self.number / PACKETS_PER_FRAME;
        let mut payload = vec![7; PAYLOAD];
        payload[0] = 0x80 | u8::from(first) << 4;
        payload[1] = 0x80;
        payload[2..4].copy_from_slice(&(0x8000 | frame as u16 & 0x7fff).to_be_bytes());
        if first {
            payload[4] = u8::from(frame > 0);
            payload[7..14].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]);
        }
        payload
    }

    pub fn packet(&mut self) -> SourcePacket {
        let payload: Arc<[u8]> = self.payload().into();
        let frame = self.number / PACKETS_PER_FRAME;
        let arrival = self.now + Duration::from_micros(33_333) * frame as u32;
        self.number += 1;
        SourcePacket {
            track: SourceId(64),
            encoding: EncodingIndex(0),
            ssrc: 1,
            sequence: 1_000 + self.number,
            timestamp: (frame * 3_000) as u32,
            marker: self.number.is_multiple_of(PACKETS_PER_FRAME),
            codec: Codec::Vp8,
            red: false,
            telephone_event: false,
            source_pt: 96,
            description: Description::parse(Codec::Vp8, &payload, None),
            payload,
            arrival,
            captured: arrival,
            to_reported: Some(0),
            extensions: Extensions::default(),
        }
    }
}

impl Default for Camera {
    fn default() -> Self {
        Self::new()
    }
}

/// The flow of the peer with that number; each has an address of its own.
pub fn flow(peer: usize) -> Flow {
    let [.., high, low] = (peer as u32).to_be_bytes();
    Flow {
        protocol: Protocol::Udp,
        local: SocketAddr::from(([127, 0, 0, 1], 10_000)),
        remote: SocketAddr::from(([10, 0, high, low], 20_000)),
    }
}
