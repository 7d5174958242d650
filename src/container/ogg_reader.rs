//! Ogg (RFC 3533) with Opus in it (RFC 7845).

use std::collections::VecDeque;

use super::error::ContainerError;
use super::file::{MAX_FRAME, Windows};
use super::reader::{Coding, Demuxer, Found, ReadTrack, name};
use super::source::ReadAt;
use crate::codec::{Codec, Kind, opus};

/// Bytes of a page before its table of segments.
const HEAD: usize = 27;
/// A page has 255 segments of 255 bytes at most (RFC 3533 6).
const MAX_PAGE: usize = HEAD + 255 + 255 * 255;
/// Flags of a page: it goes on with a packet, and a stream begins with it.
const CONTINUED: u8 = 0x01;
const FIRST: u8 = 0x02;
/// Granule position of a page on which no packet ends (RFC 3533 6).
const NO_POSITION: u64 = u64::MAX;
/// Nanoseconds of a sample at 48 kHz, by 3.
const SAMPLE_BY_3: i128 = 62_500;
/// How far a lost page is looked for.
const MAX_SEARCH: u64 = 1 << 20;

struct Page {
    flags: u8,
    position: u64,
    serial: u32,
    segments: Vec<u8>,
    body: u64,
    end: u64,
}

/// A file that is read: the first stream of Opus of each chain (RFC 3533 4).
pub(super) struct Reader<S> {
    file: Windows<S>,
    track: [ReadTrack; 1],
    /// Of the stream that is read.
    serial: u32,
    /// Samples at its beginning that are not heard.
    pre_skip: u64,
    /// Packets of the head that come first.
    heads: u8,
    at: u64,
    /// Of the packet that goes on in the next page.
    partial: Vec<u8>,
    /// Samples before this stream, of those it is chained to.
    base: u64,
    /// Where it begins: those that were cut out of a longer one do not begin at 0 (RFC 7845 4.5).
    origin: Option<u64>,
    /// Samples of the next packet, from the beginning of the stream.
    next: u64,
    waiting: VecDeque<Found>,
    duration: Option<u64>,
}

impl<S: ReadAt> Reader<S> {
    /// Reads the first packet.
    pub(super) fn open(file: Windows<S>) -> Result<Self, ContainerError> {
        let track = ReadTrack {
            kind: Kind::Audio,
            coding: Coding::Codec(Codec::Opus),
            record: Vec::new(),
            rotation: 0,
            default: true,
        };
        let mut reader = Self {
            file,
            track: [track],
            serial: 0,
            pre_skip: 0,
            heads: 0,
            at: 0,
            partial: Vec::new(),
            base: 0,
            origin: None,
            next: 0,
            waiting: VecDeque::new(),
            duration: None,
        };
        reader.open_stream()?;
        reader.duration = reader.last_position()?;
        Ok(reader)
    }

    /// Looks among the streams that begin for one of Opus.
    fn open_stream(&mut self) -> Result<(), ContainerError> {
        let missing =
            |offset| ContainerError::Format { offset, expected: "first page of a stream" };
        let mut other = None;
        let mut at = 0;
        while let Some(page) = self.page(at)?.filter(|page| page.flags & FIRST != 0) {
            let start = self.file.bytes(page.body, 19)?;
            if start.starts_with(b"OpusHead") {
                self.begin(&page)?;
                return Ok(());
            }
            other.get_or_insert_with(|| codec_name(start));
            at = page.end;
        }
        let coding = Coding::Other(other.ok_or(missing(at))?);
        self.track[0].coding = coding;
        Ok(())
    }

    /// A stream begins with this page.
    fn begin(&mut self, page: &Page) -> Result<(), ContainerError> {
        let head = self.file.bytes(page.body, 19)?;
        let skip = head.get(10..).and_then(|rest| rest.first_chunk()).copied();
        // Mapping families beyond 0 have several streams in a packet (RFC 7845 5.1.1).
        let mono_or_stereo = head.get(18).is_some_and(|family| *family == 0);
        if !mono_or_stereo {
            self.track[0].coding = Coding::Other("Opus of more than two channels".to_owned());
        }
        self.pre_skip = skip.map_or(0, u16::from_le_bytes).into();
        (self.serial, self.heads, self.next, self.origin) = (page.serial, 2, 0, None);
        self.partial.clear();
        Ok(())
    }

    /// The page that begins at `at`; `None` where none does that is whole.
    fn page(&mut self, at: u64) -> Result<Option<Page>, ContainerError> {
        let len = self.file.len();
        let head = self.file.bytes(at, HEAD + 255)?;
        let Some(fixed) = head.first_chunk::<HEAD>() else { return Ok(None) };
        if fixed[..5] != *b"OggS\0" {
            return Ok(None);
        }
        let long = |from: usize| fixed[from..].first_chunk().copied();
        let (Some(position), Some(serial)) = (long(6), fixed[14..].first_chunk().copied()) else {
            return Ok(None);
        };
        let Some(segments) = head.get(HEAD..HEAD + usize::from(fixed[26])) else {
            return Ok(None);
        };
        let size: u64 = segments.iter().map(|segment| u64::from(*segment)).sum();
        let body = at + (HEAD + segments.len()) as u64;
        let end = body + size;
        Ok((end <= len).then(|| Page {
            flags: fixed[5],
            position: u64::from_le_bytes(position),
            serial: u32::from_le_bytes(serial),
            segments: segments.to_vec(),
            body,
            end,
        }))
    }

    /// The next page, also behind bytes that are none.
    fn find(&mut self) -> Result<Option<Page>, ContainerError> {
        let stop = self.at.saturating_add(MAX_SEARCH);
        loop {
            if let Some(page) = self.page(self.at)? {
                self.at = page.end;
                return Ok(Some(page));
            }
            let bytes = self.file.bytes(self.at.saturating_add(1), 4_096)?;
            if bytes.len() < 4 || self.at > stop {
                return Ok(None);
            }
            let found = bytes.windows(4).position(|bytes| bytes == b"OggS");
            self.at += 1 + found.unwrap_or(bytes.len() - 3) as u64;
        }
    }

    /// Brings the packets of the next page in. `false` at the end.
    fn read_page(&mut self) -> Result<bool, ContainerError> {
        let Some(page) = self.find()? else { return Ok(false) };
        if page.flags & FIRST != 0 {
            if self.file.bytes(page.body, 8)? == b"OpusHead" {
                let heard = self.next.saturating_sub(self.origin.unwrap_or(0));
                self.base = self.base.saturating_add(heard.saturating_sub(self.pre_skip));
                self.begin(&page)?;
                // Its head is in this page.
                self.heads = 1;
            }
            return Ok(true);
        }
        if page.serial != self.serial {
            return Ok(true);
        }
        let mut packets = Vec::new();
        // A beginning that nothing goes on with was cut off.
        if page.flags & CONTINUED == 0 {
            self.partial.clear();
        }
        let mut skip = page.flags & CONTINUED != 0 && self.partial.is_empty();
        let mut at = page.body;
        for &segment in &page.segments {
            let bytes = self.file.bytes(at, segment.into())?;
            if self.partial.len() + bytes.len() <= MAX_FRAME && !skip {
                self.partial.extend_from_slice(bytes);
            }
            at += u64::from(segment);
            if segment < 255 {
                let packet = std::mem::take(&mut self.partial);
                if !std::mem::replace(&mut skip, false) {
                    packets.push(packet);
                }
            }
        }
        self.add(packets, page.position);
        Ok(true)
    }

    /// Packets that end on one page, with the position of the last sample of the last.
    fn add(&mut self, packets: Vec<Vec<u8>>, position: u64) {
        let packets: Vec<Vec<u8>> = packets
            .into_iter()
            .filter(|_| {
                let is_head = self.heads > 0;
                self.heads = self.heads.saturating_sub(u8::from(is_head));
                !is_head
            })
            .collect();
        let samples = |packet: &Vec<u8>| u64::from(opus::packet_samples(packet).unwrap_or(0));
        let all: u64 = packets.iter().map(samples).sum();
        // What was lost before shows in the position of the page.
        if position != NO_POSITION && !packets.is_empty() {
            let begins = position.saturating_sub(all);
            self.next = self.next.max(begins);
        }
        self.origin.get_or_insert(self.next);
        for packet in packets {
            let count = samples(&packet);
            let time = self.nanos(self.next);
            let duration = Some((i128::from(count) * SAMPLE_BY_3 / 3) as i64);
            self.waiting.push_back(Found {
                track: 0,
                time,
                duration,
                keyframe: true,
                data: packet,
            });
            self.next = self.next.saturating_add(count);
        }
    }

    /// Nanoseconds of a place in the stream.
    fn nanos(&self, sample: u64) -> i64 {
        let begun = i128::from(self.origin.unwrap_or(0)) + i128::from(self.pre_skip);
        let sample = i128::from(self.base) + i128::from(sample) - begun;
        (sample * SAMPLE_BY_3 / 3).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// How long the stream is, by its last page.
    fn last_position(&mut self) -> Result<Option<u64>, ContainerError> {
        let mut end = self.file.len();
        // Pages overlap what is looked at, whatever their size.
        for _ in 0..2 {
            let mut from = end.saturating_sub(MAX_PAGE as u64);
            let mut last = None;
            while from < end {
                let bytes = self.file.bytes(from, 4_096)?;
                if bytes.len() < 4 {
                    break;
                }
                let Some(found) = bytes.windows(4).position(|bytes| bytes == b"OggS") else {
                    from += bytes.len() as u64 - 3;
                    continue;
                };
                from += found as u64;
                match self.page(from)? {
                    Some(page) => {
                        let known = page.serial == self.serial && page.position != NO_POSITION;
                        last = if known { Some(page.position) } else { last };
                        from = page.end;
                    }
                    None => from += 1,
                }
            }
            if let Some(last) = last {
                return Ok(u64::try_from(self.nanos(last)).ok());
            }
            end = end.saturating_sub(MAX_PAGE as u64);
        }
        Ok(None)
    }
}

fn codec_name(start: &[u8]) -> String {
    match start {
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => "Vorbis".to_owned(),
        [0x80, b't', b'h', b'e', b'o', b'r', b'a', ..] => "Theora".to_owned(),
        [0x7f, b'F', b'L', b'A', b'C', ..] => "FLAC".to_owned(),
        [b'S', b'p', b'e', b'e', b'x', ..] => "Speex".to_owned(),
        other => name(other.get(..8).unwrap_or(other)),
    }
}

impl<S: ReadAt + Send> Demuxer for Reader<S> {
    fn tracks(&self) -> &[ReadTrack] {
        &self.track
    }

    fn duration(&self) -> Option<u64> {
        self.duration
    }

    fn next(&mut self) -> Result<Option<Found>, ContainerError> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Ok(Some(found));
            }
            if !self.read_page()? {
                return Ok(None);
            }
        }
    }

    fn seek(&mut self, to: u64, _: usize) -> Result<u64, ContainerError> {
        self.waiting.clear();
        self.partial.clear();
        (self.at, self.base, self.next, self.origin) = (0, 0, 0, None);
        self.open_stream()?;
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        // Pages are a second or so, and an hour of them is read in no time.
        loop {
            let before = self.waiting.back().map_or(0, |found| found.time);
            if let Some(found) = self
                .waiting
                .iter()
                .find(|found| found.time.saturating_add(found.duration.unwrap_or(0)) > to)
            {
                return Ok(u64::try_from(found.time.min(to)).unwrap_or(0));
            }
            self.waiting.clear();
            if !self.read_page()? {
                return Ok(u64::try_from(before).unwrap_or(0));
            }
        }
    }
}
