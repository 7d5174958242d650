//! What a shard and a peer say to each other, whatever kind of peer it is: events of what came, and
//! the traces by which a peer that moved is known. No kind of peer is named here.

mod dumping;
mod event;
pub mod trace;

pub use dumping::Dumping;
pub use event::PeerEvent;
pub use trace::{Stream, Trace};
