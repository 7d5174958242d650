//! Brings tracks in line with what was just agreed on.

use std::collections::HashMap;
use std::time::Instant;

use str0m::media::Mid;

use super::config::kind_of;
use super::extensions::{extension_ids, received_extensions};
use super::sdp::RemoteMedia;
use super::{Session, SessionEvent};
use crate::codec::names;
use crate::control::event::{CloseReason, Event, IncomingTrackInfo, TransportState};
use crate::control::ids::IncomingTrackId;
use crate::receiving::{LineTrack, ReceiveLine};
use crate::sending::StreamParameters;

impl Session {
    /// Brings tracks in line with the descriptions that were just agreed on.
    pub(super) fn reconcile(&mut self) {
        let credentials = self.rtc.direct_api().local_ice_credentials();
        self.set_local_ufrag(&credentials.ufrag);
        self.reconcile_incoming();
        self.reconcile_outgoing();
    }

    /// What follows from it.
    pub(super) fn after_description(&mut self, now: Instant) {
        self.with_sending(|sending| sending.renegotiated(now));
        if self.state == TransportState::New {
            self.set_state(TransportState::Connecting);
        }
        // Full ICE begins to check with the first timeout, which nothing else may cause.
        self.advance(now);
        self.announce_if_needed();
    }

    fn reconcile_incoming(&mut self) {
        let remote = std::mem::take(&mut self.negotiation.remote);
        let mut before: HashMap<names::Mid, ReceiveLine> =
            self.receiving.lines().map(|line| (line.mid.clone(), line.clone())).collect();
        let mut lines = Vec::with_capacity(remote.len());
        for media in &remote {
            self.forget_announced(media);
            let before = before.remove(media.mid.as_str());
            lines.extend(self.reconcile_line(media, before));
        }
        // What a description leaves out stays as it was.
        lines.extend(before.into_values());
        self.receiving.configure(lines);
        self.negotiation.remote = remote;
        self.keep_report_ssrc();
    }

    /// What was agreed on for one line, with the tracks that go on and those that are new. `None`
    /// when nothing is or may be sent on it.
    fn reconcile_line(
        &mut self,
        media: &RemoteMedia,
        before: Option<ReceiveLine>,
    ) -> Option<ReceiveLine> {
        let mid = Mid::from(media.mid.as_str());
        let Some(line) = self.rtc.media(mid) else { return before };
        let receives = line.direction().is_receiving() && !line.disabled();
        let stopped = line.stopped();
        let named = media.sources.tracks((&media.stream, &media.track));
        let (held, tracks) = before.map_or((false, Vec::new()), |b| (!b.receives, b.tracks));
        let mut wanted = ReceiveLine {
            mid: media.mid.as_str().into(),
            kind: kind_of(line.kind()),
            receives,
            formats: super::payload::formats(&self.rtc, mid).into(),
            telephone_events: Vec::new(),
            rids: media.rids.iter().map(|rid| rid.as_str().into()).collect(),
            sources: media.sources.announced(),
            extensions: received_extensions(line.remote_extmap()),
            tracks: Vec::new(),
            feedback: super::payload::feedback(&self.rtc, mid),
            reduced_size: media.reduced_size,
        };

        let is_named = |track: &LineTrack| {
            named.iter().any(|named| *named == (track.stream.as_str(), track.track.as_str()))
        };
        for track in tracks {
            // A line that does not send names no stream any more (RFC 8829 5.2.1): the track was
            // removed. Peers that go on naming it only hold it.
            let removed = !receives && !is_named(&track) && media.track.is_empty();
            let replaced = receives && !is_named(&track);
            if stopped || removed || replaced {
                self.close_incoming(track.id, CloseReason::Remote);
                continue;
            }
            let id = track.id;
            if held == receives {
                let event = Event::IncomingTrackMuted { id, muted: !receives };
                self.events.push_back(SessionEvent::Event(event));
            }
            self.events.push_back(SessionEvent::IncomingTrackChanged { id });
            wanted.tracks.push(track);
        }
        if stopped || (!receives && wanted.tracks.is_empty()) {
            return None;
        }
        if receives && !self.refused.contains(&mid) {
            let known = std::mem::take(&mut wanted.tracks);
            // At the places that sources name them by.
            for (stream, track) in named {
                let same = |t: &&LineTrack| (&*t.stream, &*t.track) == (stream, track);
                let track = match known.iter().find(same) {
                    Some(known) => known.clone(),
                    None => self.add_incoming(&wanted, stream, track),
                };
                wanted.tracks.push(track);
            }
        }
        Some(wanted)
    }

    /// Announces a track.
    fn add_incoming(&mut self, line: &ReceiveLine, stream: &str, track: &str) -> LineTrack {
        let id = IncomingTrackId::new(&self.ids, self.id.shard());
        let mut codecs = Vec::new();
        for codec in line.formats.iter().map(|format| format.codec) {
            if !codecs.contains(&codec) {
                codecs.push(codec);
            }
        }
        let info = IncomingTrackInfo {
            id,
            kind: line.kind,
            mid: line.mid.to_string(),
            stream: stream.to_owned(),
            track: track.to_owned(),
            codecs,
            rids: line.rids.iter().map(|rid| rid.to_string()).collect(),
        };
        let event = Event::IncomingTrack { transport: self.id, info: Box::new(info) };
        self.events.push_back(SessionEvent::Event(event));
        self.events.push_back(SessionEvent::IncomingTrackChanged { id });
        LineTrack { id, stream: stream.to_owned(), track: track.to_owned() }
    }

    /// Takes the streams from str0m that a description made it expect: it gets no media, and would
    /// report that nothing comes.
    fn forget_announced(&mut self, media: &RemoteMedia) {
        let mut api = self.rtc.direct_api();
        for source in media.sources.announced() {
            api.remove_stream_rx(source.ssrc.into());
        }
    }

    /// No media may be sent with the SSRC of our reports.
    fn keep_report_ssrc(&mut self) {
        if self.lines.contains(self.receiving.report_ssrc().into()) {
            let ssrc = self.unused_ssrc();
            self.receiving.set_report_ssrc(*ssrc);
        }
    }

    fn reconcile_outgoing(&mut self) {
        let mut closed = Vec::new();
        for outgoing in self.sending.tracks_mut().iter_mut() {
            let Some(mid) = outgoing.mid.clone() else { continue };
            let line = Mid::from(&*mid);
            let Some(media) = self.rtc.media(line).filter(|media| !media.disabled()) else {
                closed.push(outgoing.id);
                continue;
            };
            let sending = media.direction().is_sending();
            let extensions = extension_ids(media.remote_extmap());
            let cname = media.cname().into();
            let formats = super::payload::formats(&self.rtc, line);
            let parameters =
                self.rtc.direct_api().stream_tx_by_mid(line, None).map(|stream| StreamParameters {
                    ssrc: *stream.ssrc(),
                    rtx: stream.rtx().map(|rtx| *rtx),
                    mid,
                    cname,
                    extensions,
                });
            outgoing.negotiated(formats, sending, parameters);
        }
        for id in closed {
            let removed =
                self.with_sending(|sending| sending.remove_track(id, CloseReason::Remote));
            if let Some(mid) = removed.and_then(|track| track.mid) {
                self.renew_line(Mid::from(&*mid));
            }
        }
    }
}
