//! What a mixer of sound is told.

use crate::codec::Codec;
use crate::mcu::PortId;

/// Of a whole mixer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AudioOptions {
    /// So many of the loudest ports are heard, 1 to 16.
    pub speakers: usize,
    /// Two channels. Without it one, also inside.
    pub stereo: bool,
    /// Of each Opus output in bit/s, 6,000 to 510,000.
    pub bitrate: u32,
    /// Opus packets hold a coarse copy of the packet before (RFC 6716 2.1.7).
    pub fec: bool,
    /// No Opus packets while the mix is silent (RFC 6716 2.1.9).
    pub dtx: bool,
    /// Loss that Opus outputs are made for, in percent. With FEC it decides how much is spent on it.
    pub expected_loss: u8,
}

impl AudioOptions {
    /// Most ports that are heard at the same time.
    pub const MAX_SPEAKERS: usize = 16;

    /// One channel at 32 kbit/s with FEC, of the four loudest ports. The default.
    pub fn mono() -> Self {
        Self {
            speakers: 4,
            stereo: false,
            bitrate: 32_000,
            fec: true,
            dtx: false,
            expected_loss: 5,
        }
    }

    /// Two channels at 64 kbit/s, else as [`AudioOptions::mono`].
    pub fn stereo() -> Self {
        Self { stereo: true, bitrate: 64_000, ..Self::mono() }
    }

    pub(super) fn channels(&self) -> usize {
        if self.stereo { 2 } else { 1 }
    }

    /// With each field moved into its bounds.
    pub(super) fn bounded(self) -> Self {
        Self {
            speakers: self.speakers.clamp(1, Self::MAX_SPEAKERS),
            bitrate: self.bitrate.clamp(6_000, 510_000),
            expected_loss: self.expected_loss.min(100),
            ..self
        }
    }
}

impl Default for AudioOptions {
    fn default() -> Self {
        Self::mono()
    }
}

/// Of one port.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AudioPortOptions {
    /// Linear, 0 to 8.
    pub gain: f32,
    /// From -1, left, to 1, right; of a mixer with two channels.
    pub position: f32,
    /// Brings speech slowly to the same loudness for everybody.
    pub auto_gain: bool,
    pub noise_suppression: bool,
    /// Not heard, and not decoded for the mix.
    pub muted: bool,
}

impl AudioPortOptions {
    /// Largest gain, linear: 18 dB.
    pub const MAX_GAIN: f32 = 8.0;

    /// With each field moved into its bounds; what is no number becomes the default.
    pub(super) fn bounded(self) -> Self {
        let number = |value: f32, default| if value.is_finite() { value } else { default };
        Self {
            gain: number(self.gain, 1.0).clamp(0.0, Self::MAX_GAIN),
            position: number(self.position, 0.0).clamp(-1.0, 1.0),
            ..self
        }
    }
}

impl Default for AudioPortOptions {
    fn default() -> Self {
        Self { gain: 1.0, position: 0.0, auto_gain: false, noise_suppression: false, muted: false }
    }
}

/// Which mix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum AudioTarget {
    /// Everybody who is heard.
    Shared,
    /// Everybody but this port.
    Port(PortId),
}

/// The codecs that a mix is wanted in.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CodecSet(u8);

impl CodecSet {
    /// No codec.
    pub const EMPTY: Self = Self(0);
    /// What a mixer can encode.
    pub const CODECS: [Codec; 4] = [Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722];

    fn bit(codec: Codec) -> u8 {
        Self::CODECS.iter().position(|&known| known == codec).map_or(0, |index| 1 << index)
    }

    /// With a codec more. One that a mixer cannot encode changes nothing.
    #[must_use]
    pub fn with(self, codec: Codec) -> Self {
        Self(self.0 | Self::bit(codec))
    }

    /// With a codec less.
    #[must_use]
    pub fn without(self, codec: Codec) -> Self {
        Self(self.0 & !Self::bit(codec))
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a codec is in it.
    pub fn contains(self, codec: Codec) -> bool {
        self.0 & Self::bit(codec) != 0
    }

    /// Whether no codec is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its codecs, in the order of [`CodecSet::CODECS`].
    pub fn iter(self) -> impl Iterator<Item = Codec> {
        Self::CODECS.into_iter().filter(move |&codec| self.contains(codec))
    }
}

impl FromIterator<Codec> for CodecSet {
    fn from_iter<I: IntoIterator<Item = Codec>>(codecs: I) -> Self {
        codecs.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// Names a tap; given by whoever makes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TapKey(pub u64);

/// What a tap hears.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TapSource {
    Mix(AudioTarget),
    /// What comes in at a port, decoded, before its gain and whether it is heard or not.
    Input(PortId),
}

/// Samples as they leave through a tap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PcmFormat {
    /// 8,000, 16,000, 24,000 or 48,000 Hz.
    pub rate: u32,
    /// 1 or 2, interleaved.
    pub channels: u8,
    /// 10 or 20 ms.
    pub frame_ms: u8,
}

impl PcmFormat {
    /// Whether each field has one of the values that it may have.
    pub fn is_valid(&self) -> bool {
        matches!(self.rate, 8_000 | 16_000 | 24_000 | 48_000)
            && matches!(self.channels, 1 | 2)
            && matches!(self.frame_ms, 10 | 20)
    }
}

/// A tone, or two at once as telephones signal (ITU-T Q.23).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tone {
    /// In Hz, 20 to 20,000.
    pub frequency: f32,
    pub second: Option<f32>,
    /// Amplitude of each in dB of full scale, -127 to 0.
    pub level: f32,
}
