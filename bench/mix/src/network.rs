//! The way from one mixer to another.

use std::time::Instant;

use medialoom::mcu::{MadePacket, TakenPacket};

/// A packet as whoever receives it sees it.
pub fn arriving(packet: MadePacket, arrival: Instant) -> TakenPacket {
    TakenPacket {
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        marker: packet.marker,
        codec: packet.codec,
        red: false,
        payload: packet.payload,
        arrival,
        captured: packet.captured,
        audio_level: packet.audio_level.map(|(level, _)| level),
        rotation: 0,
    }
}

/// Packets that were sent and have not arrived, each with what is known of it.
pub struct UnderWay<T>(Vec<(TakenPacket, T)>);

impl<T> UnderWay<T> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn send(&mut self, packet: MadePacket, arrival: Instant, known: T) {
        self.0.push((arriving(packet, arrival), known));
    }

    /// Hands over what is there by now, in the order in which it was sent.
    pub fn take(&mut self, now: Instant, mut take: impl FnMut(TakenPacket, T)) {
        for (packet, known) in self.0.extract_if(.., |(packet, _)| packet.arrival <= now) {
            take(packet, known);
        }
    }
}
