//! The conversation with one server: what is asked in which order, and what its answers come to.

use std::time::{Duration, Instant};

use super::description::Description;
use super::error::RtspError;
use super::reader::{Headers, Incoming, Reader, Response};
use super::requests::{Asked, Requests};
use super::transport::{Answer, Lower};
use super::url::{Credentials, Url, controlled};

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

/// See the module.
#[derive(Debug)]
pub struct Client {
    url: Url,
    requests: Requests,
    reader: Reader,
    step: Step,
    /// What controls are below.
    base: String,
    description: Description,
    wanted: Vec<Wanted>,
    agreed: Vec<Agreed>,
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
            requests: Requests::new(credentials, entropy, timeout),
            reader: Reader::default(),
            step: Step::Options,
            base,
            description: Description::default(),
            wanted: Vec::new(),
            agreed: Vec::new(),
            keep_at: None,
            gets_parameters: false,
        };
        client.requests.ask(now, "OPTIONS", client.base.clone(), String::new());
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
            self.requests.out.extend([b'$', channel, high, low]);
            self.requests.out.extend_from_slice(packet);
        }
    }

    /// When [`Client::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let until = self.requests.asked.as_ref().map(|asked| asked.until);
        [until, self.keep_at].into_iter().flatten().min()
    }

    /// Keeps the session.
    ///
    /// # Errors
    /// [`RtspError::Timeout`] where an answer did not come.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), RtspError> {
        if self.requests.asked.as_ref().is_some_and(|asked| asked.until <= now) {
            // Servers that do not answer those send all the same.
            if !self.requests.asked.take().is_some_and(|asked| asked.keeping) {
                return Err(RtspError::Timeout);
            }
        }
        if self.keep_at.is_some_and(|at| at <= now) && self.requests.asked.is_none() {
            self.keep_at = Some(now + self.requests.session_time / 2);
            let method = if self.gets_parameters { "GET_PARAMETER" } else { "OPTIONS" };
            self.requests.ask(now, method, self.aggregate(), String::new());
            if let Some(asked) = &mut self.requests.asked {
                asked.keeping = true;
            }
        }
        Ok(())
    }

    /// Says goodbye, if there is anything to leave.
    pub fn tear_down(&mut self, now: Instant) {
        if self.requests.session.is_some() {
            self.requests.ask(now, "TEARDOWN", self.aggregate(), String::new());
        }
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.requests.out)
    }

    /// What all lines are controlled by together.
    fn aggregate(&self) -> String {
        let control = self.description.control.as_deref().unwrap_or("*");
        controlled(&self.base, control).unwrap_or_else(|| self.base.clone())
    }

    fn set_up_line(&mut self, now: Instant, place: usize) {
        let Some(&Wanted { media, lower }) = self.wanted.get(place) else {
            self.step = Step::Play;
            return self.requests.ask(
                now,
                "PLAY",
                self.aggregate(),
                "Range: npt=0.000-\r\n".to_owned(),
            );
        };
        self.step = Step::SetUp(place);
        let control = self.description.media.get(media).and_then(|media| media.control.as_deref());
        // Without one the line is all there is (RFC 2326 C.1.1).
        let uri =
            controlled(&self.base, control.unwrap_or("*")).unwrap_or_else(|| self.base.clone());
        self.requests.ask(now, "SETUP", uri, format!("Transport: {}\r\n", lower.header()));
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
        self.requests
            .out
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
        if !self.requests.asked.as_ref().is_some_and(is_answer) || response.status < 200 {
            return Ok(None);
        }
        let Some(asked) = self.requests.asked.take() else { return Ok(None) };
        let Response { status, .. } = response;
        if status == 401 {
            self.requests.authenticate(now, asked, &response.headers)?;
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
                if url.secure != self.url.secure {
                    return Err(RtspError::OtherScheme);
                }
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
                self.requests.take_session(&headers)?;
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
                self.keep_at = Some(now + self.requests.session_time / 2);
                return Ok(Some(Event::Playing));
            }
            Step::Choosing | Step::Playing => {}
        }
        Ok(None)
    }

    fn describe(&mut self, now: Instant) {
        self.step = Step::Describe;
        self.requests.ask(
            now,
            "DESCRIBE",
            self.url.to_string(),
            "Accept: application/sdp\r\n".to_owned(),
        );
    }
}
