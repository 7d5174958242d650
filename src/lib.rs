//! A WebRTC media engine that lives inside a Node.js process. See ARCHITECTURE.md for the house.

pub mod bandwidth;
pub mod codec;
pub mod container;
pub mod control;
pub mod dump;
pub mod engine;
pub mod host;
pub mod ingest;
pub mod log;
#[cfg(feature = "mcu")]
pub mod mcu;
pub mod net;
#[cfg(feature = "node")]
mod node;
pub mod peer;
pub mod queue;
pub mod receiving;
pub mod sdp;
pub mod sending;
pub mod sfu;
pub mod speakers;
pub mod srtp;
pub mod webrtc;
