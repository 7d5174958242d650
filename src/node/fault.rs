//! Faults that a test asks for.

use napi::{Env, Result};
use napi_derive::napi;

use super::convert::transport_id;
use super::endpoint::NativeEndpoint;
use crate::control::command::TransportCommand;
use crate::control::ids::ShardIndex;

#[napi]
impl NativeEndpoint {
    /// Handling of anything panics on a media thread.
    #[napi(catch_unwind)]
    pub fn panic_thread(&self, env: Env, thread: u8) -> Result<()> {
        self.check(&env, self.running.engine.panic(ShardIndex(thread)))
    }

    /// Handling of a peer panics.
    #[napi(catch_unwind)]
    pub fn panic_transport(&self, env: Env, transport: f64) -> Result<()> {
        self.post(&env, transport_id(transport), TransportCommand::Panic)
    }

    /// A media thread believes that it is so busy, 0 to 1.
    #[napi(catch_unwind)]
    pub fn load_thread(&self, env: Env, thread: u8, busy: f64) -> Result<()> {
        self.check(&env, self.running.engine.inject_load(ShardIndex(thread), busy as f32))
    }
}
