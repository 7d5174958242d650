//! Media from other peers to this one.

use std::sync::Arc;
use std::time::Instant;

use super::outgoing::{Outgoing, Source};
use super::workspace::{Delivery, Lead, Planned, Workspace};
use super::{Session, SessionEvent, negotiation};
use crate::codec::format::{Carriage, Red};
use crate::codec::{Kind, red};
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{EncodingInfo, Event};
use crate::control::ids::{IncomingTrackId, OutgoingTrackId};
use crate::egress::{OutgoingPacket, Outlet, level};
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, Forward, SourcePacket};

/// Largest datagram that is sealed: what fits an Ethernet frame over IPv4.
const MAX_DATAGRAM: usize = 1472;

/// A receiver that loses this share gets two blocks of redundancy instead of one: losses come in
/// runs.
const LOSSY: f64 = 0.05;

/// A packet holds nothing that a receiver takes.
struct Nothing;

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
        outgoing.redundancy.end_segment();
        outgoing.mismatch_reported = false;
        outgoing.allotment.forget();
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
        let before = source.description.replace(description.clone());
        outgoing.take_encodings();
        let video = outgoing.kind == Kind::Video;
        // A sender that restarted an encoding uses another SSRC for it.
        for encoding in &description.encodings {
            let old = before.as_ref().and_then(|before| before.encoding(encoding.index));
            if old.is_some_and(|old| old.ssrc != encoding.ssrc) {
                outgoing.transponder.restart(encoding.index);
            }
        }
        if video {
            self.allocate(now);
        } else {
            self.want_sound(id);
            self.after_choice(now, id);
        }
    }

    /// Reports what a transponder decided: a keyframe it waits for, an encoding it switched to.
    pub(super) fn after_choice(&mut self, now: Instant, id: OutgoingTrackId) {
        let connected = self.is_reachable(now);
        let Some(outgoing) = self.outgoing.find_mut(id) else { return };
        let source = outgoing.source.as_ref().map(|source| source.id);
        // Before the receiver is there a keyframe would come and go unseen.
        let sending = outgoing.sending && connected;
        if let (Some(source), true) = (source, sending)
            && let Some(encoding) = outgoing.transponder.wants_keyframe(now)
        {
            self.events.push_back(SessionEvent::KeyframeWanted { source, encoding });
        }
        let before = outgoing.forwarded;
        if let Some(current) = outgoing.transponder.poll_change() {
            outgoing.forwarded = current.map(|(index, _)| index);
            if outgoing.forwarded != before {
                let encoding = outgoing.forwarded.and_then(|index| outgoing.encoding_info(index));
                let event = Event::TransponderEncoding { id, encoding };
                self.events.push_back(SessionEvent::Event(event));
            }
        }
        self.tell_layer(id);
    }

    /// Sends packets of sources on outgoing tracks, as far as their transponders let them through.
    /// All that one turn has for this peer comes in one call, so that it leaves as one burst.
    pub fn forward(
        &mut self,
        now: Instant,
        deliveries: &[Delivery],
        packets: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) {
        if !self.is_reachable(now) || !self.egress.has_keys() {
            return;
        }
        workspace.begin(packets.len());
        let budget = self.release(now, workspace);
        let waited = workspace.planned.len();
        let mut last: Option<(OutgoingTrackId, usize)> = None;
        for delivery in deliveries {
            let index = match last {
                Some((id, index)) if id == delivery.track => index,
                _ => {
                    if let Some((id, _)) = last.take() {
                        self.after_choice(now, id);
                    }
                    let Some(index) = self.outgoing.position(delivery.track) else { continue };
                    last = Some((delivery.track, index));
                    index
                }
            };
            if let Some(packet) = packets.get(delivery.packet as usize) {
                self.plan(index, delivery.packet, packet, workspace);
            }
        }
        if let Some((id, _)) = last {
            self.after_choice(now, id);
        }
        self.hold_back(budget, waited, packets, workspace);
        self.seal(now, packets, workspace, outlet);
    }

    /// Decides how a packet goes out on one track, if it does.
    fn plan(
        &mut self,
        index: usize,
        number: u32,
        packet: &Arc<SourcePacket>,
        workspace: &mut Workspace,
    ) {
        let outgoing = &mut self.outgoing[index];
        if !outgoing.sending || outgoing.egress.is_none() {
            return;
        }
        // It was noted before the source changed.
        if outgoing.source.as_ref().is_none_or(|source| source.id != packet.track) {
            return;
        }
        // Before the transponder decides: what it lets through has its number taken.
        let Some(carriage) = outgoing.carriage(packet) else {
            if outgoing.source.as_ref().is_some_and(|source| source.description.is_some()) {
                self.report_mismatch(index, packet);
            }
            return;
        };
        match outgoing.transponder.forward(packet) {
            Some(forward) => {
                outgoing.held.clear();
                self.add(index, number, packet, forward, carriage, workspace);
            }
            None if outgoing.transponder.awaits(packet.encoding) => {
                match outgoing.transponder.start_late(packet) {
                    Some(forward) => {
                        self.add(index, number, packet, forward, carriage, workspace);
                        self.catch_up(index, packet, workspace);
                    }
                    None => outgoing.held.hold(packet),
                }
            }
            None => {}
        }
    }

    /// Adds what was held back while the start of the stream was missing.
    fn catch_up(&mut self, index: usize, start: &SourcePacket, workspace: &mut Workspace) {
        for packet in self.outgoing[index].held.take_behind(start) {
            let outgoing = &mut self.outgoing[index];
            let Some(carriage) = outgoing.carriage(&packet) else { continue };
            if let Some(forward) = outgoing.transponder.forward(&packet) {
                let number = workspace.keep(packet.clone());
                self.add(index, number, &packet, forward, carriage, workspace);
            }
        }
    }

    pub(super) fn add(
        &mut self,
        index: usize,
        number: u32,
        packet: &Arc<SourcePacket>,
        forward: Forward,
        mut carriage: Carriage,
        workspace: &mut Workspace,
    ) {
        let outgoing = &mut self.outgoing[index];
        let Ok(lead) = outgoing.lead(packet, &forward, &mut carriage, &mut workspace.leads) else {
            return;
        };
        let Some(stream) = &outgoing.egress else { return };
        let own = lead.as_ref().map(|lead| (lead, &workspace.leads[..]));
        let Some(out) = outgoing_packet(packet, &forward, carriage, own) else { return };
        let size = self.egress.size(stream, &out);
        let planned =
            Planned { outgoing: index, packet: number, forward, carriage, lead, size, padding: 0 };
        workspace.planned.push(planned);
    }

    fn seal(
        &mut self,
        now: Instant,
        packets: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) {
        let Some(flow) = self.egress.flow().copied() else { return };
        let Workspace { planned, kept, leads, .. } = workspace;
        let source = |number: u32| {
            let number = number as usize;
            packets.get(number).or_else(|| kept.get(number - packets.len()))
        };
        let sizes: &[Planned] = planned;
        let paddings = &mut workspace.paddings;
        paddings.clear();
        level(sizes.len(), |i| sizes[i].size, |i, bytes| paddings.push((i, bytes)));
        for (index, bytes) in paddings.drain(..) {
            planned[index].padding = bytes;
        }
        let mut bytes_sent = 0;
        for planned in planned.iter() {
            let outgoing = &mut self.outgoing[planned.outgoing];
            let Some(packet) = source(planned.packet) else { continue };
            let own = planned.lead.as_ref().map(|lead| (lead, &leads[..]));
            let out = outgoing_packet(packet, &planned.forward, planned.carriage, own);
            let (Some(stream), Some(out)) = (&mut outgoing.egress, out) else { continue };
            let frame = out.marker && outgoing.kind == Kind::Video;
            outgoing.sent.count(
                now,
                out.lead.len() + out.payload.len(),
                frame,
                packet.codec.name(),
            );
            let (egress, dumping) = (&mut self.egress, &self.dumping);
            let sent = &mut (&mut self.packets_sent, &mut self.bytes_sent);
            outlet.datagram(&flow, planned.size + planned.padding, |bytes| {
                let length = egress.seal(now, stream, &out, planned.padding, bytes)?;
                bytes_sent += length;
                *sent.0 += 1;
                *sent.1 += length as u64;
                if let Some(dumping) = dumping {
                    dumping.sent(&flow, &bytes[..length], &out);
                }
                Some(length)
            });
        }
        self.on_sent(now, bytes_sent);
    }

    fn report_mismatch(&mut self, index: usize, packet: &SourcePacket) {
        let outgoing = &mut self.outgoing[index];
        if std::mem::replace(&mut outgoing.mismatch_reported, true) {
            return;
        }
        let text = format!(
            "the source sends {}, the receiver takes {}",
            packet.codec,
            negotiation::codec_names(&outgoing.formats)
        );
        let error = EngineError::new(ErrorCode::CodecMismatch, text);
        let id = outgoing.id;
        self.events.push_back(SessionEvent::Event(Event::TransponderError { id, error }));
    }

    /// Whether a peer holds a track. `None`: there is no such track.
    pub fn holds(&self, id: IncomingTrackId) -> Option<bool> {
        self.incoming.iter().find(|i| i.id == id).map(|incoming| incoming.muted)
    }

    /// What the receivers of an incoming track have to know.
    pub fn describe(&self, id: IncomingTrackId) -> Option<Arc<SourceDescription>> {
        self.incoming.iter().find(|i| i.id == id).map(|i| Arc::new(i.describe()))
    }
}

/// A packet as it leaves, with the start of its payload that is this receiver's `own` and the bytes
/// that lies in. `None`: there is nothing in it for this receiver.
pub(super) fn outgoing_packet<'a>(
    packet: &'a SourcePacket,
    forward: &'a Forward,
    carriage: Carriage,
    own: Option<(&Lead, &'a [u8])>,
) -> Option<OutgoingPacket<'a>> {
    let (lead, payload): (&[u8], &[u8]) = match (carriage.red, own) {
        _ if forward.empty => (&[], &[]),
        (Red::Unwrap, _) => (&[], red::primary(&packet.payload)?),
        (_, Some((lead, leads))) => {
            (leads.get(lead.bytes.clone())?, packet.payload.get(lead.replaces..)?)
        }
        _ => (&[], &packet.payload),
    };
    if lead.len() + payload.len() > MAX_DATAGRAM {
        return None;
    }
    Some(OutgoingPacket {
        pt: carriage.pt,
        index: forward.sequence,
        timestamp: forward.timestamp,
        marker: forward.marker,
        clock_rate: packet.codec.clock_rate(),
        captured: packet.captured,
        lead,
        payload,
        prefix: forward.prefix.as_ref(),
        extensions: &packet.extensions,
        frame_number: forward.frame_number,
    })
}

impl Outgoing {
    /// What goes before a packet's payload for this receiver, put into `leads`. `Err`: there is
    /// nothing in it for the receiver.
    fn lead(
        &mut self,
        packet: &Arc<SourcePacket>,
        forward: &Forward,
        carriage: &mut Carriage,
        leads: &mut Vec<u8>,
    ) -> Result<Option<Lead>, Nothing> {
        let start = leads.len();
        let replaces = match carriage.red {
            Red::None | Red::Unwrap => return Ok(None),
            // Padding: a block of nothing is no RED that anybody knows.
            Red::Wrap { pt } if packet.payload.is_empty() => {
                (carriage.pt, carriage.red) = (pt, Red::None);
                return Ok(None);
            }
            Red::Wrap { pt } => {
                let feedback = self.egress.as_ref().and_then(|stream| stream.feedback().remote);
                let lossy = feedback.is_some_and(|report| report.fraction_lost >= LOSSY);
                let blocks = if lossy { 2 } else { 1 };
                self.redundancy.wrap(packet, forward.timestamp, pt, blocks, leads);
                0
            }
            Red::Keep { from, to } => {
                let kept = self.redundancy.keep(packet, forward.timestamp, from, to, leads);
                kept.ok_or(Nothing)?
            }
        };
        let bytes = start..leads.len();
        Ok((!bytes.is_empty()).then_some(Lead { bytes, replaces }))
    }

    /// How a packet of the source leaves. `None`: the source is not known yet, or the receiver has
    /// no format for it.
    pub(super) fn carriage(&mut self, packet: &SourcePacket) -> Option<Carriage> {
        let description = self.source.as_ref()?.description.as_ref()?;
        self.payloads.carriage(packet.source_pt, &description.formats, &self.formats)
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
