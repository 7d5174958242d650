//! Small files of each kind, as other programs write them: what tests and fuzzing begin with. A second
//! of ten pictures, every fifth a keyframe, and fifty packets of sound, where there is either.

use std::time::Duration;

use super::webm::{Document, Writer};
use super::{Frame, Muxer, TrackEntry, ebml};
use crate::codec::Codec;
use crate::codec::configuration::Configuration;

/// Pictures and packets of sound in each.
pub const PICTURES: u32 = 10;
pub const PACKETS: u32 = 50;

/// A keyframe of VP8, 320x240, or a picture that is none, with its number.
fn picture(index: u32) -> Vec<u8> {
    if index.is_multiple_of(5) {
        vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, index as u8, 7]
    } else {
        vec![0x11, 0, 0, index as u8]
    }
}

/// A packet of Opus of 20 ms, with its number.
fn sound(index: u32) -> [u8; 4] {
    [0xfc, 0xff, 0xfe, index as u8]
}

/// As a recorder writes it, before it is finished or afterwards.
pub fn webm(finished: bool) -> Vec<u8> {
    let mut writer = Writer::new(Document::Webm, "medialoom", Duration::ZERO);
    let mut numbers = [0; 2];
    for (codec, number) in [Codec::Vp8, Codec::Opus].into_iter().zip(&mut numbers) {
        let size = Some((320, 240));
        let entry = TrackEntry {
            codec,
            name: "somebody".into(),
            language: "en".into(),
            configuration: Configuration { size, ..Configuration::default() },
            rotation: 0,
        };
        *number = writer.add_track(&entry).unwrap_or(0);
    }
    for index in 0..PACKETS {
        if index.is_multiple_of(5) {
            let (data, time) = (picture(index / 5), Duration::from_millis(20) * index);
            let keyframe = index.is_multiple_of(25);
            writer.write(&Frame { track: numbers[0], time, keyframe, data: &data });
        }
        let (data, time) = (sound(index), Duration::from_millis(20) * index);
        writer.write(&Frame { track: numbers[1], time, keyframe: true, data: &data });
    }
    if finished {
        writer.finish();
    }
    let (mut file, mut len) = (Vec::new(), 0);
    // A file in memory takes all of it.
    writer.take().iter().for_each(|step| drop(step.perform(&mut file, &mut len)));
    file
}

/// As live streams and mkvmerge have it: sizes that nobody knows, blocks in groups, several frames in
/// a block, bytes that all frames begin with left out of them, and a checksum.
pub fn laced_matroska() -> Vec<u8> {
    let mut file = Vec::new();
    ebml::master(&mut file, 0x1a45_dfa3, |out| ebml::text(out, 0x4282, "matroska"));
    ebml::id(&mut file, 0x1853_8067);
    file.extend(ebml::UNKNOWN_SIZE);
    ebml::master(&mut file, 0x1549_a966, |out| {
        ebml::binary(out, 0xbf, &[1, 2, 3, 4]);
        ebml::unsigned(out, 0x2a_d7b1, 1_000_000);
    });
    ebml::master(&mut file, 0x1654_ae6b, |out| {
        ebml::master(out, 0xae, |out| {
            ebml::unsigned(out, 0xd7, 1);
            ebml::unsigned(out, 0x83, 1);
            ebml::text(out, 0x86, "V_VP8");
            ebml::master(out, 0xe0, |out| ebml::unsigned(out, 0xb0, 320));
        });
        ebml::master(out, 0xae, |out| {
            ebml::unsigned(out, 0xd7, 2);
            ebml::unsigned(out, 0x83, 2);
            ebml::unsigned(out, 0x23_e383, 20_000_000);
            ebml::text(out, 0x86, "A_OPUS");
            ebml::master(out, 0x6d80, |out| {
                ebml::master(out, 0x6240, |out| {
                    ebml::master(out, 0x5034, |out| {
                        ebml::unsigned(out, 0x4254, 3);
                        ebml::binary(out, 0x4255, &sound(0)[..3]);
                    });
                });
            });
        });
    });
    for cluster in 0..2u32 {
        ebml::id(&mut file, 0x1f43_b675);
        file.extend(ebml::UNKNOWN_SIZE);
        ebml::unsigned(&mut file, 0xe7, u64::from(cluster) * 500);
        for index in 0..5 {
            let time = (index as u16 * 100).to_be_bytes();
            ebml::master(&mut file, 0xa0, |out| {
                let head = [&[0x81], &time[..], &[0]].concat();
                ebml::binary(out, 0xa1, &[head, picture(cluster * 5 + index)].concat());
                if index > 0 {
                    ebml::binary(out, 0xfb, &[0x9c]);
                }
            });
            // Five frames of one byte each, the sizes of four of them as Xiph does it.
            let mut block = [&[0x82], &time[..], &[0x02, 4, 1, 1, 1, 1]].concat();
            block.extend((0..5).map(|frame| (cluster * 25 + index * 5 + frame) as u8));
            ebml::binary(&mut file, 0xa3, &block);
        }
    }
    file
}

/// A box (ISO/IEC 14496-12 4.2).
fn mp4_box(kind: &[u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let size = (body.len() as u32 + 8).to_be_bytes();
    [&size[..], kind, &body].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// What stands in `moov` of a track. `table` is its sample table behind the description.
fn trak(id: u32, kind: &[u8; 4], timescale: u32, entry: &[u8], table: &[u8]) -> Vec<u8> {
    let stsd = mp4_box(b"stsd", &[&words(&[0, 1]), entry]);
    let stbl = mp4_box(b"stbl", &[&stsd, table]);
    let mdia = mp4_box(
        b"mdia",
        &[
            &mp4_box(b"mdhd", &[&words(&[0, 0, 0, timescale, timescale, 0])]),
            &mp4_box(b"hdlr", &[&words(&[0, 0]), kind, &[0; 13]]),
            &mp4_box(b"minf", &[&stbl]),
        ],
    );
    let mut tkhd = words(&[1, 0, 0, id, 0, 1_000, 0, 0, 0, 0, 0x0001_0000, 0, 0]);
    tkhd.extend(words(&[0, 0x0001_0000, 0, 0, 0, 0x4000_0000, 0, 0]));
    mp4_box(b"trak", &[&mp4_box(b"tkhd", &[&tkhd]), &mdia])
}

fn visual_entry() -> Vec<u8> {
    mp4_box(b"vp08", &[&[0; 78], &mp4_box(b"vpcC", &[&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])])
}

fn audio_entry() -> Vec<u8> {
    mp4_box(b"Opus", &[&[0; 28], &mp4_box(b"dOps", &[&[0; 11]])])
}

/// The bytes of all samples, and how many each has.
fn samples(make: impl Fn(u32) -> Vec<u8>, count: std::ops::Range<u32>) -> (Vec<u8>, Vec<u32>) {
    let all: Vec<Vec<u8>> = count.map(make).collect();
    (all.concat(), all.iter().map(|sample| sample.len() as u32).collect())
}

/// With its tables behind the samples.
pub fn mp4() -> Vec<u8> {
    let mut file = mp4_box(b"ftyp", &[b"isom", &[0; 4]]);
    let (pictures, picture_sizes) = samples(picture, 0..PICTURES);
    let (packets, packet_sizes) = samples(|index| sound(index).to_vec(), 0..PACKETS);
    let first = file.len() as u32 + 8;
    file.extend(mp4_box(b"mdat", &[&pictures, &packets]));
    let second = first + pictures.len() as u32;
    let table = |sizes: &[u32], delta: u32, at: u32, keyframes: &[u32]| {
        let count = sizes.len() as u32;
        let mut table = mp4_box(b"stts", &[&words(&[0, 1, count, delta])]);
        table.extend(mp4_box(b"stsc", &[&words(&[0, 1, 1, count, 1])]));
        table.extend(mp4_box(b"stsz", &[&words(&[0, 0, count]), &words(sizes)]));
        table.extend(mp4_box(b"stco", &[&words(&[0, 1, at])]));
        if !keyframes.is_empty() {
            let count = keyframes.len() as u32;
            table.extend(mp4_box(b"stss", &[&words(&[0, count]), &words(keyframes)]));
        }
        table
    };
    let video = table(&picture_sizes, 100, first, &[1, 6]);
    let audio = table(&packet_sizes, 960, second, &[]);
    let moov = mp4_box(
        b"moov",
        &[
            &mp4_box(b"mvhd", &[&words(&[0, 0, 0, 1_000, 1_000]), &[0; 80]]),
            &trak(1, b"vide", 1_000, &visual_entry(), &video),
            &trak(2, b"soun", 48_000, &audio_entry(), &audio),
        ],
    );
    file.extend(moov);
    file
}

/// In fragments of half a second.
pub fn fragmented_mp4() -> Vec<u8> {
    let mut file = mp4_box(b"ftyp", &[b"iso5", &[0; 4]]);
    file.extend(mp4_box(
        b"moov",
        &[
            &mp4_box(b"mvhd", &[&words(&[0, 0, 0, 1_000, 0]), &[0; 80]]),
            &trak(1, b"vide", 1_000, &visual_entry(), &[]),
            &trak(2, b"soun", 48_000, &audio_entry(), &[]),
            &mvex(),
        ],
    ));
    (0..2).for_each(|half| file.extend(fragment(half)));
    file
}

/// Half a second of pictures and sound, from so many halves of a second on.
fn fragment(half: u32) -> Vec<u8> {
    let (pictures, picture_sizes) = samples(picture, half * 5..half * 5 + 5);
    let (packets, _) = samples(|index| sound(index).to_vec(), half * 25..half * 25 + 25);
    // Sizes and flags of pictures one by one; of sound there is one of each.
    let entries: Vec<u32> = picture_sizes
        .iter()
        .enumerate()
        .flat_map(|(index, size)| [*size, if index == 0 { 0 } else { 0x0101_0000 }])
        .collect();
    let moof = |at: u32| {
        let video = mp4_box(
            b"traf",
            &[
                &mp4_box(b"tfhd", &[&words(&[0x02_0008, 1, 100])]),
                &mp4_box(b"tfdt", &[&words(&[0, half * 500])]),
                &mp4_box(b"trun", &[&words(&[0x601, 5, at]), &words(&entries)]),
            ],
        );
        let sound_at = at + pictures.len() as u32;
        let audio = mp4_box(
            b"traf",
            &[
                &mp4_box(b"tfhd", &[&words(&[0x02_0018, 2, 960, 4])]),
                &mp4_box(b"tfdt", &[&words(&[0, half * 24_000])]),
                &mp4_box(b"trun", &[&words(&[0x001, 25, sound_at])]),
            ],
        );
        mp4_box(b"moof", &[&mp4_box(b"mfhd", &[&words(&[0, half + 1])]), &video, &audio])
    };
    let at = moof(0).len() as u32 + 8;
    [moof(at), mp4_box(b"mdat", &[&pictures, &packets])].concat()
}

/// What fragments leave out of what they say, of both tracks.
fn mvex() -> Vec<u8> {
    let trex = |id: u32| mp4_box(b"trex", &[&words(&[0, id, 1, 0, 0, 0])]);
    mp4_box(b"mvex", &[&trex(1), &trex(2)])
}

/// [`mp4`] with a box more at the end of one that stands in it, which is grown, as is all around it.
fn grown(around: &[&[u8; 4]], added: &[u8]) -> Vec<u8> {
    let mut file = mp4();
    let mut end = 0;
    for name in around {
        let at = file.windows(4).position(|bytes| bytes == *name).unwrap_or(4) - 4;
        let size = file[at..at + 4].iter().fold(0, |size, byte| size << 8 | u32::from(*byte));
        end = at + size as usize;
        file[at..at + 4].copy_from_slice(&(size + added.len() as u32).to_be_bytes());
    }
    file.splice(end..end, added.iter().copied());
    file
}

/// A second in tables, and another one in fragments behind them, as a camera writes it.
pub fn partly_fragmented_mp4() -> Vec<u8> {
    let mut file = grown(&[b"moov"], &mvex());
    (2..4).for_each(|half| file.extend(fragment(half)));
    file
}

/// Of whose pictures the first so many milliseconds were cut off, but not the samples.
pub fn cut_mp4(milliseconds: u32) -> Vec<u8> {
    let left = 1_000 - milliseconds;
    let elst = mp4_box(b"elst", &[&words(&[0, 1, left, milliseconds, 0x1_0000])]);
    grown(&[b"moov", b"trak"], &mp4_box(b"edts", &[&elst]))
}

/// Opus in Ogg, ten packets a page.
pub fn ogg() -> Vec<u8> {
    let page = |flags: u8, position: u64, number: u32, packets: &[&[u8]]| {
        let mut page = [&b"OggS\0"[..], &[flags], &position.to_le_bytes()].concat();
        page.extend([1, 0, 0, 0]);
        page.extend(number.to_le_bytes());
        page.extend([0, 0, 0, 0, packets.len() as u8]);
        page.extend(packets.iter().map(|packet| packet.len() as u8));
        page.extend(packets.concat());
        page
    };
    let head = [&b"OpusHead"[..], &[1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0]].concat();
    let mut file = page(2, 0, 0, &[&head]);
    file.extend(page(0, 0, 1, &[b"OpusTags\0\0\0\0\0\0\0\0"]));
    let packets: Vec<[u8; 4]> = (0..PACKETS).map(sound).collect();
    for (number, ten) in packets.chunks(10).enumerate() {
        let ten: Vec<&[u8]> = ten.iter().map(|packet| &packet[..]).collect();
        let last = number == 4;
        let position = (number as u64 + 1) * 9_600;
        file.extend(page(if last { 4 } else { 0 }, position, number as u32 + 2, &ten));
    }
    file
}

/// A second of 16 bits at 8 kHz, a ramp.
pub fn wav() -> Vec<u8> {
    let data: Vec<u8> = (0..8_000u32).flat_map(|i| (i as i16).to_le_bytes()).collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(8_000u32.to_le_bytes());
    file.extend(16_000u32.to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// A recording of Janus: VP8, with one packet that came late.
pub fn mjr() -> Vec<u8> {
    let info = br#"{"t":"v","c":"vp8","s":1,"u":2}"#;
    let mut file = b"MJR00002".to_vec();
    file.extend((info.len() as u16).to_be_bytes());
    file.extend(info);
    let mut packets: Vec<Vec<u8>> = (0..PICTURES)
        .map(|index| {
            let mut packet = vec![0x80, 0xe0];
            packet.extend((0xfffc_u16.wrapping_add(index as u16)).to_be_bytes());
            packet.extend((0xffff_f000_u32.wrapping_add(index * 9_000)).to_be_bytes());
            packet.extend([0, 0, 0, 9, 0x10]);
            packet.extend(picture(index));
            packet
        })
        .collect();
    packets.swap(3, 4);
    for (index, packet) in packets.iter().enumerate() {
        file.extend(b"MEET");
        file.extend((index as u32 * 100).to_be_bytes());
        file.extend((packet.len() as u16).to_be_bytes());
        file.extend(packet);
    }
    file
}

/// All of them, by the name of what reads them.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("mkv", webm(true)),
        ("mkv", webm(false)),
        ("mkv", laced_matroska()),
        ("mp4", mp4()),
        ("mp4", fragmented_mp4()),
        ("ogg", ogg()),
        ("wav", wav()),
        ("mjr", mjr()),
    ]
}
