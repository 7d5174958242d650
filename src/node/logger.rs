//! The log on its way to JavaScript.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use napi::bindgen_prelude::{Function, Object};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use tracing::level_filters::LevelFilter;

use super::doorbell::doorbell;
use super::environment;
use crate::log::{Record, Sink};

/// Starts (or, without a `bell`, stops) collecting records of this severity or more for this
/// environment. The bell rings when there is something to drain.
#[napi(catch_unwind)]
pub fn set_log(env: Env, level: String, bell: Option<Function<'_, (), ()>>) -> Result<()> {
    let level: LevelFilter =
        level.parse().map_err(|_| Error::new(Status::InvalidArg, "unknown log level"))?;
    let sink = match bell {
        None => None,
        Some(bell) => Some(Arc::new(Sink::new(level, doorbell(&bell)?))),
    };
    environment::set_sink(&env, sink)
}

/// Records since the last call, in order.
#[napi(catch_unwind)]
pub fn drain_log(env: &Env) -> Result<Vec<Object<'_>>> {
    let records = environment::sink().map(|sink| sink.drain()).unwrap_or_default();
    records.into_iter().map(|record| to_object(env, record)).collect()
}

fn to_object(env: &Env, record: Record) -> Result<Object<'_>> {
    let mut fields = Object::new(env)?;
    for (name, value) in record.fields {
        fields.set(name, value)?;
    }
    let time = record.time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut object = Object::new(env)?;
    object.set("level", record.level.as_str().to_ascii_lowercase())?;
    object.set("target", record.target)?;
    object.set("message", record.message)?;
    object.set("fields", fields)?;
    object.set("time", time.as_millis() as f64)?;
    Ok(object)
}
