//! What negotiation says of one m-line that a peer may send on. [`Receiving`](super::Receiving)
//! knows nothing else of descriptions.

use std::sync::Arc;

use super::extensions::ExtensionIds;
use crate::codec::Kind;
use crate::codec::format::Format;
use crate::codec::names::{Mid, Rid};
use crate::control::ids::SourceId;

/// One m-line for media, as agreed on. Lines that were refused (port 0) are left out.
#[derive(Clone, PartialEq, Debug)]
pub struct ReceiveLine {
    /// The name of the line, which packets carry in the MID extension (RFC 9143 15.2).
    pub mid: Mid,
    pub kind: Kind,
    /// Whether the peer sends by what was agreed on. Packets of a line that does not are taken
    /// all the same, because they may have left before the description did; nothing of it counts as active.
    pub receives: bool,
    /// What the peer may send, by the payload types it sends under. RED and RTX are in here.
    pub formats: Arc<[Format]>,
    /// Payload types of `telephone-event` (RFC 4733 2.5).
    pub telephone_events: Vec<TelephoneEventFormat>,
    /// RIDs that the peer sends (RFC 8851), in the order in which it announces them.
    pub rids: Vec<Rid>,
    /// The place of an SSRC in [`ReceiveLine::sources`] is that of its RID: nothing else tells of it.
    pub places_have_rids: bool,
    /// SSRCs that the description names (RFC 5576), in its order. May be empty, and may be wrong:
    /// what packets say of themselves counts more.
    pub sources: Vec<AnnouncedSource>,
    /// Header extensions, by the ids under which the peer sends them.
    pub extensions: ExtensionIds,
    /// The tracks of the line: one, or several of Plan B, which are told apart by their SSRCs.
    /// Empty when the line's track was closed on this side: what comes is dropped.
    pub tracks: Vec<LineTrack>,
    /// RTCP feedback that was agreed on (RFC 4585 4.2).
    pub feedback: FeedbackKinds,
    /// Feedback may go without a report before it (RFC 5506 5, `a=rtcp-rsize`).
    pub reduced_size: bool,
}

/// One payload type of `telephone-event`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEventFormat {
    pub pt: u8,
    /// In Hz, what the duration of an event counts in.
    pub clock_rate: u32,
}

/// An SSRC of `a=ssrc`, with what `a=ssrc-group` says of it. SSRCs that only retransmit are not
/// sources of their own: they are in `rtx` of what they repeat (group FID).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AnnouncedSource {
    pub ssrc: u32,
    /// The SSRC of its retransmissions (RFC 4588 8.7, `a=ssrc-group:FID`).
    pub rtx: Option<u32>,
    /// Place in `a=ssrc-group:SIM`, lowest quality first; encodings without RIDs have this order.
    pub place: Option<u8>,
    /// Index into [`ReceiveLine::tracks`]: whose MSID the SSRC has. 0 where it has none.
    pub track: usize,
}

/// A track of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineTrack {
    pub id: SourceId,
    /// The stream half of the MSID (RFC 8830), `-` for none.
    pub stream: String,
    /// The track half, empty for none.
    pub track: String,
}

/// Feedback that the peer takes for a line (`a=rtcp-fb`). A kind counts as agreed on when any
/// format of the line has it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FeedbackKinds {
    /// `nack` (RFC 4585 4.2).
    pub nack: bool,
    /// `nack pli` (RFC 4585 4.2).
    pub pli: bool,
    /// `ccm fir` (RFC 5104 7.1): keyframes are asked for by FIR where there is no PLI.
    pub fir: bool,
    /// `transport-cc` (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    pub transport_cc: bool,
    /// `goog-remb` (draft-alvestrand-rmcat-remb-03).
    pub remb: bool,
    /// The peer takes no feedback at all (RTP/AVP, RFC 3551): it is not asked for keyframes either.
    pub refused: bool,
}

impl FeedbackKinds {
    /// Whether the peer can be asked for a keyframe.
    pub fn asks_keyframes(self) -> bool {
        !self.refused
    }
}
