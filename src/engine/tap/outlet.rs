//! The way from whoever takes or makes tracks to the shards.

use crate::control::ids::ShardIndex;
use crate::engine::io::Message;
use crate::engine::message::ShardMessage;

/// Messages that wait for room at a shard; of packets beyond it the newest are lost.
const MAX_BACKLOG: usize = 1_024;

/// The way to the shards.
pub trait Shards: Send {
    /// Gives the message back when there is no room; one that has to arrive always finds some.
    fn send(&self, shard: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage>;
}

/// Messages for shards in the order in which they were said, those that found no room at first
/// included.
pub struct Outlet<S: Shards> {
    shards: S,
    backlog: Vec<(ShardIndex, ShardMessage)>,
}

impl<S: Shards> Outlet<S> {
    /// Nothing waits.
    pub fn new(shards: S) -> Self {
        Self { shards, backlog: Vec::new() }
    }

    /// Whether something waits: it has to be tried [again](Self::send_backlog).
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Sends a message, behind those that wait.
    pub fn send(&mut self, shard: ShardIndex, message: ShardMessage) {
        if self.backlog.is_empty() {
            if let Err(message) = self.shards.send(shard, message) {
                self.backlog.push((shard, message));
            }
            return;
        }
        if self.backlog.len() < MAX_BACKLOG || !message.droppable() {
            self.backlog.push((shard, message));
        }
    }

    /// Tries what waits once more.
    pub fn send_backlog(&mut self) {
        let mut waiting = std::mem::take(&mut self.backlog).into_iter();
        for (shard, message) in waiting.by_ref() {
            if let Err(message) = self.shards.send(shard, message) {
                self.backlog.push((shard, message));
                break;
            }
        }
        self.backlog.extend(waiting);
    }
}

impl<S: Shards> Drop for Outlet<S> {
    /// Whoever ends says so in its last words, and nobody is left to try again.
    fn drop(&mut self) {
        for (shard, message) in std::mem::take(&mut self.backlog) {
            if !message.droppable() {
                // There is no such shard.
                let _ = self.shards.send(shard, message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::control::ids::SourceId;

    /// A shard without room for anything that may be dropped.
    #[derive(Clone, Default)]
    struct Busy(Arc<Mutex<Vec<ShardMessage>>>);

    impl Shards for Busy {
        fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
            if message.droppable() {
                return Err(message);
            }
            self.0.lock().unwrap().push(message);
            Ok(())
        }
    }

    #[test]
    fn last_words_arrive_although_packets_before_them_still_wait() {
        let busy = Busy::default();
        let mut outlet = Outlet::new(busy.clone());
        outlet.send(ShardIndex(0), ShardMessage::Made { packets: Vec::new() });
        outlet.send(ShardIndex(0), ShardMessage::MadeTrackClosed { track: SourceId(64) });
        assert!(busy.0.lock().unwrap().is_empty(), "in its order");
        drop(outlet);
        let said = busy.0.lock().unwrap();
        assert!(matches!(said[..], [ShardMessage::MadeTrackClosed { .. }]), "{}", said.len());
    }
}
