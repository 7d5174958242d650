//! Sockets: datagrams of UDP and frames of TCP, in batches, from and to addresses that a shard knows
//! by number. Knows no threads and nobody who reads what arrives; [`host`](crate::host) drives both.
//! Runs on Linux, macOS and Windows; what differs is how a UDP socket is waited for, which
//! `readable_descriptor` and `readable_portable` do, and one option in `listen`. Compiled, tested and
//! measured on Linux only so far: macOS takes the same source, and what Windows takes instead is
//! compiled and tested on Linux with the feature `portable-sockets`.

pub(crate) mod address_table;
pub(crate) mod burst;
mod calls;
pub(crate) mod error;
mod framing;
pub(crate) mod listen;
mod local_addresses;
mod origins;
#[cfg(all(unix, not(feature = "portable-sockets")))]
#[path = "readable_descriptor.rs"]
mod readable;
#[cfg(not(all(unix, not(feature = "portable-sockets"))))]
#[path = "readable_portable.rs"]
mod readable;
mod ready_list;
mod send_queue;
pub(crate) mod tcp;
mod tcp_connection;
pub(crate) mod udp;

pub use framing::{FrameDecoder, FrameTooLong, MAX_FRAME};
pub use listen::ListenAddress;
