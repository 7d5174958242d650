//! RTSP 1.0 (RFC 2326, with what RFC 7826 makes clear) as a client: bytes of a connection in, requests,
//! packets of RTP and RTCP and what is described out. What a server says is a stranger's word.

mod authentication;
mod client;
mod description;
mod error;
mod md5;
mod mpeg4_generic;
mod reader;
mod requests;
#[cfg(test)]
mod tests;
mod transport;
mod url;

pub use client::{Agreed, Client, Event, Wanted};
pub use description::{Described, Description, MediaFormat};
pub use error::RtspError;
pub use mpeg4_generic::{AacFormat, AccessUnits, UnusableAac};
pub use transport::Lower;
pub use url::{Credentials, Url};
