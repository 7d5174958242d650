#![no_main]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use medialoom::codec::format::{Format, Parameters};
use medialoom::codec::rtcp;
use medialoom::codec::{Codec, Kind};
use medialoom::control::ids::SourceId;
use medialoom::receiving::extensions::uri;
use medialoom::receiving::{
    AnnouncedSource, ExtensionIds, FeedbackKinds, LineTrack, ReceiveLine, Received, Receiving,
    TelephoneEventFormat,
};
use medialoom::srtp::{KeyingMaterial, Profile, Sealer};

fn line(mid: &str, kind: Kind, tracks: u64) -> ReceiveLine {
    let mut extensions = ExtensionIds::default();
    for (id, uri) in [
        (1, uri::AUDIO_LEVEL),
        (3, uri::TRANSPORT_SEQUENCE),
        (4, uri::MID),
        (8, uri::LAYERS_ALLOCATION),
        (10, uri::RID),
        (11, uri::REPAIRED_RID),
        (12, uri::DEPENDENCY_DESCRIPTOR),
    ] {
        extensions.set(uri, id);
    }
    let parameters = Parameters::default();
    let format = match kind {
        Kind::Audio => Format { codec: Codec::Opus, pt: 111, red: Some(63), rtx: None, parameters },
        Kind::Video => Format { codec: Codec::Vp8, pt: 96, red: None, rtx: Some(97), parameters },
    };
    let first = mid.parse::<u64>().unwrap_or(0) * 100;
    let track =
        |n: u64| LineTrack { id: SourceId(first + n), stream: String::new(), track: n.to_string() };
    let source = |n: u64| AnnouncedSource {
        ssrc: (first + n) as u32,
        rtx: Some((first + n) as u32 + 50),
        place: None,
        track: n as usize,
    };
    ReceiveLine {
        mid: mid.into(),
        kind,
        receives: true,
        formats: [format].into(),
        telephone_events: vec![TelephoneEventFormat { pt: 110, clock_rate: 48_000 }],
        rids: if mid == "1" { vec!["q".into(), "f".into()] } else { Vec::new() },
        sources: (0..tracks).map(source).collect(),
        extensions,
        tracks: (0..tracks).map(track).collect(),
        feedback: FeedbackKinds { nack: true, pli: true, transport_cc: true, ..Default::default() },
        reduced_size: mid == "1",
    }
}

// Packets of a peer with keys, in whatever order and with whatever numbers, names and payloads;
// time, reports and descriptions in between. Nothing panics, and no packet of a stream comes out
// twice.
fuzz_target!(|input: &[u8]| {
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
});
