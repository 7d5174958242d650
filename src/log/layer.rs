//! The `tracing` side: which records are wanted, and what they carry.

use std::sync::PoisonError;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::record::{Fields, Record};
use super::{SINKS, foreign, max_level};

/// Hands every record to the sinks that want its level.
pub(super) struct ToSinks;

impl<S> Layer<S> for ToSinks
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Answers are kept by `tracing` until the sinks change, so a disabled callsite costs one
    // comparison.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() <= max_level() { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= max_level()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(max_level())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(left_out) = foreign::admit(event.metadata()) else { return };
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.inherit(of_span);
            }
        }
        event.record(&mut fields);
        if left_out > 0 {
            fields.count("left_out", left_out);
        }
        let record = Record::new(event.metadata(), fields);
        for sink in SINKS.read().unwrap_or_else(PoisonError::into_inner).iter() {
            sink.put(&record);
        }
    }
}
