//! Tags as encoders make them, and as nobody does.

use super::*;
use crate::codec::Codec;
use crate::ingest::{Sound, VideoFrame};

/// avcC with one SPS and one PPS, lengths of four bytes.
const AVC: &[u8] =
    &[0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0, 2, 0x67, 1, 1, 0, 2, 0x68, 2];
const SETS: &[u8] = &[0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2];

fn frame<'a>(demuxer: &'a mut Demuxer, tag: &[u8]) -> Option<VideoFrame<'a>> {
    demuxer.video(tag).unwrap()
}

#[test]
fn parameter_sets_go_in_front_of_keyframes_that_have_none() {
    let mut demuxer = Demuxer::default();
    assert_eq!(frame(&mut demuxer, &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]), None, "not configured");
    assert_eq!(frame(&mut demuxer, AVC), None);
    let keyframe = frame(&mut demuxer, &[0x17, 1, 0, 0, 66, 0, 0, 0, 2, 0x65, 9]).unwrap();
    assert_eq!(keyframe.data, [SETS, &[0, 0, 0, 1, 0x65, 9]].concat());
    assert_eq!((keyframe.codec, keyframe.keyframe), (Codec::H264, true));
    assert_eq!(keyframe.composition, 66);
    // An access unit delimiter is left out; sets of its own stay alone.
    let own = [0x17, 1, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0, 0, 2, 0x67, 3, 0, 0, 0, 1, 0x65];
    let own = frame(&mut demuxer, &own).unwrap();
    assert_eq!(own.data, [0, 0, 0, 1, 0x67, 3, 0, 0, 0, 1, 0x65]);
    let later = frame(&mut demuxer, &[0x27, 1, 0xff, 0xff, 0xdf, 0, 0, 0, 1, 0x41]).unwrap();
    assert_eq!((later.data, later.composition), (&[0, 0, 0, 1, 0x41][..], -33));
    assert!(!later.keyframe);
}

#[test]
fn hevc_comes_by_its_name_and_as_it_came_before_it_had_one() {
    let sets = |kind: u8, byte: u8| [kind, 0, 1, 0, 3, kind << 1, 1, byte];
    let record = [&[1; 21][..], &[0xff, 2], &sets(33, 7), &sets(34, 8)].concat();
    let expected = [0, 0, 0, 1, 66, 1, 7, 0, 0, 0, 1, 68, 1, 8, 0, 0, 0, 1, 0x26, 1];
    for (configuration, coded) in [
        (&b"\x90hvc1"[..], &b"\x91hvc1\0\0\x21"[..]),
        (&[0x1c, 0, 0, 0, 0], &[0x1c, 1, 0, 0, 0x21]),
        // A modifier in front: nanoseconds.
        (b"\x90hvc1", b"\x97\x02\0\0\0\x01hvc1\0\0\x21"),
    ] {
        let mut demuxer = Demuxer::default();
        assert_eq!(frame(&mut demuxer, &[configuration, &record].concat()), None);
        let tag = [coded, &[0, 0, 0, 2, 0x26, 1]].concat();
        let keyframe = frame(&mut demuxer, &tag).unwrap();
        assert_eq!((keyframe.codec, keyframe.composition), (Codec::H265, 0x21));
        assert_eq!(keyframe.data, expected);
    }
}

#[test]
fn a_sequence_header_goes_in_front_of_keyframes_of_av1_that_have_none() {
    let mut demuxer = Demuxer::default();
    assert_eq!(frame(&mut demuxer, b"\x90av01\x81\0\0\0\x0a\x01\x05"), None);
    let keyframe = frame(&mut demuxer, b"\x91av01\x32\x01\x10").unwrap();
    assert_eq!(keyframe.data, [0x0a, 1, 5, 0x32, 1, 0x10]);
    let own = frame(&mut demuxer, b"\x91av01\x0a\x01\x06\x32\x01\x10").unwrap();
    assert_eq!(own.data, [0x0a, 1, 6, 0x32, 1, 0x10]);
    let later = frame(&mut demuxer, b"\xa1av01\x32\x01\x30").unwrap();
    assert_eq!((later.data, later.keyframe), (&[0x32, 1, 0x30][..], false));
}

#[test]
fn sound_is_aac_with_its_configuration_or_opus() {
    let mut demuxer = Demuxer::default();
    for (tag, expected) in [
        (&[0xaf, 0, 0x12, 0x10][..], Some(Sound::AacConfiguration(&[0x12, 0x10]))),
        (&[0xaf, 1, 7, 8], Some(Sound::Aac(&[7, 8]))),
        (b"\x90mp4a\x12\x10", Some(Sound::AacConfiguration(&[0x12, 0x10]))),
        (b"\x91mp4a\x07", Some(Sound::Aac(&[7]))),
        (b"\x90OpusOpusHead\x01\x02", None),
        (b"\x91Opus\x78\x01", Some(Sound::Opus(&[0x78, 1]))),
        (b"\x94Opus\x01\x02", None),
        (&[], None),
    ] {
        assert_eq!(demuxer.audio(tag), Ok(expected), "{tag:02x?}");
    }
    let six = demuxer.audio(b"\x90OpusOpusHead\x01\x06");
    assert_eq!(six, Err(FlvError::Channels(6)));
}

#[test]
fn what_does_not_add_up_is_damaged_and_the_next_tag_is_not() {
    let mut demuxer = Demuxer::default();
    frame(&mut demuxer, AVC);
    for tag in [
        &[0x17, 1, 0][..],
        &[0x17, 1, 0, 0, 0, 0, 0, 0],
        &[0x17, 1, 0, 0, 0, 0, 0, 0, 9, 0x65],
        &[0x17, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x65],
        &AVC[..12],
        &[0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x0d, 0xfe, 0xe0, 0],
        b"\x91hvc",
        b"\x97\xff",
    ] {
        assert_eq!(demuxer.video(tag), Err(FlvError::Malformed), "{tag:02x?}");
    }
    assert!(frame(&mut demuxer, &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65]).is_some());
    assert_eq!(demuxer.video(b"\x96\x00hvc1"), Err(FlvError::Multitrack));
    assert_eq!(demuxer.audio(b"\x95\x00Opus"), Err(FlvError::Multitrack));
    assert_eq!(demuxer.video(b"\x91xyz\x01"), Err(FlvError::FourCc(*b"xyz\x01")));
    assert!(FlvError::FourCc(*b"xyz\x01").to_string().contains("'xyz?'"));
    assert_eq!(demuxer.audio(&[0x2f, 1]), Err(FlvError::Codec("MP3")));
}

#[test]
fn what_is_pushed_to_others_reads_as_it_was() {
    let mut muxer = Muxer::default();
    let mut tags = Vec::new();
    let sps = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40];
    let keyframe = [&sps[..], &[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1, 0x65, 9]].concat();
    let later = [0, 0, 0, 1, 0x41, 7];
    muxer.picture(&later, false, |tag| tags.push(tag));
    assert!(tags.is_empty(), "before the first keyframe");
    for (frame, is_key) in [(&keyframe[..], true), (&later, false), (&keyframe, true)] {
        muxer.picture(frame, is_key, |tag| tags.push(tag));
    }
    assert_eq!(tags.len(), 4, "the configuration once");
    let mut demuxer = Demuxer::default();
    let frames: Vec<_> =
        tags.iter().filter_map(|tag| Some(frame(&mut demuxer, tag)?.data.to_vec())).collect();
    assert_eq!(frames, [&keyframe[..], &later, &keyframe]);

    let mut tags = Vec::new();
    for _ in 0..2 {
        muxer.opus(&[0x78, 1], |tag| tags.push(tag));
    }
    let sounds: Vec<_> = tags.iter().map(|tag| demuxer.audio(tag).unwrap()).collect();
    assert_eq!(sounds, [None, Some(Sound::Opus(&[0x78, 1])), Some(Sound::Opus(&[0x78, 1]))]);
}
