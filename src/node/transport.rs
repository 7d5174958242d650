//! Commands to a transport.

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::transport_id;
use super::endpoint::NativeEndpoint;
use super::options::NativeTransportOptions;
use crate::control::command::TransportCommand;
use crate::control::ids::RequestId;
use crate::control::options::TransportOptions;

/// A new transport and the media thread it lives on.
#[napi(object, object_from_js = false)]
pub struct NativeTransport {
    pub id: f64,
    pub thread: u32,
}

#[napi]
impl NativeEndpoint {
    /// Makes a transport on the emptiest thread that has time.
    #[napi(catch_unwind)]
    pub fn create_transport(
        &self,
        env: Env,
        options: NativeTransportOptions,
    ) -> Result<NativeTransport> {
        let options = self.check(&env, TransportOptions::try_from(options))?;
        let id = self.check(&env, self.running.engine.create_transport(options))?;
        Ok(NativeTransport { id: id.0 as f64, thread: id.shard().index() as u32 })
    }

    /// Takes a peer's offer. The reply is the answer.
    #[napi(catch_unwind)]
    pub fn accept_offer(&self, env: Env, transport: f64, request: u32, sdp: String) -> Result<()> {
        let request = RequestId(request);
        self.post(&env, transport_id(transport), TransportCommand::AcceptOffer { request, sdp })
    }

    /// The reply is an offer; an ICE restart gives it new credentials (RFC 8829 5.2.3.1).
    #[napi(catch_unwind)]
    pub fn create_offer(
        &self,
        env: Env,
        transport: f64,
        request: u32,
        ice_restart: bool,
    ) -> Result<()> {
        let request = RequestId(request);
        let command = TransportCommand::CreateOffer { request, ice_restart };
        self.post(&env, transport_id(transport), command)
    }

    /// Takes a peer's answer to the offer that is open.
    #[napi(catch_unwind)]
    pub fn accept_answer(&self, env: Env, transport: f64, request: u32, sdp: String) -> Result<()> {
        let request = RequestId(request);
        self.post(&env, transport_id(transport), TransportCommand::AcceptAnswer { request, sdp })
    }

    /// Takes back the offer that is open (RFC 8829 4.1.10.2).
    #[napi(catch_unwind)]
    pub fn rollback(&self, env: Env, transport: f64, request: u32) -> Result<()> {
        let request = RequestId(request);
        self.post(&env, transport_id(transport), TransportCommand::Rollback { request })
    }

    /// The empty string ends the candidates.
    #[napi(catch_unwind)]
    pub fn add_candidate(
        &self,
        env: Env,
        transport: f64,
        request: u32,
        candidate: String,
    ) -> Result<()> {
        let request = RequestId(request);
        let command = TransportCommand::AddCandidate { request, candidate };
        self.post(&env, transport_id(transport), command)
    }

    /// Takes a fragment with candidates or an ICE restart (RFC 8840 9). The reply is the fragment
    /// that answers a restart.
    #[napi(catch_unwind)]
    pub fn accept_fragment(
        &self,
        env: Env,
        transport: f64,
        request: u32,
        fragment: String,
    ) -> Result<()> {
        let request = RequestId(request);
        let command = TransportCommand::AcceptFragment { request, fragment };
        self.post(&env, transport_id(transport), command)
    }

    /// Bit/s; without one the link decides.
    #[napi(catch_unwind)]
    pub fn set_max_bitrate(&self, env: Env, transport: f64, bitrate: Option<f64>) -> Result<()> {
        let bitrate = bitrate.map(|bitrate| bitrate as u64);
        self.post(&env, transport_id(transport), TransportCommand::SetMaxBitrate { bitrate })
    }

    /// Bit/s; without one the link decides.
    #[napi(catch_unwind)]
    pub fn set_max_incoming_bitrate(
        &self,
        env: Env,
        transport: f64,
        bitrate: Option<f64>,
    ) -> Result<()> {
        let bitrate = bitrate.map(|bitrate| bitrate as u64);
        let command = TransportCommand::SetMaxIncomingBitrate { bitrate };
        self.post(&env, transport_id(transport), command)
    }

    /// Whether reports about the link are wanted.
    #[napi(catch_unwind)]
    pub fn listen_bandwidth(&self, env: Env, transport: f64, listen: bool) -> Result<()> {
        self.post(&env, transport_id(transport), TransportCommand::ListenBandwidth { listen })
    }

    /// Closes a transport with everything on it.
    #[napi(catch_unwind)]
    pub fn close_transport(&self, env: Env, transport: f64, request: u32) -> Result<()> {
        let request = RequestId(request);
        self.post(&env, transport_id(transport), TransportCommand::Close { request })
    }
}

#[cfg(feature = "fault-injection")]
#[napi]
impl NativeEndpoint {
    /// Makes handling this transport panic, to show that nobody else notices.
    #[napi(catch_unwind)]
    pub fn inject_panic(&self, env: Env, transport: f64) -> Result<()> {
        self.post(&env, transport_id(transport), TransportCommand::Panic)
    }
}
