//! The loop over all clients: one thread, one socket a client.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use crate::client::{Arrival, Client, Outgoing};
use crate::parent::Parent;
use crate::plan::{Distribution, Instruction, Plan, Report};
use crate::readiness::Readiness;
use crate::socket::RECEIVE_BUFFER;
use crate::window::Window;

const PARENT: u64 = u64::MAX;
const JOIN_DEADLINE: Duration = Duration::from_secs(60);

pub struct Clients {
    plan: Plan,
    clients: Vec<Client>,
    /// Receivers of each client's audio and video.
    audience: Vec<(usize, usize)>,
    /// When clients want to be called; an entry that is not the client's `scheduled` is stale.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    scheduled: Vec<Instant>,
    joined: Vec<bool>,
    joining: usize,
    ready: bool,
    started: Instant,
    /// How long it took until everybody had something.
    all_joined: Option<Duration>,
    window: Option<Window>,
    arrivals: Vec<Arrival>,
}

impl Clients {
    pub fn new(plan: Plan) -> Clients {
        let mut audience = vec![(0, 0); plan.clients.len()];
        for client in &plan.clients {
            client.hears.iter().for_each(|&source| audience[source].0 += 1);
            client.sees.iter().for_each(|&source| audience[source].1 += 1);
        }
        Clients {
            clients: Vec::with_capacity(plan.clients.len()),
            plan,
            audience,
            timers: BinaryHeap::new(),
            scheduled: Vec::new(),
            joined: Vec::new(),
            joining: 0,
            ready: false,
            started: Instant::now(),
            all_joined: None,
            window: None,
            arrivals: Vec::new(),
        }
    }

    /// Runs until the parent closes our standard input.
    pub fn run(mut self, mut parent: Parent) -> io::Result<()> {
        let mut readiness = Readiness::new()?;
        readiness.watch(parent.descriptor(), PARENT)?;
        let mut buffer = vec![0; RECEIVE_BUFFER];
        let mut ready = Vec::new();
        loop {
            self.join(&readiness, &mut parent)?;
            let next = self.run_due();
            readiness.wait(next.saturating_duration_since(Instant::now()), &mut ready);
            for &token in &ready {
                if token == PARENT {
                    for instruction in parent.read()? {
                        self.obey(instruction)?;
                    }
                    if parent.closed() {
                        return Ok(());
                    }
                    continue;
                }
                let index = token as usize;
                self.clients[index].receive(&mut buffer, &mut self.arrivals);
                self.settle(index);
                self.publish(Instant::now());
            }
            if let Some(measured) = self.window.as_mut().and_then(Window::close) {
                self.window = None;
                parent.report(&Report::Measured(Box::new(measured)));
            }
            self.check_joined(&mut parent);
        }
    }

    fn join(&mut self, readiness: &Readiness, parent: &mut Parent) -> io::Result<()> {
        while self.joining < self.plan.concurrent_joins
            && self.clients.len() < self.plan.clients.len()
        {
            let index = self.clients.len();
            let now = Instant::now();
            let (client, sdp) = Client::offer(index, &self.plan.clients[index], now)?;
            readiness.watch(client.socket.descriptor(), index as u64)?;
            self.clients.push(client);
            self.scheduled.push(now);
            self.joined.push(false);
            self.timers.push(Reverse((now, index)));
            self.joining += 1;
            parent.report(&Report::Offer { client: index, sdp });
        }
        Ok(())
    }

    fn obey(&mut self, instruction: Instruction) -> io::Result<()> {
        match instruction {
            Instruction::Answer { client, sdp } => {
                self.clients[client].answer(&sdp, Instant::now(), &mut self.arrivals)?;
                self.settle(client);
            }
            Instruction::Measure { milliseconds } => self.window = Some(Window::open(milliseconds)),
        }
        Ok(())
    }

    /// Sends and wakes what is due; gives the time of what is due next.
    fn run_due(&mut self) -> Instant {
        let now = Instant::now();
        let next = self.publish(now);
        while let Some(&Reverse((at, index))) = self.timers.peek() {
            if at > now {
                return next.min(at);
            }
            self.timers.pop();
            if at != self.scheduled[index] {
                continue;
            }
            if self.clients[index].timeout <= now {
                self.clients[index].wake(now, &mut self.arrivals);
                // str0m may ask for a moment that has passed; come back after the others.
                self.clients[index].timeout =
                    self.clients[index].timeout.max(now + Duration::from_millis(1));
            }
            self.scheduled[index] = self.clients[index].timeout;
            if !self.clients[index].closed {
                self.timers.push(Reverse((self.scheduled[index], index)));
            }
            self.settle(index);
        }
        next
    }

    fn publish(&mut self, now: Instant) -> Instant {
        let mut next = now + Duration::from_millis(100);
        for index in 0..self.clients.len().min(self.plan.clients.len()) {
            let Some(due) = self.clients[index].next_publication() else { continue };
            if due <= now {
                let (audio, video) = self.clients[index].publish(now, &mut self.arrivals);
                let (listeners, viewers) = self.audience[index];
                if let Some(window) = &mut self.window {
                    window.sent(audio, listeners);
                    window.sent(video, viewers);
                }
                self.settle(index);
            }
            next = next.min(self.clients[index].next_publication().unwrap_or(next));
        }
        next
    }

    /// After a client was called: its arrivals are counted, its timer moves.
    fn settle(&mut self, index: usize) {
        if let Some(window) = &mut self.window {
            self.arrivals.iter().for_each(|arrival| window.received(index, arrival));
        }
        self.arrivals.clear();
        let client = &self.clients[index];
        if client.timeout < self.scheduled[index] {
            self.scheduled[index] = client.timeout;
            self.timers.push(Reverse((client.timeout, index)));
        }
        if !self.joined[index] && client.connected.is_some() && !self.misses(index, false) {
            self.joined[index] = true;
            self.joining -= 1;
        }
    }

    /// Whether something is sent to it already of which nothing came: video if that is asked, else
    /// anything at all. Video takes longer, as it begins with a keyframe.
    fn misses(&self, index: usize, video: bool) -> bool {
        let plan = &self.plan.clients[index];
        let sends = |source: usize, outgoing: fn(&Client) -> &Option<Outgoing>| {
            let outgoing = self.clients.get(source).and_then(|client| outgoing(client).as_ref());
            outgoing.is_some_and(|outgoing| outgoing.cadence.is_some())
        };
        let hears = plan.hears.iter().any(|&source| sends(source, |client| &client.audio));
        let sees = plan.sees.iter().any(|&source| sends(source, |client| &client.video));
        let client = &self.clients[index];
        if video {
            sees && client.first_video.is_none()
        } else {
            (hears || sees) && client.first_media.is_none()
        }
    }

    fn check_joined(&mut self, parent: &mut Parent) {
        if self.ready {
            return;
        }
        let joined = self.joined.iter().filter(|joined| **joined).count();
        let all = self.plan.clients.len();
        if joined == all {
            self.all_joined.get_or_insert_with(|| self.started.elapsed());
        }
        if let Some(elapsed) = self.all_joined.filter(|_| (0..all).all(|i| !self.misses(i, true))) {
            self.ready = true;
            let times = |of: fn(&Client) -> Option<Duration>| {
                let times = self.clients.iter().filter_map(of);
                Distribution::of(times.map(|time| time.as_nanos() as u64).collect())
            };
            parent.report(&Report::Ready {
                connected: times(|client| client.connected),
                media: times(|client| client.first_media),
                video: times(|client| client.first_video),
                rate: joined as f64 / elapsed.as_secs_f64(),
            });
        } else if self.started.elapsed() > JOIN_DEADLINE {
            self.ready = true;
            let reason =
                format!("{joined} of {all} clients joined and saw what they should in time");
            parent.report(&Report::Failed { reason });
        }
    }
}
