//! The end that calls (4.3.1): what it says until there is a connection.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::connection::{Agreed, Connection};
use super::error::SrtError;
use super::handshake::{self, CONCLUSION, Capabilities, Handshake, INDUCTION, MAGIC};
use super::keys::{KeyLength, Keys};
use super::listener::milliseconds;
use super::packet::{HANDSHAKE, Packet, destination};
use super::rejection::Rejection;
use super::secret::Secret;
use super::sequence::MASK;

/// How long an answer is waited for before asking again.
const PATIENCE: Duration = Duration::from_millis(250);

/// How to call.
#[derive(Clone)]
pub struct CallerOptions {
    /// Empty for none; [`MAX_STREAM_ID`](super::MAX_STREAM_ID) bytes at most.
    pub stream_id: String,
    /// Of as many bytes as [`PASSPHRASE`](super::PASSPHRASE) says.
    pub passphrase: Option<(Zeroizing<String>, KeyLength)>,
    /// What this end wants; the larger of what both want holds.
    pub latency: Duration,
}

/// Without the passphrase.
impl fmt::Debug for CallerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerOptions").field("stream_id", &self.stream_id).finish_non_exhaustive()
    }
}

impl CallerOptions {
    /// With a passphrase, keys of so many bytes: 16, or 32. Milliseconds of latency.
    pub fn new(stream_id: &str, passphrase: Option<&str>, key_length: u8, latency: u16) -> Self {
        let length = if key_length == 32 { KeyLength::Aes256 } else { KeyLength::Aes128 };
        Self {
            stream_id: stream_id.to_owned(),
            passphrase: passphrase.map(|text| (Zeroizing::new(text.to_owned()), length)),
            latency: Duration::from_millis(latency.into()),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Caller {
    began: Instant,
    remote: SocketAddr,
    socket: u32,
    sequence: u32,
    latency: u16,
    stream_id: String,
    secret: Option<(Secret, KeyLength)>,
    keys: Option<Vec<u8>>,
    /// The listener's, once it answered.
    cookie: Option<u32>,
    asked: Option<Instant>,
}

impl Caller {
    /// `None` when the system gives no randomness.
    pub fn new(now: Instant, remote: SocketAddr, options: CallerOptions) -> Option<Self> {
        let mut random = [0; 8];
        rand::fill(&mut random).ok()?;
        let [socket, sequence] = *random.as_chunks::<4>().0.first_chunk()?;
        let mut keys = None;
        let mut secret = None;
        if let Some((passphrase, length)) = options.passphrase {
            let (made, message) = Keys::generate(&passphrase, length)?;
            secret = Some((Secret::new(made, passphrase)?, length));
            keys = Some(message);
        }
        Some(Self {
            began: now,
            remote,
            // 0 is whoever listens.
            socket: (u32::from_be_bytes(socket) & MASK).max(1),
            sequence: u32::from_be_bytes(sequence) & MASK,
            latency: milliseconds(options.latency),
            stream_id: options.stream_id,
            secret,
            keys,
            cookie: None,
            asked: None,
        })
    }

    /// Its own, which what it hears is sent to.
    pub fn socket(&self) -> u32 {
        self.socket
    }

    /// Takes a datagram of the other end. Gives the connection when there is one.
    ///
    /// # Errors
    /// `Rejected`, `Version`, `Passphrase` and `Handshake`: there will be none.
    pub fn receive(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<Option<Connection>, SrtError> {
        if destination(datagram) != Some(self.socket) {
            return Ok(None);
        }
        let Some(Packet::Control(control)) = Packet::parse(datagram) else { return Ok(None) };
        if control.kind != HANDSHAKE {
            return Ok(None);
        }
        let Some((handshake, rest)) = Handshake::parse(control.body) else { return Ok(None) };
        if let Some(rejection) = Rejection::of(handshake.kind) {
            return Err(match rejection {
                Rejection::BAD_SECRET => SrtError::Passphrase,
                rejection => SrtError::Rejected(rejection),
            });
        }
        match (handshake.kind, self.cookie) {
            (INDUCTION, None) => {
                if handshake.version < 5 || handshake.extension != MAGIC {
                    return Err(SrtError::Version);
                }
                (self.cookie, self.asked) = (Some(handshake.cookie), None);
                Ok(None)
            }
            (CONCLUSION, Some(_)) => self.conclude(now, control.timestamp, &handshake, rest),
            _ => Ok(None),
        }
    }

    fn conclude(
        &mut self,
        now: Instant,
        timestamp: u32,
        handshake: &Handshake,
        extensions: &[u8],
    ) -> Result<Option<Connection>, SrtError> {
        let found = handshake::extensions(extensions, false).ok_or(SrtError::Handshake)?;
        let capabilities = found.capabilities.ok_or(SrtError::Version)?;
        // The keys come back as they were sent, or it could not open them.
        if found.keys.is_some_and(|keys| Some(keys) != self.keys.as_deref())
            || (self.keys.is_some() && found.keys.is_none())
        {
            return Err(SrtError::Passphrase);
        }
        let agreed = Agreed {
            began: self.began,
            peer: handshake.socket,
            receives: self.sequence,
            sends: self.sequence,
            timestamp,
            window: handshake.window,
            latency: Duration::from_millis(self.latency.max(capabilities.sends).into()),
            peer_latency: Duration::from_millis(self.latency.max(capabilities.receives).into()),
            secret: self.secret.take().map(|(secret, _)| secret),
        };
        Ok(Some(Connection::new(now, agreed)))
    }

    /// What is to be said now, if anything is; to be asked again every so often.
    pub fn transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.asked.is_some_and(|at| now.saturating_duration_since(at) < PATIENCE) {
            return None;
        }
        self.asked = Some(now);
        let timestamp = super::clock::micros(self.began, now) as u32;
        let Some(cookie) = self.cookie else {
            let mut induction = Handshake::new(INDUCTION, self.socket, self.sequence);
            // Version 4, and datagrams: what came before version 5 begins like that.
            (induction.version, induction.extension) = (4, 2);
            return Some(induction.write(timestamp, 0, self.remote));
        };
        let mut conclusion = Handshake::new(CONCLUSION, self.socket, self.sequence);
        conclusion.cookie = cookie;
        conclusion.encryption = self.secret.as_ref().map_or(0, |(_, length)| length.field());
        let mut extensions = Vec::new();
        conclusion.extension = handshake::append(
            true,
            Capabilities::new(self.latency, self.latency),
            self.keys.as_deref(),
            Some(&self.stream_id),
            &mut extensions,
        );
        let mut datagram = conclusion.write(timestamp, 0, self.remote);
        datagram.append(&mut extensions);
        Some(datagram)
    }
}
