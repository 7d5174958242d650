//! Tags of sound and pictures, as they are pushed to others: H.264 as every server takes it, and Opus by
//! its FourCC (Enhanced RTMP).

use crate::codec::Codec;
use crate::codec::configuration::{Configuration, store};

const AVC: u8 = 7;
const KEYFRAME: u8 = 1 << 4;
const INTER_FRAME: u8 = 2 << 4;
/// ExAudioTagHeader: the sound format that says so, and packet types.
const OPUS_START: &[u8] = b"\x90Opus";
const OPUS_FRAME: &[u8] = b"\x91Opus";

/// Makes tags of one stream.
#[derive(Default)]
pub struct Muxer {
    /// The avcC that was told last.
    configuration: Vec<u8>,
    sound: bool,
}

impl Muxer {
    /// Hands the tags of a picture of H.264 to `emit`, the configuration in front of it where that is
    /// new. `frame` as [`Parts::data`](crate::codec::frame::Parts::data) has it. Nothing comes of
    /// pictures before the first configuration.
    pub fn picture(&mut self, frame: &[u8], keyframe: bool, mut emit: impl FnMut(Vec<u8>)) {
        let known = Configuration::of(Codec::H264, frame).filter(|_| keyframe);
        if let Some(Configuration { record, .. }) = known
            && record != self.configuration
        {
            emit([&[KEYFRAME | AVC, 0, 0, 0, 0][..], &record].concat());
            self.configuration = record;
        }
        if self.configuration.is_empty() {
            return;
        }
        let mut tag = vec![if keyframe { KEYFRAME } else { INTER_FRAME } | AVC, 1, 0, 0, 0];
        store(Codec::H264, frame, &[], &mut tag);
        emit(tag);
    }

    /// Hands the tags of a packet of Opus to `emit`.
    pub fn opus(&mut self, packet: &[u8], mut emit: impl FnMut(Vec<u8>)) {
        if !std::mem::replace(&mut self.sound, true) {
            let head = Configuration::of(Codec::Opus, &[]).unwrap_or_default();
            emit([OPUS_START, &head.record].concat());
        }
        emit([OPUS_FRAME, packet].concat());
    }
}
