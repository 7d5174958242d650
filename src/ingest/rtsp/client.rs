//! The conversation with one server: what is asked in which order, and what its answers come to.

use std::time::{Duration, Instant};

use super::authentication::Challenge;
use super::description::Description;
use super::error::RtspError;
use super::reader::{Headers, Incoming, Reader, Response};
use super::transport::{Answer, Lower};
use super::url::{Credentials, Url, controlled};

/// Tries of one request: without a password, with one, and with a nonce that is not stale.
const MAX_TRIES: u8 = 3;
/// Characters of a session's name.
const MAX_SESSION: usize = 128;
/// A session that is not heard of for so long ends, unless the server says otherwise (RFC 2326 12.37).
const SESSION_TIME: u64 = 60;
/// What servers may say of it, in seconds.
const SESSION_TIMES: std::ops::RangeInclusive<u64> = 10..=600;
const USER_AGENT: &str = "medialoom";
/// Between the two halves of a frame's length.
const MAX_FRAME: usize = u16::MAX as usize;

/// Something that came of a server.
#[derive(Debug)]
pub enum Event<'a> {
    /// What there is. Goes on with [`Client::set_up`].
    Described(Description),
    /// It does not send the way it was asked to (461), and may be asked otherwise by [`Client::set_up`].
    Refused,
    /// It sends from now on, each line as [`Client::agreed`] says.
    Playing,
    /// RTP or RTCP of a channel.
    Packet { channel: u8, data: &'a [u8] },
    /// It is to be asked elsewhere.
    Moved(Url),
    /// It ends.
    Ended,
}

/// A line that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Its place in [`Description::media`].
    pub media: usize,
    pub lower: Lower,
}

/// How a line travels, as it was agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agreed {
    /// By these channels of RTP and RTCP.
    Interleaved { rtp: u8, rtcp: u8 },
    /// From these ports of the server, where it says so.
    Udp { server: Option<(u16, u16)> },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Options,
    Describe,
    /// The owner chooses.
    Choosing,
    /// A place in what is wanted.
    SetUp(usize),
    Play,
    Playing,
}

/// What was asked and is not answered yet.
#[derive(Clone, Debug)]
struct Asked {
    number: u32,
    method: &'static str,
    uri: String,
    headers: String,
    tries: u8,
    until: Instant,
    /// To keep the session: whether there is an answer is no matter.
    keeping: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    url: Url,
    credentials: Option<Credentials>,
    client_nonce: String,
    timeout: Duration,
    reader: Reader,
    out: Vec<u8>,
    step: Step,
    number: u32,
    asked: Option<Asked>,
    challenge: Option<Challenge>,
    /// How often its nonce was used.
    used: u32,
    /// What controls are below.
    base: String,
    description: Description,
    wanted: Vec<Wanted>,
    agreed: Vec<Agreed>,
    session: Option<String>,
    session_time: Duration,
    keep_at: Option<Instant>,
    /// Keeps the session by GET_PARAMETER; else by OPTIONS, which all servers have.
    gets_parameters: bool,
}

impl Client {
    /// Begins the conversation. `entropy` is random; `timeout` is how long an answer may take.
    pub fn new(
        now: Instant,
        url: Url,
        credentials: Option<Credentials>,
        entropy: [u8; 8],
        timeout: Duration,
    ) -> Self {
        let base = url.to_string();
        let mut client = Self {
            url,
            credentials,
            client_nonce: entropy.iter().map(|byte| format!("{byte:02x}")).collect(),
            timeout,
            reader: Reader::default(),
            out: Vec::new(),
            step: Step::Options,
            number: 0,
            asked: None,
            challenge: None,
            used: 0,
            base,
            description: Description::default(),
            wanted: Vec::new(),
            agreed: Vec::new(),
            session: None,
            session_time: Duration::from_secs(SESSION_TIME),
            keep_at: None,
            gets_parameters: false,
        };
        client.ask(now, "OPTIONS", client.base.clone(), String::new());
        client
    }

    /// Takes bytes. To be called when there is nothing more to [read](Self::next).
    pub fn feed(&mut self, bytes: &[u8]) {
        self.reader.feed(bytes);
    }

    /// What they come to, one by one.
    ///
    /// # Errors
    /// Why nothing more comes of it.
    pub fn next(&mut self, now: Instant) -> Result<Option<Event<'_>>, RtspError> {
        // A packet borrows what was read, and everything else needs all of the client.
        let mut reader = std::mem::take(&mut self.reader);
        let packet = loop {
            match reader.next() {
                Ok(None) => break Ok(None),
                Ok(Some(Incoming::Packet { channel, data })) => {
                    break Ok(Some((channel, data.len())));
                }
                Ok(Some(Incoming::Request { method, headers })) => {
                    if let Some(event) = self.requested(&method, &headers) {
                        self.reader = reader;
                        return Ok(Some(event));
                    }
                }
                Ok(Some(Incoming::Response(response))) => match self.answered(now, response) {
                    Ok(None) => {}
                    answered => {
                        self.reader = reader;
                        return answered;
                    }
                },
                Err(error) => break Err(error),
            }
        };
        self.reader = reader;
        let Some((channel, length)) = packet? else { return Ok(None) };
        Ok(Some(Event::Packet { channel, data: self.reader.last(length) }))
    }

    /// Asks for lines of the description, and to have them sent.
    pub fn set_up(&mut self, now: Instant, wanted: Vec<Wanted>) {
        if self.step == Step::Choosing && !wanted.is_empty() {
            self.wanted = wanted;
            self.set_up_line(now, 0);
        }
    }

    /// How each line that was wanted travels, in the same order.
    pub fn agreed(&self) -> &[Agreed] {
        &self.agreed
    }

    /// Sends a packet of RTCP.
    pub fn send(&mut self, channel: u8, packet: &[u8]) {
        if packet.len() <= MAX_FRAME {
            let [high, low] = (packet.len() as u16).to_be_bytes();
            self.out.extend([b'$', channel, high, low]);
            self.out.extend_from_slice(packet);
        }
    }

    /// When [`Client::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let until = self.asked.as_ref().map(|asked| asked.until);
        [until, self.keep_at].into_iter().flatten().min()
    }

    /// Keeps the session.
    ///
    /// # Errors
    /// [`RtspError::Timeout`] where an answer did not come.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), RtspError> {
        if self.asked.as_ref().is_some_and(|asked| asked.until <= now) {
            // Servers that do not answer those send all the same.
            if !self.asked.take().is_some_and(|asked| asked.keeping) {
                return Err(RtspError::Timeout);
            }
        }
        if self.keep_at.is_some_and(|at| at <= now) && self.asked.is_none() {
            self.keep_at = Some(now + self.session_time / 2);
            let method = if self.gets_parameters { "GET_PARAMETER" } else { "OPTIONS" };
            self.ask(now, method, self.aggregate(), String::new());
            if let Some(asked) = &mut self.asked {
                asked.keeping = true;
            }
        }
        Ok(())
    }

    /// Says goodbye, if there is anything to leave.
    pub fn tear_down(&mut self, now: Instant) {
        if self.session.is_some() {
            self.ask(now, "TEARDOWN", self.aggregate(), String::new());
        }
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn ask(&mut self, now: Instant, method: &'static str, uri: String, headers: String) {
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

    /// What all lines are controlled by together.
    fn aggregate(&self) -> String {
        let control = self.description.control.as_deref().unwrap_or("*");
        controlled(&self.base, control).unwrap_or_else(|| self.base.clone())
    }

    fn set_up_line(&mut self, now: Instant, place: usize) {
        let Some(&Wanted { media, lower }) = self.wanted.get(place) else {
            self.step = Step::Play;
            return self.ask(now, "PLAY", self.aggregate(), "Range: npt=0.000-\r\n".to_owned());
        };
        self.step = Step::SetUp(place);
        let control = self.description.media.get(media).and_then(|media| media.control.as_deref());
        // Without one the line is all there is (RFC 2326 C.1.1).
        let uri =
            controlled(&self.base, control.unwrap_or("*")).unwrap_or_else(|| self.base.clone());
        self.ask(now, "SETUP", uri, format!("Transport: {}\r\n", lower.header()));
    }

    /// The server asks something.
    fn requested(&mut self, method: &str, headers: &Headers) -> Option<Event<'static>> {
        let answer = match method {
            "OPTIONS" | "GET_PARAMETER" | "SET_PARAMETER" => "200 OK",
            "TEARDOWN" | "REDIRECT" => return Some(Event::Ended),
            _ => "501 Not Implemented",
        };
        let number = headers.get("cseq").and_then(|number| number.parse::<u32>().ok());
        let number = number.unwrap_or_default();
        self.out
            .extend_from_slice(format!("RTSP/1.0 {answer}\r\nCSeq: {number}\r\n\r\n").as_bytes());
        None
    }

    fn answered(
        &mut self,
        now: Instant,
        response: Response,
    ) -> Result<Option<Event<'static>>, RtspError> {
        let number = response.headers.get("cseq").and_then(|number| number.parse::<u32>().ok());
        let is_answer = |asked: &Asked| number.is_none_or(|number| number == asked.number);
        // Answers to what is no longer waited for, and steps on the way to one (1xx).
        if !self.asked.as_ref().is_some_and(is_answer) || response.status < 200 {
            return Ok(None);
        }
        let Some(asked) = self.asked.take() else { return Ok(None) };
        let Response { status, .. } = response;
        if status == 401 {
            self.authenticate(now, asked, &response.headers)?;
            return Ok(None);
        }
        if asked.keeping {
            return self.kept(status, response.reason).map(|()| None);
        }
        match (status, self.step) {
            (200..=299, _) => self.succeeded(now, response),
            (300..=399, Step::Options | Step::Describe) => {
                let location = response.headers.get("location").ok_or(RtspError::Redirect)?;
                let (url, _) = Url::parse(location).map_err(|_| RtspError::Redirect)?;
                Ok(Some(Event::Moved(url)))
            }
            (461, Step::SetUp(0)) => {
                self.step = Step::Choosing;
                Ok(Some(Event::Refused))
            }
            (461, Step::SetUp(_)) => Err(RtspError::Transport),
            // Some know nothing but what they need.
            (400..=599, Step::Options) if status != 404 => {
                self.describe(now);
                Ok(None)
            }
            _ => Err(RtspError::Status { status, reason: response.reason }),
        }
    }

    fn authenticate(
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

    /// The server said something to what keeps the session.
    fn kept(&mut self, status: u16, reason: String) -> Result<(), RtspError> {
        match status {
            // There is no such session any more.
            454 => Err(RtspError::Status { status, reason }),
            400..=599 => {
                self.gets_parameters = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn succeeded(
        &mut self,
        now: Instant,
        response: Response,
    ) -> Result<Option<Event<'static>>, RtspError> {
        let Response { headers, body, .. } = response;
        match self.step {
            Step::Options => {
                let public = headers.get("public").unwrap_or_default();
                let mut methods = public.split(',').map(str::trim);
                self.gets_parameters =
                    methods.any(|method| method.eq_ignore_ascii_case("GET_PARAMETER"));
                self.describe(now);
            }
            Step::Describe => {
                let base = headers.get("content-base").or(headers.get("content-location"));
                if let Some(base) =
                    base.and_then(|base| controlled(base, "*")).filter(|base| base.contains("://"))
                {
                    self.base = base;
                }
                let described = Description::parse(&String::from_utf8_lossy(&body));
                self.description = described.ok_or(RtspError::Description)?;
                self.step = Step::Choosing;
                return Ok(Some(Event::Described(self.description.clone())));
            }
            Step::SetUp(place) => {
                self.take_session(&headers)?;
                let answer = Answer::parse(headers.get("transport").unwrap_or_default());
                let agreed = match (self.wanted.get(place).map(|wanted| wanted.lower), answer) {
                    // One that says nothing of it does as it was asked to.
                    (Some(Lower::Interleaved(channel)), Answer { interleaved, .. }) => {
                        let (rtp, rtcp) = interleaved.unwrap_or((channel, channel.wrapping_add(1)));
                        Agreed::Interleaved { rtp, rtcp }
                    }
                    (_, Answer { server_port, .. }) => Agreed::Udp { server: server_port },
                };
                self.agreed.push(agreed);
                self.set_up_line(now, place.saturating_add(1));
            }
            Step::Play => {
                self.step = Step::Playing;
                self.keep_at = Some(now + self.session_time / 2);
                return Ok(Some(Event::Playing));
            }
            Step::Choosing | Step::Playing => {}
        }
        Ok(None)
    }

    fn describe(&mut self, now: Instant) {
        self.step = Step::Describe;
        self.ask(now, "DESCRIBE", self.url.to_string(), "Accept: application/sdp\r\n".to_owned());
    }

    fn take_session(&mut self, headers: &Headers) -> Result<(), RtspError> {
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
