//! Brings tracks in line with what was just agreed on.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::{MAX_TRACKS, Session, extensions};
use crate::codec::names::Mid;
use crate::codec::{Codec, Kind};
use crate::control::event::{CloseReason, Event, IncomingTrackInfo, TransportState};
use crate::control::ids::SourceId;
use crate::peer::PeerEvent;
use crate::receiving::{
    AnnouncedSource, FeedbackKinds, LineTrack, ReceiveLine, TelephoneEventFormat,
};
use crate::sdp::description::{Direction, MediaKind};
use crate::sdp::{AgreedLine, Feedback, RemoteSource, RemoteTrack, TelephoneEvent};
use crate::sending::StreamParameters;

impl Session {
    /// Brings tracks in line with the descriptions that were just agreed on.
    pub(super) fn reconcile(&mut self) {
        let credentials = self.rtc.direct_api().local_ice_credentials();
        self.set_local_ufrag(&credentials.ufrag);
        self.learn_ssrcs();
        self.reconcile_incoming();
        self.reconcile_outgoing();
        self.retain_lines();
        // No media may be sent with the SSRC of our reports.
        if self.lines.contains(self.receiving.report_ssrc()) {
            let ssrc = self.unused_ssrc();
            self.receiving.set_report_ssrc(ssrc);
        }
    }

    /// What follows from it.
    pub(super) fn after_description(&mut self, now: Instant) {
        self.trim_later(now);
        self.with_sending(|sending| sending.renegotiated(now));
        if self.state == TransportState::New {
            self.set_state(TransportState::Connecting);
        }
        // Full ICE begins to check with the first timeout, which nothing else may cause.
        self.advance(now);
        self.announce_if_needed();
    }

    fn reconcile_incoming(&mut self) {
        let agreed = std::mem::take(&mut self.negotiation.lines);
        let mut before: HashMap<Mid, ReceiveLine> =
            self.receiving.lines().map(|line| (line.mid.clone(), line.clone())).collect();
        let mut room = MAX_TRACKS;
        let mut lines = Vec::with_capacity(agreed.len());
        for line in &agreed {
            if let MediaKind::Rtp(kind) = line.local.kind {
                let received = self.reconcile_line(line, kind, before.remove(&line.mid), room);
                room -= received.as_ref().map_or(0, |received| received.tracks.len()).min(room);
                lines.extend(received);
            }
        }
        // Lines that another one has the place of now.
        for track in before.into_values().flat_map(|line| line.tracks) {
            self.close_incoming(track.id, CloseReason::Remote);
        }
        self.receiving.configure(lines);
        self.negotiation.lines = agreed;
    }

    /// What was agreed on for one line, with the tracks that go on and those that are new. `None`
    /// when nothing is or may be sent on it.
    fn reconcile_line(
        &mut self,
        line: &AgreedLine,
        kind: Kind,
        before: Option<ReceiveLine>,
        room: usize,
    ) -> Option<ReceiveLine> {
        let receives = line.usable() && effective(line).receives();
        let named = |track: &LineTrack| line.remote.tracks.iter().any(|named| is(track, named));
        // A line that does not send names no stream any more (RFC 8829 5.2.1): the track was
        // removed. Peers that go on naming it only hold it.
        let nameless = line.remote.tracks.iter().all(|track| track.track.is_empty());
        let (held, tracks) = before.map_or((false, Vec::new()), |b| (!b.receives, b.tracks));
        let mut known = Vec::with_capacity(tracks.len());
        for track in tracks {
            if !line.usable() || (!named(&track) && (receives || nameless)) {
                self.close_incoming(track.id, CloseReason::Remote);
                continue;
            }
            let id = track.id;
            if held == receives {
                let event = Event::IncomingTrackMuted { id, muted: !receives };
                self.events.push_back(PeerEvent::Event(event));
                let held_back = !receives || self.receiving.is_withheld(id);
                self.events.push_back(PeerEvent::IncomingTrackHeldBack { id, held_back });
            }
            self.events.push_back(PeerEvent::IncomingTrackChanged { id });
            known.push(track);
        }
        if !line.usable() || (!receives && known.is_empty()) {
            return None;
        }
        let mut received = received_line(line, kind, receives);
        if receives && !self.refused.contains(&line.mid) {
            for named in &line.remote.tracks {
                let refused = (line.mid.clone(), named.track.clone());
                match known.iter().find(|track| is(track, named)) {
                    Some(known) => received.tracks.push(known.clone()),
                    None if self.refused_tracks.contains(&refused) => {}
                    None if received.tracks.len() >= room => {}
                    None => received.tracks.push(self.add_incoming(line, kind, named)),
                }
            }
        } else {
            received.tracks = known;
        }
        received.sources = sources(line, &received.tracks);
        Some(received)
    }

    /// Announces a track.
    fn add_incoming(&mut self, line: &AgreedLine, kind: Kind, named: &RemoteTrack) -> LineTrack {
        let id = SourceId::new(&self.ids, self.id.shard());
        let mut codecs: Vec<Codec> = Vec::new();
        for format in line.receive.iter() {
            if !codecs.contains(&format.codec) {
                codecs.push(format.codec);
            }
        }
        let info = IncomingTrackInfo {
            id,
            kind,
            mid: line.mid.to_string(),
            stream: named.stream.clone(),
            track: named.track.clone(),
            codecs,
            rids: line.remote.rids.iter().map(|rid| rid.to_string()).collect(),
            reordered: false,
        };
        let event = Event::IncomingTrack { transport: self.id, info: Box::new(info) };
        self.events.push_back(PeerEvent::Event(event));
        self.events.push_back(PeerEvent::IncomingTrackChanged { id });
        LineTrack { id, stream: named.stream.clone(), track: named.track.clone() }
    }

    fn reconcile_outgoing(&mut self) {
        let lines = self.negotiation.lines.iter().enumerate();
        let usable = lines.filter(|(_, line)| line.usable());
        let places: HashMap<Mid, usize> =
            usable.map(|(place, line)| (line.mid.clone(), place)).collect();
        let mut gone = HashSet::new();
        for index in 0..self.sending.tracks().len() {
            let track = &self.sending.tracks()[index];
            let Some(mid) = track.mid.clone() else { continue };
            let line = places.get(&mid).and_then(|place| self.negotiation.lines.get(*place));
            let Some(line) = line else {
                gone.insert(track.id);
                self.renew_line(&mid);
                continue;
            };
            let formats = line.send.clone();
            let sends = effective(line).sends();
            let extensions = extensions::sent(line);
            let repeats = formats.iter().any(|format| format.rtx.is_some());
            let (ssrc, rtx) = self.ssrcs_of(&mid);
            let (rtx, cname) = (repeats.then_some(rtx), self.local.cname.clone());
            let parameters = StreamParameters { ssrc, rtx, keeps: false, mid, cname, extensions };
            self.sending.tracks_mut()[index].negotiated(formats, sends, Some(parameters));
        }
        if !gone.is_empty() {
            self.with_sending(|sending| sending.remove_tracks(&gone, CloseReason::Remote));
        }
    }
}

/// What both sides do on a line.
fn effective(line: &AgreedLine) -> Direction {
    line.local.direction.and(line.allowed)
}

/// A line without its tracks and what belongs to them.
fn received_line(line: &AgreedLine, kind: Kind, receives: bool) -> ReceiveLine {
    let events = line.receive_events.iter();
    let event = |event: &TelephoneEvent| TelephoneEventFormat {
        pt: event.pt,
        clock_rate: event.clock_rate,
    };
    ReceiveLine {
        mid: line.mid.clone(),
        kind,
        receives,
        formats: line.receive.clone(),
        telephone_events: events.map(event).collect(),
        rids: line.remote.rids.clone(),
        places_have_rids: false,
        sources: Vec::new(),
        extensions: extensions::received(line),
        tracks: Vec::new(),
        feedback: FeedbackKinds {
            nack: line.feedback.has(Feedback::NACK),
            pli: line.feedback.has(Feedback::PLI),
            fir: line.feedback.has(Feedback::FIR),
            transport_cc: line.feedback.has(Feedback::TRANSPORT_CC),
            remb: line.feedback.has(Feedback::REMB),
            refused: false,
        },
        reduced_size: line.remote.reduced_size,
    }
}

/// The SSRCs of the tracks of a line.
fn sources(line: &AgreedLine, tracks: &[LineTrack]) -> Vec<AnnouncedSource> {
    let places: Vec<Option<usize>> = line
        .remote
        .tracks
        .iter()
        .map(|named| tracks.iter().position(|track| is(track, named)))
        .collect();
    let announced = |source: &RemoteSource| {
        Some(AnnouncedSource {
            ssrc: source.ssrc,
            rtx: source.rtx,
            place: source.place,
            track: places.get(source.track).copied().flatten()?,
        })
    };
    line.remote.sources.iter().filter_map(announced).collect()
}

/// Whether a description means this track.
fn is(track: &LineTrack, named: &RemoteTrack) -> bool {
    (&track.stream, &track.track) == (&named.stream, &named.track)
}
