//! Before a player is there: its first file is looked at, until it is known what its tracks are.

use std::sync::Arc;
use std::time::Instant;

use super::line::Line;
use super::program::Program;
use super::{MAX_BYTES, PlayerError, TrackNames};
use crate::codec::Kind;
use crate::control::ids::SourceId;
use crate::sfu::source::SourceDescription;

/// Pictures that are looked at: those that refer to later ones show among as many.
const LOOKED_AT: usize = 32;

/// Whether enough was read to know what the tracks are.
pub(super) fn is_prepared(lines: &[Line], program: &Program) -> bool {
    let is_known = |line: &Line| match line.kind() {
        Kind::Video => line.waiting().count() >= LOOKED_AT,
        Kind::Audio => true,
    };
    let any = lines.iter().any(|line| line.due().is_some());
    let full = lines.iter().map(Line::bytes).sum::<usize>() >= MAX_BYTES;
    let read = program.current().is_none_or(|segment| segment.end.is_some());
    !lines.is_empty() && (full || read || any && lines.iter().all(is_known))
}

/// Makes the tracks. Gives what their shard is told of them.
///
/// # Errors
/// Why what was looked at cannot be played.
pub(super) fn make_tracks(
    now: Instant,
    lines: &mut [Line],
    names: TrackNames,
) -> Result<Vec<(SourceId, Arc<SourceDescription>)>, PlayerError> {
    if lines.iter().all(|line| line.due().is_none()) {
        return Err(PlayerError::Nothing);
    }
    let mut described = Vec::new();
    for line in lines {
        let codec = line.codec().name();
        let in_order = line.waiting().map(|ready| ready.at).is_sorted();
        let id = match line.kind() {
            Kind::Audio => names.audio,
            Kind::Video if in_order => names.video,
            Kind::Video => return Err(PlayerError::OutOfOrder(codec)),
        };
        let made = line.make(now, id).ok_or(PlayerError::NoKeyframe(codec))?;
        described.push((made.id(), made.description()));
    }
    Ok(described)
}
