//! Brings tracks in line with what was just agreed on.

use std::time::Instant;

use super::incoming::Incoming;
use super::{MAX_TRACKS, Session, SessionEvent};
use crate::codec::Codec;
use crate::codec::names::Mid;
use crate::control::event::{CloseReason, Event, IncomingTrackInfo, TransportState};
use crate::control::ids::IncomingTrackId;
use crate::sdp::description::{Direction, MediaKind};
use crate::sdp::{AgreedLine, RemoteTrack};
use crate::sending::{ExtensionIds, StreamParameters};

impl Session {
    /// Brings tracks in line with the descriptions that were just agreed on.
    pub(super) fn reconcile(&mut self) {
        let credentials = self.rtc.direct_api().local_ice_credentials();
        self.set_local_ufrag(&credentials.ufrag);
        self.reconcile_incoming();
        self.reconcile_outgoing();
        self.retain_lines();
    }

    /// What follows from it.
    pub(super) fn after_description(&mut self, now: Instant) {
        self.with_sending(|sending| sending.renegotiated(now));
        if self.state == TransportState::New {
            self.set_state(TransportState::Connecting);
        }
        self.drain(now);
        self.announce_if_needed();
    }

    fn reconcile_incoming(&mut self) {
        let lines = std::mem::take(&mut self.negotiation.lines);
        for line in &lines {
            if let MediaKind::Rtp(_) = line.local.kind {
                self.reconcile_line(line);
            }
        }
        self.negotiation.lines = lines;
    }

    fn reconcile_line(&mut self, line: &AgreedLine) {
        let receives = line.usable() && effective(line).receives();
        let named = |i: &Incoming| {
            line.remote.tracks.iter().any(|t| (&t.stream, &t.track) == (&i.stream, &i.track))
        };
        // A line that does not send names no stream any more (RFC 8829 5.2.1): the track was
        // removed. Peers that go on naming it only hold it.
        let nameless = line.remote.tracks.iter().all(|track| track.track.is_empty());
        let over =
            |i: &Incoming| !line.usable() || (!named(i) && (receives || nameless));
        let mut index = 0;
        while let Some(incoming) = self.incoming.get_mut(index) {
            if incoming.mid != line.mid {
                index += 1;
                continue;
            }
            if over(incoming) {
                let incoming = self.incoming.swap_remove(index);
                self.close_incoming(incoming.id, CloseReason::Remote);
                continue;
            }
            incoming.formats = line.receive.clone().into();
            let id = incoming.id;
            if incoming.muted == receives {
                incoming.muted = !receives;
                let event = Event::IncomingTrackMuted { id, muted: !receives };
                self.events.push_back(SessionEvent::Event(event));
            }
            self.events.push_back(SessionEvent::IncomingTrackChanged { id });
            index += 1;
        }
        if !receives || self.refused.contains(&line.mid) {
            return;
        }
        for track in &line.remote.tracks {
            let known = |i: &Incoming| {
                i.mid == line.mid && (&i.stream, &i.track) == (&track.stream, &track.track)
            };
            let refused = (line.mid.clone(), track.track.clone());
            if !self.incoming.iter().any(known)
                && !self.refused_tracks.contains(&refused)
                && self.incoming.len() < MAX_TRACKS
            {
                self.add_incoming(line, track);
            }
        }
    }

    fn add_incoming(&mut self, line: &AgreedLine, track: &RemoteTrack) {
        let MediaKind::Rtp(kind) = line.local.kind else { return };
        let id = IncomingTrackId::new(&self.ids, self.id.shard());
        let mut codecs: Vec<Codec> = Vec::new();
        for format in &line.receive {
            if !codecs.contains(&format.codec) {
                codecs.push(format.codec);
            }
        }
        let info = IncomingTrackInfo {
            id,
            kind,
            mid: line.mid.to_string(),
            stream: track.stream.clone(),
            track: track.track.clone(),
            codecs,
            rids: line.remote.rids.iter().map(|rid| rid.to_string()).collect(),
        };
        self.incoming.push(Incoming::new(id, kind, line, track));
        let event = Event::IncomingTrack { transport: self.id, info: Box::new(info) };
        self.events.push_back(SessionEvent::Event(event));
        self.events.push_back(SessionEvent::IncomingTrackChanged { id });
    }

    fn reconcile_outgoing(&mut self) {
        let mut closed = Vec::new();
        let tracks: Vec<_> = self
            .sending
            .tracks()
            .iter()
            .filter_map(|track| Some((track.id, track.mid.clone()?)))
            .collect();
        for (id, mid) in tracks {
            let line = self.negotiation.lines.iter().find(|line| line.mid == mid);
            let Some(line) = line.filter(|line| line.usable()) else {
                closed.push((id, mid));
                continue;
            };
            let formats = line.send.clone();
            let sends = effective(line).sends();
            let extensions = sent_extensions(line);
            let repeats = formats.iter().any(|format| format.rtx.is_some());
            let (ssrc, rtx) = self.ssrcs_of(&mid);
            let cname = self.local.cname.clone();
            let rtx = repeats.then_some(rtx);
            let parameters = StreamParameters { ssrc, rtx, mid, cname, extensions };
            if let Some(track) = self.sending.tracks_mut().find_mut(id) {
                track.negotiated(formats, sends, Some(parameters));
            }
        }
        for (id, mid) in closed {
            self.with_sending(|sending| sending.remove_track(id, CloseReason::Remote));
            self.renew_line(&mid);
        }
    }

    /// A track was closed on this side: neither it nor, where it was the only one, its line is
    /// taken again.
    pub(super) fn refuse(&mut self, mid: Mid, track: String) {
        if self.incoming.iter().any(|incoming| incoming.mid == mid) {
            self.refused_tracks.insert((mid, track));
        } else {
            self.refused.insert(mid);
        }
    }
}

/// What both sides do on a line.
fn effective(line: &AgreedLine) -> Direction {
    line.local.direction.and(line.allowed)
}

/// The ids under which a line takes the extensions that we send.
fn sent_extensions(line: &AgreedLine) -> ExtensionIds {
    let sent = line.local.extensions.iter().filter(|extension| extension.direction.sends());
    let mut ids = ExtensionIds::default();
    for extension in sent {
        ids.set(&extension.uri, extension.id);
    }
    // The older way of the same: who takes both needs it no more.
    if ids.transport_sequence.is_some() {
        ids.abs_send_time = None;
    }
    ids
}
