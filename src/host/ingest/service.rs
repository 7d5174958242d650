//! The thread of one way in, whatever it speaks: what wakes it, what JavaScript says of its inputs, and
//! its end.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use tokio::sync::mpsc;

use super::desk::{Desk, HostInput};
use crate::control::event::{CloseReason, Event};
use crate::control::ids::{Ended, InputId, RequestId};
use crate::control::ingest::IngestCommand;
use crate::engine::ingest::InputError;
use crate::host::error::HostError;

const EVENTS: usize = 1_024;
/// What a protocol listens or calls on, and what others wake it by.
pub(super) const SOCKET: Token = Token(0);
pub(super) const WAKE: Token = Token(1);

/// Why an input is over.
pub(super) type End = (CloseReason, Option<InputError>);

/// What JavaScript says to somebody who asked.
pub(super) enum Answer {
    Accepted,
    /// With the words of RTMP.
    Refused(String),
    /// With a code of SRT.
    Rejected(u16),
}

/// Who comes in by one protocol.
pub(super) trait Protocol {
    fn desk(&self) -> &Desk;

    /// How long nothing has to be done; `None`: until something comes.
    fn timeout(&self, now: Instant) -> Option<Duration>;

    /// Something came, as far as the system says.
    fn wake(&mut self, token: Token);

    /// Does what there is to do. Whether it is over by itself.
    fn turn(&mut self, now: Instant) -> ControlFlow<()>;

    /// Answers somebody who asked, if he still does.
    fn answer(&mut self, now: Instant, input: InputId, answer: Answer);

    /// An input that was let in, with what its link does where it has one to tell of.
    fn input_mut(&mut self, input: InputId) -> Option<&mut HostInput>;

    /// All who publish or ask to.
    fn inputs(&self) -> Vec<InputId>;

    /// Ends an input from this side: who publishes is told.
    fn dismiss(&mut self, now: Instant, input: InputId, end: End);

    /// Ends everything.
    fn end(&mut self, end: End);
}

/// What others leave for the thread, beside commands.
#[derive(Default)]
pub(super) struct Left {
    /// Media threads that ended.
    pub(super) ended: Vec<Ended>,
    /// The endpoint closes.
    pub(super) stop: bool,
}

/// See the module.
pub(super) struct Service<P> {
    pub(super) protocol: P,
    pub(super) poll: Poll,
    pub(super) commands: mpsc::Receiver<IngestCommand>,
    pub(super) left: Arc<Mutex<Left>>,
}

/// Why the thread ends.
enum Ending {
    /// By itself.
    Over,
    /// With who waits for it.
    Closed(Option<RequestId>),
    Failed(HostError),
}

impl<P: Protocol> Service<P> {
    /// Runs until it is closed, or over.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let ending = loop {
            let timeout = self.protocol.timeout(Instant::now());
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    break Ending::Failed(HostError::IngestThread(error));
                }
                _ => {}
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.protocol.wake(event.token());
            }
            let now = Instant::now();
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(now)));
            match turn {
                Ok(None) => {}
                Ok(Some(ending)) => break ending,
                Err(_) => break Ending::Failed(HostError::IngestFailed),
            }
        };
        self.end(ending);
    }

    fn turn(&mut self, now: Instant) -> Option<Ending> {
        let left = {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            Left { ended: std::mem::take(&mut left.ended), stop: left.stop }
        };
        for ended in left.ended {
            let mut inputs = self.protocol.inputs();
            inputs.retain(|input| input.ended_with(ended));
            for input in inputs {
                let error = Some(InputError::ThreadFailed(ended.shard));
                self.protocol.dismiss(now, input, (CloseReason::Error, error));
            }
        }
        if left.stop {
            return Some(Ending::Closed(None));
        }
        while let Ok(command) = self.commands.try_recv() {
            if let IngestCommand::Close { request } = command {
                return Some(Ending::Closed(Some(request)));
            }
            self.command(now, command);
        }
        self.protocol.turn(now).is_break().then_some(Ending::Over)
    }

    fn command(&mut self, now: Instant, command: IngestCommand) {
        use IngestCommand as C;
        match command {
            C::Answer { input, accepted: true, .. } => {
                self.protocol.answer(now, input, Answer::Accepted);
            }
            C::Answer { input, reason, .. } => {
                self.protocol.answer(now, input, Answer::Refused(reason));
            }
            C::Reject { input, code } => {
                self.protocol.answer(now, input, Answer::Rejected(code));
            }
            C::ListenLevels { input, track, listen } => {
                if let Some(input) = self.protocol.input_mut(input) {
                    input.listen_levels(track, listen);
                }
            }
            C::InputStats { input, request } => match self.protocol.input_mut(input) {
                Some(input) => input.answer_stats(request),
                None => self.protocol.desk().answer_closed(request),
            },
            C::CloseInput { input } => {
                self.protocol.dismiss(now, input, (CloseReason::Closed, None));
            }
            C::Close { .. } => {}
        }
    }

    /// The end: who publishes is told, and what listens is let go of.
    fn end(mut self, ending: Ending) {
        let (end, closing, error) = match ending {
            Ending::Over => ((CloseReason::Closed, None), None, None),
            Ending::Closed(request) => ((CloseReason::Parent, None), request, None),
            Ending::Failed(error) => {
                ((CloseReason::Error, Some(InputError::Failed)), None, Some(error))
            }
        };
        self.protocol.end(end);
        self.commands.close();
        let mut closing: Vec<RequestId> = closing.into_iter().collect();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                IngestCommand::Close { request } => closing.push(request),
                IngestCommand::InputStats { request, .. } => {
                    self.protocol.desk().answer_closed(request);
                }
                _ => {}
            }
        }
        let Self { protocol, .. } = self;
        let desk = protocol.desk();
        if let Some(error) = error {
            let server = desk.id;
            desk.mailbox.post(Event::IngestServerFailed { server, error: error.into() });
        }
        let mailbox = Arc::clone(&desk.mailbox);
        // Nothing listens any more when they hear it.
        drop(protocol);
        for request in closing {
            let result = Ok(crate::control::event::Reply::Done);
            mailbox.post(Event::Reply { request, result });
        }
    }
}
