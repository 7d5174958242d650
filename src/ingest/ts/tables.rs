//! Which stream is on which PID: the program association and a program's map (ISO/IEC 13818-1 2.4.4.3,
//! 2.4.4.8).

use super::error::TsError;
use crate::codec::Codec;

pub(super) const PAT: u8 = 0;
pub(super) const PMT: u8 = 2;
/// Streams of one program that are looked at.
const MAX_STREAMS: usize = 64;
/// Descriptors of one stream that are looked at.
const MAX_DESCRIPTORS: usize = 32;
const REGISTRATION: u8 = 0x05;
/// DVB's for AC-3 and E-AC-3 (EN 300 468 Annex D).
const AC3: u8 = 0x6a;
const EAC3: u8 = 0x7a;
/// DVB's extension, and what in it says how many channels Opus has.
const EXTENSION: u8 = 0x7f;
const OPUS_CHANNELS: u8 = 0x80;

/// How sound is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SoundFormat {
    Adts,
    Latm,
    Opus,
}

/// What is taken of a program.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub(super) video: Option<(u16, Codec)>,
    pub(super) sound: Option<(u16, SoundFormat)>,
}

/// Where the map of a program is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MapPlace {
    pub(super) pid: u16,
    /// The number of the program. Several may have their maps on one PID.
    pub(super) program: u16,
}

/// The place of the map of the first program, and whether it is the only one.
pub(super) fn program_map(body: &[u8]) -> Option<(MapPlace, bool)> {
    let mut maps = body
        .chunks_exact(4)
        .filter_map(|entry| {
            let &[number_high, number_low, high, low] = entry else { return None };
            let program = u16::from_be_bytes([number_high, number_low]);
            let pid = u16::from_be_bytes([high & 0x1f, low]);
            // 0 is where the tables of the network are.
            (program != 0).then_some(MapPlace { pid, program })
        })
        .fuse();
    let first = maps.next()?;
    Some((first, maps.next().is_none()))
}

/// Reads a map. What is not taken goes to `refused`.
pub(super) fn program(body: &[u8], mut refused: impl FnMut(TsError)) -> Option<Program> {
    let (&[_, _, high, low], rest) = body.split_first_chunk()?;
    let mut rest = rest.get(length(high, low)..)?;
    let mut program = Program::default();
    for _ in 0..MAX_STREAMS {
        let Some((&[kind, pid_high, pid_low, high, low], after)) = rest.split_first_chunk() else {
            break;
        };
        let (descriptors, after) = after.split_at_checked(length(high, low))?;
        rest = after;
        let pid = u16::from_be_bytes([pid_high & 0x1f, pid_low]);
        match stream(kind, descriptors) {
            Stream::Video(codec) if program.video.is_none() => program.video = Some((pid, codec)),
            Stream::Sound(format) if program.sound.is_none() => program.sound = Some((pid, format)),
            Stream::Video(_) | Stream::Sound(_) => refused(TsError::Tracks),
            Stream::Refused(error) => refused(error),
            Stream::Data => {}
        }
    }
    Some(program)
}

fn length(high: u8, low: u8) -> usize {
    u16::from_be_bytes([high & 0x0f, low]).into()
}

enum Stream {
    Video(Codec),
    Sound(SoundFormat),
    Refused(TsError),
    /// Neither sound nor pictures.
    Data,
}

/// By its stream_type (table 2-34 and others' private ones) and its descriptors.
fn stream(kind: u8, descriptors: &[u8]) -> Stream {
    let refused = |name| Stream::Refused(TsError::Codec(name));
    match kind {
        0x1b => Stream::Video(Codec::H264),
        0x24 => Stream::Video(Codec::H265),
        0x0f => Stream::Sound(SoundFormat::Adts),
        0x11 => Stream::Sound(SoundFormat::Latm),
        0x01 | 0x02 => refused("MPEG-2 video"),
        0x10 => refused("MPEG-4 part 2 video"),
        0x33 => refused("H.266"),
        0x03 | 0x04 => refused("MPEG audio (MP2, MP3)"),
        0x80 | 0x83 => refused("PCM in a transport stream"),
        0x81 => refused("AC-3"),
        0x87 => refused("E-AC-3"),
        0x82 | 0x85 | 0x86 | 0x8a => refused("DTS"),
        0x06 => private(descriptors),
        _ => Stream::Data,
    }
}

/// Private data says by its descriptors what it is.
fn private(mut descriptors: &[u8]) -> Stream {
    let (mut name, mut channels) = (None, None);
    for _ in 0..MAX_DESCRIPTORS {
        let Some((&[tag, length], rest)) = descriptors.split_first_chunk() else { break };
        let Some((body, rest)) = rest.split_at_checked(length.into()) else { break };
        descriptors = rest;
        match (tag, body) {
            (REGISTRATION, _) => name = name.or(body.first_chunk::<4>()),
            (EXTENSION, [OPUS_CHANNELS, count, ..]) => channels = Some(*count),
            (AC3, _) => return Stream::Refused(TsError::Codec("AC-3")),
            (EAC3, _) => return Stream::Refused(TsError::Codec("E-AC-3")),
            _ => {}
        }
    }
    match name {
        // Codes above 8 are ways to map channels of which there are more; 0 is two that are apart.
        Some(b"Opus") => match channels {
            Some(count) if count > 2 => Stream::Refused(TsError::Channels(count)),
            _ => Stream::Sound(SoundFormat::Opus),
        },
        Some(b"HEVC") => Stream::Video(Codec::H265),
        Some(b"AV01") => Stream::Refused(TsError::Codec("AV1 in a transport stream")),
        Some(b"AC-3") => Stream::Refused(TsError::Codec("AC-3")),
        Some(b"EAC3") => Stream::Refused(TsError::Codec("E-AC-3")),
        _ => Stream::Data,
    }
}
