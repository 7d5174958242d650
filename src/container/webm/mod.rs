//! WebM and Matroska (RFC 9559). A file has its tracks first, in room that is kept for more of them,
//! then clusters of blocks. The segment and the last cluster are of unknown size, as in live streams,
//! so that all that was written can be read wherever it ends. Finishing adds an index (Cues) and the
//! duration, and says the sizes.

mod document;
mod elements;
mod entries;
mod index;
mod lacing;
mod reader;
mod repair;
mod source;
#[cfg(test)]
mod tests;
mod tracks;
mod writer;

pub use document::Document;
pub use reader::Reader;
pub use repair::{Repaired, repair};
pub use writer::Writer;
