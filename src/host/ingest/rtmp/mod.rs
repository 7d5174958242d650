//! Servers that encoders push to by RTMP: one socket that listens, and a connection each.

mod connection;
mod door;
mod server;

pub(super) use server::RtmpServer;
