//! A line of AAC: packets in, and packets of a track of Opus out.

use std::sync::Arc;
use std::time::Instant;

use super::order::{Next, Order};
use crate::codec::rtcp::{self, Packet};
use crate::control::ids::SourceId;
use crate::control::ingest::InputTrackStats;
use crate::engine::ingest::{InputError, Placed, Sound, Timeline};
use crate::engine::tap::Made;
use crate::ingest::Sound as Frame;
use crate::ingest::rtsp::{AacFormat, AccessUnits};
use crate::receiving::RtpHeader;
use crate::receiving::clock::{SenderClock, TimeLine};
use crate::sfu::SourcePacket;

/// One line.
pub(super) struct AacTrack {
    format: AacFormat,
    sound: Sound,
    units: AccessUnits,
    order: Order<(u32, Box<[u8]>)>,
    /// Places sound on a line of its own that only grows.
    timeline: Timeline,
    /// Its sender's clock, by reports, so that sound is in step with pictures.
    sender: SenderClock,
    /// Of the SSRC that it has.
    captures: Option<(u32, TimeLine)>,
}

impl AacTrack {
    /// A track of this id.
    ///
    /// # Errors
    /// AAC that is not decoded.
    pub(super) fn new(now: Instant, id: SourceId, format: AacFormat) -> Result<Self, InputError> {
        let mut sound = Sound::new(now, id);
        let placed = Placed { media: 0, captured: now };
        sound.receive(now, placed, &Frame::AacConfiguration(&format.config), &mut Vec::new())?;
        Ok(Self {
            format,
            sound,
            units: AccessUnits::default(),
            order: Order::default(),
            timeline: Timeline::default(),
            sender: SenderClock::default(),
            captures: None,
        })
    }

    pub(super) fn track(&self) -> &Made {
        self.sound.track()
    }

    pub(super) fn track_mut(&mut self) -> &mut Made {
        self.sound.track_mut()
    }

    pub(super) fn stats(&self) -> InputTrackStats {
        let mut stats = self.sound.stats().clone();
        stats.frames_dropped += self.order.lost();
        stats
    }

    /// The server counts anew: what it was asked before is over.
    pub(super) fn restart(&mut self, format: AacFormat) {
        self.format = format;
        self.order = Order::default();
        self.units.lost();
    }

    /// Takes a packet of RTP, and appends what comes of it.
    pub(super) fn rtp(
        &mut self,
        now: Instant,
        datagram: &[u8],
        packets: &mut Vec<Arc<SourcePacket>>,
    ) {
        let Some(header) = RtpHeader::parse(datagram).filter(|h| h.pt == self.format.payload_type)
        else {
            return;
        };
        let payload = datagram.get(header.length..).and_then(|payload| header.payload(payload));
        let Some(payload) = payload else { return };
        let RtpHeader { ssrc, timestamp, sequence, .. } = header;
        if self.captures.as_ref().is_none_or(|(known, _)| *known != ssrc) {
            self.captures = Some((ssrc, TimeLine::new(timestamp, now, self.format.clock_rate)));
            self.order = Order::default();
        }
        let mut ready = Vec::new();
        self.order.take(sequence, (timestamp, payload.into()), |next| ready.push(next));
        for next in ready {
            match next {
                Next::Gap => self.units.lost(),
                Next::Packet((timestamp, payload)) => {
                    self.payload(now, timestamp, &payload, packets)
                }
            }
        }
    }

    fn payload(
        &mut self,
        now: Instant,
        timestamp: u32,
        payload: &[u8],
        packets: &mut Vec<Arc<SourcePacket>>,
    ) {
        let Self { format, sound, units, timeline, captures, .. } = self;
        let Some((_, captures)) = captures else { return };
        let mut damaged = false;
        let whole = units.receive(format, timestamp, payload, |timestamp, frame| {
            let captured = captures.capture(timestamp, now);
            let milliseconds = u64::from(timestamp) * 1000 / u64::from(format.clock_rate);
            let placed = Placed { captured, ..timeline.place(now, milliseconds as u32) };
            // Whether it can be decoded showed when its configuration was taken.
            damaged |= sound.receive(now, placed, &Frame::Aac(frame), packets).is_err();
        });
        if damaged || !whole {
            self.sound.lost();
        }
    }

    /// Takes a compound of RTCP.
    pub(super) fn rtcp(&mut self, now: Instant, compound: &[u8]) {
        for packet in rtcp::packets(compound) {
            let Packet::SenderReport { ssrc, ntp, rtp, .. } = packet else { continue };
            // Senders without a clock write none.
            if ntp == 0 {
                continue;
            }
            let Some(captured) = self.sender.local(ntp, now) else { continue };
            if let Some((_, captures)) = self.captures.as_mut().filter(|(known, _)| *known == ssrc)
            {
                captures.report(rtp, captured);
            }
        }
    }
}
