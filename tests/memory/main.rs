//! What a media thread keeps for each peer, in bytes that it asked for: counted, so the same on every
//! machine.

mod held;
mod peers;
#[path = "../support/mod.rs"]
mod support;
