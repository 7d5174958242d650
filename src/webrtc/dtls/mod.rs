//! DTLS of one peer: which certificate is taken, which association is in use, and what is told of
//! a handshake that fails.
//!
//! str0m drives a `DtlsInstance` and knows of one association from the first packet to the last.
//! The instance it is given here ([`associations`]) holds the one in use and, at times, the one
//! that is to take over. What str0m has no words for passes between the instance and its session
//! through [`Dtls`], which both hold.

mod association;
mod associations;
mod failure;
mod fingerprint;
mod provider;
mod record;
mod sctp;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use dimpl::SrtpProfile;

pub(super) use failure::Failure;
use fingerprint::Fingerprints;
pub(super) use provider::Provider;
pub(super) use record::{Leading, leading};

use crate::control::mailbox::Backlog;
use crate::sdp::description::Fingerprint;
use crate::srtp::{KeyingMaterial, Profile};

/// How long after a description that makes the peer leave its association the end of that one is
/// not the end of the call. The peer has the description after half a round trip.
const NEW_ASSOCIATION: Duration = Duration::from_secs(10);

/// Datagrams that wait for a way to be sent; more are dropped, and DTLS repeats its flights.
const MAX_WAITING: usize = 64;

/// What a session and its DTLS tell each other. Both are on one thread at a time, so the lock is
/// never waited for.
#[derive(Clone, Debug)]
pub(super) struct Dtls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// There is something for the session in `state`.
    news: AtomicBool,
    /// A record of the association was opened since somebody asked.
    heard: AtomicBool,
    /// What a handshake next to the association in use has sent went to an address that the peer
    /// has left.
    moved: AtomicBool,
    /// str0m is asked for the pair that it sends to.
    asked: AtomicBool,
    /// The handshake is so long ago that nobody repeats anything of it.
    settled: AtomicBool,
    /// SCTP chunks at least that came out of the association as messages, since it was asked.
    delivered: AtomicU32,
    /// The payload of the largest one that came, in bytes.
    largest: AtomicU32,
    /// What waits for JavaScript.
    backlog: Backlog,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: Instant,
    /// When the instance wants its timeout.
    wakes_at: Option<Instant>,
    fingerprints: Fingerprints,
    /// Until when the end of the association in use is followed by another one.
    renewal_until: Option<Instant>,
    /// The peer has said something of the association that follows.
    renewal_heard: bool,
    /// str0m has a pair to send to.
    nominated: bool,
    waiting: VecDeque<Diverted>,
    failure: Option<Failure>,
    /// The peer has ended its SCTP association, but not the transport.
    channels_lost: bool,
    profile: Option<SrtpProfile>,
    /// Until the session takes it.
    material: Option<Keys>,
}

/// What a handshake came to.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) material: KeyingMaterial,
    /// This side was the DTLS client.
    pub(super) client: bool,
    /// Another association was in use before.
    pub(super) renewed: bool,
}

/// A datagram that the session sends itself.
#[derive(Debug)]
pub(super) struct Diverted {
    pub(super) bytes: Vec<u8>,
    /// It belongs to a handshake next to the association in use, for which the peer may have
    /// another address.
    pub(super) renews: bool,
}

/// What a session asks str0m to send so that it shows where to. It is not sent: [`Dtls::is_question`].
const QUESTION: &[u8] = &[63, b'p', b'a', b't', b'h'];

impl Dtls {
    pub(super) fn new(now: Instant) -> Self {
        Self(Arc::new(Shared {
            news: AtomicBool::new(false),
            heard: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            // The answer comes with the first pair that is nominated.
            asked: AtomicBool::new(true),
            settled: AtomicBool::new(false),
            delivered: AtomicU32::new(0),
            largest: AtomicU32::new(0),
            backlog: Backlog::default(),
            state: Mutex::new(State {
                now,
                wakes_at: None,
                fingerprints: Fingerprints::default(),
                renewal_until: None,
                renewal_heard: false,
                nominated: false,
                waiting: VecDeque::new(),
                failure: None,
                channels_lost: false,
                profile: None,
                material: None,
            }),
        }))
    }

    /// What of this peer's messages waits for JavaScript.
    pub(super) fn backlog(&self) -> &Backlog {
        &self.0.backlog
    }

    /// A message came out of the SCTP association.
    pub(super) fn delivered(&self, bytes: usize) {
        let largest = self.0.largest.load(Ordering::Relaxed).max(1);
        let chunks = u32::try_from(bytes).unwrap_or(u32::MAX).div_ceil(largest).max(1);
        self.0.delivered.fetch_add(chunks, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn news(&self) {
        self.0.news.store(true, Ordering::Relaxed);
    }

    /// What the peer's description says of its certificate. Handshakes fail without.
    pub(super) fn expect_certificate(&self, fingerprints: Vec<Fingerprint>) {
        self.state().fingerprints = Fingerprints::new(fingerprints);
    }

    /// A description changed the m-line that carries the transport (RFC 9143 7.3.3), for which
    /// browsers leave their association and begin another one over the same ICE session.
    pub(super) fn expect_new_association(&self, now: Instant) {
        self.state().renewal_until = Some(now + NEW_ASSOCIATION);
    }

    /// Whether another association is to follow because of a description.
    fn expects_new_association(&self, now: Instant) -> bool {
        self.state().renewal_until.is_some_and(|until| now < until)
    }

    /// Whether another association is to follow, and it is not known yet where the peer has it.
    pub(super) fn awaits_address(&self, now: Instant) -> bool {
        !self.state().renewal_heard && self.expects_new_association(now)
    }

    /// The peer has an address for its next association that it did not have before.
    pub(super) fn peer_moved(&self) {
        self.0.moved.store(true, Ordering::Relaxed);
    }

    /// The time of what comes next, as str0m tells it only with timers.
    pub(super) fn at(&self, now: Instant) {
        self.state().now = now;
    }

    /// The handshake is so long ago that nobody repeats anything of it: what only handshakes need is
    /// given back when str0m drives DTLS next.
    pub(super) fn settle(&self) {
        self.0.settled.store(true, Ordering::Relaxed);
    }

    /// Makes str0m show the pair it sends to, by a datagram that [`Dtls::is_question`].
    pub(super) fn ask_for_pair(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
    }

    /// Whether a datagram of str0m's is the question and not to be sent. From the first one on,
    /// str0m has a pair and what DTLS sends goes through it.
    pub(super) fn is_question(&self, datagram: &[u8]) -> bool {
        if datagram != QUESTION {
            return false;
        }
        self.state().nominated = true;
        true
    }

    /// When DTLS has something to do by itself: str0m tells its next timer alone, which may be
    /// another one.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        self.state().wakes_at
    }

    /// Whether a record of the association came since it was asked last.
    pub(super) fn take_heard(&self) -> bool {
        self.0.heard.swap(false, Ordering::Relaxed)
    }

    /// Whether one of the functions below has something to give.
    pub(super) fn has_news(&self) -> bool {
        self.0.news.load(Ordering::Relaxed)
    }

    /// A datagram that str0m has no pair for.
    pub(super) fn next_datagram(&self) -> Option<Diverted> {
        self.state().waiting.pop_front()
    }

    /// Why the association failed, once.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.state().failure.take()
    }

    /// What SRTP keys are made of, once for each handshake that is through. All that is sent from
    /// then on is under these keys.
    pub(super) fn take_keys(&self) -> Option<Keys> {
        self.state().material.take()
    }

    /// Whether the peer has ended its SCTP association, and the data channels with it, once.
    pub(super) fn take_lost_channels(&self) -> bool {
        std::mem::take(&mut self.state().channels_lost)
    }

    /// Everything that was told up to here was taken.
    pub(super) fn took_news(&self) {
        let state = self.state();
        let rest = !state.waiting.is_empty() || state.failure.is_some() || state.material.is_some();
        self.0.news.store(rest, Ordering::Relaxed);
    }

    /// The IANA name of the SRTP protection profile (RFC 5764 4.1.2, RFC 7714 14.2), once agreed.
    pub(super) fn srtp_cipher(&self) -> Option<&'static str> {
        Some(match self.state().profile? {
            SrtpProfile::AES128_CM_SHA1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            SrtpProfile::AEAD_AES_128_GCM => "SRTP_AEAD_AES_128_GCM",
            SrtpProfile::AEAD_AES_256_GCM => "SRTP_AEAD_AES_256_GCM",
            _ => "unknown",
        })
    }

    fn agree(&self, bytes: &[u8], profile: SrtpProfile, client: bool) {
        let mut state = self.state();
        let renewed = state.profile.replace(profile).is_some();
        let profile = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmSha1_80,
            SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
            SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
            _ => return,
        };
        state.material =
            KeyingMaterial::new(profile, bytes).map(|material| Keys { material, client, renewed });
        drop(state);
        self.news();
    }

    fn lose_channels(&self) {
        self.state().channels_lost = true;
        self.news();
    }

    fn fail(&self, failure: Failure) {
        self.state().failure.get_or_insert(failure);
        self.news();
    }

    /// Whether the session sends this itself.
    fn divert(&self, datagram: &[u8], renews: bool) -> bool {
        let mut state = self.state();
        // Until the session knows that another association is in use, str0m's packets go where
        // the one before was.
        let renews = renews || state.material.as_ref().is_some_and(|keys| keys.renewed);
        if state.nominated && !renews {
            return false;
        }
        if state.waiting.len() < MAX_WAITING {
            state.waiting.push_back(Diverted { bytes: datagram.to_vec(), renews });
        }
        drop(state);
        self.news();
        true
    }
}
