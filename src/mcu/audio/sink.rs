//! What a mixer of sound gives and takes besides packets.

use std::fmt;
use std::time::{Duration, Instant};

use super::options::{AudioTarget, TapKey};
use crate::mcu::{MadePacket, PortId};

/// Takes what a tick makes.
pub trait AudioSink {
    fn packet(&mut self, target: AudioTarget, packet: MadePacket);

    /// A frame of a tap in its format; `timestamp` is the moment of its first sample.
    fn pcm(&mut self, tap: TapKey, samples: &[i16], timestamp: Instant) {
        let _ = (tap, samples, timestamp);
    }

    /// How loud a tick of a metered mix is, in dBov, -127 to 0, and whether anybody can be heard.
    fn level(&mut self, target: AudioTarget, level: i8, voice: bool) {
        let _ = (target, level, voice);
    }

    /// A file that does not loop has been played, or turned out to be damaged from here on.
    fn file_ended(&mut self, port: PortId) {
        let _ = port;
    }
}

/// Sound of an application.
#[derive(Clone, Copy, Debug)]
pub struct PcmFrame<'a> {
    /// Interleaved.
    pub samples: &'a [i16],
    /// 1 or 2.
    pub channels: u8,
    /// 8,000, 16,000, 24,000 or 48,000 Hz.
    pub rate: u32,
    /// When its first sample was captured.
    pub timestamp: Instant,
}

/// Why sound of an application was not taken; nothing of it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PcmError {
    NoSuchPort,
    /// Its rate or its number of channels, or half a sample at the end.
    Format,
    /// A second is queued at most.
    Full,
}

impl fmt::Display for PcmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchPort => "no such port",
            Self::Format => {
                "sound must have 1 or 2 channels at 8000, 16000, 24000 or 48000 Hz, and whole samples"
            }
            Self::Full => "more than a second of sound would be queued; write it as it is played",
        })
    }
}

impl std::error::Error for PcmError {}

/// Why a file is not played.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileError {
    NoSuchPort,
    /// Neither WAV nor Ogg.
    Unknown,
    /// WAV of something else than 16 bit PCM with 1 or 2 channels at 8 to 48 kHz, or Ogg of
    /// something else than Opus with 1 or 2 channels.
    Unsupported,
    /// It ends before it begins.
    Damaged,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchPort => "no such port",
            Self::Unknown => "neither WAV nor Ogg Opus",
            Self::Unsupported => {
                "WAV must be 16 bit PCM with 1 or 2 channels at 8 to 48 kHz, Ogg must hold Opus with 1 or 2 channels"
            }
            Self::Damaged => "damaged, or without sound",
        })
    }
}

impl std::error::Error for FileError {}

/// A port that is heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Speaker {
    pub port: PortId,
    /// Of the last frame, behind gain, in dBov, -127 to 0.
    pub level: i8,
}

/// Of a port, since it was added.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct PortStats {
    /// What the jitter buffer waits for at present.
    pub target_delay: Duration,
    /// What it holds, in the order of play.
    pub buffered: Duration,
    pub packets: u64,
    /// Packets that came after their time.
    pub late: u64,
    /// Packets that were thrown away for another reason: repeated, damaged, or too many.
    pub discarded: u64,
    /// Sound made up for what did not come, apart from pauses, in ms.
    pub concealed_ms: u64,
    /// Packets made again from the one behind (in-band FEC).
    pub fec: u64,
    /// Packets made again from a later one's redundancy (RFC 2198).
    pub redundant: u64,
    /// How much faster the sender's clock runs, in millionths.
    pub drift_ppm: f32,
    /// Of the last frame, behind gain, in dBov.
    pub level: i8,
}

/// Of a mix, since it was first wanted.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct TargetStats {
    pub packets: u64,
    /// Frames that were encoded for it alone.
    pub encodes: u64,
    /// What the limiter takes away at present, in dB.
    pub limited_db: f32,
}
