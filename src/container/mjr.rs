//! Recordings of Janus: a track's RTP packets as they came, each behind a header of its own.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;

use super::error::ContainerError;
use super::file::Windows;
use super::reader::{Coding, Demuxer, Found, ReadTrack, name, scaled};
use super::source::ReadAt;
use crate::codec::frame::Parts;
use crate::codec::{Codec, Description, Kind};

/// Packets that are put into order at a time.
const REORDERED: usize = 64;
/// What is told at the beginning.
const MAX_INFO: usize = 8 << 10;
/// Packets that share a moment, at most.
const MAX_PACKETS: u32 = 2_048;
/// A clock that moves further than this away from when packets came began anew.
const MAX_JUMP: i64 = 5;
const SECOND: u64 = 1_000_000_000;

/// The two kinds of headers that there are of packets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Headers {
    /// Eight letters.
    Old,
    /// Four letters, and milliseconds since the beginning.
    New,
}

/// What stands at the beginning. Names are Janus'.
#[derive(Deserialize)]
struct Info {
    /// Sound, pictures or data.
    t: String,
    /// Codec.
    #[serde(default)]
    c: String,
    /// Encrypted end to end.
    #[serde(default)]
    e: bool,
}

struct Packet {
    /// In units of the codec's clock, from the first one on.
    time: i64,
    marker: bool,
    payload: Vec<u8>,
}

/// A frame of pictures on its way together.
struct Building {
    time: i64,
    keyframe: bool,
    broken: bool,
    packets: u32,
}

/// A file that is read.
pub(super) struct Reader<S> {
    file: Windows<S>,
    track: [ReadTrack; 1],
    codec: Codec,
    headers: Headers,
    /// The first packet.
    first: u64,
    at: u64,
    ended: bool,
    state: State,
}

/// What a jump forgets.
#[derive(Default)]
struct State {
    order: BTreeMap<u64, Packet>,
    /// The newest number, its RTP time, that from the beginning on, and when it came.
    newest: Option<Newest>,
    /// The number that comes next.
    next: Option<u64>,
    parts: Parts,
    building: Option<Building>,
    /// Nothing before the next keyframe is of use.
    broken: bool,
    waiting: VecDeque<Found>,
}

#[derive(Clone, Copy)]
struct Newest {
    sequence: u64,
    timestamp: u32,
    time: i64,
    came: Option<u32>,
}

impl<S: ReadAt> Reader<S> {
    /// Reads what it says of itself.
    pub(super) fn open(mut file: Windows<S>) -> Result<Self, ContainerError> {
        let missing = |offset, expected| ContainerError::Format { offset, expected };
        let head = file.exact::<10>(0)?.ok_or(missing(0, "header of an mjr file"))?;
        let headers = match &head[..8] {
            b"MJR00002" => Headers::New,
            b"MJR00001" => Headers::Old,
            b"MEETECHO" => {
                let expected = "header of an mjr file of Janus 0.1 or later";
                return Err(missing(0, expected));
            }
            _ => return Err(missing(0, "header of an mjr file")),
        };
        let len = usize::from(u16::from_be_bytes([head[8], head[9]]));
        let info = file.bytes(10, len.min(MAX_INFO))?;
        let info: Info =
            serde_json::from_slice(info).map_err(|_| missing(10, "description in JSON"))?;
        let kind = match info.t.as_str() {
            "a" => Kind::Audio,
            "v" => Kind::Video,
            _ => return Err(missing(10, "recording of sound or pictures")),
        };
        let codec = Codec::from_name(&info.c).filter(|codec| codec.kind() == kind);
        let coding = match codec {
            _ if info.e => Coding::Other(format!("encrypted {}", name(info.c.as_bytes()))),
            Some(codec) => Coding::Codec(codec),
            None => Coding::Other(name(info.c.as_bytes())),
        };
        let track = ReadTrack { kind, coding, record: Vec::new(), rotation: 0, default: true };
        let first = 10 + len as u64;
        Ok(Self {
            file,
            track: [track],
            codec: codec.unwrap_or(Codec::Opus),
            headers,
            first,
            at: first,
            ended: false,
            state: State { broken: true, ..State::default() },
        })
    }

    fn rewind(&mut self) {
        self.at = self.first;
        self.ended = false;
        self.state = State { broken: true, ..State::default() };
    }

    /// Puts the next packet of the file where it belongs. `false` at the end.
    fn read(&mut self) -> Result<bool, ContainerError> {
        let (letters, came, head) = match self.headers {
            Headers::Old => (&b"MEETECHO"[..], None, 10),
            Headers::New => (&b"MEET"[..], self.file.u32(self.at.saturating_add(4))?, 10),
        };
        let Some(found) = self.file.exact::<10>(self.at)? else { return Ok(false) };
        if !found.starts_with(letters) {
            let expected = "header of a packet";
            return Err(ContainerError::Format { offset: self.at, expected });
        }
        let len = u64::from(u16::from_be_bytes([found[8], found[9]]));
        let body = self.at.saturating_add(head);
        let Some(packet) = self.file.frame(body, len)? else { return Ok(false) };
        self.at = body.saturating_add(len);
        if let Some((sequence, timestamp, marker, payload)) = parse(&packet) {
            let clock = i64::from(self.codec.clock_rate());
            self.state.insert(clock, sequence, timestamp, came, marker, payload);
        }
        Ok(true)
    }
}

impl State {
    fn insert(
        &mut self,
        clock: i64,
        sequence: u16,
        timestamp: u32,
        came: Option<u32>,
        marker: bool,
        payload: &[u8],
    ) {
        let newest = self.newest.unwrap_or(Newest {
            // Room for what was overtaken by the first one.
            sequence: (1 << 16) | u64::from(sequence),
            timestamp,
            time: 0,
            came,
        });
        let ahead = i64::from(sequence.wrapping_sub(newest.sequence as u16) as i16);
        let number = newest.sequence.saturating_add_signed(ahead);
        let moved = i64::from(timestamp.wrapping_sub(newest.timestamp) as i32);
        // When packets came tells what a clock that began anew does not.
        let passed = match (came, newest.came) {
            (Some(now), Some(before)) => {
                i64::from(now.wrapping_sub(before) as i32).saturating_mul(clock) / 1_000
            }
            _ => 0,
        };
        let jumps = moved.saturating_sub(passed).abs() > MAX_JUMP * clock;
        let time = newest.time.saturating_add(if jumps { passed.max(0) } else { moved });
        if ahead >= 0 {
            self.newest = Some(Newest { sequence: number, timestamp, time, came });
        }
        if self.next.is_none_or(|next| number >= next) {
            self.order.insert(number, Packet { time, marker, payload: payload.to_vec() });
        }
    }

    /// Takes the first packet of those that are here.
    fn advance(&mut self, codec: Codec) {
        let Some((number, packet)) = self.order.pop_first() else { return };
        let follows = self.next.is_none_or(|next| next == number);
        self.next = Some(number + 1);
        if codec.kind() == Kind::Audio {
            let time = nanos(packet.time, codec);
            let data = packet.payload;
            self.waiting.push_back(Found { track: 0, time, duration: None, keyframe: true, data });
            return;
        }
        if !follows {
            self.broken = true;
            if let Some(building) = &mut self.building {
                building.broken = true;
            }
        }
        if self.building.as_ref().is_some_and(|building| building.time != packet.time) {
            self.finish(codec);
        }
        let building = self.building.get_or_insert(Building {
            time: packet.time,
            keyframe: false,
            broken: !follows,
            packets: 0,
        });
        building.packets += 1;
        let description = Description::parse(codec, &packet.payload, None);
        building.keyframe |= description.keyframe;
        let pushed = self.parts.push(codec, &packet.payload).is_ok();
        building.broken |= !pushed || building.packets > MAX_PACKETS;
        if packet.marker {
            self.finish(codec);
        }
    }

    fn finish(&mut self, codec: Codec) {
        let Some(building) = self.building.take() else { return };
        let whole = !building.broken && self.parts.is_complete();
        let data = std::mem::take(&mut self.parts.data);
        self.parts.clear();
        let of_use = whole && (building.keyframe || !self.broken);
        // What is lost is lost for all behind it.
        self.broken = !of_use;
        if of_use {
            let (time, keyframe) = (nanos(building.time, codec), building.keyframe);
            self.waiting.push_back(Found { track: 0, time, duration: None, keyframe, data });
        }
    }
}

fn nanos(time: i64, codec: Codec) -> i64 {
    scaled(time, SECOND, codec.clock_rate().into())
}

/// Number, time, marker and payload of an RTP packet (RFC 3550 5.1).
fn parse(packet: &[u8]) -> Option<(u16, u32, bool, &[u8])> {
    let &[first, second, s, q, a, b, c, d] = packet.first_chunk::<8>()?;
    if first >> 6 != 2 {
        return None;
    }
    let mut rest = packet.get(12 + 4 * usize::from(first & 0x0f)..)?;
    if first & 0x10 != 0 {
        let &[_, _, high, low] = rest.first_chunk()?;
        rest = rest.get(4 + 4 * usize::from(u16::from_be_bytes([high, low]))..)?;
    }
    if first & 0x20 != 0 {
        let padding = usize::from(*rest.last()?);
        rest = rest.get(..rest.len().checked_sub(padding)?)?;
    }
    let (sequence, timestamp) = (u16::from_be_bytes([s, q]), u32::from_be_bytes([a, b, c, d]));
    Some((sequence, timestamp, second & 0x80 != 0, rest))
}

impl<S: ReadAt + Send> Demuxer for Reader<S> {
    fn tracks(&self) -> &[ReadTrack] {
        &self.track
    }

    fn duration(&self) -> Option<u64> {
        None
    }

    fn next(&mut self) -> Result<Option<Found>, ContainerError> {
        loop {
            if let Some(found) = self.state.waiting.pop_front() {
                return Ok(Some(found));
            }
            if !self.ended && self.state.order.len() < REORDERED {
                self.ended = !self.read()?;
                continue;
            }
            if self.state.order.is_empty() {
                self.state.finish(self.codec);
                return Ok(self.state.waiting.pop_front());
            }
            self.state.advance(self.codec);
        }
    }

    fn seek(&mut self, to: u64, _: usize) -> Result<u64, ContainerError> {
        self.rewind();
        let mut at = 0;
        while let Some(found) = self.next()? {
            let time = u64::try_from(found.time).unwrap_or(0);
            if time > to {
                break;
            }
            at = if found.keyframe { time } else { at };
        }
        self.rewind();
        Ok(at)
    }
}
