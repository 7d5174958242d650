//! Which formats are the same, and what payload types mean.

use super::super::description::Direction;
use super::super::{answer, parse};
use super::{LITE, Lines, agree, answered, both, capabilities, only, sections, text};
use crate::codec::Codec;
use crate::codec::h264_profile::H264Profile;

const BOTH: Direction = Direction::SendRecv;

fn video(formats: &str, lines: &[&str]) -> String {
    Lines::head(&["0"]).then(Lines::media("video", formats, "0", BOTH).with(lines)).sdp()
}

#[test]
fn profiles_of_h264_are_matched_and_levels_not_raised() {
    let offer = video(
        "102 103 104 105",
        &[
            "a=rtpmap:102 H264/90000",
            "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f",
            "a=rtpmap:103 H264/90000",
            "a=fmtp:103 profile-level-id=42e00b; packetization-mode=0",
            "a=rtpmap:104 H264/90000",
            "a=fmtp:104 packetization-mode=2;profile-level-id=42e01f",
            "a=rtpmap:105 H264/90000",
            "a=fmtp:105 profile-level-id=zz",
        ],
    );
    let agreement = agree(&offer).unwrap();
    let taken: Vec<_> = agreement.lines[0]
        .receive
        .iter()
        .map(|f| (f.pt, f.parameters.profile, f.parameters.packetization_mode))
        .collect();
    let high = H264Profile::ConstrainedHigh.code();
    assert_eq!(taken, [(102, high, 1), (103, H264Profile::ConstrainedBaseline.code(), 0)]);
    let text = text(&agreement);
    assert!(text.contains(
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f\r\n"
    ));
    assert!(text.contains("a=fmtp:103 packetization-mode=0;profile-level-id=42e00b\r\n"), "{text}");
}

#[test]
fn other_codecs_are_matched_by_their_profiles_too() {
    let offer = video(
        "98 45 49",
        &[
            "a=rtpmap:98 VP9/90000",
            "a=fmtp:98 profile-id=2",
            "a=rtpmap:45 AV1/90000",
            "a=fmtp:45 level-idx=5;profile=0;tier=0",
            "a=rtpmap:49 H265/90000",
            "a=fmtp:49 level-id=93;profile-id=2;tier-flag=0;tx-mode=SRST",
        ],
    );
    let agreement = agree(&offer).unwrap();
    let taken: Vec<_> =
        agreement.lines[0].receive.iter().map(|f| (f.codec, f.parameters.profile)).collect();
    assert_eq!(taken, [(Codec::Vp9, 2), (Codec::H265, 2), (Codec::Av1, 0)]);
    assert!(text(&agreement).contains("a=fmtp:45 profile=0;level-idx=5;tier=0\r\n"));
}

#[test]
fn codecs_come_in_the_order_in_which_they_are_wanted() {
    let offer = video("96 98", &["a=rtpmap:96 VP8/90000", "a=rtpmap:98 VP9/90000"]);
    let codecs = only(&[Codec::Vp9, Codec::Vp8]);
    let agreement = answer(&parse(&offer).unwrap(), &[], &codecs, LITE).unwrap();
    assert!(text(&agreement).contains("m=video 9 UDP/TLS/RTP/SAVPF 98 96\r\n"));
}

#[test]
fn retransmission_belongs_to_one_format_that_is_there() {
    let offer = video(
        "96 97 98 99",
        &[
            "a=rtpmap:96 VP8/90000",
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
            "a=fmtp:97 apt=98",
            "a=rtpmap:98 VP9/90000",
            "a=rtpmap:99 rtx/90000",
            "a=fmtp:99 apt=120",
        ],
    );
    let agreement = agree(&offer).unwrap();
    let rtx: Vec<_> = agreement.lines[0].receive.iter().map(|f| (f.pt, f.rtx)).collect();
    assert_eq!(rtx, [(96, Some(97)), (98, None)]);
    assert!(!text(&agreement).contains("apt=120"));
}

#[test]
fn red_is_taken_where_it_is_wanted_and_comes_first() {
    let audio = Lines::media("audio", "111 63", "0", BOTH).with(&[
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
    ]);
    let offer = Lines::head(&["0"]).then(audio).sdp();
    let red = super::Capabilities { red: true, ..capabilities() };
    let agreement = answer(&parse(&offer).unwrap(), &[], &red, LITE).unwrap();
    assert_eq!(agreement.lines[0].receive[0].red, Some(63));
    let text = text(&agreement);
    assert!(text.contains("SAVPF 63 111\r\n") && text.contains("a=fmtp:63 111/111\r\n"), "{text}");
    assert_eq!(agree(&offer).unwrap().lines[0].receive[0].red, None);
}

#[test]
fn telephone_events_are_taken_with_any_clock() {
    let audio = Lines::audio("0", BOTH)
        .replaced("SAVPF 111", "SAVPF 111 101 110")
        .with(&["a=rtpmap:101 telephone-event/8000", "a=rtpmap:110 TELEPHONE-EVENT/48000"]);
    let agreement = agree(&Lines::head(&["0"]).then(audio).sdp()).unwrap();
    let events: Vec<_> =
        agreement.lines[0].receive_events.iter().map(|e| (e.pt, e.clock_rate)).collect();
    assert_eq!(events, [(101, 8000), (110, 48_000)]);
    assert!(text(&agreement).contains("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"));
}

#[test]
fn one_number_may_mean_two_things_in_two_lines() {
    let text = answered(&both().replaced("111", "96").sdp());
    let sections = sections(&text);
    assert!(sections[0].contains("a=rtpmap:96 opus/48000/2"), "{text}");
    assert!(sections[1].contains("a=rtpmap:96 VP8/90000"), "{text}");
}

#[test]
fn numbers_that_look_like_rtcp_are_not_taken() {
    let offer = video(
        "72 73 96",
        &[
            "a=rtpmap:72 VP8/90000",
            "a=rtpmap:73 rtx/90000",
            "a=fmtp:73 apt=96",
            "a=rtpmap:96 VP8/90000",
        ],
    );
    let agreement = agree(&offer).unwrap();
    let formats: Vec<_> = agreement.lines[0].receive.iter().map(|f| (f.pt, f.rtx)).collect();
    assert_eq!(formats, [(96, None)]);
}

#[test]
fn one_number_means_one_thing_in_a_line() {
    let offer =
        video("96 96", &["a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000", "a=fmtp:96 apt=96"]);
    let agreement = agree(&offer).unwrap();
    let formats = &agreement.lines[0].receive;
    assert_eq!(formats.len(), 1);
    assert_eq!((formats[0].codec, formats[0].rtx), (Codec::Vp8, None));
}

#[test]
fn feedback_is_what_both_have() {
    let offer = video(
        "96",
        &[
            "a=rtpmap:96 VP8/90000",
            "a=rtcp-fb:* nack pli",
            "a=rtcp-fb:96 transport-cc",
            "a=rtcp-fb:96 odd",
        ],
    );
    let text = answered(&offer);
    let feedback: Vec<&str> = text.lines().filter(|line| line.starts_with("a=rtcp-fb")).collect();
    assert_eq!(feedback, ["a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 nack pli"]);
}

#[test]
fn opus_of_who_tells_of_the_transport_is_repeated_although_nobody_offered_that() {
    for (said, answer) in [
        (&["a=rtcp-fb:111 transport-cc"][..], &["transport-cc", "nack"][..]),
        (&["a=rtcp-fb:111 nack"], &["nack"]),
        (&[], &[]),
    ] {
        let offer = Lines::head(&[]).then(Lines::audio("0", Direction::SendRecv).with(said));
        let agreement = agree(&offer.sdp()).unwrap();
        let nack = agreement.lines[0].feedback.has(super::super::Feedback::NACK);
        assert_eq!(nack, answer.contains(&"nack"));
        let text = text(&agreement);
        let feedback: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("a=rtcp-fb:111 ")).collect();
        assert_eq!(feedback, answer);
    }
}
