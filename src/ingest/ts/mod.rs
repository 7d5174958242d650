//! MPEG-2 transport streams (ISO/IEC 13818-1), both ways without I/O: a [`Demuxer`] gives the frames of one
//! program's first picture and first sound, a [`Muxer`] makes a stream of frames. H.264 and H.265 in the
//! byte stream format, AAC in ADTS and LATM, Opus as ETSI TS 103 491 and ffmpeg have it.
//!
//! Memory: a picture of 4 MiB, a piece of sound of 64 KiB, tables of 1 KiB, parameter sets of 16 KiB.

mod adts;
mod clock;
mod crc;
mod demuxer;
mod error;
mod latm;
mod muxer;
mod opus;
mod pacing;
mod packet;
mod pes;
mod pictures;
mod section;
mod tables;
#[cfg(test)]
mod tests;

pub use demuxer::{Demuxer, Unit};
pub use error::TsError;
pub use muxer::Muxer;
pub use pacing::Pacer;

/// Bytes of a packet.
pub const PACKET: usize = 188;
