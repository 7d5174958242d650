//! Records of other crates. A peer causes some of them with each packet, or several, and nothing there
//! bounds that: each place in their code gets one a second through.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

use super::limit::Limit;

/// As many as there are places in code that logs.
static LIMITS: LazyLock<Mutex<HashMap<Identifier, Limit>>> = LazyLock::new(Mutex::default);

/// How many were left out before this record, or `None` when it is left out as well. Records of this crate
/// have their own limits where they are made, and who asks for `debug` or `trace` asks for everything.
pub(super) fn admit(metadata: &Metadata<'_>) -> Option<u64> {
    let ours = |path: &str| path.split("::").next() == Some(env!("CARGO_CRATE_NAME"));
    if *metadata.level() > Level::INFO || metadata.module_path().is_none_or(ours) {
        return Some(0);
    }
    let mut limits = LIMITS.lock().unwrap_or_else(PoisonError::into_inner);
    limits.entry(metadata.callsite()).or_default().admit(Instant::now())
}
