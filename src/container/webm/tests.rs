use std::time::Duration;

use super::*;
use crate::codec::Codec;
use crate::codec::configuration::Configuration;
use crate::container::testing::apply;
use crate::container::{ContainerError, Frame, Muxer, TrackEntry};

fn track(codec: Codec) -> TrackEntry {
    let size = (codec == Codec::Vp8).then_some((320, 240));
    let record = Configuration::of(codec, &[]).map(|c| c.record).unwrap_or_default();
    TrackEntry {
        codec,
        name: "somebody".into(),
        language: "und".into(),
        configuration: Configuration { size, record, vpcc: None },
        rotation: 0,
    }
}

fn writer() -> Writer {
    Writer::new(Document::Webm, "medialoom", Duration::from_secs(1_700_000_000))
}

/// Two and a half seconds of 10 pictures and 10 packets of sound each, keyframes every three.
fn record(writer: &mut Writer, mut each: impl FnMut(&mut Writer)) {
    let video = writer.add_track(&track(Codec::Vp8)).unwrap();
    let audio = writer.add_track(&track(Codec::Opus)).unwrap();
    for tick in 0..25u32 {
        let time = Duration::from_millis(u64::from(tick) * 100);
        let keyframe = tick % 15 == 0;
        let data = vec![tick as u8; if keyframe { 300 } else { 40 }];
        writer.write(&Frame { track: video, time, keyframe, data: &data });
        let data = [0xf8, 0xff, 0xfe];
        writer.write(&Frame { track: audio, time, keyframe: true, data: &data });
        each(writer);
    }
}

fn unfinished() -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = writer();
    record(&mut writer, |writer| apply(&mut file, &writer.take()));
    file
}

fn finished() -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = writer();
    record(&mut writer, |writer| apply(&mut file, &writer.take()));
    writer.finish();
    apply(&mut file, &writer.take());
    file
}

fn repaired(file: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let repaired = repair(file, file.len() as u64)?;
    let mut file = file[..repaired.len as usize].to_vec();
    apply(&mut file, &repaired.steps);
    Ok(file)
}

#[test]
fn the_same_file_comes_out_however_often_it_is_taken() {
    let mut writer = writer();
    record(&mut writer, |_| {});
    writer.finish();
    let mut file = Vec::new();
    apply(&mut file, &writer.take());
    assert_eq!(file, finished());
}

#[test]
fn a_repaired_file_is_the_one_that_would_have_been_finished() {
    assert!(repaired(&unfinished()).unwrap() == finished());
}

#[test]
fn a_finished_file_has_nothing_to_repair() {
    let file = finished();
    let repaired = repair(file.as_slice(), file.len() as u64).unwrap();
    assert_eq!((repaired.len, repaired.steps.len()), (file.len() as u64, 0));
}

#[test]
fn a_file_cut_at_any_byte_loses_what_was_not_whole_and_nothing_else() {
    let whole = finished();
    let file = unfinished();
    let first = file.windows(4).position(|bytes| bytes == [0x1f, 0x43, 0xb6, 0x75]).unwrap();
    let mut lost = 0;
    for cut in first..file.len() {
        let repair = repair(&file[..cut], cut as u64).unwrap();
        // No more than the largest frame and the head of its cluster and block.
        let rest = cut as u64 - repair.len;
        assert!(rest < 330, "cut at {cut}: {rest} bytes are of no use");
        lost = lost.max(rest);
        // What it makes of it is whole: there is nothing to repair any more.
        let mut again = file[..repair.len as usize].to_vec();
        apply(&mut again, &repair.steps);
        let second = super::repair(again.as_slice(), again.len() as u64).unwrap();
        assert!(second.steps.is_empty() && second.len == again.len() as u64, "cut at {cut}");
    }
    assert!(lost > 300, "some cuts are within a large frame");
    assert!(whole.len() > file.len());
}

#[test]
fn a_file_that_ends_while_it_is_finished_can_be_repaired_all_the_same() {
    let (before, whole) = (unfinished(), finished());
    for cut in before.len()..whole.len() {
        // The sizes at the beginning came last: they are as they were before.
        let file = [&before[..], &whole[before.len()..cut]].concat();
        assert!(repaired(&file).unwrap() == whole, "cut at {cut}");
    }
}

#[test]
fn marks_survive_a_repair_when_they_were_written() {
    let mut writer = writer();
    let mut file = Vec::new();
    record(&mut writer, |writer| apply(&mut file, &writer.take()));
    assert!(writer.mark(Duration::from_secs(3), "question"));
    writer.finish();
    let steps = writer.take();
    let mut whole = file.clone();
    apply(&mut whole, &steps);
    // All is appended, and nothing of the beginning is changed yet.
    let appends = steps.iter().filter(|step| matches!(step, crate::container::Step::Append(_)));
    apply(&mut file, &appends.cloned().collect::<Vec<_>>());
    assert!(repaired(&file).unwrap() == whole);
}

#[test]
fn what_is_no_such_file_is_refused_with_the_offset() {
    for (file, offset) in [(&b""[..], 0), (b"RIFF....WAVE", 0), (&finished()[..20], 0)] {
        match repair(file, file.len() as u64) {
            Err(ContainerError::Format { offset: at, .. }) => assert!(at >= offset),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn damaged_files_are_read_to_an_end() {
    let file = unfinished();
    // Not the room for tracks, which nothing of is read.
    let first = file.windows(4).position(|bytes| bytes == [0x1f, 0x43, 0xb6, 0x75]).unwrap();
    for at in (0..600).chain(first..file.len()) {
        for value in [0x00, 0x1f, 0xff] {
            let mut damaged = file.clone();
            damaged[at] = value;
            if let Ok(repaired) = repair(damaged.as_slice(), damaged.len() as u64) {
                assert!(repaired.len <= damaged.len() as u64);
            }
        }
    }
}

#[test]
fn a_track_joins_when_others_have_frames() {
    let mut writer = writer();
    let mut file = Vec::new();
    record(&mut writer, |writer| apply(&mut file, &writer.take()));
    let late = writer.add_track(&track(Codec::Opus)).unwrap();
    let time = Duration::from_secs(3);
    writer.write(&Frame { track: late, time, keyframe: true, data: &[0xf8] });
    apply(&mut file, &writer.take());
    let name = b"somebody";
    let named = file.windows(name.len()).filter(|bytes| bytes == name).count();
    assert_eq!(named, 3, "its entry is with the others, at the beginning");
    assert!(repaired(&file).is_ok());
}

#[test]
fn webm_holds_the_free_codecs_only_and_matroska_all() {
    let mut webm = writer();
    assert!(matches!(
        webm.add_track(&track(Codec::H264)),
        Err(ContainerError::Codec { codec: Codec::H264, .. })
    ));
    let mut matroska = Writer::new(Document::Matroska, "medialoom", Duration::ZERO);
    for codec in Codec::ALL {
        matroska.add_track(&track(codec)).unwrap();
    }
}

#[test]
fn a_file_has_room_for_so_many_tracks_and_goes_on_with_those() {
    let mut writer = writer();
    let made = (0..100).filter(|_| writer.add_track(&track(Codec::Vp8)).is_ok()).count();
    assert_eq!(made, 64);
    assert!(matches!(writer.add_track(&track(Codec::Vp8)), Err(ContainerError::Tracks(64))));
    let mut large = track(Codec::Vp8);
    large.name = "x".repeat(20_000);
    assert!(matches!(
        super::Writer::new(Document::Webm, "", Duration::ZERO).add_track(&large),
        Err(ContainerError::Tracks(0))
    ));
}

#[test]
fn the_index_is_bounded_however_long_a_file_is() {
    let mut writer = writer();
    let video = writer.add_track(&track(Codec::Vp8)).unwrap();
    let mut len = 0;
    for second in 0..100_000u64 {
        let frame = Frame {
            track: video,
            time: Duration::from_secs(2 * second),
            keyframe: true,
            data: &[1],
        };
        writer.write(&frame);
        len += writer.take().len();
    }
    assert!(len > 0);
    writer.finish();
    let waiting = writer.waiting();
    assert!(waiting > 100_000 && waiting < 500_000, "{waiting} bytes");
    assert_eq!(writer.duration(), Duration::from_millis(2_000 * 99_999 + 100));
}
