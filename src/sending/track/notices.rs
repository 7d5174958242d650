//! What a track says to its owner, each thing once: the encoding and the layers it forwards, the
//! encodings it would take, keyframes it waits for, a codec that its receiver cannot take.

use std::time::{Duration, Instant};

use super::OutgoingTrack;
use crate::codec::{Kind, Layer};
use crate::control::event::{EncodingInfo, Event};
use crate::control::layers::LayerReason;
use crate::sending::bandwidth::Bandwidth;
use crate::sending::error::SendingError;
use crate::sending::event::{Events, SendingEvent};
use crate::sending::transport_history::Acknowledged;
use crate::sfu::{EncodingIndex, EncodingSet, SourcePacket};

/// Between two times that a receiver is given the last group of pictures again.
const BEGIN_AGAIN: Duration = Duration::from_secs(1);

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
    /// What its receiver loses, in 256ths.
    loss: u8,
    /// A codec mismatch was reported for this source.
    pub(super) mismatch: bool,
}

impl Told {
    /// Another source: nothing was said of it.
    pub(super) fn forget_source(&mut self) {
        (self.reason, self.wanted, self.mismatch) = (LayerReason::default(), None, false);
        self.loss = 0;
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
            let source = source.id;
            let group = self.transponder.begins() || !self.keyframes_on_request();
            events.push_back(match group {
                true => SendingEvent::StartWanted { source, id: self.id, encoding },
                false => SendingEvent::KeyframeWanted { source, encoding },
            });
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
            index: index.0,
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

    /// The receiver is about to be there.
    pub(in crate::sending) fn expect_start(&self, link: &Bandwidth, events: &mut Events) {
        if let (Some(source), true) = (&self.source, self.sending)
            && let Some(encoding) = self.transponder.expected()
        {
            let (source, opening) = (source.id, self.opening(encoding, link));
            events.push_back(SendingEvent::StartExpected { source, encoding, opening });
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

    /// Tells the source what the receiver loses of its sound, when that changed: an encoder makes
    /// redundancy for it. Nothing of what is not sent.
    pub(in crate::sending) fn tell_loss(&mut self, events: &mut Events) {
        if self.kind != Kind::Audio {
            return;
        }
        let heard = self.rtp.as_ref().filter(|_| self.sending && !self.muted);
        let loss = heard.map_or(0, |stream| stream.feedback().loss());
        self.tell_of_loss(loss, events);
    }

    /// The same before a report has told it, when it is more by half than the source knows: packets of
    /// sound were repeated.
    pub(in crate::sending) fn tell_risen_loss(&mut self, events: &mut Events) {
        let known = self.told.loss;
        let heard = self.rtp.as_ref().filter(|_| self.sending && !self.muted);
        let by_now = heard.map_or(0, |stream| stream.loss_by_now());
        if self.kind == Kind::Audio && by_now > known.saturating_add(known / 2) {
            self.tell_of_loss(by_now, events);
        }
    }

    /// Transport-wide feedback told of packets that got lost: as much as it tells by now of all.
    pub(in crate::sending) fn note_acknowledged(
        &mut self,
        acknowledged: Acknowledged,
        events: &mut Events,
    ) {
        if let Some(stream) = &mut self.rtp {
            stream.feedback_mut().acknowledge(acknowledged);
        }
        self.tell_risen_loss(events);
    }

    fn tell_of_loss(&mut self, loss: u8, events: &mut Events) {
        if let Some(source) = &self.source
            && std::mem::replace(&mut self.told.loss, loss) != loss
        {
            let event = SendingEvent::LossChanged { source: source.id, id: self.id, loss };
            events.push_back(event);
        }
    }

    /// The receiver lost the picture (PLI, FIR, or a packet that does not come again): asks whoever
    /// feeds the track.
    pub(in crate::sending) fn want_keyframe(&mut self, now: Instant, events: &mut Events) {
        let (Some(source), Some(encoding)) = (&self.source, self.transponder.current()) else {
            return;
        };
        let source = source.id;
        if self.keyframes_on_request() {
            return events.push_back(SendingEvent::KeyframeWanted { source, encoding });
        }
        // It gets the last one once more, and all that came since.
        let again = |at: Instant| now.saturating_duration_since(at) >= BEGIN_AGAIN;
        if self.began_again.is_none_or(again) {
            self.began_again = Some(now);
            events.push_back(SendingEvent::StartWanted { source, id: self.id, encoding });
        }
    }

    /// Whether its source makes a keyframe when one is asked for.
    pub(in crate::sending) fn keyframes_on_request(&self) -> bool {
        self.description().is_none_or(|source| source.keyframes_on_request)
    }

    /// The receiver has no format for what the source sends.
    pub(super) fn report_mismatch(&mut self, packet: &SourcePacket, events: &mut Events) {
        if std::mem::replace(&mut self.told.mismatch, true) {
            return;
        }
        let error = SendingError::OtherCodec { sent: packet.codec, taken: &self.formats }.into();
        events.push_back(SendingEvent::Event(Event::TransponderError { id: self.id, error }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::codec::Codec;
    use crate::codec::format::Format;
    use crate::control::ids::{OutgoingTrackId, SourceId};
    use crate::sending::testing::{
        OPUS_PT, PT, Rig, description, format, parameters, receiver_report,
    };
    use crate::sfu::testing::Source;

    fn track(receiver: Format, source: Codec) -> OutgoingTrack {
        let kind = receiver.codec.kind();
        let mut track = OutgoingTrack::new(OutgoingTrackId(1), kind, "s".into(), "t".into());
        track.negotiated(vec![receiver], true, Some(parameters(1)));
        track.set_source(Some(SourceId(1)));
        track.describe_source(description(source, &[100_000]));
        track
    }

    #[test]
    fn a_keyframe_is_asked_for_when_somebody_is_there_to_see_it() {
        let (now, mut events) = (Instant::now(), Events::new());
        let mut track = track(format(Codec::Vp8, PT), Codec::Vp8);
        track.transponder.select(None, Layer::HIGHEST);
        let start = |e: &SendingEvent| matches!(e, SendingEvent::StartWanted { .. });
        track.after_choice(now, false, &mut events);
        assert!(!events.iter().any(start));
        track.expect_start(&Bandwidth::default(), &mut events);
        assert!(matches!(events.pop_back(), Some(SendingEvent::StartExpected { .. })));
        track.after_choice(now, true, &mut events);
        assert!(events.iter().any(start));
    }

    #[test]
    fn of_a_file_the_last_group_is_wanted_again_once_a_second() {
        let (now, mut events) = (Instant::now(), Events::new());
        let mut track = track(format(Codec::Vp8, PT), Codec::Vp8);
        let mut file = (*description(Codec::Vp8, &[100_000])).clone();
        file.keyframes_on_request = false;
        track.describe_source(Arc::new(file));
        track.transponder.select(None, Layer::HIGHEST);
        let mut pictures = Source::new(Codec::Vp8);
        track.transponder.forward(&pictures.keyframe()).expect("a keyframe starts it");
        let starts = |track: &mut OutgoingTrack, after: u64, events: &mut Events| {
            track.want_keyframe(now + Duration::from_millis(after), events);
            events.drain(..).filter(|e| matches!(e, SendingEvent::StartWanted { .. })).count()
        };
        assert_eq!(starts(&mut track, 0, &mut events), 1);
        assert_eq!(starts(&mut track, 300, &mut events), 0);
        assert_eq!(starts(&mut track, 1_000, &mut events), 1);
    }

    #[test]
    fn the_forwarded_encoding_and_its_layer_are_told_once() {
        let (now, mut events) = (Instant::now(), Events::new());
        let mut track = track(format(Codec::Vp8, PT), Codec::Vp8);
        track.transponder.select(None, Layer::HIGHEST);
        track.set_layer_reason(LayerReason::Best);
        let mut camera = Source::new(Codec::Vp8);
        track.transponder.forward(&camera.keyframe()).expect("a keyframe starts it");
        track.after_choice(now, true, &mut events);
        let encodings = events.iter().filter_map(|event| match event {
            SendingEvent::Event(Event::TransponderEncoding { encoding, .. }) => encoding.as_ref(),
            _ => None,
        });
        assert_eq!(encodings.map(|encoding| encoding.ssrc).collect::<Vec<_>>(), [7000]);
        let layers = events.iter().filter_map(|event| match event {
            SendingEvent::Event(Event::TransponderLayer { layer, reason, .. }) => {
                Some((layer.as_ref()?.bitrate, *reason))
            }
            _ => None,
        });
        assert_eq!(layers.collect::<Vec<_>>(), [(100_000, LayerReason::Best)]);
        events.clear();
        track.transponder.forward(&camera.packet());
        track.after_choice(now, true, &mut events);
        assert!(events.is_empty(), "{events:?}");
        track.muted = true;
        track.set_layer_reason(LayerReason::Best);
        track.after_choice(now, true, &mut events);
        assert!(matches!(
            events.pop_front(),
            Some(SendingEvent::Event(Event::TransponderLayer { reason: LayerReason::Muted, .. }))
        ));
    }

    #[test]
    fn what_is_wanted_of_a_source_is_told_when_it_changes_and_to_each_source() {
        let mut events = Events::new();
        let mut track = track(format(Codec::Vp8, PT), Codec::Vp8);
        track.want(EncodingSet::ALL, &mut events);
        track.want(EncodingSet::ALL, &mut events);
        assert_eq!(events.len(), 1);
        track.set_source(Some(SourceId(2)));
        track.want(EncodingSet::ALL, &mut events);
        assert_eq!(events.len(), 2);
    }

    #[test]
    fn a_codec_that_the_receiver_does_not_take_is_one_error() {
        let mut events = Events::new();
        let mut track = track(format(Codec::Opus, OPUS_PT), Codec::Pcmu);
        let packet = Source::new(Codec::Pcmu).packet();
        track.report_mismatch(&packet, &mut events);
        track.report_mismatch(&packet, &mut events);
        let text = match events.pop_front() {
            Some(SendingEvent::Event(Event::TransponderError { error, .. })) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(text.contains("the source sends pcmu, the receiver takes opus"), "{text}");
        assert!(events.is_empty());
    }

    fn losses(rig: &mut Rig) -> Vec<u8> {
        let events = rig.events().into_iter();
        let loss = |event| match event {
            SendingEvent::LossChanged { source: SourceId(1), loss, .. } => Some(loss),
            _ => None,
        };
        events.filter_map(loss).collect()
    }

    #[test]
    fn what_the_receiver_loses_of_sound_is_told_when_it_changes_and_not_while_it_is_muted() {
        let mut rig = Rig::connected();
        let sound = rig.track(1, format(Codec::Opus, OPUS_PT));
        rig.feed(sound, description(Codec::Opus, &[0]));
        assert_eq!(losses(&mut rig), [0_u8; 0]);
        rig.receive(&receiver_report(1000, 128));
        let told = losses(&mut rig);
        assert!(matches!(told[..], [loss] if loss > 0), "{told:?}");
        rig.sending.mute(rig.now, sound, true);
        assert_eq!(losses(&mut rig), [0]);
        let picture = rig.video(2, &[500_000]);
        rig.receive(&receiver_report(2000, 128));
        assert_eq!(losses(&mut rig), [0_u8; 0], "{picture:?} is repeated");
    }
}
