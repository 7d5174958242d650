//! Commands to streams of HLS. Options come as JSON, checked, with every default filled in.

use std::net::{IpAddr, SocketAddr};

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::{incoming_track_id, kind};
use super::endpoint::NativeEndpoint;
use crate::control::hls::HlsCommand;
use crate::control::ids::{HlsId, RecordedTrackId, RequestId};
use crate::control::json::parse;

#[napi]
impl NativeEndpoint {
    /// Makes a stream on a thread of the pool.
    #[napi(catch_unwind)]
    pub fn create_hls(&self, env: Env, options: String) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        Ok(self.check(&env, self.running.engine.create_hls(options))?.0 as f64)
    }

    /// Adds a rendition, fed by a track. Gives its id.
    #[napi(catch_unwind)]
    pub fn add_rendition(
        &self,
        env: Env,
        hls: f64,
        track: f64,
        kind_name: String,
        options: String,
    ) -> Result<f64> {
        let options = self.check(&env, parse(&options, "options"))?;
        let kind = self.check(&env, kind(&kind_name))?;
        let (hls, track) = (HlsId(hls as u64), incoming_track_id(track));
        let added = self.running.engine.add_rendition(hls, kind, track, options);
        Ok(self.check(&env, added)?.0 as f64)
    }

    /// Feeds a rendition from another track, or from nothing.
    #[napi(catch_unwind)]
    pub fn attach_rendition(
        &self,
        env: Env,
        hls: f64,
        rendition: f64,
        track: Option<f64>,
    ) -> Result<()> {
        let rendition = RecordedTrackId(rendition as u64);
        self.hls(&env, hls, HlsCommand::Attach { rendition, track: track.map(incoming_track_id) })
    }

    /// Ends a rendition.
    #[napi(catch_unwind)]
    pub fn remove_rendition(&self, env: Env, hls: f64, rendition: f64) -> Result<()> {
        let rendition = RecordedTrackId(rendition as u64);
        self.hls(&env, hls, HlsCommand::Remove { rendition })
    }

    /// The reply is the statistics of one stream.
    #[napi(catch_unwind)]
    pub fn hls_stats(&self, env: Env, request: u32, hls: f64) -> Result<()> {
        self.hls(&env, hls, HlsCommand::Stats { request: RequestId(request) })
    }

    /// The reply is what a player gets who asks for a path below the address of the stream.
    #[napi(catch_unwind)]
    pub fn ask_hls(
        &self,
        env: Env,
        request: u32,
        hls: f64,
        path: String,
        query: String,
    ) -> Result<()> {
        let asked =
            self.running.engine.ask_hls(HlsId(hls as u64), &path, &query, RequestId(request));
        self.check(&env, asked)
    }

    /// Serves all streams at an address. Gives the port.
    #[napi(catch_unwind)]
    pub fn listen_hls(&self, env: Env, ip: String, port: u16) -> Result<u16> {
        let ip: IpAddr = ip.parse().map_err(|_| napi::Error::from_reason("no IP address"))?;
        let listening = self.running.engine.listen_hls(SocketAddr::new(ip, port));
        Ok(self.check(&env, listening)?.port())
    }

    /// Ends a stream.
    #[napi(catch_unwind)]
    pub fn close_hls(&self, env: Env, hls: f64) -> Result<()> {
        self.check(&env, self.running.engine.close_hls(HlsId(hls as u64)))
    }

    fn hls(&self, env: &Env, hls: f64, command: HlsCommand) -> Result<()> {
        self.check(env, self.running.engine.hls(HlsId(hls as u64), command))
    }
}
