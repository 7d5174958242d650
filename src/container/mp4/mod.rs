//! Fragmented MP4 (ISO/IEC 14496-12). A [`Fragmenter`] makes fragments of frames, for a file or for
//! viewers of a live stream, who get its initialization segment first.

mod boxes;
mod fragmenter;
mod movie;
mod sample_entry;
#[cfg(test)]
mod tests;

pub use fragmenter::{Fragment, Fragmenter};

use crate::codec::Codec;

/// Whether fragments hold frames of this codec.
pub fn holds(codec: Codec) -> bool {
    sample_entry::holds(codec).is_ok()
}
