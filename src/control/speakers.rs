//! What JavaScript asks of a group of speakers. Everything about one goes to the shard it lives
//! on, in order; that shard tells the others.

use std::time::Duration;

use super::ids::{SlotsId, SourceId, TransportId};

/// A command to a group of speakers.
#[derive(Debug)]
pub enum SpeakersCommand {
    /// Sound below `threshold` dBov does not count. Who makes none for longer than `pause` has stopped
    /// to speak.
    Create {
        threshold: i8,
        pause: Duration,
    },
    /// A member: a track with sound, whose it is, and the picture that goes with it. Changes the
    /// picture of one who is a member already.
    Add {
        audio: SourceId,
        owner: TransportId,
        video: Option<SourceId>,
    },
    Remove {
        audio: SourceId,
    },
    /// Whether to tell who speaks, as [`Event::Speaking`](super::event::Event::Speaking). Not until asked.
    ListenSpeaking {
        listen: bool,
    },
    /// Slots for the loudest and for the pictures of those who spoke last. A slot has an id as a
    /// track has, of the shard of the group.
    CreateSlots {
        id: SlotsId,
        audio: Vec<SourceId>,
        video: Vec<SourceId>,
    },
    CloseSlots {
        id: SlotsId,
    },
    /// Ends the group and all its slots.
    Close,
}
