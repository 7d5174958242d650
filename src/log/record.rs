//! One line of the log. Values may come from a peer, so everything is cut to a bound.

use std::fmt::{self, Write};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};

/// Bytes kept of a message or a field's value.
const MAX_TEXT: usize = 512;
/// Fields kept of a record.
const MAX_FIELDS: usize = 32;

/// One record of the log.
#[derive(Clone, Debug)]
pub struct Record {
    pub level: Level,
    /// The module it comes from.
    pub target: &'static str,
    pub message: String,
    pub fields: Vec<(&'static str, String)>,
    pub time: SystemTime,
}

impl Record {
    pub(super) fn new(metadata: &Metadata<'static>, fields: Fields) -> Self {
        Self {
            level: *metadata.level(),
            target: metadata.target(),
            message: fields.message,
            fields: fields.fields,
            time: SystemTime::now(),
        }
    }

    /// Stands for records that found the queue full.
    pub(super) fn dropped(count: u64) -> Self {
        Self {
            level: Level::WARN,
            target: module_path!(),
            message: "log records were dropped because JavaScript did not keep up".into(),
            fields: vec![("count", count.to_string())],
            time: SystemTime::now(),
        }
    }
}

/// Collects what a span or an event carries.
#[derive(Default)]
pub(super) struct Fields {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Fields {
    /// Takes over the fields of an enclosing span.
    pub(super) fn inherit(&mut self, span: &Fields) {
        let room = MAX_FIELDS.saturating_sub(self.fields.len());
        self.fields.extend(span.fields.iter().take(room).cloned());
    }

    /// Adds a number.
    pub(super) fn count(&mut self, name: &'static str, count: u64) {
        if self.fields.len() < MAX_FIELDS {
            self.fields.push((name, count.to_string()));
        }
    }

    fn keep(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let mut text = Cut::default();
        // An error only says that the bound was reached.
        let _ = text.write_fmt(value);
        if field.name() == "message" {
            self.message = text.0;
        } else if self.fields.len() < MAX_FIELDS {
            self.fields.push((field.name(), text.0));
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.keep(field, format_args!("{value}"));
    }
}

/// Text that stops being formatted at [`MAX_TEXT`] bytes.
#[derive(Default)]
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_TEXT - self.0.len().min(MAX_TEXT);
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> String {
        let mut cut = Cut::default();
        let _ = write!(cut, "{text}");
        cut.0
    }

    #[test]
    fn text_up_to_the_bound_is_kept_whole() {
        let text = "x".repeat(MAX_TEXT);
        assert_eq!(cut(&text), text);
    }

    #[test]
    fn longer_text_is_cut_between_characters() {
        let text = format!("{}ä{}", "x".repeat(MAX_TEXT - 1), "y".repeat(100));
        assert_eq!(cut(&text), format!("{}…", "x".repeat(MAX_TEXT - 1)));
    }

    #[test]
    fn formatting_stops_at_the_bound() {
        struct Endless;
        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                loop {
                    f.write_str("again and ")?;
                }
            }
        }
        let mut text = Cut::default();
        assert!(write!(text, "{Endless}").is_err());
        assert!(text.0.len() <= MAX_TEXT + '…'.len_utf8());
    }
}
