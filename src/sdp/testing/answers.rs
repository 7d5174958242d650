//! What an answer takes, repeats and refuses.

use super::super::description::Direction;
use super::super::{LocalSession, OpusParameters, Standing, answer, parse, write};
use super::{
    FINGERPRINT, LITE, Lines, agree, answered, both, capabilities, only, sections, session, text,
    usable, value,
};
use crate::codec::Codec;

const SEND: Direction = Direction::SendOnly;

#[test]
fn an_ordinary_offer_is_taken_as_a_whole() {
    let agreement = agree(&both().sdp()).unwrap();
    assert_eq!(usable(&agreement.lines), [true, true]);
    let transport = agreement.transport.as_ref().unwrap();
    assert!(transport.active);
    assert_eq!((&*transport.ufrag, &*transport.fingerprints[0].hash), ("abcd", "sha-256"));
    let text = text(&agreement);
    assert!(text.contains("a=group:BUNDLE 0 1\r\n"), "{text}");
    assert_eq!(value(sections(&text)[1], "m="), Some("video 9 UDP/TLS/RTP/SAVPF 96 97"));
}

#[test]
fn a_line_without_group_and_name_is_taken_and_gets_no_name_in_return() {
    let offer = Lines::head(&[]).then(Lines::audio("", SEND));
    let agreement = agree(&offer.sdp()).unwrap();
    assert_eq!(usable(&agreement.lines), [true]);
    assert!(!agreement.lines[0].mid.is_empty(), "it has a name for ourselves");
    let text = text(&agreement);
    assert!(!text.contains("a=mid") && !text.contains("a=group"), "{text}");
}

#[test]
fn without_a_group_lines_with_other_credentials_are_refused() {
    let other = Lines::video("1", SEND).replaced("ice-ufrag:abcd", "ice-ufrag:efgh");
    let offer = Lines::head(&[]).then(Lines::audio("0", SEND)).then(other);
    assert_eq!(usable(&agree(&offer.sdp()).unwrap().lines), [true, false]);
    let same = Lines::head(&[])
        .then(Lines::audio("0", SEND))
        .then(Lines::video("1", SEND))
        .then(Lines::video("2", SEND));
    assert_eq!(usable(&agree(&same.sdp()).unwrap().lines), [true, true, false]);
}

#[test]
fn lines_outside_the_group_are_refused_alone() {
    let offer = Lines::head(&["0"])
        .with(&["a=group:LS 0 1", "a=group:BUNDLE 1"])
        .then(Lines::audio("0", SEND))
        .then(Lines::video("1", SEND));
    let agreement = agree(&offer.sdp()).unwrap();
    assert_eq!(usable(&agreement.lines), [true, false]);
    let text = text(&agreement);
    assert!(text.contains("a=group:BUNDLE 0\r\n"), "{text}");
    assert!(sections(&text)[1].starts_with("m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{text}");
}

#[test]
fn the_order_of_the_group_is_the_peers() {
    let offer =
        Lines::head(&["1", "0"]).then(Lines::audio("0", SEND)).then(Lines::video("1", SEND));
    assert!(answered(&offer.sdp()).contains("a=group:BUNDLE 1 0\r\n"));
}

#[test]
fn profiles_are_repeated_as_they_came() {
    for profile in [
        "UDP/TLS/RTP/SAVP",
        "RTP/SAVPF",
        "RTP/SAVP",
        "TCP/DTLS/RTP/SAVPF",
        "TCP/TLS/RTP/SAVPF",
        "RTP/AVP",
    ] {
        let text = answered(&both().replaced("UDP/TLS/RTP/SAVPF", profile).sdp());
        assert!(text.contains(&format!("m=audio 9 {profile} 111\r\n")), "{text}");
    }
}

#[test]
fn plain_rtp_is_refused_and_said_to_be() {
    let offer = both().replaced("UDP/TLS/RTP/SAVPF", "RTP/AVP").without("a=fingerprint");
    let error = agree(&offer.sdp()).unwrap_err();
    assert!(error.to_string().contains("a=fingerprint"), "{error}");
    assert_eq!(error.line(), Some("m=audio 9 RTP/AVP 111"));
}

#[test]
fn a_refused_line_keeps_its_place_whatever_it_lacks() {
    let refused = Lines(vec!["m=video 0 UDP/TLS/RTP/SAVPF 0".into(), "a=inactive".into()]);
    let offer = Lines::head(&["0", "1"])
        .then(Lines::audio("0", SEND))
        .then(refused)
        .then(Lines::video("1", SEND));
    let text = answered(&offer.sdp());
    assert_eq!(sections(&text).len(), 3);
    assert!(sections(&text)[1].starts_with("m=video 0 UDP/TLS/RTP/SAVPF 0\r\n"), "{text}");
    assert!(sections(&text)[2].contains("a=mid:1\r\n"));
}

#[test]
fn lines_of_kinds_that_nobody_knows_stand_with_port_0() {
    let offer = both().then(Lines::media("text", "98", "2", SEND)).with(&["a=rtpmap:98 t140/1000"]);
    let offer = offer.replaced("BUNDLE 0 1", "BUNDLE 0 1 2");
    let text = answered(&offer.sdp());
    assert!(sections(&text)[2].starts_with("m=text 0 UDP/TLS/RTP/SAVPF 98\r\n"), "{text}");
    assert!(text.contains("a=group:BUNDLE 0 1\r\n"));
}

#[test]
fn a_line_that_is_only_for_the_group_is_taken() {
    let video = Lines::video("1", SEND).replaced("m=video 9", "m=video 0").with(&["a=bundle-only"]);
    let offer = Lines::head(&["0", "1"]).then(Lines::audio("0", SEND)).then(video);
    assert_eq!(usable(&agree(&offer.sdp()).unwrap().lines), [true, true]);
}

#[test]
fn the_first_line_of_the_group_stays_when_nothing_of_it_is_wanted() {
    let offer = both().sdp();
    let agreement = answer(&parse(&offer).unwrap(), &[], &only(&[Codec::Vp8]), LITE).unwrap();
    let audio = &agreement.lines[0];
    assert!(audio.usable() && audio.receive.is_empty() && audio.send.is_empty());
    assert_eq!(audio.local.direction, Direction::Inactive);
    let text = text(&agreement);
    let sections = sections(&text);
    assert!(sections[0].starts_with("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"), "{text}");
    for section in sections {
        for attribute in ["a=candidate:", "a=ice-ufrag:", "a=fingerprint:", "a=setup:passive"] {
            assert!(section.contains(attribute), "{attribute} in {section}");
        }
    }
    assert!(text.contains("a=group:BUNDLE 0 1\r\n"));
}

#[test]
fn a_first_line_of_codecs_that_nobody_knows_is_refused_and_leaves_the_group() {
    let text = answered(&both().replaced("opus/48000/2", "iLBC/8000").sdp());
    assert!(sections(&text)[0].starts_with("m=audio 0 "), "{text}");
    assert!(text.contains("a=group:BUNDLE 1\r\n"), "{text}");
}

#[test]
fn nothing_in_common_refuses_all_lines_and_no_more() {
    let offer = Lines::head(&["0"]).then(Lines::audio("0", SEND)).replaced("opus", "iLBC");
    let agreement = agree(&offer.sdp()).unwrap();
    assert_eq!(usable(&agreement.lines), [false]);
    assert!(agreement.transport.is_none());
}

#[test]
fn the_side_that_opens_dtls_is_the_one_that_the_peer_leaves() {
    for (offered, standing, active) in [
        ("a=setup:actpass", None, true),
        ("a=setup:actpass", Some(false), false),
        ("a=setup:actpass", Some(true), true),
        ("a=setup:passive", None, true),
        ("a=setup:active", None, false),
        ("a=x", None, false),
    ] {
        let offer = both().replaced("a=setup:actpass", offered).sdp();
        let standing = Standing { ice_lite: true, active: standing };
        let agreement = answer(&parse(&offer).unwrap(), &[], &capabilities(), standing).unwrap();
        assert_eq!(agreement.transport.unwrap().active, active, "{offered}");
    }
    let held = both().replaced("a=setup:actpass", "a=setup:holdconn").sdp();
    assert_eq!(agree(&held).unwrap_err().line(), Some("a=setup:holdconn"));
}

#[test]
fn two_lite_sides_are_refused() {
    // Some say it in an m-line.
    for line in ["s=-", "a=mid:0"] {
        let lite = both().replaced(line, &format!("{line}\r\na=ice-lite")).sdp();
        let error = agree(&lite).unwrap_err();
        assert!(error.to_string().contains("ICE-lite"), "{error}");
        assert_eq!(error.line(), Some("a=ice-lite"));
    }
}

#[test]
fn ports_for_rtcp_are_refused() {
    let error = agree(&both().without("a=rtcp-mux").sdp()).unwrap_err();
    assert!(error.to_string().contains("rtcp-mux"), "{error}");
    assert_eq!(error.line(), Some("m=audio 9 UDP/TLS/RTP/SAVPF 111"));
}

#[test]
fn fingerprints_that_can_be_checked_count_and_sha_1_only_alone() {
    let sha1 = format!("a=fingerprint:SHA-1 {}", vec!["AB"; 20].join(":"));
    let sha512 = format!("a=fingerprint:sha-512 {}", vec!["AB"; 64].join(":"));
    let md5 = format!("a=fingerprint:md5 {}", vec!["AB"; 16].join(":"));
    let several = format!("{sha512}\r\n{sha1}\r\n{FINGERPRINT}\r\n{md5}");
    let hashes = |text: &str| {
        let offer = both().replaced(FINGERPRINT, text).sdp();
        agree(&offer).map(|agreement| {
            let fingerprints = agreement.transport.unwrap().fingerprints;
            fingerprints.into_iter().map(|f| f.hash).collect::<Vec<_>>()
        })
    };
    assert_eq!(hashes(&several).unwrap(), ["sha-512", "sha-256"]);
    assert_eq!(hashes(&sha1).unwrap(), ["sha-1"]);
    assert!(hashes(&md5).is_err());
}

#[test]
fn names_come_back_letter_by_letter() {
    for mid in ["video-stream", "6b1ff1f2-9b3e-4a53-8e1c-000000000001", "a.b!c", "{x}"] {
        let offer = Lines::head(&[mid]).then(Lines::video(mid, SEND).with(&[
            "a=rid:cam-high_1 send",
            "a=rid:cam-low_1 send",
            "a=simulcast:send cam-high_1;~cam-low_1,cam-none",
        ]));
        let text = answered(&offer.sdp());
        assert!(text.contains(&format!("a=mid:{mid}\r\n")), "{text}");
        assert!(text.contains("a=rid:cam-high_1 recv\r\na=rid:cam-low_1 recv\r\n"), "{text}");
        assert!(text.contains("a=simulcast:recv cam-high_1;~cam-low_1\r\n"), "{text}");
    }
}

#[test]
fn encodings_of_one_group_are_of_one_track_whatever_each_is_called() {
    let sources = ["a=ssrc-group:SIM 301 302", "a=ssrc:301 msid:s low", "a=ssrc:302 msid:s high"];
    let offer = Lines::head(&["1"]).then(Lines::video("1", SEND).with(&sources));
    let agreement = agree(&offer.sdp()).unwrap();
    let remote = &agreement.lines[0].remote;
    assert_eq!(remote.tracks.iter().map(|t| &*t.track).collect::<Vec<_>>(), ["low"]);
    let sources: Vec<_> = remote.sources.iter().map(|s| (s.ssrc, s.place, s.track)).collect();
    assert_eq!(sources, [(301, Some(0), 0), (302, Some(1), 0)]);
}

#[test]
fn several_tracks_of_one_line_are_told_apart_by_their_sources() {
    let video = Lines::video("0", SEND).with(&[
        "a=ssrc:11 msid:s1 camera",
        "a=ssrc:12 msid:s1 camera",
        "a=ssrc:22 msid:s2 screen",
        "a=ssrc-group:FID 11 12",
    ]);
    let agreement = agree(&Lines::head(&["0"]).then(video).sdp()).unwrap();
    let remote = &agreement.lines[0].remote;
    assert_eq!(remote.tracks.iter().map(|t| &*t.track).collect::<Vec<_>>(), ["camera", "screen"]);
    let sources: Vec<_> = remote.sources.iter().map(|s| (s.ssrc, s.rtx, s.track)).collect();
    assert_eq!(sources, [(11, Some(12), 0), (22, None, 1)]);
}

#[test]
fn simulcast_by_ssrc_has_an_order() {
    let video = Lines::video("0", SEND).with(&[
        "a=msid:s t",
        "a=ssrc:3 cname:c",
        "a=ssrc:1 cname:c",
        "a=ssrc:2 cname:c",
        "a=ssrc-group:SIM 1 2 3",
    ]);
    let agreement = agree(&Lines::head(&["0"]).then(video).sdp()).unwrap();
    let places: Vec<_> =
        agreement.lines[0].remote.sources.iter().map(|s| (s.ssrc, s.place)).collect();
    assert_eq!(places, [(3, Some(2)), (1, Some(0)), (2, Some(1))]);
}

#[test]
fn known_header_extensions_come_back_under_their_ids() {
    let video = Lines::video("0", SEND).with(&[
        "a=extmap-allow-mixed",
        "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:200/sendonly urn:3gpp:video-orientation",
        "a=extmap:16 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:15 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=extmap:9 urn:x",
    ]);
    let text = answered(&Lines::head(&["0"]).then(video).sdp());
    let maps: Vec<&str> = text.lines().filter(|line| line.starts_with("a=extmap")).collect();
    assert_eq!(
        maps,
        [
            "a=extmap-allow-mixed",
            "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid",
            "a=extmap:200/recvonly urn:3gpp:video-orientation"
        ]
    );
}

#[test]
fn data_channels_are_taken_in_their_old_form_too() {
    let offer = Lines::head(&["0"]).then(Lines::application("0"));
    let agreement = agree(&offer.sdp()).unwrap();
    assert_eq!(agreement.transport.as_ref().unwrap().max_message_size, Some(65_536));
    let answer = text(&agreement);
    assert!(answer.contains("a=sctp-port:5000\r\na=max-message-size:262144\r\n"), "{answer}");
    let old = offer
        .replaced("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
        .replaced("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024");
    for old in [old.clone(), old.without("a=sctpmap:")] {
        let answer = answered(&old.sdp());
        assert!(answer.contains("m=application 9 DTLS/SCTP 5000\r\n"), "{answer}");
        assert!(answer.contains("a=sctpmap:5000 webrtc-datachannel"), "{answer}");
    }
}

#[test]
fn a_second_line_for_data_channels_is_refused() {
    let offer =
        Lines::head(&["0", "1"]).then(Lines::application("0")).then(Lines::application("1"));
    assert_eq!(usable(&agree(&offer.sdp()).unwrap().lines), [true, false]);
    let first = offer.replaced("m=application 9 ", "m=application 0 ").sdp();
    let second = first.replacen("m=application 0 ", "m=application 9 ", 2);
    let second = second.replacen("m=application 9 ", "m=application 0 ", 1);
    assert_eq!(usable(&agree(&second).unwrap().lines), [false, true]);
}

#[test]
fn opus_is_asked_for_as_it_is_wanted() {
    let opus = OpusParameters { dtx: true, stereo: true, max_average_bitrate: Some(128_000) };
    let capabilities = super::Capabilities { opus, ..capabilities() };
    let offer = both().sdp();
    let agreement = answer(&parse(&offer).unwrap(), &[], &capabilities, LITE).unwrap();
    let fmtp = value(&text(&agreement), "a=fmtp:111 ").unwrap().to_owned();
    for parameter in ["usedtx=1", "stereo=1", "maxaveragebitrate=128000"] {
        assert!(fmtp.split(';').any(|part| part == parameter), "{fmtp}");
    }
}

#[test]
fn later_offers_keep_what_was_agreed_on() {
    let first = agree(&both().sdp()).unwrap();
    let again = |offer: Lines| {
        let text = offer.sdp();
        answer(&parse(&text).unwrap(), &first.lines, &capabilities(), LITE)
            .map_err(|error| (error.to_string(), error.line().map(str::to_owned)))
    };
    assert!(again(both()).is_ok());
    let (_, line) = again(both().replaced("a=mid:1", "a=mid:7")).unwrap_err();
    assert_eq!(line.as_deref(), Some("a=mid:7"));
    let (_, line) = again(both().replaced("m=video", "m=audio")).unwrap_err();
    assert_eq!(line.as_deref(), Some("m=audio 9 UDP/TLS/RTP/SAVPF 96 97"));
    assert!(again(Lines::head(&["0"]).then(Lines::audio("0", SEND))).is_err());
}

#[test]
fn what_the_peer_may_send_stands_in_lines_of_video_that_it_sends() {
    let agreement = agree(&both().sdp()).unwrap();
    let session = LocalSession { max_bitrate: Some(1_000_001), ..session(&agreement) };
    let lines: Vec<_> = agreement.lines.iter().map(|line| &line.local).collect();
    let text = write(&session, &lines, &agreement.group);
    let sections = sections(&text);
    assert!(!sections[0].contains("b="), "{}", sections[0]);
    let place = "c=IN IP4 0.0.0.0\r\nb=TIAS:1000001\r\nb=AS:1001\r\na=";
    assert!(sections[1].contains(place), "{}", sections[1]);
}

#[test]
fn a_line_that_was_given_up_is_free_for_another_kind() {
    let gone = both().replaced("m=video 9", "m=video 0").replaced("BUNDLE 0 1", "BUNDLE 0");
    let first = agree(&gone.sdp()).unwrap();
    let offer =
        Lines::head(&["0", "2"]).then(Lines::audio("0", SEND)).then(Lines::application("2")).sdp();
    let agreement = answer(&parse(&offer).unwrap(), &first.lines, &capabilities(), LITE).unwrap();
    assert_eq!(usable(&agreement.lines), [true, true]);
}

#[test]
fn candidates_that_nothing_can_be_sent_to_are_left_out_one_by_one() {
    let audio = Lines::audio("0", SEND).with(&[
        "a=candidate:1 1 udp 1 0f0a1b2c.local 50000 typ host",
        "a=candidate:3 1 udp 1 fe80::1%eth0 50001 typ host",
        "a=candidate:5 2 UDP 1 192.0.2.3 50003 typ host",
        "a=candidate:6 1 ssltcp 1 192.0.2.3 443 typ host",
        "a=candidate:7 1 udp 1 192.0.2.9 5 typ host",
        "a=candidate:8 nonsense",
    ]);
    let agreement = agree(&Lines::head(&["0"]).then(audio).sdp()).unwrap();
    let candidates = agreement.transport.unwrap().candidates;
    let addresses: Vec<String> = candidates.iter().map(|c| c.address.to_string()).collect();
    assert_eq!(addresses, ["192.0.2.9:5"]);
}
