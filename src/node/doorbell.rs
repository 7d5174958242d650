//! Wakes JavaScript from any thread.

use napi::Result;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;

/// What rings `callback` on its own thread. It does not keep the process alive, and does nothing
/// once the environment is gone. The callback is held for as long as the doorbell is, so it must
/// hold what it serves weakly.
pub(super) fn doorbell(callback: &Function<'_, (), ()>) -> Result<impl Fn() + Send + Sync + use<>> {
    let bell = callback.build_threadsafe_function::<()>().weak::<true>().build()?;
    Ok(move || {
        // Fails only when the environment is going; nobody is left to listen then.
        bell.call((), ThreadsafeFunctionCallMode::NonBlocking);
    })
}
