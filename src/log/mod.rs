//! Carries `tracing` records to whoever asked for them, in bounded queues. Quiet, and nearly free,
//! until somebody does: without a sink every callsite is disabled.

mod foreign;
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
    use std::time::Instant;

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
    fn what_a_packet_has_other_crates_log_comes_through_once_a_second() {
        // A check with 5,000 attributes that str0m warns of (MAPPED-ADDRESS, RFC 8489 14.1).
        let attributes = [0, 1, 0, 0].repeat(5_000);
        let mut message = vec![0, 1];
        message.extend((attributes.len() as u16).to_be_bytes());
        message.extend(0x2112_a442_u32.to_be_bytes());
        message.extend([7; 12]);
        message.extend(attributes);

        let sink = sink(LevelFilter::WARN);
        let start = Instant::now();
        for _ in 0..10 {
            let _ = str0m::ice::StunMessage::parse(&message);
        }
        let seconds = start.elapsed().as_secs() as usize;
        remove_sink(&sink);
        let records = messages(&sink, "is::stun").len();
        assert!(records <= seconds + 2, "{records} records in {seconds} seconds");
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
