//! What this side can negotiate: codecs, their parameters and their feedback, header extensions.

use super::feedback::Feedback;
use crate::codec::{Codec, Kind};

/// What this side takes and offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Most wanted first.
    pub codecs: Vec<Codec>,
    /// Redundant sound (RFC 2198).
    pub red: bool,
    pub opus: OpusParameters,
    /// Largest message of a data channel, in bytes (RFC 8841 6).
    pub max_message_size: usize,
}

/// How a peer is asked to send Opus (RFC 7587 6.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpusParameters {
    /// Pause in silence (`usedtx`).
    pub dtx: bool,
    /// In stereo (`stereo`).
    pub stereo: bool,
    /// In bits per second (`maxaveragebitrate`).
    pub max_average_bitrate: Option<u32>,
}

impl Capabilities {
    /// Place of a codec in the order of preference; `None` where it is not wanted.
    pub(super) fn preference(&self, codec: Codec) -> Option<usize> {
        self.codecs.iter().position(|wanted| *wanted == codec)
    }

    /// The formats this side offers of a kind, most wanted first.
    pub(super) fn formats(&self, kind: Kind) -> Vec<OfferedFormat> {
        let codecs = self.codecs.iter().filter(|codec| codec.kind() == kind);
        codecs.flat_map(|codec| self.formats_of(*codec)).collect()
    }

    fn formats_of(&self, codec: Codec) -> Vec<OfferedFormat> {
        let format = |pt, rtx, fmtp: &str| OfferedFormat { codec, pt, rtx, fmtp: fmtp.to_owned() };
        let h264 = |pt, rtx, mode: u8, profile: &str| {
            let fmtp = format!(
                "level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile}"
            );
            OfferedFormat { codec, pt, rtx: Some(rtx), fmtp }
        };
        match codec {
            Codec::Opus => vec![format(111, None, &self.opus_fmtp())],
            Codec::Pcmu => vec![format(0, None, "")],
            Codec::Pcma => vec![format(8, None, "")],
            Codec::G722 => vec![format(9, None, "")],
            Codec::Vp8 => vec![format(96, Some(97), "")],
            Codec::Vp9 => {
                vec![format(98, Some(99), "profile-id=0"), format(100, Some(101), "profile-id=2")]
            }
            Codec::H264 => vec![
                h264(127, 121, 1, "42001f"),
                h264(125, 107, 0, "42001f"),
                h264(108, 109, 1, "42e01f"),
                h264(124, 120, 0, "42e01f"),
                h264(123, 119, 1, "4d001f"),
                h264(35, 36, 0, "4d001f"),
                h264(114, 115, 1, "64001f"),
                h264(112, 113, 1, "640c1f"),
            ],
            Codec::H265 => vec![format(102, Some(103), "profile-id=1;tier-flag=0;level-id=180")],
            Codec::Av1 => vec![format(45, Some(46), "")],
        }
    }

    /// What a description of ours says of Opus.
    pub(super) fn opus_fmtp(&self) -> String {
        let mut fmtp = String::from("minptime=10;useinbandfec=1");
        if self.opus.dtx {
            fmtp.push_str(";usedtx=1");
        }
        if self.opus.stereo {
            fmtp.push_str(";stereo=1;sprop-stereo=1");
        }
        if let Some(bitrate) = self.opus.max_average_bitrate {
            fmtp.push_str(&format!(";maxaveragebitrate={bitrate}"));
        }
        fmtp
    }
}

/// A format as this side offers it, with the payload types it has unless they are taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OfferedFormat {
    pub(super) codec: Codec,
    pub(super) pt: u8,
    pub(super) rtx: Option<u8>,
    pub(super) fmtp: String,
}

/// The payload type of RED, unless it is taken.
pub(super) const RED: u8 = 63;

/// The feedback this side takes and gives.
pub(super) fn feedback(codec: Codec) -> Feedback {
    match (codec.kind(), codec) {
        (Kind::Audio, Codec::Opus) => Feedback::TRANSPORT_CC | Feedback::NACK,
        (Kind::Audio, _) => Feedback::TRANSPORT_CC,
        (Kind::Video, _) => {
            Feedback::TRANSPORT_CC | Feedback::REMB | Feedback::FIR | Feedback::NACK | Feedback::PLI
        }
    }
}

/// What is agreed on beside what a peer says of its feedback. libwebrtc never names NACK for sound;
/// told of it, it asks for what it lost and repeats what it is asked for. It is known by
/// transport-wide feedback about sound. An answer may only take away (RFC 4585 4.2), but who does not
/// know a line of it passes over that, and packets are asked for a few times at most.
pub(super) fn tacit_feedback(codec: Codec, said: Feedback) -> Feedback {
    match codec {
        Codec::Opus if said.has(Feedback::TRANSPORT_CC) => Feedback::NACK,
        _ => Feedback::default(),
    }
}

/// A header extension this side takes.
pub(super) struct Extension {
    /// Unless it is taken. Under 15, the end of the one-byte form (RFC 8285 4.2), because a
    /// two-byte header costs every packet of the connection.
    pub(super) id: u8,
    pub(super) uri: &'static str,
    /// The kind it is for; `None` for both.
    pub(super) kind: Option<Kind>,
}

impl Extension {
    pub(super) fn is_for(&self, kind: Kind) -> bool {
        self.kind.is_none_or(|only| only == kind)
    }
}

/// The identification tag of RFC 9143 15.2.
pub(super) const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

pub(super) const EXTENSIONS: [Extension; 11] = [
    Extension {
        id: 1,
        uri: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        kind: Some(Kind::Audio),
    },
    Extension {
        id: 2,
        uri: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        kind: None,
    },
    Extension {
        id: 3,
        uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        kind: None,
    },
    Extension { id: 4, uri: MID_URI, kind: None },
    Extension {
        id: 5,
        uri: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
        kind: None,
    },
    Extension {
        id: 6,
        uri: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
        kind: None,
    },
    Extension {
        id: 8,
        uri: "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
        kind: Some(Kind::Video),
    },
    Extension { id: 10, uri: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", kind: None },
    Extension { id: 11, uri: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", kind: None },
    Extension {
        id: 12,
        uri: "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        kind: Some(Kind::Video),
    },
    Extension { id: 13, uri: "urn:3gpp:video-orientation", kind: Some(Kind::Video) },
];
