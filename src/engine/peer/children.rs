//! What the tracks and data channels of a peer are asked and told by the rest of its shard.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{Kind, Peer};
use crate::control::error::EngineError;
use crate::control::ids::{ChannelId, SourceId};
use crate::control::mailbox::Backlog;
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingSet, Need};

impl Peer {
    /// Whether receivers get nothing of one of its tracks: the peer holds it, or the application
    /// withholds it. `None`: there is no such track.
    pub fn is_held_back(&mut self, track: SourceId) -> Option<bool> {
        let silent = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.is_held_back(track),
            Kind::Plain(session) => session.is_held_back(track),
        });
        silent.flatten()
    }

    /// What the receivers of one of its tracks have to know. `None`: there is no such track.
    pub fn describe(&mut self, track: SourceId) -> Option<Arc<SourceDescription>> {
        let described = self.run(|kind| match kind {
            Kind::WebRtc(session) => session.describe(track),
            Kind::Plain(session) => session.describe(track).map(Arc::new),
        });
        described.flatten()
    }

    /// Its receivers together want these encodings of a track. `None` when it panicked.
    pub fn set_demand(&mut self, now: Instant, track: SourceId, wanted: EncodingSet) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.set_demand(now, track, wanted),
            Kind::Plain(session) => session.set_demand(now, track, wanted),
        })
    }

    /// The worst of its receivers loses this share of a track, in 256ths. `None` when it panicked.
    pub fn set_far_loss(&mut self, now: Instant, track: SourceId, loss: u8) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.set_far_loss(now, track, loss),
            Kind::Plain(session) => session.set_far_loss(now, track, loss),
        })
    }

    /// A receiver needs a keyframe of one encoding of a track. `None` when it panicked.
    pub fn request_keyframe(
        &mut self,
        now: Instant,
        track: SourceId,
        encoding: EncodingIndex,
        need: Need,
    ) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.request_keyframe(now, track, encoding, need),
            Kind::Plain(session) => session.request_keyframe(now, track, encoding, need),
        })
    }

    /// Sends a message that came on another channel. `None` when it panicked.
    pub fn relay(
        &mut self,
        now: Instant,
        channel: ChannelId,
        binary: bool,
        data: Bytes,
    ) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.relay(now, channel, binary, data),
            // It has no channels.
            Kind::Plain(_) => {}
        })
    }

    /// What of its messages waits for JavaScript. `None` when it panicked, now or before.
    pub fn backlog(&mut self) -> Option<Backlog> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.backlog().clone(),
            Kind::Plain(_) => Backlog::default(),
        })
    }

    /// Closes a channel with an error. `None` when it panicked.
    pub fn fail_channel(
        &mut self,
        now: Instant,
        channel: ChannelId,
        error: EngineError,
    ) -> Option<()> {
        self.run(|kind| match kind {
            Kind::WebRtc(session) => session.fail_channel(now, channel, error),
            Kind::Plain(_) => {}
        })
    }
}
