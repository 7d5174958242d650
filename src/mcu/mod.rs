//! Mixing: packets of several tracks in, packets of one mixed track out. Pure: no clock, no
//! threads, no I/O; who drives it hands in packets and time.

pub mod audio;
pub mod video;

pub use crate::codec::packet::{MadePacket, TakenPacket};
pub use crate::control::ids::PortId;

/// Names and versions of the libraries that code sound and pictures.
pub fn library_versions() -> Vec<(&'static str, String)> {
    let mut versions = vec![("libopus", audio::library_version())];
    versions.extend(video::library_versions());
    versions
}
