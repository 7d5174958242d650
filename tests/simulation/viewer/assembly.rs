//! Frames out of packets, as libwebrtc's packet buffer makes them: whole when there is no gap from
//! the packet that says it is the first to the one that says it is the last.

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::ledger::OVERHEAD;
use super::super::stamp::Stamp;
use super::reading::Reading;

/// Packets kept behind the newest.
const KEPT: u64 = 2048;

pub struct Packet {
    pub sequence: u64,
    pub timestamp: u64,
    pub marker: bool,
    pub arrival: Instant,
    pub reading: Reading,
    pub stamp: Option<Stamp>,
    pub payload: usize,
}

/// A frame (of one spatial layer) all of whose packets are there.
#[derive(Clone)]
pub struct Frame {
    pub first_sequence: u64,
    pub last_sequence: u64,
    pub timestamp: u64,
    /// The RTP marker of the last packet: the picture ends.
    pub ends_picture: bool,
    pub complete_at: Instant,
    /// Of its first packet.
    pub reading: Reading,
    pub stamp: Option<Stamp>,
    /// On the link.
    pub bytes: usize,
    /// All packets are of one frame, each once, none missing.
    pub whole: bool,
}

#[derive(Default)]
pub struct Assembly {
    packets: BTreeMap<u64, Packet>,
    handed_out: BTreeMap<u64, u64>,
}

impl Assembly {
    /// Frames that this packet completes.
    pub fn add(&mut self, packet: Packet) -> Vec<Frame> {
        let (sequence, now) = (packet.sequence, packet.arrival);
        let newest = self.packets.last_key_value().map_or(sequence, |(newest, _)| *newest);
        if sequence + KEPT < newest || self.packets.contains_key(&sequence) {
            return Vec::new();
        }
        self.packets.insert(sequence, packet);
        self.packets = self.packets.split_off(&newest.saturating_sub(KEPT));
        self.handed_out = self.handed_out.split_off(&newest.saturating_sub(2 * KEPT));
        // In H.264 the packet behind shows where its frame began.
        [sequence, sequence + 1].into_iter().filter_map(|at| self.complete(at, now)).collect()
    }

    fn complete(&mut self, sequence: u64, now: Instant) -> Option<Frame> {
        let timestamp = self.packets.get(&sequence)?.timestamp;
        let of_frame = |at: &u64| self.packets.get(at).filter(|p| p.timestamp == timestamp);
        let mut first = sequence;
        while !self.is_first(first) {
            first -= 1;
            of_frame(&first)?;
        }
        let mut last = sequence;
        while !is_last(of_frame(&last)?) {
            last += 1;
        }
        if self.handed_out.insert(first, last).is_some() {
            return None;
        }
        let packets: Vec<&Packet> = self.packets.range(first..=last).map(|(_, p)| p).collect();
        let stamp = packets[0].stamp;
        let whole = packets.iter().enumerate().all(|(index, packet)| {
            packet.stamp.zip(stamp).is_some_and(|(own, of_first)| {
                own.frame == of_first.frame
                    && own.stream == of_first.stream
                    && usize::from(own.packet) == index
                    && usize::from(own.packets) == packets.len()
            })
        });
        Some(Frame {
            first_sequence: first,
            last_sequence: last,
            timestamp,
            ends_picture: packets[packets.len() - 1].marker,
            complete_at: now,
            reading: packets[0].reading.clone(),
            stamp,
            bytes: packets.iter().map(|packet| packet.payload + OVERHEAD).sum(),
            whole,
        })
    }

    fn is_first(&self, sequence: u64) -> bool {
        let Some(packet) = self.packets.get(&sequence) else { return false };
        match &packet.reading {
            Reading::Vp8(vp8) => vp8.first,
            Reading::Vp9(vp9) => vp9.first,
            Reading::Av1(descriptor) => descriptor.first,
            Reading::H264 { parameter_sets } => {
                let before = self.packets.get(&(sequence - 1));
                *parameter_sets || before.is_some_and(|b| b.timestamp != packet.timestamp)
            }
        }
    }
}

fn is_last(packet: &Packet) -> bool {
    match &packet.reading {
        Reading::Vp8(_) | Reading::H264 { .. } => packet.marker,
        Reading::Vp9(vp9) => vp9.last,
        Reading::Av1(descriptor) => descriptor.last,
    }
}
