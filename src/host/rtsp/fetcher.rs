//! The thread that fetches: sockets of all servers, and what JavaScript says of them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use tokio::sync::mpsc;

use super::camera::{Camera, Place, Turn};
use super::goodbye::Goodbyes;
use super::link::TOKENS;
use crate::control::event::{Event, Reply};
use crate::control::ids::{Ended, InputId, RequestId};
use crate::control::mailbox::Mailbox;
use crate::control::rtsp::RtspCommand;
use crate::engine::rtsp::PullError;
use crate::host::error::HostError;

/// How often cameras are looked at whose time may have come.
const SWEEP: Duration = Duration::from_millis(20);
/// Bytes read by one call.
const READ: usize = 64 * 1024;
/// How long servers have to hear that the endpoint closes.
const LAST_WORDS: Duration = Duration::from_millis(100);
const EVENTS: usize = 1_024;
const WAKE: Token = Token(0);

/// What others leave for the thread, beside commands.
#[derive(Default)]
pub(super) struct Left {
    /// Media threads that ended.
    pub(super) ended: Vec<Ended>,
    /// The endpoint closes.
    pub(super) stop: bool,
}

/// What the thread is told.
pub(super) enum Order {
    Open(Box<Camera>),
    Command(RtspCommand),
}

/// See the module.
pub(super) struct Fetcher {
    poll: Poll,
    mailbox: Arc<Mailbox>,
    orders: mpsc::Receiver<Order>,
    left: Arc<Mutex<Left>>,
    /// By the first of their tokens.
    cameras: HashMap<usize, Camera>,
    inputs: HashMap<InputId, usize>,
    /// Cameras with something to do.
    ready: VecDeque<usize>,
    goodbyes: Goodbyes,
    next: usize,
    swept: Instant,
    buffer: Box<[u8]>,
}

impl Fetcher {
    /// Ready to run; what gets it to look comes with it. Errors: when the system has no poller.
    pub(super) fn new(
        mailbox: Arc<Mailbox>,
        orders: mpsc::Receiver<Order>,
        left: Arc<Mutex<Left>>,
    ) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let fetcher = Self {
            poll,
            mailbox,
            orders,
            left,
            cameras: HashMap::new(),
            inputs: HashMap::new(),
            ready: VecDeque::new(),
            goodbyes: Goodbyes::default(),
            next: TOKENS,
            swept: Instant::now(),
            buffer: vec![0; READ].into_boxed_slice(),
        };
        Ok((fetcher, waker))
    }

    /// Runs until the endpoint closes.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let idle = self.cameras.is_empty() && self.goodbyes.is_empty();
            let timeout = match (self.ready.is_empty(), idle) {
                (false, _) => Some(Duration::ZERO),
                (true, false) => Some(SWEEP),
                (true, true) => None,
            };
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return self.stop(Instant::now());
            }
            for event in &events {
                let Token(token) = event.token();
                self.list(token - token % TOKENS);
            }
            let now = Instant::now();
            if self.turn(now) {
                return self.stop(now);
            }
        }
    }

    /// One turn of everything that has something to do. Gives whether it is the last.
    fn turn(&mut self, now: Instant) -> bool {
        let left = {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            Left { ended: std::mem::take(&mut left.ended), stop: left.stop }
        };
        left.ended.into_iter().for_each(|ended| self.thread_ended(now, ended));
        if left.stop {
            return true;
        }
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Open(camera) => self.open(now, *camera),
                Order::Command(command) => self.command(now, command),
            }
        }
        for _ in 0..self.ready.len() {
            let Some(token) = self.ready.pop_front() else { break };
            if let Some(camera) = self.cameras.get_mut(&token) {
                camera.listed = false;
            }
            self.with(now, token, |camera, place, buffer| camera.run(now, place, buffer));
        }
        if now.saturating_duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.goodbyes.run(now, &mut self.buffer);
            let tokens: Vec<usize> = self.cameras.keys().copied().collect();
            for token in tokens {
                self.with(now, token, |camera, place, _| camera.sweep(now, place));
            }
        }
        false
    }

    fn list(&mut self, token: usize) {
        if let Some(camera) = self.cameras.get_mut(&token)
            && !std::mem::replace(&mut camera.listed, true)
        {
            self.ready.push_back(token);
        }
    }

    /// Runs something on a camera: what its server sends ends it and nobody else.
    fn with(
        &mut self,
        now: Instant,
        token: usize,
        action: impl FnOnce(&mut Camera, Place<'_>, &mut [u8]) -> Turn,
    ) {
        let Self { cameras, poll, buffer, .. } = self;
        let Some(camera) = cameras.get_mut(&token) else { return };
        let place = Place { registry: poll.registry(), token };
        let turn = catch_unwind(AssertUnwindSafe(|| action(camera, place, buffer)));
        let left = std::mem::take(&mut camera.left);
        left.into_iter().for_each(|socket| self.goodbyes.add(now, socket));
        match turn {
            Ok(Turn::Idle) => {}
            Ok(Turn::More) => self.list(token),
            Ok(Turn::Over) => self.remove(token),
            Err(_) => {
                if let Some(camera) = self.cameras.get_mut(&token) {
                    let give_up = || camera.give_up(now, PullError::Failed);
                    let _ = catch_unwind(AssertUnwindSafe(give_up));
                }
                self.remove(token);
            }
        }
    }

    fn remove(&mut self, token: usize) {
        if let Some(camera) = self.cameras.remove(&token) {
            self.inputs.remove(&camera.id);
        }
    }

    fn open(&mut self, now: Instant, camera: Camera) {
        let token = self.next;
        self.next += TOKENS;
        self.inputs.insert(camera.id, token);
        self.cameras.insert(token, camera);
        self.with(now, token, |camera, place, _| camera.sweep(now, place));
    }

    fn command(&mut self, now: Instant, command: RtspCommand) {
        use RtspCommand as C;
        match command {
            C::Resolved { input, question, addresses } => {
                if let Some(token) = self.inputs.get(&input).copied() {
                    self.with(now, token, |camera, place, _| {
                        camera.resolved(now, place, question, addresses)
                    });
                }
            }
            C::ListenLevels { input, track, listen } => {
                if let Some(camera) = self.camera_mut(input) {
                    camera.listen_levels(now, track, listen);
                }
            }
            C::Stats { input, request } => match self.camera_mut(input) {
                Some(camera) => camera.answer_stats(now, request),
                None => self.answer(request, Err(HostError::InputClosed.into())),
            },
            C::Close { input, request } => {
                if let Some(token) = self.inputs.get(&input).copied() {
                    self.with(now, token, |camera, _, _| {
                        camera.close(now);
                        Turn::Over
                    });
                }
                self.answer(request, Ok(Reply::Done));
            }
        }
    }

    fn answer(
        &self,
        request: RequestId,
        result: Result<Reply, crate::control::error::EngineError>,
    ) {
        self.mailbox.post(Event::Reply { request, result });
    }

    fn camera_mut(&mut self, input: InputId) -> Option<&mut Camera> {
        self.cameras.get_mut(self.inputs.get(&input)?)
    }

    fn thread_ended(&mut self, now: Instant, ended: Ended) {
        let lost = self.inputs.iter().filter(|(input, _)| input.ended_with(ended));
        let lost: Vec<usize> = lost.map(|(_, token)| *token).collect();
        for token in lost {
            self.with(now, token, |camera, _, _| {
                camera.give_up(now, PullError::ThreadFailed(ended.shard));
                Turn::Over
            });
        }
    }

    fn stop(mut self, now: Instant) {
        self.orders.close();
        for camera in self.cameras.values_mut() {
            let _ = catch_unwind(AssertUnwindSafe(|| camera.close(now)));
            camera.left.drain(..).for_each(|socket| self.goodbyes.add(now, socket));
        }
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Open(mut camera) => camera.give_up(now, PullError::Ended),
                Order::Command(RtspCommand::Stats { request, .. }) => {
                    self.answer(request, Err(HostError::InputClosed.into()));
                }
                Order::Command(RtspCommand::Close { request, .. }) => {
                    self.answer(request, Ok(Reply::Done));
                }
                Order::Command(_) => {}
            }
        }
        let last = now + LAST_WORDS;
        while !self.goodbyes.is_empty() && Instant::now() < last {
            self.goodbyes.run(now, &mut self.buffer);
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
