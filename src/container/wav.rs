//! WAV with one track of 16-bit samples. Its sizes are kept true while it is written, so that it plays
//! wherever it ends; beyond 4 GiB it is RF64 (EBU Tech 3306), for which there is room from the start.

use std::time::Duration;

use super::error::ContainerError;
use super::output::{Output, Step};
use super::source::ReadAt;
use super::{Frame, Muxer, TrackEntry};
use crate::codec::Codec;

/// Offsets of the size of all, of the room for RF64, and of the samples and their size.
const RIFF_SIZE: u64 = 4;
const ROOM: u64 = 12;
const DATA_SIZE: u64 = DATA - 4;
const DATA: u64 = 80;
/// What is filled with silence at most, at once: longer gaps are shortened to it.
const MAX_GAP: Duration = Duration::from_secs(60);
/// Clocks that differ by less than this leave no gap.
const TOLERANCE: Duration = Duration::from_millis(40);
/// Of a sample.
const BYTES: u64 = 2;

/// What the samples of a track are when they are decoded: a second of them, and channels.
pub fn pcm(codec: Codec) -> Option<(u32, u16)> {
    match codec {
        Codec::Opus => Some((48_000, 2)),
        Codec::Pcmu | Codec::Pcma => Some((8_000, 1)),
        Codec::G722 => Some((16_000, 1)),
        _ => None,
    }
}

/// A file on its way to the disk. Its frames are samples, low bytes first, of the codec's [`pcm`].
#[derive(Default)]
pub struct Writer {
    out: Output,
    format: Option<(u32, u16)>,
    /// Bytes of samples, and those that the sizes tell of.
    data: u64,
    told: u64,
}

impl Writer {
    /// Bytes of a second.
    fn byte_rate(&self) -> u64 {
        self.format.map_or(1, |(rate, channels)| u64::from(rate) * u64::from(channels) * BYTES)
    }

    fn tell(&mut self) {
        if self.told != self.data {
            self.told = self.data;
            sizes(&mut self.out, self.data);
        }
    }
}

/// Says how large it is.
fn sizes(out: &mut Output, data: u64) {
    let riff = data + DATA - 8;
    if let (Ok(riff), Ok(data)) = (u32::try_from(riff), u32::try_from(data)) {
        out.overwrite(DATA_SIZE, &data.to_le_bytes());
        out.overwrite(RIFF_SIZE, &riff.to_le_bytes());
        return;
    }
    let mut large = b"ds64".to_vec();
    large.extend_from_slice(&28u32.to_le_bytes());
    for size in [riff, data, 0] {
        large.extend_from_slice(&size.to_le_bytes());
    }
    large.extend_from_slice(&[0; 4]);
    out.overwrite(ROOM, &large);
    out.overwrite(DATA_SIZE, &[0xff; 4]);
    out.overwrite(0, b"RF64\xff\xff\xff\xff");
}

fn head(rate: u32, channels: u16) -> Vec<u8> {
    let frame = channels * BYTES as u16;
    let mut head = b"RIFF".to_vec();
    head.extend_from_slice(&((DATA - 8) as u32).to_le_bytes());
    head.extend_from_slice(b"WAVEJUNK");
    head.extend_from_slice(&28u32.to_le_bytes());
    head.extend_from_slice(&[0; 28]);
    head.extend_from_slice(b"fmt \x10\0\0\0\x01\0");
    head.extend_from_slice(&channels.to_le_bytes());
    head.extend_from_slice(&rate.to_le_bytes());
    head.extend_from_slice(&(rate * u32::from(frame)).to_le_bytes());
    head.extend_from_slice(&frame.to_le_bytes());
    head.extend_from_slice(&16u16.to_le_bytes());
    head.extend_from_slice(b"data\0\0\0\0");
    head
}

impl Muxer for Writer {
    fn add_track(&mut self, track: &TrackEntry) -> Result<u8, ContainerError> {
        let codec = track.codec;
        let (rate, channels) =
            pcm(codec).ok_or(ContainerError::Codec { codec, container: "WAV" })?;
        if self.format.is_some() {
            return Err(ContainerError::Tracks(1));
        }
        self.format = Some((rate, channels));
        self.out.append(&head(rate, channels));
        Ok(1)
    }

    fn write(&mut self, frame: &Frame<'_>) {
        let Some((_, channels)) = self.format else { return };
        let gap = frame.time.saturating_sub(self.duration());
        if gap > TOLERANCE {
            let bytes = gap.min(MAX_GAP).as_micros() * u128::from(self.byte_rate()) / 1_000_000;
            let whole = bytes as usize / usize::from(channels * 2) * usize::from(channels * 2);
            self.out.append(&vec![0; whole]);
            self.data += whole as u64;
        }
        self.out.append(frame.data);
        self.data += frame.data.len() as u64;
    }

    /// There is no room for chapters.
    fn mark(&mut self, _: Duration, _: &str) -> bool {
        false
    }

    fn duration(&self) -> Duration {
        let micros = u128::from(self.data) * 1_000_000 / u128::from(self.byte_rate());
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn size(&self) -> u64 {
        self.out.end()
    }

    fn waiting(&self) -> usize {
        self.out.waiting()
    }

    fn finish(&mut self) {
        self.tell();
    }

    fn take(&mut self) -> Vec<Step> {
        self.tell();
        self.out.take()
    }
}

/// What makes the sizes of a file true.
pub struct Repaired {
    pub len: u64,
    /// None when they are.
    pub steps: Vec<Step>,
    pub duration: Duration,
}

/// Reads a file that a [`Writer`] began, `len` bytes long.
///
/// # Errors
/// [`ContainerError::Format`] when it is another file; [`ContainerError::Io`].
pub fn repair<F: ReadAt>(file: &mut F, len: u64) -> Result<Repaired, ContainerError> {
    let mut start = [0; DATA as usize];
    let read = file.read_at(0, &mut start)?;
    let u16_at = |at: usize| u16::from_le_bytes([start[at], start[at + 1]]);
    let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
    let (channels, rate) = (u16_at(58), u32_at(60));
    let known = [Codec::Opus, Codec::Pcmu, Codec::G722].map(pcm).contains(&Some((rate, channels)));
    if read < start.len() || !known || start[48..56] != *b"fmt \x10\0\0\0" {
        return Err(ContainerError::Format { offset: 0, expected: "head of a WAV recording" });
    }
    let mut writer = Writer { format: Some((rate, channels)), ..Writer::default() };
    let frame = u64::from(channels) * BYTES;
    writer.data = len.saturating_sub(DATA) / frame * frame;
    let end = DATA + writer.data;
    let (large, told) = (start.starts_with(b"RF64"), u64::from(u32_at(76)));
    let ds64 = u64::from(u32_at(28)) | u64::from(u32_at(32)) << 32;
    let told = if large { ds64 } else { told };
    let mut out = Output::after(end);
    if told != writer.data || end != len {
        sizes(&mut out, writer.data);
    }
    Ok(Repaired { len: end, steps: out.take(), duration: writer.duration() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::configuration::Configuration;
    use crate::container::testing::apply;

    fn track(codec: Codec) -> TrackEntry {
        TrackEntry {
            codec,
            name: String::new(),
            language: "und".into(),
            configuration: Configuration::default(),
            rotation: 0,
        }
    }

    fn u32_at(file: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(file[at..at + 4].try_into().unwrap())
    }

    /// A second of samples in packets of 20 ms, with a gap of half a second.
    fn file() -> Vec<u8> {
        let (mut file, mut writer) = (Vec::new(), Writer::default());
        writer.add_track(&track(Codec::Pcmu)).unwrap();
        for packet in (0..25).chain(50..75) {
            let time = Duration::from_millis(packet * 20);
            writer.write(&Frame { track: 1, time, keyframe: true, data: &[7; 320] });
            apply(&mut file, &writer.take());
            assert_eq!(u32_at(&file, 76) as usize, file.len() - 80, "it plays if it ends here");
            assert_eq!(u32_at(&file, 4) as usize, file.len() - 8);
        }
        assert_eq!(writer.duration(), Duration::from_millis(1_500));
        file
    }

    #[test]
    fn sizes_are_true_all_the_time_and_a_gap_is_silence() {
        let file = file();
        assert_eq!(file.len(), 80 + 24_000);
        assert_eq!(file[80..].iter().filter(|byte| **byte == 0).count(), 8_000);
        assert_eq!((u32_at(&file, 60), u32_at(&file, 64)), (8_000, 16_000));
    }

    #[test]
    fn a_file_cut_at_any_byte_is_repaired_to_its_last_sample() {
        let whole = file();
        for cut in 80..2_000 {
            let mut file = whole[..cut].to_vec();
            let repaired = repair(&mut file, cut as u64).unwrap();
            assert_eq!(repaired.len, cut as u64 & !1);
            file.truncate(repaired.len as usize);
            apply(&mut file, &repaired.steps);
            let len = file.len() as u64;
            assert!(repair(&mut file, len).unwrap().steps.is_empty());
        }
        assert!(repair(&mut b"RIFF....WAVE".to_vec(), 12).is_err());
    }

    #[test]
    fn beyond_4_gib_it_is_rf64() {
        let mut writer = Writer::default();
        writer.add_track(&track(Codec::Opus)).unwrap();
        let mut head = Vec::new();
        apply(&mut head, &writer.take());
        writer.data = u32::MAX.into();
        writer.tell();
        apply(&mut head, &writer.take());
        assert!(head.starts_with(b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0"));
        assert_eq!(head[28..36], u64::from(u32::MAX).to_le_bytes());
    }

    #[test]
    fn it_holds_one_track_of_sound() {
        let mut writer = Writer::default();
        assert!(matches!(writer.add_track(&track(Codec::Vp8)), Err(ContainerError::Codec { .. })));
        writer.add_track(&track(Codec::G722)).unwrap();
        assert!(matches!(writer.add_track(&track(Codec::Opus)), Err(ContainerError::Tracks(1))));
    }
}
