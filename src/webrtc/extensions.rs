//! RTP header extensions: which ones are negotiated, and how they cross between str0m's form and
//! the engine's.

use bytes::Bytes;
use str0m::rtp::vla;
use str0m::rtp::{Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};

use crate::receiving;
use crate::sending::ExtensionIds;

const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const VIDEO_LAYERS_ALLOCATION: &str =
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";

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

/// The ids under which an m-line takes the extensions that we send.
pub(super) fn extension_ids(map: &ExtensionMap) -> ExtensionIds {
    let id = |extension: Extension| map.id_of(extension);
    let by_uri = |uri: &str| map.iter().find(|(_, e)| e.as_uri() == uri).map(|(id, _)| id);
    let transport_sequence = id(Extension::TransportSequenceNumber);
    ExtensionIds {
        mid: id(Extension::RtpMid),
        transport_sequence,
        // The older way of the same: who takes both needs it no more.
        abs_send_time: id(Extension::AbsoluteSendTime).filter(|_| transport_sequence.is_none()),
        audio_level: id(Extension::AudioLevel),
        video_orientation: id(Extension::VideoOrientation),
        playout_delay: id(Extension::PlayoutDelay),
        abs_capture_time: id(Extension::AbsoluteCaptureTime),
        dependency_descriptor: by_uri(DEPENDENCY_DESCRIPTOR),
    }
}

/// The ids under which a peer sends extensions on an m-line.
pub(super) fn received_extensions(map: &ExtensionMap) -> receiving::ExtensionIds {
    let mut ids = receiving::ExtensionIds::default();
    map.iter().for_each(|(id, extension)| ids.set(extension.as_uri(), id));
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extension_has_its_id_but_abs_send_time_beside_transport_cc() {
        let ids = extension_ids(&extension_map());
        assert_eq!((ids.audio_level, ids.mid, ids.transport_sequence), (Some(1), Some(4), Some(3)));
        assert_eq!((ids.dependency_descriptor, ids.video_orientation), (Some(12), Some(13)));
        assert_eq!(ids.abs_send_time, None);
        let mut map = ExtensionMap::empty();
        map.set(2, Extension::AbsoluteSendTime);
        assert_eq!(extension_ids(&map).abs_send_time, Some(2));
    }
}
