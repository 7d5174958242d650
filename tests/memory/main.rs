//! What a media thread keeps for each peer, in bytes that it asked for: counted, so the same on every
//! machine.

mod held;
mod peers;
// Other tests need the rest of it.
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;
