//! Commands to servers that encoders push to. Options come as JSON, checked, with every default filled
//! in.

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::incoming_track_id;
use super::endpoint::NativeEndpoint;
use crate::control::ids::{IngestServerId, InputId, RequestId};
use crate::control::ingest::IngestCommand;
use crate::control::json::parse;

/// A server that listens.
#[napi(object, object_from_js = false)]
pub struct NativeIngestServer {
    pub id: f64,
    pub port: u16,
}

#[napi]
impl NativeEndpoint {
    /// Makes an RTMP server, which listens when this returns.
    #[napi(catch_unwind)]
    pub fn create_rtmp_server(&self, env: Env, options: String) -> Result<NativeIngestServer> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.create_rtmp_server(&options);
        let (id, address) = self.check(&env, made)?;
        Ok(NativeIngestServer { id: id.0 as f64, port: address.port() })
    }

    /// Whether somebody who asked may publish, and what he is told where he may not.
    #[napi(catch_unwind)]
    pub fn answer_input(
        &self,
        env: Env,
        server: f64,
        input: f64,
        accepted: bool,
        reason: String,
    ) -> Result<()> {
        let input = input_id(input);
        self.ingest(&env, server, IngestCommand::Answer { input, accepted, reason })
    }

    /// Whether levels of a track of an input are wanted.
    #[napi(catch_unwind)]
    pub fn listen_input_levels(
        &self,
        env: Env,
        server: f64,
        input: f64,
        id: f64,
        listen: bool,
    ) -> Result<()> {
        let (input, track) = (input_id(input), incoming_track_id(id));
        self.ingest(&env, server, IngestCommand::ListenLevels { input, track, listen })
    }

    /// The reply is the statistics of one input.
    #[napi(catch_unwind)]
    pub fn input_stats(&self, env: Env, request: u32, server: f64, input: f64) -> Result<()> {
        let (input, request) = (input_id(input), RequestId(request));
        self.ingest(&env, server, IngestCommand::InputStats { input, request })
    }

    /// Ends an input and its connection.
    #[napi(catch_unwind)]
    pub fn close_input(&self, env: Env, server: f64, input: f64) -> Result<()> {
        self.ingest(&env, server, IngestCommand::CloseInput { input: input_id(input) })
    }

    /// Closes a server with all its inputs. Replies when nothing listens any more.
    #[napi(catch_unwind)]
    pub fn close_ingest_server(&self, env: Env, request: u32, server: f64) -> Result<()> {
        self.ingest(&env, server, IngestCommand::Close { request: RequestId(request) })
    }

    fn ingest(&self, env: &Env, server: f64, command: IngestCommand) -> Result<()> {
        self.check(env, self.running.engine.ingest(IngestServerId(server as u64), command))
    }
}

fn input_id(id: f64) -> InputId {
    InputId(id as u64)
}
