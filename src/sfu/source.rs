//! What a receiver's side has to know of the track that feeds it. Shared by all its receivers and
//! sent anew to the other shards whenever it changes.

use std::sync::Arc;

use super::layer_meter::LayerRates;
use super::packet::EncodingIndex;
use super::thinnest_link::ThinnestLink;
use crate::codec::Codec;
use crate::codec::format::Format;

/// What receivers need to know of a track.
#[derive(Clone, Debug)]
pub struct SourceDescription {
    /// What the sender may send, by its own payload types.
    pub formats: Arc<[Format]>,
    pub encodings: Vec<SourceEncoding>,
    /// Nothing of it is forwarded for now, whatever comes. What comes after that has nothing to do
    /// with what was forwarded before.
    pub withheld: bool,
    /// Encodings of different codecs show the same: a receiver takes those of one codec.
    pub alternatives: bool,
    /// It makes a keyframe when it is asked to.
    pub keyframes_on_request: bool,
    /// Where receivers say what their link has for the smallest encoding, if the source can make
    /// that smaller.
    pub thinnest: Option<Arc<ThinnestLink>>,
}

/// One RTP stream of the track.
#[derive(Clone, Debug)]
pub struct SourceEncoding {
    pub index: EncodingIndex,
    pub rid: Option<String>,
    pub ssrc: u32,
    pub codec: Codec,
    pub active: bool,
    /// Greater is better: pixels where known, else the place in the sender's list.
    pub rank: u32,
    /// Width and height, where known.
    pub size: Option<(u16, u16)>,
    /// What its layers cost now.
    pub rates: Arc<LayerRates>,
}

impl SourceDescription {
    /// The encoding with this index, if the source has it.
    pub fn encoding(&self, index: EncodingIndex) -> Option<&SourceEncoding> {
        self.encodings.iter().find(|encoding| encoding.index == index)
    }
}
