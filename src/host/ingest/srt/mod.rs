//! Servers that encoders push to by SRT, one socket and who is behind it; and inputs that are fetched.

mod peer;
mod pull;
mod server;

pub(super) use pull::SrtPull;
pub(super) use server::SrtServer;
