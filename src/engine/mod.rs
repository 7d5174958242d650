//! The actor: one [`shard`] per media thread takes commands and datagrams and gives events,
//! datagrams and messages to other shards. Does no I/O and reads no clock.

pub mod budget;
pub mod cipher_speed;
pub mod demultiplexer;
pub mod hls;
pub mod ingest;
pub mod io;
pub mod load;
pub mod message;
#[cfg(feature = "mcu")]
pub mod mixer;
pub mod movers;
pub mod occupancy;
mod peer;
pub mod player;
mod ports;
pub mod push;
pub mod recorder;
mod routes;
pub mod rtsp;
pub mod shard;
mod shared_flow;
pub mod shedding;
mod speakers;
pub mod tap;
mod timers;
mod tries;
pub mod unfinished;
pub mod versions;
