//! What JavaScript asks of a transport of plain RTP.

use std::time::Instant;

use super::Session;
use super::error::PlainError;
use crate::control::command::TransportCommand;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{RequestId, SourceId};
use crate::peer::PeerEvent;

impl Session {
    /// Commands that concern this peer alone.
    pub fn handle_command(&mut self, now: Instant, command: TransportCommand) {
        use TransportCommand as C;
        match command {
            C::UpdateRtp { request, options } => {
                let result = self.update(now, *options).map(|()| Reply::Done);
                self.reply(request, result.map_err(EngineError::from));
            }
            C::AddOutgoingTrack { id, kind, stream, track } => {
                self.add_outgoing(now, id, kind, stream, track);
            }
            C::RemoveOutgoingTrack { id } => {
                self.with_sending(|sending| sending.remove_track(id, CloseReason::Closed));
            }
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
            C::SetMaxIncomingBitrate { bitrate } => self.receiving.set_max_bitrate(now, bitrate),
            C::ListenBandwidth { listen } => self.sending.listen_bandwidth(now, listen),
            C::Mute { id, muted } => self.with_sending(|sending| sending.mute(now, id, muted)),
            C::Withhold { id, withheld } => self.withhold(now, id, withheld),
            C::PressKey { request, id, key } => {
                let result = self.sending.press_key(now, id, key).map(|()| Reply::Done);
                self.reply(request, result);
            }
            C::RequestKeyframe { id, rid } => {
                self.receiving.request_keyframe_by_rid(now, id, rid.as_deref());
            }
            C::ListenLevels { id, listen } => self.receiving.listen_levels(id, listen),
            C::AcceptOffer { request, .. }
            | C::CreateOffer { request, .. }
            | C::AcceptAnswer { request, .. }
            | C::Rollback { request }
            | C::AddCandidate { request, .. }
            | C::AcceptFragment { request, .. } => {
                self.reply(request, Err(PlainError::NoNegotiation.into()));
            }
            C::CreateChannel { id, .. } => {
                let reason = CloseReason::Error;
                self.events.push_back(PeerEvent::ChannelClosed { id, reason });
            }
            // The shard's own, and those of channels, of which there is none.
            C::Attach { .. }
            | C::AttachSlot { .. }
            | C::Detach { .. }
            | C::AttachChannel { .. }
            | C::DetachChannel { .. }
            | C::SendMessage { .. }
            | C::SetBufferedAmountLow { .. }
            | C::ListenChannel { .. }
            | C::CloseChannel { .. }
            | C::Close { .. } => {}
            #[cfg(feature = "fault-injection")]
            C::Panic => panic!("injected"),
            #[cfg(feature = "fault-injection")]
            C::Burden { .. } => {}
        }
    }

    fn reply(&mut self, request: RequestId, result: Result<Reply, EngineError>) {
        self.events.push_back(PeerEvent::Event(Event::Reply { request, result }));
    }

    fn remove_incoming(&mut self, id: SourceId) {
        let Some(line) = self.media.iter_mut().find(|line| line.incoming == Some(id)) else {
            return;
        };
        line.incoming = None;
        self.receiving.remove_track(id);
        self.events.push_back(PeerEvent::IncomingTrackClosed { id, reason: CloseReason::Closed });
        self.configure();
    }
}
