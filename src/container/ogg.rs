//! Ogg with one track of Opus (RFC 3533, RFC 7845). Pages are written as they fill up, so that a file
//! plays wherever it ends; finishing adds a page that says it is the last.

use std::time::Duration;

use super::error::ContainerError;
use super::output::{Output, Step};
use super::source::ReadAt;
use super::{Frame, Muxer, TrackEntry};
use crate::codec::{Codec, opus};

/// Samples a second of positions (RFC 7845 4).
const RATE: u64 = 48_000;
/// Samples of a page: what a crash costs.
const PAGE: u64 = RATE / 10;
/// Lengths of a page in its table (RFC 3533 6).
const MAX_SEGMENTS: usize = 255;
/// What is filled with silence at most, at once: longer gaps are shortened to it.
const MAX_GAP: u64 = 60 * RATE;
/// Clocks that differ by less than this leave no gap.
const TOLERANCE: u64 = RATE / 25;
/// header_type (RFC 3533 6).
const FIRST: u8 = 2;
const LAST: u8 = 4;
/// Of a page without its table.
const HEAD: usize = 27;
/// A page of the largest segments.
const MAX_PAGE: usize = HEAD + MAX_SEGMENTS + 255 * MAX_SEGMENTS;
/// It numbers one stream of a file; any number does.
const SERIAL: u32 = 1;

/// A file on its way to the disk.
pub struct Writer {
    application: &'static str,
    out: Output,
    begun: bool,
    pages: Pages,
    /// Lengths and bytes of the packets of the page on its way, and samples in it.
    segments: Vec<u8>,
    packets: Vec<u8>,
    samples: u64,
    /// Samples of pages that are out.
    position: u64,
}

/// Numbers the pages.
#[derive(Default)]
struct Pages(u32);

impl Writer {
    /// Begins a file. `application` stands in it as what wrote it.
    pub fn new(application: &'static str) -> Self {
        Self {
            application,
            out: Output::default(),
            begun: false,
            pages: Pages::default(),
            segments: Vec::new(),
            packets: Vec::new(),
            samples: 0,
            position: 0,
        }
    }

    fn end(&self) -> u64 {
        self.position.saturating_add(self.samples)
    }

    fn packet(&mut self, packet: &[u8], samples: u64) {
        let lengths = packet.len() / 255 + 1;
        if self.segments.len() + lengths > MAX_SEGMENTS {
            self.page(0);
        }
        // One of 64 KiB is no packet of WebRTC.
        if lengths > MAX_SEGMENTS {
            return;
        }
        self.segments.extend(std::iter::repeat_n(255, lengths - 1));
        self.segments.push((packet.len() % 255) as u8);
        self.packets.extend_from_slice(packet);
        self.samples = self.samples.saturating_add(samples);
        if self.samples >= PAGE {
            self.page(0);
        }
    }

    fn page(&mut self, kind: u8) {
        if self.segments.is_empty() && kind == 0 {
            return;
        }
        self.position = self.end();
        self.samples = 0;
        let page = self.pages.page(kind, self.position, &self.segments, &self.packets);
        self.out.append(&page);
        self.segments.clear();
        self.packets.clear();
    }
}

impl Muxer for Writer {
    fn add_track(&mut self, track: &TrackEntry) -> Result<u8, ContainerError> {
        if track.codec != Codec::Opus {
            return Err(ContainerError::Codec { codec: track.codec, container: "Ogg" });
        }
        if std::mem::replace(&mut self.begun, true) {
            return Err(ContainerError::Tracks(1));
        }
        for (kind, packet) in [
            (FIRST, track.configuration.record.clone()),
            (0, tags(self.application, &track.name, &track.language)),
        ] {
            let mut segments = vec![255; packet.len() / 255];
            segments.push((packet.len() % 255) as u8);
            let page = self.pages.page(kind, 0, &segments, &packet);
            self.out.append(&page);
        }
        Ok(1)
    }

    fn write(&mut self, frame: &Frame<'_>) {
        let Some(samples) = opus::packet_samples(frame.data).filter(|_| self.begun) else { return };
        let nanos = frame.time.as_nanos().saturating_mul(RATE.into()) / 1_000_000_000;
        let due = u64::try_from(nanos).unwrap_or(u64::MAX);
        // Positions are what the packets add up to, so a gap is filled with packets of nothing
        // (RFC 7845 4.1).
        let gap = due.saturating_sub(self.end());
        if gap > TOLERANCE {
            let nothing = opus::nothing_like(frame.data);
            let each = u64::from(opus::packet_samples(&nothing).unwrap_or(960));
            for _ in 0..gap.min(MAX_GAP) / each {
                self.packet(&nothing, each);
            }
        }
        self.packet(frame.data, samples.into());
    }

    /// There is no room for chapters.
    fn mark(&mut self, _: Duration, _: &str) -> bool {
        false
    }

    fn duration(&self) -> Duration {
        time(self.end())
    }

    fn size(&self) -> u64 {
        self.out.end() + self.packets.len() as u64
    }

    fn waiting(&self) -> usize {
        self.out.waiting() + self.packets.len()
    }

    fn finish(&mut self) {
        self.page(LAST);
    }

    fn take(&mut self) -> Vec<Step> {
        self.out.take()
    }
}

fn time(samples: u64) -> Duration {
    Duration::from_micros(samples.saturating_mul(125) / 6)
}

/// OpusTags (RFC 7845 5.2).
fn tags(application: &str, name: &str, language: &str) -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    let mut text = |text: &str| {
        tags.extend_from_slice(&(text.len() as u32).to_le_bytes());
        tags.extend_from_slice(text.as_bytes());
    };
    text(application);
    let mut comments = Vec::new();
    if !name.is_empty() {
        comments.push(format!("TITLE={name}"));
    }
    if language != "und" {
        comments.push(format!("LANGUAGE={language}"));
    }
    let count = (comments.len() as u32).to_le_bytes();
    let at = 8 + 4 + application.len();
    comments.iter().for_each(|comment| text(comment));
    tags.splice(at..at, count);
    tags
}

impl Pages {
    /// The next page. `position` is that of its last sample.
    fn page(&mut self, kind: u8, position: u64, segments: &[u8], packets: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(kind);
        page.extend_from_slice(&position.to_le_bytes());
        page.extend_from_slice(&SERIAL.to_le_bytes());
        page.extend_from_slice(&self.0.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.push(segments.len() as u8);
        page.extend_from_slice(segments);
        page.extend_from_slice(packets);
        let checksum = checksum(&page).to_le_bytes();
        page[22..26].copy_from_slice(&checksum);
        self.0 = self.0.wrapping_add(1);
        page
    }
}

/// CRC-32 of polynomial 0x04c11db7, high bits first (RFC 3533 6).
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let (mut table, mut index) = ([0; 256], 0);
        while index < 256 {
            let (mut value, mut bit) = ((index as u32) << 24, 0);
            while bit < 8 {
                value = if value >> 31 == 1 { value << 1 ^ 0x04c1_1db7 } else { value << 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    bytes.iter().fold(0, |sum, byte| sum << 8 ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)])
}

/// What makes a file whole: where its last whole page ends, a page that says it is the last, and how
/// long it is. No page when it was finished.
pub struct Repaired {
    pub len: u64,
    pub last: Option<Vec<u8>>,
    pub duration: Duration,
}

/// Reads a file that a [`Writer`] began, `len` bytes long.
///
/// # Errors
/// [`ContainerError::Format`] when it is another file; [`ContainerError::Io`].
pub fn repair<F: ReadAt>(file: &mut F, len: u64) -> Result<Repaired, ContainerError> {
    let (mut at, mut pages, mut position) = (0, 0u32, 0);
    let mut buffer = vec![0; MAX_PAGE];
    loop {
        let read = file.read_at(at, &mut buffer)?;
        let Some((size, kind, end)) = buffer.get(..read).and_then(whole_page) else { break };
        let after = at.saturating_add(size);
        if pages == 0 && kind & FIRST == 0 || after > len {
            break;
        }
        (at, pages, position) = (after, pages.saturating_add(1), end);
        if kind & LAST != 0 {
            return Ok(Repaired { len, last: None, duration: time(position) });
        }
    }
    if pages < 2 {
        return Err(ContainerError::Format { offset: at, expected: "page of Ogg" });
    }
    let last = Pages(pages).page(LAST, position, &[], &[]);
    Ok(Repaired { len: at, last: Some(last), duration: time(position) })
}

/// Size, header_type and position of a page that is whole and ours.
fn whole_page(bytes: &[u8]) -> Option<(u64, u8, u64)> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    let segments = bytes.get(HEAD..HEAD + usize::from(head[26]))?;
    let size = HEAD + segments.len() + segments.iter().map(|s| usize::from(*s)).sum::<usize>();
    let mut page = bytes.get(..size)?.to_vec();
    let told = u32::from_le_bytes(*page.get(22..26)?.first_chunk()?);
    page.get_mut(22..26)?.fill(0);
    let serial = u32::from_le_bytes(*head.get(14..18)?.first_chunk()?);
    let ours = head.starts_with(b"OggS\0") && serial == SERIAL && checksum(&page) == told;
    let position = u64::from_le_bytes(*head.get(6..14)?.first_chunk()?);
    ours.then_some((size as u64, head[5], position))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::configuration::Configuration;
    use crate::container::testing::apply;

    const MS: Duration = Duration::from_millis(1);

    fn track() -> TrackEntry {
        TrackEntry {
            codec: Codec::Opus,
            name: "somebody".into(),
            language: "en".into(),
            configuration: Configuration::of(Codec::Opus, &[]).unwrap(),
            rotation: 0,
        }
    }

    /// Two seconds with a gap of half a second, as it is left without an end, and with it.
    fn files() -> (Vec<u8>, Vec<u8>) {
        let (mut file, mut writer) = (Vec::new(), Writer::new("medialoom"));
        writer.add_track(&track()).unwrap();
        for packet in (0..50).chain(75..125) {
            let frame = Frame {
                track: 1,
                time: packet * 20 * MS,
                keyframe: true,
                data: &[0xf8, packet as u8],
            };
            writer.write(&frame);
            apply(&mut file, &writer.take());
        }
        assert_eq!(writer.duration(), 2_500 * MS);
        let before = file.clone();
        writer.finish();
        apply(&mut file, &writer.take());
        (before, file)
    }

    #[test]
    fn positions_are_what_packets_add_up_to_and_a_gap_is_packets_of_nothing() {
        let (_, file) = files();
        let (mut at, mut nothing) = (0, 0);
        let mut end = 0;
        while let Some((size, _, position)) = whole_page(&file[at..]) {
            let segments = &file[at + HEAD..at + HEAD + usize::from(file[at + 26])];
            nothing += segments.iter().filter(|len| **len == 1).count();
            assert!(position >= end);
            end = position;
            at += size as usize;
        }
        assert_eq!((at, end, nothing), (file.len(), 120_000, 25));
    }

    #[test]
    fn a_file_cut_at_any_byte_is_repaired_to_its_last_whole_page() {
        let (before, whole) = files();
        let mut file = whole.clone();
        assert!(repair(&mut file, whole.len() as u64).unwrap().last.is_none());
        let second = whole_page(&before).unwrap().0;
        let first = second + whole_page(&before[second as usize..]).unwrap().0;
        for cut in first as usize..before.len() {
            let mut cut = before[..cut].to_vec();
            let len = cut.len() as u64;
            let repaired = repair(&mut cut, len).unwrap();
            assert!(len - repaired.len < 100);
            cut.truncate(repaired.len as usize);
            cut.extend(repaired.last.unwrap());
            let len = cut.len() as u64;
            assert!(repair(&mut cut, len).unwrap().last.is_none());
        }
    }

    #[test]
    fn a_gap_that_nobody_can_mean_is_bounded() {
        let mut writer = Writer::new("medialoom");
        writer.add_track(&track()).unwrap();
        for time in [Duration::ZERO, Duration::MAX] {
            writer.write(&Frame { track: 1, time, keyframe: true, data: &[0xf8, 1] });
        }
        assert_eq!(writer.duration(), Duration::from_millis(60_040));
        assert!(writer.waiting() < 100_000);
    }

    #[test]
    fn it_holds_one_track_of_opus() {
        let mut writer = Writer::new("medialoom");
        let other = TrackEntry { codec: Codec::Pcmu, ..track() };
        assert!(matches!(writer.add_track(&other), Err(ContainerError::Codec { .. })));
        writer.add_track(&track()).unwrap();
        assert!(matches!(writer.add_track(&track()), Err(ContainerError::Tracks(1))));
    }

    #[test]
    fn the_checksum_is_that_of_other_programs() {
        assert_eq!(checksum(b"123456789"), 0x89a1_897f);
    }
}
