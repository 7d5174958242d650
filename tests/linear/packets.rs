//! RTP and RTCP, taken by the halves of a peer.

use std::time::{Duration, Instant};

use medialoom::codec::format::{Format, Parameters};
use medialoom::codec::{Codec, Kind, rtcp};
use medialoom::control::ids::{OutgoingTrackId, SourceId, TransportId};
use medialoom::receiving::{ExtensionIds, FeedbackKinds, LineTrack, ReceiveLine, Receiving};
use medialoom::sending::{OutgoingTrack, Sending, StreamParameters, WallClock};
use medialoom::srtp::{KeyingMaterial, Profile, Sealer};

use super::measure::is_linear;

const FORMAT: Format = Format {
    codec: Codec::Vp8,
    pt: 96,
    red: None,
    rtx: Some(97),
    events: None,
    parameters: Parameters { profile: 0, packetization_mode: 0 },
};

fn sending(now: Instant, tracks: u32) -> Sending {
    let clock = WallClock::new(now, Duration::from_secs(1_700_000_000));
    let mut sending = Sending::new(now, clock, TransportId(1));
    for n in 0..tracks {
        let id = OutgoingTrackId(u64::from(n));
        sending.add_track(OutgoingTrack::new(id, Kind::Video, "s".into(), n.to_string()));
        let parameters = StreamParameters {
            keeps: false,
            ssrc: 1000 + n,
            rtx: Some(100_000 + n),
            mid: n.to_string().as_str().into(),
            cname: "engine".into(),
            extensions: Default::default(),
        };
        let track = sending.tracks_mut().find_mut(id).unwrap();
        track.negotiated(vec![FORMAT], true, Some(parameters));
    }
    sending
}

fn line(mid: usize) -> ReceiveLine {
    let id = SourceId(mid as u64);
    ReceiveLine {
        mid: mid.to_string().as_str().into(),
        kind: Kind::Video,
        receives: true,
        formats: [FORMAT].into(),
        telephone_events: Vec::new(),
        rids: Vec::new(),
        places_have_rids: false,
        sources: Vec::new(),
        extensions: ExtensionIds::default(),
        tracks: vec![LineTrack { id, stream: "s".into(), track: mid.to_string() }],
        feedback: FeedbackKinds { nack: true, pli: true, transport_cc: true, ..Default::default() },
        reduced_size: true,
    }
}

fn keys() -> KeyingMaterial {
    let profile = Profile::AeadAes128Gcm;
    let exported = vec![7; 2 * (profile.key_len() + profile.salt_len())];
    KeyingMaterial::new(profile, &exported).unwrap()
}

/// An RTP packet without extensions, sealed.
fn packet(sealer: &Sealer, ssrc: u32, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend((index as u16).to_be_bytes());
    packet.extend((index as u32 * 3000).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.resize(12 + payload.len() + 16, 0);
    let sealed = sealer.seal_rtp(&mut packet, 12, ssrc, index, &[], payload, 0);
    packet.truncate(sealed.unwrap());
    packet
}

/// A packet of feedback (RFC 4585 6.1), with so many words of control information.
fn feedback(kind: u8, format: u8, words: &[u32]) -> Vec<u8> {
    let mut packet = vec![0x80 | format, kind];
    packet.extend((words.len() as u16 + 2).to_be_bytes());
    packet.extend([0, 0, 0, 1]);
    packet.extend(1000_u32.to_be_bytes());
    words.iter().for_each(|word| packet.extend(word.to_be_bytes()));
    packet
}

fn reports(count: u32) -> Vec<u8> {
    let mut compound = Vec::new();
    for first in (0..count).step_by(31) {
        let block = |n: u32| rtcp::ReportBlock { ssrc: 1000 + first + n, ..Default::default() };
        let blocks: Vec<_> = (0..31).map(block).collect();
        let mut report = vec![0; 1000];
        let length = rtcp::write_receiver_report(&mut report, 1, &blocks).unwrap();
        compound.extend(&report[..length]);
    }
    compound
}

#[test]
fn compounds_that_are_long() {
    let now = Instant::now();
    type Compound = fn(usize) -> Vec<u8>;
    let compounds: [(&str, Compound); 9] = [
        ("reports", |times| reports(times as u32 * 500)),
        ("PLI", |times| feedback(206, 1, &[]).repeat(times * 1000)),
        ("FIR", |times| feedback(206, 4, &vec![1000; times * 3000])),
        ("many FIR", |times| feedback(206, 4, &[999, 1 << 24]).repeat(times * 600)),
        ("NACK", |times| feedback(205, 1, &vec![0x0001_ffff; times * 3000])),
        ("many NACK", |times| feedback(205, 1, &[0x0001_ffff]).repeat(times * 900)),
        ("REMB", |times| {
            let ssrcs = vec![1000; times * 60];
            let mut remb = vec![0; 2000];
            let length = rtcp::write_remb(&mut remb, 1, 1_000_000, &ssrcs).unwrap();
            remb[..length].repeat(12)
        }),
        ("transport-wide feedback", |times| {
            feedback(205, 15, &[60_000, 0, 0x1fff_1fff, 0x1fff_1fff, 0x1fff_1fff, 0x1fff_1fff])
                .repeat(times * 300)
        }),
        ("source descriptions", |times| [0x80, 202, 0, 0].repeat(times * 3000)),
    ];
    for (what, compound) in compounds {
        let compounds = [compound(1), compound(4)];
        is_linear(
            what,
            |times| {
                let mut receiving = Receiving::new(now, 7, "engine");
                receiving.configure((0..100).map(line).collect());
                (sending(now, 500), receiving, &compounds[usize::from(times != 1)])
            },
            |(sending, receiving, compound)| {
                for packet in rtcp::packets(compound) {
                    sending.on_rtcp(now, &packet);
                    receiving.rtcp(now, &packet);
                }
            },
        );
    }
}

/// What a compound of the same length costs, by how much there is that it may be about.
#[test]
fn tracks_that_reports_are_about() {
    let now = Instant::now();
    let compound = reports(31);
    is_linear(
        "reports to many tracks",
        |times| sending(now, 250 * times as u32),
        |sending| {
            rtcp::packets(&compound).for_each(|packet| sending.on_rtcp(now, &packet));
        },
    );
}

#[test]
fn streams_of_one_peer() {
    let now = Instant::now();
    let material = keys();
    let sealer = Sealer::new(&material, true).unwrap();
    let mut plain = Vec::new();
    let receiving = || {
        let mut receiving = Receiving::new(now, 7, "engine");
        receiving.set_keys(&material, false);
        receiving.configure(vec![line(0)]);
        receiving
    };
    is_linear(
        "SSRCs, each with a packet",
        |times| {
            let ssrcs = (0..times as u32 * 500).map(|n| n.wrapping_mul(0x9e37_79b9));
            let packets = ssrcs.map(|ssrc| packet(&sealer, ssrc, 1, &[0x10, 0, 0, 0]));
            (receiving(), packets.collect::<Vec<_>>())
        },
        |(receiving, packets)| {
            for packet in packets.iter() {
                let _ = receiving.rtp(now, packet, &mut plain);
            }
            receiving.poll(now, drop);
            while receiving.next_event().is_some() {}
        },
    );
    is_linear(
        "packets with gaps between them",
        |times| {
            let packets = (0..times as u64 * 500)
                .map(|n| packet(&sealer, 5, 1 + n * 7, &[0x10, 0, 0, 0]))
                .collect::<Vec<_>>();
            (receiving(), packets)
        },
        |(receiving, packets)| {
            for (n, packet) in packets.iter().enumerate() {
                let now = now + Duration::from_millis(n as u64);
                let _ = receiving.rtp(now, packet, &mut plain);
                receiving.poll(now, drop);
                while receiving.next_event().is_some() {}
            }
        },
    );
    is_linear(
        "packets from the last to the first",
        |times| {
            let packets = (0..times as u64 * 500)
                .rev()
                .map(|n| packet(&sealer, 5, 1 + n, &[0x10, 0, 0, 0]))
                .collect::<Vec<_>>();
            (receiving(), packets)
        },
        |(receiving, packets)| {
            for packet in packets.iter() {
                let _ = receiving.rtp(now, packet, &mut plain);
            }
            receiving.poll(now, drop);
            while receiving.next_event().is_some() {}
        },
    );
}
