//! One server that media are fetched from, through all its connections: where it stands, and what comes next.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use mio::Registry;
use mio::net::TcpStream;

use super::link::{Link, Turn as LinkTurn};
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{InputId, RequestId};
use crate::control::mailbox::Mailbox;
use crate::control::rtsp::{RtspOptions, RtspState, RtspStats, RtspTransport};
use crate::engine::message::ShardMessage;
use crate::engine::rtsp::{Pull, PullError};
use crate::host::backoff::Backoff;
use crate::host::media_threads::Outside;
use crate::host::outward::may_ask;
use crate::host::tls::Authority;
use crate::ingest::rtsp::{Client, Credentials, RtspError, Url};

/// How often one server sends on to another.
const MAX_REDIRECTS: u8 = 4;
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// What a turn comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It waits for its sockets, or for its time.
    Idle,
    /// There is more to read.
    More,
    /// It is over.
    Over,
}

/// See the module.
pub(super) struct Camera {
    pub(super) id: InputId,
    options: RtspOptions,
    mailbox: Arc<Mailbox>,
    pull: Pull<Outside<ShardMessage>>,
    url: Url,
    credentials: Option<Credentials>,
    /// Whom it believes, where it is asked in TLS.
    authority: Option<Authority>,
    /// Who waits for the first connection.
    opening: Option<RequestId>,
    phase: Phase,
    /// Where it is now, after it was sent on.
    at: Url,
    redirects: u8,
    /// Of names that were asked for: an answer to an earlier one says nothing.
    question: u32,
    addresses: VecDeque<SocketAddr>,
    udp: bool,
    /// Since media last came. `None`: what ends is over.
    backoff: Option<Backoff>,
    connections: u64,
    stalls: u64,
    /// It was told that nothing comes, and nothing has come since.
    silent: bool,
    state: RtspState,
    /// Connections that it left.
    pub(super) left: Vec<TcpStream>,
    /// Listed for the next turn.
    pub(super) listed: bool,
}

enum Phase {
    Resolving { until: Instant },
    Talking(Box<Link>),
    Waiting { until: Instant },
}

/// Where the sockets of a camera are waited for.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) registry: &'a Registry,
    /// The first of its tokens.
    pub(super) token: usize,
}

impl Camera {
    /// Begins at once. The reply to `opening` says whether the server sends.
    pub(super) fn new(
        now: Instant,
        id: InputId,
        opening: RequestId,
        options: RtspOptions,
        (url, credentials, authority): (Url, Option<Credentials>, Option<Authority>),
        (mailbox, pull): (Arc<Mailbox>, Pull<Outside<ShardMessage>>),
    ) -> Self {
        let udp = options.transport == RtspTransport::Udp;
        Self {
            id,
            mailbox,
            pull,
            at: url.clone(),
            url,
            credentials,
            authority,
            opening: Some(opening),
            phase: Phase::Waiting { until: now },
            redirects: 0,
            question: 0,
            addresses: VecDeque::new(),
            udp,
            backoff: options.reconnect.map(Backoff::new),
            connections: 0,
            stalls: 0,
            silent: false,
            state: RtspState::Connecting,
            left: Vec::new(),
            listed: false,
            options,
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.options.timeout.into())
    }

    /// Asks for the address of where it is. JavaScript looks names up, so that no thread here waits for that.
    fn resolve(&mut self, now: Instant, place: Place<'_>) -> Turn {
        self.phase = Phase::Resolving { until: now + self.timeout() };
        self.question = self.question.wrapping_add(1);
        match self.at.host.parse() {
            Ok(address) => self.resolved(now, place, self.question, Ok(vec![address])),
            Err(_) => {
                let (question, host) = (self.question, self.at.host.clone());
                self.mailbox.post(Event::InputResolve { input: self.id, question, host });
                Turn::Idle
            }
        }
    }

    /// The addresses of its host. What is connected to is one of those that were looked at here, whatever
    /// the name means a moment later.
    pub(super) fn resolved(
        &mut self,
        now: Instant,
        place: Place<'_>,
        question: u32,
        addresses: Result<Vec<IpAddr>, EngineError>,
    ) -> Turn {
        if question != self.question || !matches!(self.phase, Phase::Resolving { .. }) {
            return Turn::Idle;
        }
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(error) => return self.fail(now, PullError::Unresolved(error)),
        };
        let asked = addresses.into_iter().filter(|address| self.may_ask(*address));
        let port = self.at.port;
        self.addresses = asked.take(MAX_ADDRESSES).map(|ip| SocketAddr::new(ip, port)).collect();
        self.connect(now, place, PullError::ForbiddenAddress)
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        may_ask(address, self.options.allow_private, &self.options.allow)
    }

    /// Connects to the next address; `error` is why there is none.
    fn connect(&mut self, now: Instant, place: Place<'_>, mut error: PullError) -> Turn {
        while let Some(address) = self.addresses.pop_front() {
            let mut entropy = [0; 8];
            // Without any it is still a number used once.
            let _ = rand::fill(&mut entropy);
            // A password is for whom it was given for.
            let credentials = self.credentials.clone().filter(|_| self.at.is_beside(&self.url));
            let client = Client::new(now, self.at.clone(), credentials, entropy, self.timeout());
            let secure = self.authority.as_ref().filter(|_| self.at.secure);
            let tls = secure.map(|authority| authority.connection(&self.at.host)).transpose();
            let linked = tls
                .and_then(|tls| Link::connect(place.registry, place.token, address, tls, client));
            match linked {
                Ok(link) => {
                    self.phase = Phase::Talking(Box::new(link));
                    return Turn::More;
                }
                Err(failed) => error = PullError::Connection(failed),
            }
        }
        self.fail(now, error)
    }

    /// Reads what came, and does what that leads to.
    pub(super) fn run(&mut self, now: Instant, place: Place<'_>, buffer: &mut [u8]) -> Turn {
        let Phase::Talking(link) = &mut self.phase else { return Turn::Idle };
        let turn = match link.turn(now, buffer, &mut self.pull) {
            Ok(LinkTurn::Idle) => Ok(Turn::Idle),
            Ok(LinkTurn::More) => Ok(Turn::More),
            Ok(LinkTurn::Described(description)) => match self.pull.describe(now, &description) {
                Ok(lines) => {
                    link.choose(lines);
                    link.set_up(now, place.registry, place.token, self.udp).map(|()| Turn::More)
                }
                Err(error) => Err(error),
            },
            // What comes by UDP is in the clear, whatever the connection is in.
            Ok(LinkTurn::Refused)
                if self.options.transport == RtspTransport::Auto
                    && !self.udp
                    && !self.at.secure =>
            {
                self.udp = true;
                link.set_up(now, place.registry, place.token, true).map(|()| Turn::More)
            }
            Ok(LinkTurn::Refused) => Err(RtspError::Transport.into()),
            Ok(LinkTurn::Playing) => {
                self.connected();
                Ok(Turn::More)
            }
            Ok(LinkTurn::Moved(url)) => return self.moved(now, place, url),
            Err(error) => Err(error),
        };
        if let Phase::Talking(link) = &self.phase
            && link.is_alive()
        {
            self.backoff.iter_mut().for_each(Backoff::reset);
            if std::mem::take(&mut self.silent) {
                self.mailbox.post(Event::InputResumed { input: self.id });
            }
        }
        match turn {
            Ok(turn) => turn,
            Err(error) => self.failed(now, place, error),
        }
    }

    fn connected(&mut self) {
        self.connections += 1;
        // What ends it now has nothing to do with where it is.
        self.addresses.clear();
        match self.opening.take() {
            Some(request) => {
                self.state = RtspState::Connected;
                self.mailbox.post(Event::Reply { request, result: Ok(Reply::Done) });
            }
            None => self.tell(RtspState::Connected, None, None),
        }
    }

    fn moved(&mut self, now: Instant, place: Place<'_>, url: Url) -> Turn {
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return self.fail(now, PullError::Redirects(MAX_REDIRECTS));
        }
        self.at = url;
        self.resolve(now, place)
    }

    /// A conversation ended with an error, which may be one to be tried otherwise.
    fn failed(&mut self, now: Instant, place: Place<'_>, error: PullError) -> Turn {
        match error {
            // Another address of its name may have somebody who answers.
            PullError::Connection(_) | PullError::Rtsp(RtspError::Timeout) | PullError::Ended => {
                self.connect(now, place, error)
            }
            error => self.fail(now, error),
        }
    }

    /// It did not work. It is tried again, or over.
    fn fail(&mut self, now: Instant, error: PullError) -> Turn {
        let error = EngineError::from(error);
        self.leave(now);
        if let Some(request) = self.opening.take() {
            self.pull.close();
            self.mailbox.post(Event::Reply { request, result: Err(error) });
            return Turn::Over;
        }
        let Some(backoff) = &mut self.backoff else {
            self.end(CloseReason::Error, Some(error));
            return Turn::Over;
        };
        let (delay, wait) = backoff.fail();
        self.phase = Phase::Waiting { until: now + wait };
        self.tell(RtspState::Reconnecting, Some(error), Some(delay));
        Turn::Idle
    }

    fn leave(&mut self, now: Instant) {
        let phase = std::mem::replace(&mut self.phase, Phase::Waiting { until: now });
        if let Phase::Talking(link) = phase {
            self.left.extend(link.leave(now));
        }
        self.addresses.clear();
    }

    /// Does what is due.
    pub(super) fn sweep(&mut self, now: Instant, place: Place<'_>) -> Turn {
        let silence = Duration::from_millis(self.options.silence.into());
        match &mut self.phase {
            Phase::Resolving { until } if *until <= now => {
                self.fail(now, PullError::Rtsp(RtspError::Timeout))
            }
            Phase::Waiting { until } if *until <= now => {
                (self.at, self.redirects) = (self.url.clone(), 0);
                // What one server refused once is asked for again.
                self.udp = self.options.transport == RtspTransport::Udp;
                self.resolve(now, place)
            }
            Phase::Talking(link) => {
                let silent = link
                    .heard()
                    .is_some_and(|heard| now.saturating_duration_since(heard) >= silence);
                if silent {
                    self.stalls += 1;
                    self.tell(RtspState::Stalled, None, None);
                    return self.fail(now, PullError::Silence(self.options.silence));
                }
                match link.handle_timeout(now, &mut self.pull) {
                    Ok(()) => Turn::Idle,
                    Err(error) => self.failed(now, place, error),
                }
            }
            _ => Turn::Idle,
        }
    }

    fn tell(&mut self, state: RtspState, error: Option<EngineError>, delay: Option<u64>) {
        self.state = state;
        self.silent |= matches!(state, RtspState::Stalled | RtspState::Reconnecting);
        self.mailbox.post(Event::InputState { input: self.id, state, error, delay });
    }

    /// The media thread that its tracks were on is no more, or handling it failed.
    pub(super) fn give_up(&mut self, now: Instant, error: PullError) {
        self.leave(now);
        let error = EngineError::from(error);
        match self.opening.take() {
            Some(request) => {
                self.pull.close();
                self.mailbox.post(Event::Reply { request, result: Err(error) });
            }
            None => self.end(CloseReason::Error, Some(error)),
        }
    }

    /// The application closes it.
    pub(super) fn close(&mut self, now: Instant) {
        self.leave(now);
        self.end(CloseReason::Closed, None);
    }

    fn end(&mut self, reason: CloseReason, error: Option<EngineError>) {
        self.pull.close();
        self.mailbox.post(Event::InputClosed { input: self.id, reason, error });
    }

    pub(super) fn listen_levels(
        &mut self,
        now: Instant,
        track: crate::control::ids::SourceId,
        listen: bool,
    ) {
        self.pull.listen_levels(now, track, listen);
    }

    pub(super) fn answer_stats(&mut self, now: Instant, request: RequestId) {
        let transport = match &self.phase {
            Phase::Talking(link) => link.transport(),
            _ => None,
        };
        let stats = RtspStats {
            state: self.state.name(),
            transport,
            connections: self.connections,
            stalls: self.stalls,
            media: self.pull.stats(now),
        };
        // Numbers and names always make JSON.
        let reply = serde_json::to_string(&stats).map_or(Reply::Done, Reply::Stats);
        self.mailbox.post(Event::Reply { request, result: Ok(reply) });
    }
}
