//! What a sending side has to say to its owner.

use std::collections::VecDeque;

use crate::control::event::{CloseReason, Event};
use crate::control::ids::{OutgoingTrackId, SourceId};
use crate::sfu::{EncodingIndex, EncodingSet, Opening};

/// What the owner of a sending side has to do or to pass on.
#[derive(Debug)]
pub enum SendingEvent {
    /// For JavaScript.
    Event(Event),
    /// The receiver of a track lost packets, or the link is probed: see
    /// [`Sending::retransmit`](super::Sending::retransmit).
    RetransmissionWanted { id: OutgoingTrackId },
    /// The receiver of a track would take other encodings of its source than before.
    EncodingsWanted { source: SourceId, id: OutgoingTrackId, wanted: EncodingSet },
    /// The receiver of a track loses another share of its Opus than before, in 256ths (RFC 3550
    /// 6.4.1); none where that is too little to make redundancy for.
    LossChanged { source: SourceId, id: OutgoingTrackId, loss: u8 },
    /// The receiver needs a keyframe of this source.
    KeyframeWanted { source: SourceId, encoding: EncodingIndex },
    /// A track can begin with this encoding of its source: with its last group of pictures, see
    /// [`Sending::opening`](super::Sending::opening), or else with a keyframe.
    StartWanted { source: SourceId, id: OutgoingTrackId, encoding: EncodingIndex },
    /// A track is going to begin with this encoding as soon as the receiver is connected, which is
    /// on its way.
    StartExpected { source: SourceId, encoding: EncodingIndex, opening: Opening },
    /// A track is gone.
    TrackClosed { id: OutgoingTrackId, reason: CloseReason },
}

pub(super) type Events = VecDeque<SendingEvent>;
