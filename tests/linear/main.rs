//! Whatever a peer sends costs no more than its length says: input of four times the size may cost
//! four times as much, and something for caches, and never the square of it.

mod descriptions;
// Other tests need the rest of it.
#[allow(dead_code)]
#[path = "../support/dtls_peer.rs"]
mod dtls_peer;
mod handshakes;
mod ingest;
mod measure;
mod packets;
mod payloads;
mod peers;
mod sctp;
#[path = "../support/mod.rs"]
mod support;
