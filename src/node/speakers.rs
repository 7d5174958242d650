//! Commands to groups of speakers.

use std::time::Duration;

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::{incoming_track_id, outgoing_track_id, transport_id};
use super::endpoint::NativeEndpoint;
use crate::control::command::TransportCommand;
use crate::control::ids::{SlotsId, SourceId, SpeakersId};
use crate::control::speakers::SpeakersCommand;

/// Slots of a group: the id of all together, and those of each.
#[napi(object, object_from_js = false)]
pub struct NativeSpeakerSlots {
    pub id: f64,
    pub audio: Vec<f64>,
    pub video: Vec<f64>,
}

#[napi]
impl NativeEndpoint {
    /// Returns the group's id. `threshold` is in dBov, `pause` in milliseconds.
    #[napi(catch_unwind)]
    pub fn create_speakers(&self, env: Env, threshold: i32, pause: u32) -> Result<f64> {
        let group = self.running.engine.speakers_id();
        let threshold = threshold.clamp(-127, 0) as i8;
        let pause = Duration::from_millis(u64::from(pause));
        self.post_speakers(&env, group, SpeakersCommand::Create { threshold, pause })?;
        Ok(group.0 as f64)
    }

    /// `transport` is whose the track is, `video` what goes with it.
    #[napi(catch_unwind)]
    pub fn add_speaker(
        &self,
        env: Env,
        group: f64,
        transport: f64,
        audio: f64,
        video: Option<f64>,
    ) -> Result<()> {
        let command = SpeakersCommand::Add {
            audio: incoming_track_id(audio),
            owner: transport_id(transport),
            video: video.map(incoming_track_id),
        };
        self.post_speakers(&env, SpeakersId(group as u64), command)
    }

    /// Takes the member with this incoming track out of its group.
    #[napi(catch_unwind)]
    pub fn remove_speaker(&self, env: Env, group: f64, audio: f64) -> Result<()> {
        let command = SpeakersCommand::Remove { audio: incoming_track_id(audio) };
        self.post_speakers(&env, SpeakersId(group as u64), command)
    }

    /// Whether to tell who speaks.
    #[napi(catch_unwind)]
    pub fn listen_speaking(&self, env: Env, group: f64, listen: bool) -> Result<()> {
        let command = SpeakersCommand::ListenSpeaking { listen };
        self.post_speakers(&env, SpeakersId(group as u64), command)
    }

    /// Closes a group with its slots.
    #[napi(catch_unwind)]
    pub fn close_speakers(&self, env: Env, group: f64) -> Result<()> {
        self.post_speakers(&env, SpeakersId(group as u64), SpeakersCommand::Close)
    }

    /// Returns the ids of the slots and of all of them together.
    #[napi(catch_unwind)]
    pub fn create_speaker_slots(
        &self,
        env: Env,
        group: f64,
        audio: u32,
        video: u32,
    ) -> Result<NativeSpeakerSlots> {
        let group = SpeakersId(group as u64);
        let engine = &self.running.engine;
        let ids =
            |count: u32| -> Vec<SourceId> { (0..count).map(|_| engine.slot_id(group)).collect() };
        let (id, audio, video) = (engine.slots_id(group), ids(audio), ids(video));
        let numbers = |ids: &[SourceId]| ids.iter().map(|id| id.0 as f64).collect();
        let made =
            NativeSpeakerSlots { id: id.0 as f64, audio: numbers(&audio), video: numbers(&video) };
        self.post_speakers(&env, group, SpeakersCommand::CreateSlots { id, audio, video })?;
        Ok(made)
    }

    /// Closes slots that were made together.
    #[napi(catch_unwind)]
    pub fn close_speaker_slots(&self, env: Env, group: f64, id: f64) -> Result<()> {
        let command = SpeakersCommand::CloseSlots { id: SlotsId(id as u64) };
        self.post_speakers(&env, SpeakersId(group as u64), command)
    }

    /// Feeds an outgoing track from whoever has a slot, but for the peer itself.
    #[napi(catch_unwind)]
    pub fn attach_slot(&self, env: Env, transport: f64, id: f64, slot: f64) -> Result<()> {
        let slot = incoming_track_id(slot);
        let command = TransportCommand::AttachSlot { id: outgoing_track_id(id), slot };
        self.post(&env, transport_id(transport), command)
    }

    fn post_speakers(&self, env: &Env, group: SpeakersId, command: SpeakersCommand) -> Result<()> {
        self.check(env, self.running.engine.speakers(group, command))
    }
}
