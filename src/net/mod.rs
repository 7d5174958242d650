//! Sockets: datagrams of UDP and frames of TCP, in batches, from and to addresses that a shard knows
//! by number. Knows no threads and nobody who reads what arrives; [`host`](crate::host) drives both.
//! Runs on Linux, macOS and Windows: how sockets are waited for is mio's business, and what differs is
//! one option in `listen`. Compiled, tested and measured on Linux only so far.

pub(crate) mod address_table;
pub(crate) mod burst;
mod calls;
pub(crate) mod error;
mod framing;
pub(crate) mod listen;
mod local_addresses;
#[cfg(target_os = "linux")]
mod many;
pub(crate) mod openings;
pub(crate) mod origins;
pub(crate) mod poller;
pub(crate) mod ports;
mod run;
mod send_queue;
pub(crate) mod sockets;
pub(crate) mod special_addresses;
pub(crate) mod tcp;
mod tcp_connection;
pub(crate) mod udp;

pub use framing::{FrameDecoder, FrameTooLong, MAX_FRAME};
pub use listen::ListenAddress;
