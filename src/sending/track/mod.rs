//! What is sent to a peer on one m-line: its source, the transponder between the two, and the RTP
//! stream that comes of it.

mod layers;
mod notices;
mod planning;
mod sent;
mod statistics;

use std::sync::Arc;
use std::time::Instant;

use super::repeating::Nacked;
use super::sealed::Sealed;
use super::stream::{Stream, StreamParameters};
use crate::codec::format::{Carriage, Format, PayloadMap, compatible};
use crate::codec::names::Mid;
use crate::codec::{Kind, Layer};
use crate::control::ids::{OutgoingTrackId, SourceId};
use crate::control::layers::Preferences;
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::transponder::Transponder;
use crate::sfu::{EncodingIndex, EncodingState, HeldPackets, Redundancy, SourcePacket};
use notices::Told;
pub(super) use planning::{Burst, outgoing_packet};
use sent::Sent;

/// A track of this side that a peer receives.
pub struct OutgoingTrack {
    pub id: OutgoingTrackId,
    pub kind: Kind,
    /// The two halves of its MSID (RFC 8830 2).
    pub stream: String,
    pub track: String,
    /// Its m-line, once agreed on.
    pub mid: Option<Mid>,
    /// The m-line it has in an offer that is not answered yet.
    pub offered: Option<Mid>,
    /// What the receiver takes, most wanted first.
    pub(super) formats: Arc<[Format]>,
    /// The receiver's m-line lets us send.
    pub(super) sending: bool,
    /// Its RTP stream, while it has an m-line.
    pub(super) rtp: Option<Stream>,
    pub(super) transponder: Transponder,
    pub(super) held: HeldPackets,
    pub(super) redundancy: Redundancy,
    pub(super) source: Option<Source>,
    pub(super) muted: bool,
    /// RID the application chose; `None` lets the engine choose.
    pub(super) selected: Option<String>,
    /// The highest layer of an encoding that the application wants.
    pub(super) layer_limit: Layer,
    pub(super) preferences: Preferences,
    pub(super) payloads: PayloadMap,
    pub(super) sent: Sent,
    /// Packets that the receiver asks for again, in the order in which they are played.
    pub(super) nacked: Vec<Nacked>,
    /// What was sent without a stream of repetitions beside it, while its receiver loses some.
    pub(super) sealed: Option<Box<Sealed>>,
    /// When repeating was last given up.
    pub(super) gave_up: Option<Instant>,
    /// When its receiver, who had lost the picture, was last given the last group of pictures.
    pub(super) began_again: Option<Instant>,
    told: Told,
}

/// The track that feeds it.
pub(super) struct Source {
    pub(super) id: SourceId,
    pub(super) description: Option<Arc<SourceDescription>>,
}

impl OutgoingTrack {
    /// A track without a source and without an m-line. `stream` and `track` are its MSID.
    pub fn new(id: OutgoingTrackId, kind: Kind, stream: String, track: String) -> Self {
        Self {
            id,
            kind,
            stream,
            track,
            mid: None,
            offered: None,
            formats: Arc::default(),
            sending: false,
            rtp: None,
            transponder: Transponder::new(kind),
            held: HeldPackets::default(),
            redundancy: Redundancy::default(),
            source: None,
            muted: false,
            selected: None,
            layer_limit: Layer::HIGHEST,
            preferences: Preferences::default(),
            payloads: PayloadMap::default(),
            sent: Sent::default(),
            nacked: Vec::new(),
            sealed: None,
            gave_up: None,
            began_again: None,
            told: Told::default(),
        }
    }

    /// The peer agreed to take it on this m-line.
    pub fn bind(&mut self, mid: Mid) {
        self.mid = Some(mid);
        self.offered = None;
    }

    /// Whether the receiver lets us send on it.
    pub(super) fn sends(&self) -> bool {
        self.sending && self.rtp.is_some()
    }

    /// Whether it has this m-line, or would have it by the offer that is pending.
    pub fn is_on(&self, mid: &str) -> bool {
        self.mid.as_deref() == Some(mid) || self.offered.as_deref() == Some(mid)
    }

    /// A description was agreed on: what the receiver takes, whether it lets us send, and the RTP
    /// stream. A stream with the same SSRCs goes on, with another one everything is counted anew.
    pub fn negotiated(
        &mut self,
        formats: impl Into<Arc<[Format]>>,
        sending: bool,
        parameters: Option<StreamParameters>,
    ) {
        let formats = formats.into();
        if self.formats != formats {
            self.formats = formats;
            self.payloads.clear();
            self.told.mismatch = false;
            self.take_encodings();
        }
        self.sending = sending;
        self.rtp = match (self.rtp.take(), parameters) {
            (Some(mut stream), Some(parameters)) if stream.is(&parameters) => {
                stream.renegotiated(parameters);
                Some(stream)
            }
            (_, parameters) => {
                self.sealed = None;
                parameters.map(Stream::new)
            }
        };
    }

    /// Feeds it from another track, or from none.
    pub(super) fn set_source(&mut self, source: Option<SourceId>) {
        self.payloads.clear();
        self.held.clear();
        self.redundancy.end_segment();
        self.told.forget_source();
        self.source = source.map(|id| Source { id, description: None });
        match source {
            None => self.transponder.detach(),
            Some(_) => self.transponder.set_source(&[]),
        }
    }

    /// The formats or encodings of its source changed. False: it has no source.
    pub(super) fn describe_source(&mut self, description: Arc<SourceDescription>) -> bool {
        let Some(source) = &mut self.source else { return false };
        let before = source.description.replace(description.clone());
        if before.as_ref().is_none_or(|old| old.formats != description.formats) {
            self.payloads.clear();
            self.told.mismatch = false;
        }
        let withheld = description.withheld;
        if withheld {
            self.redundancy.end_segment();
        }
        self.take_encodings();
        // A sender that restarted an encoding uses another SSRC for it.
        for encoding in &description.encodings {
            let old = before.as_ref().and_then(|before| before.encoding(encoding.index));
            if withheld || old.is_some_and(|old| old.ssrc != encoding.ssrc) {
                self.transponder.restart(encoding.index);
            }
        }
        true
    }

    pub(super) fn description(&self) -> Option<&SourceDescription> {
        self.source.as_ref()?.description.as_deref()
    }

    pub(super) fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        self.redundancy.end_segment();
        self.transponder.set_muted(muted);
    }

    /// The encodings of its source that the receiver can take. Of alternatives that is one codec,
    /// the one that the source would rather send; none before the receiver said what it takes.
    pub(super) fn encodings(&self) -> impl Iterator<Item = &SourceEncoding> {
        let description = self.description();
        let alternatives = description.filter(|description| description.alternatives);
        let codec = alternatives.and_then(|description| {
            let taken = |f: &&Format| compatible(std::slice::from_ref(*f), &self.formats);
            description.formats.iter().find(taken).map(|format| format.codec)
        });
        let encodings = description.into_iter().flat_map(|description| &description.encodings);
        let any = alternatives.is_none();
        encodings.filter(move |encoding| any || Some(encoding.codec) == codec)
    }

    /// Tells the transponder which encodings there are.
    fn take_encodings(&mut self) {
        let states: Vec<EncodingState> = self
            .encodings()
            .map(|e| EncodingState { index: e.index, active: e.active, rank: e.rank })
            .collect();
        self.transponder.set_encodings(&states);
    }

    /// How a packet of the source leaves. `None`: the source is not known yet, or the receiver has
    /// no format for it.
    pub(super) fn carriage(&mut self, packet: &SourcePacket) -> Option<Carriage> {
        let description = self.source.as_ref()?.description.as_ref()?;
        self.payloads.carriage(packet.source_pt, &description.formats, &self.formats)
    }

    pub(super) fn encoding(&self, index: EncodingIndex) -> Option<&SourceEncoding> {
        self.description()?.encoding(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::sending::testing::{OPUS_PT, PT, description, format, parameters};
    use crate::sfu::testing::Source as Camera;

    fn track() -> OutgoingTrack {
        let mut track = OutgoingTrack::new(OutgoingTrackId(1), Kind::Video, "s".into(), "t".into());
        track.negotiated(vec![format(Codec::Vp8, PT)], true, Some(parameters(1)));
        track
    }

    #[test]
    fn a_line_is_its_own_once_offered_and_after_it_was_agreed_on() {
        let mut track = track();
        track.offered = Some("a".into());
        assert!(track.is_on("a") && !track.is_on("b") && track.mid.is_none());
        track.bind("a".into());
        assert!(track.is_on("a") && track.offered.is_none());
    }

    #[test]
    fn a_stream_goes_on_through_negotiation_until_its_ssrcs_change() {
        let mut track = track();
        let nacks = |track: &mut OutgoingTrack| track.rtp.as_ref().unwrap().feedback().nacks;
        track.rtp.as_mut().unwrap().feedback_mut().nacks = 3;
        let renamed = StreamParameters { cname: "other".into(), ..parameters(1) };
        track.negotiated(vec![format(Codec::Vp8, PT)], true, Some(renamed.clone()));
        assert_eq!(nacks(&mut track), 3);
        assert_eq!(track.rtp.as_ref().unwrap().parameters(), &renamed);
        track.negotiated(vec![format(Codec::Vp8, PT)], true, Some(parameters(2)));
        assert_eq!(nacks(&mut track), 0);
        track.negotiated(Vec::new(), false, None);
        assert!(track.rtp.is_none());
    }

    #[test]
    fn a_packet_leaves_in_the_receivers_format_if_it_has_one() {
        let mut track = track();
        let packet = Camera::new(Codec::Vp8).keyframe();
        assert!(track.carriage(&packet).is_none(), "nothing is known of the source");
        track.set_source(Some(SourceId(1)));
        assert!(track.describe_source(description(Codec::Vp8, &[0])));
        assert_eq!(track.carriage(&packet).unwrap().pt, PT);
        track.negotiated(vec![format(Codec::Vp9, 35)], true, Some(parameters(1)));
        assert!(track.carriage(&packet).is_none());
    }

    #[test]
    fn of_alternatives_the_receiver_gets_the_first_codec_that_it_takes() {
        let mut track = track();
        track.set_source(Some(SourceId(1)));
        let both = SourceDescription {
            formats: Arc::new([format(Codec::Vp9, 98), format(Codec::Vp8, 96)]),
            encodings: [Codec::Vp9, Codec::Vp8]
                .into_iter()
                .flat_map(|codec| description(codec, &[100_000]).encodings.clone())
                .collect(),
            alternatives: true,
            withheld: false,
            keyframes_on_request: true,
            thinnest: None,
        };
        track.describe_source(Arc::new(both));
        let codecs = |track: &OutgoingTrack| track.encodings().map(|e| e.codec).collect::<Vec<_>>();
        assert_eq!(codecs(&track), [Codec::Vp8]);
        let all = vec![format(Codec::Vp8, PT), format(Codec::Vp9, 35)];
        track.negotiated(all, true, Some(parameters(1)));
        assert_eq!(codecs(&track), [Codec::Vp9]);
        track.negotiated(vec![format(Codec::Opus, OPUS_PT)], true, Some(parameters(1)));
        assert_eq!(codecs(&track), []);
    }

    #[test]
    fn a_track_without_a_source_takes_no_description() {
        assert!(!track().describe_source(description(Codec::Vp8, &[0])));
    }
}
