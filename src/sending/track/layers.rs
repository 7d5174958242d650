//! The layers of a track's source: which there are, which the application wants, what they cost.

use super::OutgoingTrack;
use crate::bandwidth::{self, Selection};
use crate::codec::{Kind, Layer};
use crate::control::layers::{ForwardedLayer, Preferences};
use crate::sending::bandwidth::Bandwidth;
use crate::sfu::source::SourceEncoding;
use crate::sfu::{EncodingIndex, EncodingSet, Opening};

impl OutgoingTrack {
    /// Whether it has a share of the link: video that is to be sent and that the peer takes.
    pub(in crate::sending) fn takes_part(&self) -> bool {
        self.kind == Kind::Video && self.sending && !self.muted && self.source.is_some()
    }

    /// Whether its source makes its smallest encoding as small as links need it.
    pub(in crate::sending) fn shrinks(&self) -> bool {
        self.description().is_some_and(|source| source.thinnest.is_some())
    }

    /// Whether packets can be repeated to it that it does not need.
    pub(in crate::sending) fn can_probe(&self) -> bool {
        let repeats = self.rtp.as_ref().is_some_and(|stream| stream.parameters().rtx.is_some());
        self.takes_part() && repeats
    }

    /// Whether its receiver takes what transport-wide feedback about video needs.
    pub(in crate::sending) fn promises_feedback(&self) -> bool {
        let numbered = self
            .rtp
            .as_ref()
            .is_some_and(|stream| stream.parameters().extensions.transport_sequence.is_some());
        self.kind == Kind::Video && numbered
    }

    /// The encoding that the application chose, once it is known.
    pub(in crate::sending) fn selected_encoding(&self) -> Option<EncodingIndex> {
        let rid = self.selected.as_deref()?;
        let mut encodings = self.encodings();
        encodings.find(|encoding| encoding.rid.as_deref() == Some(rid)).map(|found| found.index)
    }

    /// The encoding with the smallest picture of those that come.
    pub(in crate::sending) fn smallest_encoding(&self) -> Option<EncodingIndex> {
        let active = self.encodings().filter(|encoding| encoding.active);
        active.min_by_key(|encoding| encoding.rank).map(|smallest| smallest.index)
    }

    /// What of the last group of pictures its stream can begin with over a link.
    pub(in crate::sending) fn opening(&self, encoding: EncodingIndex, link: &Bandwidth) -> Opening {
        let layers = self.transponder.limit();
        let rates = self.encoding(encoding).map(|encoding| &encoding.rates);
        let takes = rates.and_then(|rates| {
            let sent = Layer::all().filter(|layer| layer.within(layers));
            sent.filter_map(|layer| Some(rates.cumulative(layer)?.0)).max()
        });
        Opening { layers, room: link.room_to_begin(takes) }
    }

    /// What the application limits the choice to.
    pub(in crate::sending) fn selection(&self) -> Selection {
        Selection {
            encoding: self.selected_encoding().map(|encoding| encoding.0),
            max_spatial: Some(self.layer_limit.spatial),
            max_temporal: Some(self.layer_limit.temporal),
        }
    }

    /// What the application wants of it.
    pub(in crate::sending) fn wishes(&self) -> Preferences {
        self.preferences
    }

    /// Adds what its source can send.
    pub(in crate::sending) fn collect_layers(&self, layers: &mut Vec<bandwidth::Layer>) {
        for encoding in self.encodings() {
            layers.extend(Layer::all().filter_map(|layer| measured(encoding, layer)));
        }
    }

    /// Encodings that never came long enough to be measured, and so are in no ladder. They have to
    /// come once: a sender whose uplink is still being found out begins with the small ones, and
    /// one that it is told to switch off by then would stay unknown for good.
    pub(in crate::sending) fn unmeasured_encodings(&self) -> EncodingSet {
        self.encodings()
            .filter(|encoding| Layer::all().all(|layer| measured(encoding, layer).is_none()))
            .fold(EncodingSet::NONE, |set, encoding| set.with(encoding.index))
    }

    /// Tells a source that can make its smallest encoding smaller how small it has to be. `share`
    /// is what there is for it, in bit/s.
    pub(in crate::sending) fn report_thin_link(&self, share: u64) {
        let Some(link) = self.description().and_then(|source| source.thinnest.as_ref()) else {
            return;
        };
        let needed = self.encodings().filter_map(|e| Some(e.rates.cumulative(Layer::default())?.0));
        if self.takes_part() && needed.min().is_some_and(|needed| needed > share) {
            link.report(share - share / 10);
        }
    }

    /// The encodings that it might take.
    pub(in crate::sending) fn usable(&self) -> EncodingSet {
        if self.description().is_none_or(|description| !description.alternatives) {
            return EncodingSet::ALL;
        }
        self.encodings().fold(EncodingSet::NONE, |set, encoding| set.with(encoding.index))
    }

    /// The layers that are forwarded.
    pub(super) fn forwarded_layer(&self) -> Option<ForwardedLayer> {
        let current = self.transponder.current().filter(|_| self.kind == Kind::Video)?;
        let (encoding, limit) = (self.encoding(current)?, self.transponder.layer());
        let known = Layer::all().filter(|layer| layer.within(limit));
        let best = known.filter_map(|layer| forwarded(encoding, layer)).last();
        Some(best.unwrap_or(ForwardedLayer {
            rid: encoding.rid.clone(),
            spatial: 0,
            temporal: 0,
            size: encoding.size,
            frame_rate: 0.0,
            bitrate: 0,
        }))
    }
}

fn measured(encoding: &SourceEncoding, layer: Layer) -> Option<bandwidth::Layer> {
    let (bitrate, frame_rate) = encoding.rates.cumulative(layer)?;
    let (width, height) = size(encoding, layer).unwrap_or_default();
    Some(bandwidth::Layer {
        encoding: encoding.index.0,
        spatial: layer.spatial,
        temporal: layer.temporal,
        bitrate,
        width,
        height,
        frame_rate,
        active: encoding.active,
    })
}

fn forwarded(encoding: &SourceEncoding, layer: Layer) -> Option<ForwardedLayer> {
    let (bitrate, frame_rate) = encoding.rates.cumulative(layer)?;
    Some(ForwardedLayer {
        rid: encoding.rid.clone(),
        spatial: layer.spatial,
        temporal: layer.temporal,
        size: size(encoding, layer),
        frame_rate,
        bitrate,
    })
}

fn size(encoding: &SourceEncoding, layer: Layer) -> Option<(u16, u16)> {
    encoding.rates.size(layer.spatial).or(encoding.size)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codec::Codec;
    use crate::control::ids::{OutgoingTrackId, SourceId};
    use crate::sending::testing::{PT, description, format, parameters};
    use crate::sfu::ThinnestLink;
    use crate::sfu::source::SourceDescription;

    fn fed(description: Arc<SourceDescription>) -> OutgoingTrack {
        let mut track = OutgoingTrack::new(OutgoingTrackId(1), Kind::Video, "s".into(), "t".into());
        track.negotiated(vec![format(Codec::Vp8, PT)], true, Some(parameters(1)));
        track.set_source(Some(SourceId(1)));
        track.describe_source(description);
        track
    }

    #[test]
    fn video_with_a_source_that_the_peer_takes_has_a_share_of_the_link() {
        let mut track = fed(description(Codec::Vp8, &[100_000]));
        assert!(track.takes_part() && track.can_probe() && track.promises_feedback());
        track.muted = true;
        assert!(!track.takes_part() && !track.can_probe());
        track.muted = false;
        track.set_source(None);
        assert!(!track.takes_part());
    }

    #[test]
    fn without_retransmission_there_is_nothing_to_probe_with() {
        let mut track = fed(description(Codec::Vp8, &[100_000]));
        let plain = crate::sending::StreamParameters { rtx: None, ..parameters(1) };
        track.negotiated(vec![format(Codec::Vp8, PT)], true, Some(plain));
        assert!(track.takes_part() && !track.can_probe());
    }

    #[test]
    fn the_chosen_encoding_is_known_by_its_rid() {
        let mut track = fed(description(Codec::Vp8, &[100_000, 300_000]));
        assert_eq!(track.selection().encoding, None);
        track.selected = Some("r1".into());
        assert_eq!(track.selection().encoding, Some(1));
        track.selected = Some("r7".into());
        assert_eq!(track.selected_encoding(), None, "there is none yet");
    }

    #[test]
    fn what_was_never_measured_is_in_no_ladder_but_wanted() {
        let track = fed(description(Codec::Vp8, &[100_000, 0]));
        let mut layers = Vec::new();
        track.collect_layers(&mut layers);
        assert_eq!(layers.iter().map(|layer| layer.encoding).collect::<Vec<_>>(), [0]);
        assert_eq!((layers[0].bitrate, layers[0].width), (100_000, 320));
        let unmeasured = track.unmeasured_encodings();
        assert!(!unmeasured.contains(EncodingIndex(0)) && unmeasured.contains(EncodingIndex(1)));
    }

    #[test]
    fn a_source_that_can_shrink_hears_of_a_link_that_is_too_thin() {
        let link = Arc::new(ThinnestLink::default());
        let mut shrinking = (*description(Codec::Vp8, &[200_000])).clone();
        shrinking.thinnest = Some(link.clone());
        let track = fed(Arc::new(shrinking));
        assert!(track.shrinks());
        track.report_thin_link(200_000);
        assert_eq!(link.take(), None, "it fits");
        track.report_thin_link(100_000);
        assert_eq!(link.take(), Some(90_000));
    }

    #[test]
    fn nothing_is_forwarded_before_the_first_keyframe() {
        assert!(fed(description(Codec::Vp8, &[100_000])).forwarded_layer().is_none());
    }
}
