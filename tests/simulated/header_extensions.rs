//! RTP header extensions (RFC 8285): which ones are negotiated, and which reach the receiver.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::World;
use crate::support::client::Client;
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use str0m::media::{Direction, MediaKind, MediaTime};
use str0m::rtp::{
    AbsCaptureTime, Extension, ExtensionMap, ExtensionSerializer, ExtensionValues,
    VideoOrientation, vla,
};

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
const TRANSPORT_CC: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const ABS_CAPTURE_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";
const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
const DEPENDENCY_DESCRIPTOR: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const LAYERS_ALLOCATION: &str =
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";

const BOTH: [&str; 4] = [MID, TRANSPORT_CC, ABS_SEND_TIME, ABS_CAPTURE_TIME];
const AUDIO: [&str; 1] = [AUDIO_LEVEL];
const VIDEO: [&str; 6] =
    [RID, REPAIRED_RID, VIDEO_ORIENTATION, PLAYOUT_DELAY, DEPENDENCY_DESCRIPTOR, LAYERS_ALLOCATION];

/// The bytes of a dependency descriptor.
#[derive(Debug)]
struct Descriptor;

#[derive(Debug, Clone, PartialEq)]
struct DescriptorBytes(Vec<u8>);

impl ExtensionSerializer for Descriptor {
    fn write_to(&self, buffer: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(DescriptorBytes(bytes)) = values.user_values.get() else { return 0 };
        buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buffer: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(DescriptorBytes(buffer.to_vec()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, _: &ExtensionValues) -> bool {
        false
    }
}

/// All of them, from `first` on, so that two peers can have ids of their own.
fn map(first: u8) -> ExtensionMap {
    let all = [
        Extension::RtpMid,
        Extension::RtpStreamId,
        Extension::RepairedRtpStreamId,
        Extension::TransportSequenceNumber,
        Extension::AbsoluteSendTime,
        Extension::AbsoluteCaptureTime,
        Extension::AudioLevel,
        Extension::VideoOrientation,
        Extension::PlayoutDelay,
        Extension::with_serializer(DEPENDENCY_DESCRIPTOR, Descriptor),
        Extension::with_serializer(LAYERS_ALLOCATION, vla::Serializer),
    ];
    let mut map = ExtensionMap::empty();
    for (index, extension) in all.into_iter().enumerate() {
        map.set(first + index as u8, extension);
    }
    map
}

fn with_all(first: u8) -> impl FnOnce(std::time::Instant, std::net::SocketAddr) -> Client {
    move |now, address| Client::with(now, address, |config| config.set_extension_map(map(first)))
}

/// The m-line of a kind, and the URIs and ids it names.
fn extensions(sdp: &str, kind: &str) -> HashSet<(String, String)> {
    let section = sdp.split("m=").find(|section| section.starts_with(kind)).expect("the m-line");
    let named = section.lines().filter_map(|line| line.strip_prefix("a=extmap:"));
    named
        .map(|line| {
            let (id, uri) = line.split_once(' ').expect("an id and a URI");
            let id = id.split('/').next().unwrap_or(id);
            (uri.trim().to_owned(), id.to_owned())
        })
        .collect()
}

fn uris(sdp: &str, kind: &str) -> HashSet<String> {
    extensions(sdp, kind).into_iter().map(|(uri, _)| uri).collect()
}

fn set(parts: &[&[&str]]) -> HashSet<String> {
    parts.concat().into_iter().map(str::to_owned).collect()
}

#[test]
fn all_are_offered() {
    let mut world = World::new(1, 1, Conditions::GOOD);
    let transport = world.create_transport(0, Default::default());
    world.add_outgoing(transport, Kind::Audio, "s");
    world.add_outgoing(transport, Kind::Video, "s");
    let offer = world.create_offer(transport).unwrap();
    let expected = set(&[&BOTH, &AUDIO]);
    assert!(uris(&offer, "audio").is_superset(&expected), "{offer}");
    let expected = set(&[&BOTH, &VIDEO]);
    assert!(uris(&offer, "video").is_superset(&expected), "{offer}");
}

#[test]
fn all_that_a_peer_offers_are_accepted_under_its_ids() {
    let mut world = World::new(1, 2, Conditions::GOOD);
    let client = world.add_client(with_all(2));
    let transport = world.create_transport(0, Default::default());
    world.clients[client].want(MediaKind::Audio, Direction::SendRecv, &[]);
    world.clients[client].want(MediaKind::Video, Direction::SendRecv, &["h", "l"]);
    let offer = world.clients[client].create_offer();
    let answer = world.accept_offer(transport, &offer).unwrap();
    for (kind, own) in [("audio", set(&[&BOTH, &AUDIO])), ("video", set(&[&BOTH, &VIDEO]))] {
        let answered = extensions(&answer, kind);
        assert!(answered.is_subset(&extensions(&offer, kind)), "{answer}");
        let answered: HashSet<String> = answered.into_iter().map(|(uri, _)| uri).collect();
        assert!(answered.is_superset(&own), "{kind} lacks {:?}", own.difference(&answered));
    }
}

#[test]
fn what_concerns_the_receiver_reaches_it_under_ids_of_its_own() {
    let captured = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let mut world = World::new(2, 3, Conditions::GOOD);
    let publisher = world.add_client(with_all(1));
    let publishing = world.create_transport(0, Default::default());
    world.clients[publisher].want(MediaKind::Audio, Direction::SendOnly, &[]);
    world.clients[publisher].want(MediaKind::Video, Direction::SendOnly, &[]);
    world.offer_from_client(publisher, publishing);
    for sending in &mut world.clients[publisher].sending {
        let values = &mut sending.extensions;
        values.abs_capture_time =
            Some(AbsCaptureTime { capture_time: captured, clock_offset: Some(77) });
        if sending.kind == MediaKind::Audio {
            values.audio_level = Some(-23);
            values.voice_activity = Some(true);
        } else {
            values.video_orientation = Some(VideoOrientation::Deg90);
            values.play_delay_min = Some(MediaTime::from_hundredths(10));
            values.play_delay_max = Some(MediaTime::from_hundredths(50));
            // Start and end of frame, template 0, frame number 7 (AV1 RTP payload format A.8).
            values.user_values.set(DescriptorBytes(vec![0xc0, 0, 7]));
        }
    }
    let viewer = world.add_client(with_all(3));
    let viewing = world.create_transport(1, Default::default());
    for track in world.tracks_of(publishing) {
        let id = world.add_outgoing(viewing, track.kind, "s");
        world.command(viewing, TransportCommand::Attach { id, source: track.id });
    }
    world.clients[viewer].want(MediaKind::Audio, Direction::RecvOnly, &[]);
    world.clients[viewer].want(MediaKind::Video, Direction::RecvOnly, &[]);
    world.offer_from_client(viewer, viewing);
    world.run(Duration::from_secs(3));

    let of = |kind| {
        let mut packets = world.clients[viewer].packets_of(kind);
        packets.next().expect("a packet").header.ext_vals.clone()
    };
    let near = |time: SystemTime| {
        time.duration_since(captured).unwrap_or_else(|early| early.duration())
            < Duration::from_millis(1)
    };
    let audio = of(MediaKind::Audio);
    assert_eq!((audio.audio_level, audio.voice_activity), (Some(-23), Some(true)));
    assert!(audio.abs_capture_time.is_some_and(|time| near(time.capture_time)));
    let video = of(MediaKind::Video);
    assert_eq!(video.video_orientation, Some(VideoOrientation::Deg90));
    assert_eq!(video.play_delay_min, Some(MediaTime::from_hundredths(10)));
    assert_eq!(video.play_delay_max, Some(MediaTime::from_hundredths(50)));
    let descriptor: Option<&DescriptorBytes> = video.user_values.get();
    assert_eq!(descriptor.map(|d| d.0.len()), Some(3));
    assert_eq!(descriptor.map(|d| d.0[0]), Some(0xc0));
    assert!(video.abs_capture_time.is_some_and(|time| near(time.capture_time)));
}
