//! How many transports each shard has, so that new ones go where there are fewest, and which shards
//! take none because they are too busy.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::control::ids::ShardIndex;

/// How many transports each shard has.
#[derive(Debug)]
pub struct Load {
    transports: Vec<AtomicUsize>,
    overloaded: Vec<AtomicBool>,
}

/// Why there is no place for a new transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There are as many as there may be.
    Limit,
    /// All shards are overloaded.
    Overload,
}

impl Load {
    pub fn new(shards: usize) -> Self {
        Self {
            transports: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            overloaded: (0..shards).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// Counts a new transport on the emptiest shard that is not overloaded, unless there are
    /// `limit` in all.
    pub fn admit(&self, limit: usize) -> Result<ShardIndex, Refusal> {
        let counts = || self.transports.iter().map(|count| count.load(Ordering::Relaxed));
        if counts().sum::<usize>() >= limit {
            return Err(Refusal::Limit);
        }
        let (index, _) = counts()
            .enumerate()
            .filter(|(index, _)| !self.overloaded[*index].load(Ordering::Relaxed))
            .min_by_key(|(_, count)| *count)
            .ok_or(Refusal::Overload)?;
        self.transports[index].fetch_add(1, Ordering::Relaxed);
        Ok(ShardIndex(index as u8))
    }

    pub fn leave(&self, shard: ShardIndex) {
        self.transports[shard.index()].fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a shard takes no new transports.
    pub fn set_overloaded(&self, shard: ShardIndex, overloaded: bool) {
        self.overloaded[shard.index()].store(overloaded, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_spread_and_stop_at_the_limit() {
        let load = Load::new(2);
        assert_eq!(load.admit(3), Ok(ShardIndex(0)));
        assert_eq!(load.admit(3), Ok(ShardIndex(1)));
        load.leave(ShardIndex(1));
        assert_eq!(load.admit(3), Ok(ShardIndex(1)));
        assert_eq!(load.admit(3), Ok(ShardIndex(0)));
        assert_eq!(load.admit(3), Err(Refusal::Limit));
    }

    #[test]
    fn an_overloaded_shard_is_passed_over_and_all_of_them_take_none() {
        let load = Load::new(2);
        load.set_overloaded(ShardIndex(0), true);
        assert_eq!([load.admit(9), load.admit(9)], [Ok(ShardIndex(1)); 2]);
        load.set_overloaded(ShardIndex(1), true);
        assert_eq!(load.admit(9), Err(Refusal::Overload));
        load.set_overloaded(ShardIndex(0), false);
        assert_eq!(load.admit(9), Ok(ShardIndex(0)));
    }
}
