//! Commands to servers that encoders push to, and to what pushes to others. Options come as JSON, checked, with every default filled
//! in.

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::incoming_track_id;
use super::endpoint::NativeEndpoint;
use crate::control::ids::{IngestServerId, InputId, OutputId, RequestId};
use crate::control::ingest::{IngestCommand, OutputCommand};
use crate::control::json::parse;

/// A server that listens.
#[napi(object, object_from_js = false)]
pub struct NativeIngestServer {
    pub id: f64,
    pub port: u16,
}

/// An input that is fetched, and what commands to it go to.
#[napi(object, object_from_js = false)]
pub struct NativePulledInput {
    pub server: f64,
    pub input: f64,
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

    /// Makes an SRT server, which listens when this returns.
    #[napi(catch_unwind)]
    pub fn create_srt_server(&self, env: Env, options: String) -> Result<NativeIngestServer> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.create_srt_server(&options);
        let (id, address) = self.check(&env, made)?;
        Ok(NativeIngestServer { id: id.0 as f64, port: address.port() })
    }

    /// Fetches an input by SRT. The reply says whether it is there.
    #[napi(catch_unwind)]
    pub fn pull_srt(&self, env: Env, request: u32, options: String) -> Result<NativePulledInput> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.pull_srt(RequestId(request), &options);
        let (server, input) = self.check(&env, made)?;
        Ok(NativePulledInput { server: server.0 as f64, input: input.0 as f64 })
    }

    /// Tells somebody who asked by SRT that he may not, with a code.
    #[napi(catch_unwind)]
    pub fn reject_input(&self, env: Env, server: f64, input: f64, code: u16) -> Result<()> {
        self.ingest(&env, server, IngestCommand::Reject { input: input_id(input), code })
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

    /// Pushes tracks to an RTMP server. The reply says whether it takes them.
    #[napi(catch_unwind)]
    pub fn create_rtmp_output(&self, env: Env, request: u32, options: String) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.create_rtmp_output(RequestId(request), &options);
        Ok(self.check(&env, made)?.0 as f64)
    }

    /// Sends tracks by SRT. The reply says when somebody takes them, or when it is listened.
    #[napi(catch_unwind)]
    pub fn create_srt_output(
        &self,
        env: Env,
        request: u32,
        options: String,
    ) -> Result<NativeIngestServer> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.create_srt_output(RequestId(request), &options);
        let (id, port) = self.check(&env, made)?;
        Ok(NativeIngestServer { id: id.0 as f64, port })
    }

    /// The reply is the statistics of what is pushed to a server.
    #[napi(catch_unwind)]
    pub fn output_stats(&self, env: Env, request: u32, output: f64) -> Result<()> {
        let command = OutputCommand::Stats { request: RequestId(request) };
        self.check(&env, self.running.engine.output(OutputId(output as u64), command))
    }

    /// Pushes nothing more. Replies when the connection is closed.
    #[napi(catch_unwind)]
    pub fn close_output(&self, env: Env, request: u32, output: f64) -> Result<()> {
        let command = OutputCommand::Close { request: RequestId(request) };
        self.check(&env, self.running.engine.output(OutputId(output as u64), command))
    }

    fn ingest(&self, env: &Env, server: f64, command: IngestCommand) -> Result<()> {
        self.check(env, self.running.engine.ingest(IngestServerId(server as u64), command))
    }
}

fn input_id(id: f64) -> InputId {
    InputId(id as u64)
}
