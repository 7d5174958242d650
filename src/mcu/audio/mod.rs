//! Mixed sound.
