//! Packets of a peer with keys, in whatever order and with whatever numbers, names and payloads;
//! time, reports and descriptions in between. Nothing panics, and no packet of a stream comes out
//! twice.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use medialoom::codec::{Kind, rtcp};
use medialoom::control::ids::SourceId;
use medialoom::receiving::extensions::uri;
use medialoom::receiving::{AnnouncedSource, LineTrack, ReceiveLine, Received, Receiving, testing};
use medialoom::srtp::{KeyingMaterial, Profile, Sealer};

/// As [`testing::line`], with as many tracks that have announced SSRCs.
fn line(mid: &str, kind: Kind, tracks: u64) -> ReceiveLine {
    let mut line = testing::line(mid, kind);
    let first = mid.parse::<u64>().unwrap_or(0) * 100;
    let track =
        |n: u64| LineTrack { id: SourceId(first + n), stream: String::new(), track: n.to_string() };
    let source = |n: u64| AnnouncedSource {
        ssrc: (first + n) as u32,
        rtx: Some((first + n) as u32 + 50),
        place: None,
        track: n as usize,
    };
    line.extensions.set(uri::DEPENDENCY_DESCRIPTOR, 12);
    line.rids = if mid == "1" { vec!["q".into(), "f".into()] } else { Vec::new() };
    line.sources = (0..tracks).map(source).collect();
    line.tracks = (0..tracks).map(track).collect();
    line
}

pub fn run(input: &[u8]) {
    let profile = Profile::AeadAes128Gcm;
    let exported = vec![7; 2 * (profile.key_len() + profile.salt_len())];
    let material = KeyingMaterial::new(profile, &exported).expect("of the profile's length");
    let sealer = Sealer::new(&material, true).expect("the keys are accepted");
    let mut now = Instant::now();
    let mut receiving = Receiving::new(now, u32::MAX, "engine");
    receiving.set_keys(&material, false);
    let all = [line("0", Kind::Audio, 1), line("1", Kind::Video, 1), line("2", Kind::Video, 2)];
    receiving.configure(all.to_vec());

    let mut seen = HashSet::new();
    let mut plain = Vec::new();
    let mut rest = input;
    while let Some((&[kind, ssrc, pt, i0, i1, length], after)) = rest.split_first_chunk::<6>() {
        let (body, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        let index = u64::from(u16::from_be_bytes([i0, i1])) | u64::from(kind >> 6) << 16;
        match kind % 8 {
            0 => now += Duration::from_millis(u64::from(length)),
            1 => rtcp::packets(body).for_each(|packet| receiving.rtcp(now, &packet)),
            2 => receiving.configure(all[..usize::from(pt) % 4].to_vec()),
            3 => {
                let _ = receiving.rtp(now, body, &mut plain);
            }
            _ => {
                let pt = [96, 97, 111, 63, 110, pt & 0x7f][usize::from(pt) % 6];
                let (extension, payload) = body.split_at(body.len() / 8 * 4);
                let mut packet = vec![0x90 | kind & 0x20, pt, i0, i1, 0, 0, i0, i1];
                packet.extend([0, 0, 0, ssrc]);
                let form = if kind & 0x10 == 0 { [0xbe, 0xde] } else { [0x10, 0x00] };
                packet.extend(form);
                packet.extend((extension.len() as u16 / 4).to_be_bytes());
                packet.extend(extension);
                let header = packet.len();
                let padding = usize::from(kind & 0x20 != 0);
                packet.resize(header + payload.len() + padding + 16, 0);
                let ssrc = u32::from(ssrc);
                let sealed =
                    sealer.seal_rtp(&mut packet, header, ssrc, index, &[], payload, padding);
                packet.truncate(sealed.expect("there is room"));
                let _ = receiving.rtp(now, &packet, &mut plain);
            }
        }
        receiving.poll(now, |compound| assert!(compound.len() <= 1_200));
        while let Some(event) = receiving.next_event() {
            if let Received::Packet(packet) = event {
                assert!(seen.insert((packet.ssrc, packet.sequence)), "a packet comes once");
            }
        }
    }
    receiving.stats(now);
}
