//! The loop over all clients: one thread, one socket a client.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use crate::client::{Arrival, Client};
use crate::keys::Identity;
use crate::outgoing::Outgoing;
use crate::parent::Parent;
use crate::plan::{ClientPlan, Distribution, Instruction, Plan, Report, Totals};
use crate::readiness::Readiness;
use crate::socket::ReceiveBuffers;
use crate::stamp::Stamp;
use crate::window::Window;

const PARENT: u64 = u64::MAX;
/// How often the sockets are looked at while something is measured. Whoever sends to a process that
/// waits for a socket has to wake it, which over a network is not the server's to pay. When packets
/// came the kernel notes anyway.
const GLANCE: Duration = Duration::from_millis(1);

pub struct Clients {
    plan: Plan,
    identity: Identity,
    clients: Vec<Client>,
    /// Clients that send, and when one of them has to.
    publishers: Vec<usize>,
    next_publication: Instant,
    /// Receivers of each client's audio and video.
    audience: Vec<(usize, usize)>,
    /// When clients want to be called; an entry that is not the client's `scheduled` is stale.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    scheduled: Vec<Instant>,
    joined: Vec<bool>,
    refused: Vec<bool>,
    joining: usize,
    ready: bool,
    started: Instant,
    /// How long it took until everybody had something.
    all_joined: Option<Duration>,
    window: Option<Window>,
    arrivals: Vec<Arrival>,
    published: Vec<Stamp>,
}

impl Clients {
    pub fn new(plan: Plan) -> io::Result<Clients> {
        let mut audience = vec![(0, 0); plan.clients.len()];
        for client in &plan.clients {
            client.hears.iter().for_each(|&source| audience[source].0 += 1);
            client.sees.iter().for_each(|&source| audience[source].1 += 1);
        }
        let sends = |client: &ClientPlan| {
            [client.audio, client.video].iter().flatten().any(|sending| sending.kilobits > 0)
        };
        let publishers = (0..plan.clients.len()).filter(|&i| sends(&plan.clients[i])).collect();
        Ok(Clients {
            identity: Identity::generate()?,
            clients: Vec::with_capacity(plan.clients.len()),
            publishers,
            next_publication: Instant::now(),
            plan,
            audience,
            timers: BinaryHeap::new(),
            scheduled: Vec::new(),
            joined: Vec::new(),
            refused: Vec::new(),
            joining: 0,
            ready: false,
            started: Instant::now(),
            all_joined: None,
            window: None,
            arrivals: Vec::new(),
            published: Vec::new(),
        })
    }

    /// Runs until the parent closes our standard input.
    pub fn run(mut self, mut parent: Parent) -> io::Result<()> {
        let mut readiness = Readiness::new()?;
        readiness.watch(parent.descriptor(), PARENT)?;
        let mut buffers = ReceiveBuffers::new();
        let mut ready = Vec::new();
        loop {
            self.join(&readiness, &mut parent)?;
            let next = self.run_due()?;
            let mut patience = next.saturating_duration_since(Instant::now());
            if self.window.is_some() {
                std::thread::sleep(patience.min(GLANCE));
                patience = Duration::ZERO;
            }
            readiness.wait(patience, &mut ready);
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
                self.clients[index].receive(&mut buffers, &mut self.arrivals)?;
                self.settle(index);
                // Nobody who reads lets those who send wait.
                self.publish(Instant::now())?;
            }
            let clients = &self.clients;
            let totals = || totals(clients);
            if let Some(mut measured) = self.window.as_mut().and_then(|window| window.close(totals))
            {
                let worst = clients.iter().filter_map(|client| client.first_seconds.worst());
                measured.first_seconds = Distribution::of(worst.collect());
                self.window = None;
                parent.report(&Report::Measured(Box::new(measured)));
            }
            self.check_joined(&mut parent);
        }
    }

    fn join(&mut self, readiness: &Readiness, parent: &mut Parent) -> io::Result<()> {
        while self.joining < self.plan.concurrent_joins
            && self.clients.len() < self.plan.clients.len()
            && (self.clients.len() < self.plan.leaders || self.have_leaders_joined())
        {
            let index = self.clients.len();
            let now = Instant::now();
            let plan = &self.plan.clients[index];
            let (client, sdp) = Client::offer(index, plan, self.plan.address, &self.identity, now)?;
            readiness.watch(client.socket.descriptor(), index as u64)?;
            self.clients.push(client);
            self.scheduled.push(now);
            self.joined.push(false);
            self.refused.push(false);
            self.timers.push(Reverse((now, index)));
            self.joining += 1;
            parent.report(&Report::Offer { client: index, sdp });
        }
        Ok(())
    }

    fn have_leaders_joined(&self) -> bool {
        (0..self.plan.leaders).all(|index| self.joined[index] || self.refused[index])
    }

    fn obey(&mut self, instruction: Instruction) -> io::Result<()> {
        match instruction {
            Instruction::Answer { client, sdp } => {
                self.clients[client].answer(&sdp, Instant::now())?;
                self.settle(client);
            }
            Instruction::Refused { client } => {
                self.refused[client] = true;
                self.joining -= 1;
            }
            Instruction::Measure { milliseconds } => {
                let (count, totals) = (self.clients.len(), totals(&self.clients));
                self.window = Some(Window::open(milliseconds, count, totals));
            }
        }
        Ok(())
    }

    /// Sends and wakes what is due; gives the time of what is due next.
    fn run_due(&mut self) -> io::Result<Instant> {
        let now = Instant::now();
        let next = self.publish(now)?.min(now + Duration::from_millis(100));
        while let Some(&Reverse((at, index))) = self.timers.peek() {
            if at > now {
                return Ok(next.min(at));
            }
            self.timers.pop();
            if at != self.scheduled[index] {
                continue;
            }
            if self.clients[index].timeout <= now {
                self.clients[index].wake(now)?;
            }
            self.scheduled[index] = self.clients[index].timeout;
            if !self.clients[index].closed {
                self.timers.push(Reverse((self.scheduled[index], index)));
            }
            self.settle(index);
        }
        Ok(next)
    }

    /// Sends what is due; gives when there is something next.
    fn publish(&mut self, now: Instant) -> io::Result<Instant> {
        if self.next_publication > now {
            return Ok(self.next_publication);
        }
        let mut next = now + Duration::from_millis(100);
        for &index in &self.publishers {
            let Some(client) = self.clients.get_mut(index) else { break };
            let Some(due) = client.next_publication() else { continue };
            if due <= now {
                client.publish(now, &mut self.published)?;
                let (listeners, viewers) = self.audience[index];
                for stamp in self.published.drain(..) {
                    let receivers = if stamp.is_video() { viewers } else { listeners };
                    if let Some(window) = &mut self.window {
                        window.sent(&stamp, receivers);
                    }
                }
            }
            next = next.min(client.next_publication().unwrap_or(next));
        }
        self.next_publication = next;
        Ok(next)
    }

    /// After a client was called: its arrivals are counted, its timer moves.
    fn settle(&mut self, index: usize) {
        if let Some(window) = &mut self.window {
            self.arrivals.iter().for_each(|arrival| window.received(index, arrival));
        }
        self.arrivals.clear();
        let client = &self.clients[index];
        if let Some(due) = client.next_publication() {
            self.next_publication = self.next_publication.min(due);
        }
        if client.timeout < self.scheduled[index] {
            self.scheduled[index] = client.timeout;
            self.timers.push(Reverse((client.timeout, index)));
        }
        if !self.joined[index]
            && !self.refused[index]
            && client.connected.is_some()
            && !self.misses(index, false)
        {
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
            let sends = hears || sees || plan.strange_audio + plan.strange_video > 0;
            sends && client.first_media.is_none()
        }
    }

    fn check_joined(&mut self, parent: &mut Parent) {
        if self.ready {
            return;
        }
        let joined = self.joined.iter().filter(|joined| **joined).count();
        let all = self.plan.clients.len();
        let refused = self.refused.iter().filter(|refused| **refused).count();
        if joined > 0 && joined + refused == all {
            self.all_joined.get_or_insert_with(|| self.started.elapsed());
        }
        let late = self.started.elapsed() > Duration::from_secs(self.plan.patience_seconds);
        let complete = self
            .all_joined
            .filter(|_| (0..all).all(|index| self.refused[index] || !self.misses(index, true)));
        let enough = late && self.plan.partial && joined > 0;
        if let Some(elapsed) = complete.or(enough.then(|| self.started.elapsed())) {
            self.ready = true;
            let times = |of: fn(&Client) -> Option<Duration>| {
                let times = self.clients.iter().filter_map(of);
                Distribution::of(times.map(|time| time.as_nanos() as u64).collect())
            };
            parent.report(&Report::Ready {
                connected: times(|client| client.connected),
                media: times(|client| client.first_media),
                video: times(|client| client.first_video),
                keyframe: times(|client| client.first_keyframe),
                rate: joined as f64 / elapsed.as_secs_f64(),
                joined,
            });
        } else if late || refused == all {
            self.ready = true;
            let reason =
                format!("{joined} of {all} clients joined and saw what they should in time");
            parent.report(&Report::Failed { reason });
        }
    }
}

/// What all of them received so far.
fn totals(clients: &[Client]) -> Totals {
    clients.iter().map(Client::totals).sum()
}
