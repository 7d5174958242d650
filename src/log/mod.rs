//! Carries `tracing` records to whoever asked for them, in bounded queues. Quiet, and nearly free,
//! until somebody does: without a sink every callsite is disabled.

mod layer;
mod limit;
mod panics;
mod record;
mod sink;

pub use limit::Limit;
pub use panics::{catch_panics, watched};
pub use record::Record;
pub use sink::Sink;

use std::sync::{Arc, Once, PoisonError, RwLock};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

static SINKS: RwLock<Vec<Arc<Sink>>> = RwLock::new(Vec::new());

/// Starts sending records to `sink`.
pub fn add_sink(sink: Arc<Sink>) {
    install();
    SINKS.write().unwrap_or_else(PoisonError::into_inner).push(sink);
    tracing::callsite::rebuild_interest_cache();
}

/// Stops sending records to `sink`.
pub fn remove_sink(sink: &Arc<Sink>) {
    SINKS.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, sink));
    tracing::callsite::rebuild_interest_cache();
}

/// The most talkative level any sink wants.
fn max_level() -> LevelFilter {
    let sinks = SINKS.read().unwrap_or_else(PoisonError::into_inner);
    sinks.iter().map(|sink| sink.level()).max().unwrap_or(LevelFilter::OFF)
}

/// A process has one subscriber for good; the sinks behind it come and go.
fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(layer::ToSinks);
        // Fails only when a test put a subscriber of its own in place.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(level: LevelFilter) -> Arc<Sink> {
        let sink = Arc::new(Sink::new(level, || {}));
        add_sink(sink.clone());
        sink
    }

    /// Messages of this test only: others in the same process log too.
    fn messages(sink: &Sink, target: &str) -> Vec<String> {
        let records = sink.drain();
        records.into_iter().filter(|r| r.target == target).map(|r| r.message).collect()
    }

    #[test]
    fn each_sink_gets_the_records_of_its_level_while_it_is_there() {
        const TARGET: &str = "levels";
        let warnings = sink(LevelFilter::WARN);
        let everything = sink(LevelFilter::TRACE);
        tracing::warn!(target: TARGET, "one");
        tracing::debug!(target: TARGET, "two");
        assert_eq!(messages(&warnings, TARGET), ["one"]);
        assert_eq!(messages(&everything, TARGET), ["one", "two"]);

        remove_sink(&everything);
        tracing::warn!(target: TARGET, "three");
        assert_eq!(messages(&warnings, TARGET), ["three"]);
        assert!(messages(&everything, TARGET).is_empty());
        remove_sink(&warnings);
    }

    #[test]
    fn a_record_carries_its_fields_and_those_of_its_spans() {
        const TARGET: &str = "fields";
        let sink = sink(LevelFilter::DEBUG);
        tracing::debug_span!("transport", transport = 7).in_scope(|| {
            tracing::info!(target: TARGET, ssrc = 42u32, reason = "lost", "gone after {} s", 3);
        });
        remove_sink(&sink);
        let records = sink.drain();
        let record = records.iter().find(|record| record.target == TARGET).unwrap();
        assert_eq!(record.message, "gone after 3 s");
        let fields: Vec<_> = record.fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(fields, [("transport", "7"), ("ssrc", "42"), ("reason", "lost")]);
    }
}
