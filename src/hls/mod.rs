//! A live stream as players of HTTP Live Streaming see it (draft-pantos-hls-rfc8216bis, "rfc8216bis"
//! below): fragments in, playlists and answers to requests out. Pure: no socket, no clock.
//!
//! Sound and each encoding of pictures are a rendition of their own. Fragments are its parts, about
//! half a second each; parts make segments, which begin with a keyframe. What is older than a few
//! segments is forgotten.

mod answer;
mod multivariant;
mod playlist;
mod rendition;
mod request;
#[cfg(test)]
pub(crate) mod rules;
mod stream;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Asker, Body, Reply};
pub use rendition::{Format, Shape};
pub use request::{Request, Want};
pub use stream::{MAX_RENDITIONS, Publication, Stream};
