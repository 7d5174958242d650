//! The sound of an input: Opus as it is, AAC made Opus while somebody hears it.

use std::sync::Arc;
#[cfg(feature = "mcu")]
use std::time::Duration;
use std::time::Instant;

use super::error::InputError;
use super::timeline::Placed;
use crate::codec::packet::MadePacket;
use crate::codec::{Codec, opus};
use crate::control::ids::SourceId;
use crate::control::ingest::InputTrackStats;
use crate::engine::tap::{Class, Made};
use crate::ingest::Sound as Frame;
#[cfg(feature = "mcu")]
use crate::mcu::audio::{AacConfig, AacError, AacToOpus};
use crate::sfu::{EncodingIndex, SourcePacket};

/// Samples of a millisecond, at the clock of Opus in RTP (RFC 7587 4.1).
const TICKS: u64 = 48;
/// Times of packets that are off by less are rounding.
const TOLERANCE: u64 = 20 * TICKS;
/// Between two decoders and encoders that are made because AAC is another now, which it can say of
/// itself with every frame.
#[cfg(feature = "mcu")]
const CONFIGURATION_EVERY: Duration = Duration::from_millis(500);
/// Frames of AAC and packets made of them in a second, and at once: twice as many as sound of 96 kHz
/// needs. All inputs of a server, and all cameras, share the thread that decodes it.
#[cfg(feature = "mcu")]
const WORK: f64 = 400.0;
/// Louder than this is taken for voice by whoever looks at levels, in dBov.
const VOICE: i8 = -50;

/// The sound of one input.
pub struct Sound {
    track: Made,
    sequence: u64,
    /// When the next packet of Opus is, if it follows.
    next: Option<u64>,
    #[cfg(feature = "mcu")]
    transcoder: Option<AacToOpus>,
    /// When its configuration changed last.
    #[cfg(feature = "mcu")]
    configured: Option<Instant>,
    /// What it changes to as soon as it may.
    #[cfg(feature = "mcu")]
    pending: Option<Box<[u8]>>,
    /// What may be made of AAC now, as of then.
    #[cfg(feature = "mcu")]
    work: (f64, Instant),
    stats: InputTrackStats,
}

impl Sound {
    /// A track of this id.
    pub fn new(now: Instant, id: SourceId) -> Self {
        let class = Class { codec: Codec::Opus, rung: 0, size: None, bitrate: 0, frame_rate: 0 };
        Self {
            track: Made::new(now, id, &[class]),
            sequence: 0,
            next: None,
            #[cfg(feature = "mcu")]
            transcoder: None,
            #[cfg(feature = "mcu")]
            configured: None,
            #[cfg(feature = "mcu")]
            pending: None,
            #[cfg(feature = "mcu")]
            work: (WORK, now),
            stats: InputTrackStats { codec: Codec::Opus.name(), ..InputTrackStats::default() },
        }
    }

    /// The track.
    pub fn track(&self) -> &Made {
        &self.track
    }

    /// The same, to change it.
    pub fn track_mut(&mut self) -> &mut Made {
        &mut self.track
    }

    /// Counts.
    pub fn stats(&self) -> &InputTrackStats {
        &self.stats
    }

    /// A damaged frame was left out.
    pub fn lost(&mut self) {
        self.stats.frames_dropped += 1;
    }

    /// Appends the packets of a frame to `packets`.
    ///
    /// # Errors
    /// Sound that is not taken, and why. What follows it may be.
    pub fn receive(
        &mut self,
        now: Instant,
        placed: Placed,
        frame: &Frame<'_>,
        packets: &mut Vec<Arc<SourcePacket>>,
    ) -> Result<(), InputError> {
        match frame {
            Frame::Opus(packet) => {
                self.stats.frames += 1;
                self.forward(now, placed, packet, packets);
                Ok(())
            }
            #[cfg(feature = "mcu")]
            Frame::AacConfiguration(config) => self.configure(now, config),
            #[cfg(feature = "mcu")]
            Frame::Aac(frame) => self.transcode(now, placed, frame, packets),
            #[cfg(not(feature = "mcu"))]
            Frame::AacConfiguration(_) => Err(InputError::Aac),
            #[cfg(not(feature = "mcu"))]
            Frame::Aac(_) => Ok(()),
        }
    }

    /// Takes what AAC is from now on, or keeps it until it may change.
    #[cfg(feature = "mcu")]
    fn configure(&mut self, now: Instant, config: &[u8]) -> Result<(), InputError> {
        self.pending = None;
        let wanted = match AacConfig::parse(config) {
            Ok(wanted) => wanted,
            Err(error) => {
                self.transcoder = None;
                return Err(InputError::Aac(error));
            }
        };
        // Encoders repeat it.
        if self.transcoder.as_ref().is_some_and(|known| known.config() == wanted) {
            return Ok(());
        }
        let early = |at| now.saturating_duration_since(at) < CONFIGURATION_EVERY;
        if self.configured.is_some_and(early) {
            self.pending = Some(config.into());
            return Ok(());
        }
        self.configured = Some(now);
        self.transcoder = None;
        self.transcoder = Some(AacToOpus::new(config).map_err(InputError::Aac)?);
        Ok(())
    }

    /// Opus goes on as it is. Its times are in milliseconds, and a packet may last 2.5 of them.
    fn forward(
        &mut self,
        now: Instant,
        placed: Placed,
        packet: &[u8],
        packets: &mut Vec<Arc<SourcePacket>>,
    ) {
        let Some(samples) = opus::packet_samples(packet) else { return self.lost() };
        let time = placed.media * TICKS;
        let time = match self.next {
            Some(next) if next.abs_diff(time) <= TOLERANCE => next,
            Some(next) => next.max(time),
            None => time,
        };
        self.next = Some(time + u64::from(samples));
        let made = self.made(time, packet, placed.captured, None);
        self.emit(now, made, packets);
    }

    #[cfg(feature = "mcu")]
    fn transcode(
        &mut self,
        now: Instant,
        placed: Placed,
        frame: &[u8],
        packets: &mut Vec<Arc<SourcePacket>>,
    ) -> Result<(), InputError> {
        self.stats.frames += 1;
        if let Some(config) = self.pending.take() {
            // Kept again where it is too early still.
            self.configure(now, &config)?;
            if self.pending.is_some() {
                self.lost();
                return Ok(());
            }
        }
        let wanted = self.track.is_wanted() || self.track.levels.is_some();
        let Some(transcoder) = &mut self.transcoder else { return Ok(()) };
        if !wanted {
            transcoder.reset();
            return Ok(());
        }
        let (work, counted) = &mut self.work;
        let passed = now.saturating_duration_since(*counted).as_secs_f64();
        (*work, *counted) = ((*work + WORK * passed).min(WORK), now);
        if *work < 1.0 {
            self.lost();
            return Ok(());
        }
        let time = placed.media * TICKS;
        let mut made = Vec::new();
        let pushed = transcoder.push(time, frame, |packet| {
            made.push((packet.time, packet.level, Vec::from(packet.data)));
        });
        *work -= 1.0 + made.len() as f64;
        for (packet_time, level, data) in made {
            // What was pushed now is captured as told, and the rest of the packet before that.
            let before = time.saturating_sub(packet_time) * 1000 / TICKS;
            let captured = placed.captured.checked_sub(Duration::from_micros(before));
            let captured = captured.unwrap_or(placed.captured);
            let packet = self.made(packet_time, &data, captured, Some(level));
            self.emit(now, packet, packets);
        }
        match pushed {
            Ok(()) => Ok(()),
            Err(AacError::Malformed) => {
                self.lost();
                Ok(())
            }
            Err(error) => Err(InputError::Aac(error)),
        }
    }

    fn made(&self, time: u64, data: &[u8], captured: Instant, level: Option<i8>) -> MadePacket {
        MadePacket {
            sequence: self.sequence,
            timestamp: time as u32,
            marker: false,
            codec: Codec::Opus,
            payload: data.into(),
            captured,
            audio_level: level.map(|level| (level, level > VOICE)),
        }
    }

    fn emit(&mut self, now: Instant, packet: MadePacket, packets: &mut Vec<Arc<SourcePacket>>) {
        self.sequence += 1;
        self.stats.packets += 1;
        packets.extend(self.track.packet(now, EncodingIndex(0), packet));
    }
}
