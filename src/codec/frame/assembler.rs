//! Packets in the order they come, frames in the order they are decoded.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::Parts;
use super::parts::is_one_packet;
use crate::codec::packet::TakenPacket;
use crate::codec::{Codec, Description};

/// Most packets that wait for one before them.
const MAX_WAITING: usize = 1024;
/// Most bytes of them.
const MAX_WAITING_BYTES: usize = 4 << 20;
/// Most packets of one frame.
const MAX_PACKETS: u32 = 2048;

/// One encoded frame, complete: a picture, or a packet of sound.
#[derive(Debug)]
pub struct EncodedFrame {
    /// What it is encoded with.
    pub codec: Codec,
    /// A decoder can begin with it; always true of sound.
    pub keyframe: bool,
    /// Its bytes. To be given [back](Assembler::give_back) for their memory.
    pub parts: Parts,
    /// RTP time of its packets.
    pub timestamp: u32,
    /// When it was captured, on the local clock.
    pub captured: Instant,
    /// When its first packet came.
    pub arrival: Instant,
    /// Clockwise turns by 90 degrees that the picture needs.
    pub rotation: u8,
}

/// Puts frames together, beginning with a keyframe, and with one again after a loss. Sound goes on
/// with the next packet. RED (RFC 2198) has to be undone before.
pub struct Assembler {
    /// How long a missing packet is waited for.
    window: Duration,
    waiting: BTreeMap<u64, TakenPacket>,
    waiting_bytes: usize,
    /// The number that comes next. `None`: a keyframe is waited for.
    next: Option<u64>,
    /// Since when the packet `next` is missing while later ones are there.
    gap_since: Option<Instant>,
    building: Option<Building>,
    ready: VecDeque<EncodedFrame>,
    /// Buffers of frames that were decoded.
    spare: Vec<Parts>,
    /// Frames that were lost or broken.
    lost: u64,
}

struct Building {
    frame: EncodedFrame,
    packets: u32,
    broken: bool,
}

impl Assembler {
    /// Buffers that are kept for further frames.
    const SPARE: usize = 2;

    /// Waits `window` for a packet that is missing while later ones are there. At least 50 ms on an
    /// open network; as long as repetitions take where there are some.
    pub fn new(window: Duration) -> Self {
        Self {
            window,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            next: None,
            gap_since: None,
            building: None,
            ready: VecDeque::new(),
            spare: Vec::new(),
            lost: 0,
        }
    }

    /// Forgets everything and waits for a keyframe.
    pub fn reset(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.ready.clear();
        self.seek();
    }

    /// Nothing can be decoded until a keyframe comes.
    pub fn needs_keyframe(&self) -> bool {
        self.next.is_none() && self.ready.is_empty()
    }

    /// There is something that waits for what is missing before it.
    pub fn is_waiting(&self) -> bool {
        self.gap_since.is_some()
    }

    /// Frames that were lost or broken.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes a packet, in whatever order they come.
    pub fn insert(&mut self, packet: &TakenPacket) {
        if self.next.is_some_and(|next| packet.sequence < next) {
            return;
        }
        let sequence = packet.sequence;
        let len = packet.payload.len();
        if self.waiting.insert(sequence, packet.clone()).is_some() {
            // The same number twice: one of the two was counted already.
            self.waiting_bytes = self.waiting.values().map(|p| p.payload.len()).sum();
        } else {
            self.waiting_bytes += len;
        }
        if self.next.is_none() && begins_keyframe(packet) {
            self.start_at(sequence);
        }
        if self.next.is_some_and(|next| next != sequence) && self.gap_since.is_none() {
            self.gap_since = Some(packet.arrival);
        }
        self.drain();
        while self.waiting.len() > MAX_WAITING || self.waiting_bytes > MAX_WAITING_BYTES {
            if self.next.is_some() {
                self.give_up();
                self.drain();
            } else {
                self.forget_first();
            }
        }
    }

    /// The next complete frame.
    pub fn poll(&mut self, now: Instant) -> Option<EncodedFrame> {
        if self.gap_since.is_some_and(|since| now.saturating_duration_since(since) >= self.window) {
            self.give_up();
            self.drain();
        }
        self.ready.pop_front()
    }

    /// Takes the buffers of a frame that was decoded.
    pub fn give_back(&mut self, mut parts: Parts) {
        if self.spare.len() < Self::SPARE {
            parts.clear();
            self.spare.push(parts);
        }
    }

    /// Goes on with the packet that begins a keyframe.
    fn start_at(&mut self, sequence: u64) {
        self.next = Some(sequence);
        self.gap_since = None;
        while self.waiting.first_key_value().is_some_and(|(first, _)| *first < sequence) {
            self.forget_first();
        }
    }

    /// Goes on without what is missing: with the next keyframe, once it is there. Whoever calls it
    /// drains, or is draining: not from here, as a row of broken frames would be as many calls deep.
    fn give_up(&mut self) {
        self.lost += 1;
        self.seek();
        let start = self.waiting.values().find(|p| begins_keyframe(p)).map(|p| p.sequence);
        match start {
            Some(start) => self.start_at(start),
            // Nothing of it can be decoded; only the last ones may belong to a keyframe to come.
            None => {
                while self.waiting.len() > MAX_WAITING / 8 {
                    self.forget_first();
                }
            }
        }
    }

    fn seek(&mut self) {
        self.next = None;
        self.gap_since = None;
        if let Some(building) = self.building.take() {
            self.give_back(building.frame.parts);
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, packet)) = self.waiting.pop_first() {
            self.waiting_bytes -= packet.payload.len();
        }
    }

    fn drain(&mut self) {
        while let Some(next) = self.next {
            let Some(packet) = self.waiting.get(&next) else { break };
            // A frame without a marker ends where the next one begins.
            if self.building.as_ref().is_some_and(|b| b.frame.timestamp != packet.timestamp) {
                self.finish();
                // If it was broken, decoding goes on elsewhere: maybe with this very packet.
                continue;
            }
            let Some(packet) = self.waiting.remove(&next) else { break };
            self.waiting_bytes -= packet.payload.len();
            self.next = Some(next.saturating_add(1));
            self.gap_since = None;
            self.append(&packet);
        }
        if self.next.is_some()
            && self.gap_since.is_none()
            && let Some((_, first)) = self.waiting.first_key_value()
        {
            self.gap_since = Some(first.arrival);
        }
    }

    fn append(&mut self, packet: &TakenPacket) {
        if packet.payload.is_empty() && self.building.is_none() {
            return;
        }
        let spare = &mut self.spare;
        let building = self.building.get_or_insert_with(|| Building {
            frame: EncodedFrame {
                codec: packet.codec,
                keyframe: begins_keyframe(packet),
                parts: spare.pop().unwrap_or_default(),
                timestamp: packet.timestamp,
                captured: packet.captured,
                arrival: packet.arrival,
                rotation: packet.rotation,
            },
            packets: 0,
            broken: false,
        });
        building.packets += 1;
        let frame = &mut building.frame;
        building.broken |= packet.codec != frame.codec
            || building.packets > MAX_PACKETS
            || frame.parts.push(packet.codec, &packet.payload).is_err();
        if packet.marker || is_one_packet(packet.codec) {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let Some(building) = self.building.take() else { return };
        if building.broken || !building.frame.parts.is_complete() {
            self.give_back(building.frame.parts);
            // Whatever comes before the next keyframe depends on it.
            self.give_up();
            return;
        }
        self.ready.push_back(building.frame);
        // Who does not poll loses frames, the first ones, and so all up to the next keyframe.
        if self.ready.len() > MAX_WAITING {
            self.ready.clear();
            self.give_up();
        }
    }
}

/// Whether a decoder can begin with this packet.
fn begins_keyframe(packet: &TakenPacket) -> bool {
    is_one_packet(packet.codec)
        || Description::parse(packet.codec, &packet.payload, None).keyframe_complete
}

#[cfg(test)]
mod tests;
