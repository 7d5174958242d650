//! SRT (draft-sharabayko-srt-01) in its live mode, without I/O: what a [`Listener`] and a [`Caller`] say
//! until they agree, and the [`Connection`] that comes of it, whichever way its payloads go. Handshakes
//! of version 5, encryption by AES in counter mode, retransmission, delivery by the sender's times, and
//! what is too late left out.
//!
//! Memory of a connection: 8,192 packets of 1,456 bytes each way, and nothing before its handshake.

mod caller;
mod clock;
mod connection;
mod error;
mod handshake;
mod keys;
mod listener;
mod losses;
mod packet;
mod receiver;
mod rejection;
mod renewal;
mod round_trip;
mod secret;
mod sender;
mod sequence;
mod stream_id;
#[cfg(test)]
mod tests;

pub use caller::{Caller, CallerOptions};
pub use connection::{Connection, ConnectionStats};
pub use error::SrtError;
pub use keys::{KeyLength, PASSPHRASE};
pub use listener::{Heard, Listener, OpenedKeys, Request};
pub use packet::destination;
pub use rejection::Rejection;
pub use renewal::KeyRefresh;
pub use stream_id::MAX_STREAM_ID;

/// Most bytes of a payload: what a datagram has room for (3.2.1), of which live streams use 1,316.
pub const MAX_PAYLOAD: usize = 1_456;
/// Packets that are kept each way, and that may be on their way at once.
const WINDOW: u32 = 8_192;
