//! Servers that media are fetched from by RTSP, all of an endpoint on one thread, so that what they
//! send never waits in front of other media.

mod camera;
mod fetcher;
mod goodbye;
mod link;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use mio::Waker;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::error::HostError;
use super::media_threads::Outside;
use super::tls::Authority;
use crate::control::error::EngineError;
use crate::control::ids::{Ended, Ids, InputId, RequestId, ShardIndex};
use crate::control::mailbox::Mailbox;
use crate::control::rtsp::{RtspCommand, RtspOptions, RtspTransport};
use crate::engine::message::ShardMessage;
use crate::engine::rtsp::{Parts, Pull, PullError};
use crate::engine::tap::Inlet;
use crate::ingest::rtsp::{Credentials, Url};
use camera::Camera;
use fetcher::{Fetcher, Left, Order};

/// Commands that may wait for the thread.
const MAX_ORDERS: usize = 4_096;

pub(super) struct Fetching {
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    shards: usize,
    /// Inputs there ever were: they take turns with the shards.
    made: AtomicUsize,
    thread: Arc<FetchingThread>,
}

/// The thread, once something is fetched.
#[derive(Default)]
pub(super) struct FetchingThread(Mutex<Option<Handle>>);

struct Handle {
    orders: mpsc::Sender<Order>,
    waker: Waker,
    left: Arc<Mutex<Left>>,
    thread: Option<JoinHandle<()>>,
}

impl Fetching {
    pub(super) fn new(
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        shards: usize,
        thread: Arc<FetchingThread>,
    ) -> Self {
        Self { ids, mailbox, outside, shards, made: AtomicUsize::new(0), thread }
    }

    /// The reply to `opening` says whether the server sends.
    pub(super) fn create(
        &self,
        opening: RequestId,
        options: RtspOptions,
    ) -> Result<InputId, EngineError> {
        let (url, own) = Url::parse(&options.url).map_err(PullError::from)?;
        let given = options.user.clone().map(|user| Credentials {
            user,
            password: options.password.clone().unwrap_or_default(),
        });
        let trust = options.trust.as_ref().filter(|_| url.secure);
        let authority = trust.map(Authority::new).transpose()?;
        if url.secure && (authority.is_none() || options.transport == RtspTransport::Udp) {
            return Err(PullError::Unprotected.into());
        }
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let id = InputId::new(&self.ids, ShardIndex((made % self.shards) as u8));
        // What shards leave is looked at with whatever comes next.
        let (inlet, _) = Inlet::new(|| {});
        let pull = Pull::new(Parts {
            id,
            ids: Arc::clone(&self.ids),
            mailbox: Arc::clone(&self.mailbox),
            shards: self.outside.clone(),
            inlet,
            mix_b_frames: options.mix_b_frames,
        });
        let outlets = (Arc::clone(&self.mailbox), pull);
        let whom = (url, given.or(own), authority);
        let camera = Camera::new(Instant::now(), id, opening, options, whom, outlets);
        self.order(Order::Open(Box::new(camera)))?;
        Ok(id)
    }

    pub(super) fn command(&self, command: RtspCommand) -> Result<(), EngineError> {
        self.order(Order::Command(command))
    }

    fn order(&self, order: Order) -> Result<(), EngineError> {
        let mut thread = self.thread.lock();
        let handle = match &mut *thread {
            Some(handle) => handle,
            none => none.insert(self.start()?),
        };
        handle.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => HostError::CallsWaitForServer { calls: MAX_ORDERS },
            TrySendError::Closed(_) => HostError::EndpointClosed,
        })?;
        handle.wake();
        Ok(())
    }

    fn start(&self) -> Result<Handle, EngineError> {
        let (sender, orders) = mpsc::channel(MAX_ORDERS);
        let left = Arc::<Mutex<Left>>::default();
        let made = Fetcher::new(Arc::clone(&self.mailbox), orders, Arc::clone(&left));
        let (fetcher, waker) = made.map_err(HostError::IngestThread)?;
        let thread = std::thread::Builder::new()
            .name("medialoom-rtsp".to_owned())
            .spawn(move || fetcher.run())
            .map_err(HostError::IngestThread)?;
        Ok(Handle { orders: sender, waker, left, thread: Some(thread) })
    }

    /// Ends all inputs and waits for the thread.
    pub(super) fn shutdown(&self) {
        let handle = self.thread.lock().take();
        let Some(mut handle) = handle else { return };
        handle.leave(|left| left.stop = true);
        // Its waker lives until the thread is gone: a closed one wakes nobody any more.
        if let Some(thread) = handle.thread.take() {
            // A panic was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl FetchingThread {
    /// A shard lost all it had, tracks of inputs among it.
    pub(super) fn thread_ended(&self, ended: Ended) {
        if let Some(handle) = &*self.lock() {
            handle.leave(|left| left.ended.push(ended));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    fn leave(&self, what: impl FnOnce(&mut Left)) {
        what(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake();
    }

    fn wake(&self) {
        // It fails when the poller is gone, and the thread with it.
        let _ = self.waker.wake();
    }
}
