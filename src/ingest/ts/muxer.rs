//! A stream of one program made of frames: pictures, Opus, or both.

use super::crc::crc32;
use super::packet::SYNC;
use super::pictures::Pictures;
use super::{PACKET, opus, tables};
use crate::codec::Codec;

const PAT_PID: u16 = 0;
const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const SOUND_PID: u16 = 0x101;
const PROGRAM: u16 = 1;
const VIDEO_STREAM: u8 = 0xe0;
/// private_stream_1, as Opus has it.
const PRIVATE_STREAM: u8 = 0xbd;
/// How far times are ahead of the clock that goes with them, at 90 kHz: 100 ms for a frame to arrive.
const AHEAD: u64 = 9_000;
const MASK: u64 = (1 << 33) - 1;
const HEADER: usize = 4;

/// Makes packets of frames.
#[derive(Debug)]
pub struct Muxer {
    pictures: Option<Pictures>,
    sound: bool,
    /// Of the table of streams: a receiver takes another by this (ISO/IEC 13818-1 2.4.4.9).
    version: u8,
    /// Of PAT, PMT, pictures and sound.
    counters: [u8; 4],
    /// A PES packet on its way, in memory that is used again.
    pes: Vec<u8>,
}

impl Muxer {
    /// Of pictures of H.264 or H.265, of Opus, or of both.
    pub fn new(video: Option<Codec>, sound: bool) -> Self {
        let pictures = video.map(Pictures::new);
        Self { pictures, sound, version: 0, counters: [0; 4], pes: Vec::new() }
    }

    /// There are no pictures any more: the next tables say so.
    pub fn end_pictures(&mut self) {
        if self.pictures.take().is_some() {
            self.version = (self.version + 1) & 0x1f;
        }
    }

    /// Appends what says which stream is what: a receiver begins with it.
    pub fn tables(&mut self, out: &mut Vec<u8>) {
        let map = PMT_PID | 0xe000;
        let association = [PROGRAM.to_be_bytes(), map.to_be_bytes()].concat();
        section((tables::PAT, 0), 1, &association, PAT_PID, &mut self.counters[0], out);
        let clock = if self.pictures.is_some() { VIDEO_PID } else { SOUND_PID } | 0xe000;
        let mut program = [&clock.to_be_bytes()[..], &[0xf0, 0]].concat();
        match self.pictures.as_ref().map(Pictures::codec) {
            Some(Codec::H265) => stream(0x24, VIDEO_PID, b"\x05\x04HEVC", &mut program),
            Some(_) => stream(0x1b, VIDEO_PID, &[], &mut program),
            None => {}
        }
        if self.sound {
            // Two channels, which a decoder of Opus makes of one as well.
            stream(0x06, SOUND_PID, b"\x05\x04Opus\x7f\x02\x80\x02", &mut program);
        }
        let table = (tables::PMT, self.version);
        section(table, PROGRAM, &program, PMT_PID, &mut self.counters[1], out);
    }

    /// Appends a picture, with its time at 90 kHz. `frame` as
    /// [`Parts::data`](crate::codec::frame::Parts::data) has it; what holds no picture is left out.
    pub fn picture(&mut self, time: u64, frame: &[u8], out: &mut Vec<u8>) {
        let Self { pictures: Some(pictures), counters, pes, .. } = self else { return };
        let delimiter: &[u8] = match pictures.codec() {
            Codec::H265 => &[0, 0, 0, 1, 0x46, 1, 0x50],
            _ => &[0, 0, 0, 1, 9, 0xf0],
        };
        let Some((data, keyframe)) = pictures.frame(frame) else { return };
        pes.clear();
        pes_header(VIDEO_STREAM, 0, time + AHEAD, pes);
        pes.extend_from_slice(delimiter);
        pes.extend_from_slice(data);
        packets(VIDEO_PID, Some(time), keyframe, pes, &mut counters[2], out);
    }

    /// Appends a packet of Opus, with its time at 90 kHz.
    pub fn opus(&mut self, time: u64, packet: &[u8], out: &mut Vec<u8>) {
        let Self { pictures, counters, pes, .. } = self;
        // What WebRTC carries is far below what the length of a PES packet has room for.
        let size = packet.len() + packet.len() / 0xff + 3;
        let Ok(length) = u16::try_from(size + 8) else { return };
        pes.clear();
        pes_header(PRIVATE_STREAM, length, time + AHEAD, pes);
        opus::append(packet, pes);
        let clock = pictures.is_none().then_some(time);
        packets(SOUND_PID, clock, true, pes, &mut counters[3], out);
    }
}

/// An entry of a program map.
fn stream(kind: u8, pid: u16, descriptors: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(pid | 0xe000).to_be_bytes());
    out.extend_from_slice(&(descriptors.len() as u16 | 0xf000).to_be_bytes());
    out.extend_from_slice(descriptors);
}

/// A section in a packet of its own.
fn section(
    (table, version): (u8, u8),
    of: u16,
    body: &[u8],
    pid: u16,
    counter: &mut u8,
    out: &mut Vec<u8>,
) {
    let length = body.len() as u16 + 9;
    let mut bytes = vec![0, table];
    bytes.extend_from_slice(&(length | 0xb000).to_be_bytes());
    bytes.extend_from_slice(&of.to_be_bytes());
    bytes.extend_from_slice(&[0xc1 | version << 1, 0, 0]);
    bytes.extend_from_slice(body);
    let check = crc32(bytes.get(1..).unwrap_or(&[]));
    bytes.extend_from_slice(&check.to_be_bytes());
    bytes.resize(PACKET - HEADER, 0xff);
    header(pid, true, false, counter, out);
    out.extend_from_slice(&bytes);
}

/// The header of a PES packet with one time; a length of 0 is one that is not said.
fn pes_header(stream: u8, length: u16, time: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0, 1, stream]);
    out.extend_from_slice(&length.to_be_bytes());
    // The data begins with a frame; a time of presentation.
    out.extend_from_slice(&[0x84, 0x80, 5]);
    let time = time & MASK;
    out.push(0x21 | (time >> 29) as u8 & 0x0e);
    out.extend_from_slice(&((time >> 14) as u16 | 1).to_be_bytes());
    out.extend_from_slice(&((time << 1) as u16 | 1).to_be_bytes());
}

fn header(pid: u16, begins: bool, adaptation: bool, counter: &mut u8, out: &mut Vec<u8>) {
    let [high, low] = pid.to_be_bytes();
    let control = if adaptation { 0x30 } else { 0x10 };
    out.extend_from_slice(&[SYNC, high | u8::from(begins) << 6, low, control | *counter]);
    *counter = (*counter + 1) & 0x0f;
}

/// Cuts a PES packet; the last packet is stuffed. The first has the clock, where it is wanted.
fn packets(
    pid: u16,
    clock: Option<u64>,
    random_access: bool,
    pes: &[u8],
    counter: &mut u8,
    out: &mut Vec<u8>,
) {
    let mut rest = pes;
    let mut begins = true;
    while !rest.is_empty() {
        let mut field = Vec::new();
        if begins && (random_access || clock.is_some()) {
            field.push(u8::from(random_access) << 6 | u8::from(clock.is_some()) << 4);
            if let Some(clock) = clock {
                // 33 bits of the base, six reserved ones, nine of the extension.
                let reference = (clock & MASK) << 15 | 0x7e00;
                field.extend_from_slice(reference.to_be_bytes().get(2..).unwrap_or(&[]));
            }
        }
        let adaptation = if field.is_empty() { 0 } else { 1 + field.len() };
        let room = PACKET - HEADER - adaptation;
        let (data, after) = rest.split_at(rest.len().min(room));
        let stuffing = room - data.len();
        let adapted = adaptation > 0 || stuffing > 0;
        header(pid, begins, adapted, counter, out);
        if adapted {
            // Stuffing of one byte is a field of no length, of two one of nothing but flags.
            if adaptation == 0 && stuffing > 1 {
                field.push(0);
            }
            let length = adaptation + stuffing - 1;
            field.resize(length, 0xff);
            out.push(length as u8);
            out.extend_from_slice(&field);
        }
        out.extend_from_slice(data);
        (rest, begins) = (after, false);
    }
}
