//! Chunks put together to messages (RTMP 5.3). Chunks of several messages may be mixed.

use super::error::RtmpError;
use super::message::{Kind, Message};

/// Chunk streams of a connection; encoders use four or five.
const MAX_STREAMS: usize = 64;
/// Messages on their way at once.
const MAX_PARTIAL: usize = 4;
/// Bytes of a message, and of all that are on their way, once [a publisher was accepted](
/// ChunkReader::allow_media).
const MAX_MEDIA: usize = 10 * 1000 * 1000;
/// The same before.
const MAX_COMMAND: usize = 64 * 1024;
/// Longest header: basic header of 3 bytes, message header of 11, extended timestamp of 4.
const MAX_HEADER: usize = 18;
/// The chunk size that holds until another is set (5.4.1).
const DEFAULT_CHUNK: usize = 128;
/// A timestamp that is in the extended field (5.3.1.3).
const EXTENDED: u32 = 0xff_ffff;
/// Memory for a message before any of it came.
const FIRST_BYTES: usize = 4 * 1024;

/// Reads chunks as they come, in pieces of any size.
pub struct ChunkReader {
    chunk_size: usize,
    max_bytes: usize,
    streams: Vec<ChunkStream>,
    /// A header of which not everything came.
    header: Vec<u8>,
    /// What came before it was seen that it is no extended timestamp: the payload begins with it.
    spilled: Vec<u8>,
    /// The stream of the chunk that is being read, and bytes of it to come.
    current: Option<(usize, usize)>,
    /// Bytes of messages on their way.
    held: usize,
}

/// What the last header on a chunk stream said, and the message that is on its way.
struct ChunkStream {
    id: u32,
    timestamp: u32,
    delta: u32,
    length: usize,
    kind: u8,
    stream: u32,
    /// The last header had an extended timestamp field, with this in it.
    extended: Option<u32>,
    payload: Option<Vec<u8>>,
}

/// A chunk header that is there in full.
struct Header {
    size: usize,
    format: u8,
    id: u32,
    message: [u8; 11],
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK,
            max_bytes: MAX_COMMAND,
            streams: Vec::new(),
            header: Vec::new(),
            spilled: Vec::new(),
            current: None,
            held: 0,
        }
    }
}

impl ChunkReader {
    /// Messages may be as large as pictures are from now on.
    pub fn allow_media(&mut self) {
        self.max_bytes = MAX_MEDIA;
    }

    /// The peer's chunks have so many bytes from now on (5.4.1).
    ///
    /// # Errors
    /// `ChunkSize` when no chunk can have so many.
    pub fn set_chunk_size(&mut self, size: u32) -> Result<(), RtmpError> {
        if !(1..=0x7fff_ffff).contains(&size) {
            return Err(RtmpError::ChunkSize(size));
        }
        // A message has no more than 24 bits of length.
        self.chunk_size = size.min(EXTENDED) as usize;
        Ok(())
    }

    /// The rest of a message will not come (5.4.2).
    pub fn abort(&mut self, id: u32) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            self.held -= stream.payload.take().map_or(0, |payload| payload.len());
        }
    }

    /// Takes bytes off `input` until a message is whole or nothing is left.
    ///
    /// # Errors
    /// As [`RtmpError`] says; the connection cannot go on.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, RtmpError> {
        loop {
            if self.current.is_none() {
                match self.read_header(input)? {
                    Some(current) => self.current = Some(current),
                    None => return Ok(None),
                }
            }
            let Some((index, left)) = self.current.take() else { return Ok(None) };
            let left = left - self.take_payload(index, left, input)?;
            if left > 0 {
                self.current = Some((index, left));
                return Ok(None);
            }
            let Some(stream) = self.streams.get_mut(index) else { return Ok(None) };
            let Some(payload) = &stream.payload else { return Ok(None) };
            if payload.len() < stream.length {
                continue;
            }
            let payload = stream.payload.take().unwrap_or_default();
            self.held -= payload.len();
            return Ok(Some(Message {
                kind: Kind::from_id(stream.kind),
                stream: stream.stream,
                timestamp: stream.timestamp,
                payload,
            }));
        }
    }

    /// Takes up to `left` bytes of a chunk. Gives how many there were.
    fn take_payload(
        &mut self,
        index: usize,
        left: usize,
        input: &mut &[u8],
    ) -> Result<usize, RtmpError> {
        let spilled = self.spilled.len().min(left);
        let (now, rest) = input.split_at((left - spilled).min(input.len()));
        *input = rest;
        let taken = spilled + now.len();
        if self.held + taken > self.max_bytes {
            return Err(RtmpError::Size(self.held + taken));
        }
        self.held += taken;
        if let Some(stream) = self.streams.get_mut(index) {
            let payload = stream.payload.get_or_insert_default();
            payload.extend(self.spilled.drain(..spilled));
            payload.extend_from_slice(now);
        }
        // Of a chunk shorter than that, the next header.
        self.header.append(&mut self.spilled);
        Ok(taken)
    }

    /// The stream and the length of the next chunk, when its header is there in full.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<Option<(usize, usize)>, RtmpError> {
        if input.is_empty() && self.header.is_empty() {
            return Ok(None);
        }
        // A header may come in pieces, and whether it has an extended timestamp is seen last.
        let before = self.header.len();
        let more = input.len().min(MAX_HEADER - before);
        self.header.extend_from_slice(&input[..more]);
        let bytes = std::mem::take(&mut self.header);
        match self.parse(&bytes)? {
            None => {
                *input = &input[more..];
                self.header = bytes;
                Ok(None)
            }
            Some((size, index)) => {
                *input = input.get(size.saturating_sub(before)..).unwrap_or(&[]);
                self.spilled.extend_from_slice(bytes.get(size..before).unwrap_or(&[]));
                self.header = bytes;
                self.header.clear();
                let stream = &self.streams[index];
                let came = stream.payload.as_ref().map_or(0, Vec::len);
                Ok(Some((index, (stream.length - came).min(self.chunk_size))))
            }
        }
    }

    /// Takes in a header: its size and the place of its stream. `None` when it is not whole.
    fn parse(&mut self, bytes: &[u8]) -> Result<Option<(usize, usize)>, RtmpError> {
        let Some(header) = Header::parse(bytes) else { return Ok(None) };
        let known = self.streams.iter().position(|stream| stream.id == header.id);
        let short = &header.message;
        let time = u32::from_be_bytes([0, short[0], short[1], short[2]]);
        let field: Option<u32> = bytes
            .get(header.size..)
            .and_then(<[u8]>::first_chunk)
            .map(|bytes| u32::from_be_bytes(*bytes));
        let mut size = header.size;
        let (time, extended) = if header.format < 3 {
            if time == EXTENDED {
                let Some(field) = field else { return Ok(None) };
                size += 4;
                (field, Some(field))
            } else {
                (time, None)
            }
        } else {
            let known = known.ok_or(RtmpError::ChunkWithoutBegin)?;
            let extended = self.streams[known].extended;
            if let Some(expected) = extended {
                let Some(field) = field else { return Ok(None) };
                // It is in chunks of type 3 as well (5.3.1.3), which some encoders do not know.
                size += if field == expected { 4 } else { 0 };
            }
            (0, extended)
        };
        let index = match known {
            Some(index) => index,
            // Type 1 and 2 lean on a header before them.
            None if header.format != 0 => return Err(RtmpError::ChunkWithoutBegin),
            None if self.streams.len() >= MAX_STREAMS => return Err(RtmpError::ChunkStreams),
            None => {
                self.streams.push(ChunkStream::new(header.id));
                self.streams.len() - 1
            }
        };
        let begins = header.format < 3 || self.streams[index].payload.is_none();
        if begins {
            self.begin(index, &header, time, extended)?;
        }
        Ok(Some((size, index)))
    }

    /// A chunk begins a message.
    fn begin(
        &mut self,
        index: usize,
        header: &Header,
        time: u32,
        extended: Option<u32>,
    ) -> Result<(), RtmpError> {
        let stream = &mut self.streams[index];
        // The message before will not become whole any more.
        self.held -= stream.payload.take().map_or(0, |payload| payload.len());
        stream.take(header, time);
        stream.extended = extended;
        let length = stream.length;
        if self.held + length > self.max_bytes {
            return Err(RtmpError::Size(self.held + length));
        }
        let partial = self.streams.iter().filter(|stream| stream.payload.is_some()).count();
        if partial >= MAX_PARTIAL {
            return Err(RtmpError::Messages);
        }
        self.streams[index].payload = Some(Vec::with_capacity(length.min(FIRST_BYTES)));
        Ok(())
    }
}

impl ChunkStream {
    fn new(id: u32) -> Self {
        Self {
            id,
            timestamp: 0,
            delta: 0,
            length: 0,
            kind: 0,
            stream: 0,
            extended: None,
            payload: None,
        }
    }

    /// What the header of a message that begins says (5.3.1.2).
    fn take(&mut self, header: &Header, time: u32) {
        let bytes = &header.message;
        if header.format < 2 {
            self.length = u32::from_be_bytes([0, bytes[3], bytes[4], bytes[5]]) as usize;
            self.kind = bytes[6];
        }
        match header.format {
            0 => {
                self.stream = u32::from_le_bytes([bytes[7], bytes[8], bytes[9], bytes[10]]);
                self.timestamp = time;
                // What a type 3 adds behind it.
                self.delta = time;
            }
            1 | 2 => {
                self.delta = time;
                self.timestamp = self.timestamp.wrapping_add(time);
            }
            _ => self.timestamp = self.timestamp.wrapping_add(self.delta),
        }
    }
}

impl Header {
    /// Without the extended timestamp. `None` when it is not whole.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let (id, basic) = match (first & 0x3f, rest) {
            (0, [low, ..]) => (64 + u32::from(*low), 2),
            (1, [low, high, ..]) => (64 + u32::from(*low) + 256 * u32::from(*high), 3),
            (0 | 1, _) => return None,
            (id, _) => (id.into(), 1),
        };
        let format = first >> 6;
        let length = [11, 7, 3, 0][usize::from(format)];
        let size = basic + length;
        let mut message = [0; 11];
        message[..length].copy_from_slice(bytes.get(basic..size)?);
        Some(Self { size, format, id, message })
    }
}
