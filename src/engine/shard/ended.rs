//! A shard that comes after one whose media thread died. JavaScript has heard what ended when this
//! runs, so nothing here tells it again.

use super::Shard;
use crate::control::ids::{Ended, MAX_SHARDS, ShardIndex};
use crate::engine::message::ShardMessage;

impl Shard {
    /// Takes the place of a shard whose thread died: tells the others so, and is there for new
    /// transports. To be called before anything else is; `shards` is how many there are.
    pub fn succeed(&mut self, ended: Ended, shards: usize) {
        self.before = Some(ended);
        let others = (0..shards.min(MAX_SHARDS) as u8).map(ShardIndex);
        let told = others.filter(|shard| *shard != ended.shard);
        self.core.messages.extend(told.map(|to| (to, ShardMessage::ThreadEnded { ended })));
        self.load.came_back(self.core.index);
    }

    /// Whether something is of the time before this shard.
    pub(super) fn ended_before(&self, what: impl FnOnce(Ended) -> bool) -> bool {
        self.before.is_some_and(what)
    }
}
