//! Errors on their way to JavaScript.

use napi::bindgen_prelude::Object;
use napi::{Env, Error, JsValue, Result, Status};

use crate::control::error::EngineError;

/// A plain object that `lib/object/error.js` makes a `MediaLoomError` of.
pub(super) fn to_object<'env>(env: &'env Env, error: &EngineError) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("code", error.code.name())?;
    object.set("message", error.message.as_str())?;
    if let Some(field) = &error.field {
        object.set("field", field.as_str())?;
    }
    if let Some(line) = &error.line {
        object.set("line", line.as_str())?;
    }
    Ok(object)
}

/// Throws the plain object of an error: napi's own errors have no place for the field.
pub(super) fn throw(env: &Env, error: &EngineError) -> Error {
    match to_object(env, error).and_then(|object| env.throw(object.to_unknown())) {
        Ok(()) => Error::new(Status::PendingException, error.message.clone()),
        Err(failed) => failed,
    }
}
