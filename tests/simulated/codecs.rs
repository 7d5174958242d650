//! Every codec on its way from one peer to another.

use std::time::{Duration, Instant};

use crate::support::World;
use crate::support::client::{Client, Payload, frame_number};
use crate::support::network::Conditions;
use medialoom::codec::Codec;
use medialoom::control::command::TransportCommand;
use str0m::RtcConfig;
use str0m::format::Codec as Negotiated;
use str0m::media::{Direction, MediaKind};

struct Sample {
    codec: Codec,
    negotiated: Negotiated,
    enable: fn(RtcConfig) -> RtcConfig,
    payload: Payload,
}

const SAMPLES: [Sample; 9] = [
    Sample {
        codec: Codec::Opus,
        negotiated: Negotiated::Opus,
        enable: |config| config.enable_opus(true, false),
        payload: sound,
    },
    Sample {
        codec: Codec::Pcmu,
        negotiated: Negotiated::PCMU,
        enable: |config| config.enable_pcmu(true, false),
        payload: sound,
    },
    Sample {
        codec: Codec::Pcma,
        negotiated: Negotiated::PCMA,
        enable: |config| config.enable_pcma(true, false),
        payload: sound,
    },
    Sample {
        codec: Codec::G722,
        negotiated: Negotiated::G722,
        enable: |config| config.enable_g722(true, false),
        payload: sound,
    },
    Sample {
        codec: Codec::Vp8,
        negotiated: Negotiated::Vp8,
        enable: |config| config.enable_vp8(true),
        // A descriptor of one byte (RFC 7741 4.2) and the first byte of the frame (RFC 6386 9.1).
        payload: |keyframe, tail| {
            let start: &[u8] = if keyframe {
                &[0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]
            } else {
                &[0x10, 0x11, 0, 0]
            };
            [start, tail].concat()
        },
    },
    Sample {
        codec: Codec::Vp9,
        negotiated: Negotiated::Vp9,
        enable: |config| config.enable_vp9(true),
        // Beginning and end of a frame, predicted from another or not (RFC 9628 4.2).
        payload: |keyframe, tail| [&[if keyframe { 0x0c } else { 0x4c }], tail].concat(),
    },
    Sample {
        codec: Codec::H264,
        negotiated: Negotiated::H264,
        enable: |config| config.enable_h264(true),
        // Parameter sets and an IDR slice in one STAP-A (RFC 6184 5.7.1), or an inter slice.
        payload: |keyframe, tail| {
            if keyframe {
                let sps = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x80];
                let idr = [&[0x65, 0x88, 0x84], tail].concat();
                aggregate(&[0x78], &[&sps, &[0x68, 0xce, 0x3c, 0x80], &idr])
            } else {
                [&[0x41, 0x9a, 0x01], tail].concat()
            }
        },
    },
    Sample {
        codec: Codec::H265,
        negotiated: Negotiated::H265,
        enable: |config| config.enable_h265(true),
        // The same in an aggregation packet (RFC 7798 4.4.2), or a trailing picture.
        payload: |keyframe, tail| {
            let nal = |kind: u8, rest: &[u8]| [&[kind << 1, 1], rest].concat();
            if keyframe {
                let idr = nal(19, &[&[0x80], tail].concat());
                aggregate(&[48 << 1, 1], &[&nal(32, &[1]), &nal(33, &[1]), &nal(34, &[1]), &idr])
            } else {
                nal(1, &[&[0x80], tail].concat())
            }
        },
    },
    Sample {
        codec: Codec::Av1,
        negotiated: Negotiated::Av1,
        enable: |config| config.enable_av1(true),
        // One element: a sequence header that begins a coded video sequence, or a frame (AV1 RTP
        // payload format 4.4).
        payload: |keyframe, tail| {
            let start: &[u8] = if keyframe { &[0x18, 1 << 3] } else { &[0x10, 6 << 3] };
            [start, tail].concat()
        },
    },
];

fn sound(_: bool, tail: &[u8]) -> Vec<u8> {
    tail.to_vec()
}

fn aggregate(header: &[u8], units: &[&[u8]]) -> Vec<u8> {
    let mut payload = header.to_vec();
    for unit in units {
        payload.extend((unit.len() as u16).to_be_bytes());
        payload.extend(*unit);
    }
    payload
}

#[test]
fn each_codec_is_negotiated_and_forwarded_across_threads() {
    for (seed, sample) in SAMPLES.iter().enumerate() {
        let codec = sample.codec;
        let kind = match codec.kind() {
            medialoom::codec::Kind::Audio => MediaKind::Audio,
            medialoom::codec::Kind::Video => MediaKind::Video,
        };
        let client = |now: Instant, address| {
            Client::with(now, address, |config| (sample.enable)(config.clear_codecs()))
        };
        let mut world = World::new(2, 100 + seed as u64, Conditions::GOOD);
        let publisher = world.add_client(client);
        let publishing = world.create_transport(0, Default::default());
        world.clients[publisher].want(kind, Direction::SendOnly, &[]);
        world.offer_from_client(publisher, publishing);
        let sending = &mut world.clients[publisher].sending[0];
        sending.packets_per_frame = 1;
        sending.payload = Some(sample.payload);
        let source = world.tracks_of(publishing).remove(0);
        assert_eq!(source.codecs, [codec]);

        let viewer = world.add_client(client);
        let viewing = world.create_transport(1, Default::default());
        let id = world.add_outgoing(viewing, codec.kind(), "s");
        world.command(viewing, TransportCommand::Attach { id, source: source.id });
        world.offer_from_transport(viewing, viewer);
        world.run(Duration::from_secs(3));

        let client = &world.clients[viewer];
        let frames: Vec<u64> = client.packets.iter().map(frame_number).collect();
        assert!(frames.len() > 50, "{codec:?}: {} frames", frames.len());
        assert!(frames.is_sorted_by(|a, b| a + 1 == *b), "{codec:?}: {frames:?}");
        let pt = client.packets[0].header.payload_type;
        let params = client.rtc.codec_config().params().iter();
        let agreed = params.filter(|params| params.pt() == pt).map(|params| params.spec().codec);
        assert_eq!(agreed.collect::<Vec<_>>(), [sample.negotiated]);
        if kind == MediaKind::Video {
            assert!(world.clients[publisher].keyframe_requests.len() <= 2, "{codec:?}");
        }
    }
}
