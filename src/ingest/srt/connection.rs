//! A connection after its handshake, whichever way its payloads go. Datagrams and time in; payloads and
//! datagrams out.
//!
//! Whoever drives it hands in what came ([`Connection::receive`]), takes what is due
//! ([`Connection::poll`]) and sends what is to be sent ([`Connection::transmit`]), and does so again at
//! [`Connection::deadline`] at the latest.

use std::time::{Duration, Instant};

use super::clock::{PeerClock, micros};
use super::error::SrtError;
use super::packet::{self, Control, Data, Packet};
use super::receiver::{Placement, Receiver};
use super::renewal::{KeyRefresh, Renewal, Step};
use super::round_trip::RoundTrip;
use super::secret::Secret;
use super::sender::Sender;
use super::sequence::wire;
use super::{MAX_PAYLOAD, losses};

/// How often it is said what came (4.8.1).
const ACK_EVERY: Duration = Duration::from_millis(10);
/// Between two signs of life, and how long one is waited for (4.8.3; SRTO_PEERIDLETIMEO).
const KEEPALIVE_EVERY: Duration = Duration::from_secs(1);
const PEER_IDLE: Duration = Duration::from_secs(5);
/// Keys of the other end that are taken while the connection goes on and cost a derivation.
const KEYS_EVERY: Duration = Duration::from_secs(10);
/// Told of room: what the link has is not measured.
const ACK_BODY_WORDS: usize = 7;

/// What both ends agreed on.
#[derive(Debug)]
pub(super) struct Agreed {
    /// When the connection began on this end, which its times count from.
    pub(super) began: Instant,
    /// The socket of the other end.
    pub(super) peer: u32,
    /// The first numbers that come and that go.
    pub(super) receives: u32,
    pub(super) sends: u32,
    /// The timestamp of the other end's handshake.
    pub(super) timestamp: u32,
    pub(super) window: u32,
    /// What is waited before delivery, here and there.
    pub(super) latency: Duration,
    pub(super) peer_latency: Duration,
    pub(super) secret: Option<Secret>,
}

/// See the module.
#[derive(Debug)]
pub struct Connection {
    began: Instant,
    peer: u32,
    receiver: Receiver,
    sender: Sender,
    secret: Option<Secret>,
    round_trip: RoundTrip,
    /// Answers, whole.
    answers: Vec<Vec<u8>>,
    acknowledged: u64,
    ack_number: u32,
    acked: Instant,
    reported: Instant,
    heard: Instant,
    said: Instant,
    /// When keys of the other end were derived last.
    derived: Option<Instant>,
    renewal: Renewal,
    undecrypted: u64,
    key_used_up: bool,
    deaf: bool,
}

/// What a connection has done. Packets.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct ConnectionStats {
    pub received: u64,
    /// That did not come by themselves, and of these came when asked for.
    pub lost: u64,
    pub recovered: u64,
    /// That were not there when they were due.
    pub dropped: u64,
    pub undecrypted: u64,
    pub sent: u64,
    pub sent_again: u64,
    /// That were too late before the other end had them.
    pub send_dropped: u64,
    pub round_trip: Duration,
}

/// Answers that wait to be sent; whoever is asked more than that asks in vain.
const MAX_ANSWERS: usize = 64;

impl Connection {
    pub(super) fn new(now: Instant, agreed: Agreed) -> Self {
        let Agreed { began, peer, receives, sends, timestamp, window, latency, .. } = agreed;
        let clock = PeerClock::new(began, now, timestamp);
        let receiver = Receiver::new(receives, latency, clock);
        let acknowledged = receiver.acknowledged();
        Self {
            began,
            peer,
            receiver,
            sender: Sender::new(sends, window, agreed.peer_latency),
            secret: agreed.secret,
            round_trip: RoundTrip::default(),
            answers: Vec::new(),
            acknowledged,
            ack_number: 0,
            acked: now,
            reported: now,
            heard: now,
            said: now,
            derived: None,
            renewal: Renewal::default(),
            undecrypted: 0,
            key_used_up: false,
            deaf: false,
        }
    }

    /// Takes no payloads from now on: of an end that only sends, nobody would take them away.
    pub fn deafen(&mut self) {
        self.deaf = true;
    }

    /// How long one key is sent with, where payloads are encrypted.
    pub fn set_key_refresh(&mut self, refresh: KeyRefresh) {
        self.renewal.set_refresh(refresh);
    }

    /// Whether payloads are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.secret.is_some()
    }

    /// What it has done.
    pub fn stats(&self) -> ConnectionStats {
        let (received, sent) = (self.receiver.counts, self.sender.counts);
        ConnectionStats {
            received: received.received,
            lost: received.lost,
            recovered: received.recovered,
            dropped: received.dropped,
            undecrypted: self.undecrypted,
            sent: sent.sent,
            sent_again: sent.sent_again,
            send_dropped: sent.dropped,
            round_trip: self.round_trip.smoothed(),
        }
    }

    /// Takes a datagram that is for this connection. What makes no sense is left out.
    ///
    /// # Errors
    /// `Shutdown`: it is over.
    pub fn receive(&mut self, now: Instant, datagram: &[u8]) -> Result<(), SrtError> {
        match Packet::parse(datagram) {
            Some(Packet::Data(data)) => self.data(now, &data),
            Some(Packet::Control(control)) => return self.control(now, &control),
            None => return Ok(()),
        }
        Ok(())
    }

    fn data(&mut self, now: Instant, data: &Data<'_>) {
        self.heard = now;
        if self.deaf || data.payload.len() > MAX_PAYLOAD || !self.receiver.wants(data.sequence) {
            return;
        }
        let mut payload = data.payload.to_vec();
        let opened = match (&self.secret, data.key) {
            (None, None) => Some(()),
            (Some(Secret { receives, .. }), Some(slot)) => {
                receives.apply(slot, data.sequence, &mut payload)
            }
            // Whoever agreed on keys sends nothing in the clear.
            _ => None,
        };
        if opened.is_none() {
            self.undecrypted += 1;
            return;
        }
        let Data { sequence, timestamp, retransmitted, .. } = *data;
        let placement = self.receiver.take(now, sequence, timestamp, retransmitted, payload);
        if let Placement::Gap(start, end) = placement {
            let body = losses::report(std::iter::once(start..end));
            self.answer(now, packet::NAK, 0, 0, &body);
        }
    }

    fn control(&mut self, now: Instant, control: &Control<'_>) -> Result<(), SrtError> {
        self.heard = now;
        let word = |at: usize| {
            let bytes = control.body.get(4 * at..)?.first_chunk().copied();
            bytes.map(u32::from_be_bytes)
        };
        match control.kind {
            packet::ACK => {
                let Some(sequence) = word(0) else { return Ok(()) };
                if let Some(round_trip) = word(1) {
                    self.round_trip.told(round_trip);
                    self.answer(now, packet::ACKACK, 0, control.info, &[]);
                }
                self.sender.acknowledged(sequence & super::sequence::MASK, word(3));
            }
            packet::NAK => self.sender.missing(control.body),
            packet::ACKACK => self.round_trip.answered(now, control.info),
            packet::DROP_REQUEST => {
                if let (Some(first), Some(last)) = (word(0), word(1)) {
                    let mask = super::sequence::MASK;
                    self.receiver.forget(first & mask, last & mask);
                }
            }
            packet::SHUTDOWN => return Err(SrtError::Shutdown),
            packet::USER if control.subtype == packet::KEY_REQUEST => {
                self.renew(now, control.body);
            }
            // What came back as it was sent was taken; anything else says why not.
            packet::USER if control.subtype == packet::KEY_RESPONSE => {
                self.renewal.confirm(control.body);
            }
            // Signs of life, handshakes that come twice, and what is of no use here.
            _ => {}
        }
        Ok(())
    }

    /// New keys of the other end, before it uses them.
    fn renew(&mut self, now: Instant, message: &[u8]) {
        let Some(Secret { receives, passphrase, .. }) = &mut self.secret else { return };
        if !receives.is_cheap(message) {
            let early = |at| now.saturating_duration_since(at) < KEYS_EVERY;
            if self.derived.is_some_and(early) {
                return;
            }
            self.derived = Some(now);
        }
        if receives.renew(passphrase, message).is_ok() {
            // That they were taken is told by saying the same.
            self.answer(now, packet::USER, packet::KEY_RESPONSE, 0, message);
        }
    }

    fn answer(&mut self, now: Instant, kind: u16, subtype: u16, info: u32, body: &[u8]) {
        if self.answers.len() < MAX_ANSWERS {
            let mut out = Vec::with_capacity(packet::HEADER + body.len().max(4));
            packet::control(kind, subtype, info, self.timestamp(now), self.peer, &mut out);
            out.extend_from_slice(body);
            if body.is_empty() {
                // A word that says nothing, as the first implementation has it.
                out.extend_from_slice(&[0; 4]);
            }
            self.answers.push(out);
        }
    }

    /// Microseconds since it began, which wrap.
    fn timestamp(&self, now: Instant) -> u32 {
        micros(self.began, now) as u32
    }

    /// The next payload that is due.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.receiver.poll(now)
    }

    /// Takes a payload of [`MAX_PAYLOAD`] bytes at most; what is longer is left out.
    pub fn send(&mut self, now: Instant, payload: &[u8]) {
        if payload.len() > MAX_PAYLOAD || self.key_used_up {
            return;
        }
        let (timestamp, peer) = (self.timestamp(now), self.peer);
        let Some(Secret { sends, .. }) = &mut self.secret else {
            return self.sender.push(now, timestamp, peer, None, payload);
        };
        match self.renewal.step() {
            Step::Nothing => {}
            // Without randomness it is tried with the next one.
            Step::Announce => {
                if let Some(message) = sends.generate_next() {
                    self.renewal.announce(message);
                }
            }
            Step::Switch => sends.switch(),
            Step::UsedUp => {
                self.key_used_up = true;
                return;
            }
        }
        let (slot, mut payload) = (sends.slot(), payload.to_vec());
        if sends.apply(slot, self.sender.next(), &mut payload).is_some() {
            self.sender.push(now, timestamp, peer, Some(slot), &payload);
        }
    }

    /// Hands the datagrams that are to be sent now to `emit`.
    ///
    /// # Errors
    /// `Timeout` and `KeyUsedUp`: it is over.
    pub fn transmit(&mut self, now: Instant, mut emit: impl FnMut(&[u8])) -> Result<(), SrtError> {
        if self.key_used_up {
            return Err(SrtError::KeyUsedUp);
        }
        if now.saturating_duration_since(self.heard) >= PEER_IDLE {
            return Err(SrtError::Timeout);
        }
        self.acknowledge(now);
        let waited = now.saturating_duration_since(self.reported);
        if waited >= self.round_trip.patience() {
            self.reported = now;
            let report = self.receiver.losses().report();
            if !report.is_empty() {
                self.answer(now, packet::NAK, 0, 0, &report);
            }
        }
        if let Some(message) = self.renewal.poll(now, self.round_trip.smoothed()) {
            let message = message.to_vec();
            self.answer(now, packet::USER, packet::KEY_REQUEST, 0, &message);
        }
        for (first, last) in self.sender.take_gone() {
            let body = [first.to_be_bytes(), last.to_be_bytes()].concat();
            self.answer(now, packet::DROP_REQUEST, 0, 0, &body);
        }
        let mut silent = true;
        for answer in std::mem::take(&mut self.answers) {
            emit(&answer);
            silent = false;
        }
        let patience = self.round_trip.patience() / 2;
        self.sender.transmit(now, patience, |datagram| {
            emit(datagram);
            silent = false;
        });
        if silent && now.saturating_duration_since(self.said) >= KEEPALIVE_EVERY {
            let mut out = Vec::new();
            packet::control(packet::KEEPALIVE, 0, 0, self.timestamp(now), self.peer, &mut out);
            out.extend_from_slice(&[0; 4]);
            emit(&out);
            silent = false;
        }
        if !silent {
            self.said = now;
        }
        Ok(())
    }

    /// Says what came, where that is news.
    fn acknowledge(&mut self, now: Instant) {
        let upto = self.receiver.acknowledged();
        if upto == self.acknowledged || now.saturating_duration_since(self.acked) < ACK_EVERY {
            return;
        }
        (self.acknowledged, self.acked) = (upto, now);
        self.ack_number = self.ack_number.wrapping_add(1);
        self.round_trip.sent(now, self.ack_number);
        let micros = |duration: Duration| duration.as_micros() as u32;
        let words: [u32; ACK_BODY_WORDS] = [
            wire(upto),
            micros(self.round_trip.smoothed()),
            micros(self.round_trip.variance()),
            self.receiver.room(),
            // Rates, which live senders make nothing of.
            0,
            0,
            0,
        ];
        let body: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
        self.answer(now, packet::ACK, 0, self.ack_number, &body);
    }

    /// When it is to be looked at again.
    pub fn deadline(&self, now: Instant) -> Instant {
        let mut deadline = self.said + KEEPALIVE_EVERY;
        if let Some(due) = self.receiver.due() {
            deadline = deadline.min(due);
        }
        if self.receiver.acknowledged() != self.acknowledged {
            deadline = deadline.min(self.acked + ACK_EVERY);
        }
        if self.receiver.losses().first().is_some() {
            deadline = deadline.min(self.reported + self.round_trip.patience());
        }
        if !self.answers.is_empty() || self.sender.is_waiting() {
            deadline = now;
        }
        deadline.max(now)
    }

    /// The goodbye, which is not repeated.
    pub fn shutdown(&self, now: Instant) -> Vec<u8> {
        let mut out = Vec::new();
        packet::control(packet::SHUTDOWN, 0, 0, self.timestamp(now), self.peer, &mut out);
        out.extend_from_slice(&[0; 4]);
        out
    }
}
