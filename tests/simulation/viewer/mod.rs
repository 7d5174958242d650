//! A viewer: what a browser's receiver would make of the packets that reach it.

mod assembly;
mod playout;
mod reading;
mod references;
pub mod screen;
mod unwrap;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use str0m::rtp::RtpPacket;

use self::assembly::{Assembly, Packet};
use self::playout::Playout;
pub use self::playout::Shown;
use self::reading::{Reading, Vp8, Vp9, begins_with_parameter_sets};
use self::references::References;
use super::dependency::{DescriptorBytes, Received, Structure};
use super::encoder::Coding;
use super::stamp::Stamp;
use crate::support::link::LostPacket;

/// How long, beyond a round trip, nothing can be shown before a keyframe is asked for: what is
/// missing may still come again.
const PATIENCE: Duration = Duration::from_millis(300);

/// Packets whose template structure is not known yet.
const MAX_UNREAD: usize = 200;

/// A packet of a layer that arrived, whether it was ever shown or not.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    pub at: Instant,
    /// Microseconds since the start of the world.
    pub captured: u64,
    pub spatial: u8,
    pub temporal: u8,
}

pub struct Viewer {
    coding: Coding,
    round_trip: Duration,
    assembly: Assembly,
    references: References,
    playout: Playout,
    structure: Option<Structure>,
    unread: Vec<RtpPacket>,
    ssrc: Option<u32>,
    arrivals: HashMap<u16, Instant>,
    /// One for each packet.
    pub arrived: Vec<Arrived>,
    pub first_packet: Option<Instant>,
    last_packet: Option<Instant>,
    pub keyframe_requests: Vec<Instant>,
    /// Packets whose descriptor cannot be read.
    pub unreadable: u64,
}

impl Viewer {
    pub fn new(coding: Coding, round_trip: Duration) -> Self {
        Self {
            coding,
            round_trip,
            assembly: Assembly::default(),
            references: References::default(),
            playout: Playout::default(),
            structure: None,
            unread: Vec::new(),
            ssrc: None,
            arrivals: HashMap::new(),
            arrived: Vec::new(),
            first_packet: None,
            last_packet: None,
            keyframe_requests: Vec::new(),
            unreadable: 0,
        }
    }

    /// Takes a packet in the order of arrival.
    pub fn receive(&mut self, packet: RtpPacket) {
        let at = packet.timestamp;
        self.ssrc = Some(*packet.header.ssrc);
        self.arrivals.insert(packet.header.sequence_number, at);
        self.first_packet.get_or_insert(at);
        self.last_packet = Some(at);
        if packet.payload.is_empty() {
            return;
        }
        let Some(reading) = self.read(&packet) else {
            self.unreadable += 1;
            if self.unread.len() < MAX_UNREAD {
                self.unread.push(packet);
            }
            return;
        };
        if let Reading::Av1(Received { structure: Some(structure), .. }) = &reading {
            self.structure = Some(structure.clone());
            self.read_again(at);
        }
        let stamp = Stamp::read(&packet.payload);
        if let Some(stamp) = stamp {
            let Stamp { captured, spatial, temporal, .. } = stamp;
            self.arrived.push(Arrived { at, captured, spatial, temporal });
        }
        self.take(at, packet, reading, stamp);
    }

    fn take(
        &mut self,
        arrival: Instant,
        packet: RtpPacket,
        reading: Reading,
        stamp: Option<Stamp>,
    ) {
        let frames = self.assembly.add(Packet {
            sequence: *packet.seq_no,
            timestamp: packet.time.numer(),
            marker: packet.header.marker,
            arrival,
            reading,
            stamp,
            payload: packet.payload.len(),
        });
        for frame in frames {
            for known in self.references.add(frame) {
                self.playout.add(known);
            }
        }
    }

    fn read(&mut self, packet: &RtpPacket) -> Option<Reading> {
        match self.coding {
            Coding::Vp8Simulcast => Vp8::read(&packet.payload).map(Reading::Vp8),
            Coding::Vp9Svc { .. } => Vp9::read(&packet.payload).map(Reading::Vp9),
            Coding::H264Simulcast => {
                let parameter_sets = begins_with_parameter_sets(&packet.payload);
                Some(Reading::H264 { parameter_sets })
            }
            Coding::Av1Svc { .. } => {
                let DescriptorBytes(bytes) = packet.header.ext_vals.user_values.get()?;
                Received::read(bytes, self.structure.as_ref()).map(Reading::Av1)
            }
        }
    }

    /// A structure came, by which packets may be read that could not be before.
    fn read_again(&mut self, now: Instant) {
        for packet in std::mem::take(&mut self.unread) {
            let Some(reading) = self.read(&packet) else { continue };
            self.unreadable -= 1;
            let stamp = Stamp::read(&packet.payload);
            self.take(now, packet, reading, stamp);
        }
    }

    /// Shows what is due. True: ask for a keyframe.
    pub fn poll(&mut self, now: Instant) -> bool {
        self.playout.poll(now);
        let Some(first) = self.first_packet else { return false };
        let flows = self.last_packet.is_some_and(|last| now - last < PATIENCE);
        let stands_since = self.shown().last().map_or(first, |shown| shown.at);
        let wait = PATIENCE + self.round_trip;
        let asked = self.keyframe_requests.last().is_some_and(|asked| now - *asked < wait);
        let stands = now.saturating_duration_since(stands_since) > wait;
        if !flows || asked || !stands {
            return false;
        }
        self.keyframe_requests.push(now);
        true
    }

    pub fn shown(&self) -> &[Shown] {
        &self.playout.shown
    }

    /// Shown although something was missing or not what it claims to be.
    pub fn wrong(&self) -> u64 {
        self.playout.broken + self.playout.mangled
    }

    /// Says of the first such picture what it is.
    pub fn first_wrong(&self) -> Option<&str> {
        self.playout.first_wrong.as_deref()
    }

    /// Of what a link lost of the stream (repetitions do not count), how many there were and how
    /// many came all the same.
    pub fn recovered(&self, lost: &[LostPacket]) -> (u64, u64) {
        let of_stream = lost.iter().filter(|lost| Some(lost.ssrc) == self.ssrc);
        let came =
            |lost: &&LostPacket| self.arrivals.get(&lost.sequence).is_some_and(|at| *at > lost.at);
        (of_stream.clone().count() as u64, of_stream.filter(came).count() as u64)
    }
}
