use std::time::Duration;

use super::*;
use crate::codec::Codec;
use crate::codec::configuration::Configuration;
use crate::container::{ContainerError, Frame, TrackEntry};

const MS: Duration = Duration::from_millis(1);
const TARGET: Duration = Duration::from_millis(500);

fn track(codec: Codec) -> TrackEntry {
    let record = match codec {
        Codec::Opus => Configuration::of(codec, &[]).unwrap().record,
        _ => vec![1, 0x42, 0xe0, 0x1f, 0xff, 0xe0, 0],
    };
    TrackEntry {
        codec,
        name: "somebody".into(),
        language: "und".into(),
        configuration: Configuration { size: Some((320, 240)), record, vpcc: None },
        rotation: 0,
    }
}

/// A box of a file.
#[derive(Clone, Debug)]
struct Found<'a> {
    name: [u8; 4],
    body: &'a [u8],
}

fn boxes(bytes: &[u8]) -> Vec<Found<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let name = bytes[at + 4..at + 8].try_into().unwrap();
        found.push(Found { name, body: &bytes[at + 8..at + size] });
        at += size;
    }
    found
}

fn of<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Vec<Found<'a>> {
    boxes(bytes).into_iter().filter(|found| found.name == *name).collect()
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// A sample of a fragment.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Read {
    track: u32,
    time: u64,
    duration: u32,
    sync: bool,
    data: Vec<u8>,
}

fn samples(fragment: &[u8]) -> Vec<Read> {
    let mut read = Vec::new();
    let moof = &of(fragment, b"moof")[0];
    for traf in of(moof.body, b"traf") {
        let tfhd = of(traf.body, b"tfhd")[0].body;
        let tfdt = of(traf.body, b"tfdt")[0].body;
        let trun = of(traf.body, b"trun")[0].body;
        let mut time = u64::from_be_bytes(tfdt[4..12].try_into().unwrap());
        let mut offset = number(trun, 8) as usize;
        let flagged = number(trun, 0) & 0x400 != 0;
        let each = if flagged { 12 } else { 8 };
        for index in 0..number(trun, 4) as usize {
            let entry = &trun[12 + index * each..];
            let (duration, size) = (number(entry, 0), number(entry, 4) as usize);
            let flags = if flagged { number(entry, 8) } else { number(tfhd, 8) };
            read.push(Read {
                track: number(tfhd, 4),
                time,
                duration,
                sync: flags & 0x1_0000 == 0,
                data: fragment[offset..offset + size].to_vec(),
            });
            time += u64::from(duration);
            offset += size;
        }
    }
    read
}

/// So many pictures 40 ms apart, a keyframe every `group`, and sound every 20 ms.
fn record(fragmenter: &mut Fragmenter, pictures: u32, group: u32) -> Vec<Fragment> {
    let video = fragmenter.add_track(&track(Codec::H264)).unwrap();
    let audio = fragmenter.add_track(&track(Codec::Opus)).unwrap();
    let mut fragments = Vec::new();
    for tick in 0..pictures {
        let time = tick * 40 * MS;
        let data = [0, 0, 0, 2, 0x65, tick as u8];
        let keyframe = tick % group == 0;
        fragments.extend(fragmenter.push(&Frame { track: video, time, keyframe, data: &data }));
        for half in 0..2 {
            let (time, data) = (time + half * 20 * MS, [0xf8, tick as u8]);
            let frame = Frame { track: audio, time, keyframe: true, data: &data };
            fragments.extend(fragmenter.push(&frame));
        }
    }
    fragments.extend(fragmenter.finish());
    fragments
}

fn fragmenter() -> Fragmenter {
    Fragmenter::new(TARGET, Duration::from_secs(1_700_000_000))
}

#[test]
fn every_frame_is_in_a_fragment_at_its_time_and_as_long_as_the_next_one_says() {
    let mut fragmenter = fragmenter();
    let fragments = record(&mut fragmenter, 100, 30);
    let all: Vec<Read> = fragments.iter().flat_map(|f| samples(&f.bytes)).collect();
    for (id, step, count) in [(1, 3_600, 100), (2, 960, 200)] {
        let of: Vec<&Read> = all.iter().filter(|sample| sample.track == id).collect();
        assert_eq!(of.len(), count);
        for (index, sample) in of.iter().enumerate() {
            assert_eq!((sample.time, sample.duration), (index as u64 * step, step as u32));
        }
    }
    let pictures = all.iter().filter(|sample| sample.track == 1);
    for (index, picture) in pictures.enumerate() {
        assert_eq!(picture.data, [0, 0, 0, 2, 0x65, index as u8]);
        assert_eq!(picture.sync, index % 30 == 0);
    }
    assert_eq!(fragmenter.waiting(), 0);
}

#[test]
fn a_keyframe_begins_a_fragment() {
    let fragments = record(&mut fragmenter(), 100, 30);
    for fragment in &fragments {
        let pictures: Vec<Read> =
            samples(&fragment.bytes).into_iter().filter(|sample| sample.track == 1).collect();
        assert_eq!(fragment.independent, pictures[0].sync);
        assert!(pictures[1..].iter().all(|picture| !picture.sync), "in the middle of one");
        let span = pictures.iter().map(|picture| picture.duration).sum::<u32>();
        assert_eq!(fragment.duration, Duration::from_millis(u64::from(span) / 90));
    }
    assert_eq!(fragments.iter().filter(|fragment| fragment.independent).count(), 4);
}

#[test]
fn fragments_are_no_longer_than_asked_for_and_without_a_gap() {
    let fragments = record(&mut fragmenter(), 200, 75);
    let mut end = Duration::ZERO;
    for fragment in &fragments {
        assert!(fragment.duration <= TARGET, "{:?}", fragment.duration);
        assert_eq!(fragment.begin, end);
        end += fragment.duration;
    }
    assert_eq!(end, 8_000 * MS);
    let short = fragments.iter().filter(|fragment| fragment.duration < 400 * MS).count();
    assert!(short <= 3, "only those before a keyframe: {short}");
}

#[test]
fn sound_alone_is_cut_by_its_time() {
    let mut fragmenter = fragmenter();
    let audio = fragmenter.add_track(&track(Codec::Opus)).unwrap();
    let mut fragments = Vec::new();
    for tick in 0..100 {
        let frame = Frame { track: audio, time: tick * 20 * MS, keyframe: true, data: &[0xf8] };
        fragments.extend(fragmenter.push(&frame));
    }
    assert_eq!(fragments.len(), 3);
    assert!(fragments.iter().all(|f| f.independent && f.duration == TARGET));
}

#[test]
fn a_track_that_falls_silent_holds_up_no_other() {
    let mut fragmenter = fragmenter();
    let video = fragmenter.add_track(&track(Codec::H264)).unwrap();
    let audio = fragmenter.add_track(&track(Codec::Opus)).unwrap();
    let picture = |time, keyframe| Frame { track: video, time, keyframe, data: &[1, 2, 3, 4] };
    let mut fragments = Vec::new();
    fragments.extend(fragmenter.push(&picture(Duration::ZERO, true)));
    fragments.extend(fragmenter.push(&picture(40 * MS, false)));
    for tick in 0..500 {
        let frame = Frame { track: audio, time: tick * 20 * MS, keyframe: true, data: &[0xf8] };
        fragments.extend(fragmenter.push(&frame));
    }
    assert!(fragments.len() > 15, "{}", fragments.len());
    let pictures: Vec<Read> = fragments
        .iter()
        .flat_map(|fragment| samples(&fragment.bytes))
        .filter(|sample| sample.track == 1)
        .collect();
    assert_eq!(pictures.len(), 2, "the last one does not wait for ever");
    assert!(pictures[1].duration >= 180_000, "it is shown until it was written");
    for fragment in &fragments {
        let sound = samples(&fragment.bytes).iter().filter(|sample| sample.track == 2).count();
        assert!(sound <= 32, "{sound} packets of 20 ms");
    }
    // It goes on behind that.
    fragments.clear();
    fragments.extend(fragmenter.push(&picture(10_000 * MS, true)));
    fragments.extend(fragmenter.finish());
    let next = samples(&fragments.last().unwrap().bytes);
    assert_eq!(next.iter().find(|sample| sample.track == 1).unwrap().time, 900_000);
}

#[test]
fn times_of_a_track_grow_whatever_is_said() {
    let mut fragmenter = fragmenter();
    let audio = fragmenter.add_track(&track(Codec::Opus)).unwrap();
    let mut fragments = Vec::new();
    for time in [0, 20, 20, 10, 40].map(|ms| ms * MS).into_iter().chain([Duration::MAX; 3]) {
        let frame = Frame { track: audio, time, keyframe: true, data: &[0xf8] };
        fragments.extend(fragmenter.push(&frame));
    }
    fragments.extend(fragmenter.finish());
    let times: Vec<u64> =
        fragments.iter().flat_map(|f| samples(&f.bytes)).map(|sample| sample.time).collect();
    assert_eq!(times[..5], [0, 960, 961, 962, 1920]);
}

#[test]
fn a_fragment_is_bounded_whatever_its_frames_are() {
    let mut fragmenter = Fragmenter::new(Duration::MAX, Duration::ZERO);
    let video = fragmenter.add_track(&track(Codec::H264)).unwrap();
    let data = vec![0; 1 << 20];
    let mut largest = 0;
    for tick in 0..50 {
        let frame = Frame { track: video, time: tick * MS, keyframe: false, data: &data };
        if let Some(fragment) = fragmenter.push(&frame) {
            largest = largest.max(fragment.bytes.len());
        }
    }
    assert!((1..10 << 20).contains(&largest), "{largest}");
    let small = (0..20_000).filter_map(|tick| {
        let time = (100 + tick) * MS;
        fragmenter.push(&Frame { track: video, time, keyframe: false, data: &[] })
    });
    assert_eq!(small.count(), 2, "many small ones are");
}

#[test]
fn tracks_of_other_codecs_and_more_than_a_file_has_are_refused() {
    let mut fragmenter = fragmenter();
    for codec in [Codec::Vp8, Codec::Pcmu, Codec::Pcma, Codec::G722] {
        match fragmenter.add_track(&track(codec)) {
            Err(ContainerError::Codec { codec: named, .. }) => assert_eq!(named, codec),
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..64 {
        fragmenter.add_track(&track(Codec::Opus)).unwrap();
    }
    assert!(matches!(fragmenter.add_track(&track(Codec::Opus)), Err(ContainerError::Tracks(64))));
}

#[test]
fn parameter_sets_that_change_make_another_entry() {
    let mut fragmenter = fragmenter();
    let video = fragmenter.add_track(&track(Codec::H264)).unwrap();
    let before = fragmenter.init();
    assert_eq!(fragmenter.codecs(), ["avc1.42e01f"]);
    assert!(!fragmenter.reconfigure(video, &track(Codec::H264).configuration));
    let other = Configuration { size: Some((640, 480)), ..track(Codec::H264).configuration };
    assert!(fragmenter.reconfigure(video, &other));
    assert_eq!(fragmenter.codecs(), ["avc3.42e01f"]);
    assert_eq!(fragmenter.init().len(), before.len());
    assert!(!fragmenter.reconfigure(video, &other), "it says so already");
}
