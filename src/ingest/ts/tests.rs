//! Streams as multiplexers make them, and as nobody does.

use super::*;
use crate::codec::{Codec, Kind};
use crate::ingest::Sound;

/// Two pictures of H.264 with two frames of AAC, as ffmpeg makes them.
pub(super) const SAMPLE: &[u8] = include_bytes!("testing/h264-aac.ts");
/// H.265 with Opus, of the same.
const OPUS: &[u8] = include_bytes!("testing/h265-opus.ts");

/// What came out, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Out {
    Video { time: u32, codec: Codec, keyframe: bool, composition: i32, data: Vec<u8> },
    Config(Vec<u8>),
    Aac(u32, Vec<u8>),
    Opus(u32, Vec<u8>),
    Lost(Kind, TsError),
    Refused(TsError),
}

fn own(unit: Unit<'_>) -> Out {
    match unit {
        Unit::Video(time, frame) => Out::Video {
            time,
            codec: frame.codec,
            keyframe: frame.keyframe,
            composition: frame.composition,
            data: frame.data.to_vec(),
        },
        Unit::Sound(_, Sound::AacConfiguration(config)) => Out::Config(config.to_vec()),
        Unit::Sound(time, Sound::Aac(frame)) => Out::Aac(time, frame.to_vec()),
        Unit::Sound(time, Sound::Opus(packet)) => Out::Opus(time, packet.to_vec()),
        Unit::Lost(kind, error) => Out::Lost(kind, error),
        Unit::Refused(error) => Out::Refused(error),
    }
}

fn demux<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Out> {
    let mut demuxer = Demuxer::default();
    let mut out = Vec::new();
    for piece in pieces {
        demuxer.push(piece, |unit| out.push(own(unit)));
    }
    out
}

fn pictures(out: &[Out]) -> Vec<(u32, bool)> {
    out.iter()
        .filter_map(|out| match out {
            Out::Video { time, keyframe, .. } => Some((*time, *keyframe)),
            _ => None,
        })
        .collect()
}

#[test]
fn pictures_and_aac_of_ffmpeg_come_out_with_their_times() {
    let out = demux([SAMPLE]);
    let shown = pictures(&out);
    assert!(shown.len() >= 9, "{shown:?}");
    assert!(shown[0].1 && !shown[1].1, "a keyframe first");
    assert!(shown.windows(2).all(|pair| (33..=34).contains(&(pair[1].0 - pair[0].0))), "{shown:?}");
    let Some(Out::Video { codec: Codec::H264, data, composition: 0, .. }) =
        out.iter().find(|out| matches!(out, Out::Video { .. }))
    else {
        panic!("{out:?}")
    };
    assert!(data.starts_with(&[0, 0, 0, 1, 0x67]), "the parameter sets come first");
    let sounds: Vec<u32> = out
        .iter()
        .filter_map(|out| match out {
            Out::Aac(time, _) => Some(*time),
            _ => None,
        })
        .collect();
    assert!(sounds.len() >= 10, "{sounds:?}");
    assert!(sounds.windows(2).all(|pair| (21..=24).contains(&(pair[1] - pair[0]))), "{sounds:?}");
    let configs: Vec<_> = out.iter().filter(|out| matches!(out, Out::Config(_))).collect();
    assert_eq!(configs, [&Out::Config(vec![0x11, 0x90])], "48 kHz, stereo, once");
    assert!(!out.iter().any(|out| matches!(out, Out::Lost(..) | Out::Refused(_))));
}

#[test]
fn pictures_of_h265_and_opus_come_out() {
    let out = demux([OPUS]);
    assert!(
        out.iter().any(|out| matches!(out, Out::Video { codec: Codec::H265, keyframe: true, .. }))
    );
    let opus: Vec<u32> = out
        .iter()
        .filter_map(|out| match out {
            Out::Opus(time, _) => Some(*time),
            _ => None,
        })
        .collect();
    assert!(opus.len() >= 5, "{opus:?}");
    assert!(opus.windows(2).all(|pair| pair[1] - pair[0] == 20), "{opus:?}");
}

#[test]
fn aac_in_latm_is_the_same_as_in_adts() {
    let frames = |stream: &[u8]| -> Vec<Out> {
        let all = demux([stream]);
        assert!(!all.iter().any(|out| matches!(out, Out::Lost(..) | Out::Refused(_))), "{all:?}");
        all.into_iter().filter(|out| matches!(out, Out::Config(_) | Out::Aac(..))).collect()
    };
    let latm = frames(include_bytes!("testing/aac-latm.ts"));
    assert!(latm.len() > 8, "{latm:?}");
    assert_eq!(latm, frames(include_bytes!("testing/aac-adts.ts")));
}

#[test]
fn wherever_a_stream_is_cut_the_same_comes_out() {
    let whole = demux([SAMPLE]);
    for size in [1, 7, 47, 187, 188, 189, 1316] {
        assert_eq!(demux(SAMPLE.chunks(size)), whole, "pieces of {size}");
    }
    for cut in 0..SAMPLE.len() {
        let (head, tail) = SAMPLE.split_at(cut);
        if cut % 61 == 0 {
            assert_eq!(demux([head, tail]), whole, "cut at {cut}");
        }
    }
}

#[test]
fn the_last_picture_does_not_wait_for_the_next_one() {
    // Its last packet is stuffed, which says that there is no more of it.
    let mut muxer = Muxer::new(Some(Codec::H264), false);
    let mut bytes = Vec::new();
    muxer.tables(&mut bytes);
    muxer.picture(9_000, &[0, 0, 0, 1, 0x65, 1, 2, 3], &mut bytes);
    assert_eq!(pictures(&demux([&bytes[..]])).len(), 1);
}

#[test]
fn a_packet_that_is_missing_costs_one_frame_and_is_told() {
    // What describes the stream comes first, and comes again later than these pictures end.
    for packet in 3..SAMPLE.len() / PACKET {
        let (head, rest) = SAMPLE.split_at(packet * PACKET);
        let out = demux([head, &rest[PACKET..]]);
        let lost = out.iter().filter(|out| matches!(out, Out::Lost(..))).count();
        assert!(lost <= 2, "packet {packet}: {lost} losses");
        assert!(pictures(&out).len() + 2 >= pictures(&demux([SAMPLE])).len(), "packet {packet}");
    }
}

#[test]
fn what_is_damaged_is_never_more_than_what_came() {
    let mut bytes = SAMPLE.to_vec();
    for at in 0..bytes.len() {
        let bit = 1 << (at % 8);
        bytes[at] ^= bit;
        let around = at.saturating_sub(4 * PACKET)..(at + 4 * PACKET).min(bytes.len());
        // What tells what is what, and what is around the damage.
        let out = demux([&SAMPLE[..3 * PACKET], &bytes[around]]);
        let size: usize = out
            .iter()
            .map(|out| match out {
                Out::Video { data, .. } | Out::Aac(_, data) | Out::Opus(_, data) => data.len(),
                _ => 0,
            })
            .sum();
        assert!(size <= 2 * SAMPLE.len(), "{size} bytes");
        bytes[at] ^= bit;
    }
}

#[test]
fn what_is_muxed_reads_as_it_was() {
    for codec in [Codec::H264, Codec::H265] {
        let key: &[u8] = if codec == Codec::H265 { &[0x26, 1, 5] } else { &[0x65, 5] };
        let later: &[u8] = if codec == Codec::H265 { &[2, 1, 7] } else { &[0x41, 7] };
        let mut muxer = Muxer::new(Some(codec), true);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        muxer.tables(&mut bytes);
        // Every length around those at which the stuffing changes.
        for (index, length) in (0..400).enumerate() {
            let head = if index == 0 { key } else { later };
            let data = [&[0, 0, 0, 1], head, &vec![9; length]].concat();
            let time = (1 << 33) - 9_000 + 3_000 * index as u64;
            muxer.picture(time, &data, &mut bytes);
            muxer.opus(time, &vec![0x78; length + 1], &mut bytes);
            expected.push(data);
        }
        assert_eq!(bytes.len() % PACKET, 0);
        let out = demux([&bytes[..]]);
        assert!(!out.iter().any(|out| matches!(out, Out::Lost(..) | Out::Refused(_))));
        let pictures: Vec<_> = out
            .iter()
            .filter_map(|out| match out {
                Out::Video { data, .. } => Some(data.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(pictures, expected);
        let sounds: Vec<usize> = out
            .iter()
            .filter_map(|out| match out {
                Out::Opus(_, data) => Some(data.len()),
                _ => None,
            })
            .collect();
        assert_eq!(sounds, (1..=400).collect::<Vec<_>>());
    }
}

#[test]
fn what_a_program_has_that_is_not_taken_is_named() {
    let mut muxer = Muxer::new(Some(Codec::H264), true);
    let mut bytes = Vec::new();
    muxer.tables(&mut bytes);
    // The stream type of the pictures becomes that of MPEG-2, and the check is made anew.
    let pmt = PACKET + 5;
    let length = usize::from(bytes[pmt + 2]) + 3;
    bytes[pmt + 12] = 2;
    let check = crc::crc32(&bytes[pmt..pmt + length - 4]).to_be_bytes();
    bytes[pmt + length - 4..pmt + length].copy_from_slice(&check);
    assert_eq!(demux([&bytes[..]]), [Out::Refused(TsError::Codec("MPEG-2 video"))]);
    assert!(TsError::Codec("MPEG-2 video").to_string().contains("H.264"));
}

#[test]
fn tables_without_pictures_are_others_and_follow_those_before() {
    let mut muxer = Muxer::new(Some(Codec::H264), true);
    let mut tables = || {
        let mut bytes = Vec::new();
        muxer.tables(&mut bytes);
        muxer.end_pictures();
        // Of the packet with the table of streams: its counter, and the version behind a pointer, the
        // table's id, its length and its program.
        (bytes[PACKET + 3] & 0x0f, bytes[PACKET + 10])
    };
    let told = [tables(), tables(), tables()];
    assert_eq!(told, [(0, 0xc1), (1, 0xc3), (2, 0xc3)]);
}

#[test]
fn programs_that_have_their_maps_on_one_pid_do_not_mix() {
    let is_map = |packet: &[u8; PACKET]| packet[1] & 0x1f == 0x10 && packet[2] == 0;
    let mut both = Vec::new();
    for packet in SAMPLE.as_chunks::<PACKET>().0 {
        both.extend_from_slice(packet);
        if is_map(packet) {
            // The map of another program behind it, with its streams elsewhere.
            let mut other = *packet;
            other[3] = other[3] & 0xf0 | (other[3] + 1) & 0x0f;
            let length = 3 + usize::from(other[7]);
            let section = &mut other[5..5 + length];
            section[4] += 1;
            // The streams: a byte of type, and two of PID, the lower of which is changed.
            let streams = 12 + usize::from(section[11]);
            section[streams + 2] ^= 0x40;
            let crc = crc::crc32(&section[..length - 4]);
            section[length - 4..].copy_from_slice(&crc.to_be_bytes());
            assert_eq!(crc::crc32(section), 0);
            both.extend_from_slice(&other);
        }
    }
    assert!(both.len() > SAMPLE.len());
    assert_eq!(demux([&both[..]]), demux([SAMPLE]));
}

#[test]
fn a_picture_without_an_end_is_given_up() {
    let mut bytes = Vec::new();
    let mut muxer = Muxer::new(Some(Codec::H264), false);
    muxer.tables(&mut bytes);
    let mut demuxer = Demuxer::default();
    demuxer.push(&bytes, |_| {});
    let mut lost = Vec::new();
    let mut packet = [0x55; PACKET];
    for index in 0..30_000u32 {
        let begins = if index == 0 { 0x41 } else { 1 };
        packet[..4].copy_from_slice(&[0x47, begins, 0, 0x10 | (index & 0x0f) as u8]);
        if index == 0 {
            packet[4..13].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0]);
        }
        demuxer.push(&packet, |unit| lost.push(own(unit)));
    }
    assert_eq!(lost, [Out::Lost(Kind::Video, TsError::Size)]);
}
