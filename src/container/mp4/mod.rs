//! Fragmented MP4 (ISO/IEC 14496-12). A [`Fragmenter`] makes fragments of frames, for a file or for
//! viewers of a live stream, who get its initialization segment first. A [`Writer`] makes a file of
//! them, which plays wherever it ends, and which [`finish`] makes an ordinary seekable one.

mod boxes;
mod finish;
mod fragmenter;
#[cfg(test)]
mod fragmenter_tests;
mod movie;
mod reading;
mod runs;
mod sample_entry;
mod skeleton;
mod source;
mod survey;
mod tables;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use finish::{Unfinished, finish, survey};
pub use fragmenter::{Fragment, Fragmenter};
pub use reading::Reader;
pub(super) use reading::begins;
pub use writer::Writer;
