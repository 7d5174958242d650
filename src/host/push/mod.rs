//! What tracks are pushed to by RTMP and SRT, each on a thread of its own: what waits for a link waits
//! there.

mod output;
mod rtmp;
mod srt;
#[cfg(test)]
mod tests;
mod watchers;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Poll, Waker};
use tokio::sync::mpsc;

use super::error::HostError;
use super::media_threads::Outside;
use super::tls::Trust;
use crate::control::error::EngineError;
use crate::control::ids::{Ended, IdMap, Ids, OutputId, RequestId, ShardIndex, SourceId};
use crate::control::ingest::{OutputCommand, RtmpOutputOptions, SrtOutputOptions};
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::engine::push::{Parts, PushError, RtmpPush, StreamPush};
use crate::engine::tap::Inlet;
use output::{Carrier, Output, OutputParts, WAKE};
use rtmp::RtmpCarrier;
use srt::SrtCarrier;

/// Outputs of one endpoint.
const MAX_OUTPUTS: usize = 64;
/// Commands that may wait for one.
const MAX_COMMANDS: usize = 64;

pub(super) struct Outputs {
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    known: Arc<KnownOutputs>,
}

/// The outputs there are.
#[derive(Default)]
pub(super) struct KnownOutputs(Mutex<IdMap<OutputId, Handle>>);

struct Handle {
    commands: mpsc::Sender<OutputCommand>,
    inlet: Arc<Inlet>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Outputs {
    pub(super) fn new(
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        known: Arc<KnownOutputs>,
    ) -> Self {
        Self { ids, mailbox, outside, known }
    }

    /// Pushes by RTMP. The reply to `opening` says whether the server takes it.
    pub(super) fn create(
        &self,
        opening: RequestId,
        options: &RtmpOutputOptions,
    ) -> Result<OutputId, EngineError> {
        let mut known = self.room()?;
        let trust = options.tls.as_ref().map(Trust::new).transpose()?;
        let reconnect = Duration::from_secs(options.reconnect.into());
        self.begin(&mut known, (opening, reconnect), (options.audio, options.video), |parts| {
            let push = RtmpPush::new(parts, options);
            Ok(RtmpCarrier::new(push, options.address, trust))
        })
    }

    /// Sends by SRT. The reply to `opening` says whether the other end takes it; where it is listened,
    /// that it is. Gives the port.
    pub(super) fn create_srt(
        &self,
        opening: RequestId,
        options: &SrtOutputOptions,
    ) -> Result<(OutputId, u16), EngineError> {
        let mut known = self.room()?;
        let bound = srt::bind(options)
            .and_then(|socket| socket.local_addr().map(|address| (socket, address.port())));
        let (socket, port) = bound.map_err(|error| {
            if options.listen {
                HostError::Listen { address: options.address, error }.into()
            } else {
                EngineError::from(PushError::Connection(error))
            }
        })?;
        let reconnect = Duration::from_secs(options.reconnect.into());
        let made =
            self.begin(&mut known, (opening, reconnect), (options.audio, options.video), |parts| {
                SrtCarrier::new(StreamPush::new(parts), socket, options)
            });
        made.map(|id| (id, port))
    }

    /// The outputs there are, if there is room for one more.
    fn room(&self) -> Result<MutexGuard<'_, IdMap<OutputId, Handle>>, EngineError> {
        let mut known = self.known.lock();
        known.retain(|_, handle| !handle.commands.is_closed());
        if known.len() >= MAX_OUTPUTS {
            return Err(HostError::OutputLimit(MAX_OUTPUTS).into());
        }
        Ok(known)
    }

    /// Has an output run on a thread of its own, with the carrier that `make` gives.
    fn begin<C: Carrier + Send + 'static>(
        &self,
        known: &mut IdMap<OutputId, Handle>,
        (opening, reconnect): (RequestId, Duration),
        (audio, video): (Option<SourceId>, Option<SourceId>),
        make: impl FnOnce(Parts<Outside<ShardMessage>>) -> io::Result<C>,
    ) -> Result<OutputId, EngineError> {
        let id = OutputId::new(&self.ids, ShardIndex(0));
        let poll = Poll::new().map_err(HostError::IngestThread)?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(HostError::IngestThread)?;
        let waker = Arc::new(waker);
        let (inlet, packets) = Inlet::new({
            let waker = Arc::clone(&waker);
            move || {
                // It fails when the poller is gone, and the thread with it.
                let _ = waker.wake();
            }
        });
        let shards = self.outside.clone();
        let parts = Parts { id, shards, inlet: Arc::clone(&inlet), packets, audio, video };
        let carrier = make(parts).map_err(HostError::IngestThread)?;
        let (sender, commands) = mpsc::channel(MAX_COMMANDS);
        let mailbox = Arc::clone(&self.mailbox);
        let parts = OutputParts { id, mailbox, commands, opening, reconnect };
        let output = Output::new(parts, carrier);
        let thread = std::thread::Builder::new()
            .name("medialoom-push".to_owned())
            .spawn(move || output.run(poll))
            .map_err(HostError::IngestThread)?;
        known.insert(id, Handle { commands: sender, inlet, waker, thread: Some(thread) });
        Ok(id)
    }

    pub(super) fn command(
        &self,
        output: OutputId,
        command: OutputCommand,
    ) -> Result<(), EngineError> {
        let known = self.known.lock();
        let handle = known.get(&output).ok_or(HostError::OutputClosed)?;
        handle.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                HostError::CallsWaitForServer { calls: MAX_COMMANDS }
            }
            mpsc::error::TrySendError::Closed(_) => HostError::OutputClosed,
        })?;
        let _ = handle.waker.wake();
        Ok(())
    }

    /// Ends all of them and waits for their threads.
    pub(super) fn shutdown(&self) {
        let handles: Vec<Handle> = self.known.lock().drain().map(|(_, handle)| handle).collect();
        let mut threads = Vec::new();
        for Handle { commands, waker, thread, .. } in handles {
            // A closed channel is the end.
            drop(commands);
            let _ = waker.wake();
            threads.push((thread, waker));
        }
        for (thread, _waker) in threads {
            if let Some(thread) = thread {
                // A panic was reported where it happened.
                let _ = thread.join();
            }
        }
    }
}

impl KnownOutputs {
    /// A shard lost all it had: tracks that are pushed from there.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().values() {
            handle.inlet.thread_ended(ended);
        }
    }

    fn lock(&self) -> MutexGuard<'_, IdMap<OutputId, Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
