//! What JavaScript asks of one peer.

use std::time::Instant;

use super::error::SessionError;
use super::{MAX_TRACKS, Session};
use crate::codec::Kind;
use crate::control::command::TransportCommand;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{OutgoingTrackId, RequestId, SourceId};
use crate::peer::PeerEvent;
use crate::receiving::ReceiveLine;
use crate::sending::OutgoingTrack;

impl Session {
    /// Commands that concern this peer alone.
    pub fn handle_command(&mut self, now: Instant, command: TransportCommand) {
        use TransportCommand as C;
        self.unsettled = true;
        match command {
            C::AcceptOffer { request, sdp } => {
                let result = self.accept_offer(now, &sdp).map(Reply::Sdp);
                self.reply(request, result);
            }
            C::CreateOffer { request, ice_restart } => {
                let result = self.create_offer(now, ice_restart).map(Reply::Sdp);
                self.reply(request, result);
            }
            C::AcceptAnswer { request, sdp } => {
                let result = self.accept_answer(now, &sdp).map(|()| Reply::Done);
                self.reply(request, result);
            }
            C::Rollback { request } => {
                let result = self.rollback().map(|()| Reply::Done);
                self.reply(request, result);
            }
            C::AddCandidate { request, candidate } => {
                let result = self.add_candidate(now, &candidate).map(|()| Reply::Done);
                self.reply(request, result);
            }
            C::AcceptFragment { request, fragment } => {
                let result = self.accept_fragment(now, &fragment);
                self.reply(request, result.map(|sdp| sdp.map_or(Reply::None, Reply::Sdp)));
            }
            C::AddOutgoingTrack { id, kind, stream, track } => {
                self.add_outgoing(id, kind, stream, track);
            }
            C::RemoveOutgoingTrack { id } => self.remove_outgoing(id),
            C::RemoveIncomingTrack { id } => self.remove_incoming(id),
            C::SelectEncoding { id, rid } => {
                self.with_sending(|sending| sending.select_encoding(now, id, rid));
            }
            C::SelectLayer { id, spatial, temporal } => {
                self.with_sending(|sending| sending.select_layer(now, id, spatial, temporal));
            }
            C::SetPreferences { id, preferences } => {
                self.with_sending(|sending| sending.set_preferences(now, id, preferences));
            }
            C::SetMaxBitrate { bitrate } => {
                self.with_sending(|sending| sending.set_max_bitrate(now, bitrate));
            }
            C::SetMaxIncomingBitrate { bitrate } => {
                self.local.max_bitrate = bitrate;
                self.receiving.set_max_bitrate(now, bitrate);
            }
            C::ListenBandwidth { listen } => self.sending.listen_bandwidth(now, listen),
            C::Mute { id, muted } => self.with_sending(|sending| sending.mute(now, id, muted)),
            C::Withhold { id, withheld } => self.withhold(id, withheld),
            C::PressKey { request, id, key } => {
                let result = self.sending.press_key(now, id, key).map(|()| Reply::Done);
                self.reply(request, result);
            }
            C::RequestKeyframe { id, rid } => {
                self.receiving.request_keyframe_by_rid(now, id, rid.as_deref());
            }
            C::ListenLevels { id, listen } => self.receiving.listen_levels(id, listen),
            C::CreateChannel { id, options } => {
                let has_application = self.negotiation.has_application();
                let events = &mut self.events;
                self.channels.create(&mut self.rtc, id, *options, has_application, events);
                if !has_application {
                    self.negotiation.want_application();
                }
                self.drain(now);
            }
            C::SendMessage { id, binary, data } => {
                self.channels.send(&mut self.rtc, id, binary, data, &mut self.events);
                self.advance(now);
            }
            C::SetBufferedAmountLow { id, threshold } => {
                self.channels.set_low_threshold(id, threshold);
            }
            C::ListenChannel { id, listen } => self.channels.listen(id, listen),
            C::CloseChannel { id } => {
                self.channels.close(&mut self.rtc, id, &mut self.events);
                self.advance(now);
            }
            C::UpdateRtp { request, .. } => {
                self.reply(request, Err(SessionError::NotPlain.into()));
            }
            // The shard's own: they concern two peers, or the session as a whole.
            C::Attach { .. }
            | C::AttachSlot { .. }
            | C::Detach { .. }
            | C::AttachChannel { .. }
            | C::DetachChannel { .. }
            | C::Close { .. } => {}
            #[cfg(feature = "fault-injection")]
            C::Panic => panic!("injected"),
            #[cfg(feature = "fault-injection")]
            C::Burden { burden } => self.burden = Some(burden),
        }
    }

    fn reply(&mut self, request: RequestId, result: Result<Reply, EngineError>) {
        self.events.push_back(PeerEvent::Event(Event::Reply { request, result }));
    }

    fn add_outgoing(&mut self, id: OutgoingTrackId, kind: Kind, stream: String, track: String) {
        if self.sending.tracks().len() >= MAX_TRACKS {
            let event = Event::OutgoingTrackClosed { id, reason: CloseReason::Error };
            self.events.push_back(PeerEvent::Event(event));
            return;
        }
        self.sending.add_track(OutgoingTrack::new(id, kind, stream, track));
    }

    fn remove_outgoing(&mut self, id: OutgoingTrackId) {
        let removed = self.with_sending(|sending| sending.remove_track(id, CloseReason::Closed));
        if let Some(mid) = removed.and_then(|track| track.mid) {
            self.renew_line(&mid);
        }
    }

    fn remove_incoming(&mut self, id: SourceId) {
        let holds = |line: &&ReceiveLine| line.tracks.iter().any(|track| track.id == id);
        let Some(line) = self.receiving.lines().find(holds) else { return };
        // Of a line with several tracks the others go on.
        let mid = line.mid.clone();
        if line.tracks.len() == 1 {
            self.refused.insert(mid);
        } else if let Some(track) = line.tracks.iter().find(|track| track.id == id) {
            self.refused_tracks.insert((mid, track.track.clone()));
        }
        self.receiving.remove_track(id);
        self.close_incoming(id, CloseReason::Closed);
    }
}
