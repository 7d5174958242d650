//! Events on their way to JavaScript, as many as there are. One that cannot become an object, because
//! JavaScript has no memory for it or somebody redefined what objects are, is lost alone.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use napi::bindgen_prelude::Object;
use napi::{Env, Result, sys};

use super::event::to_object;
use crate::control::error::{ErrorCode, Fault};
use crate::control::event::Event;
use crate::log::{Limit, watched};

static LOST: Limit = Limit::new();

/// The objects of all events that can become one. In place of a reply that cannot there is one that
/// says so: somebody waits for it.
pub(super) fn to_objects(env: &Env, events: Vec<Event>) -> Vec<Object<'_>> {
    let object = |event: Event| {
        let request = match &event {
            Event::Reply { request, .. } => Some(*request),
            _ => None,
        };
        convert(env, event).or_else(|| {
            let result = Err(NoAnswer.into());
            convert(env, Event::Reply { request: request?, result })
        })
    };
    events.into_iter().filter_map(object).collect()
}

/// What somebody gets whose answer cannot become an object.
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine's answer could not be handed to JavaScript")
    }
}

impl Fault for NoAnswer {
    fn code(&self) -> ErrorCode {
        ErrorCode::Internal
    }
}

fn convert(env: &Env, event: Event) -> Option<Object<'_>> {
    let converted = watched(|| catch_unwind(AssertUnwindSafe(|| to_object(env, event))));
    let reason = match converted {
        Ok(Ok(object)) => return Some(object),
        Ok(Err(error)) => match take_exception(env) {
            Err(exception) => exception.to_string(),
            Ok(()) => error.to_string(),
        },
        Err(_) => "a panic".to_owned(),
    };
    if let Some(left_out) = LOST.admit(Instant::now()) {
        tracing::error!(left_out, "an event was lost on its way to JavaScript: {reason}");
    }
    None
}

/// What JavaScript threw, which would otherwise be thrown at whoever called.
fn take_exception(env: &Env) -> Result<()> {
    // It gives the exception as an error.
    napi::check_pending_exception!(env.raw(), sys::Status::napi_pending_exception)
}
