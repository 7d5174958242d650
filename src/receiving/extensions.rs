//! Header extensions of received packets: which ids they have, and what they say.

use bytes::Bytes;

use super::header::Element;
use super::layers_allocation;
use crate::sfu::packet::Extensions;

/// URIs as descriptions name them (`a=extmap`).
pub mod uri {
    /// RFC 9143 15.2.
    pub const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    /// RFC 8852 3.1.
    pub const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    /// RFC 8852 3.2.
    pub const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 2.
    pub const TRANSPORT_SEQUENCE: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    /// draft-alvestrand-rmcat-remb-03 2.
    pub const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    /// RFC 6464 3.
    pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    /// 3GPP TS 26.114 7.4.5.
    pub const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";
    pub const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
    pub const ABS_CAPTURE_TIME: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    /// The AV1 RTP payload format's appendix A.
    pub const DEPENDENCY_DESCRIPTOR: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
    pub const LAYERS_ALLOCATION: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";
}

/// The ids under which a peer sends header extensions on a line, 1 to 255 (RFC 8285 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ExtensionIds {
    pub mid: Option<u8>,
    pub rid: Option<u8>,
    pub repaired_rid: Option<u8>,
    pub transport_sequence: Option<u8>,
    pub abs_send_time: Option<u8>,
    pub audio_level: Option<u8>,
    pub video_orientation: Option<u8>,
    pub playout_delay: Option<u8>,
    pub abs_capture_time: Option<u8>,
    pub dependency_descriptor: Option<u8>,
    pub layers_allocation: Option<u8>,
}

impl ExtensionIds {
    /// Sets the id of the extension with this URI; the first one counts. What is not known is left
    /// out, and so is id 0, which is padding.
    pub fn set(&mut self, uri: &str, id: u8) {
        let slot = match uri {
            uri::MID => &mut self.mid,
            uri::RID => &mut self.rid,
            uri::REPAIRED_RID => &mut self.repaired_rid,
            uri::TRANSPORT_SEQUENCE => &mut self.transport_sequence,
            uri::ABS_SEND_TIME => &mut self.abs_send_time,
            uri::AUDIO_LEVEL => &mut self.audio_level,
            uri::VIDEO_ORIENTATION => &mut self.video_orientation,
            uri::PLAYOUT_DELAY => &mut self.playout_delay,
            uri::ABS_CAPTURE_TIME => &mut self.abs_capture_time,
            uri::DEPENDENCY_DESCRIPTOR => &mut self.dependency_descriptor,
            uri::LAYERS_ALLOCATION => &mut self.layers_allocation,
            _ => return,
        };
        if id != 0 {
            slot.get_or_insert(id);
        }
    }
}
