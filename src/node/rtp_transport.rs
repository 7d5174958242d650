//! Transports of plain RTP. Options come as JSON, checked, with every default filled in.

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::transport_id;
use super::endpoint::NativeEndpoint;
use crate::control::command::TransportCommand;
use crate::control::ids::RequestId;
use crate::control::json::parse;
use crate::host::announcement;

/// A new transport, the media thread it lives on, and its ports in the order of its lines.
#[napi(object, object_from_js = false)]
pub struct NativeRtpTransport {
    pub id: f64,
    pub thread: u32,
    pub ports: Vec<NativeRtpPort>,
}

/// Ports that are bound.
#[napi(object, object_from_js = false)]
pub struct NativeRtpPort {
    pub address: String,
    pub port: u16,
    /// The same where RTCP shares it.
    pub rtcp_port: u16,
}

#[napi]
impl NativeEndpoint {
    /// Says anew what the lines of a transport are.
    #[napi(catch_unwind)]
    pub fn update_rtp_transport(
        &self,
        env: Env,
        transport: f64,
        request: u32,
        options: String,
    ) -> Result<()> {
        let options = self.check(&env, parse(&options, "options"))?;
        let request = RequestId(request);
        let command = TransportCommand::UpdateRtp { request, options: Box::new(options) };
        self.post(&env, transport_id(transport), command)
    }

    /// What an SDP announces without asking for an answer, as JSON.
    #[napi(catch_unwind)]
    pub fn read_announcement(&self, env: Env, sdp: String) -> Result<String> {
        self.check(&env, announcement(&sdp))
    }

    /// Makes a transport. The reply comes after events about its tracks.
    #[napi(catch_unwind)]
    pub fn create_rtp_transport(
        &self,
        env: Env,
        request: u32,
        options: String,
    ) -> Result<NativeRtpTransport> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.running.engine.create_rtp_transport(RequestId(request), options);
        let (id, ports) = self.check(&env, made)?;
        let port = |port: crate::control::rtp::BoundPort| NativeRtpPort {
            address: port.rtp.local.ip().to_string(),
            port: port.rtp.local.port(),
            rtcp_port: port.rtcp.local.port(),
        };
        let ports = ports.into_iter().map(port).collect();
        Ok(NativeRtpTransport { id: id.0 as f64, thread: id.shard().index() as u32, ports })
    }
}
