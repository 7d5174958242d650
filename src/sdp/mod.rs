//! Session descriptions (RFC 8866) and what an offer and its answer come to (RFC 8829, RFC 3264).
//! Pure: text and a model come in, a model and text go out. What is agreed on takes effect
//! elsewhere, after nothing can fail any more.

mod agreement;
mod announced;
mod answer;
mod attributes;
mod bundle;
pub mod candidate;
mod capabilities;
mod declared;
pub mod description;
mod error;
mod feedback;
mod formats;
mod fragment;
mod lines;
mod local;
mod offer;
mod outcome;
mod parse;
mod payload;
mod simulcast;
mod transport;
mod write;

#[cfg(test)]
mod testing;

pub use agreement::{
    AgreedLine, Agreement, RemoteMedia, RemoteSource, RemoteTrack, RemoteTransport, TelephoneEvent,
};
pub use announced::{Announced, AnnouncedFormat, AnnouncedKey, announced};
pub use answer::answer;
pub use capabilities::{Capabilities, OpusParameters};
pub use declared::{Declared, ParameterSets, Undeclared};
pub use error::SdpError;
pub use feedback::Feedback;
pub use fragment::{Fragment, fragment_of, parse_fragment};
pub use local::{LocalExtension, LocalLine, LocalPayload, LocalSender, LocalSession, PayloadName};
pub use offer::{Draft, OfferedLine};
pub use outcome::outcome;
pub use parse::parse;
pub use transport::Standing;
pub use write::write;

/// Largest description or fragment taken from a peer, in bytes. A meeting of a hundred stays well
/// under it.
pub const MAX_SDP: usize = 1 << 20;
/// Most m-lines of one description.
pub const MAX_MEDIA: usize = 1024;
/// Most lines of one description.
pub const MAX_LINES: usize = 65_536;
/// Most payload types of one description, of all its m-lines together.
pub const MAX_PAYLOAD_TYPES: usize = 16_384;
/// Most candidates of one description or fragment; further ones are left out.
pub const MAX_CANDIDATES: usize = 64;
/// Most lines about SSRCs of one description; further ones are left out.
pub const MAX_SOURCE_LINES: usize = 1024;
