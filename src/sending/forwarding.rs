//! Media of sources on its way to the peer: what one turn has for it leaves as one burst.

use std::sync::Arc;
use std::time::Instant;

use super::Sending;
use super::leveling::level;
use super::outlet::Outlet;
use super::pacing::Waiting;
use super::sealed::KEPT_TIME;
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
            self.release_keys();
            return;
        }
        workspace.begin(packets.len());
        self.send_keys(now, workspace);
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
        self.pacing.hold_back(now, budget, waited, &self.tracks, packets, workspace);
        self.seal(now, packets, workspace, outlet);
    }

    /// Sends reports that are due, and what else waits, behind the media of a turn: what is no longer
    /// than the packets before it leaves by the same call.
    pub fn send_along(&mut self, now: Instant, outlet: &mut impl Outlet) {
        self.poll_reports(now);
        self.outbox.drain(|flow, bytes| {
            outlet.datagram(flow, bytes.len(), |room| {
                room.copy_from_slice(bytes);
                Some(bytes.len())
            });
        });
    }

    /// Adds what waited long enough to a burst. Gives the bytes that may still leave with it.
    fn release(&mut self, now: Instant, workspace: &mut Workspace) -> usize {
        let mut budget = self.pacing.begin(now);
        while budget > 0
            && let Some(waiting) = self.pacing.take_waiting()
        {
            let Waiting { track, packet, forward, carriage, size, .. } = waiting;
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
        if planned.len() > 1 {
            let sizes: &[Planned] = planned;
            let paddings = &mut workspace.paddings;
            paddings.clear();
            level(sizes.len(), |i| sizes[i].size, |i, bytes| paddings.push((i, bytes)));
            for (index, bytes) in paddings.drain(..) {
                planned[index].padding = bytes;
            }
        }
        let mut bytes_sent = 0;
        for planned in planned.iter() {
            let track = &mut self.tracks[planned.outgoing];
            let Some(packet) = source(planned.packet) else { continue };
            let keeps = track.rtp.as_ref().is_some_and(|stream| stream.parameters().keeps);
            if keeps {
                track.keep_sealed(now);
            }
            let own = planned.lead.as_ref().map(|lead| (lead, &leads[..]));
            let out = outgoing_packet(packet, &planned.forward, planned.carriage, own);
            let (Some(stream), Some(out)) = (&mut track.rtp, out) else { continue };
            let frame = out.marker && track.kind == Kind::Video;
            track.sent.count(now, out.lead.len() + out.payload.len(), frame, packet.codec.name());
            let (egress, outbox, observer) = (&mut self.egress, &mut self.outbox, &self.observer);
            let (sealed, keeping) = (&mut track.sealed, &mut self.keeping);
            if !keeps && sealed.as_ref().is_some_and(|sealed| sealed.is_idle(now)) {
                *sealed = None;
            }
            outlet.datagram(&flow, planned.size + planned.padding, |bytes| {
                let length = egress.seal(now, stream, &out, planned.padding, bytes)?;
                bytes_sent += length;
                outbox.count(length);
                if let Some(sealed) = sealed {
                    let number = egress.last_number(stream);
                    sealed.keep(now, out.index, number, &bytes[..length]);
                    keeping.get_or_insert(now + KEPT_TIME);
                }
                if let Some(observer) = observer {
                    observer.rtp(&flow, &bytes[..length], &out);
                }
                Some(length)
            });
        }
        self.on_sent(now, bytes_sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::sending::testing::{OPUS_PT, PT, Rig, description, format, seen};
    use crate::sfu::testing::Source;

    #[test]
    fn a_frame_leaves_as_one_burst_with_numbers_of_its_own() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        let first: Vec<_> =
            rig.forward(track, camera.frame(true, 3)).iter().map(|d| seen(d)).collect();
        assert_eq!(first.len(), 3);
        assert!(first.iter().all(|packet| (packet.pt, packet.ssrc) == (PT, 1000)));
        assert_eq!(
            first.iter().map(|packet| packet.marker).collect::<Vec<_>>(),
            [false, false, true]
        );
        rig.wait(33);
        let second = seen(&rig.forward(track, camera.frame(false, 1))[0]);
        assert_eq!(second.sequence, first[0].sequence.wrapping_add(3));
        assert_eq!(second.timestamp.wrapping_sub(first[0].timestamp), 2999);
    }

    #[test]
    fn sizes_that_are_a_few_bytes_apart_become_one() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let burst = rig.forward(track, Source::new(Codec::Vp8).frame(true, 3));
        // The keyframe's first packet is nine bytes longer; the last of a burst may be shorter.
        let lengths: Vec<_> = burst.iter().map(Vec::len).collect();
        assert_eq!(lengths[0], lengths[1]);
        assert!(lengths[2] < lengths[1]);
        assert!(burst[1][0] & 0x20 != 0, "padded (RFC 3550 5.1)");
        assert!(burst[2][0] & 0x20 == 0);
    }

    #[test]
    fn packets_of_a_turn_go_to_the_tracks_that_take_them() {
        let mut rig = Rig::connected();
        let one = rig.video(1, &[100_000]);
        let two = rig.video(2, &[100_000]);
        let packets = [Arc::new(Source::new(Codec::Vp8).keyframe())];
        let deliveries = [one, two, OutgoingTrackId(9)].map(|track| Delivery { track, packet: 0 });
        let burst = rig.burst(&deliveries, &packets);
        let ssrcs: Vec<u32> = burst.iter().map(|datagram| seen(datagram).ssrc).collect();
        assert_eq!(ssrcs, [1000, 2000]);
    }

    #[test]
    fn video_beyond_the_pace_waits_and_leaves_in_order_while_sound_does_not_wait() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let sound = rig.track(2, format(Codec::Opus, OPUS_PT));
        rig.feed(sound, description(Codec::Opus, &[0]));
        let mut camera = Source::new(Codec::Vp8);
        // A keyframe far larger than a burst at the rate that a link begins with.
        let mut packets: Vec<_> = camera.frame(true, 40).into_iter().map(Arc::new).collect();
        for packet in &mut packets {
            let packet = Arc::get_mut(packet).unwrap();
            packet.payload = [&packet.payload[..], &[7; 1000]].concat().into();
        }
        packets.push(Arc::new(Source::new(Codec::Opus).packet()));
        let deliveries: Vec<_> = (0..packets.len() as u32)
            .map(|packet| Delivery { track: if packet < 40 { track } else { sound }, packet })
            .collect();
        let burst = rig.burst(&deliveries, &packets);
        let mut sequences: Vec<u16> = Vec::new();
        let mut note = |burst: &[Vec<u8>]| {
            let video = burst.iter().map(|d| seen(d)).filter(|packet| packet.ssrc == 1000);
            sequences.extend(video.map(|packet| packet.sequence));
        };
        note(&burst);
        assert!(burst.len() < 20, "{} left at once", burst.len());
        assert_eq!(seen(burst.last().unwrap()).ssrc, 2000);
        while rig.sending.pacing.next(rig.now).is_some() {
            rig.wait(1);
            if rig.sending.has_paced(rig.now) {
                note(&rig.burst(&[], &[]));
            }
        }
        assert_eq!(sequences.len(), 40);
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)));
    }

    #[test]
    fn what_waits_for_a_track_that_is_gone_is_forgotten() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let mut packets = Source::new(Codec::Vp8).frame(true, 40);
        packets
            .iter_mut()
            .for_each(|packet| packet.payload = [&packet.payload[..], &[7; 1000]].concat().into());
        rig.forward(track, packets);
        assert!(rig.sending.pacing.waiting_of(track) > 0);
        rig.sending.remove_track(track, crate::control::event::CloseReason::Closed);
        rig.wait(1000);
        assert_eq!(rig.burst(&[], &[]).len(), 0);
        assert_eq!(rig.sending.pacing.waiting_of(track), 0);
    }
}
