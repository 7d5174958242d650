//! What may stand in a description, and what an error says of the rest.

use super::super::description::{Direction, Setup};
use super::super::{
    MAX_CANDIDATES, MAX_LINES, MAX_MEDIA, MAX_PAYLOAD_TYPES, MAX_SDP, SdpError, parse,
};
use super::{FINGERPRINT, Lines, both};

#[test]
fn what_is_unknown_may_stand_anywhere() {
    let text = both()
        .replaced("c=IN IP4 0.0.0.0", "i=microphone\r\nb=AS:2500\r\nb=TIAS:2500000\r\nc=IN IP4 1.1.1.1\r\nk=prompt\r\ny=odd\r\na=x-unknown:1\r\na=quality:10\r\nb=AS:3")
        .replaced("t=0 0", "e=a@b\r\np=1\r\nc=IN IP4 10.0.0.1\r\nb=AS:1\r\nb=CT:2\r\nt=today\r\nr=1 2\r\nt=1 2\r\nz=0 0\r\nk=clear:x\r\na=tool:x\r\na=cat:x")
        .sdp();
    let description = parse(&text).unwrap();
    assert_eq!(description.media.len(), 2);
    assert_eq!(description.media[1].mid(), Some("1"));
}

#[test]
fn ends_of_lines_indents_and_leading_blanks_are_taken_as_they_come() {
    let plain = both().sdp();
    let indented: String = plain.lines().map(|line| format!("   {line}\n")).collect();
    let variants = [
        plain.replace("\r\n", "\n"),
        plain.replace("\r\n", "\r"),
        plain.replace("\r\n", "\r\r\n"),
        plain.replace("\r\n", "\r\n\r\n"),
        format!("\n\n{plain}"),
        format!("\u{feff}{plain}"),
        format!("{plain}\0"),
        indented,
        plain.trim_end().to_owned(),
    ];
    for text in variants {
        let description = parse(&text).unwrap();
        assert_eq!(description.media.len(), 2, "{text:?}");
        assert!(description.media.iter().all(|media| media.rtcp_mux));
    }
}

#[test]
fn lines_of_the_session_may_be_missing() {
    let text = both().without("v=").without("o=").without("s=").without("t=").sdp();
    assert_eq!(parse(&text).unwrap().media.len(), 2);
}

#[test]
fn m_lines_inherit_what_the_session_says() {
    let session = Lines::head(&["0"]).with(&[
        "a=ice-ufrag:uuuu",
        "a=ice-pwd:pppppppppppppppppppppp",
        FINGERPRINT,
        "a=setup:active",
        "a=recvonly",
        "a=extmap:7 urn:x",
        "a=candidate:1 1 udp 1 192.0.2.1 5 typ host",
    ]);
    let text = session.with(&["m=audio 9 RTP/SAVPF 0", "a=mid:0"]).sdp();
    let description = parse(&text).unwrap();
    let media = &description.media[0];
    assert_eq!(description.credentials(media), Some(("uuuu", "pppppppppppppppppppppp")));
    assert_eq!(description.fingerprints(media).len(), 1);
    assert_eq!(description.setup(media).map(|(setup, _)| setup), Some(Setup::Active));
    assert_eq!(media.direction, Direction::RecvOnly);
    assert_eq!(description.extensions(media).count(), 1);
    assert_eq!(description.candidates().count(), 1);
}

#[test]
fn no_direction_anywhere_is_both() {
    let text = both().without("a=sendonly").sdp();
    let description = parse(&text).unwrap();
    assert!(description.media.iter().all(|media| media.direction == Direction::SendRecv));
}

#[test]
fn extension_ids_are_those_that_packets_can_have() {
    let lines = Lines::audio("0", Direction::SendRecv).with(&[
        "a=extmap:15/sendonly urn:a",
        "a=extmap:255 urn:b with attributes",
        "a=extmap:0 urn:c",
        "a=extmap:256 urn:d",
        "a=extmap:4096 urn:e",
        "a=extmap:x urn:f",
    ]);
    let text = lines.sdp();
    let description = parse(&text).unwrap();
    let ids: Vec<u8> = description.media[0].extensions.iter().map(|e| e.id).collect();
    assert_eq!(ids, [15, 255]);
    assert_eq!(description.media[0].extensions[0].direction, Direction::SendOnly);
}

#[test]
fn the_first_rtpmap_counts_and_others_know_their_numbers() {
    let text = "m=audio 9 RTP/SAVPF 0 9 63 111\r\na=rtpmap:111 opus/48000/2\r\n\
        a=rtpmap:111 PCMA/8000\r\na=rtpmap:9 G722/8000\r\na=rtpmap:77 VP8/90000\r\n";
    let description = parse(text).unwrap();
    let names: Vec<Option<&str>> =
        description.media[0].payloads.iter().map(|p| p.encoding.map(|e| e.name)).collect();
    assert_eq!(names, [Some("PCMU"), Some("G722"), None, Some("opus")]);
}

#[test]
fn sources_groups_and_msids_are_kept() {
    let text = "m=video 9 RTP/SAVPF 96\r\na=msid:s t\r\na=msid:s2 t\r\na=ssrc:1 cname:c\r\n\
        a=ssrc:1 msid:s t\r\na=ssrc:2 cname:c\r\na=ssrc-group:FID 1 2\r\na=ssrc:x cname:c\r\n";
    let description = parse(text).unwrap();
    let media = &description.media[0];
    assert_eq!(media.msids.len(), 1, "one track in two streams");
    assert_eq!(media.sources.iter().map(|s| s.ssrc).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(media.sources[0].cname, Some("c"));
    assert_eq!(media.source_groups[0].ssrcs, [1, 2]);
}

#[test]
fn errors_name_the_line_that_is_wrong() {
    let cases = [
        ("v=0", "v=1"),
        ("s=-", "nonsense"),
        ("a=mid:1", "a=mid:0"),
        ("a=mid:1", "a=mid:"),
        ("a=setup:actpass", "a=setup:maybe"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:"),
        (FINGERPRINT, "a=fingerprint:sha-256 zz"),
        ("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8"),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96 97", "m=video"),
    ];
    for (from, to) in cases {
        let error = parse(&both().replaced(from, to).sdp()).map(|_| ()).unwrap_err();
        assert_eq!(error.line(), Some(to), "{error}");
        assert!(matches!(error, SdpError::Malformed { .. }));
    }
}

#[test]
fn numbers_that_are_not_in_the_m_line_need_not_make_sense() {
    let text = both().with(&["a=rtpmap:120 FOO", "a=rtpmap:121", "a=fmtp:122", "a=rtcp-fb:123"]);
    assert_eq!(parse(&text.sdp()).unwrap().media[1].payloads.iter().count(), 2);
}

#[test]
fn refused_lines_need_not_make_sense() {
    let text = both()
        .with(&["m=video 0 UDP/TLS/RTP/SAVPF 0", "a=rtpmap:x", "a=setup:maybe", "a=fingerprint:x"])
        .sdp();
    assert!(parse(&text).is_ok());
}

#[test]
fn every_list_has_a_bound() {
    assert_eq!(parse(&"a=x\r\n".repeat(300_000)).map(|_| ()), Err(SdpError::TooLarge));
    const { assert!(MAX_SDP < 5 * 300_000) };
    let many = "m=audio 0 RTP/SAVPF 0\n".repeat(MAX_MEDIA + 1);
    assert_eq!(parse(&many).map(|_| ()), Err(SdpError::TooManyMedia));

    let lines = "a=x\n".repeat(MAX_LINES + 1);
    assert_eq!(parse(&lines).map(|_| ()), Err(SdpError::TooManyLines));
    let all: String = (0..128).map(|pt| format!(" {pt}")).collect();
    let numbers = format!("m=audio 9 RTP/SAVPF{all}\n").repeat(MAX_PAYLOAD_TYPES / 128 + 1);
    assert_eq!(parse(&numbers).map(|_| ()), Err(SdpError::TooManyPayloadTypes));

    let mut text = String::from("m=video 9 RTP/SAVPF 96\r\n");
    for n in 0..2000 {
        text.push_str(&format!(
            "a=candidate:{n} 1 udp 1 192.0.2.1 {n} typ host\r\na=ssrc:{n} cname:c\r\n"
        ));
        text.push_str(&format!(
            "a=rid:r{n} send\r\na=extmap:{} urn:{n}\r\n{FINGERPRINT}\r\n",
            n % 255 + 1
        ));
        text.push_str(&format!(
            "a=fmtp:96 x={n}\r\na=rtcp-fb:96 x{n}\r\na=msid:s{n} t{n}\r\na=ssrc-group:FID {n} 1\r\n"
        ));
    }
    let description = parse(&text).unwrap();
    let media = &description.media[0];
    assert_eq!(description.candidates().count(), MAX_CANDIDATES);
    assert!(media.sources.len() <= 64 && media.source_groups.len() <= 64);
    assert!(media.rids.len() <= 16 && media.msids.len() <= 16);
    assert!(media.extensions.len() <= 64 && media.transport.fingerprints.len() <= 16);
    assert!(media.payloads.iter().all(|p| p.fmtp.len() <= 16 && p.feedback.len() <= 16));
}
