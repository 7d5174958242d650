use std::time::{Duration, Instant};

use super::reader::{Incoming, Reader};
use super::*;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\na=control:*\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
    a=control:stream=0\r\nm=audio 0 RTP/AVP 8\r\na=control:stream=1\r\n";
const TIMEOUT: Duration = Duration::from_secs(10);

struct Rig {
    client: Client,
    now: Instant,
}

fn rig(url: &str) -> Rig {
    let now = Instant::now();
    let (url, credentials) = Url::parse(url).unwrap();
    Rig { client: Client::new(now, url, credentials, [7; 8], TIMEOUT), now }
}

impl Rig {
    /// What the client asks, and the number of it.
    fn asked(&mut self) -> (String, String) {
        let text = String::from_utf8(self.client.take_output()).unwrap();
        let number = text.lines().find_map(|line| line.strip_prefix("CSeq: ")).unwrap_or_default();
        let number = number.to_owned();
        (text, number)
    }

    /// Answers what is asked; gives what that was.
    fn answer(&mut self, status: &str, rest: &str) -> String {
        let (text, number) = self.asked();
        self.client.feed(format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n{rest}").as_bytes());
        text
    }

    fn next(&mut self) -> Result<Option<Event<'_>>, RtspError> {
        self.client.next(self.now)
    }

    fn quiet(&mut self) {
        assert!(matches!(self.next(), Ok(None)));
    }

    fn describe(&mut self) -> Description {
        self.answer("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n\r\n");
        self.quiet();
        let body =
            format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}", SDP.len());
        let asked = self.answer("200 OK", &body);
        assert!(asked.starts_with("DESCRIBE rtsp://camera/live RTSP/1.0\r\n"), "{asked}");
        match self.next() {
            Ok(Some(Event::Described(description))) => description,
            other => panic!("{other:?}"),
        }
    }

    fn play(&mut self) {
        assert_eq!(self.describe().media.len(), 2);
        let wanted = |media: usize| Wanted { media, lower: Lower::Interleaved(2 * media as u8) };
        self.client.set_up(self.now, vec![wanted(0), wanted(1)]);
        let asked = self.answer(
            "200 OK",
            "Session: abc;timeout=30\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
        );
        assert!(asked.starts_with("SETUP rtsp://camera/live/stream=0 RTSP/1.0\r\n"), "{asked}");
        assert!(asked.contains("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"));
        self.quiet();
        let asked =
            self.answer("200 OK", "Session: abc\r\nTransport: RTP/AVP/TCP;interleaved=6-7\r\n\r\n");
        assert!(asked.contains("stream=1 ") && asked.contains("Session: abc\r\n"), "{asked}");
        self.quiet();
        let asked = self.answer("200 OK", "Session: abc\r\n\r\n");
        assert!(asked.starts_with("PLAY rtsp://camera/live RTSP/1.0\r\n"), "{asked}");
        assert!(matches!(self.next(), Ok(Some(Event::Playing))));
    }
}

#[test]
fn a_server_is_asked_what_there_is_and_has_it_sent_as_it_says() {
    let mut rig = rig("rtsp://camera/live");
    rig.play();
    let expected =
        [Agreed::Interleaved { rtp: 0, rtcp: 1 }, Agreed::Interleaved { rtp: 6, rtcp: 7 }];
    assert_eq!(rig.client.agreed(), expected);
    rig.client
        .feed(b"$\x06\x00\x03abc$\x07\x00\x00RTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n$\x00\x00\x01");
    assert!(matches!(rig.next(), Ok(Some(Event::Packet { channel: 6, data: b"abc" }))));
    assert!(matches!(rig.next(), Ok(Some(Event::Packet { channel: 7, data: b"" }))));
    rig.quiet();
    rig.client.feed(b"z");
    assert!(matches!(rig.next(), Ok(Some(Event::Packet { channel: 0, data: b"z" }))));
}

#[test]
fn a_session_is_kept_twice_in_its_time_and_left_with_a_goodbye() {
    let mut rig = rig("rtsp://camera/live");
    rig.play();
    assert_eq!(rig.client.poll_timeout(), Some(rig.now + Duration::from_secs(15)));
    rig.now += Duration::from_secs(15);
    rig.client.handle_timeout(rig.now).unwrap();
    let asked = rig.answer("405 Method Not Allowed", "\r\n");
    assert!(asked.starts_with("GET_PARAMETER rtsp://camera/live "), "{asked}");
    rig.quiet();
    rig.now += Duration::from_secs(15);
    rig.client.handle_timeout(rig.now).unwrap();
    assert!(
        rig.asked().0.starts_with("OPTIONS "),
        "the other way where it does not know the first"
    );
    rig.now += TIMEOUT;
    rig.client.handle_timeout(rig.now).expect("media says whether it is there");
    rig.now += Duration::from_secs(15);
    rig.client.handle_timeout(rig.now).unwrap();
    rig.answer("454 Session Not Found", "\r\n");
    assert!(matches!(rig.next(), Err(RtspError::Status { status: 454, .. })));
    rig.client.tear_down(rig.now);
    assert!(rig.asked().0.starts_with("TEARDOWN rtsp://camera/live "));
}

#[test]
fn a_password_is_shown_when_it_is_asked_for_and_never_in_a_url() {
    const CHALLENGE: &str = "WWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"n1\"\r\n\r\n";
    let mut rig = rig("rtsp://me:word@camera/live");
    let first = rig.answer("401 Unauthorized", CHALLENGE);
    assert!(!first.contains("Authorization") && !first.contains("word"));
    rig.quiet();
    let second = rig.answer("401 Unauthorized", &CHALLENGE.replace("\"n1\"", "\"n2\", stale=true"));
    assert!(second.contains("Authorization: Digest username=\"me\", realm=\"a\", nonce=\"n1\", uri=\"rtsp://camera/live\""));
    rig.quiet();
    assert!(rig.answer("401 Unauthorized", CHALLENGE).contains("nonce=\"n2\""));
    assert_eq!(rig.next().unwrap_err(), RtspError::Unauthorized { given: true });
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut rig = rig("rtsp://me:word@camera/live");
    for _ in 0..2 {
        rig.answer("401 Unauthorized", "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\n\r\n");
        let outcome = rig.client.next(rig.now).map(|event| event.is_none());
        if let Err(error) = outcome {
            assert_eq!(error, RtspError::Unauthorized { given: true });
            return;
        }
    }
    panic!("it goes on");
}

#[test]
fn without_a_password_or_a_way_to_show_it_the_error_says_so() {
    let refused = |url, challenge: &str| {
        let mut rig = rig(url);
        rig.answer("401 Unauthorized", challenge);
        rig.next().unwrap_err()
    };
    let digest = "WWW-Authenticate: Digest realm=\"a\", nonce=\"n\"\r\n\r\n";
    assert_eq!(refused("rtsp://camera/live", digest), RtspError::Unauthorized { given: false });
    assert_eq!(
        refused("rtsp://me:word@camera/live", "WWW-Authenticate: NTLM\r\n\r\n"),
        RtspError::Scheme
    );
}

#[test]
fn answers_that_say_no_are_errors_of_their_own() {
    let mut missing = rig("rtsp://camera/live");
    missing.answer("200 OK", "\r\n");
    missing.quiet();
    missing.answer("404 Not Found", "\r\n");
    let expected = RtspError::Status { status: 404, reason: "Not Found".into() };
    assert_eq!(missing.next().unwrap_err(), expected);

    let mut moved = rig("rtsp://camera/live");
    moved.answer("302 Found", "Location: rtsp://10.0.0.1/other\r\n\r\n");
    let Ok(Some(Event::Moved(url))) = moved.next() else { panic!("it does not move") };
    assert_eq!(url.to_string(), "rtsp://10.0.0.1/other");

    let mut nowhere = rig("rtsp://camera/live");
    nowhere.answer("302 Found", "Location: http://10.0.0.1/other\r\n\r\n");
    assert_eq!(nowhere.next().unwrap_err(), RtspError::Redirect);

    let mut refusing = rig("rtsp://camera/live");
    refusing.describe();
    let now = refusing.now;
    refusing.client.set_up(now, vec![Wanted { media: 0, lower: Lower::Udp(5004) }]);
    assert!(
        refusing
            .answer("461 Unsupported Transport", "\r\n")
            .contains("RTP/AVP;unicast;client_port=5004-5005")
    );
    assert!(matches!(refusing.next(), Ok(Some(Event::Refused))));
    refusing.client.set_up(now, vec![Wanted { media: 0, lower: Lower::Interleaved(0) }]);
    assert!(
        refusing.answer("200 OK", "Session: a\r\n\r\n").contains("interleaved=0-1"),
        "it is asked otherwise"
    );
    refusing.quiet();

    let mut silent = rig("rtsp://camera/live");
    silent.now += TIMEOUT;
    assert_eq!(silent.client.handle_timeout(silent.now), Err(RtspError::Timeout));
}

#[test]
fn a_server_that_asks_is_answered_and_one_that_ends_is_heard() {
    let mut rig = rig("rtsp://camera/live");
    rig.play();
    rig.client.feed(
        b"OPTIONS * RTSP/1.0\r\nCSeq: 5\r\n\r\nANNOUNCE rtsp://a RTSP/1.0\r\nCSeq: 6\r\n\r\n",
    );
    rig.quiet();
    assert_eq!(
        rig.asked().0,
        "RTSP/1.0 200 OK\r\nCSeq: 5\r\n\r\nRTSP/1.0 501 Not Implemented\r\nCSeq: 6\r\n\r\n"
    );
    rig.client.feed(b"TEARDOWN rtsp://a RTSP/1.0\r\nCSeq: 7\r\n\r\n");
    assert!(matches!(rig.next(), Ok(Some(Event::Ended))));
}

fn error_of(bytes: &[u8]) -> Option<RtspError> {
    let mut reader = Reader::default();
    for piece in bytes.chunks(1024) {
        reader.feed(piece);
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(_)) => {}
                Err(error) => return Some(error),
            }
        }
    }
    None
}

#[test]
fn what_is_no_rtsp_or_goes_on_without_an_end_is_an_error() {
    assert_eq!(error_of(b"\x16\x03\x01\x02"), Some(RtspError::Malformed));
    assert_eq!(error_of(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Some(RtspError::Malformed));
    assert_eq!(error_of(b"RTSP/1.0 many\r\n\r\n"), Some(RtspError::Malformed));
    assert_eq!(
        error_of(
            &b"RTSP/1.0 200 OK\r\nX: ".iter().copied().chain([b'a'; 20_000]).collect::<Vec<_>>()
        ),
        Some(RtspError::TooLong)
    );
    assert_eq!(
        error_of(format!("RTSP/1.0 200 OK\r\n{}\r\n", "A: b\r\n".repeat(100)).as_bytes()),
        Some(RtspError::TooLong)
    );
    assert_eq!(
        error_of(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
        Some(RtspError::TooLong)
    );
    assert_eq!(
        error_of(b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n"),
        Some(RtspError::Malformed)
    );
}

#[test]
fn bytes_that_come_one_by_one_are_each_looked_at_once() {
    let head = format!(
        "RTSP/1.0 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\nhi$\x01\x00\x01z",
        "a".repeat(15_000)
    );
    let (mut reader, mut came) = (Reader::default(), Vec::new());
    for byte in head.as_bytes() {
        reader.feed(&[*byte]);
        match reader.next().unwrap() {
            Some(Incoming::Response(response)) => came.push(response.body),
            Some(Incoming::Packet { data, .. }) => came.push(data.to_vec()),
            Some(Incoming::Request { .. }) => panic!("nothing was asked"),
            None => {}
        }
    }
    assert_eq!(came, [b"hi".to_vec(), b"z".to_vec()]);
}
