//! Sockets, threads and the rings between them: everything that carries datagrams, commands and
//! messages to a [`Reactor`](crate::engine::io::Reactor) and takes what comes out. Knows no
//! sessions. Runs on Linux, macOS and Windows; what differs is how a UDP socket is waited for,
//! which `readable_descriptor` and `readable_portable` do, and one option in `listen`. Compiled,
//! tested and measured on Linux only so far: macOS takes the same source, and what Windows takes
//! instead is compiled and tested on Linux with the feature `portable-sockets`.

mod address_table;
mod burst;
mod calls;
mod engine;
mod framing;
mod host;
mod listen;
mod local_addresses;
#[cfg(feature = "mcu")]
mod mixing;
#[cfg(feature = "mcu")]
mod mixing_pool;
mod origins;
#[cfg(all(unix, not(feature = "portable-sockets")))]
#[path = "readable_descriptor.rs"]
mod readable;
#[cfg(not(all(unix, not(feature = "portable-sockets"))))]
#[path = "readable_portable.rs"]
mod readable;
mod ready_list;
mod rings;
mod send_queue;
mod tcp;
mod tcp_connection;
mod thread;
mod udp;
mod wakeup;

pub use engine::Engine;
pub use framing::{FrameDecoder, FrameTooLong, MAX_FRAME};
pub use host::Host;
pub use listen::ListenAddress;
#[cfg(feature = "mcu")]
pub use mixing::{MixedTrackInfo, MixerInfo};
