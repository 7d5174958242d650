//! Frames of the packets of one stream.

use super::adts::{self, AacFrame};
use super::clock::{Clock, TICKS, difference, milliseconds};
use super::error::TsError;
use super::latm::{self, Latm};
use super::packet::{Packet, SYNC};
use super::pes::{Pes, PesAssembler};
use super::pictures::Pictures;
use super::section::Sections;
use super::tables::{self, MapPlace, Program, SoundFormat};
use super::{PACKET, opus};
use crate::codec::{Kind, opus as opus_packets};
use crate::ingest::{Sound, VideoFrame};

/// Bytes of a picture, as of frames of any other origin.
const MAX_PICTURE: usize = 4 << 20;
/// Bytes of a PES packet of sound, whose length has 16 bits.
const MAX_SOUND: usize = 64 * 1024 + 6;
/// Bytes after which it is told that nothing says what they are.
const MAX_UNKNOWN: usize = 512 * 1024;
const PAT_PID: u16 = 0;
const NULL_PID: u16 = 0x1fff;
/// Samples of a millisecond of Opus, and how many of them are a tick of 90 kHz.
const OPUS_TICKS: (i64, i64) = (90_000, 48_000);

/// What comes out of a stream. Times are milliseconds of the sender's clock, which wrap at 32 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit<'a> {
    /// A picture, and when it is decoded.
    Video(u32, VideoFrame<'a>),
    /// A piece of sound, and when it is heard.
    Sound(u32, Sound<'a>),
    /// A frame is not whole, or could not be read.
    Lost(Kind, TsError),
    /// Something of the stream is not taken.
    Refused(TsError),
}

/// Takes a stream apart. Bytes may be cut anywhere.
#[derive(Default, Debug)]
pub struct Demuxer {
    /// The beginning of a packet.
    partial: Vec<u8>,
    pat: Table,
    pmt: Option<(MapPlace, Table)>,
    program: Program,
    video: Option<VideoTrack>,
    sound: Option<SoundTrack>,
    clock: Clock,
    /// Bytes that came before anything said what they are.
    unknown: usize,
}

/// A table on its way, and the counter of its packets.
#[derive(Default, Debug)]
struct Table {
    sections: Sections,
    counter: Option<u8>,
}

#[derive(Debug)]
struct VideoTrack {
    pes: PesAssembler,
    pictures: Pictures,
}

#[derive(Debug)]
struct SoundTrack {
    pes: PesAssembler,
    packed: Packed,
}

/// Sound of PES packets on its way to frames.
#[derive(Debug)]
struct Packed {
    format: SoundFormat,
    /// The beginning of a frame that the next PES packet continues.
    rest: Vec<u8>,
    /// When that frame is heard.
    next: Option<i64>,
    config: Option<[u8; 2]>,
    latm: Latm,
}

impl Demuxer {
    /// Takes bytes, and hands what comes out of them to `emit`.
    pub fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Unit<'_>)) {
        if self.pmt.is_none() && self.unknown < MAX_UNKNOWN {
            self.unknown = self.unknown.saturating_add(bytes.len());
            if self.unknown >= MAX_UNKNOWN {
                emit(Unit::Refused(TsError::NoProgram));
            }
        }
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if self.partial.is_empty() {
                if first != SYNC {
                    // Noise, up to the next thing that may be a packet.
                    let next = rest.iter().position(|byte| *byte == SYNC).unwrap_or(rest.len());
                    rest = rest.get(next..).unwrap_or(&[]);
                    continue;
                }
                if let Some((packet, after)) = rest.split_first_chunk() {
                    rest = after;
                    self.packet(packet, &mut emit);
                    continue;
                }
            }
            let missing = PACKET.saturating_sub(self.partial.len()).min(rest.len());
            let (head, after) = rest.split_at(missing);
            self.partial.extend_from_slice(head);
            rest = after;
            let partial = std::mem::take(&mut self.partial);
            match partial.first_chunk() {
                Some(packet) => self.packet(packet, &mut emit),
                None => self.partial = partial,
            }
        }
    }

    fn packet(&mut self, bytes: &[u8; PACKET], emit: &mut impl FnMut(Unit<'_>)) {
        let Some(packet) = Packet::parse(bytes) else { return };
        if packet.damaged || packet.pid == NULL_PID {
            return;
        }
        if packet.pid == PAT_PID {
            return self.association(&packet, emit);
        }
        if self.pmt.as_ref().is_some_and(|(place, _)| place.pid == packet.pid) {
            return self.map(&packet, emit);
        }
        let is = |track: Option<u16>| track == Some(packet.pid);
        let (video, sound) =
            (self.program.video.map(|(pid, _)| pid), self.program.sound.map(|(pid, _)| pid));
        if !is(video) && !is(sound) {
            return;
        }
        if packet.scrambled {
            return emit(Unit::Refused(TsError::Scrambled));
        }
        let Self { video: pictures, sound: sounds, clock, .. } = self;
        if let Some(VideoTrack { pes, pictures }) = pictures.as_mut().filter(|_| is(video)) {
            pes.push(&packet, |taken| match taken {
                Ok(pes) => picture(clock, pictures, &pes, emit),
                Err(error) => emit(Unit::Lost(Kind::Video, error)),
            });
        }
        if let Some(SoundTrack { pes, packed }) = sounds.as_mut().filter(|_| is(sound)) {
            pes.push(&packet, |taken| match taken {
                Ok(pes) => packed.take(clock, &pes, emit),
                Err(error) => {
                    packed.cut();
                    emit(Unit::Lost(Kind::Audio, error));
                }
            });
        }
    }

    fn association(&mut self, packet: &Packet<'_>, emit: &mut impl FnMut(Unit<'_>)) {
        let mut found = None;
        self.pat.take(packet, |table, _, body| {
            found = (table == tables::PAT).then(|| tables::program_map(body)).flatten().or(found);
        });
        let Some((place, only)) = found else { return };
        if !only {
            emit(Unit::Refused(TsError::Tracks));
        }
        if self.pmt.as_ref().is_none_or(|(known, _)| *known != place) {
            self.pmt = Some((place, Table::default()));
        }
    }

    fn map(&mut self, packet: &Packet<'_>, emit: &mut impl FnMut(Unit<'_>)) {
        let Some((place, map)) = &mut self.pmt else { return };
        let mut found = None;
        map.take(packet, |table, program, body| {
            if table == tables::PMT && program == place.program {
                found = tables::program(body, |error| emit(Unit::Refused(error))).or(found);
            }
        });
        let Some(program) = found else { return };
        if program.video != self.program.video {
            self.video = program.video.map(|(_, codec)| VideoTrack {
                pes: PesAssembler::new(MAX_PICTURE),
                pictures: Pictures::new(codec),
            });
        }
        if program.sound != self.program.sound {
            self.sound = program.sound.map(|(_, format)| SoundTrack {
                pes: PesAssembler::new(MAX_SOUND),
                packed: Packed::new(format),
            });
        }
        self.program = program;
    }
}

impl Table {
    /// Hands on each table, what it is of and what it says.
    fn take(&mut self, packet: &Packet<'_>, emit: impl FnMut(u8, u16, &[u8])) {
        let Some(payload) = packet.payload else { return };
        let last = self.counter.replace(packet.counter);
        match last {
            Some(last) if last == packet.counter && !packet.discontinuity => return,
            Some(last) if (last + 1) & 0x0f != packet.counter => self.sections.reset(),
            _ => {}
        }
        self.sections.push(packet.begins, payload, emit);
    }
}

fn picture(
    clock: &mut Clock,
    pictures: &mut Pictures,
    pes: &Pes<'_>,
    emit: &mut impl FnMut(Unit<'_>),
) {
    let Some((shown, decoded)) = pes.times else {
        return emit(Unit::Lost(Kind::Video, TsError::Malformed));
    };
    let codec = pictures.codec();
    let Some((data, keyframe)) = pictures.frame(pes.data) else { return };
    // Within 2^33 ticks, so its milliseconds fit.
    let composition = (difference(shown, decoded) / TICKS) as i32;
    let time = milliseconds(clock.extend(decoded));
    emit(Unit::Video(time, VideoFrame { codec, keyframe, composition, data }));
}

impl Packed {
    fn new(format: SoundFormat) -> Self {
        Self { format, rest: Vec::new(), next: None, config: None, latm: Latm::default() }
    }

    /// What is on its way is not whole.
    fn cut(&mut self) {
        self.rest.clear();
        self.next = None;
    }

    fn take(&mut self, clock: &mut Clock, pes: &Pes<'_>, emit: &mut impl FnMut(Unit<'_>)) {
        // A time is that of the first frame that begins in the packet (2.4.3.7).
        let time = pes.times.map(|(shown, _)| clock.extend(shown));
        match self.format {
            SoundFormat::Opus => self.opus(time, pes.data, emit),
            SoundFormat::Adts | SoundFormat::Latm => self.aac(time, pes.data, emit),
        }
    }

    fn opus(&mut self, time: Option<i64>, data: &[u8], emit: &mut impl FnMut(Unit<'_>)) {
        let Some(mut time) = time.or(self.next) else { return };
        let mut rest = data;
        while !rest.is_empty() {
            let Some((packet, after)) = opus::step(rest) else {
                return emit(Unit::Lost(Kind::Audio, TsError::Malformed));
            };
            rest = after;
            if packet.is_empty() {
                continue;
            }
            emit(Unit::Sound(milliseconds(time), Sound::Opus(packet)));
            let samples = i64::from(opus_packets::packet_samples(packet).unwrap_or(0));
            time = time.saturating_add(samples * OPUS_TICKS.0 / OPUS_TICKS.1);
        }
        self.next = Some(time);
    }

    fn aac(&mut self, time: Option<i64>, data: &[u8], emit: &mut impl FnMut(Unit<'_>)) {
        let carried = self.rest.len();
        let joined = std::mem::take(&mut self.rest);
        let joined = if carried > 0 { [&joined, data].concat() } else { joined };
        let whole = if carried > 0 { &joined[..] } else { data };
        let mut rest = whole;
        // What was carried has its own time; whatever begins later has that of the packet.
        let mut pending = time;
        let mut noise = false;
        loop {
            let at = whole.len() - rest.len();
            if at >= carried
                && let Some(time) = pending.take()
            {
                self.next = Some(time);
            }
            match self.step(rest, emit) {
                Stepped::Frame(after) => rest = after,
                Stepped::Cut => break,
                Stepped::Noise => {
                    noise = true;
                    // On to the next byte that a frame can begin with.
                    let Some((_, after)) = rest.split_first() else { break };
                    let sync = if self.format == SoundFormat::Adts { 0xff } else { 0x56 };
                    let next = after.iter().position(|byte| *byte == sync).unwrap_or(after.len());
                    rest = after.get(next..).unwrap_or(&[]);
                }
            }
        }
        if noise {
            emit(Unit::Lost(Kind::Audio, TsError::Malformed));
        }
        // A frame has 8 KiB at most, by the bits of its length.
        self.rest = rest.to_vec();
    }

    /// Takes one frame off the front.
    fn step<'a>(&mut self, bytes: &'a [u8], emit: &mut impl FnMut(Unit<'_>)) -> Stepped<'a> {
        if self.format == SoundFormat::Latm {
            let (element, rest) = match latm::step(bytes) {
                latm::Step::Element(element, rest) => (element, rest),
                latm::Step::Cut => return Stepped::Cut,
                latm::Step::Noise => return Stepped::Noise,
            };
            match self.latm.frame(element) {
                Ok(Some(AacFrame { config, ticks, data })) => {
                    tell(&mut self.config, &mut self.next, config, ticks, data, emit);
                }
                Ok(None) => {}
                Err(error) => emit(Unit::Lost(Kind::Audio, error)),
            }
            return Stepped::Frame(rest);
        }
        match adts::step(bytes) {
            adts::Step::Frame(AacFrame { config, ticks, data }, rest) => {
                tell(&mut self.config, &mut self.next, config, ticks, data, emit);
                Stepped::Frame(rest)
            }
            adts::Step::Cut => Stepped::Cut,
            adts::Step::Noise => Stepped::Noise,
        }
    }
}

enum Stepped<'a> {
    Frame(&'a [u8]),
    Cut,
    Noise,
}

/// Hands on a frame of AAC, its configuration in front where that is new.
fn tell(
    known: &mut Option<[u8; 2]>,
    next: &mut Option<i64>,
    config: [u8; 2],
    ticks: i64,
    data: &[u8],
    emit: &mut impl FnMut(Unit<'_>),
) {
    let Some(time) = *next else { return };
    if known.replace(config) != Some(config) {
        emit(Unit::Sound(milliseconds(time), Sound::AacConfiguration(&config)));
    }
    if !data.is_empty() {
        emit(Unit::Sound(milliseconds(time), Sound::Aac(data)));
    }
    *next = Some(time.saturating_add(ticks));
}
