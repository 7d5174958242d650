//! Commands to what is fetched by RTSP. Options come as JSON, checked, with every default filled in.

use std::net::IpAddr;

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::incoming_track_id;
use super::endpoint::NativeEndpoint;
use crate::control::error::{EngineError, ErrorCode};
use crate::control::ids::{InputId, RequestId};
use crate::control::json::parse;
use crate::control::rtsp::RtspCommand;

#[napi]
impl NativeEndpoint {
    /// Fetches from a server. The reply says whether it sends.
    #[napi(catch_unwind)]
    pub fn pull_rtsp(&self, env: Env, request: u32, options: String) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.pull_rtsp(RequestId(request), options);
        Ok(self.check(&env, made)?.0 as f64)
    }

    /// The addresses of a host that was asked for by a question; what is none is left out. Without any, `reason` is why.
    #[napi(catch_unwind)]
    pub fn resolve_rtsp(
        &self,
        env: Env,
        input: f64,
        question: u32,
        addresses: Vec<String>,
        reason: String,
    ) -> Result<()> {
        let found: Vec<IpAddr> =
            addresses.iter().filter_map(|address| address.parse().ok()).collect();
        let addresses = if found.is_empty() {
            Err(EngineError { code: ErrorCode::Io, message: reason, field: None, line: None })
        } else {
            Ok(found)
        };
        let input = InputId(input as u64);
        self.rtsp(&env, RtspCommand::Resolved { input, question, addresses })
    }

    /// Whether levels of a track of an input are wanted.
    #[napi(catch_unwind)]
    pub fn listen_rtsp_levels(&self, env: Env, input: f64, id: f64, listen: bool) -> Result<()> {
        let (input, track) = (InputId(input as u64), incoming_track_id(id));
        self.rtsp(&env, RtspCommand::ListenLevels { input, track, listen })
    }

    /// The reply is the statistics of an input.
    #[napi(catch_unwind)]
    pub fn rtsp_stats(&self, env: Env, request: u32, input: f64) -> Result<()> {
        let (input, request) = (InputId(input as u64), RequestId(request));
        self.rtsp(&env, RtspCommand::Stats { input, request })
    }

    /// Fetches nothing more. Replies when the connection is closed.
    #[napi(catch_unwind)]
    pub fn close_rtsp(&self, env: Env, request: u32, input: f64) -> Result<()> {
        let (input, request) = (InputId(input as u64), RequestId(request));
        self.rtsp(&env, RtspCommand::Close { input, request })
    }

    fn rtsp(&self, env: &Env, command: RtspCommand) -> Result<()> {
        self.check(env, self.running.engine.rtsp(command))
    }
}
