//! The protocols by which encoders push media and by which cameras are asked for it: bytes in, frames and
//! answers out. Pure: no sockets, no clock. Everything that comes is from strangers until they have shown a key,
//! so nothing here panics, allocates without a bound or takes longer than what came is long.

pub mod flv;
mod frame;
pub mod rtmp;
pub mod rtsp;
pub mod srt;
pub mod ts;

pub use frame::{Sound, VideoFrame};
