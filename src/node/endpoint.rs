//! `NativeEndpoint`: what `lib/endpoint.js` holds.

use std::sync::Arc;

use napi::bindgen_prelude::{Function, Object, ObjectFinalize};
use napi::{Env, Result};
use napi_derive::napi;

use super::convert::transport_id;
use super::doorbell::doorbell;
use super::error::throw;
use super::options::NativeEndpointOptions;
use super::running::Running;
use super::{batch, environment};
use crate::control::command::TransportCommand;
use crate::control::error::EngineError;
use crate::control::ids::{RequestId, TransportId};
use crate::control::options::EngineOptions;

/// One engine. Its methods post a command and return at once. Those with a `request` are answered
/// by a `reply` event with that number; others show in events.
#[napi(custom_finalize)]
pub struct NativeEndpoint {
    pub(super) running: Arc<Running>,
}

/// An address that is listened on, and what is announced for it.
#[napi(object, object_from_js = false)]
pub struct NativeListenAddress {
    pub ip: String,
    pub announced: Vec<NativeAnnouncedAddress>,
    pub port: u16,
    pub protocol: &'static str,
    pub thread: u32,
}

/// An address in candidates.
#[napi(object, object_from_js = false)]
pub struct NativeAnnouncedAddress {
    pub ip: String,
    pub port: u16,
}

#[napi]
impl NativeEndpoint {
    /// Binds the sockets and starts the threads. `doorbell` is called when there is something to
    /// drain.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        options: NativeEndpointOptions,
        bell: Function<'_, (), ()>,
    ) -> Result<Self> {
        crate::log::catch_panics();
        let started = EngineOptions::try_from(options).map(|options| {
            let bell = doorbell(&bell)?;
            Ok::<_, napi::Error>(Running::start(options, bell))
        });
        let running =
            started.map_err(|error| throw(&env, &error))??.map_err(|error| throw(&env, &error))?;
        environment::adopt(&env, &running)?;
        Ok(Self { running })
    }

    /// Every address that is listened on, of each thread and protocol.
    #[napi(getter, catch_unwind)]
    pub fn addresses(&self) -> Vec<NativeListenAddress> {
        let addresses = self.running.engine.addresses().iter();
        addresses
            .map(|address| NativeListenAddress {
                ip: address.ip.to_string(),
                announced: address
                    .announced
                    .iter()
                    .map(|at| NativeAnnouncedAddress { ip: at.ip().to_string(), port: at.port() })
                    .collect(),
                port: address.port,
                protocol: match address.protocol {
                    crate::control::flow::Protocol::Udp => "udp",
                    crate::control::flow::Protocol::Tcp => "tcp",
                },
                thread: address.thread.index() as u32,
            })
            .collect()
    }

    /// Of the certificate, as `a=fingerprint` has it (RFC 8122 5).
    #[napi(getter, catch_unwind)]
    pub fn fingerprint(&self) -> String {
        self.running.engine.fingerprint()
    }

    /// Everything that happened since the last call, in order.
    #[napi(catch_unwind)]
    pub fn drain<'env>(&self, env: &'env Env) -> Vec<Object<'env>> {
        batch::to_objects(env, self.running.mailbox.drain())
    }

    /// Statistics of everything, or of one transport.
    #[napi(catch_unwind)]
    pub fn stats(&self, env: Env, request: u32, only: Option<f64>) -> Result<()> {
        let asked = self.running.engine.stats(RequestId(request), only.map(transport_id));
        asked.map_err(|error| throw(&env, &error))
    }

    /// Closes all transports and ends the threads.
    #[napi(catch_unwind)]
    pub fn close(&self, request: u32) {
        self.running.stop_in_background(Some(RequestId(request)));
    }

    pub(super) fn post(
        &self,
        env: &Env,
        transport: TransportId,
        command: TransportCommand,
    ) -> Result<()> {
        self.check(env, self.running.engine.command(transport, command))
    }

    pub(super) fn check<T>(
        &self,
        env: &Env,
        result: std::result::Result<T, EngineError>,
    ) -> Result<T> {
        result.map_err(|error| throw(env, &error))
    }
}

impl ObjectFinalize for NativeEndpoint {
    /// The garbage collector must not wait for media threads.
    fn finalize(self, _: Env) -> Result<()> {
        self.running.stop_in_background(None);
        Ok(())
    }
}

/// Stops all engines of this environment and waits for their threads. For `process.exit()`, which
/// ends the process without tearing the environment down.
#[napi(catch_unwind)]
pub fn stop_all() {
    environment::end();
}
