//! A packet between being opened and being taken.

use super::demux::Usage;
use super::extensions::Hop;
use super::header::RtpHeader;
use crate::sfu::Extensions;

/// An authentic packet, as far as its header and extensions tell.
pub(super) struct Opened<'a> {
    pub(super) header: &'a RtpHeader<'a>,
    pub(super) index: u64,
    /// It is ahead of all others of its stream.
    pub(super) newest: bool,
    pub(super) payload: &'a [u8],
}

/// How a known packet is to be treated.
pub(super) struct Reading<'a> {
    pub(super) usage: Usage,
    pub(super) hop: Hop<'a>,
    pub(super) extensions: Extensions,
}
