//! Servers that encoders push to by SRT: one socket, and who is behind it.

mod peer;
mod server;

pub(super) use server::{SrtServer, SrtServerParts};
