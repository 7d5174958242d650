//! Encoded frames and the RTP payloads that carry them: depacketizing one way, packetizing the other.
//! Pure functions of bytes that a peer controls: bounded, and without a clock.
//!
//! An [`Assembler`] puts packets in order and gives complete frames (a jitter buffer without
//! playout); [`Parts`] is one frame on its way together; a [`Packetizer`] cuts frames into payloads.
//! Each payload format has one file for both ways: VP8 (RFC 7741), VP9 (RFC 9628), H.264
//! (RFC 6184), H.265 (RFC 7798) and AV1 (the AV1 RTP payload format of AOMedia). A packet of Opus
//! (RFC 7587) and of other sound is a frame as it is.

mod annex_b;
mod assembler;
mod av1;
mod cut;
mod h264;
mod h265;
mod nal;
mod packetizer;
mod parts;
mod pieces;
#[cfg(test)]
mod tests;
mod vp8;
mod vp9;

pub use annex_b::nal_units;
pub use assembler::{Assembler, EncodedFrame};
pub use cut::{CUT_ABOVE, cut};
pub use h264::is_foreign;
pub use packetizer::{Encoded, MAX_PAYLOAD, Packetizer};
pub use parts::{Malformed, Parts};
