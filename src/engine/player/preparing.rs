//! Before a player is there: its first file is looked at, until it is known what its tracks are.

use std::sync::Arc;
use std::time::Instant;

use super::line::Line;
use super::program::Program;
use super::{MAX_BYTES, PlayerError, TrackNames};
use crate::codec::{Codec, Kind};
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

/// Whether mixers give pictures in the order in which they are shown, whatever order they come in.
fn is_mixable(codec: Codec) -> bool {
    codec == Codec::H264
}

/// Makes the tracks. Gives what their shard is told of them.
///
/// # Errors
/// Why what was looked at cannot be played.
pub(super) fn make_tracks(
    now: Instant,
    lines: &mut [Line],
    names: TrackNames,
    mix_b_frames: bool,
) -> Result<Vec<(SourceId, Arc<SourceDescription>)>, PlayerError> {
    if lines.iter().all(|line| line.due().is_none()) {
        return Err(PlayerError::Nothing);
    }
    let mut described = Vec::new();
    for line in lines {
        let codec = line.codec().name();
        let id = match line.kind() {
            Kind::Audio => names.audio,
            Kind::Video => names.video,
        };
        if line.is_reordered() && !(mix_b_frames && is_mixable(line.codec())) {
            let mixable = is_mixable(line.codec());
            return Err(PlayerError::OutOfOrder { codec, mixable });
        }
        let made = line.make(now, id).ok_or(PlayerError::NoKeyframe(codec))?;
        described.push((made.id(), made.description()));
    }
    Ok(described)
}
