//! Requests on their way: numbered, with the session that they belong to and the proof of a password, and
//! the one that is waited for.

use std::time::{Duration, Instant};

use super::authentication::Challenge;
use super::error::RtspError;
use super::reader::Headers;
use super::url::Credentials;

/// Tries of one request: without a password, with one, and with a nonce that is not stale.
const MAX_TRIES: u8 = 3;
/// Characters of a session's name.
const MAX_SESSION: usize = 128;
const USER_AGENT: &str = "medialoom";
/// A session that is not heard of for so long ends, unless the server says otherwise (RFC 2326 12.37).
const SESSION_TIME: u64 = 60;
/// What servers may say of it, in seconds.
const SESSION_TIMES: std::ops::RangeInclusive<u64> = 10..=600;

/// What was asked and is not answered yet.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) number: u32,
    method: &'static str,
    uri: String,
    headers: String,
    tries: u8,
    pub(super) until: Instant,
    /// To keep the session: whether there is an answer is no matter.
    pub(super) keeping: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Requests {
    credentials: Option<Credentials>,
    client_nonce: String,
    timeout: Duration,
    pub(super) out: Vec<u8>,
    number: u32,
    pub(super) asked: Option<Asked>,
    challenge: Option<Challenge>,
    /// How often its nonce was used.
    used: u32,
    pub(super) session: Option<String>,
    pub(super) session_time: Duration,
}

impl Requests {
    pub(super) fn new(
        credentials: Option<Credentials>,
        entropy: [u8; 8],
        timeout: Duration,
    ) -> Self {
        Self {
            credentials,
            client_nonce: entropy.iter().map(|byte| format!("{byte:02x}")).collect(),
            timeout,
            out: Vec::new(),
            number: 0,
            asked: None,
            challenge: None,
            used: 0,
            session: None,
            session_time: Duration::from_secs(SESSION_TIME),
        }
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, now: Instant, method: &'static str, uri: String, headers: String) {
        let until = now + self.timeout;
        let asked = Asked { number: 0, method, uri, headers, tries: 0, until, keeping: false };
        self.write(asked);
    }

    fn write(&mut self, mut asked: Asked) {
        self.number = self.number.wrapping_add(1);
        asked.number = self.number;
        asked.tries += 1;
        let Asked { number, method, uri, headers, .. } = &asked;
        let mut text =
            format!("{method} {uri} RTSP/1.0\r\nCSeq: {number}\r\nUser-Agent: {USER_AGENT}\r\n");
        if let Some(session) = &self.session {
            text.push_str(&format!("Session: {session}\r\n"));
        }
        if let (Some(challenge), Some(credentials)) = (&self.challenge, &self.credentials) {
            self.used = self.used.saturating_add(1);
            let answer = challenge.answer(credentials, method, uri, self.used, &self.client_nonce);
            text.push_str(&format!("Authorization: {answer}\r\n"));
        }
        text.push_str(headers);
        text.push_str("\r\n");
        self.out.extend_from_slice(text.as_bytes());
        self.asked = Some(asked);
    }

    /// The server wants a password: it is asked once more, with one.
    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        asked: Asked,
        headers: &Headers,
    ) -> Result<(), RtspError> {
        let given = self.credentials.is_some();
        let challenge = Challenge::strongest(headers.all("www-authenticate"));
        let challenge = challenge.ok_or(RtspError::Scheme)?;
        // What was answered already and is asked again was the wrong answer, if it was not too late.
        let answered = self.challenge.is_some() && asked.tries > 1;
        if !given || asked.tries >= MAX_TRIES || (answered && !challenge.is_stale()) {
            return Err(RtspError::Unauthorized { given });
        }
        self.challenge = Some(challenge);
        self.used = 0;
        self.write(Asked { until: now + self.timeout, ..asked });
        Ok(())
    }

    /// Keeps what an answer says of the session.
    pub(super) fn take_session(&mut self, headers: &Headers) -> Result<(), RtspError> {
        let Some(value) = headers.get("session") else { return Ok(()) };
        let mut parts = value.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        if name.is_empty()
            || name.len() > MAX_SESSION
            || !name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(RtspError::Malformed);
        }
        self.session = Some(name.to_owned());
        let time = parts.find_map(|part| part.strip_prefix("timeout=")?.trim().parse::<u64>().ok());
        if let Some(time) = time {
            let time = time.clamp(*SESSION_TIMES.start(), *SESSION_TIMES.end());
            self.session_time = Duration::from_secs(time);
        }
        Ok(())
    }
}
