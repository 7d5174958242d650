//! What a track says to its owner, each thing once: the encoding and the layers it forwards, the
//! encodings it would take, keyframes it waits for, a codec that its receiver cannot take.

use std::time::Instant;

use super::OutgoingTrack;
use crate::codec::format::Format;
use crate::codec::{Kind, Layer};
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{EncodingInfo, Event};
use crate::control::layers::LayerReason;
use crate::sending::event::{Events, SendingEvent};
use crate::sfu::{EncodingIndex, EncodingSet, SourcePacket};

/// What was last said.
#[derive(Default)]
pub(super) struct Told {
    /// Why it gets the layers that it gets.
    reason: LayerReason,
    /// The encodings that the source's sender should make.
    wanted: Option<EncodingSet>,
    layer: Option<(Option<(EncodingIndex, Layer)>, LayerReason)>,
    /// The encoding that is forwarded.
    forwarded: Option<EncodingIndex>,
    /// A codec mismatch was reported for this source.
    pub(super) mismatch: bool,
}

impl Told {
    /// Another source: nothing was said of it.
    pub(super) fn forget_source(&mut self) {
        (self.reason, self.wanted, self.mismatch) = (LayerReason::default(), None, false);
    }
}

impl OutgoingTrack {
    pub(super) fn layer_reason(&self) -> LayerReason {
        self.told.reason
    }

    /// Layers were chosen anew, for this reason. [`OutgoingTrack::after_choice`] tells.
    pub(in crate::sending) fn set_layer_reason(&mut self, reason: LayerReason) {
        self.told.reason = if self.muted { LayerReason::Muted } else { reason };
    }

    /// Reports what the transponder decided: a keyframe it waits for, an encoding it switched to,
    /// the layers that are forwarded. Before the receiver is `reachable` a keyframe would come and
    /// go unseen.
    pub(in crate::sending) fn after_choice(
        &mut self,
        now: Instant,
        reachable: bool,
        events: &mut Events,
    ) {
        if let (Some(source), true) = (&self.source, self.sending && reachable)
            && let Some(encoding) = self.transponder.wants_keyframe(now)
        {
            events.push_back(SendingEvent::KeyframeWanted { source: source.id, encoding });
        }
        if let Some(current) = self.transponder.poll_change() {
            let forwarded = current.map(|(index, _)| index);
            if std::mem::replace(&mut self.told.forwarded, forwarded) != forwarded {
                let encoding = forwarded.and_then(|index| self.encoding_info(index));
                let event = Event::TransponderEncoding { id: self.id, encoding };
                events.push_back(SendingEvent::Event(event));
            }
        }
        self.tell_layer(events);
    }

    fn encoding_info(&self, index: EncodingIndex) -> Option<EncodingInfo> {
        let encoding = self.encoding(index)?;
        Some(EncodingInfo {
            rid: encoding.rid.clone(),
            ssrc: encoding.ssrc,
            active: encoding.active,
            codec: encoding.codec,
        })
    }

    /// Says which layers are forwarded, when that or the reason changed.
    fn tell_layer(&mut self, events: &mut Events) {
        if self.kind != Kind::Video {
            return;
        }
        let (layer, reason) = (self.forwarded_layer(), self.told.reason);
        let place = layer.as_ref().map(|layer| Layer::new(layer.spatial, layer.temporal));
        let now = (self.transponder.current().zip(place), reason);
        if self.told.layer.replace(now) != Some(now) {
            let event = Event::TransponderLayer { id: self.id, layer, reason };
            events.push_back(SendingEvent::Event(event));
        }
    }

    /// Tells the source which of its encodings should be made for this receiver.
    pub(in crate::sending) fn want(&mut self, wanted: EncodingSet, events: &mut Events) {
        if self.told.wanted.replace(wanted) != Some(wanted)
            && let Some(source) = &self.source
        {
            let event = SendingEvent::EncodingsWanted { source: source.id, id: self.id, wanted };
            events.push_back(event);
        }
    }

    /// Tells the source which of its sound's alternatives is taken.
    pub(in crate::sending) fn want_sound(&mut self, events: &mut Events) {
        if self.description().is_none_or(|description| !description.alternatives) {
            return;
        }
        let takes = self.sending && !self.muted;
        self.want(if takes { self.usable() } else { EncodingSet::NONE }, events);
    }

    /// The receiver lost the picture (PLI, FIR, or a packet that does not come again): asks whoever
    /// feeds the track.
    pub(in crate::sending) fn want_keyframe(&self, events: &mut Events) {
        if let (Some(source), Some(encoding)) = (&self.source, self.transponder.current()) {
            events.push_back(SendingEvent::KeyframeWanted { source: source.id, encoding });
        }
    }

    /// The receiver has no format for what the source sends.
    pub(super) fn report_mismatch(&mut self, packet: &SourcePacket, events: &mut Events) {
        if std::mem::replace(&mut self.told.mismatch, true) {
            return;
        }
        let text = format!(
            "the source sends {}, the receiver takes {}",
            packet.codec,
            codec_names(&self.formats)
        );
        let error = EngineError::new(ErrorCode::CodecMismatch, text);
        events.push_back(SendingEvent::Event(Event::TransponderError { id: self.id, error }));
    }
}

fn codec_names(formats: &[Format]) -> String {
    let names: Vec<&str> = formats.iter().map(|format| format.codec.name()).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
