//! FLV (Adobe's Video File Format 10.1, Annex E) with what Enhanced RTMP adds: tags of sound and
//! pictures become frames. HEVC comes by FourCC, and as codec id 12 from encoders of before.

mod audio;
mod demuxer;
mod error;
mod fourcc;
mod muxer;
#[cfg(test)]
mod tests;
mod units;
mod video;

pub use demuxer::Demuxer;
pub use error::FlvError;
pub use muxer::Muxer;
