//! A stream that a client publishes.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use crate::clock;
use crate::publication::{Cadence, write_vp8};
use crate::rtcp::Progress;
use crate::rtp;
use crate::sdp::{AUDIO_LEVEL, MID, OPUS, SEND_TIME, TRANSPORT_SEQUENCE, VP8};
use crate::srtp::Context;
use crate::stamp::Stamp;

const VIDEO_CLOCK: u32 = 90_000;
const AUDIO_CLOCK: u32 = 48_000;
/// Voice, at -30 dBov (RFC 6464 3).
const TALKING: u8 = 0x80 | 30;
/// Sent packets that a NACK can ask for: a second of video.
const HISTORY: usize = 256;
/// libwebrtc names the m-line until the other side has reported; that is about so many packets.
const NAMED: u64 = 50;
/// Seconds between 1900 and 1970 (RFC 3550 4).
const NTP_EPOCH: u64 = 2_208_988_800;

pub struct Outgoing {
    pub video: bool,
    pub ssrc: u32,
    mid: String,
    pub kilobits: u32,
    /// Absent while it is negotiated only, and until the client is connected.
    pub cadence: Option<Cadence>,
    started: Instant,
    index: u64,
    packets: u32,
    octets: u32,
    history: VecDeque<(u16, Vec<u8>)>,
    pub keyframe_wanted: bool,
    pub report_due: Option<Instant>,
}

/// What the packets of a client have in common.
pub struct Transport<'a> {
    pub client: usize,
    pub srtp: &'a Context,
    /// The next transport-wide sequence number, where that was agreed on.
    pub sequence: Option<&'a mut u16>,
}

impl Outgoing {
    pub fn new(video: bool, ssrc: u32, mid: usize, kilobits: u32, now: Instant) -> Outgoing {
        Outgoing {
            video,
            ssrc,
            mid: mid.to_string(),
            kilobits,
            cadence: None,
            started: now,
            index: 0,
            packets: 0,
            octets: 0,
            history: VecDeque::new(),
            keyframe_wanted: true,
            report_due: None,
        }
    }

    pub fn start(&mut self, first: Instant) {
        if self.kilobits > 0 {
            self.cadence = Some(Cadence::new(self.video, self.kilobits, first));
            // The first comes early, as libwebrtc's does.
            self.report_due = Some(first + self.report_interval() / 2);
        }
    }

    fn report_interval(&self) -> Duration {
        if self.video { Duration::from_secs(1) } else { Duration::from_secs(5) }
    }

    /// Sends what is due through `send`, and notes the stamps.
    pub fn publish(
        &mut self,
        now: Instant,
        mut transport: Transport<'_>,
        mut send: impl FnMut(&[u8]),
        published: &mut Vec<Stamp>,
    ) -> io::Result<()> {
        let Some(cadence) = self.cadence.as_mut().filter(|cadence| cadence.due <= now) else {
            return Ok(());
        };
        let sizes = cadence.advance(now);
        let (tick, first) = (cadence.ticks, cadence.packets);
        cadence.packets += sizes.len() as u32;
        let timestamp = self.timestamp(now);
        let keyframe = self.video && std::mem::take(&mut self.keyframe_wanted);
        for (position, size) in sizes.iter().enumerate() {
            let mut packet = if self.history.len() == HISTORY {
                self.history.pop_front().map(|(_, packet)| packet).unwrap_or_default()
            } else {
                Vec::new()
            };
            packet.clear();
            let last = position + 1 == sizes.len();
            let header = self.write_header(&mut packet, timestamp, last, &mut transport);
            packet.resize(header + size, 0);
            let payload = &mut packet[header..];
            if self.video {
                write_vp8(payload, position == 0, keyframe, tick);
            }
            // As late as possible: sealing the packets before it is no latency of the server.
            let stamp = Stamp::now(transport.client, self.video, first + position as u32);
            stamp.write(payload);
            published.push(stamp);
            transport.srtp.seal_rtp(&mut packet, header, self.index)?;
            send(&packet);
            self.history.push_back((self.index as u16, packet));
            self.index += 1;
            self.packets += 1;
            self.octets = self.octets.wrapping_add(*size as u32);
        }
        Ok(())
    }

    fn timestamp(&self, now: Instant) -> u32 {
        let clock = if self.video { VIDEO_CLOCK } else { AUDIO_CLOCK };
        match &self.cadence {
            // Sound is sampled without gaps, whenever it is sent.
            Some(cadence) if !self.video => cadence.ticks.wrapping_mul(AUDIO_CLOCK / 50),
            _ => ((now - self.started).as_secs_f64() * f64::from(clock)) as u64 as u32,
        }
    }

    fn write_header(
        &self,
        packet: &mut Vec<u8>,
        timestamp: u32,
        last: bool,
        transport: &mut Transport<'_>,
    ) -> usize {
        let send_time = send_time();
        let number;
        let mut extensions: [(u8, &[u8]); 4] = [(0, &[]); 4];
        let mut count = 0;
        let mut add = |id, value| {
            extensions[count] = (id, value);
            count += 1;
        };
        if self.video {
            add(SEND_TIME, &send_time[..]);
        } else {
            add(AUDIO_LEVEL, &[TALKING]);
        }
        if let Some(sequence) = &mut transport.sequence {
            number = sequence.to_be_bytes();
            **sequence = sequence.wrapping_add(1);
            add(TRANSPORT_SEQUENCE, &number);
        }
        if self.index < NAMED {
            add(MID, self.mid.as_bytes());
        }
        let header = rtp::Outgoing {
            marker: self.video && last,
            payload_type: if self.video { VP8 } else { OPUS },
            sequence: self.index as u16,
            timestamp,
            ssrc: self.ssrc,
            extensions: &extensions[..count],
        };
        header.write(packet);
        packet.len()
    }

    /// The packet as it was sent: the same bytes, so that no index is sealed twice.
    pub fn sent(&self, sequence: u16) -> Option<&[u8]> {
        let (_, packet) = self.history.iter().rev().find(|(number, _)| *number == sequence)?;
        Some(packet)
    }

    /// A sender report's content, if one is due.
    pub fn report(&mut self, now: Instant) -> Option<Progress> {
        self.report_due.filter(|due| *due <= now)?;
        self.report_due = Some(now + self.report_interval());
        Some(Progress {
            ssrc: self.ssrc,
            ntp: ntp(clock::wall_nanoseconds()),
            timestamp: self.timestamp(now),
            packets: self.packets,
            octets: self.octets,
        })
    }
}

/// 64 bits of NTP time.
fn ntp(nanoseconds: u64) -> u64 {
    let seconds = nanoseconds / 1_000_000_000 + NTP_EPOCH;
    let fraction = ((nanoseconds % 1_000_000_000) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}

/// Seconds in 24 bits, 18 of them after the point.
fn send_time() -> [u8; 3] {
    let [.., a, b, c] = ((ntp(clock::wall_nanoseconds()) >> 14) as u32).to_be_bytes();
    [a, b, c]
}
