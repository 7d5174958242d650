//! What has to end together with a Node environment: the main thread's or a worker's.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use napi::{Env, Result};

use super::running::Running;
use crate::log::{self, Sink};

#[derive(Default)]
struct Environment {
    engines: Vec<Weak<Running>>,
    sink: Option<Arc<Sink>>,
    hooked: bool,
}

thread_local! {
    // An environment has one thread and a thread one environment.
    static ENVIRONMENT: RefCell<Environment> = RefCell::default();
}

/// Makes sure that the environment stops what belongs to it before it goes: a media thread must
/// not ring for a JavaScript that is being torn down.
fn with_hook<T>(env: &Env, change: impl FnOnce(&mut Environment) -> T) -> Result<T> {
    ENVIRONMENT.with_borrow_mut(|environment| {
        if !environment.hooked {
            env.add_env_cleanup_hook((), |()| end())?;
            environment.hooked = true;
        }
        Ok(change(environment))
    })
}

/// Stops the engine when the environment goes, if it is still there.
pub(super) fn adopt(env: &Env, running: &Arc<Running>) -> Result<()> {
    with_hook(env, |environment| {
        environment.engines.retain(|engine| engine.strong_count() > 0);
        environment.engines.push(Arc::downgrade(running));
    })
}

/// Replaces the sink of this environment's log.
pub(super) fn set_sink(env: &Env, sink: Option<Arc<Sink>>) -> Result<()> {
    let old = with_hook(env, |environment| std::mem::replace(&mut environment.sink, sink.clone()))?;
    if let Some(old) = old {
        log::remove_sink(&old);
    }
    if let Some(sink) = sink {
        log::add_sink(sink);
    }
    Ok(())
}

/// The sink of this environment's log.
pub(super) fn sink() -> Option<Arc<Sink>> {
    ENVIRONMENT.with_borrow(|environment| environment.sink.clone())
}

/// Stops everything this environment started.
pub(super) fn end() {
    let ended = ENVIRONMENT.take();
    if let Some(sink) = ended.sink {
        log::remove_sink(&sink);
    }
    for running in ended.engines.iter().filter_map(Weak::upgrade) {
        running.stop_and_join();
    }
}
