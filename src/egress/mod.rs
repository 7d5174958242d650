//! A peer's sending side: RTP of any source goes in, sealed datagrams come out. It writes headers,
//! seals, counts for reports, repeats what a receiver lost and reads what the receiver says of it.
//! No I/O and no clock. ICE, DTLS and receiving are the session's; the keys come from there.

mod clock;
mod feedback;
mod header;
mod leveling;
mod outlet;
mod repair;
mod report;
mod sender;
mod stream;
mod transport_history;

pub use clock::WallClock;
pub use feedback::{Feedback, RemoteReport};
pub use header::{Elements, ExtensionIds, Header};
pub use leveling::level;
pub use outlet::Outlet;
pub use report::goodbyes;
pub use sender::{Egress, OutgoingPacket, Purpose};
pub use stream::{Stream, StreamParameters};
pub use transport_history::Acknowledged;
