//! Packets that are sent again: what the receiver lost (RFC 4585 6.2.1, RFC 4588), the last one
//! before a pause, and what a probe of the link is made of.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Sending;
use super::egress::Purpose;
use super::event::Events;
use super::sealed::Sealed;
use super::track::{OutgoingTrack, outgoing_packet};
use super::transport_history::PacketTag;
use crate::codec::Kind;
use crate::codec::rtcp;
use crate::control::ids::OutgoingTrackId;
use crate::sfu::{Origin, SourcePacket};

/// Packets one track is asked to repeat in one turn; more is a receiver that lost its network.
const MAX_NACKED: usize = 512;
/// A receiver has asked again, or does not need it any more, after this time.
const REPAIR_TIME: Duration = Duration::from_millis(400);
/// Between keyframes that are asked for because repetitions were given up.
const KEYFRAME_PAUSE: Duration = Duration::from_secs(1);
/// The last packets of a track that are looked at for a probe.
const MAX_PROBED: u64 = 64;

/// A packet that the receiver did not get.
#[derive(Clone, Copy, Debug)]
pub struct Nacked {
    /// In the stream that the receiver gets.
    pub index: u64,
    pub origin: Origin,
    /// At its source.
    pub sequence: u64,
    /// When it was asked for first, and last.
    pub first: Instant,
    pub asked: Instant,
}

impl OutgoingTrack {
    /// Notes packets that the receiver lost. Gives whether they are the first that wait.
    pub(super) fn note_lost(&mut self, now: Instant, lost: rtcp::Lost<'_>) -> bool {
        let rtx = self.rtp.as_ref().and_then(|stream| stream.parameters().rtx);
        if self.kind == Kind::Audio || rtx.is_none() {
            self.keep_sealed(now).want(now);
        }
        let none_waited = self.nacked.is_empty();
        for sequence in lost.take(MAX_NACKED) {
            let Some(index) = self.transponder.index_of(sequence) else { continue };
            self.note_one_lost(now, index);
        }
        none_waited && !self.nacked.is_empty()
    }

    fn note_one_lost(&mut self, now: Instant, index: u64) {
        // In the order in which they are played.
        let place = self.nacked.partition_point(|nacked| nacked.index < index);
        if let Some(waiting) = self.nacked.get_mut(place).filter(|n| n.index == index) {
            // It waits still, and is needed still.
            waiting.asked = now;
        } else if self.nacked.len() < MAX_NACKED
            && let Some((origin, sequence)) = self.transponder.origin_of(index)
        {
            let nacked = Nacked { index, origin, sequence, first: now, asked: now };
            self.nacked.insert(place, nacked);
        }
    }

    /// Packets did not arrive by what feedback tells: of pictures they are as good as asked for. The
    /// receiver's request may get lost as they were, and it asks again a round trip later only.
    pub(super) fn note_missing(&mut self, now: Instant, packets: &[PacketTag]) {
        let Some(stream) = self.rtp.as_ref().filter(|_| self.can_probe()) else { return };
        let (ssrc, Some(newest)) = (stream.ssrc(), self.transponder.newest_sent()) else { return };
        // What was repeated since goes by other numbers: whether that came is the receiver's to say.
        let repair = stream.repair.as_deref();
        let missing: Vec<u64> = packets
            .iter()
            .filter_map(|tag| tag.index_in(ssrc, newest, MAX_NACKED as u32))
            .filter(|index| !repair.is_some_and(|repair| repair.knows(*index)))
            .collect();
        missing.into_iter().for_each(|index| self.note_one_lost(now, index));
    }

    /// Has datagrams kept as they are sealed, from now on if they are not yet.
    pub(super) fn keep_sealed(&mut self, now: Instant) -> &mut Sealed {
        self.sealed.get_or_insert_with(|| Box::new(Sealed::new(now, self.kind)))
    }

    /// Packets arrived: they were late, not lost. `packets` is sorted.
    pub(super) fn note_arrived(&mut self, packets: &[PacketTag]) {
        let Some(ssrc) = self.rtp.as_ref().map(|stream| stream.ssrc()) else { return };
        let came = |index| packets.binary_search(&PacketTag::new(ssrc, index)).is_ok();
        self.nacked.retain(|nacked| !came(nacked.index));
    }

    /// Repeating was given up. A browser that waits for what does not come again asks for a
    /// keyframe after three seconds, in which its picture stands.
    fn give_up_repeating(&mut self, now: Instant, events: &mut Events) {
        let again = |at: Instant| now >= at + KEYFRAME_PAUSE;
        if self.kind == Kind::Video && self.gave_up.is_none_or(again) {
            self.gave_up = Some(now);
            self.want_keyframe(now, events);
        }
    }
}

impl Sending {
    /// Repeats what the receiver of a track asked for, as far as there is room, and what a probe
    /// that is due asks for. `find` looks a packet up in the history of its source.
    pub fn retransmit(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        find: impl Fn(&Nacked) -> Option<Arc<SourcePacket>>,
    ) {
        let limits = self
            .bandwidth
            .estimate()
            .map(|estimate| (estimate, estimate.saturating_sub(self.bandwidth.target())));
        // Where much gets lost a packet is repeated twice: at a loss of 5 % one packet in 20 is asked
        // for, and of those one in 400 does not come by two repetitions.
        let round_trip = self.round_trip();
        let insured = self.bandwidth.loses_much(round_trip);
        let hurry = self.bandwidth.hurries(round_trip);
        let congested = self.bandwidth.is_congested();
        let waiting = if congested { self.pacing.waiting_of(id) as u64 } else { 0 };
        let Some(track) = self.tracks.find_mut(id) else { return };
        let mut nacked = std::mem::take(&mut track.nacked);
        let (mut room, mut given_up) = (true, false);
        let mut repeated: Vec<(Arc<SourcePacket>, u64)> = Vec::new();
        // What is before a keyframe is of no use once that is there, and in a queue it keeps it waiting. One
        // that has not left itself may be long in coming, and so may the next one.
        let left = track.transponder.newest_sent().map(|newest| newest.saturating_sub(waiting));
        if congested
            && let Some(keyframe) = track.transponder.newest_keyframe()
            && left >= Some(keyframe)
        {
            nacked.retain(|nacked| nacked.index >= keyframe);
        }
        nacked.retain(|nacked| {
            if !self.egress.is_lost(now, nacked.first) {
                return true;
            }
            if let Some((estimate, spare)) = limits {
                room = room && self.pacing.may_repeat(now, estimate, spare, hurry);
            }
            if !room {
                return true;
            }
            let fresh = now.saturating_duration_since(nacked.asked) < REPAIR_TIME;
            given_up |= !fresh;
            if !fresh {
                return false;
            }
            if let Some(bytes) = self.resend(now, id, nacked.index) {
                self.pacing.repeated(bytes);
            } else if let Some(packet) = find(nacked)
                && let Some(bytes) = self.repeat(now, id, &packet, nacked.index, Purpose::Repair)
            {
                self.pacing.repeated(bytes);
                if insured {
                    repeated.push((packet, nacked.index));
                }
            }
            false
        });
        // Only what is left: a second copy of one packet is worth less than the first of another.
        for (packet, index) in &repeated {
            if let Some((estimate, spare)) = limits
                && !self.pacing.may_repeat(now, estimate, spare, hurry)
            {
                break;
            }
            let again = self.repeat(now, id, packet, *index, Purpose::Insurance);
            self.pacing.repeated(again.unwrap_or(0));
        }
        let next = nacked.iter().map(|nacked| self.egress.lost_at(nacked.first)).min();
        if let Some(track) = self.tracks.find_mut(id) {
            self.pacing.set_repairs(now, id, next);
            track.nacked = nacked;
            track.tell_risen_loss(&mut self.events);
            if given_up {
                track.give_up_repeating(now, &mut self.events);
            }
        }
        self.probe(now, id, find);
    }

    /// Lets go of datagrams that nobody asks for any more.
    pub(super) fn poll_kept(&mut self, now: Instant) {
        if self.keeping.is_none_or(|at| now < at) {
            return;
        }
        let tracks = self.tracks.iter_mut().filter_map(|track| track.sealed.as_mut());
        self.keeping = tracks.filter_map(|sealed| sealed.forget(now)).min();
    }

    /// Repeats the last packet before a pause: nothing behind it shows the receiver that it is
    /// missing.
    pub fn repeat_tail(&mut self, now: Instant, id: OutgoingTrackId, packet: &SourcePacket) {
        let Some(track) = self.tracks.find_mut(id) else { return };
        if let Some(index) = track.transponder.sent_as(packet) {
            self.repeat(now, id, packet, index, Purpose::Repair);
        }
    }

    /// Repeats the last packets once more, as a probe: the receiver has them and passes over them.
    /// Where there are none padding does, in smaller packets.
    fn probe(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        find: impl Fn(&Nacked) -> Option<Arc<SourcePacket>>,
    ) {
        // What still waits to be sent is not there to be repeated.
        let mut behind = self.pacing.waiting_of(id) as u64;
        let last = behind + MAX_PROBED;
        while let Some(probe) = self.bandwidth.probing.due(now) {
            let repeated =
                (behind < last).then(|| self.repeat_for_probe(now, id, behind, probe, &find));
            behind += 1;
            let sent = match repeated {
                Some(None) => continue,
                Some(Some(bytes)) => Some(bytes),
                None => self.pad(now, id, probe),
            };
            match sent {
                Some(bytes) => self.bandwidth.probing.sent(bytes),
                None => self.bandwidth.probing.give_up(),
            }
        }
    }

    /// Repeats the packet that was sent so many before the newest.
    fn repeat_for_probe(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        behind: u64,
        probe: u32,
        find: impl Fn(&Nacked) -> Option<Arc<SourcePacket>>,
    ) -> Option<usize> {
        let transponder = &self.tracks.find_mut(id)?.transponder;
        let index = transponder.newest_sent()?.checked_sub(behind)?;
        let (origin, sequence) = transponder.origin_of(index)?;
        let packet = find(&Nacked { index, origin, sequence, first: now, asked: now })?;
        self.repeat(now, id, &packet, index, Purpose::Probe(probe))
    }

    /// Sends a packet of nothing but padding.
    fn pad(&mut self, now: Instant, id: OutgoingTrackId, probe: u32) -> Option<usize> {
        let track = self.tracks.find_mut(id)?;
        let flow = self.flow?;
        let pt = track.formats.iter().find_map(|format| format.rtx)?;
        let newest = track.transponder.newest_sent()? as u16;
        let bytes = self.egress.pad(now, track.rtp.as_mut()?, pt, newest, probe)?;
        let length = bytes.len();
        self.outbox.push(flow, bytes);
        self.on_sent(now, length);
        Some(length)
    }

    /// Sends a datagram again as it was. Gives the length of the datagram, if it is sent.
    fn resend(&mut self, now: Instant, id: OutgoingTrackId, index: u64) -> Option<usize> {
        let track = self.tracks.find_mut(id)?;
        let flow = self.flow?;
        let media_bytes = track.sent.bytes;
        let (datagram, number) = track.sealed.as_ref()?.find(index)?;
        let (stream, length) = (track.rtp.as_mut()?, datagram.len());
        if !self.egress.resend(now, stream, index, number, length, media_bytes) {
            return None;
        }
        self.outbox.push(flow, datagram.to_vec());
        self.on_sent(now, length);
        Some(length)
    }

    /// Gives the length of the datagram, if one is sent.
    fn repeat(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        packet: &SourcePacket,
        index: u64,
        purpose: Purpose,
    ) -> Option<usize> {
        let track = self.tracks.find_mut(id)?;
        let flow = self.flow?;
        let carriage = track.carriage(packet)?;
        let forward = track.transponder.repeat(packet, index)?;
        let out = outgoing_packet(packet, &forward, carriage, None)?;
        let media_bytes = track.sent.bytes;
        let stream = track.rtp.as_mut()?;
        let bytes = self.egress.repeat(now, stream, &out, carriage.rtx?, media_bytes, purpose)?;
        if let Some(observer) = &self.observer {
            observer.rtx(&flow, &bytes, &out);
        }
        let length = bytes.len();
        self.outbox.push(flow, bytes);
        self.on_sent(now, length);
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::sending::SendingEvent;
    use crate::sending::testing::{OPUS_PT, RTX_PT, Rig, description, format, remb, seen};
    use crate::sfu::testing::Source;

    /// A track on which so many packets were sent, and the sequence number of the first.
    fn sent(frames: u16) -> (Rig, OutgoingTrackId, u16) {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        let first = seen(&rig.forward(track, camera.frame(true, 1))[0]).sequence;
        for _ in 1..frames {
            rig.forward(track, camera.frame(false, 1));
        }
        rig.run(20);
        rig.datagrams();
        rig.events();
        rig.plain();
        (rig, track, first)
    }

    fn wanted(rig: &mut Rig) -> usize {
        let events = rig.events();
        let wanted = |e: &&SendingEvent| matches!(e, SendingEvent::RetransmissionWanted { .. });
        events.iter().filter(wanted).count()
    }

    fn keyframes(rig: &mut Rig) -> usize {
        let events = rig.events();
        events.iter().filter(|e| matches!(e, SendingEvent::KeyframeWanted { .. })).count()
    }

    #[test]
    fn lost_packets_are_repeated_on_the_retransmission_stream_in_their_order() {
        let (mut rig, track, first) = sent(5);
        rig.nack(1000, &[first + 3, first + 1]);
        rig.nack(1000, &[first + 1]);
        assert_eq!(wanted(&mut rig), 1, "once for all that wait");
        rig.retransmit(track);
        let repeated: Vec<_> = rig.datagrams().iter().map(|d| seen(d)).collect();
        assert!(repeated.iter().all(|packet| (packet.pt, packet.ssrc) == (RTX_PT, 1001)));
        assert_eq!(repeated[1].sequence, repeated[0].sequence + 1);
        let again: Vec<_> = rig.plain();
        let original: Vec<_> = rig.history.iter().map(|packet| packet.payload.to_vec()).collect();
        assert_eq!(
            again.iter().map(|p| &p[4..]).collect::<Vec<_>>(),
            [&original[1][4..], &original[3][4..]]
        );
        rig.retransmit(track);
        assert_eq!(rig.datagrams().len(), 0);
    }

    /// Sound that is sent, one packet each 20 ms, and what leaves of it.
    struct Talk {
        rig: Rig,
        track: OutgoingTrackId,
        microphone: Source,
    }

    impl Talk {
        fn begin() -> Self {
            let mut rig = Rig::connected();
            let track = rig.track(1, format(Codec::Opus, OPUS_PT));
            rig.feed(track, description(Codec::Opus, &[0]));
            Self { rig, track, microphone: Source::new(Codec::Opus) }
        }

        fn say(&mut self) -> Vec<u8> {
            self.rig.run(20);
            self.rig.datagrams();
            let packet = self.microphone.packet();
            self.rig.forward(self.track, [packet]).remove(0)
        }

        /// What is sent again when these are asked for.
        fn ask(&mut self, lost: &[&[u8]]) -> Vec<Vec<u8>> {
            let lost: Vec<u16> = lost.iter().map(|datagram| seen(datagram).sequence).collect();
            self.rig.nack(1000, &lost);
            self.rig.retransmit(self.track);
            self.rig.datagrams()
        }
    }

    #[test]
    fn sound_goes_again_as_the_very_datagram_it_was() {
        let mut talk = Talk::begin();
        let first = talk.say();
        assert_eq!(talk.ask(&[&first]).len(), 0, "nobody had lost anything before");
        let next: Vec<_> = (0..3).map(|_| talk.say()).collect();
        assert_eq!(talk.ask(&[&next[0], &next[2]]), [next[0].clone(), next[2].clone()]);
        let stats = talk.rig.sending.stats(talk.rig.now);
        assert_eq!(stats.tracks[0].retransmitted_packets_sent, 2);
    }

    #[test]
    fn sound_that_is_asked_for_with_each_packet_goes_again_once_a_round_trip() {
        let mut talk = Talk::begin();
        let first = talk.say();
        talk.ask(&[&first]);
        let lost = talk.say();
        assert_eq!(talk.ask(&[&lost]).len(), 1);
        let mut again = 0;
        for _ in 0..5 {
            again += talk.ask(&[&lost]).len();
            talk.rig.wait(3);
        }
        assert_eq!(again, 0);
        talk.rig.wait(20);
        assert_eq!(talk.ask(&[&lost]).len(), 1);
    }

    #[test]
    fn a_source_hears_of_loss_as_soon_as_some_sound_went_again_and_when_it_is_more_by_half() {
        let mut talk = Talk::begin();
        let first = talk.say();
        talk.ask(&[&first]);
        let mut told = Vec::new();
        for n in 1..=300 {
            let packet = talk.say();
            if n % 10 == 0 {
                talk.ask(&[&packet]);
            }
            told.extend(talk.rig.events().into_iter().filter_map(|event| match event {
                SendingEvent::LossChanged { loss, .. } => Some((n, loss)),
                _ => None,
            }));
        }
        // No report came, and 26 of 256 are lost.
        assert!(told.first().is_some_and(|(n, loss)| *n <= 50 && *loss > 5), "{told:?}");
        assert!(told.last().is_some_and(|(_, loss)| (12..=26).contains(loss)), "{told:?}");
        assert!(told.len() <= 4, "{told:?}");
    }

    #[test]
    fn who_loses_nothing_for_long_has_no_sound_kept() {
        let mut talk = Talk::begin();
        assert!(talk.rig.sending.tracks[0].sealed.is_none());
        let first = talk.say();
        talk.ask(&[&first]);
        let kept = talk.say();
        assert!(talk.rig.sending.tracks[0].sealed.is_some());
        talk.rig.wait(60_000);
        talk.say();
        assert!(talk.rig.sending.tracks[0].sealed.is_none());
        assert_eq!(talk.ask(&[&kept]).len(), 0);
    }

    #[test]
    fn a_stream_that_pauses_keeps_nothing_a_moment_later() {
        let mut talk = Talk::begin();
        let first = talk.say();
        talk.ask(&[&first]);
        let kept = talk.say();
        talk.rig.run(1_000);
        talk.rig.datagrams();
        assert_eq!(talk.ask(&[&kept]), std::slice::from_ref(&kept));
        talk.rig.run(3_000);
        talk.rig.datagrams();
        let sealed = talk.rig.sending.tracks[0].sealed.as_mut().unwrap();
        assert_eq!(sealed.forget(talk.rig.now), None, "its timer has seen to it");
        assert_eq!(talk.rig.sending.wakes_at(talk.rig.now), None, "and rests");
        assert_eq!(talk.ask(&[&kept]).len(), 0);
    }

    #[test]
    fn nothing_that_older_keys_sealed_goes_again() {
        let mut talk = Talk::begin();
        let first = talk.say();
        talk.ask(&[&first]);
        let lost = talk.say();
        talk.rig.sending.set_keys(&crate::sending::testing::material(), true);
        assert_eq!(talk.ask(&[&lost]).len(), 0);
    }

    #[test]
    fn what_was_never_sent_is_not_repeated() {
        let (mut rig, track, first) = sent(2);
        rig.nack(1000, &[first + 2, first.wrapping_sub(1)]);
        rig.nack(4711, &[first]);
        assert_eq!(wanted(&mut rig), 0);
        rig.retransmit(track);
        assert_eq!(rig.datagrams().len(), 0);
    }

    #[test]
    fn what_feedback_tells_to_be_missing_goes_again_unasked() {
        let (mut rig, track, _) = sent(3);
        let outgoing = &mut rig.sending.tracks[0];
        let newest = outgoing.transponder.newest_sent().unwrap();
        let missing = [PacketTag::new(1000, newest - 1), PacketTag::new(4711, newest)];
        outgoing.note_missing(rig.now, &missing);
        rig.retransmit(track);
        assert_eq!(rig.datagrams().len(), 1);
        rig.nack(1000, &[newest as u16 - 1]);
        rig.retransmit(track);
        assert_eq!(rig.datagrams().len(), 0, "the request was on its way");
    }

    #[test]
    fn a_repetition_rests_before_it_is_repeated_again() {
        let (mut rig, track, first) = sent(2);
        for expected in [1, 0] {
            rig.nack(1000, &[first]);
            rig.retransmit(track);
            assert_eq!(rig.datagrams().len(), expected);
        }
        rig.wait(10);
        rig.nack(1000, &[first]);
        rig.retransmit(track);
        assert_eq!(rig.datagrams().len(), 1);
    }

    #[test]
    fn what_came_too_late_is_given_up_for_a_keyframe_once_a_second() {
        let (mut rig, track, first) = sent(3);
        rig.nack(1000, &[first]);
        rig.wait(400);
        rig.events();
        rig.retransmit(track);
        assert_eq!((rig.datagrams().len(), keyframes(&mut rig)), (0, 1));
        rig.nack(1000, &[first]);
        rig.wait(400);
        rig.events();
        rig.retransmit(track);
        assert_eq!((rig.datagrams().len(), keyframes(&mut rig)), (0, 0));
    }

    #[test]
    fn requests_for_more_than_a_receiver_may_ask_for_are_bounded() {
        let (mut rig, _, first) = sent(600);
        let lost: Vec<u16> = (0..600).map(|n| first.wrapping_add(n)).collect();
        rig.nack(1000, &lost);
        assert_eq!(rig.sending.tracks[0].nacked.len(), MAX_NACKED);
        rig.nack(1000, &lost[500..]);
        assert_eq!(rig.sending.tracks[0].nacked.len(), MAX_NACKED);
    }

    #[test]
    fn a_full_link_gets_a_part_of_them_now_and_the_rest_later() {
        let (mut rig, track, first) = sent(200);
        rig.receive(&remb(50_000));
        rig.nack(1000, &(0..200).map(|n| first.wrapping_add(n)).collect::<Vec<_>>());
        rig.retransmit(track);
        let at_once = rig.datagrams().len();
        assert!(at_once > 0 && at_once < 100, "{at_once}");
        rig.events();
        rig.wait(60);
        rig.sending.handle_timeout(rig.now);
        assert!(wanted(&mut rig) > 0);
        rig.retransmit(track);
        assert!(!rig.datagrams().is_empty());
    }

    #[test]
    fn the_last_packet_before_a_pause_is_repeated_unasked() {
        let (mut rig, track, _) = sent(3);
        let last = rig.history.last().unwrap().clone();
        rig.sending.repeat_tail(rig.now, track, &last);
        assert_eq!(rig.datagrams().len(), 1);
        rig.sending.repeat_tail(rig.now, OutgoingTrackId(9), &last);
        assert_eq!(rig.datagrams().len(), 0);
    }
}
