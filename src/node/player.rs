//! Commands to players. Options come as JSON, checked, with every default filled in.

use std::path::PathBuf;
use std::time::Duration;

use napi::bindgen_prelude::{Either, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use super::endpoint::NativeEndpoint;
use crate::control::ids::{PlayerId, RequestId};
use crate::control::json::parse;
use crate::control::player::PlayerCommand;
use crate::host::Item;

#[napi]
impl NativeEndpoint {
    /// Makes a player of files, by their paths or as they are. The reply says what its tracks are, as
    /// JSON.
    #[napi(catch_unwind)]
    pub fn create_player(
        &self,
        env: Env,
        request: u32,
        files: Vec<Either<String, Uint8Array>>,
        options: String,
    ) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        let request = RequestId(request);
        let made = self.running.engine.create_player(request, items(files), options);
        Ok(self.check(&env, made)?.0 as f64)
    }

    /// Adds files behind those that it has.
    #[napi(catch_unwind)]
    pub fn add_to_player(
        &self,
        env: Env,
        player: f64,
        files: Vec<Either<String, Uint8Array>>,
    ) -> Result<()> {
        let added = self.running.engine.add_to_player(player_id(player), items(files));
        self.check(&env, added)
    }

    /// Lets time go on, or stand still.
    #[napi(catch_unwind)]
    pub fn play(&self, env: Env, player: f64, playing: bool) -> Result<()> {
        let command = if playing { PlayerCommand::Play } else { PlayerCommand::Pause };
        self.player(&env, player, command)
    }

    /// Goes to a moment of a file. The reply is where it really is, in seconds; null when another jump
    /// came before it was there.
    #[napi(catch_unwind)]
    pub fn seek_player(
        &self,
        env: Env,
        request: u32,
        player: f64,
        item: u32,
        seconds: f64,
    ) -> Result<()> {
        let to = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let (item, request) = (item as usize, RequestId(request));
        self.player(&env, player, PlayerCommand::Seek { item, to, request })
    }

    /// Whether it begins anew behind the last file.
    #[napi(catch_unwind)]
    pub fn loop_player(&self, env: Env, player: f64, loops: bool) -> Result<()> {
        self.player(&env, player, PlayerCommand::SetLoop { loops })
    }

    /// The reply is the statistics of one player.
    #[napi(catch_unwind)]
    pub fn player_stats(&self, env: Env, request: u32, player: f64) -> Result<()> {
        self.player(&env, player, PlayerCommand::Stats { request: RequestId(request) })
    }

    /// Ends a player and its tracks.
    #[napi(catch_unwind)]
    pub fn close_player(&self, env: Env, request: u32, player: f64) -> Result<()> {
        self.player(&env, player, PlayerCommand::Close { request: RequestId(request) })
    }

    fn player(&self, env: &Env, player: f64, command: PlayerCommand) -> Result<()> {
        self.check(env, self.running.engine.player(player_id(player), command))
    }
}

fn player_id(id: f64) -> PlayerId {
    PlayerId(id as u64)
}

fn items(files: Vec<Either<String, Uint8Array>>) -> Vec<Item> {
    let files = files.into_iter();
    files
        .map(|file| match file {
            Either::A(path) => Item::Path(PathBuf::from(path)),
            Either::B(bytes) => Item::Bytes((&bytes[..]).into()),
        })
        .collect()
}
