//! Good streams and files for the mixers, and one picture of each codec for those who read payloads.

use std::time::Instant;

use medialoom::codec::Codec;
use medialoom::mcu::video::{
    Background, ClassIndex, Colour, Fonts, Frame, SnapshotFormat, Source, TapKey, VideoMixer,
    VideoOptions, VideoPortOptions, VideoSink, Wanted,
};
use medialoom::mcu::{MadePacket, PortId};
use medialoom_fuzz::script::{MAX_PACKETS, Packet, Script};
use medialoom_fuzz::{pictures, recording, sound};

/// Bytes of an input that is kept in the repository.
const MAX_KEPT: usize = 2500;

pub fn write() -> std::io::Result<()> {
    for (target, codec) in
        [("mix_vp8", Codec::Vp8), ("mix_vp9", Codec::Vp9), ("mix_h264", Codec::H264)]
    {
        for (number, (width, height, frames, bitrate)) in [
            (16, 16, 4, 200_000),
            (32, 48, 6, 400_000),
            (64, 48, 12, 60_000),
            (176, 144, 3, 3_000_000),
            (256, 64, 8, 1_000_000),
        ]
        .into_iter()
        .enumerate()
        {
            let script = of_pictures(codec, width, height, frames, bitrate, number as u8);
            save(target, &format!("stream-{number}"), &script)?;
        }
        // Another size, on top of what was there.
        let mut both = of_pictures(codec, 32, 32, 4, 300_000, 0);
        both.packets.extend(of_pictures(codec, 48, 64, 4, 300_000, 0).packets);
        save(target, "two-sizes", &both)?;
    }
    for (target, codec) in [("vp8", Codec::Vp8), ("vp9", Codec::Vp9), ("h264", Codec::H264)] {
        let packets = pictures::encode(codec, 32, 32, 2, 100_000);
        for (number, packet) in packets.iter().take(3).enumerate() {
            super::keep(target, &format!("encoded-{number}"), &packet.payload)?;
        }
    }
    for (number, payload) in recording::av1().into_iter().flatten().take(3).enumerate() {
        super::keep("av1", &format!("recorded-{number}"), &payload)?;
    }
    for (number, count) in [1, 3, 12].into_iter().enumerate() {
        save("mix_av1", &format!("stream-{number}"), &of_recording(count, number as u8))?;
    }
    let streams: Vec<_> = [(false, 16_000), (false, 40_000), (true, 64_000), (true, 128_000)]
        .into_iter()
        .map(|(stereo, bitrate)| sound::encode(stereo, bitrate))
        .collect();
    for (number, stream) in streams.iter().enumerate() {
        for (index, codec) in sound::CODECS.into_iter().enumerate() {
            let payloads: Vec<_> =
                stream.iter().filter(|(of, _)| *of == codec).map(|(_, p)| p.to_vec()).collect();
            let name = format!("{codec}-{number}");
            save("mix_sound", &name, &of_sound(&payloads, index as u8, number as u8))?;
            let red = of_sound(&wrapped(&payloads), index as u8 | sound::RED, number as u8);
            save("mix_sound", &format!("red-{name}"), &red)?;
        }
    }
    for (number, stream) in streams.iter().enumerate() {
        let opus = stream.iter().filter(|(codec, _)| *codec == Codec::Opus);
        let packets: Vec<_> = opus.map(|(_, payload)| &payload[..]).collect();
        write_file("sound_file", &format!("opus-{number}"), &ogg(&packets))?;
    }
    for (number, (rate, channels)) in [(8_000, 1), (44_100, 2), (48_000, 1)].into_iter().enumerate()
    {
        write_file("sound_file", &format!("wav-{number}"), &wav(rate, channels))?;
    }
    for (number, (width, height)) in [(16, 16), (64, 48), (34, 8)].into_iter().enumerate() {
        for (name, format) in [
            ("jpeg-low", SnapshotFormat::Jpeg { quality: 20 }),
            ("jpeg-high", SnapshotFormat::Jpeg { quality: 98 }),
            ("png", SnapshotFormat::Png),
        ] {
            let file = picture(width, height, format);
            write_file("picture_file", &format!("{name}-{number}"), &file)?;
        }
    }
    Ok(())
}

fn save(target: &str, name: &str, script: &Script) -> std::io::Result<()> {
    write_file(target, name, &script.write())
}

/// Small ones are kept in the repository.
fn write_file(target: &str, name: &str, data: &[u8]) -> std::io::Result<()> {
    let folder = if data.len() <= MAX_KEPT { "seeds" } else { "corpus" };
    super::save(folder, target, name, data)
}

fn of_pictures(
    codec: Codec,
    width: u16,
    height: u16,
    frames: usize,
    bitrate: u32,
    options: u8,
) -> Script {
    let mut timestamp = None;
    let mut packets = pictures::encode(codec, width, height, frames, bitrate);
    packets.truncate(MAX_PACKETS);
    let packets = packets.into_iter().map(|packet| {
        let next = timestamp.replace(packet.timestamp) != Some(packet.timestamp);
        let mut flags = if next { pictures::NEXT } else { 0 };
        if packet.marker {
            flags |= pictures::MARKER | pictures::TICK;
        }
        Packet { flags, shift: 0, payload: packet.payload.to_vec() }
    });
    Script { options, packets: packets.collect() }
}

/// The first pictures of the recording.
fn of_recording(count: usize, options: u8) -> Script {
    let mut packets = Vec::new();
    for payloads in recording::av1().into_iter().take(count) {
        let last = payloads.len() - 1;
        for (at, payload) in payloads.into_iter().enumerate() {
            let mut flags = if at == 0 { pictures::NEXT } else { 0 };
            if at == last {
                flags |= pictures::MARKER | pictures::TICK;
            }
            packets.push(Packet { flags, shift: 0, payload });
        }
    }
    packets.truncate(MAX_PACKETS);
    Script { options, packets }
}

fn of_sound(payloads: &[Vec<u8>], flags: u8, options: u8) -> Script {
    let packets = payloads.iter().take(12).map(|payload| Packet {
        flags: flags | sound::TICK_AFTER,
        shift: 0,
        payload: payload.clone(),
    });
    Script { options, packets: packets.collect() }
}

/// Each with the one before it (RFC 2198).
fn wrapped(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let pairs = payloads.windows(2).map(|pair| {
        let (offset, len) = (960u16, pair[0].len() as u16);
        let mut red = vec![0x80 | 111, (offset >> 6) as u8];
        red.extend((offset << 10 | len & 0x3ff).to_be_bytes());
        red.push(111);
        red.extend(pair.iter().flatten());
        red
    });
    pairs.collect()
}

fn wav(rate: u32, channels: u16) -> Vec<u8> {
    let data: Vec<u8> = (0..1200u32).map(|at| (at * at / 31) as u8).collect();
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(channels) * 2).to_le_bytes());
    file.extend((channels * 2).to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"LIST\x03\0\0\0abc\0data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file.push(0);
    file
}

/// Ogg (RFC 3533) with Opus (RFC 7845): a page for each header, and one for all packets.
fn ogg(packets: &[&[u8]]) -> Vec<u8> {
    let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
    let mut file = page(2, 0, 0, &[head]);
    file.extend(page(0, 0, 1, &[b"OpusTags\0\0\0\0\0\0\0\0"]));
    file.extend(page(4, 23_800, 2, packets));
    file.push(0);
    file
}

fn page(kind: u8, position: u64, number: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut lacing = Vec::new();
    for packet in packets {
        lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
        lacing.push((packet.len() % 255) as u8);
    }
    let mut page = b"OggS\0".to_vec();
    page.push(kind);
    page.extend(position.to_le_bytes());
    page.extend(7u32.to_le_bytes());
    page.extend(number.to_le_bytes());
    page.extend([0; 4]);
    page.push(lacing.len() as u8);
    page.extend(lacing);
    page.extend(packets.iter().copied().flatten());
    let sum = page.iter().fold(0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

fn picture(width: u16, height: u16, format: SnapshotFormat) -> Vec<u8> {
    let mut mixer = VideoMixer::new(VideoOptions {
        width,
        height,
        fps: 25.0,
        background: Background::Colour(Colour::rgb(200, 40, 90)),
        fonts: Fonts::default(),
        classes: Vec::new(),
    })
    .unwrap();
    mixer.add_port(PortId(1), VideoPortOptions::default()).unwrap();
    mixer.tick(Instant::now(), &mut Nobody);
    mixer.snapshot(Source::Canvas, format, None).unwrap()
}

struct Nobody;

impl VideoSink for Nobody {
    fn packet(&mut self, _: ClassIndex, _: MadePacket, _: bool) {}

    fn frame(&mut self, _: TapKey, _: Frame<'_>, _: Instant) {}

    fn wanted(&mut self, _: PortId, _: Option<Wanted>) {}

    fn keyframe_needed(&mut self, _: PortId) {}
}
