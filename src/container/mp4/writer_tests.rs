use std::io;
use std::time::Duration;

use super::source::{Fields, child, children};
use super::*;
use crate::codec::Codec;
use crate::codec::configuration::Configuration;
use crate::container::testing::{Sparse, apply};
use crate::container::{ContainerError, Finished, Frame, Muxer, ReadAt, Step, TrackEntry, WriteAt};

const MS: Duration = Duration::from_millis(1);

fn track(codec: Codec) -> TrackEntry {
    let record = match codec {
        Codec::Opus => Configuration::of(codec, &[]).unwrap().record,
        _ => vec![1, 0x42, 0xe0, 0x1f, 0xff, 0xe0, 0],
    };
    TrackEntry {
        codec,
        name: "somebody".into(),
        language: "pt-BR".into(),
        configuration: Configuration { size: Some((320, 240)), record, vpcc: None },
        rotation: 0,
    }
}

fn writer() -> Writer {
    Writer::new(500 * MS, Duration::from_secs(1_700_000_000))
}

/// Two and a half seconds of pictures, keyframes every second, and sound that begins later.
fn record(writer: &mut Writer, mut each: impl FnMut(&mut Writer)) {
    let video = writer.add_track(&track(Codec::H264)).unwrap();
    let mut audio = None;
    for tick in 0..50u32 {
        let (time, keyframe) = (tick * 50 * MS, tick % 20 == 0);
        let data = vec![tick as u8; if keyframe { 300 } else { 40 }];
        writer.write(&Frame { track: video, time, keyframe, data: &data });
        if tick == 12 {
            audio = Some(writer.add_track(&track(Codec::Opus)).unwrap());
            writer.mark(time, "sound");
        }
        if let Some(audio) = audio {
            let data = [0xf8, tick as u8];
            writer.write(&Frame { track: audio, time, keyframe: true, data: &data });
        }
        each(writer);
    }
}

fn unfinished() -> Vec<u8> {
    let (mut file, mut writer) = (Vec::new(), writer());
    record(&mut writer, |writer| apply(&mut file, &writer.take()));
    writer.finish();
    let steps = writer.take();
    assert_eq!(steps.last(), Some(&Step::Index));
    apply(&mut file, &steps[..steps.len() - 1]);
    file
}

fn finished() -> Vec<u8> {
    let mut file = unfinished();
    apply(&mut file, &[Step::Index]);
    file
}

/// A sample of a finished file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Read {
    time: u64,
    sync: bool,
    data: Vec<u8>,
}

/// The samples of each track by its tables, and the units it begins late.
fn read(file: &[u8]) -> Vec<(u64, Vec<Read>)> {
    let room = &file[32..48];
    assert_eq!(room[..8], *b"\0\0\0\x01mdat");
    let end = 32 + u64::from_be_bytes(room[8..].try_into().unwrap()) as usize;
    let movie = child(&file[end..], b"moov").unwrap();
    assert_eq!(
        u32::from_be_bytes(file[end..end + 4].try_into().unwrap()) as usize,
        file.len() - end
    );
    let tracks = children(movie).filter(|(name, ..)| name == b"trak");
    tracks.map(|(.., body)| read_track(body, file)).collect()
}

fn numbers(body: &[u8], skip: usize) -> Vec<u32> {
    body[skip..].chunks_exact(4).map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect()
}

fn read_track(entry: &[u8], file: &[u8]) -> (u64, Vec<Read>) {
    let delay = child(entry, b"edts").map_or(0, |edits| {
        let mut fields = Fields(&child(edits, b"elst").unwrap()[8..]);
        let delay = fields.u64().unwrap();
        assert_eq!(fields.u64(), Some(u64::MAX), "an edit of nothing");
        delay
    });
    let media = child(entry, b"mdia").unwrap();
    let tables = child(child(media, b"minf").unwrap(), b"stbl").unwrap();
    let durations = numbers(child(tables, b"stts").unwrap(), 8);
    let sizes = numbers(child(tables, b"stsz").unwrap(), 12);
    let chunks = numbers(child(tables, b"stsc").unwrap(), 8);
    let syncs = child(tables, b"stss").map(|body| numbers(body, 8));
    let offsets = numbers(child(tables, b"stco").unwrap(), 8);
    let mut times = vec![0u64];
    for pair in durations.chunks_exact(2) {
        for _ in 0..pair[0] {
            times.push(times.last().unwrap() + u64::from(pair[1]));
        }
    }
    assert_eq!(times.len(), sizes.len() + 1);
    let mut media = Fields(&child(media, b"mdhd").unwrap()[24..]);
    assert_eq!(media.u64(), times.last().copied(), "the track is as long as its samples");
    let (mut samples, mut next) = (Vec::new(), 0);
    for (index, offset) in offsets.iter().enumerate() {
        let run = chunks.chunks_exact(3).rev().find(|run| run[0] as usize <= index + 1).unwrap();
        let mut at = *offset as usize;
        for _ in 0..run[1] {
            let data = file[at..at + sizes[next] as usize].to_vec();
            at += data.len();
            let sync =
                syncs.as_ref().is_none_or(|syncs| syncs.binary_search(&(next as u32 + 1)).is_ok());
            samples.push(Read { time: times[next], sync, data });
            next += 1;
        }
    }
    assert_eq!(next, sizes.len());
    (delay, samples)
}

#[test]
fn a_finished_file_has_every_frame_in_its_tables() {
    let tracks = read(&finished());
    let (pictures, sound) = (&tracks[0], &tracks[1]);
    assert_eq!((pictures.0, pictures.1.len()), (0, 50));
    for (tick, sample) in pictures.1.iter().enumerate() {
        let keyframe = tick % 20 == 0;
        assert_eq!((sample.time, sample.sync), (tick as u64 * 4_500, keyframe));
        assert_eq!(sample.data, vec![tick as u8; if keyframe { 300 } else { 40 }]);
    }
    assert_eq!((sound.0, sound.1.len()), (12 * 4_500, 38), "it begins when it began");
    for (index, sample) in sound.1.iter().enumerate() {
        let time = index as u64 * 2_400;
        assert_eq!(*sample, Read { time, sync: true, data: vec![0xf8, index as u8 + 12] });
    }
}

#[test]
fn a_finished_file_has_nothing_to_repair_and_the_chapters_that_were_marked() {
    let mut file = finished();
    let len = file.len() as u64;
    assert!(survey(&mut file, len).unwrap().is_none());
    let chapter = b"chpl\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\x5b\x8d\x80\x05sound";
    assert!(file.windows(chapter.len()).any(|bytes| bytes == chapter));
}

#[test]
fn a_file_cut_at_any_byte_is_finished_with_all_whole_fragments() {
    let file = unfinished();
    let (whole, mut most) = (read(&finished()), 0);
    let first = file.windows(4).position(|bytes| bytes == b"moof").unwrap() - 4;
    for cut in first..=file.len() {
        let mut cut_off = file[..cut].to_vec();
        let Some(found) = survey(&mut cut_off, cut as u64).unwrap() else { panic!("{cut}") };
        let end = found.end();
        assert!(end <= cut as u64 && cut as u64 - end < 1_500, "cut at {cut}, ends at {end}");
        cut_off.truncate(end as usize);
        found.finish(&mut cut_off).unwrap();
        let tracks = read(&cut_off);
        for ((_, read), (_, whole)) in tracks.iter().zip(&whole) {
            assert!(whole.starts_with(read), "cut at {cut}");
        }
        most = most.max(tracks.first().map_or(0, |(_, samples)| samples.len()));
        let len = cut_off.len() as u64;
        assert!(survey(&mut cut_off, len).unwrap().is_none(), "cut at {cut}");
    }
    assert_eq!(most, 50);
}

/// A file that remembers each write.
struct Logged {
    file: Vec<u8>,
    writes: Vec<(u64, Vec<u8>)>,
}

impl ReadAt for Logged {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(at, buffer)
    }
}

impl WriteAt for Logged {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.writes.push((at, bytes.to_vec()));
        self.file.write_at(at, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn finishing_can_end_at_any_write_and_be_done_again() {
    let before = unfinished();
    let mut logged = Logged { file: before.clone(), writes: Vec::new() };
    finish(&mut logged, before.len() as u64).unwrap();
    let mut file = before;
    let last = logged.writes.len() - 1;
    for (at, bytes) in &logged.writes[..last] {
        file.write_at(*at, bytes).unwrap();
        let mut again = file.clone();
        let len = again.len() as u64;
        let Finished { len, .. } = finish(&mut again, len).unwrap();
        again.truncate(len as usize);
        assert!(again == logged.file);
    }
}

#[test]
fn players_find_all_of_the_old_tracks_or_all_of_the_new_ones_at_every_write() {
    let mut writer = writer();
    let (mut file, mut most) = (Vec::new(), 0);
    for count in 1..=6 {
        writer.add_track(&track(Codec::Opus)).unwrap();
        for step in writer.take() {
            apply(&mut file, &[step]);
            let movies: Vec<usize> = children(&file)
                .filter(|(name, ..)| name == b"moov")
                .map(|(.., body)| children(body).filter(|(name, ..)| name == b"trak").count())
                .collect();
            assert_eq!(movies.len(), 1);
            assert!([count - 1, count].contains(&movies[0]), "{movies:?}");
            most = movies[0];
        }
        assert_eq!(most, count);
    }
}

#[test]
fn a_file_has_room_for_so_many_tracks_and_goes_on_with_those() {
    let mut writer = writer();
    let made = (0..64).filter(|_| writer.add_track(&track(Codec::H264)).is_ok()).count();
    assert!((25..64).contains(&made), "{made}");
    assert!(
        matches!(writer.add_track(&track(Codec::H264)), Err(ContainerError::Tracks(n)) if n == made)
    );
    let frame = Frame { track: 1, time: MS, keyframe: true, data: &[1] };
    writer.write(&frame);
    writer.finish();
    let mut file = Vec::new();
    apply(&mut file, &writer.take());
    assert_eq!(read(&file).len(), 1, "those that never had a frame are left out");
}

#[test]
fn what_is_no_such_file_is_refused_with_the_offset() {
    let file = unfinished();
    let mut brands_only = file[..32].to_vec();
    let mut other = [&file[..32], b"\0\0\0\x08moov"].concat();
    for (bytes, expected) in [(&mut b"RIFF".to_vec(), 0), (&mut brands_only, 32), (&mut other, 32)]
    {
        let len = bytes.len() as u64;
        match survey(bytes, len).map(|_| ()) {
            Err(ContainerError::Format { offset, .. }) => assert_eq!(offset, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn damaged_files_are_read_to_an_end() {
    let file = unfinished();
    let first = file.windows(4).position(|bytes| bytes == b"moof").unwrap() - 4;
    for at in (0..1_200).chain(first..first + 1_500) {
        for value in [0x01, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            let len = damaged.len() as u64;
            if let Ok(Finished { len, .. }) = finish(&mut damaged, len) {
                assert!(len < 2 * file.len() as u64);
            }
        }
    }
}

#[test]
fn files_beyond_4_gib_have_offsets_of_eight_bytes() {
    let mut writer = writer();
    let video = writer.add_track(&track(Codec::H264)).unwrap();
    let data = vec![0; 4 << 20];
    let (mut file, mut len) = (Sparse::default(), 0);
    for second in 0..1_100u32 {
        let time = second * 500 * MS;
        writer.write(&Frame { track: video, time, keyframe: true, data: &data });
        writer.take().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    }
    writer.finish();
    writer.take().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    assert_eq!(len, file.len);
    let mut room = [0; 16];
    file.read_at(32, &mut room).unwrap();
    let end = 32 + u64::from_be_bytes(room[8..].try_into().unwrap());
    assert!(end > 4 << 30);
    let mut movie = vec![0; (len - end) as usize];
    file.read_at(end, &mut movie).unwrap();
    let at = movie.windows(4).position(|name| name == b"co64").unwrap();
    let mut fields = Fields(&movie[at + 8..]);
    assert_eq!(fields.u32(), Some(1_100));
    let offsets: Vec<u64> = (0..1_100).map(|_| fields.u64().unwrap()).collect();
    assert!(offsets.windows(2).all(|pair| pair[1] > pair[0] + (4 << 20)));
    assert!(*offsets.last().unwrap() > 4 << 30);
}

#[test]
fn twelve_hours_are_as_long_and_take_no_more_memory_than_a_minute() {
    let mut writer = writer();
    let video = writer.add_track(&track(Codec::H264)).unwrap();
    let audio = writer.add_track(&track(Codec::Opus)).unwrap();
    let (mut file, mut len, mut waiting) = (Vec::new(), 0, 0);
    for tick in 0..12 * 3_600u32 {
        let time = tick * 1_000 * MS;
        writer.write(&Frame { track: video, time, keyframe: tick % 50 == 0, data: &[1, 2, 3] });
        writer.write(&Frame { track: audio, time, keyframe: true, data: &[0xf8] });
        waiting = waiting.max(writer.waiting());
        writer.take().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    }
    assert!(waiting < 64 << 10, "{waiting} bytes");
    assert_eq!(writer.duration(), Duration::from_millis(12 * 3_600_000 - 900));
    writer.finish();
    writer.take().iter().for_each(|step| step.perform(&mut file, &mut len).unwrap());
    let tracks = read(&file);
    for (_, samples) in tracks {
        assert_eq!(samples.len(), 12 * 3_600);
    }
}
