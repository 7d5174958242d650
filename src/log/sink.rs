//! Where records wait for one reader.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::level_filters::LevelFilter;

use super::record::Record;

/// Records that may wait for the reader.
const MAX_RECORDS: usize = 1_000;

/// Records on their way to one reader, and the bell that tells it to look. When the reader does
/// not keep up, new records are dropped and counted.
pub struct Sink {
    level: LevelFilter,
    bell: Box<dyn Fn() + Send + Sync>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Record>,
    dropped: u64,
}

impl Sink {
    /// `level` is the most talkative one to let through. `bell` is called from any thread when
    /// the queue goes from empty to not empty; it must not block or log.
    pub fn new(level: LevelFilter, bell: impl Fn() + Send + Sync + 'static) -> Self {
        Self { level, bell: Box::new(bell), queue: Mutex::default() }
    }

    /// The most talkative level that is let through.
    pub fn level(&self) -> LevelFilter {
        self.level
    }

    pub(super) fn put(&self, record: &Record) {
        if record.level > self.level {
            return;
        }
        let mut queue = self.lock();
        if queue.records.len() >= MAX_RECORDS {
            queue.dropped += 1;
            return;
        }
        queue.records.push_back(record.clone());
        let ring = queue.records.len() == 1;
        drop(queue);
        if ring {
            (self.bell)();
        }
    }

    /// Everything since the last call, in order; the last record counts those that were dropped.
    pub fn drain(&self) -> Vec<Record> {
        let queue = std::mem::take(&mut *self.lock());
        let mut records = Vec::from(queue.records);
        if queue.dropped > 0 {
            records.push(Record::dropped(queue.dropped));
        }
        records
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_over_the_bound_are_dropped_and_counted_in_a_later_one() {
        let sink = Sink::new(LevelFilter::WARN, || {});
        let mut record = Record::dropped(0);
        for index in 0..MAX_RECORDS + 25 {
            record.message = index.to_string();
            sink.put(&record);
        }
        let drained = sink.drain();
        assert_eq!(drained.len(), MAX_RECORDS + 1);
        assert_eq!(drained[MAX_RECORDS - 1].message, (MAX_RECORDS - 1).to_string());
        assert_eq!(drained[MAX_RECORDS].fields, [("count", "25".to_string())]);
        assert!(sink.drain().is_empty(), "drops are reported once");
    }
}
