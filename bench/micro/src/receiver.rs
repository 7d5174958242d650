//! A receiver's sending side with keys, and packets for it.

use std::time::{Duration, Instant};

use medialoom::sending::{
    Egress, ExtensionIds, OutgoingPacket, Stream, StreamParameters, WallClock,
};
use medialoom::sfu::SourcePacket;
use medialoom::srtp::{KeyingMaterial, Profile};

pub struct Receiver {
    pub egress: Egress,
    pub stream: Stream,
    index: u64,
}

impl Receiver {
    pub fn new(now: Instant, profile: Profile) -> Self {
        let bytes: Vec<u8> = (0..2 * (profile.key_len() + profile.salt_len()) as u8).collect();
        let material =
            KeyingMaterial::new(profile, &bytes).expect("as many bytes as the profile has");
        let mut egress = Egress::new(now, WallClock::new(now, Duration::ZERO));
        egress.set_keys(&material, true);
        let extensions =
            ExtensionIds { mid: Some(4), transport_sequence: Some(3), ..Default::default() };
        let stream = Stream::new(StreamParameters {
            ssrc: 1,
            rtx: Some(2),
            mid: "0".into(),
            cname: "bench".into(),
            extensions,
        });
        Self { egress, stream, index: 0 }
    }

    /// Seals a source's packet under the next index; gives the datagram's length.
    pub fn seal(&mut self, now: Instant, source: &SourcePacket, out: &mut [u8]) -> usize {
        self.index += 1;
        let packet = OutgoingPacket {
            pt: 96,
            index: self.index,
            timestamp: source.timestamp,
            marker: false,
            clock_rate: 90_000,
            captured: now,
            lead: &[],
            payload: &source.payload,
            prefix: None,
            extensions: &source.extensions,
            frame_number: None,
        };
        self.egress.seal(now, &mut self.stream, &packet, 0, out).expect("room for a datagram")
    }
}
