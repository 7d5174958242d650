//! Mixed sound: the loudest few of any number of ports, one mix for all who are not heard in it
//! and one without their own voice for each who is. 48 kHz and 20 ms inside.

mod aac;
mod aac_to_opus;
mod clock;
mod concealment;
mod decoder;
mod drift;
mod file;
mod g711;
mod g722;
mod jitter_buffer;
mod limiter;
mod loudness;
mod mixer;
mod options;
mod opus;
mod opus_frames;
mod output;
mod pcm;
mod port;
mod resampler;
mod signal;
mod sink;
mod stored_to_opus;
mod stream;
mod tap;
mod target;
mod target_delay;
#[cfg(test)]
mod tests;
mod tone;
mod transcoder;
mod voice;

pub use aac::{AacConfig, AacDecoder, AacError};
pub use aac_to_opus::{AacToOpus, OpusPacket};
pub use mixer::AudioMixer;
pub use options::{
    AudioOptions, AudioPortOptions, AudioTarget, CodecSet, PcmFormat, TapKey, TapSource, Tone,
};
pub(super) use opus::version as library_version;
pub use sink::{AudioSink, FileError, PcmError, PcmFrame, PortStats, Speaker, TargetStats};
pub use stored_to_opus::{SoundCoding, StoredToOpus, Untranscoded};
pub use transcoder::{Transcoder, TranscoderTarget};

/// Samples a second of each channel, inside.
const RATE: u32 = 48_000;
/// Samples of each channel in a tick.
const FRAME: usize = 960;
/// What a tick stands for.
pub const TICK: std::time::Duration = std::time::Duration::from_millis(20);
