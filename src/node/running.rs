//! An engine together with the thread that may be stopping it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::control::error::EngineError;
use crate::control::event::{Event, Reply};
use crate::control::ids::RequestId;
use crate::control::mailbox::Mailbox;
use crate::control::options::EngineOptions;
use crate::host::Engine;

/// An engine that runs until it is stopped, once, by whoever comes first: `close()`, the garbage
/// collector or the end of the environment.
pub(super) struct Running {
    pub(super) engine: Engine,
    pub(super) mailbox: Arc<Mailbox>,
    /// Held while the engine stops, so that the second to come waits for the first.
    stopped: Mutex<bool>,
    stopper: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    pub(super) fn start(
        options: EngineOptions,
        bell: impl Fn() + Send + Sync + 'static,
    ) -> Result<Arc<Self>, EngineError> {
        let mailbox = Arc::new(Mailbox::new(bell));
        let engine = Engine::start(options, mailbox.clone())?;
        Ok(Arc::new(Self {
            engine,
            mailbox,
            stopped: Mutex::new(false),
            stopper: Mutex::new(None),
        }))
    }

    /// Says goodbye to the peers and waits for the media threads to end.
    fn stop(&self) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*stopped {
            self.engine.shutdown();
            *stopped = true;
        }
    }

    /// Stops on a thread of its own, so that JavaScript does not wait for the media threads;
    /// answers `request` afterwards.
    pub(super) fn stop_in_background(self: &Arc<Self>, request: Option<RequestId>) {
        let running = self.clone();
        let stop = move || {
            running.stop();
            if let Some(request) = request {
                running.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
            }
        };
        match std::thread::Builder::new().name("medialoom-stop".into()).spawn(stop.clone()) {
            Ok(handle) => {
                let mut stopper = self.stopper.lock().unwrap_or_else(PoisonError::into_inner);
                *stopper = Some(handle);
            }
            // Out of threads: better slow than never.
            Err(_) => stop(),
        }
    }

    /// Stops and leaves no thread behind.
    pub(super) fn stop_and_join(&self) {
        self.stop();
        let stopper = self.stopper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(stopper) = stopper {
            // A panic was reported where it happened.
            let _ = stopper.join();
        }
    }
}
