//! What a description announces, as JavaScript makes options of it.

use crate::control::error::EngineError;
use crate::sdp;

/// Reads what a description announces, and gives it as JSON.
///
/// # Errors
/// `Sdp` with the line to blame.
pub fn announcement(text: &str) -> Result<String, EngineError> {
    let announced = sdp::announced(text)?;
    Ok(serde_json::to_string(&announced).unwrap_or_default())
}
