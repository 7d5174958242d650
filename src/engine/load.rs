//! How many transports each shard has, so that new ones go where there are fewest, and which shards
//! take none because they are too busy.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::control::ids::ShardIndex;

/// How many transports each shard has, which shards have no thread just now, and which are too busy.
#[derive(Debug)]
pub struct Load(Vec<OfShard>);

#[derive(Default, Debug)]
struct OfShard {
    transports: AtomicUsize,
    down: AtomicBool,
    overloaded: AtomicBool,
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
    /// No transports on any of so many shards, and all of them have time.
    pub fn new(shards: usize) -> Self {
        Self((0..shards).map(|_| OfShard::default()).collect())
    }

    /// Counts a new transport on the emptiest shard that is not overloaded, unless there are `limit`
    /// in all. One without a thread is taken where all are: the next thread makes the transport.
    pub fn admit(&self, limit: usize) -> Result<ShardIndex, Refusal> {
        let count = |shard: &OfShard| shard.transports.load(Ordering::Relaxed);
        if self.0.iter().map(count).sum::<usize>() >= limit {
            return Err(Refusal::Limit);
        }
        let rank = |shard: &OfShard| (shard.down.load(Ordering::Relaxed), count(shard));
        let has_time = |shard: &OfShard| !shard.overloaded.load(Ordering::Relaxed);
        let shards = self.0.iter().enumerate().filter(|(_, shard)| has_time(shard));
        let (index, shard) =
            shards.min_by_key(|(_, shard)| rank(shard)).ok_or(Refusal::Overload)?;
        shard.transports.fetch_add(1, Ordering::Relaxed);
        Ok(ShardIndex(index as u8))
    }

    /// Counts a new transport on a shard that it has to be on, unless there are `limit` in all.
    pub fn admit_to(&self, shard: ShardIndex, limit: usize) -> Result<ShardIndex, Refusal> {
        let count = |shard: &OfShard| shard.transports.load(Ordering::Relaxed);
        if self.0.iter().map(count).sum::<usize>() >= limit {
            return Err(Refusal::Limit);
        }
        self.0[shard.index()].transports.fetch_add(1, Ordering::Relaxed);
        Ok(shard)
    }

    /// A transport of this shard is gone.
    pub fn leave(&self, shard: ShardIndex) {
        // One that was admitted while its shard went down is not counted any more.
        let one_less = |count: usize| Some(count.saturating_sub(1));
        let count = &self.0[shard.index()].transports;
        let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
    }

    /// The shard's thread died, with all its transports.
    pub fn went_down(&self, shard: ShardIndex) {
        let shard = &self.0[shard.index()];
        shard.down.store(true, Ordering::Relaxed);
        shard.transports.store(0, Ordering::Relaxed);
        shard.overloaded.store(false, Ordering::Relaxed);
    }

    /// Whether a shard takes no new transports.
    pub fn set_overloaded(&self, shard: ShardIndex, overloaded: bool) {
        self.0[shard.index()].overloaded.store(overloaded, Ordering::Relaxed);
    }

    /// It has another thread.
    pub fn came_back(&self, shard: ShardIndex) {
        self.0[shard.index()].down.store(false, Ordering::Relaxed);
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

    #[test]
    fn a_shard_without_a_thread_is_empty_and_gets_nothing_until_it_has_one() {
        let load = Load::new(2);
        for shard in [0, 1, 0, 1] {
            assert_eq!(load.admit(4), Ok(ShardIndex(shard)));
        }
        assert_eq!(load.admit(4), Err(Refusal::Limit));
        load.went_down(ShardIndex(0));
        assert_eq!(load.admit(4), Ok(ShardIndex(1)), "though the other is emptier");
        load.came_back(ShardIndex(0));
        assert_eq!(load.admit(4), Ok(ShardIndex(0)));
        assert_eq!(load.admit(4), Err(Refusal::Limit));
    }

    #[test]
    fn where_no_shard_has_a_thread_a_transport_waits_for_the_next() {
        let load = Load::new(1);
        load.went_down(ShardIndex(0));
        assert_eq!(load.admit(1), Ok(ShardIndex(0)));
    }

    #[test]
    fn a_transport_that_leaves_a_shard_that_lost_it_is_not_counted_twice() {
        let load = Load::new(1);
        assert!(load.admit(1).is_ok());
        load.went_down(ShardIndex(0));
        load.leave(ShardIndex(0));
        assert_eq!(load.admit(1), Ok(ShardIndex(0)));
        assert_eq!(load.admit(1), Err(Refusal::Limit));
    }
}
