//! How the packets of a turn leave on one track: which of them, under which numbers and formats,
//! and with what before the payload.

use std::sync::Arc;

use super::OutgoingTrack;
use crate::codec::format::{Carriage, Red};
use crate::codec::red;
use crate::sending::egress::Egress;
use crate::sending::event::Events;
use crate::sending::packet::OutgoingPacket;
use crate::sending::workspace::{Lead, Planned, Workspace};
use crate::sfu::{Forward, SourcePacket};

/// Largest datagram that is sealed: what fits an Ethernet frame over IPv4.
const MAX_DATAGRAM: usize = 1472;

/// A receiver that loses this share gets two blocks of redundancy instead of one: losses come in
/// runs.
const LOSSY: f64 = 0.05;

/// A burst that is being planned, and what will seal it.
pub(in crate::sending) struct Burst<'a> {
    pub(in crate::sending) egress: &'a Egress,
    pub(in crate::sending) workspace: &'a mut Workspace,
}

/// A packet holds nothing that a receiver takes.
struct Nothing;

impl OutgoingTrack {
    /// Decides how a packet goes out, if it does. `place` is that of the track, `number` that of
    /// the packet in the turn.
    pub(in crate::sending) fn plan(
        &mut self,
        place: usize,
        number: u32,
        packet: &Arc<SourcePacket>,
        burst: &mut Burst<'_>,
        events: &mut Events,
    ) {
        if !self.sending || self.rtp.is_none() {
            return;
        }
        // It was noted before the source changed.
        if self.source.as_ref().is_none_or(|source| source.id != packet.track) {
            return;
        }
        // Before the transponder decides: what it lets through has its number taken.
        let Some(carriage) = self.carriage(packet) else {
            if packet.telephone_event {
                self.transponder.omit(packet);
            } else if self.description().is_some() {
                self.report_mismatch(packet, events);
            }
            return;
        };
        match self.transponder.forward(packet) {
            Some(forward) => {
                self.held.clear();
                self.add(place, number, packet, forward, carriage, burst);
            }
            None if self.transponder.awaits(packet.encoding) => {
                match self.transponder.start_late(packet) {
                    Some(forward) => {
                        self.add(place, number, packet, forward, carriage, burst);
                        self.catch_up(place, packet, burst);
                    }
                    None => self.held.hold(packet),
                }
            }
            None => {}
        }
    }

    /// Adds what was held back while the start of the stream was missing.
    fn catch_up(&mut self, place: usize, start: &SourcePacket, burst: &mut Burst<'_>) {
        for packet in self.held.take_behind(start) {
            let Some(carriage) = self.carriage(&packet) else { continue };
            if let Some(forward) = self.transponder.forward(&packet) {
                let number = burst.workspace.keep(packet.clone());
                self.add(place, number, &packet, forward, carriage, burst);
            }
        }
    }

    /// Adds a packet whose number is taken to the burst.
    pub(in crate::sending) fn add(
        &mut self,
        place: usize,
        number: u32,
        packet: &Arc<SourcePacket>,
        forward: Forward,
        mut carriage: Carriage,
        burst: &mut Burst<'_>,
    ) {
        let Burst { egress, workspace } = burst;
        let Ok(lead) = self.lead(packet, &forward, &mut carriage, &mut workspace.leads) else {
            return;
        };
        let Some(stream) = &self.rtp else { return };
        let own = lead.as_ref().map(|lead| (lead, &workspace.leads[..]));
        let Some(out) = outgoing_packet(packet, &forward, carriage, own) else { return };
        let size = egress.size(stream, &out);
        let planned =
            Planned { outgoing: place, packet: number, forward, carriage, lead, size, padding: 0 };
        workspace.planned.push(planned);
    }

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
                let report = self.rtp.as_ref().and_then(|stream| stream.feedback().remote);
                let lossy = report.is_some_and(|report| report.fraction_lost >= LOSSY);
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
}

/// A packet as it leaves, with the start of its payload that is this receiver's `own` and the bytes
/// that lies in. `None`: there is nothing in it for this receiver.
pub(in crate::sending) fn outgoing_packet<'a>(
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
        captured: forward.captured,
        lead,
        payload,
        prefix: forward.prefix.as_ref(),
        extensions: &packet.extensions,
        frame_number: forward.frame_number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::format::Format;
    use crate::control::event::Event;
    use crate::control::ids::SourceId;
    use crate::sending::SendingEvent;
    use crate::sending::testing::{
        OPUS_PT, RED_PT, Rig, description, format, receiver_report, seen,
    };
    use crate::sfu::testing::Source;

    #[test]
    fn a_packet_of_another_source_is_passed_over() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        let mut packet = Source::new(Codec::Vp8).keyframe();
        packet.track = SourceId(2);
        assert_eq!(rig.forward(track, [packet]).len(), 0);
    }

    #[test]
    fn a_codec_that_the_receiver_does_not_take_is_told_of_and_not_sent() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        rig.feed(track, description(Codec::Vp9, &[100_000]));
        rig.events();
        assert_eq!(rig.forward(track, Source::new(Codec::Vp9).frame(true, 2)).len(), 0);
        let errors = rig
            .events()
            .into_iter()
            .filter(|event| matches!(event, SendingEvent::Event(Event::TransponderError { .. })));
        assert_eq!(errors.count(), 1);
    }

    #[test]
    fn what_came_before_the_start_of_a_keyframe_leaves_behind_it() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        let mut frame = Source::new(Codec::Vp8).frame(true, 3);
        frame.rotate_left(1);
        let burst = rig.forward(track, frame);
        let sequences: Vec<u16> = burst.iter().map(|datagram| seen(datagram).sequence).collect();
        assert_eq!(sequences.len(), 3);
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    }

    #[test]
    fn a_payload_that_fits_no_datagram_is_dropped() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[100_000]);
        let mut packet = Source::new(Codec::Vp8).keyframe();
        packet.payload = [&packet.payload[..], &[7; MAX_DATAGRAM]].concat().into();
        assert_eq!(rig.forward(track, [packet]).len(), 0);
    }

    /// RFC 2198 3: for each block before the last, 32 bits of header.
    fn blocks(payload: &[u8]) -> usize {
        (0..).take_while(|block| payload[4 * block] & 0x80 != 0).count()
    }

    #[test]
    fn a_receiver_of_red_gets_one_block_of_redundancy_and_two_when_it_loses_much() {
        let mut rig = Rig::connected();
        let opus = Format { red: Some(RED_PT), ..format(Codec::Opus, OPUS_PT) };
        let track = rig.track(1, opus);
        rig.feed(track, description(Codec::Opus, &[0]));
        let mut microphone = Source::new(Codec::Opus);
        for expected in [0, 1, 1, 1] {
            let burst = rig.forward(track, [microphone.packet()]);
            assert_eq!(seen(&burst[0]).pt, RED_PT);
            assert_eq!(blocks(&rig.plain()[0]), expected);
        }
        rig.receive(&receiver_report(1000, 26));
        rig.forward(track, [microphone.packet()]);
        assert_eq!(blocks(&rig.plain()[0]), 2);
    }
}
