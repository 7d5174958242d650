//! Options that cross as JSON.

use serde::Deserialize;

use super::error::{EngineError, InvalidArgument};

/// Reads what crossed as JSON.
///
/// # Errors
/// `InvalidArg` with `field`, which names the argument.
pub fn parse<'a, T: Deserialize<'a>>(json: &'a str, field: &str) -> Result<T, EngineError> {
    serde_json::from_str(json)
        .map_err(|error| EngineError::from(InvalidArgument::Json(error)).field(field))
}
