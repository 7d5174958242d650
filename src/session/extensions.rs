//! RTP header extensions: which ones are negotiated, and how they cross between str0m's form and
//! the engine's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use str0m::media::MediaTime;
use str0m::rtp::vla;
use str0m::rtp::{AbsCaptureTime, Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};

use crate::codec::dependency_descriptor::set_frame_number;
use crate::sfu::packet::Extensions;

const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const VIDEO_LAYERS_ALLOCATION: &str =
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";

/// Largest header extension of the two-byte form (RFC 8285 4.3).
const MAX_TWO_BYTE: usize = 255;
/// Largest header extension of the one-byte form (RFC 8285 4.2).
const MAX_ONE_BYTE: usize = 16;

/// The ids we offer. They stay under 15, the end of the one-byte form, because a two-byte header
/// costs every packet of the connection.
pub(super) fn extension_map() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(2, Extension::AbsoluteSendTime);
    map.set(3, Extension::TransportSequenceNumber);
    map.set(4, Extension::RtpMid);
    map.set(5, Extension::AbsoluteCaptureTime);
    map.set(6, Extension::PlayoutDelay);
    map.set(8, Extension::with_serializer(VIDEO_LAYERS_ALLOCATION, vla::Serializer));
    map.set(10, Extension::RtpStreamId);
    map.set(11, Extension::RepairedRtpStreamId);
    map.set(12, Extension::with_serializer(DEPENDENCY_DESCRIPTOR, DependencyDescriptor));
    map.set(13, Extension::VideoOrientation);
    map
}

/// Carries the dependency descriptor as it came: str0m does not know it, and what it says is for
/// the selector of layers and the receiver.
#[derive(Debug)]
struct DependencyDescriptor;

struct RawDependencyDescriptor(Bytes);

impl ExtensionSerializer for DependencyDescriptor {
    fn write_to(&self, buffer: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(RawDependencyDescriptor(bytes)) = values.user_values.get() else {
            return 0;
        };
        let Some(target) = buffer.get_mut(..bytes.len()) else {
            return 0;
        };
        target.copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buffer: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(RawDependencyDescriptor(Bytes::copy_from_slice(buffer)));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        let raw: Option<&RawDependencyDescriptor> = values.user_values.get();
        raw.is_some_and(|raw| raw.0.len() > MAX_ONE_BYTE)
    }
}

/// What of a received packet's extensions concerns its receivers. MID, RID and the transport-wide
/// sequence number belong to the hop and stay behind; so does the layers allocation, which
/// describes a simulcast that no receiver sees.
pub(super) fn from_str0m(values: &ExtensionValues) -> Extensions {
    Extensions {
        audio_level: values.audio_level.map(|level| (level, values.voice_activity == Some(true))),
        video_orientation: values.video_orientation.map(orientation_to_u8),
        playout_delay: match (values.play_delay_min, values.play_delay_max) {
            (Some(min), Some(max)) => Some((hundredths(min), hundredths(max))),
            _ => None,
        },
        abs_capture_time: values
            .abs_capture_time
            .map(|time| (system_to_ntp(time.capture_time), time.clock_offset)),
        dependency_descriptor: values
            .user_values
            .get::<RawDependencyDescriptor>()
            .map(|raw| raw.0.clone()),
    }
}

/// The other way round, for sending. `frame_number` goes into the dependency descriptor.
pub(super) fn to_str0m(extensions: &Extensions, frame_number: Option<u16>) -> ExtensionValues {
    let mut values = ExtensionValues::default();
    if let Some((level, voice)) = extensions.audio_level {
        values.audio_level = Some(level);
        values.voice_activity = Some(voice);
    }
    values.video_orientation = extensions.video_orientation.map(orientation_from_u8);
    if let Some((min, max)) = extensions.playout_delay {
        values.play_delay_min = Some(MediaTime::from_hundredths(u64::from(min)));
        values.play_delay_max = Some(MediaTime::from_hundredths(u64::from(max)));
    }
    values.abs_capture_time = extensions.abs_capture_time.map(|(ntp, clock_offset)| {
        AbsCaptureTime { capture_time: ntp_to_system(ntp), clock_offset }
    });
    let descriptor = extensions.dependency_descriptor.as_ref();
    if let Some(bytes) = descriptor.filter(|bytes| bytes.len() <= MAX_TWO_BYTE) {
        let bytes = match frame_number {
            None => bytes.clone(),
            Some(frame_number) => {
                let mut copy = bytes.to_vec();
                set_frame_number(&mut copy, frame_number);
                copy.into()
            }
        };
        values.user_values.set(RawDependencyDescriptor(bytes));
    }
    values
}

/// Picture sizes a sender announces for its simulcast, one entry per RTP stream in order of RID
/// announcement, where it tells.
pub(super) fn announced_sizes(values: &ExtensionValues) -> Option<Vec<Option<(u16, u16)>>> {
    let allocation = values.user_values.get::<vla::VideoLayersAllocation>()?;
    let size = |stream: &vla::SimulcastStreamAllocation| {
        let layer = stream.spatial_layers.last()?;
        let resolution = layer.resolution_and_framerate.as_ref()?;
        Some((resolution.width, resolution.height))
    };
    Some(allocation.simulcast_streams.iter().map(size).collect())
}

fn orientation_to_u8(orientation: str0m::rtp::VideoOrientation) -> u8 {
    orientation as u8
}

fn orientation_from_u8(value: u8) -> str0m::rtp::VideoOrientation {
    value.into()
}

/// Playout delay counts in steps of 10 ms and has 12 bits.
fn hundredths(time: MediaTime) -> u16 {
    (time.as_micros() / 10_000).clamp(0, 0xfff) as u16
}

/// Seconds from the NTP epoch (1900) to the Unix epoch (1970), RFC 5905 6.
const NTP_TO_UNIX: u64 = 2_208_988_800;

fn system_to_ntp(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    ((since.as_secs() + NTP_TO_UNIX) << 32) | fraction
}

fn ntp_to_system(ntp: u64) -> SystemTime {
    let seconds = (ntp >> 32).saturating_sub(NTP_TO_UNIX);
    let nanos = ((ntp & 0xffff_ffff) * 1_000_000_000) >> 32;
    UNIX_EPOCH + Duration::new(seconds, nanos as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_time_survives_the_round_trip() {
        let time = UNIX_EPOCH + Duration::new(1_700_000_000, 250_000_000);
        let back = ntp_to_system(system_to_ntp(time));
        let difference = back.duration_since(time).unwrap_or_else(|e| e.duration());
        assert!(difference < Duration::from_micros(1), "{difference:?}");
    }

    #[test]
    fn extensions_cross_to_str0m_and_back() {
        let extensions = Extensions {
            audio_level: Some((-30, true)),
            video_orientation: Some(1),
            playout_delay: Some((10, 50)),
            abs_capture_time: Some((system_to_ntp(UNIX_EPOCH + Duration::from_secs(9)), Some(-5))),
            dependency_descriptor: Some(Bytes::from_static(&[0x80, 0, 7])),
        };
        let values = to_str0m(&extensions, None);
        assert_eq!(from_str0m(&values), extensions);
    }
}
