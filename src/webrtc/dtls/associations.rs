//! The association in use, and the one that is to take over.
//!
//! A peer may leave its association for another one over the same ICE session: a browser does
//! when the m-line that carried the transport is stopped. RFC 6347 4.2.8 has it that a ClientHello
//! out of nowhere ends nothing: the association in use stays until the new handshake is through,
//! by a peer with the certificate that its description named.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use dimpl::{Error, ProtocolVersion};
use str0m::crypto::dtls::{DtlsInstance, DtlsOutput};

use super::association::{Association, Recipe, Step};
use super::failure::Failure;
use super::record::{Leading, Random, leading};
use super::sctp::{Excess, Farewell, Guard, RETRY, Verdict, Window};
use super::{Dtls, QUESTION};

/// A handshake costs a signature and two key agreements, and its first message is unauthenticated.
const BETWEEN_HANDSHAKES: Duration = Duration::from_secs(1);

/// How long a peer that has left its association may take to begin the next one.
const PATIENCE: Duration = Duration::from_secs(5);

/// New addresses of the peer that a hello of ours is sent to as well.
const MOST_REPEATED: u32 = 4;

/// Datagrams that a hello of ours has at most.
const LONGEST_HELLO: usize = 2;

/// How long a handshake may take while another association is in use.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Associations {
    recipe: Recipe,
    session: Dtls,
    now: Instant,
    current: Association,
    /// Seldom there, and large.
    next: Option<Box<Next>>,
    /// No other handshake is begun before this.
    next_not_before: Option<Instant>,
    /// The peer has left `current`, and it is the end when nothing follows until then.
    left: Option<Instant>,
    /// There was an SCTP association over the first one.
    carried: bool,
    /// An association has taken over from another one.
    renewed: bool,
    /// str0m was told that there is an association.
    told: bool,
    /// Stands before what runs over it.
    guard: Guard,
    /// Stands behind it.
    window: Window,
    farewell: Farewell,
}

#[derive(Debug)]
struct Next {
    association: Association,
    until: Instant,
    /// What this side began it with as a client, until there is an answer.
    hello: Vec<Vec<u8>>,
    /// How often that was sent again.
    repeated: u32,
}

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipe").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Associations {
    pub(super) fn new(recipe: Recipe, first: Association, session: Dtls) -> Self {
        let now = session.state().now;
        Self {
            recipe,
            session,
            now,
            current: first,
            next: None,
            next_not_before: None,
            left: None,
            carried: false,
            renewed: false,
            told: false,
            guard: Guard::default(),
            window: Window::default(),
            farewell: Farewell::default(),
        }
    }

    fn advance_clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Whether a ClientHello begins another association.
    fn is_new(&self, random: &Random) -> bool {
        let known = |association: &Association| association.client_random.as_ref() == Some(random);
        let repeated =
            known(&self.current) || self.next.as_ref().is_some_and(|next| known(&next.association));
        // Where this side is still the client of the first handshake, the peer has its roles wrong.
        let first = self.current.client_random.is_none() && !self.current.connected;
        !repeated && !first && self.next_not_before.is_none_or(|at| self.now >= at)
    }

    /// Begins a handshake next to what is in use.
    fn begin(&mut self, random: Option<Random>) {
        let Some(mut association) = Association::new(&self.recipe, self.now) else { return };
        association.client_random = random;
        if random.is_none() {
            association.set_active(true);
        }
        let begun = association.handle_timeout(self.now).and_then(|()| match random {
            Some(_) => Ok(()),
            None => association.handle_packet(self.now, &[]),
        });
        if let Err(failure) = begun {
            tracing::debug!(%failure, "no new DTLS association");
            return;
        }
        self.session.state().renewal_heard = false;
        self.next_not_before = Some(self.now + BETWEEN_HANDSHAKES);
        let until = self.now + LONGEST_HANDSHAKE;
        self.next = Some(Box::new(Next { association, until, hello: Vec::new(), repeated: 0 }));
    }

    /// Says hello once more, the same hello: where it went before, the peer may have heard it.
    fn repeat_hello(&mut self) {
        let Some(next) = &mut self.next else { return };
        if next.repeated < MOST_REPEATED {
            next.repeated += 1;
            next.hello.iter().for_each(|datagram| {
                self.session.divert(datagram, true);
            });
        }
    }

    fn give_to_current(&mut self, packet: &[u8]) {
        if self.left.is_some() {
            return;
        }
        match self.current.handle_packet(self.now, packet) {
            // Another way to leave it.
            Err(Failure::Alert { connected: true, .. }) if !self.on_end_of_current() => {}
            // Of two first handshakes, what came may have been the other one's.
            Err(_) if !self.current.connected && self.next.is_some() => self.take_over(),
            Err(failure) => self.session.fail(failure),
            Ok(()) => {}
        }
    }

    /// Gives whether there is one.
    fn give_to_next(&mut self, packet: &[u8]) -> bool {
        let Some(next) = &mut self.next else { return false };
        if let Err(failure) = next.association.handle_packet(self.now, packet) {
            self.next_failed(failure);
        }
        true
    }

    /// The peer has answered a hello of ours, or begun itself.
    fn next_heard(&mut self) {
        if let Some(next) = &mut self.next {
            self.session.state().renewal_heard = true;
            next.hello.clear();
            next.repeated = MOST_REPEATED;
        }
    }

    fn next_failed(&mut self, failure: Failure) {
        if self.left.is_some() {
            self.session.fail(failure);
        } else {
            tracing::debug!(%failure, "a new DTLS association came to nothing");
            // It still has an alert to send.
            if let Some(next) = &mut self.next {
                next.until = self.now;
            }
        }
    }

    /// The new handshake is through.
    fn take_over(&mut self) {
        if let Some(next) = self.next.take() {
            self.renewed |= self.current.connected;
            self.current = next.association;
            self.left = None;
            self.session.state().renewal_until = None;
        }
    }

    /// Whether another association is to follow.
    fn renews(&self) -> bool {
        self.next.is_some() || self.session.expects_new_association(self.now)
    }

    /// The peer has ended `current`. Gives whether that is the end.
    fn on_end_of_current(&mut self) -> bool {
        if !self.renews() {
            return true;
        }
        self.left = Some(self.now + PATIENCE);
        if self.next.is_none() && self.current.is_active() {
            self.begin(None);
        }
        false
    }

    /// The next thing to do, with its bytes at the start of `buffer`.
    fn step(&mut self, buffer: &mut [u8]) -> Step {
        if let Some(room) = buffer.get_mut(..QUESTION.len())
            && self.session.0.asked.swap(false, Ordering::Relaxed)
        {
            room.copy_from_slice(QUESTION);
            return Step::Packet(QUESTION.len());
        }
        if self.session.0.moved.swap(false, Ordering::Relaxed) {
            self.repeat_hello();
        }
        if self.session.0.settled.swap(false, Ordering::Relaxed) {
            self.current.release_handshake();
        }
        if self.window.is_closed() {
            self.reopen();
        }
        // While the next handshake goes on, its own end decides.
        let mut wake = self.left.filter(|_| self.next.is_none());
        if wake.is_some_and(|until| self.now >= until) {
            self.left = None;
            return Step::CloseNotify;
        }
        if let Some(next) = &mut self.next {
            let session = &self.session;
            match next.association.poll(buffer, || session.state().fingerprints.clone()) {
                Step::Connected => {
                    self.take_over();
                    return self.connected();
                }
                Step::Failed(failure) => self.next_failed(failure),
                Step::Packet(length) => {
                    let datagram = buffer.get(..length).unwrap_or_default();
                    if next.repeated < MOST_REPEATED && next.hello.len() < LONGEST_HELLO {
                        next.hello.push(datagram.to_vec());
                    }
                    session.divert(datagram, true);
                    return Step::Again;
                }
                // An association that has not begun cannot end.
                Step::CloseNotify | Step::Data(_) | Step::Keys(..) | Step::Again => {}
                Step::Timeout(at) => wake = earlier(wake, at.min(next.until)),
            }
        }
        loop {
            let session = &self.session;
            match self.current.poll(buffer, || session.state().fingerprints.clone()) {
                Step::Connected => return self.connected(),
                // Not for str0m, which seals nothing: two senders under one key would have to
                // share their nonces (RFC 7714 8.4).
                Step::Keys(material, profile) => {
                    let client = self.current.is_active();
                    self.session.agree(material.as_ref(), profile, client);
                }
                Step::Failed(failure) => self.session.fail(failure),
                Step::CloseNotify if self.on_end_of_current() => return Step::CloseNotify,
                Step::CloseNotify => {}
                // Chromium leaves its SCTP association on the way from one DTLS association to
                // the next, which for str0m would be the end of everything.
                Step::Data(length) if self.carried && ends_sctp(buffer, length) => {
                    if !self.renewed && !self.renews() {
                        return Step::Data(length);
                    }
                    self.session.lose_channels();
                }
                Step::Timeout(at) => {
                    let at = earlier(wake, at).unwrap_or(at);
                    let retry = self.window.is_closed().then(|| self.now + RETRY);
                    return Step::Timeout(earlier(retry, at).unwrap_or(at));
                }
                Step::Data(length) => {
                    self.session.0.heard.store(true, Ordering::Relaxed);
                    self.carried |= !self.renewed;
                    return Step::Data(length);
                }
                other => return other,
            }
        }
    }

    fn judge(&mut self, packet: &[u8]) -> Verdict {
        self.guard.delivered(self.session.0.delivered.swap(0, Ordering::Relaxed));
        let verdict = self.guard.judge(self.now, packet);
        self.session.0.largest.store(self.guard.largest(), Ordering::Relaxed);
        verdict
    }

    /// The peer and the session hear that it is over.
    fn give_up(&mut self, excess: Excess) {
        if let Err(error) = self.current.send(&self.farewell.abort(excess)) {
            tracing::debug!(%error, "no farewell");
        }
        self.session.fail(Failure::Excess(excess));
    }

    /// Tells a peer that was stopped that JavaScript has room again.
    fn reopen(&mut self) {
        if let Some(packet) = self.window.reopen(self.session.backlog().room())
            && let Err(error) = self.current.send(&packet)
        {
            tracing::debug!(%error, "no window told");
        }
    }

    /// str0m hears of the first one only.
    fn connected(&mut self) -> Step {
        if std::mem::replace(&mut self.told, true) { Step::Again } else { Step::Connected }
    }
}

/// Whether an SCTP packet has an ABORT chunk or, of an association that there is, an INIT chunk, by
/// which the peer begins it anew (RFC 9260 3.3.2, 3.3.7).
fn ends_sctp(buffer: &[u8], length: usize) -> bool {
    const COMMON_HEADER: usize = 12;
    let mut chunks = buffer.get(..length).and_then(|packet| packet.get(COMMON_HEADER..));
    while let Some(&[kind, _, high, low, ..]) = chunks {
        if matches!(kind, 1 | 6) {
            return true;
        }
        // No chunk is shorter than its header, and the next one begins at a multiple of four.
        let length = usize::from(u16::from_be_bytes([high, low])).max(4).next_multiple_of(4);
        chunks = chunks.and_then(|chunks| chunks.get(length..));
    }
    false
}

fn earlier(one: Option<Instant>, other: Instant) -> Option<Instant> {
    Some(one.map_or(other, |one| one.min(other)))
}

impl DtlsInstance for Associations {
    fn set_active(&mut self, active: bool) {
        self.current.set_active(active);
    }

    /// Never fails: what is wrong, the session is told.
    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), Error> {
        let now = self.session.state().now;
        self.advance_clock(now);
        match leading(packet) {
            Leading::ClientHello(random) => {
                let server = !self.current.is_active();
                if server && self.current.client_random.is_none() {
                    self.current.client_random = Some(random);
                } else if self.is_new(&random) {
                    self.begin(Some(random));
                }
                if self.current.client_random == Some(random) {
                    self.give_to_current(packet);
                } else if self
                    .next
                    .as_ref()
                    .is_some_and(|next| next.association.client_random == Some(random))
                {
                    self.next_heard();
                    self.give_to_next(packet);
                }
            }
            Leading::Plaintext | Leading::PlaintextAlert => {
                self.next_heard();
                let given = self.give_to_next(packet);
                if !given || !self.current.connected {
                    self.give_to_current(packet);
                }
            }
            // Epochs are numbered alike in all associations, so the keys have to tell.
            Leading::Protected => {
                self.give_to_current(packet);
                self.give_to_next(packet);
            }
        }
        Ok(())
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        loop {
            match self.step(buf) {
                Step::Packet(length) => {
                    let Some(packet) = buf.get(..length) else { continue };
                    if packet == QUESTION || !self.session.divert(packet, false) {
                        return DtlsOutput::Packet(&buf[..length]);
                    }
                }
                Step::Again | Step::Failed(_) | Step::Keys(..) => {}
                Step::Data(length) => {
                    self.session.0.heard.store(true, Ordering::Relaxed);
                    let packet = buf.get(..length).unwrap_or_default();
                    match self.judge(packet) {
                        Verdict::Pass => return DtlsOutput::ApplicationData(&buf[..length]),
                        Verdict::Drop => {}
                        Verdict::Abort(excess) => self.give_up(excess),
                    }
                }
                Step::Connected => return DtlsOutput::Connected,
                Step::CloseNotify => return DtlsOutput::CloseNotify,
                Step::Timeout(at) => {
                    self.session.state().wakes_at = Some(at);
                    return DtlsOutput::Timeout(at);
                }
            }
        }
    }

    /// Never fails: what is wrong, the session is told.
    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.session.at(now);
        self.advance_clock(now);
        if let Err(failure) = self.current.handle_timeout(now) {
            self.session.fail(failure);
        }
        if let Some(next) = &mut self.next {
            let late = now >= next.until;
            match next.association.handle_timeout(now) {
                Err(failure) => self.next_failed(failure),
                Ok(()) if late => self.next = None,
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, Error> {
        // Waits for the association that follows.
        if self.left.is_some() {
            return Ok(0);
        }
        self.guard.hear(data);
        self.farewell.hear(data);
        self.current.send(self.window.limit(data, self.session.backlog().room()))
    }

    fn is_active(&self) -> bool {
        self.current.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.current.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.current.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.current.is_closed()
    }

    fn close(&mut self) -> Result<(), Error> {
        self.next = None;
        if self.left.is_some() { Ok(()) } else { self.current.close() }
    }
}
