//! What goes to players of HLS by HTTP.

use bytes::Bytes;

/// An answer to a player, as HTTP has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub content_type: &'static str,
    pub cache_control: String,
    pub body: Bytes,
}
