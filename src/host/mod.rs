//! The host of the engine in its process: the threads that drive shards and mixers, the rings and
//! wake-ups between them, and what the binding calls. Everything that carries datagrams, commands
//! and messages to a [`Reactor`](crate::engine::io::Reactor) and takes what comes out. Knows no
//! sessions.
//!
//! There are two kinds of threads. A media thread drives one shard and its sockets and never waits
//! for anything but them; one that dies leaves its sockets to a [new one](media_thread). The [pool of tasks](tasks) is for work that may take longer than a packet
//! may wait: mixing, recording, playing and ingest.

mod backoff;
mod engine;
mod error;
mod hls;
mod ingest;
mod media_thread;
mod media_threads;
mod messages;
#[cfg(feature = "mcu")]
mod mixing;
mod outward;
mod pinned_certificate;
mod playback;
mod push;
mod recording;
mod refusals;
mod rings;
mod rtp_ports;
mod rtsp;
mod running;
pub mod tasks;
mod thread;
mod tls;
mod wakeup;

pub use crate::engine::versions::versions;
pub use crate::plain::announcement;
pub use engine::Engine;
pub use media_thread::{Shards, Start};
pub use media_threads::MediaThreads;
#[cfg(feature = "mcu")]
pub use mixing::{MixedTrackInfo, MixerInfo};
pub use playback::Item;
pub use recording::{RepairError, RepairedFile, repair};
