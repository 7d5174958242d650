//! What a listener says to whoever calls (4.3.1). It keeps nothing of callers until they have shown
//! by a cookie that they are where they say.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use super::connection::{Agreed, Connection};
use super::handshake::{
    self, CONCLUSION, Capabilities, Extensions, Handshake, INDUCTION, MAGIC, STREAM,
};
use super::keys::{KeyError, Keys};
use super::packet::{Control, HANDSHAKE, Packet, destination};
use super::rejection::Rejection;
use super::secret::Secret;
use super::sequence::MASK;

/// How long a cookie is good for, at least.
const COOKIE_LIFE: Duration = Duration::from_secs(60);
/// The first version with handshakes of version 5.
const LEAST_VERSION: u32 = 0x01_03_00;

/// See the module.
pub struct Listener {
    began: Instant,
    secret: hmac::Key,
}

/// What a datagram to a listener comes to.
#[derive(Debug)]
pub enum Heard {
    /// It is to be answered with this.
    Answer(Vec<u8>),
    /// Somebody who is where he says wants a connection.
    Call(Box<Request>),
    /// It is nothing.
    Nothing,
}

/// Who calls, and what he wants.
#[derive(Debug)]
pub struct Request {
    remote: SocketAddr,
    /// The handshake's time, as it came.
    timestamp: u32,
    handshake: Handshake,
    capabilities: Capabilities,
    keys: Option<Vec<u8>>,
    stream_id: String,
}

impl Listener {
    /// Cookies are made with a secret of its own. `None` when the system gives no randomness.
    pub fn new(now: Instant) -> Option<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(&mut secret[..]).ok()?;
        Some(Self { began: now, secret: hmac::Key::new(hmac::HMAC_SHA256, &secret[..]) })
    }

    /// Takes a datagram for socket 0. An answer is never longer than what it answers.
    pub fn hear(&self, now: Instant, remote: SocketAddr, datagram: &[u8]) -> Heard {
        let Some((control, handshake, extensions)) = read(datagram) else { return Heard::Nothing };
        // What a listener answers goes to the caller's socket. Answers to 0 would be heard by a listener
        // there, and two of them would answer each other for ever.
        if handshake.socket == 0 {
            return Heard::Nothing;
        }
        let age = now.saturating_duration_since(self.began);
        let epoch = age.as_secs() / COOKIE_LIFE.as_secs();
        let cookie = |epoch| self.cookie(remote, epoch);
        match handshake.kind {
            INDUCTION => {
                let mut answer = Handshake::new(INDUCTION, handshake.socket, handshake.sequence);
                (answer.extension, answer.cookie) = (MAGIC, cookie(epoch));
                let timestamp = age.as_micros() as u32;
                Heard::Answer(answer.write(timestamp, handshake.socket, remote))
            }
            CONCLUSION => {
                let known = [Some(epoch), epoch.checked_sub(1)].into_iter().flatten();
                if !known.into_iter().any(|epoch| cookie(epoch) == handshake.cookie) {
                    return Heard::Nothing;
                }
                match request(remote, control.timestamp, handshake, extensions) {
                    Ok(request) => Heard::Call(Box::new(request)),
                    Err(rejection) => Heard::Answer(refusal(
                        rejection,
                        &handshake,
                        age.as_micros() as u32,
                        remote,
                    )),
                }
            }
            _ => Heard::Nothing,
        }
    }

    fn cookie(&self, remote: SocketAddr, epoch: u64) -> u32 {
        let text = format!("{remote} {epoch}");
        let tag = hmac::sign(&self.secret, text.as_bytes());
        tag.as_ref().first_chunk().copied().map_or(0, u32::from_be_bytes)
    }
}

fn read(datagram: &[u8]) -> Option<(Control<'_>, Handshake, &[u8])> {
    if destination(datagram)? != 0 {
        return None;
    }
    let Packet::Control(control) = Packet::parse(datagram)? else { return None };
    if control.kind != HANDSHAKE {
        return None;
    }
    let (handshake, extensions) = Handshake::parse(control.body)?;
    Some((control, handshake, extensions))
}

fn request(
    remote: SocketAddr,
    timestamp: u32,
    handshake: Handshake,
    extensions: &[u8],
) -> Result<Request, Rejection> {
    if handshake.version < 5 {
        return Err(Rejection::VERSION);
    }
    let Extensions { capabilities, keys, stream_id, is_file, .. } =
        handshake::extensions(extensions, true).ok_or(Rejection::BAD_REQUEST)?;
    let capabilities = capabilities.ok_or(Rejection::VERSION)?;
    if capabilities.version < LEAST_VERSION {
        return Err(Rejection::VERSION);
    }
    if capabilities.flags & STREAM != 0 || is_file {
        return Err(Rejection::MESSAGE_MODE);
    }
    Ok(Request {
        remote,
        timestamp,
        handshake,
        capabilities,
        keys: keys.map(<[u8]>::to_vec),
        stream_id: stream_id.unwrap_or_default(),
    })
}

/// The caller's own handshake with the reason in place of its type.
fn refusal(
    reason: Rejection,
    handshake: &Handshake,
    timestamp: u32,
    remote: SocketAddr,
) -> Vec<u8> {
    let answer = Handshake { kind: reason.code().into(), extension: 0, ..*handshake };
    answer.write(timestamp, handshake.socket, remote)
}

impl Request {
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The caller's socket: with its address it says which call this is, when it is repeated.
    pub fn socket(&self) -> u32 {
        self.handshake.socket
    }

    /// Empty when none was given.
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// Whether it brings keys.
    pub fn is_encrypted(&self) -> bool {
        self.keys.is_some()
    }

    /// What the caller is told who may not.
    pub fn refuse(&self, reason: Rejection) -> Vec<u8> {
        refusal(reason, &self.handshake, 0, self.remote)
    }

    /// Opens the caller's keys with a passphrase, which takes a millisecond.
    ///
    /// # Errors
    /// What the caller is to be told: `UNSECURE` when one of both has no passphrase, `BAD_SECRET` when
    /// they are not the same.
    pub fn open(&self, passphrase: Option<&str>) -> Result<OpenedKeys, Rejection> {
        match (&self.keys, passphrase) {
            (None, None) => Ok(OpenedKeys(None)),
            (Some(message), Some(passphrase)) => match Keys::open(passphrase, message) {
                Ok(keys) => {
                    let passphrase = Zeroizing::new(passphrase.to_owned());
                    let secret = Secret::new(keys, passphrase).ok_or(Rejection::BAD_REQUEST)?;
                    Ok(OpenedKeys(Some(secret)))
                }
                Err(KeyError::Passphrase) => Err(Rejection::BAD_SECRET),
                Err(KeyError::Unknown) => Err(Rejection::BAD_REQUEST),
            },
            _ => Err(Rejection::UNSECURE),
        }
    }

    /// Lets the caller in. `latency` is what this end wants; the larger of what both want holds. Gives the
    /// connection and the answer, which is to be sent again whenever the caller repeats itself.
    pub fn accept(
        self,
        now: Instant,
        socket: u32,
        latency: Duration,
        keys: OpenedKeys,
    ) -> (Connection, Vec<u8>) {
        let Self { handshake, capabilities, remote, timestamp, .. } = self;
        let latency = milliseconds(latency);
        let receives = latency.max(capabilities.sends);
        let sends = latency.max(capabilities.receives);
        let mut answer = Handshake::new(CONCLUSION, socket, handshake.sequence);
        answer.encryption = handshake.encryption;
        let mut extensions = Vec::new();
        answer.extension = handshake::append(
            false,
            Capabilities::new(receives, sends),
            self.keys.as_deref(),
            None,
            &mut extensions,
        );
        let mut datagram = answer.write(0, handshake.socket, remote);
        datagram.append(&mut extensions);
        let agreed = Agreed {
            began: now,
            peer: handshake.socket,
            receives: handshake.sequence & MASK,
            // Both begin with the caller's number.
            sends: handshake.sequence & MASK,
            timestamp,
            window: handshake.window,
            latency: Duration::from_millis(receives.into()),
            peer_latency: Duration::from_millis(sends.into()),
            secret: keys.0,
        };
        (Connection::new(now, agreed), datagram)
    }
}

/// Keys of a caller that were opened.
#[derive(Debug)]
pub struct OpenedKeys(Option<Secret>);

/// As handshakes have it.
pub(super) fn milliseconds(duration: Duration) -> u16 {
    u16::try_from(duration.as_millis()).unwrap_or(u16::MAX)
}
