//! RTMP (Adobe's Real Time Messaging Protocol 1.0), both ends of it without I/O: a [`Server`] that
//! encoders publish to, and a [`Client`] that publishes. Messages of sound and pictures hold FLV tags; see [`flv`](super::flv).
//!
//! Memory: of messages on their way, four at once and 10 MB together, and 64 KiB before a publisher was
//! accepted.

pub mod amf0;
mod chunk_reader;
mod chunk_writer;
mod client;
mod command;
mod error;
mod handshake;
mod message;
mod server;
#[cfg(test)]
mod tests;

pub use chunk_reader::ChunkReader;
pub use chunk_writer::ChunkWriter;
pub use client::{Client, ClientEvent};
pub use command::Command;
pub use error::RtmpError;
pub use message::{Kind, Message};
pub use server::{Publish, Server, ServerEvent};
