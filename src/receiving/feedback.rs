//! RTCP in both directions: what the peer reports of the streams it sends, and what it is told and
//! asked of them.

use std::time::{Duration, Instant};

use super::clock::TimeLine;
use super::demux::{Place, Route};
use super::line::FeedbackKinds;
use super::stream::Stream;
use super::{Received, Receiving, limit, remb, sooner};
use crate::codec::Kind;
use crate::codec::rtcp::{self, Packet};
use crate::control::ids::SourceId;
use crate::sfu::{EncodingIndex, Need};

/// How long transport-wide feedback waits for media to leave with, or, to who is sent none, for a turn
/// that some of his media began: the time between two packets of sound. Without either it has the
/// thread woken for itself.
const HOLD: Duration = Duration::from_millis(20);

/// Sound that is missing for longer is past.
const USEFUL_SOUND: Duration = Duration::from_millis(400);

impl Receiving {
    /// Takes one packet of an authentic RTCP compound. What is not about streams that the peer
    /// sends is passed over.
    pub fn rtcp(&mut self, now: Instant, packet: &Packet<'_>) {
        match packet {
            Packet::SenderReport { ssrc, ntp, rtp, .. } => {
                self.sender_report(now, *ssrc, *ntp, *rtp);
            }
            Packet::ExtendedReport { delays, .. } => {
                let own = self.reporter.ssrc;
                let answer = delays.clone().filter(|(ssrc, ..)| *ssrc == own).last();
                if let Some((_, reference, delay)) = answer {
                    let measured = self.reporter.round_trip(now, reference, delay);
                    self.round_trip = measured.or(self.round_trip);
                }
            }
            Packet::Goodbye(ssrcs) => {
                for ssrc in ssrcs.clone() {
                    let stream = self.stream(ssrc).map(|stream| stream.route);
                    if let Some(Route::Media(Place { line, track, .. })) = stream
                        && let Some(track) =
                            self.lines.get(line).and_then(|line| line.tracks.get(track))
                    {
                        let id = track.id;
                        self.events.push_back(Received::Goodbye { id, ssrc });
                    }
                }
            }
            _ => {}
        }
    }

    fn sender_report(&mut self, now: Instant, ssrc: u32, ntp: u64, rtp: u32) {
        let Ok(place) = self.position(ssrc) else { return };
        let stream = &mut self.streams[place];
        stream.sender_report(now, ntp);
        // Senders without a clock write none.
        if ntp == 0 {
            return;
        }
        let Some(captured) = self.sender_clock.local(ntp, now) else { return };
        if let Some(line) = &mut stream.time_line {
            TimeLine::report(line, rtp, captured);
        }
    }

    /// The most that the peer may send from now on, in bit/s; `None` leaves it to the link.
    pub fn set_max_bitrate(&mut self, now: Instant, bitrate: Option<u64>) {
        self.lifted |= self.limit.is_some() && bitrate.is_none();
        self.limit = bitrate.map(|bitrate| limit::Limit::new(now, bitrate));
        self.reporter.wanted_now(now);
    }

    /// Asks for a keyframe of one encoding, at most once in a while.
    pub fn request_keyframe(
        &mut self,
        now: Instant,
        id: SourceId,
        index: EncodingIndex,
        need: Need,
    ) {
        let Some(track) = self.track_mut(id).filter(|track| track.kind == Kind::Video) else {
            return;
        };
        let mut encodings = track.encodings.iter_mut();
        if let Some(encoding) = encodings.find(|encoding| encoding.index == index) {
            encoding.keyframes.want(now, need);
            let next = encoding.keyframes.next();
            sooner(&mut self.timers.keyframe, next);
        }
    }

    /// As [`Receiving::request_keyframe`], of the encoding with a RID, or of all.
    pub fn request_keyframe_by_rid(&mut self, now: Instant, id: SourceId, rid: Option<&str>) {
        let Some(track) = self.track(id) else { return };
        let asked = track.encodings.iter().filter(|e| rid.is_none() || e.rid.as_deref() == rid);
        let asked: Vec<EncodingIndex> = asked.map(|encoding| encoding.index).collect();
        asked.into_iter().for_each(|index| self.request_keyframe(now, id, index, Need::Repair));
    }

    /// When [`Receiving::poll`] has to be called.
    pub fn next(&self) -> Option<Instant> {
        let timers = &self.timers;
        let mut next = self.transport_feedback.next().map(|at| at + HOLD);
        for at in
            [self.reporter.next(), timers.nack, timers.keyframe, timers.activity, timers.demand]
        {
            sooner(&mut next, at);
        }
        next
    }

    /// Whether there is something for [`Receiving::poll`] to do if something else is sent anyway.
    pub fn may_poll(&self, now: Instant) -> bool {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| now >= at);
        let timers = &self.timers;
        // Asked of every receiver in every turn: which is due first does not matter here.
        due(self.transport_feedback.next())
            || due(self.reporter.next())
            || due(timers.nack)
            || due(timers.keyframe)
            || due(timers.activity)
            || due(timers.demand)
    }

    /// Does what is due. `send` gets RTCP compounds to be sealed.
    pub fn poll(&mut self, now: Instant, mut send: impl FnMut(Vec<u8>)) {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| now >= at);
        if due(self.timers.activity) {
            self.poll_activity(now);
        }
        if due(self.timers.demand) {
            self.poll_demand(now);
        }
        if due(self.timers.nack) {
            self.poll_nacks(now, &mut send);
        }
        // Behind the requests that are given up and become these.
        if due(self.timers.keyframe) {
            self.poll_keyframes(now, &mut send);
        }
        if due(self.transport_feedback.next()) {
            self.poll_transport_feedback(now, &mut send);
        }
        if self.reporter.take_due(now) {
            self.poll_reports(now, &mut send);
        }
    }

    fn poll_reports(&mut self, now: Instant, send: &mut impl FnMut(Vec<u8>)) {
        let mut blocks = Vec::new();
        // What this link loses, which the estimate of it is made of.
        let mut worst = 0;
        for stream in self.streams.iter_mut().filter(|stream| stream.unreported) {
            let mut block = stream.report(now);
            worst = block.fraction_lost.max(worst);
            if let Route::Media(Place { line, track, .. }) = stream.route
                && let Some(track) = self.lines.get(line).and_then(|line| line.tracks.get(track))
                && track.is_opus()
            {
                block.fraction_lost = block.fraction_lost.max(track.far_loss);
            }
            blocks.push(block);
        }
        self.reporter.reports(now, &blocks, &mut *send);
        let estimate = self.remb.as_mut().map(|estimate| estimate.update(now, worst));
        let limit = self.limit.as_ref().map(|limit| limit.bitrate);
        let lifted = std::mem::take(&mut self.lifted).then_some(limit::UNLIMITED);
        if let Some(bitrate) = estimate.into_iter().chain(limit).min().or(lifted) {
            // Also those that nothing came of since the last report.
            let media = |stream: &&Stream| matches!(stream.route, Route::Media(_));
            let ssrcs = self.streams.iter().filter(media).map(|stream| stream.ssrc);
            let ssrcs: Vec<u32> = ssrcs.take(remb::MAX_SSRCS).collect();
            let write = |out: &mut [u8], own| rtcp::write_remb(out, own, bitrate, &ssrcs);
            self.reporter.feedback(false, write).into_iter().for_each(&mut *send);
        }
    }

    /// Notices encodings whose packets stopped coming.
    fn poll_activity(&mut self, now: Instant) {
        self.timers.activity = None;
        for track in self.lines.iter_mut().flat_map(|line| &mut line.tracks) {
            let mut changed = false;
            for encoding in &mut track.encodings {
                if encoding.meter.poll_inactive(now) {
                    changed = true;
                    let encoding = encoding.info();
                    self.events.push_back(Received::Encoding { id: track.id, encoding });
                }
                sooner(&mut self.timers.activity, encoding.meter.inactive_at());
            }
            if changed {
                self.events.push_back(Received::Changed { id: track.id });
            }
        }
    }

    fn poll_nacks(&mut self, now: Instant, send: &mut impl FnMut(Vec<u8>)) {
        self.timers.nack = None;
        let round_trip = self.likely_round_trip();
        let enforced = self.limit.as_ref().is_some_and(limit::Limit::is_enforced);
        let mut lost = Vec::new();
        for stream in &mut self.streams {
            let Route::Media(Place { line, track, encoding }) = stream.route else { continue };
            let Some(line) = self.lines.get_mut(line) else { continue };
            let useful = match line.spec.kind {
                Kind::Audio => USEFUL_SOUND,
                Kind::Video => Duration::MAX,
            };
            stream.nack.poll(now, round_trip, useful, &mut lost);
            if enforced {
                // To ask for what was dropped would make it more.
                lost.clear();
            }
            if !lost.is_empty() {
                let reduced_size = line.spec.reduced_size;
                self.reporter.nacks(reduced_size, stream.ssrc, &lost, |compound| {
                    stream.nacks += 1;
                    send(compound);
                });
                lost.clear();
            }
            sooner(&mut self.timers.nack, stream.nack.next());
            if stream.nack.take_given_up()
                && let Some(track) = line.tracks.get_mut(track).filter(|t| t.kind == Kind::Video)
                && let Some(encoding) =
                    track.encodings.get_mut(encoding).filter(|e| e.ssrc == stream.ssrc)
            {
                encoding.keyframes.want(now, Need::Repair);
                sooner(&mut self.timers.keyframe, encoding.keyframes.next());
            }
        }
    }

    fn poll_keyframes(&mut self, now: Instant, send: &mut impl FnMut(Vec<u8>)) {
        self.timers.keyframe = None;
        for line in &mut self.lines {
            let FeedbackKinds { pli, fir, refused, .. } = line.spec.feedback;
            for encoding in line.tracks.iter_mut().flat_map(|track| &mut track.encodings) {
                if encoding.keyframes.poll(now) && !refused {
                    let media = encoding.ssrc;
                    // FIR is for who has no PLI; who names neither takes PLI or passes over it.
                    let by_fir = fir && !pli;
                    if by_fir {
                        self.fir = self.fir.wrapping_add(1);
                        encoding.firs += 1;
                    } else {
                        encoding.plis += 1;
                    }
                    let number = self.fir;
                    let write = |out: &mut [u8], own| match by_fir {
                        true => rtcp::write_fir(out, own, media, number),
                        false => rtcp::write_pli(out, own, media),
                    };
                    let compound = self.reporter.feedback(line.spec.reduced_size, write);
                    compound.into_iter().for_each(&mut *send);
                }
                sooner(&mut self.timers.keyframe, encoding.keyframes.next());
            }
        }
    }

    fn poll_transport_feedback(&mut self, now: Instant, send: &mut impl FnMut(Vec<u8>)) {
        let reduced_size = self.lines.iter().all(|line| line.spec.reduced_size);
        let reporter = &self.reporter;
        self.transport_feedback.poll(now, reporter.ssrc, |packet| {
            let write = |out: &mut [u8], _| {
                out.get_mut(..packet.len())?.copy_from_slice(packet);
                Some(packet.len())
            };
            reporter.feedback(reduced_size, write).into_iter().for_each(&mut *send);
        });
    }
}
