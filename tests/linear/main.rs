//! Whatever a peer sends costs no more than its length says: input of four times the size may cost
//! four times as much, and something for caches, and never the square of it.

mod descriptions;
mod measure;
mod packets;
mod payloads;
#[path = "../support/mod.rs"]
mod support;
