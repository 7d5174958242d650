//! Commands to data channels.

use bytes::Bytes;
use napi::{Env, Result};
use napi_derive::napi;

use super::convert::{channel_id, transport_id};
use super::endpoint::NativeEndpoint;
use super::options::NativeChannelOptions;
use crate::control::command::TransportCommand;

#[napi]
impl NativeEndpoint {
    /// Returns the channel's id.
    #[napi(catch_unwind)]
    pub fn create_channel(
        &self,
        env: Env,
        transport: f64,
        options: NativeChannelOptions,
    ) -> Result<f64> {
        let transport = transport_id(transport);
        let id = self.running.engine.channel_id(transport);
        let options = Box::new(options.into());
        self.post(&env, transport, TransportCommand::CreateChannel { id, options })?;
        Ok(id.0 as f64)
    }

    /// Sends a text message, as soon as those before it have left.
    #[napi(catch_unwind)]
    pub fn send_text(&self, env: Env, transport: f64, id: f64, text: String) -> Result<()> {
        let command =
            TransportCommand::SendMessage { id: channel_id(id), binary: false, data: text.into() };
        self.post(&env, transport_id(transport), command)
    }

    /// Copies the data: JavaScript may change it as soon as this returns.
    #[napi(catch_unwind)]
    pub fn send_binary(&self, env: Env, transport: f64, id: f64, data: &[u8]) -> Result<()> {
        let data = Bytes::copy_from_slice(data);
        let command = TransportCommand::SendMessage { id: channel_id(id), binary: true, data };
        self.post(&env, transport_id(transport), command)
    }

    /// Sets the number of bytes at or below which what waits to be sent is told of.
    #[napi(catch_unwind)]
    pub fn set_buffered_amount_low(
        &self,
        env: Env,
        transport: f64,
        id: f64,
        threshold: f64,
    ) -> Result<()> {
        let threshold = threshold as usize;
        let command = TransportCommand::SetBufferedAmountLow { id: channel_id(id), threshold };
        self.post(&env, transport_id(transport), command)
    }

    /// Whether messages that arrive are wanted.
    #[napi(catch_unwind)]
    pub fn listen_channel(&self, env: Env, transport: f64, id: f64, listen: bool) -> Result<()> {
        let command = TransportCommand::ListenChannel { id: channel_id(id), listen };
        self.post(&env, transport_id(transport), command)
    }

    /// Sends on what arrives on the channel `source`, in place of what it sent on before.
    #[napi(catch_unwind)]
    pub fn attach_channel(&self, env: Env, transport: f64, id: f64, source: f64) -> Result<()> {
        let attached = self.running.engine.attach_channel(
            transport_id(transport),
            channel_id(id),
            channel_id(source),
        );
        self.check(&env, attached)
    }

    /// Ends what `attach_channel` began.
    #[napi(catch_unwind)]
    pub fn detach_channel(&self, env: Env, transport: f64, id: f64) -> Result<()> {
        let command = TransportCommand::DetachChannel { id: channel_id(id) };
        self.post(&env, transport_id(transport), command)
    }

    /// Closes a channel.
    #[napi(catch_unwind)]
    pub fn close_channel(&self, env: Env, transport: f64, id: f64) -> Result<()> {
        let command = TransportCommand::CloseChannel { id: channel_id(id) };
        self.post(&env, transport_id(transport), command)
    }
}
