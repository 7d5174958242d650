//! Why the sockets of an endpoint cannot be had.

use std::net::SocketAddr;
use std::{fmt, io};

use crate::control::error::{ErrorCode, Fault};

/// Why an endpoint cannot listen.
#[derive(Debug)]
pub enum ListenError {
    /// Each thread has a port of its own, and they end at 65535.
    NoPortsLeft { first: u16, threads: usize },
    /// The system refuses an address. `index` is that of the entry of `options.listen`.
    Bind { protocol: &'static str, address: SocketAddr, index: usize, error: io::Error },
    /// The system refuses a port of plain RTP, by its places in the options.
    RtpPort { address: SocketAddr, media: usize, port: usize, error: io::Error },
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPortsLeft { first, threads } => write!(
                f,
                "port {first} leaves no room for {threads} threads, one port each, below 65536"
            ),
            Self::RtpPort { address, error, .. } => {
                write!(
                    f,
                    "cannot have the ports for RTP at {address}: {error}; choose others, or 0"
                )
            }
            Self::Bind { protocol, address, error, .. } => {
                let advice = match error.kind() {
                    io::ErrorKind::AddrInUse => "choose another port, or 0 for any free one",
                    io::ErrorKind::PermissionDenied => {
                        "choose a port above 1023, or 0 for any free one"
                    }
                    _ => "choose an address of this host",
                };
                write!(f, "cannot listen on {protocol} {address}: {error}; {advice}")
            }
        }
    }
}

impl Fault for ListenError {
    fn code(&self) -> ErrorCode {
        ErrorCode::Listen
    }

    fn field(&self) -> Option<String> {
        let of_port = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
        };
        Some(match self {
            Self::RtpPort { media, port, error, .. } => {
                let option = if of_port(error) { "port" } else { "address" };
                format!("options.media[{media}].ports[{port}].{option}")
            }
            Self::Bind { index, error, .. } if !of_port(error) => {
                format!("options.listen[{index}].ip")
            }
            _ => "options.port".to_owned(),
        })
    }
}
