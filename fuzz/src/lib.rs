//! What the targets that drive mixers share.

#![cfg(feature = "mcu")]

pub mod pictures;
pub mod recording;
pub mod script;
pub mod sound;
