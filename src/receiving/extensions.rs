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
    /// Bounds of the playout delay that the sender asks for; documented by libwebrtc alone.
    pub const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
    /// When the media was captured, by the sender's clock; documented by libwebrtc alone.
    pub const ABS_CAPTURE_TIME: &str =
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    /// The AV1 RTP payload format's appendix A.
    pub const DEPENDENCY_DESCRIPTOR: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
    /// Bitrates and sizes of the layers that are sent; documented by libwebrtc alone.
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

impl ExtensionIds {
    /// The ids of all but the MID.
    pub(super) fn others(&self) -> impl Iterator<Item = u8> {
        [
            self.rid,
            self.repaired_rid,
            self.transport_sequence,
            self.abs_send_time,
            self.audio_level,
            self.video_orientation,
            self.playout_delay,
            self.abs_capture_time,
            self.dependency_descriptor,
            self.layers_allocation,
        ]
        .into_iter()
        .flatten()
    }
}

/// What the extensions of one packet say of itself and of its way here. These belong to the hop
/// and stay behind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Hop<'a> {
    pub mid: Option<&'a str>,
    pub rid: Option<&'a str>,
    pub repaired_rid: Option<&'a str>,
    /// Sizes that the sender announces for its simulcast, unread.
    pub layers_allocation: Option<&'a [u8]>,
}

impl<'a> Hop<'a> {
    /// Reads `elements` by `ids`; what concerns receivers goes into `forwarded`. Of two elements
    /// with one id the last counts. Malformed ones are passed over.
    pub(super) fn read(
        ids: &ExtensionIds,
        elements: impl Iterator<Item = Element<'a>>,
        forwarded: &mut Extensions,
    ) -> Self {
        let mut hop = Self::default();
        for Element { id, value } in elements {
            let id = Some(id);
            if id == ids.transport_sequence || id == ids.abs_send_time {
                // Of the way of a datagram, whatever is in it.
            } else if id == ids.mid {
                hop.mid = name(value);
            } else if id == ids.audio_level {
                forwarded.audio_level = value.first().map(|byte| audio_level(*byte));
            } else if id == ids.dependency_descriptor {
                forwarded.dependency_descriptor = Some(Bytes::copy_from_slice(value));
            } else if id == ids.rid {
                hop.rid = name(value);
            } else if id == ids.repaired_rid {
                hop.repaired_rid = name(value);
            } else if id == ids.video_orientation {
                forwarded.video_orientation = value.first().copied();
            } else if id == ids.playout_delay {
                forwarded.playout_delay = value.first_chunk().map(|bytes| playout_delay(*bytes));
            } else if id == ids.abs_capture_time {
                forwarded.abs_capture_time = abs_capture_time(value);
            } else if id == ids.layers_allocation {
                hop.layers_allocation = Some(value);
            }
        }
        hop
    }
}

/// The value of an SDES item (RFC 7941 4.1.1). Some senders fill it up with zeros.
pub(super) fn name(value: &[u8]) -> Option<&str> {
    let end = value.iter().rposition(|byte| *byte != 0)? + 1;
    std::str::from_utf8(&value[..end]).ok()
}

/// RFC 6464 3: a bit for voice, then the level below 0 dBov.
fn audio_level(byte: u8) -> (i8, bool) {
    (-((byte & 0x7f) as i8), byte & 0x80 != 0)
}

/// Two numbers of 12 bits, in units of 10 ms.
fn playout_delay([b0, b1, b2]: [u8; 3]) -> (u16, u16) {
    let (b0, b1, b2) = (u16::from(b0), u16::from(b1), u16::from(b2));
    (b0 << 4 | b1 >> 4, (b1 & 0x0f) << 8 | b2)
}

/// With or without the offset of the capturer's clock.
fn abs_capture_time(value: &[u8]) -> Option<(u64, Option<i64>)> {
    let (time, rest) = value.split_first_chunk()?;
    let offset = rest.first_chunk().map(|bytes| i64::from_be_bytes(*bytes));
    Some((u64::from_be_bytes(*time), offset))
}

/// Picture sizes a sender announces for its simulcast, one for each RTP stream in order of its
/// announcement, where it tells.
pub(super) fn announced_sizes(hop: &Hop<'_>) -> Option<[Option<(u16, u16)>; 4]> {
    layers_allocation::sizes(hop.layers_allocation?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> ExtensionIds {
        let mut ids = ExtensionIds::default();
        let all = [
            (1, uri::AUDIO_LEVEL),
            (3, uri::TRANSPORT_SEQUENCE),
            (4, uri::MID),
            (5, uri::ABS_CAPTURE_TIME),
            (6, uri::PLAYOUT_DELAY),
            (10, uri::RID),
            (11, uri::REPAIRED_RID),
            (200, uri::DEPENDENCY_DESCRIPTOR),
            (13, uri::VIDEO_ORIENTATION),
        ];
        all.into_iter().for_each(|(id, uri)| ids.set(uri, id));
        ids
    }

    fn read<'a>(elements: &[(u8, &'a [u8])]) -> (Hop<'a>, Extensions) {
        let elements = elements.iter().map(|(id, value)| Element { id: *id, value });
        let mut forwarded = Extensions::default();
        let hop = Hop::read(&ids(), elements, &mut forwarded);
        (hop, forwarded)
    }

    #[test]
    fn what_a_packet_says_of_itself_is_read() {
        let (hop, _) = read(&[(4, b"video"), (10, b"q"), (11, b"f\0\0")]);
        assert_eq!((hop.mid, hop.rid, hop.repaired_rid), (Some("video"), Some("q"), Some("f")));
    }

    #[test]
    fn what_concerns_receivers_is_passed_on() {
        let capture = [0, 0, 0, 1, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        let (_, forwarded) = read(&[
            (1, &[0x80 | 30]),
            (6, &[0x01, 0x20, 0x34]),
            (5, &capture),
            (13, &[0x0d]),
            (200, &[1, 2, 3, 4]),
        ]);
        assert_eq!(forwarded.audio_level, Some((-30, true)));
        assert_eq!(forwarded.playout_delay, Some((0x012, 0x034)));
        assert_eq!(forwarded.abs_capture_time, Some((1 << 32 | 1 << 31, Some(-1 << 32))));
        assert_eq!(forwarded.video_orientation, Some(0x0d));
        assert_eq!(forwarded.dependency_descriptor.as_deref(), Some(&[1, 2, 3, 4][..]));
        let (_, forwarded) = read(&[(5, &capture[..8])]);
        assert_eq!(forwarded.abs_capture_time, Some((1 << 32 | 1 << 31, None)));
    }

    #[test]
    fn what_is_malformed_or_unknown_is_passed_over() {
        let short: &[u8] = &[1];
        let all: Vec<(u8, &[u8])> = (1..=255).map(|id| (id, short)).collect();
        let (hop, forwarded) = read(&all);
        assert_eq!((hop.rid, forwarded.playout_delay), (Some("\u{1}"), None));
        assert_eq!(forwarded.abs_capture_time, None);
        let empty: Vec<(u8, &[u8])> = (1..=255).map(|id| (id, &[][..])).collect();
        let (hop, forwarded) = read(&empty);
        assert_eq!((hop.mid, forwarded.audio_level), (None, None));
        assert_eq!(read(&[(4, &[0xff, 0xfe])]).0.mid, None, "no text");
    }

    #[test]
    fn the_first_id_of_an_extension_counts() {
        let mut ids = ids();
        ids.set(uri::MID, 9);
        ids.set("urn:unknown", 7);
        assert_eq!(ids.mid, Some(4));
        let mut ids = ExtensionIds::default();
        ids.set(uri::MID, 0);
        assert_eq!(ids.mid, None, "0 is padding");
    }
}
