//! Commands to tracks and transponders.

use std::time::Duration;

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::{incoming_track_id, kind, outgoing_track_id, transport_id};
use super::endpoint::NativeEndpoint;
use super::options::NativePreferences;
use crate::control::command::{KeyPress, TransportCommand};
use crate::control::ids::RequestId;

/// A key of a telephone.
#[napi(object)]
pub struct NativeKeyPress {
    pub event: u8,
    /// Milliseconds.
    pub duration: u32,
    /// Below 0 dBm0, 0 to 63.
    pub volume: u8,
}

#[napi]
impl NativeEndpoint {
    /// `stream` and `track` are the two halves of the MSID. Returns the track's id.
    #[napi(catch_unwind)]
    pub fn add_outgoing_track(
        &self,
        env: Env,
        transport: f64,
        kind_name: String,
        stream: String,
        track: String,
    ) -> Result<f64> {
        let kind = self.check(&env, kind(&kind_name))?;
        let transport = transport_id(transport);
        let id = self.running.engine.outgoing_track_id(transport);
        let command = TransportCommand::AddOutgoingTrack { id, kind, stream, track };
        self.post(&env, transport, command)?;
        Ok(id.0 as f64)
    }

    /// Removes an outgoing track; the peer learns of it with the next negotiation.
    #[napi(catch_unwind)]
    pub fn remove_outgoing_track(&self, env: Env, transport: f64, id: f64) -> Result<()> {
        let command = TransportCommand::RemoveOutgoingTrack { id: outgoing_track_id(id) };
        self.post(&env, transport_id(transport), command)
    }

    /// Closes an incoming track on this side.
    #[napi(catch_unwind)]
    pub fn remove_incoming_track(&self, env: Env, transport: f64, id: f64) -> Result<()> {
        let command = TransportCommand::RemoveIncomingTrack { id: incoming_track_id(id) };
        self.post(&env, transport_id(transport), command)
    }

    /// Feeds an outgoing track from an incoming one, in place of what fed it before.
    #[napi(catch_unwind)]
    pub fn attach(&self, env: Env, transport: f64, id: f64, source: f64) -> Result<()> {
        let source = incoming_track_id(source);
        let command = TransportCommand::Attach { id: outgoing_track_id(id), source };
        self.post(&env, transport_id(transport), command)
    }

    /// Ends what `attach` began.
    #[napi(catch_unwind)]
    pub fn detach(&self, env: Env, transport: f64, id: f64) -> Result<()> {
        let command = TransportCommand::Detach { id: outgoing_track_id(id) };
        self.post(&env, transport_id(transport), command)
    }

    /// Without a `rid` the engine chooses.
    #[napi(catch_unwind)]
    pub fn select_encoding(
        &self,
        env: Env,
        transport: f64,
        id: f64,
        rid: Option<String>,
    ) -> Result<()> {
        let command = TransportCommand::SelectEncoding { id: outgoing_track_id(id), rid };
        self.post(&env, transport_id(transport), command)
    }

    /// At most these layers; what is missing is not limited.
    #[napi(catch_unwind)]
    pub fn select_layer(
        &self,
        env: Env,
        transport: f64,
        id: f64,
        spatial: Option<u32>,
        temporal: Option<u32>,
    ) -> Result<()> {
        let small = |value: Option<u32>| value.map(|value| u8::try_from(value).unwrap_or(u8::MAX));
        let (spatial, temporal) = (small(spatial), small(temporal));
        let id = outgoing_track_id(id);
        let command = TransportCommand::SelectLayer { id, spatial, temporal };
        self.post(&env, transport_id(transport), command)
    }

    /// How much of the link a track is worth, and what of it is of no use.
    #[napi(catch_unwind)]
    pub fn set_preferences(
        &self,
        env: Env,
        transport: f64,
        id: f64,
        preferences: NativePreferences,
    ) -> Result<()> {
        let (id, preferences) = (outgoing_track_id(id), preferences.into());
        let command = TransportCommand::SetPreferences { id, preferences };
        self.post(&env, transport_id(transport), command)
    }

    /// Stops sending a track, or goes on with it.
    #[napi(catch_unwind)]
    pub fn mute(&self, env: Env, transport: f64, id: f64, muted: bool) -> Result<()> {
        let command = TransportCommand::Mute { id: outgoing_track_id(id), muted };
        self.post(&env, transport_id(transport), command)
    }

    /// Lets nothing of an incoming track through to whatever takes it, or again.
    #[napi(catch_unwind)]
    pub fn withhold(&self, env: Env, transport: f64, id: f64, withheld: bool) -> Result<()> {
        let command = TransportCommand::Withhold { id: incoming_track_id(id), withheld };
        self.post(&env, transport_id(transport), command)
    }

    /// Who begins with a track from now on gets nothing of what came before.
    #[napi(catch_unwind)]
    pub fn forget_past(&self, env: Env, track: f64) -> Result<()> {
        self.check(&env, self.running.engine.forget_past(incoming_track_id(track)))
    }

    /// `duration` in milliseconds, `volume` below 0 dBm0.
    #[napi(catch_unwind)]
    pub fn press_key(
        &self,
        env: Env,
        transport: f64,
        request: u32,
        id: f64,
        key: NativeKeyPress,
    ) -> Result<()> {
        let (request, id) = (RequestId(request), outgoing_track_id(id));
        let key = KeyPress {
            event: key.event,
            duration: Duration::from_millis(u64::from(key.duration)),
            volume: key.volume,
        };
        self.post(&env, transport_id(transport), TransportCommand::PressKey { request, id, key })
    }

    /// Without a `rid` all encodings are asked.
    #[napi(catch_unwind)]
    pub fn request_keyframe(
        &self,
        env: Env,
        transport: f64,
        id: f64,
        rid: Option<String>,
    ) -> Result<()> {
        let command = TransportCommand::RequestKeyframe { id: incoming_track_id(id), rid };
        self.post(&env, transport_id(transport), command)
    }

    /// Whether levels of a track are wanted.
    #[napi(catch_unwind)]
    pub fn listen_levels(&self, env: Env, transport: f64, id: f64, listen: bool) -> Result<()> {
        let command = TransportCommand::ListenLevels { id: incoming_track_id(id), listen };
        self.post(&env, transport_id(transport), command)
    }
}
