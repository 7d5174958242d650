//! Bytes of a connection taken apart: answers, requests of the server, and packets between them
//! (RFC 2326 10.12).

use super::error::RtspError;

/// Bytes of a start line and its headers.
const MAX_HEAD: usize = 16 * 1024;
/// Headers of one message.
const MAX_HEADERS: usize = 64;
/// Bytes of a body: descriptions have two or three thousand.
const MAX_BODY: usize = 64 * 1024;
/// Characters of the server's own words that are kept.
const MAX_REASON: usize = 100;
/// Before a packet: a dollar, its channel and its length.
const FRAME: usize = 4;

/// One thing that came.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Incoming<'a> {
    Packet {
        channel: u8,
        data: &'a [u8],
    },
    Response(Response),
    /// The server asks something itself.
    Request {
        method: String,
        headers: Headers,
    },
}

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

/// In the order in which they came.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }
}

/// A message whose body is not here yet.
#[derive(Debug)]
struct Head {
    start: Start,
    headers: Headers,
    body: usize,
}

#[derive(Debug)]
enum Start {
    Response { status: u16, reason: String },
    Request { method: String },
}

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Reader {
    buffer: Vec<u8>,
    /// What was read of it.
    start: usize,
    /// As far as there is no end of the head.
    scanned: usize,
    head: Option<Head>,
}

impl Reader {
    /// Takes bytes. To be called when there is nothing more to [read](Self::next).
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next thing, once all of it is here.
    pub(super) fn next(&mut self) -> Result<Option<Incoming<'_>>, RtspError> {
        if self.head.is_none() {
            while matches!(self.rest().first(), Some(b'\r' | b'\n')) {
                self.start += 1;
            }
            match *self.rest() {
                [] => return Ok(None),
                [b'$', ..] => return Ok(self.packet()),
                // A method, or `RTSP/`.
                [first, ..] if !first.is_ascii_alphabetic() => return Err(RtspError::Malformed),
                _ => {}
            }
            let Some(length) = self.head_length() else {
                let long = self.rest().len() > MAX_HEAD;
                return if long { Err(RtspError::TooLong) } else { Ok(None) };
            };
            if length > MAX_HEAD {
                return Err(RtspError::TooLong);
            }
            let text = self.rest().get(..length).unwrap_or_default();
            self.head = Some(Head::parse(&String::from_utf8_lossy(text))?);
            self.start += length;
            self.scanned = self.start;
        }
        let Some(head) = self.head.take() else { return Ok(None) };
        let Some(body) = self.rest().get(..head.body) else {
            self.head = Some(head);
            return Ok(None);
        };
        let body = body.to_vec();
        self.start += head.body;
        self.scanned = self.start;
        let headers = head.headers;
        Ok(Some(match head.start {
            Start::Request { method } => Incoming::Request { method, headers },
            Start::Response { status, reason } => {
                Incoming::Response(Response { status, reason, headers, body })
            }
        }))
    }

    /// The last bytes that were read: of the packet that came last.
    pub(super) fn last(&self, length: usize) -> &[u8] {
        self.start
            .checked_sub(length)
            .and_then(|from| self.buffer.get(from..self.start))
            .unwrap_or_default()
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn packet(&mut self) -> Option<Incoming<'_>> {
        let &[_, channel, high, low] = self.rest().first_chunk::<FRAME>()?;
        let begin = self.start + FRAME;
        let end = begin + usize::from(u16::from_be_bytes([high, low]));
        if self.buffer.len() < end {
            return None;
        }
        self.start = end;
        self.scanned = end;
        let data = self.buffer.get(begin..end).unwrap_or_default();
        Some(Incoming::Packet { channel, data })
    }

    /// Up to the empty line. Each byte is looked at once, however they come.
    fn head_length(&mut self) -> Option<usize> {
        // An end may begin up to three bytes before what is new.
        let from = self.scanned.saturating_sub(3).max(self.start);
        let new = self.buffer.get(from..).unwrap_or_default();
        let ends = |at: usize, end: &[u8]| new.get(at..).is_some_and(|rest| rest.starts_with(end));
        let found = (0..new.len()).find_map(|at| match new.get(at) {
            Some(b'\r') if ends(at, b"\r\n\r\n") => Some(at + 4),
            Some(b'\n') if ends(at, b"\n\n") => Some(at + 2),
            _ => None,
        });
        self.scanned = self.buffer.len();
        Some(from + found? - self.start)
    }
}

impl Head {
    fn parse(text: &str) -> Result<Self, RtspError> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let (word, rest) = first.split_once(' ').ok_or(RtspError::Malformed)?;
        let start = if word.starts_with("RTSP/") {
            let (status, reason) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
            let status = status.parse().map_err(|_| RtspError::Malformed)?;
            let letters = reason.chars().filter(|letter| !letter.is_control());
            Start::Response { status, reason: letters.take(MAX_REASON).collect() }
        } else if rest.contains("RTSP/") {
            Start::Request { method: word.to_owned() }
        } else {
            return Err(RtspError::Malformed);
        };
        let mut headers = Headers::default();
        for line in lines {
            // What follows up on the line before (RFC 9112 5.2) is nothing that matters here.
            let Some((name, value)) = line.split_once(':') else { continue };
            if headers.0.len() >= MAX_HEADERS {
                return Err(RtspError::TooLong);
            }
            headers.0.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let body = match headers.get("content-length") {
            None => 0,
            Some(length) => length.parse().map_err(|_| RtspError::Malformed)?,
        };
        if body > MAX_BODY {
            return Err(RtspError::TooLong);
        }
        Ok(Self { start, headers, body })
    }
}
