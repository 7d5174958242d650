use std::time::Duration;

use super::reader::{ReadFrame, Reader};
use super::samples::{self, PACKETS, PICTURES};
use super::testing::{Small, Sparse};
use super::webm::Document;
use super::{ContainerError, Frame, MAX_FRAME, Muxer, Step, TrackEntry, mp4, ogg, wav, webm};
use crate::codec::configuration::Configuration;
use crate::codec::{Codec, Kind};

const MS: Duration = Duration::from_millis(1);

/// All frames up to the end or to what is wrong.
fn frames(file: &[u8]) -> Result<Vec<ReadFrame>, ContainerError> {
    let mut reader = open(file)?;
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = reader.next() {
        frames.push(frame);
    }
    Ok(frames)
}

fn open(file: &[u8]) -> Result<Reader, ContainerError> {
    Reader::open(std::io::Cursor::new(file.to_vec()), file.len() as u64)
}

impl super::ReadAt for std::io::Cursor<Vec<u8>> {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.get_ref().as_slice().read_at(at, buffer)
    }
}

/// What a file has of one kind.
fn of(file: &[u8], kind: Kind) -> Vec<ReadFrame> {
    let reader = open(file).unwrap();
    let place = reader.tracks().iter().position(|track| track.kind == kind);
    let all = frames(file).unwrap().into_iter();
    all.filter(|frame| Some(frame.track) == place).collect()
}

/// All places of a small file, and of a larger one those at its beginning and its end: between them are
/// zeros that nobody reads, or samples that are like each other.
fn places(file: &[u8]) -> impl Iterator<Item = usize> + use<> {
    let len = file.len();
    (0..len).filter(move |at| len < 4_000 || *at < 300 || *at + 1_200 > len)
}

#[test]
fn every_frame_of_every_kind_of_file_is_read_at_its_time() {
    for (index, (name, file)) in samples::all().into_iter().enumerate() {
        let (pictures, sound) = (of(&file, Kind::Video), of(&file, Kind::Audio));
        let expected = match name {
            "mjr" => (PICTURES, 0),
            "ogg" | "wav" => (0, PACKETS),
            _ => (PICTURES, PACKETS),
        };
        assert_eq!((pictures.len() as u32, sound.len() as u32), expected, "{name} {index}");
        for (number, frame) in pictures.iter().enumerate() {
            let number = number as u32;
            assert_eq!(frame.time, 100 * MS * number, "{name} {index}");
            assert_eq!(frame.keyframe, number.is_multiple_of(5), "{name} {index}");
            let place = if frame.keyframe { 10 } else { 3 };
            assert_eq!(frame.data[place], number as u8, "{name} {index}");
        }
        for (number, frame) in sound.iter().enumerate() {
            assert_eq!(frame.time, 20 * MS * number as u32, "{name} {index}");
            if name != "wav" {
                assert_eq!(frame.data, [0xfc, 0xff, 0xfe, number as u8], "{name} {index}");
            }
        }
    }
}

#[test]
fn every_jump_lands_on_the_keyframe_before() {
    for (index, (name, file)) in samples::all().into_iter().enumerate() {
        let reader = open(&file).unwrap();
        let leader = reader.tracks().iter().position(|track| track.kind == Kind::Video);
        for to in [0, 10, 499, 500, 501, 730, 999, 5_000, u32::MAX] {
            let mut reader = open(&file).unwrap();
            let landed = reader.seek(MS * to, leader.unwrap_or(0)).unwrap();
            let first = reader.next().unwrap();
            if leader.is_none() {
                // Sound begins anywhere, or nowhere behind its end.
                let first = first.map(|frame| frame.time);
                assert!(first.is_none_or(|time| time <= MS * to && time >= landed), "{name} {to}");
                assert!(landed + 20 * MS >= (MS * to).min(980 * MS), "{name} {to}: {landed:?}");
                continue;
            }
            let expected = if to < 500 { 0 } else { 500 };
            assert_eq!(landed, MS * expected, "{name} {index}, to {to}");
            let mut next = first;
            let mut picture = None;
            while let Some(frame) = next {
                assert!(frame.time >= landed, "{name} {index}: nothing from before");
                if Some(frame.track) == leader {
                    picture.get_or_insert((frame.time, frame.keyframe));
                }
                next = reader.next().unwrap();
            }
            assert_eq!(picture, Some((landed, true)), "{name} {index}, to {to}");
        }
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_read_to_the_cut_and_no_further() {
    for (index, (name, file)) in samples::all().into_iter().enumerate() {
        let whole = frames(&file).unwrap();
        let mut before = 0;
        for cut in places(&file) {
            let read = match frames(&file[..cut]) {
                Ok(read) => read,
                Err(ContainerError::Format { offset, .. }) => {
                    assert!(offset <= cut as u64, "{name} {index}, cut at {cut}");
                    continue;
                }
                Err(error) => panic!("{name} {index}, cut at {cut}: {error}"),
            };
            // What is there is what was there, and there is no less of it than with fewer bytes.
            assert!(read.len() >= before, "{name} {index}, cut at {cut}");
            before = read.len();
            if name != "wav" {
                assert!(read.iter().all(|frame| whole.contains(frame)), "{name} {index}, {cut}");
            }
        }
        // Where the tables come last nothing is known before; a page has ten packets.
        let tables_last = name == "mp4" && before == 0;
        assert!(tables_last || before + 10 >= whole.len(), "{name} {index}: {before}");
    }
}

#[test]
fn damaged_files_are_read_to_an_end_and_hold_no_more_than_they_have() {
    for (index, (name, file)) in samples::all().into_iter().enumerate() {
        for at in places(&file) {
            for value in [0x00, 0x7f, 0xff] {
                let mut damaged = file.clone();
                damaged[at] = value;
                let Ok(mut reader) = open(&damaged) else { continue };
                let mut count = 0;
                while let Ok(Some(frame)) = reader.next() {
                    assert!(frame.data.len() <= damaged.len(), "{name} {index}");
                    count += 1;
                    assert!(count <= damaged.len(), "{name} {index}, {value} at {at}");
                }
                let _ = reader.seek(700 * MS, 0);
            }
        }
    }
}

#[test]
fn pictures_whose_beginning_was_cut_off_begin_with_a_keyframe_at_once() {
    // The keyframe before 700 ms is at 500 ms, and what is decoded before the cut is not waited for.
    let file = samples::cut_mp4(700);
    let mut reader = open(&file).unwrap();
    for _ in 0..2 {
        let frames: Vec<ReadFrame> = std::iter::from_fn(|| reader.next().unwrap()).collect();
        let pictures = frames.iter().filter(|frame| frame.track == 0);
        let pictures: Vec<_> = pictures.map(|frame| (frame.time, frame.keyframe)).collect();
        let expected = [(0, true), (0, false), (0, false), (100, false), (200, false)];
        assert_eq!(pictures, expected.map(|(time, keyframe)| (time * MS, keyframe)));
        assert_eq!(frames.iter().filter(|frame| frame.track == 1).count(), 50);
        assert_eq!(reader.seek(Duration::ZERO, 0).unwrap(), Duration::ZERO);
    }
}

#[test]
fn a_file_with_samples_in_tables_and_in_fragments_is_one() {
    let file = samples::partly_fragmented_mp4();
    let mut reader = open(&file).unwrap();
    assert_eq!(reader.duration(), None, "the movie only tells of its tables");
    let frames: Vec<ReadFrame> = std::iter::from_fn(|| reader.next().unwrap()).collect();
    let pictures = frames.iter().filter(|frame| frame.track == 0).map(|frame| frame.time);
    assert!(pictures.eq((0..20).map(|index| index * 100 * MS)));
    for (to, lands) in [(0, 0), (700, 500), (1_200, 1_000), (1_900, 1_500), (600, 500)] {
        assert_eq!(reader.seek(to * MS, 0).unwrap(), lands * MS, "to {to}");
        let next = reader.next().unwrap().unwrap();
        assert_eq!((next.time, next.keyframe), (lands * MS, true), "to {to}");
    }
}

#[test]
fn what_a_file_says_of_sizes_allocates_nothing() {
    // A block, a sample and a page that say they have more than there is, or than a frame has.
    let mut webm = samples::webm(true);
    let block = webm.windows(2).position(|bytes| bytes == [0xa3, 0x90]).unwrap();
    webm.splice(block + 1..block + 2, [0x08, 0x7f, 0xff, 0xff, 0xff]);
    assert!(frames(&webm).is_ok_and(|frames| frames.len() < 60));
    let mut mp4 = samples::mp4();
    let sizes = mp4.windows(4).position(|bytes| bytes == b"stsz").unwrap();
    mp4[sizes + 4 + 8..sizes + 4 + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    mp4[sizes + 4 + 12..sizes + 4 + 16].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(frames(&mp4).is_ok());
    let mut large = samples::mp4();
    large.resize(large.len() + 2 * MAX_FRAME, 0);
    let size = (MAX_FRAME as u32 + 1).to_be_bytes();
    let at = sizes + 4 + 12;
    large[at..at + 4].copy_from_slice(&size);
    let mut reader = open(&large).unwrap();
    let failed = std::iter::from_fn(|| reader.next().transpose()).find_map(Result::err);
    assert!(matches!(failed, Some(ContainerError::Format { .. })), "{failed:?}");
}

#[test]
fn what_is_no_file_says_where_it_stops_being_one() {
    let offset = |file: &[u8]| match open(file).map(|_| ()) {
        Err(ContainerError::Format { offset, .. }) => offset,
        other => panic!("{other:?}"),
    };
    assert_eq!(offset(b""), 0);
    assert_eq!(offset(b"nothing that anybody knows"), 0);
    assert_eq!(offset(&samples::wav()[..40]), 36);
    let mp4 = samples::mp4();
    let moov = mp4.windows(4).position(|bytes| bytes == b"moov").unwrap() - 4;
    assert_eq!(offset(&mp4[..moov + 30]), moov as u64);
    assert_eq!(offset(b"MJR00002\x00\x02{}"), 10);
    assert_eq!(offset(b"RIFF\x24\0\0\0WAVEdata\0\0\0\0"), 12);
}

#[test]
fn how_long_a_file_is_shows_where_it_says_so() {
    let length = |file: &[u8]| open(file).unwrap().duration();
    assert_eq!(length(&samples::webm(false)), None);
    assert!(length(&samples::webm(true)).unwrap().abs_diff(1_000 * MS) <= 20 * MS);
    for file in [samples::mp4(), samples::ogg(), samples::wav()] {
        assert_eq!(length(&file), Some(1_000 * MS));
    }
    assert_eq!(length(&samples::fragmented_mp4()), None);
}

/// Everything that writes files, and what it is given: pictures or sound.
fn writers() -> Vec<(&'static str, Codec, Box<dyn Muxer>)> {
    let webm = webm::Writer::new(Document::Matroska, "medialoom", Duration::ZERO);
    vec![
        ("mkv", Codec::H264, Box::new(webm)),
        ("mp4", Codec::H264, Box::new(mp4::Writer::new(200 * MS, Duration::ZERO))),
        ("ogg", Codec::Opus, Box::new(ogg::Writer::new("medialoom"))),
        ("wav", Codec::Opus, Box::new(wav::Writer::default())),
    ]
}

fn entry(codec: Codec) -> TrackEntry {
    let record = match codec {
        Codec::H264 => vec![1, 0x42, 0xe0, 0x1f, 0xff, 0xe0, 0],
        _ => Configuration::of(codec, &[]).unwrap().record,
    };
    let size = (codec == Codec::H264).then_some((320, 240));
    TrackEntry {
        codec,
        name: "somebody".into(),
        language: "und".into(),
        configuration: Configuration { size, record, vpcc: None },
        rotation: 0,
    }
}

/// What is to be done for a second of frames, and to finish the file.
fn steps(mut writer: Box<dyn Muxer>, codec: Codec, name: &str) -> Vec<Step> {
    let track = writer.add_track(&entry(codec)).unwrap();
    let mut steps = writer.take();
    for number in 0..50u32 {
        let time = 20 * MS * number;
        let data = match (codec, name) {
            (Codec::H264, _) => vec![0, 0, 0, 2, 0x65, number as u8],
            (_, "wav") => vec![number as u8; 3_840],
            _ => vec![0xfc, 0xff, 0xfe, number as u8],
        };
        writer.write(&Frame { track, time, keyframe: true, data: &data });
        steps.extend(writer.take());
    }
    writer.finish();
    steps.extend(writer.take());
    steps
}

#[test]
fn a_disk_that_is_full_at_any_byte_leaves_a_file_of_all_that_was_whole() {
    for (name, codec, writer) in writers() {
        let steps = steps(writer, codec, name);
        let full = |room: usize| {
            let (mut disk, mut len) = (Small { file: Vec::new(), room }, 0);
            let done = steps.iter().try_for_each(|step| step.perform(&mut disk, &mut len));
            (disk.file, done)
        };
        let (whole, done) = full(usize::MAX);
        done.unwrap();
        let all = frames(&whole).unwrap();
        let mut before = 0;
        for room in places(&whole) {
            let (file, done) = full(room);
            assert!(matches!(done, Err(ContainerError::Io(_))), "{name}: {room} bytes");
            let read = match frames(&file) {
                Ok(read) => read,
                Err(error) => {
                    assert!(before == 0, "{name}: {room} bytes, {error}");
                    continue;
                }
            };
            let first = read.iter().zip(&all).all(|(read, all)| read.data == all.data);
            assert!(first || name == "wav", "{name}: {room} bytes");
            assert!(read.len() >= before, "{name}: {room} bytes, {} of {before}", read.len());
            before = read.len();
        }
        assert!(before + 10 >= all.len(), "{name}: {before} of {}", all.len());
    }
}

#[test]
fn beyond_4_gib_every_kind_of_file_is_sought_and_read() {
    /// Pictures a second, and bytes of one.
    const RATE: u32 = 2;
    const SIZE: usize = MAX_FRAME - 1_024;
    for (name, codec, mut writer) in writers().into_iter().filter(|(name, ..)| *name != "ogg") {
        let track = writer.add_track(&entry(codec)).unwrap();
        let (mut file, mut len) = (Sparse::default(), 0);
        let mut data = vec![0; SIZE];
        for number in 0..1_060u32 {
            data[..4].copy_from_slice(&number.to_be_bytes());
            let time = match name {
                "wav" => writer.duration(),
                _ => Duration::from_secs(1) * number / RATE,
            };
            writer.write(&Frame { track, time, keyframe: true, data: &data });
            writer.take().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
        }
        let end = writer.duration();
        writer.finish();
        writer.take().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
        assert!(len > (4 << 30) + SIZE as u64, "{name}: {len}");
        let mut reader = Reader::open(file, len).unwrap();
        assert!(reader.duration().unwrap().abs_diff(end) < 100 * MS, "{name}");
        let landed = reader.seek(end - 50 * MS, 0).unwrap();
        assert!(landed + Duration::from_secs(1) > end, "{name}: {landed:?} of {end:?}");
        let frame = reader.next().unwrap().unwrap();
        assert_eq!(frame.time, landed, "{name}");
        if name != "wav" {
            assert_eq!(frame.data[..4], 1_059u32.to_be_bytes(), "{name}");
        }
    }
}
