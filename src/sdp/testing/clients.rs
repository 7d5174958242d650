//! Descriptions as real clients send them, with what is personal in them replaced.

use super::super::description::MediaKind;
use super::{agree, sections, text, usable, value};
use crate::codec::{Codec, Kind};

struct Client {
    name: &'static str,
    offer: &'static str,
    /// Of each line, whether it is taken, and the codec that comes first.
    lines: &'static [Option<Codec>],
}

macro_rules! client {
    ($name:literal, $lines:expr) => {
        Client {
            name: $name,
            offer: include_str!(concat!("descriptions/", $name, ".sdp")),
            lines: $lines,
        }
    };
}

/// `None` for the line of data channels too: it has no codec.
const CLIENTS: [Client; 22] = [
    client!("chromium", &[Some(Codec::Opus), Some(Codec::Vp8), None]),
    client!("firefox", &[Some(Codec::Opus), Some(Codec::Vp8)]),
    client!("firefox-after-stop", &[None, Some(Codec::Vp8)]),
    client!("safari-ios", &[Some(Codec::Opus), Some(Codec::Vp8)]),
    client!("libwebrtc", &[Some(Codec::Opus), Some(Codec::Vp8), None]),
    client!("gstreamer-webrtcbin", &[Some(Codec::Vp8)]),
    client!("libdatachannel", &[Some(Codec::Vp8), Some(Codec::Opus), None]),
    client!("werift", &[Some(Codec::Opus), Some(Codec::Vp8), None]),
    client!("aiortc", &[Some(Codec::Opus), Some(Codec::Vp8)]),
    client!("pion", &[Some(Codec::Vp8), None]),
    client!("obs-whip", &[Some(Codec::Opus), Some(Codec::H264)]),
    client!("freeswitch", &[Some(Codec::Opus)]),
    client!("sipsorcery", &[Some(Codec::Pcmu), Some(Codec::Vp8)]),
    client!("linphone", &[Some(Codec::Opus)]),
    client!("asterisk", &[Some(Codec::Opus), Some(Codec::H264)]),
    client!("esp-webrtc", &[Some(Codec::Pcma), Some(Codec::H264)]),
    client!("ffmpeg-whip", &[Some(Codec::Opus), Some(Codec::H264)]),
    client!("gstreamer-max-bundle", &[Some(Codec::H264), Some(Codec::Pcmu), None]),
    client!("janus", &[Some(Codec::Opus), Some(Codec::H264), None]),
    client!("jitsi-plan-b", &[Some(Codec::Opus), Some(Codec::Vp8), None]),
    client!("kurento", &[Some(Codec::Opus), Some(Codec::Vp8)]),
    client!("old-firefox", &[Some(Codec::Opus), Some(Codec::Vp8), None]),
];

fn client(name: &str) -> &'static str {
    CLIENTS.iter().find(|client| client.name == name).map_or("", |client| client.offer)
}

#[test]
fn what_each_client_offers_is_taken() {
    for Client { name, offer, lines } in &CLIENTS {
        let agreement = agree(offer).unwrap_or_else(|error| panic!("{name}: {error}"));
        let first: Vec<_> =
            agreement.lines.iter().map(|line| line.receive.first().map(|f| f.codec)).collect();
        assert_eq!(&first[..], *lines, "{name}");
        let answer = text(&agreement);
        for (line, (asked, given)) in
            agreement.lines.iter().zip(sections(offer).into_iter().zip(sections(&answer)))
        {
            assert_eq!(value(asked, "a=mid:"), value(given, "a=mid:"), "{name}");
            let words: Vec<&str> = asked.lines().next().unwrap_or_default().split(' ').collect();
            let answered: Vec<&str> = given.lines().next().unwrap_or_default().split(' ').collect();
            assert_eq!(words[2], answered[2], "{name}");
            assert_eq!(answered[1] == "0", !line.usable(), "{name}");
        }
    }
}

#[test]
fn a_line_that_firefox_gave_up_keeps_its_place_without_a_name() {
    let agreement = agree(client("firefox-after-stop")).unwrap();
    assert_eq!(usable(&agreement.lines), [false, true]);
    assert!(sections(&text(&agreement))[0].starts_with("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"));
}

#[test]
fn apple_devices_get_constrained_high_back() {
    let answer = text(&agree(client("safari-ios")).unwrap());
    assert!(answer.contains("profile-level-id=640c1f"), "{answer}");
}

#[test]
fn simulcast_by_ssrcs_and_an_old_line_for_data_are_taken_as_plan_b_has_them() {
    let agreement = agree(client("jitsi-plan-b")).unwrap();
    let [_, video, data] = &agreement.lines[..] else { panic!("three lines") };
    assert_eq!((video.remote.tracks.len(), video.remote.sources.len()), (1, 3));
    let places: Vec<_> = video.remote.sources.iter().map(|source| source.place).collect();
    assert_eq!(places, [Some(0), Some(1), Some(2)]);
    assert!(video.remote.sources.iter().all(|source| source.rtx == Some(source.ssrc + 10)));
    assert!(data.usable());
}

#[test]
fn encodings_of_chromium_are_received_in_its_order() {
    let answer = text(&agree(client("chromium")).unwrap());
    assert!(answer.contains("a=simulcast:recv ~q;h;f\r\n"), "{answer}");
}

#[test]
fn telephones_are_heard() {
    for name in ["freeswitch", "sipsorcery", "linphone", "firefox", "asterisk", "jitsi-plan-b"] {
        let agreement = agree(client(name)).unwrap();
        assert_eq!(agreement.lines[0].local.kind, MediaKind::Rtp(Kind::Audio));
        assert_eq!(agreement.lines[0].receive_events.len(), 1, "{name}");
    }
}
