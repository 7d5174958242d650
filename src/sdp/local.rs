//! A description of this side: what it says of each m-line, as it is written.

use std::sync::Arc;

use super::description::{Direction, MediaKind, Setup};
use super::feedback::Feedback;
use crate::codec::Codec;
use crate::codec::names::{Mid, Rid};

/// An m-line of a description of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalLine {
    pub kind: MediaKind,
    /// The m-line's first word, as the peer wrote it.
    pub media: String,
    /// As the peer wrote it (RFC 8829 5.1.2).
    pub profile: String,
    /// What the m-line lists where there are no payload types.
    pub formats: String,
    /// Port 0: refused, or given up.
    pub stopped: bool,
    /// Written into the description. `None`: the peer gave the line no name.
    pub mid: Option<Mid>,
    /// It shares the transport of the first line of the group (RFC 9143).
    pub bundled: bool,
    pub direction: Direction,
    pub payloads: Arc<[LocalPayload]>,
    /// Id and URI of header extensions, with what of it was narrowed down.
    pub extensions: Arc<[LocalExtension]>,
    pub extmap_allow_mixed: bool,
    pub rtcp_rsize: bool,
    /// The track that is sent on it.
    pub sender: Option<LocalSender>,
    /// Encodings that the peer sends, as it named them.
    pub rids: Vec<Rid>,
    /// The peer's simulcast, repeated as what is received: streams, alternatives, paused.
    pub simulcast: Vec<Vec<(Rid, bool)>>,
    /// The old form of data channels (draft-ietf-mmusic-sctp-sdp-05): port of SCTP in the m-line.
    pub sctpmap: Option<u16>,
}

/// A header extension of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalExtension {
    pub id: u8,
    /// Ours.
    pub direction: Direction,
    pub uri: &'static str,
}

/// What a description says of a track of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalSender {
    /// The two halves of its MSID (RFC 8830).
    pub stream: String,
    pub track: String,
    pub cname: String,
    pub ssrc: u32,
    pub rtx: Option<u32>,
}

/// A payload type that a description of ours lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalPayload {
    pub pt: u8,
    pub name: PayloadName,
    /// Parameters of a codec; empty for none.
    pub fmtp: String,
    pub feedback: Feedback,
}

/// What a payload type stands for, as `a=rtpmap` writes it (RFC 8866 6.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayloadName {
    Media(Codec),
    /// Retransmissions of another payload type (RFC 4588).
    Rtx {
        apt: u8,
    },
    /// Redundant sound of another payload type (RFC 2198).
    Red {
        of: u8,
    },
    /// RFC 4733.
    TelephoneEvent {
        clock_rate: u32,
    },
}

/// What a description of ours says of the whole session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalSession {
    /// The session's id and version (RFC 8866 5.2, RFC 8829 5.2.1).
    pub id: u64,
    pub version: u64,
    pub ice_lite: bool,
    pub ufrag: String,
    pub pwd: String,
    /// `a=fingerprint`'s value.
    pub fingerprint: String,
    pub setup: Setup,
    /// `candidate:...`.
    pub candidates: Vec<String>,
    /// `a=ice-options`.
    pub ice_options: &'static str,
    pub extmap_allow_mixed: bool,
    /// The peer offered a group, or this side does.
    pub group: bool,
    /// In bytes.
    pub max_message_size: usize,
    /// What the peer may send on each line of video, in bit/s.
    pub max_bitrate: Option<u64>,
}
