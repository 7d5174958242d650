//! What the targets share, and what they do.

mod allocations;
#[cfg(feature = "mcu")]
pub mod pictures;
#[cfg(feature = "mcu")]
pub mod recording;
#[cfg(feature = "mcu")]
pub mod script;
#[cfg(feature = "mcu")]
pub mod sound;
/// Peers and shards on fake time, as the engine's tests have them.
#[path = "../../tests/support/mod.rs"]
pub mod support;
pub mod targets;
