//! A peer that sends the packets of a camera, and the engine's side that takes them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use medialoom::codec::format::{Format, Parameters};
use medialoom::codec::{Codec, Kind};
use medialoom::control::ids::SourceId;
use medialoom::receiving::extensions::uri;
use medialoom::receiving::{ExtensionIds, FeedbackKinds, LineTrack, ReceiveLine, Receiving};
use medialoom::srtp::{KeyingMaterial, Profile, Sealer};

use crate::{Camera, PACKETS_PER_FRAME};

const SSRC: u32 = 7;

/// Sends what browsers send: MID, transport-wide numbers and the time of sending in every packet.
pub struct Publisher {
    camera: Camera,
    sealer: Sealer,
    receiving: Receiving,
    plain: Vec<u8>,
    index: u64,
    now: Instant,
}

impl Publisher {
    pub fn new(profile: Profile) -> Self {
        let exported = vec![7; 2 * (profile.key_len() + profile.salt_len())];
        let material = KeyingMaterial::new(profile, &exported).expect("of the profile's length");
        let now = Instant::now();
        let mut receiving = Receiving::new(now, 1, "engine");
        receiving.set_keys(&material, false);
        receiving.configure(vec![line()]);
        let sealer = Sealer::new(&material, true).expect("the keys are accepted");
        let (camera, plain) = (Camera::new(), Vec::new());
        Self { camera, sealer, receiving, plain, index: 1_000, now }
    }

    /// The next datagrams.
    pub fn seal(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.datagram()).collect()
    }

    fn datagram(&mut self) -> Vec<u8> {
        self.index += 1;
        let index = self.index;
        let payload = self.camera.packet().payload;
        let mut packet = vec![0x90, 96];
        packet.extend((index as u16).to_be_bytes());
        packet.extend(((index / PACKETS_PER_FRAME) as u32 * 3_000).to_be_bytes());
        packet.extend(SSRC.to_be_bytes());
        packet.extend([0xbe, 0xde, 0, 3, 0x22, 1, 2, 3, 0x31]);
        packet.extend((index as u16).to_be_bytes());
        packet.extend([0x40, b'0', 0, 0, 0]);
        packet.resize(packet.len().next_multiple_of(4), 0);
        packet.truncate(28);
        packet.resize(28 + payload.len() + 32, 0);
        let sealed = self.sealer.seal_rtp(&mut packet, 28, SSRC, index, &[], &payload, 0);
        packet.truncate(sealed.expect("there is room"));
        packet
    }

    pub fn receive(&mut self, datagram: &[u8]) {
        self.now += Duration::from_micros(5_500);
        let taken = self.receiving.rtp(self.now, datagram, &mut self.plain);
        assert!(taken.is_ok());
    }

    /// What a shard does when it has read everything.
    pub fn end_turn(&mut self) {
        while let Some(event) = self.receiving.next_event() {
            drop(black_box(event));
        }
        if self.receiving.next().is_some_and(|at| at <= self.now) {
            self.receiving.poll(self.now, |compound| drop(black_box(compound)));
        }
    }
}

fn line() -> ReceiveLine {
    let mut extensions = ExtensionIds::default();
    extensions.set(uri::ABS_SEND_TIME, 2);
    extensions.set(uri::TRANSPORT_SEQUENCE, 3);
    extensions.set(uri::MID, 4);
    let parameters = Parameters::default();
    ReceiveLine {
        mid: "0".into(),
        kind: Kind::Video,
        receives: true,
        formats: [Format { codec: Codec::Vp8, pt: 96, red: None, rtx: Some(97), parameters }]
            .into(),
        telephone_events: Vec::new(),
        rids: Vec::new(),
        places_have_rids: false,
        sources: Vec::new(),
        extensions,
        tracks: vec![LineTrack { id: SourceId(64), stream: "-".into(), track: "".into() }],
        feedback: FeedbackKinds { nack: true, pli: true, transport_cc: true, ..Default::default() },
        reduced_size: true,
    }
}
