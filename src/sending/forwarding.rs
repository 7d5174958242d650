//! Media of sources on its way to the peer: what one turn has for it leaves as one burst.

use std::sync::Arc;
use std::time::Instant;

use super::Sending;
use super::leveling::level;
use super::outlet::Outlet;
use super::pacing::Waiting;
use super::track::{Burst, outgoing_packet};
use super::workspace::{Delivery, Planned, Workspace};
use crate::codec::Kind;
use crate::control::ids::OutgoingTrackId;
use crate::sfu::SourcePacket;

impl Sending {
    /// Sends packets of sources on outgoing tracks, as far as their transponders let them through,
    /// and what waited for its turn. All that one turn has for this peer comes in one call, so that
    /// it leaves as one burst. `packets` are those of the turn, which `deliveries` count by.
    pub fn forward(
        &mut self,
        now: Instant,
        deliveries: &[Delivery],
        packets: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) {
        if !self.reach.at(now) || !self.egress.has_keys() {
            return;
        }
        workspace.begin(packets.len());
        let budget = self.release(now, workspace);
        let waited = workspace.planned.len();
        let mut last: Option<(OutgoingTrackId, usize)> = None;
        for delivery in deliveries {
            let place = match last {
                Some((id, place)) if id == delivery.track => place,
                _ => {
                    if let Some((_, place)) = last.take() {
                        self.tracks[place].after_choice(now, true, &mut self.events);
                    }
                    let Some(place) = self.tracks.position(delivery.track) else { continue };
                    last = Some((delivery.track, place));
                    place
                }
            };
            if let Some(packet) = packets.get(delivery.packet as usize) {
                let burst = &mut Burst { egress: &self.egress, workspace };
                let events = &mut self.events;
                self.tracks[place].plan(place, delivery.packet, packet, burst, events);
            }
        }
        if let Some((_, place)) = last {
            self.tracks[place].after_choice(now, true, &mut self.events);
        }
        self.pacing.hold_back(budget, waited, &self.tracks, packets, workspace);
        self.seal(now, packets, workspace, outlet);
    }

    /// Adds what waited long enough to a burst. Gives the bytes that may still leave with it.
    fn release(&mut self, now: Instant, workspace: &mut Workspace) -> usize {
        let mut budget = self.pacing.begin(now);
        while budget > 0
            && let Some(waiting) = self.pacing.take_waiting()
        {
            let Waiting { track, packet, forward, carriage, size } = waiting;
            let Some(place) = self.tracks.position(track) else { continue };
            let track = &mut self.tracks[place];
            if track.rtp.is_none() {
                continue;
            }
            budget = budget.saturating_sub(size);
            let number = workspace.keep(Arc::clone(&packet));
            let burst = &mut Burst { egress: &self.egress, workspace };
            track.add(place, number, &packet, forward, carriage, burst);
        }
        budget
    }

    fn seal(
        &mut self,
        now: Instant,
        packets: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) {
        let Some(flow) = self.flow else { return };
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
            let track = &mut self.tracks[planned.outgoing];
            let Some(packet) = source(planned.packet) else { continue };
            let own = planned.lead.as_ref().map(|lead| (lead, &leads[..]));
            let out = outgoing_packet(packet, &planned.forward, planned.carriage, own);
            let (Some(stream), Some(out)) = (&mut track.rtp, out) else { continue };
            let frame = out.marker && track.kind == Kind::Video;
            track.sent.count(now, out.lead.len() + out.payload.len(), frame, packet.codec.name());
            let (egress, outbox, observer) = (&mut self.egress, &mut self.outbox, &self.observer);
            outlet.datagram(&flow, planned.size + planned.padding, |bytes| {
                let length = egress.seal(now, stream, &out, planned.padding, bytes)?;
                bytes_sent += length;
                outbox.count(length);
                if let Some(observer) = observer {
                    observer.rtp(&flow, &bytes[..length], &out);
                }
                Some(length)
            });
        }
        self.on_sent(now, bytes_sent);
    }
}
