//! Brings tracks in line with what was just agreed on.

use std::time::Instant;

use str0m::media::Mid;

use super::config::kind_of;
use super::extensions::extension_ids;
use super::incoming::Incoming;
use super::{Session, SessionEvent};
use crate::control::event::{CloseReason, Event, IncomingTrackInfo, TransportState};
use crate::control::ids::IncomingTrackId;
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
        for media in &remote {
            let mid = Mid::from(media.mid.as_str());
            let Some(line) = self.rtc.media(mid) else { continue };
            let receives = line.direction().is_receiving() && !line.disabled();
            let stopped = line.stopped();
            let kind = kind_of(line.kind());
            let formats = super::payload::formats(&self.rtc, mid);
            let mut codecs = Vec::new();
            for codec in formats.iter().map(|format| format.codec) {
                if !codecs.contains(&codec) {
                    codecs.push(codec);
                }
            }

            let known = self.incoming.iter().position(|i| i.mid == mid);
            if let Some(index) = known {
                let incoming = &mut self.incoming[index];
                let other = (&incoming.stream, &incoming.track) != (&media.stream, &media.track);
                let replaced = receives && other;
                // A line that does not send names no stream any more (RFC 8829 5.2.1): the track
                // was removed. Peers that go on naming it only hold it.
                let removed = !receives && other && media.track.is_empty();
                if stopped || replaced || removed {
                    let incoming = self.incoming.swap_remove(index);
                    self.close_incoming(incoming.id, CloseReason::Remote);
                    if !replaced {
                        continue;
                    }
                } else {
                    incoming.formats = formats.into();
                    let id = incoming.id;
                    if incoming.muted == receives {
                        incoming.muted = !receives;
                        let event = Event::IncomingTrackMuted { id, muted: !receives };
                        self.events.push_back(SessionEvent::Event(event));
                    }
                    self.events.push_back(SessionEvent::IncomingTrackChanged { id });
                    continue;
                }
            }
            if !receives || self.refused.contains(&mid) {
                continue;
            }
            let id = IncomingTrackId::new(&self.ids, self.id.shard());
            let info = IncomingTrackInfo {
                id,
                kind,
                mid: media.mid.clone(),
                stream: media.stream.clone(),
                track: media.track.clone(),
                codecs,
                rids: media.rids.clone(),
            };
            self.incoming.push(Incoming::new(id, mid, kind, media, formats.into()));
            let event = Event::IncomingTrack { transport: self.id, info: Box::new(info) };
            self.events.push_back(SessionEvent::Event(event));
            self.events.push_back(SessionEvent::IncomingTrackChanged { id });
        }
        self.negotiation.remote = remote;
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
