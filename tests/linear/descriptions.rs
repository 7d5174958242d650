//! Descriptions and fragments, taken by a whole session.

use std::cell::RefCell;

use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::TransportId;
use medialoom::control::options::TransportOptions;

use super::measure::is_linear;
use super::support::World;
use super::support::network::Conditions;

const FINGERPRINT: &str = "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

fn head(mids: &str) -> String {
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\n\
         a=ice-ufrag:peer\r\na=ice-pwd:thepasswordofthepeerisquitelong\r\n\
         a=fingerprint:{FINGERPRINT}\r\na=setup:actpass\r\n"
    )
}

fn video(mid: usize) -> String {
    format!(
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=sendrecv\r\n\
         a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n\
         a=fmtp:97 apt=96\r\na=msid:s{mid} t{mid}\r\na=ssrc:{mid}1 cname:x\r\n"
    )
}

/// One m-line and so many lines after it.
fn with_lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(head("0") + &video(0), |text, n| text + &line(n) + "\r\n")
}

fn with_media(count: usize, media: impl Fn(usize) -> String) -> String {
    let mids: Vec<String> = (0..count).map(|mid| mid.to_string()).collect();
    (0..count).fold(head(&mids.join(" ")), |text, n| text + &media(n))
}

fn close(world: &mut World, transport: TransportId) {
    world.ask(transport, |request| TransportCommand::Close { request }).unwrap();
    world.events.clear();
}

/// A new session takes an offer, and the same once more. It may refuse it.
fn offers(what: &str, sdp: impl Fn(usize) -> String) {
    let texts = [sdp(1), sdp(4)];
    let world = RefCell::new(World::new(1, 1, Conditions::GOOD));
    is_linear(
        what,
        |times| {
            let transport = world.borrow_mut().create_transport(0, TransportOptions::default());
            (transport, texts[usize::from(times != 1)].as_str())
        },
        |(transport, text)| {
            let mut world = world.borrow_mut();
            let first = world.accept_offer(*transport, text).is_ok();
            assert_eq!(world.accept_offer(*transport, text).is_ok(), first);
            world.events.clear();
            close(&mut world, *transport);
        },
    );
}

#[test]
fn offers_with_many_lines_of_one_kind() {
    const LINES: usize = 3000;
    type Line = fn(usize) -> String;
    let kinds: [(&str, Line); 18] = [
        ("candidates", |n| {
            format!("a=candidate:{n} 1 udp {} 192.0.2.1 {} typ host", n + 1, n % 65_000 + 1)
        }),
        ("host names", |n| format!("a=candidate:{n} 1 udp 1 {n}.local 9 typ host")),
        ("SSRCs", |n| format!("a=ssrc:{} cname:{n}", n + 100)),
        ("lines of one SSRC", |n| format!("a=ssrc:1 x{n}:{n}")),
        ("groups of SSRCs", |n| format!("a=ssrc-group:FID {} {}", n + 100, n + 90_000)),
        ("tracks of one m-line", |n| format!("a=ssrc:{} msid:s{n} t{n}", n + 100)),
        ("msid", |n| format!("a=msid:s{n} t{n}")),
        ("rid", |n| format!("a=rid:r{n} send pt=96")),
        ("simulcast", |n| format!("a=simulcast:send r{n};r{n},q{n}")),
        ("extmap", |n| format!("a=extmap:{} urn:x:{n}", n % 255 + 1)),
        ("fmtp", |n| format!("a=fmtp:96 x{n}={n}")),
        ("rtpmap", |n| format!("a=rtpmap:{} x{n}/90000", n % 128)),
        ("rtcp-fb", |n| format!("a=rtcp-fb:{} x {n}", n % 128)),
        ("fingerprint", |_| format!("a=fingerprint:{FINGERPRINT}")),
        ("credentials", |n| format!("a=ice-ufrag:ufrag{n}")),
        ("crypto", |n| format!("a=crypto:{n} AES_CM_128_HMAC_SHA1_80 inline:x")),
        ("mid", |n| format!("a=mid:{n}")),
        ("unknown", |n| format!("a=x{n}:{n}")),
    ];
    for (what, line) in kinds {
        // A fingerprint is long, and the whole has to stay below a megabyte.
        let lines = if what == "fingerprint" { LINES / 2 } else { LINES };
        offers(what, |times| with_lines(times * lines, line));
    }
    offers("lines of the session", |times| {
        let lines: String = (0..times * LINES).map(|n| format!("a=x:{n}\r\n")).collect();
        head("0") + &lines + &video(0)
    });
}

#[test]
fn offers_with_long_lines() {
    const WORDS: usize = 20_000;
    let kinds = [
        ("a=fmtp:96 ", "x=1;"),
        ("a=msid:", "x "),
        ("a=simulcast:send ", "x;"),
        ("a=ssrc-group:SIM", " 1"),
        ("a=rid:x send pt=96;depend=", "x,"),
        ("a=extmap:1 ", "x:"),
        ("a=ice-options:", "x "),
        ("a=candidate:1 1 udp 1 192.0.2.1 9 typ host", " x y"),
        ("a=fingerprint:sha-256 ", "AB:"),
        ("a=x", "yy"),
    ];
    for (start, word) in kinds {
        offers(start, |times| with_lines(1, |_| start.to_owned() + &word.repeat(times * WORDS)));
    }
    offers("a group of many names", |times| {
        let names: String = (0..times * WORDS).map(|n| format!(" {n}")).collect();
        head(&format!("0{names}")) + &video(0)
    });
    offers("payload types of an m-line", |times| {
        let numbers: String = (0..times * 3000).map(|n| format!(" {}", n % 128)).collect();
        head("0") + &video(0).replace(" 96 97", &format!(" 96 97{numbers}"))
    });
}

#[test]
fn offers_with_many_m_lines() {
    offers("pictures", |times| with_media(times * 240, video));
    offers("sound", |times| {
        with_media(times * 240, |mid| {
            format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:{mid}\r\na=rtcp-mux\r\n")
        })
    });
    offers("lines for data", |times| {
        with_media(times * 240, |mid| {
            format!("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:{mid}\r\n")
        })
    });
    offers("lines that are unknown", |times| {
        with_media(times * 240, |mid| format!("m=text 9 RTP/AVP 0\r\na=mid:{mid}\r\n"))
    });
    offers("lines without names", |times| {
        with_media(times * 240, |_| "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".to_owned())
    });
    offers("lines with candidates each", |times| {
        with_media(times * 60, |mid| {
            let line = |n| format!("a=candidate:{n} 1 udp 1 192.0.2.{mid} {} typ host\r\n", n + 1);
            video(mid) + &(0..40).map(line).collect::<String>()
        })
    });
}

/// What an offer of ours comes to when all of it is taken; shorter than the offer, which may be more
/// than is read.
fn answer_to(offer: &str) -> String {
    let kept = |line: &&str| {
        !["a=ice-lite", "a=extmap", "a=rtcp-fb", "a=ssrc", "a=candidate", "a=msid"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines = offer.lines().filter(kept).map(|line| match line {
        "a=setup:actpass" => "a=setup:active",
        "a=sendonly" => "a=recvonly",
        line => line,
    });
    lines.fold(String::new(), |text, line| text + line + "\r\n")
}

/// A transport with so many tracks of ours.
fn with_tracks(world: &RefCell<World>, tracks: usize) -> TransportId {
    let mut world = world.borrow_mut();
    let transport = world.create_transport(0, TransportOptions::default());
    for _ in 0..tracks {
        world.add_outgoing(transport, Kind::Video, "stream");
    }
    transport
}

#[test]
fn a_peer_that_receives_as_many_tracks_as_it_may() {
    let world = RefCell::new(World::new(1, 1, Conditions::GOOD));
    is_linear(
        "tracks that find lines of an offer, and lose them",
        |times| (with_tracks(&world, times * 240), with_media(times * 240, video)),
        |(transport, text)| {
            let mut world = world.borrow_mut();
            for _ in 0..2 {
                world.accept_offer(*transport, text).unwrap();
            }
            let stopped = text.replace("m=video 9", "m=video 0");
            world.accept_offer(*transport, &stopped).unwrap();
            close(&mut world, *transport);
        },
    );
    is_linear(
        "an offer of ours and its answer",
        |times| with_tracks(&world, times * 120),
        |transport| {
            let mut world = world.borrow_mut();
            let offer = world.create_offer(*transport).unwrap();
            let answer = answer_to(&offer);
            world.accept_answer(*transport, &answer).unwrap();
            close(&mut world, *transport);
        },
    );
}

#[test]
fn candidates_that_come_one_by_one_and_fragments() {
    let world = RefCell::new(World::new(1, 1, Conditions::GOOD));
    for full in [false, true] {
        let connected = || {
            let mut world = world.borrow_mut();
            let options = TransportOptions { ice_lite: !full, ..Default::default() };
            let transport = world.create_transport(0, options);
            world.accept_offer(transport, &(head("0") + &video(0))).unwrap();
            transport
        };
        is_linear(
            "trickled candidates",
            |times| {
                let line =
                    |n| format!("candidate:{n} 1 udp {} 192.0.2.1 {} typ host", n + 9, n + 1);
                (connected(), (0..times * 200).map(line).collect::<Vec<_>>())
            },
            |(transport, lines)| {
                let mut world = world.borrow_mut();
                for candidate in lines.iter().cloned() {
                    let add = |request| TransportCommand::AddCandidate { request, candidate };
                    world.ask(*transport, add).unwrap();
                }
                close(&mut world, *transport);
            },
        );
        is_linear(
            "a fragment",
            |times| {
                let line = |n| format!("a=candidate:{n} 1 udp 1 192.0.2.1 {} typ host\r\n", n + 1);
                let lines: String = (0..times * 2000).map(line).collect();
                (
                    connected(),
                    format!(
                        "a=ice-ufrag:peer\r\na=ice-pwd:thepasswordofthepeerisquitelong\r\n\
                         m=audio 9 RTP/AVP 0\r\na=mid:0\r\n{lines}"
                    ),
                )
            },
            |(transport, fragment)| {
                let mut world = world.borrow_mut();
                let fragment = fragment.clone();
                let accept = |request| TransportCommand::AcceptFragment { request, fragment };
                world.ask(*transport, accept).unwrap();
                close(&mut world, *transport);
            },
        );
    }
}
