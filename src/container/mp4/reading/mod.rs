//! MP4 (ISO/IEC 14496-12): ordinary files with their tables, and fragmented ones.

mod boxes;
mod descriptions;
mod fragments;
mod reader;
mod tables;
mod tracks;

pub use reader::Reader;

/// Whether a file may be one, by its first bytes.
pub(in crate::container) fn begins(first: &[u8; 12]) -> bool {
    const FIRST: [&[u8; 4]; 10] =
        [b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"pdin"];
    FIRST.iter().any(|kind| first[4..8] == kind[..])
}
