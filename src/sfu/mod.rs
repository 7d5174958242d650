//! Selective forwarding, without I/O: what an incoming packet is, which encoding a receiver gets,
//! and the numbers that make one continuous stream of it. Time is an argument; nothing here
//! allocates for a packet.

pub mod audio_level;
mod counter;
pub mod demand;
pub mod encoding;
pub mod forward;
mod group;
pub mod held_packets;
pub mod history;
pub mod keyframe;
pub mod layer_meter;
mod layer_selector;
pub mod packet;
pub mod red_recovery;
pub mod redundancy;
mod rewriter;
mod segment;
mod sequence;
pub mod source;
mod switch_point;
#[cfg(test)]
pub(crate) mod testing;
pub mod thinnest_link;
mod timestamp;
pub mod transponder;

pub use audio_level::AudioLevelMeter;
pub use demand::{Demand, EncodingSet};
pub use encoding::Encoding;
pub use forward::Forward;
pub use group::Opening;
pub use held_packets::HeldPackets;
pub use history::History;
pub use keyframe::{KeyframeRequests, Need};
pub use layer_meter::{LayerMeter, LayerRates};
pub use packet::{EncodingIndex, Extensions, SourcePacket};
pub use red_recovery::RedRecovery;
pub use redundancy::Redundancy;
pub use segment::Origin;
pub use thinnest_link::ThinnestLink;
pub use transponder::{EncodingState, Transponder};
