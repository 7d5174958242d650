//! What the module is made of.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::host;

/// The version of each part by its name.
#[napi(catch_unwind)]
pub fn versions(env: &Env) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    for (name, version) in host::versions() {
        object.set(name, version)?;
    }
    Ok(object)
}
