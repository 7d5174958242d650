//! How frames of a file become frames of packets: as they are, cut to shorter ones, or coded anew.

use std::time::Duration;

use crate::codec::frame::Malformed;
use crate::codec::stored::Loader;
use crate::codec::{Codec, opus};
use crate::container::reader::{Coding, ReadTrack};
#[cfg(feature = "mcu")]
use crate::mcu::audio::{SoundCoding, StoredToOpus};

/// Bytes of G.711 and G.722 in a packet of 20 ms (RFC 3551 4.5), and those of the longest packet that
/// goes on as it is.
const SLICE: usize = 160;
const LONGEST_SLICE: usize = 480;
/// Of a packet of sound, which is never cut.
const MAX_SOUND: usize = 1_300;

/// What is done to the frames of one track of a file.
pub(super) enum Form {
    Passed(Loader),
    Sliced,
    #[cfg(feature = "mcu")]
    Transcoded(Box<StoredToOpus>),
}

/// What a track is made of when it is played; `None` when it cannot be.
pub(super) fn played_as(track: &ReadTrack) -> Option<Codec> {
    match &track.coding {
        Coding::Codec(codec) => Some(*codec),
        #[cfg(feature = "mcu")]
        Coding::Aac | Coding::Pcm(_) => Some(Codec::Opus),
        _ => None,
    }
}

/// Why a track cannot be played, by what it is; `None` when it can.
pub(super) fn refusal(track: &ReadTrack) -> Option<String> {
    match &track.coding {
        Coding::Codec(_) => None,
        Coding::Other(name) => Some(name.clone()),
        #[cfg(feature = "mcu")]
        Coding::Aac | Coding::Pcm(_) => {
            StoredToOpus::new(sound(track)?).err().map(|refused| refused.to_string())
        }
        #[cfg(not(feature = "mcu"))]
        Coding::Aac => Some("AAC, for which this build has no decoder".to_owned()),
        #[cfg(not(feature = "mcu"))]
        Coding::Pcm(_) => Some("PCM, for which this build has no encoder".to_owned()),
    }
}

#[cfg(feature = "mcu")]
fn sound(track: &ReadTrack) -> Option<SoundCoding> {
    match &track.coding {
        Coding::Aac => Some(SoundCoding::Aac(track.record.clone())),
        Coding::Pcm(samples) => Some(SoundCoding::Pcm(*samples)),
        _ => None,
    }
}

impl Form {
    /// For the frames of a track; `None` when there is none, or its record is broken.
    pub(super) fn of(track: &ReadTrack) -> Option<Self> {
        match &track.coding {
            Coding::Codec(Codec::Pcmu | Codec::Pcma | Codec::G722) => Some(Self::Sliced),
            Coding::Codec(codec) => Loader::new(*codec, &track.record).map(Self::Passed),
            #[cfg(feature = "mcu")]
            _ => Some(Self::Transcoded(Box::new(StoredToOpus::new(sound(track)?).ok()?))),
            #[cfg(not(feature = "mcu"))]
            _ => None,
        }
    }

    /// Whether it goes on with another file without a seam.
    #[cfg_attr(not(feature = "mcu"), allow(unused_variables))]
    pub(super) fn goes_on(&self, track: &ReadTrack) -> bool {
        match self {
            #[cfg(feature = "mcu")]
            Self::Transcoded(transcoder) => Some(transcoder.coding()) == sound(track).as_ref(),
            _ => false,
        }
    }

    /// Hands frames to `emit`, with their beginnings. Gives how long what came is, where that shows.
    ///
    /// # Errors
    /// [`Malformed`]: it is left out.
    pub(super) fn push(
        &mut self,
        codec: Codec,
        time: Duration,
        keyframe: bool,
        data: Vec<u8>,
        mut emit: impl FnMut(Duration, Vec<u8>),
    ) -> Result<Option<Duration>, Malformed> {
        match self {
            Self::Passed(_) if codec == Codec::Opus => {
                let samples = opus::packet_samples(&data).filter(|_| data.len() <= MAX_SOUND);
                let length = length(samples.ok_or(Malformed)?.into(), codec);
                emit(time, data);
                Ok(Some(length))
            }
            Self::Passed(loader) => {
                let mut loaded = Vec::with_capacity(data.len() + 64);
                loader.load(&data, keyframe, &mut loaded)?;
                if loaded.is_empty() {
                    return Err(Malformed);
                }
                emit(time, loaded);
                Ok(None)
            }
            Self::Sliced => {
                let size = if data.len() > LONGEST_SLICE { SLICE } else { data.len().max(1) };
                for (slice, index) in data.chunks(size).zip(0u64..) {
                    let before = length(index.saturating_mul(size as u64), codec);
                    emit(time.saturating_add(before), slice.to_vec());
                }
                Ok(Some(length(data.len() as u64, codec)))
            }
            #[cfg(feature = "mcu")]
            Self::Transcoded(transcoder) => {
                let emit = |time, packet: &[u8]| emit(time, packet.to_vec());
                transcoder.push(time, &data, emit).map(Some)
            }
        }
    }

    /// What comes does not follow what came.
    pub(super) fn reset(&mut self) {
        #[cfg(feature = "mcu")]
        if let Self::Transcoded(transcoder) = self {
            transcoder.reset();
        }
    }

    /// Nothing more comes: hands out what is left.
    #[cfg_attr(not(feature = "mcu"), allow(unused_variables))]
    pub(super) fn finish(&mut self, mut emit: impl FnMut(Duration, Vec<u8>)) {
        #[cfg(feature = "mcu")]
        if let Self::Transcoded(transcoder) = self {
            transcoder.finish(|time, packet| emit(time, packet.to_vec()));
        }
        #[cfg(not(feature = "mcu"))]
        let _ = &mut emit;
    }
}

/// How long a frame of sound lasts, in units of its RTP clock.
pub(super) fn ticks(codec: Codec, data: &[u8]) -> u64 {
    match codec {
        Codec::Opus => opus::packet_samples(data).unwrap_or(0).into(),
        // A byte is a sample of G.711, and of G.722 two of 16 kHz (RFC 3551 4.5.2).
        _ => data.len() as u64,
    }
}

fn length(ticks: u64, codec: Codec) -> Duration {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(codec.clock_rate());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
