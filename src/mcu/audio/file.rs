//! Files that are played at a port: WAV (RIFF) with 16 bit PCM, and Opus in Ogg (RFC 7845).

use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use ogg::PacketReader;

use super::opus::Decoder;
use super::resampler::Resampler;
use super::signal::{amplitude, convert_channels, from_i16};
use super::sink::FileError;
use super::{FRAME, RATE};

/// Frames that are taken out of a WAV file at a time.
const CHUNK: usize = 480;
/// Silence behind the end that lets the resampler finish.
const TAIL: usize = 16;
/// Packets without sound that are passed over in one tick.
const MAX_EMPTY: usize = 64;

pub(super) struct FilePlayer {
    source: Source,
    channels: usize,
    resampler: Resampler,
    looping: bool,
    /// Something was heard since the beginning; what is empty is not repeated.
    heard: bool,
    ended: bool,
}

enum Source {
    Wav(Wav),
    Opus(Box<OggOpus>),
}

impl FilePlayer {
    /// For a mixer with so many channels.
    pub(super) fn open(file: Arc<[u8]>, looping: bool, channels: usize) -> Result<Self, FileError> {
        let source = match file.get(..4) {
            Some(b"RIFF") => Source::Wav(Wav::open(file)?),
            Some(b"OggS") => Source::Opus(Box::new(OggOpus::open(file, channels)?)),
            _ => return Err(FileError::Unknown),
        };
        let resampler = Resampler::new(channels);
        Ok(Self { source, channels, resampler, looping, heard: false, ended: false })
    }

    /// Adds a tick; `false` when the file was over before it.
    pub(super) fn add(&mut self, output: &mut [f32]) -> bool {
        let step = match &self.source {
            Source::Wav(wav) => f64::from(wav.rate) / f64::from(RATE),
            Source::Opus(_) => 1.0,
        };
        let mut samples = [0.0; 2 * FRAME];
        let samples = &mut samples[..output.len().min(2 * FRAME)];
        let (mut written, mut empty) = (0, 0);
        while written < samples.len() {
            let read = self.resampler.read(step, &mut samples[written..]);
            written += read;
            empty = if read == 0 { empty + 1 } else { 0 };
            if written < samples.len() && (self.ended || empty > MAX_EMPTY || !self.advance()) {
                break;
            }
        }
        for (to, from) in output.iter_mut().zip(&samples[..written]) {
            *to += from;
        }
        written > 0
    }

    /// Brings more into the resampler; `false` when there is no more.
    fn advance(&mut self) -> bool {
        let before = self.resampler.input().len();
        let more = match &mut self.source {
            Source::Wav(wav) => wav.read(self.resampler.input(), self.channels),
            Source::Opus(opus) => opus.read(self.resampler.input()),
        };
        let input = self.resampler.input();
        self.heard |= input.len() > before;
        if more {
            return true;
        }
        if self.looping && self.heard {
            self.heard = false;
            return match &mut self.source {
                Source::Wav(wav) => {
                    wav.position = wav.data.start;
                    true
                }
                Source::Opus(opus) => opus.rewind().is_ok(),
            };
        }
        input.resize(input.len() + TAIL * self.channels, 0.0);
        self.ended = true;
        true
    }
}

struct Wav {
    file: Arc<[u8]>,
    data: Range<usize>,
    position: usize,
    channels: usize,
    rate: u32,
}

impl Wav {
    fn open(file: Arc<[u8]>) -> Result<Self, FileError> {
        if file.get(8..12) != Some(b"WAVE") {
            return Err(FileError::Unknown);
        }
        let mut format = None;
        let mut at = 12;
        while let Some(header) = file.get(at..at + 8) {
            let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
            let body = at + 8;
            match &header[..4] {
                b"fmt " => format = Some(Self::format(file.get(body..).unwrap_or(&[]))?),
                b"data" => {
                    let (channels, rate) = format.ok_or(FileError::Damaged)?;
                    // Writers that cannot go back leave the length open.
                    let length = length.min(file.len() - body) / (2 * channels) * (2 * channels);
                    if length == 0 {
                        return Err(FileError::Damaged);
                    }
                    let data = body..body + length;
                    return Ok(Self { file, position: body, data, channels, rate });
                }
                _ => {}
            }
            // Chunks begin at even places.
            at = body.saturating_add(length).saturating_add(length & 1);
        }
        Err(FileError::Damaged)
    }

    fn format(body: &[u8]) -> Result<(usize, u32), FileError> {
        let field = |at: usize| {
            body.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
        };
        let rate = u32::from(field(4)) | u32::from(field(6)) << 16;
        let pcm = match field(0) {
            1 => true,
            // WAVE_FORMAT_EXTENSIBLE: the subformat begins with the format.
            0xfffe => field(24) == 1,
            _ => false,
        };
        let channels = usize::from(field(2));
        let supported =
            pcm && matches!(channels, 1 | 2) && field(14) == 16 && (8_000..=RATE).contains(&rate);
        if supported { Ok((channels, rate)) } else { Err(FileError::Unsupported) }
    }

    fn read(&mut self, pcm: &mut Vec<f32>, channels: usize) -> bool {
        let end = self.data.end.min(self.position + CHUNK * 2 * self.channels);
        let Some(bytes) = self.file.get(self.position..end) else { return false };
        if bytes.is_empty() {
            return false;
        }
        let mut samples = [0.0; CHUNK * 2];
        let count = bytes.len() / 2;
        for (sample, bytes) in samples.iter_mut().zip(bytes.chunks_exact(2)) {
            *sample = from_i16(i16::from_le_bytes([bytes[0], bytes[1]]));
        }
        convert_channels(&samples[..count], self.channels, pcm, channels);
        self.position = end;
        true
    }
}

struct OggOpus {
    file: Arc<[u8]>,
    packets: PacketReader<Cursor<Arc<[u8]>>>,
    serial: u32,
    decoder: Decoder,
    channels: usize,
    gain: f32,
    pre_skip: u64,
    /// Samples of each channel that were decoded, with those that are skipped.
    decoded: u64,
}

impl OggOpus {
    fn open(file: Arc<[u8]>, channels: usize) -> Result<Self, FileError> {
        let decoder = Decoder::new(channels == 2);
        let packets = PacketReader::new(Cursor::new(file.clone()));
        let mut opened = Self {
            file,
            packets,
            serial: 0,
            decoder,
            channels,
            gain: 1.0,
            pre_skip: 0,
            decoded: 0,
        };
        opened.read_headers()?;
        Ok(opened)
    }

    fn rewind(&mut self) -> Result<(), FileError> {
        *self = Self::open(self.file.clone(), self.channels)?;
        Ok(())
    }

    /// RFC 7845 5.1 and 5.2.
    fn read_headers(&mut self) -> Result<(), FileError> {
        let head = self.packets.read_packet().ok().flatten().ok_or(FileError::Damaged)?;
        let data = &head.data;
        if !data.starts_with(b"OpusHead") || data.len() < 19 {
            return Err(FileError::Unsupported);
        }
        // Versions of one major part can be read alike; mapping family 0 is one or two channels.
        if data[8] >> 4 != 0 || !matches!(data[9], 1 | 2) || data[18] != 0 {
            return Err(FileError::Unsupported);
        }
        self.serial = head.stream_serial();
        self.pre_skip = u16::from_le_bytes([data[10], data[11]]).into();
        let gain = f32::from(i16::from_le_bytes([data[16], data[17]])) / 256.0;
        self.gain = amplitude(gain);
        let tags = self.packets.read_packet().ok().flatten().ok_or(FileError::Damaged)?;
        if tags.data.starts_with(b"OpusTags") { Ok(()) } else { Err(FileError::Damaged) }
    }

    /// One packet.
    fn read(&mut self, pcm: &mut Vec<f32>) -> bool {
        let Ok(Some(packet)) = self.packets.read_packet() else { return false };
        if packet.stream_serial() != self.serial {
            return true;
        }
        let start = pcm.len();
        if self.decoder.decode(&packet.data, pcm).is_err() {
            return true;
        }
        let samples = ((pcm.len() - start) / self.channels) as u64;
        self.decoded += samples;
        // The position of the last page says where the sound ends (RFC 7845 4.4).
        if packet.last_in_stream() {
            let beyond = self.decoded.saturating_sub(packet.absgp_page()).min(samples);
            pcm.truncate(pcm.len() - beyond as usize * self.channels);
        }
        let skipped = (self.decoded - samples).min(self.pre_skip);
        let skip = (self.pre_skip - skipped).min(samples) as usize * self.channels;
        let skip = skip.min(pcm.len() - start);
        pcm.drain(start..start + skip);
        pcm[start..].iter_mut().for_each(|sample| *sample *= self.gain);
        true
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ogg::writing::{PacketWriteEndInfo, PacketWriter};
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::mcu::audio::opus::{Encoder, EncoderSettings};
    use crate::mcu::audio::signal::level;

    /// A tone of half full scale.
    pub(in crate::mcu::audio) fn wav(rate: u32, channels: u16, frames: usize) -> Arc<[u8]> {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend((rate * u32::from(channels) * 2).to_le_bytes());
        file.extend((channels * 2).to_le_bytes());
        file.extend(16u16.to_le_bytes());
        file.extend(b"LIST\x03\0\0\0abc\0data");
        file.extend((frames as u32 * u32::from(channels) * 2).to_le_bytes());
        for index in 0..frames {
            let angle = index as f32 * 440.0 * std::f32::consts::TAU / rate as f32;
            let sample = (angle.sin() * 16_384.0) as i16;
            (0..channels).for_each(|_| file.extend(sample.to_le_bytes()));
        }
        file.into()
    }

    fn ogg() -> Arc<[u8]> {
        let mut writer = PacketWriter::new(Cursor::new(Vec::new()));
        let mut head = b"OpusHead\x01\x01".to_vec();
        head.extend(312u16.to_le_bytes());
        head.extend(48_000u32.to_le_bytes());
        head.extend([0; 3]);
        writer.write_packet(head, 7, PacketWriteEndInfo::EndPage, 0).unwrap();
        writer
            .write_packet(&b"OpusTags\0\0\0\0\0\0\0\0"[..], 7, PacketWriteEndInfo::EndPage, 0)
            .unwrap();
        let settings = EncoderSettings {
            stereo: false,
            bitrate: 32_000,
            fec: false,
            dtx: false,
            expected_loss: 0,
        };
        let mut encoder = Encoder::new(settings).unwrap();
        for frame in 0..50u64 {
            let pcm: Vec<f32> = (0..FRAME)
                .map(|i| ((frame as usize * FRAME + i) as f32 * 0.05).sin() * 0.5)
                .collect();
            let mut packet = Vec::new();
            encoder.encode(&pcm, &mut packet).unwrap();
            let end = if frame == 49 {
                PacketWriteEndInfo::EndStream
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            let position = if frame == 49 { 47_500 } else { (frame + 1) * FRAME as u64 };
            writer.write_packet(packet, 7, end, position).unwrap();
        }
        writer.into_inner().into_inner().into()
    }

    fn play(file: Arc<[u8]>, channels: usize) -> Vec<f32> {
        let mut player = FilePlayer::open(file, false, channels).unwrap();
        let mut heard = Vec::new();
        loop {
            let mut tick = vec![0.0; FRAME * channels];
            if !player.add(&mut tick) {
                return heard;
            }
            heard.extend(tick);
        }
    }

    #[test]
    fn wav_of_any_rate_is_as_long_as_it_is() {
        for (rate, channels) in [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 1)] {
            let heard = play(wav(rate, channels, rate as usize), 2);
            assert!((50..=51).contains(&(heard.len() / 2 / FRAME)), "{rate}: {}", heard.len());
            assert!((level(&heard[..95_000]) + 9.0).abs() < 0.2, "{rate}: {}", level(&heard));
        }
    }

    #[test]
    fn ogg_opus_is_heard_without_its_lead_and_beyond_its_end() {
        let heard = play(ogg(), 1);
        let end = heard.iter().rposition(|sample| *sample != 0.0).unwrap();
        assert!((47_180..=47_188 + TAIL).contains(&end), "{end}");
        assert!((level(&heard[2000..46_000]) + 9.0).abs() < 0.5);
    }

    #[test]
    fn a_loop_goes_on() {
        for file in [wav(16_000, 1, 3000), ogg()] {
            let mut player = FilePlayer::open(file, true, 1).unwrap();
            for _ in 0..500 {
                let mut tick = [0.0; FRAME];
                assert!(player.add(&mut tick));
                assert!(level(&tick) > -20.0);
            }
        }
        // Packets without sound are no reason to search for ever.
        let header = wav(16_000, 1, 0);
        assert_eq!(FilePlayer::open(header, true, 1).err(), Some(FileError::Damaged));
    }

    #[test]
    fn what_is_something_else_is_refused() {
        let mut eight_bits = wav(8_000, 1, 100).to_vec();
        eight_bits[34] = 8;
        assert_eq!(
            FilePlayer::open(eight_bits.into(), false, 1).err(),
            Some(FileError::Unsupported)
        );
        assert_eq!(FilePlayer::open(Arc::new([]), false, 1).err(), Some(FileError::Unknown));
        let cut: Arc<[u8]> = ogg()[..60].into();
        assert_eq!(FilePlayer::open(cut, false, 1).err(), Some(FileError::Damaged));
    }

    #[test]
    fn damage_does_no_harm() {
        let mut random = SmallRng::seed_from_u64(7845);
        for file in [wav(44_100, 2, 2000), ogg()] {
            for _ in 0..50 {
                let mut damaged = file.to_vec();
                for _ in 0..random.random_range(1..20) {
                    let at = random.random_range(0..damaged.len());
                    damaged[at] = random.random();
                }
                damaged.truncate(random.random_range(0..=damaged.len()));
                let Ok(mut player) = FilePlayer::open(damaged.into(), true, 2) else { continue };
                for _ in 0..60 {
                    player.add(&mut [0.0; FRAME * 2]);
                }
            }
        }
    }
}
