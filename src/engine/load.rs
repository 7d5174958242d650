//! How many transports each shard has, so that new ones go where there are fewest.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::control::ids::ShardIndex;

/// How many transports each shard has.
#[derive(Debug)]
pub struct Load(Vec<AtomicUsize>);

impl Load {
    pub fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| AtomicUsize::new(0)).collect())
    }

    /// Counts a new transport on the emptiest shard, unless there are `limit` in all.
    pub fn admit(&self, limit: usize) -> Option<ShardIndex> {
        let counts = || self.0.iter().map(|count| count.load(Ordering::Relaxed));
        if counts().sum::<usize>() >= limit {
            return None;
        }
        let (index, _) = counts().enumerate().min_by_key(|(_, count)| *count)?;
        self.0[index].fetch_add(1, Ordering::Relaxed);
        Some(ShardIndex(index as u8))
    }

    pub fn leave(&self, shard: ShardIndex) {
        self.0[shard.index()].fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_spread_and_stop_at_the_limit() {
        let load = Load::new(2);
        assert_eq!(load.admit(3), Some(ShardIndex(0)));
        assert_eq!(load.admit(3), Some(ShardIndex(1)));
        load.leave(ShardIndex(1));
        assert_eq!(load.admit(3), Some(ShardIndex(1)));
        assert_eq!(load.admit(3), Some(ShardIndex(0)));
        assert_eq!(load.admit(3), None);
    }
}
