//! What a shard and a peer say to each other, whatever kind of peer it is: events of what came, and
//! the traces by which a peer that moved is known. No kind of peer is named here.

mod event;
pub mod trace;

pub use event::PeerEvent;
pub use trace::{Stream, Trace};
