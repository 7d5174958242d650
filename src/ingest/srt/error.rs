//! Why a connection ends.

use std::fmt;

use super::rejection::Rejection;

/// An error of a connection, or of a call that becomes none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SrtError {
    /// The other end does not want it, and says why.
    Rejected(Rejection),
    /// What comes is no handshake of SRT.
    Handshake,
    /// The other end speaks SRT of before 1.3.
    Version,
    /// Our passphrase is not the other end's.
    Passphrase,
    /// The other end says goodbye.
    Shutdown,
    /// Nothing came for too long.
    Timeout,
    /// So many packets were encrypted with one key that it is used up.
    KeyUsedUp,
}

impl fmt::Display for SrtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(f, "the other end refused: {rejection}"),
            Self::Handshake => f.write_str("the other end sends what is no handshake of SRT"),
            Self::Version => f.write_str("the other end speaks SRT of before 1.3"),
            Self::Passphrase => f.write_str("the passphrase is not the other end's"),
            Self::Shutdown => f.write_str("the other end closed the connection"),
            Self::Timeout => f.write_str("nothing came from the other end for too long"),
            Self::KeyUsedUp => f.write_str("the key is used up: connect again"),
        }
    }
}

impl std::error::Error for SrtError {}
