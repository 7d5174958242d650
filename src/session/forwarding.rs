//! Media from one peer to another, and keyframe requests the other way.

use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use str0m::media::KeyframeRequestKind;

use super::outgoing::{Outgoing, Source};
use super::str0m_sender::Str0mSender;
use super::{Session, SessionEvent, negotiation};
use crate::codec::format::Carriage;
use crate::codec::{Kind, red};
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{EncodingInfo, Event, TransportState};
use crate::control::ids::{IncomingTrackId, OutgoingTrackId};
use crate::egress::{Egress, OutgoingPacket, OutgoingSsrc};
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingState, Forward, SourcePacket};

impl Session {
    /// Feeds an outgoing track from another source, or from none. `description` is what is known
    /// of it so far.
    pub fn set_source(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        source: Option<(IncomingTrackId, Option<Arc<SourceDescription>>)>,
    ) {
        let Some(outgoing) = self.outgoing_mut(id) else { return };
        outgoing.payloads.clear();
        outgoing.held.clear();
        outgoing.mismatch_reported = false;
        match source {
            None => {
                outgoing.source = None;
                outgoing.transponder.detach();
            }
            Some((source, description)) => {
                outgoing.source = Some(Source { id: source, description: None });
                outgoing.transponder.set_source(&[]);
                if let Some(description) = description {
                    self.describe_source(now, id, description);
                }
            }
        }
        self.after_choice(now, id);
    }

    /// The source's formats or encodings changed.
    pub fn describe_source(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        description: Arc<SourceDescription>,
    ) {
        let Some(outgoing) = self.outgoing_mut(id) else { return };
        let Some(source) = &mut outgoing.source else { return };
        let formats_changed =
            source.description.as_ref().is_none_or(|old| old.formats != description.formats);
        if formats_changed {
            outgoing.payloads.clear();
            outgoing.mismatch_reported = false;
        }
        let states: Vec<EncodingState> = description
            .encodings
            .iter()
            .map(|e| EncodingState { index: e.index, active: e.active, rank: e.rank })
            .collect();
        let before = source.description.replace(description.clone());
        outgoing.transponder.set_encodings(&states);
        // A sender that restarted an encoding uses another SSRC for it.
        for encoding in &description.encodings {
            let old = before.as_ref().and_then(|before| before.encoding(encoding.index));
            if old.is_some_and(|old| old.ssrc != encoding.ssrc) {
                outgoing.transponder.restart(encoding.index);
            }
        }
        outgoing.apply_selection();
        self.after_choice(now, id);
    }

    /// The peer connected, or agreed on other tracks: everything that waits for a keyframe asks.
    pub(super) fn choose_all(&mut self, now: Instant) {
        for index in 0..self.outgoing.len() {
            self.after_choice(now, self.outgoing[index].id);
        }
    }

    /// Reports what a transponder decided: a keyframe it waits for, an encoding it switched to.
    pub(super) fn after_choice(&mut self, now: Instant, id: OutgoingTrackId) {
        let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) else { return };
        let source = outgoing.source.as_ref().map(|source| source.id);
        // Before the receiver is there a keyframe would come and go unseen.
        let sending = outgoing.sending && self.state == TransportState::Connected;
        if let (Some(source), true) = (source, sending)
            && let Some(encoding) = outgoing.transponder.wants_keyframe(now)
        {
            self.events.push_back(SessionEvent::KeyframeWanted { source, encoding });
        }
        if let Some(current) = outgoing.transponder.poll_change() {
            let encoding = current.and_then(|index| outgoing.encoding_info(index));
            let event = Event::TransponderEncoding { id, encoding };
            self.events.push_back(SessionEvent::Event(event));
        }
    }

    /// Sends a source's packet on an outgoing track, if its transponder lets it through. The
    /// datagrams leave with the next [`Session::advance`]. Says whether there is one.
    pub fn forward(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        packet: &Arc<SourcePacket>,
    ) -> bool {
        let Some(index) = self.outgoing.iter().position(|o| o.id == id) else { return false };
        let outgoing = &mut self.outgoing[index];
        if !outgoing.sending || self.state != TransportState::Connected {
            return false;
        }
        // Before the transponder decides: what it lets through has its number taken.
        let Some(carriage) = outgoing.carriage(packet) else {
            if outgoing.source.as_ref().is_some_and(|source| source.description.is_some()) {
                self.report_mismatch(id, packet);
            }
            return false;
        };
        let forwarded = match outgoing.transponder.forward(packet) {
            Some(forward) => {
                outgoing.held.clear();
                self.send(now, index, packet, &forward, carriage);
                true
            }
            None if outgoing.transponder.awaits(packet.encoding) => {
                match outgoing.transponder.start_late(packet) {
                    Some(forward) => {
                        let behind = outgoing.held.take_behind(packet);
                        self.send(now, index, packet, &forward, carriage);
                        self.catch_up(now, index, &behind);
                        true
                    }
                    None => {
                        outgoing.held.hold(packet);
                        false
                    }
                }
            }
            None => false,
        };
        self.after_choice(now, id);
        forwarded
    }

    /// Sends what was held back while the start of the stream was missing.
    fn catch_up(&mut self, now: Instant, index: usize, packets: &[Arc<SourcePacket>]) {
        for packet in packets {
            let outgoing = &mut self.outgoing[index];
            let Some(carriage) = outgoing.carriage(packet) else { continue };
            if let Some(forward) = outgoing.transponder.forward(packet) {
                self.send(now, index, packet, &forward, carriage);
            }
        }
    }

    fn send(
        &mut self,
        now: Instant,
        index: usize,
        packet: &SourcePacket,
        forward: &Forward,
        carriage: Carriage,
    ) {
        let outgoing = &mut self.outgoing[index];
        let Some((ssrc, _)) = outgoing.ssrc else { return };
        let unwrapped;
        let payload = match carriage.unwrap_red {
            false => &packet.payload,
            true => {
                let Some(primary) = red::primary(&packet.payload) else { return };
                unwrapped = Arc::<[u8]>::from(primary);
                &unwrapped
            }
        };
        let frame = packet.marker && outgoing.kind == Kind::Video;
        outgoing.sent.count(now, payload.len(), frame, packet.codec.name());
        let packet = OutgoingPacket {
            pt: carriage.pt,
            index: forward.sequence,
            timestamp: forward.timestamp,
            marker: packet.marker,
            captured: packet.captured,
            payload,
            prefix: forward.prefix.as_ref(),
            extensions: &packet.extensions,
            frame_number: forward.frame_number,
            retransmittable: carriage.retransmittable,
        };
        Str0mSender { rtc: &mut self.rtc }.send(OutgoingSsrc(*ssrc), &packet);
    }

    fn report_mismatch(&mut self, id: OutgoingTrackId, packet: &SourcePacket) {
        let Some(outgoing) = self.outgoing.iter_mut().find(|o| o.id == id) else { return };
        if std::mem::replace(&mut outgoing.mismatch_reported, true) {
            return;
        }
        let text = format!(
            "the source sends {}, the receiver takes {}",
            packet.codec,
            negotiation::codec_names(&outgoing.formats)
        );
        let error = EngineError::new(ErrorCode::CodecMismatch, text);
        self.events.push_back(SessionEvent::Event(Event::TransponderError { id, error }));
    }

    /// Asks the peer for a keyframe of one encoding, at most once in a while.
    pub fn request_keyframe(&mut self, now: Instant, id: IncomingTrackId, encoding: EncodingIndex) {
        let Some(incoming) = self.incoming.iter_mut().find(|i| i.id == id) else { return };
        if incoming.kind != Kind::Video {
            return;
        }
        let found = incoming.encodings_mut().find(|e| e.index == encoding);
        if let Some(found) = found
            && found.keyframes.request(now)
        {
            send_pli(&mut self.rtc, found.ssrc);
            self.advance(now);
        }
    }

    pub(super) fn request_keyframe_by_rid(
        &mut self,
        now: Instant,
        id: IncomingTrackId,
        rid: Option<&str>,
    ) {
        let Some(incoming) = self.incoming.iter_mut().find(|i| i.id == id) else { return };
        let wanted: Vec<EncodingIndex> = incoming
            .encodings_mut()
            .filter(|e| rid.is_none() || e.rid.as_deref() == rid)
            .map(|e| e.index)
            .collect();
        for encoding in wanted {
            self.request_keyframe(now, id, encoding);
        }
    }

    /// Sends requests that waited for their turn.
    pub(super) fn poll_keyframe_requests(&mut self, now: Instant) {
        let mut sent = false;
        for incoming in &mut self.incoming {
            for encoding in incoming.encodings_mut() {
                if encoding.keyframes.poll(now) {
                    send_pli(&mut self.rtc, encoding.ssrc);
                    sent = true;
                }
            }
        }
        if sent {
            self.advance(now);
        }
    }

    /// What the receivers of an incoming track have to know.
    pub fn describe(&self, id: IncomingTrackId) -> Option<Arc<SourceDescription>> {
        self.incoming.iter().find(|i| i.id == id).map(|i| Arc::new(i.describe()))
    }
}

impl Outgoing {
    /// How a packet of the source leaves. `None`: the source is not known yet, or the receiver has
    /// no format for it.
    fn carriage(&mut self, packet: &SourcePacket) -> Option<Carriage> {
        let description = self.source.as_ref()?.description.as_ref()?;
        self.payloads.carriage(packet.source_pt, &description.formats, &self.formats)
    }

    /// Tells the transponder the application's choice, once the encoding it names is known.
    pub(super) fn apply_selection(&mut self) {
        let description = self.source.as_ref().and_then(|source| source.description.as_ref());
        let chosen = match (&self.selected, description) {
            (Some(rid), Some(description)) => description.by_rid(rid).map(|e| e.index),
            _ => None,
        };
        self.transponder.select(chosen);
    }

    fn encoding_info(&self, index: EncodingIndex) -> Option<EncodingInfo> {
        let description = self.source.as_ref()?.description.as_ref()?;
        let encoding = description.encoding(index)?;
        Some(EncodingInfo {
            rid: encoding.rid.clone(),
            ssrc: encoding.ssrc,
            active: encoding.active,
            codec: encoding.codec,
        })
    }
}

fn send_pli(rtc: &mut Rtc, ssrc: str0m::rtp::Ssrc) {
    if let Some(stream) = rtc.direct_api().stream_rx(&ssrc) {
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }
}
