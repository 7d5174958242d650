use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;
use crate::codec::Kind;
use crate::container::mp4::Fragment;
use crate::control::ids::RecordedTrackId;

const SHAPE: Shape =
    Shape { part: Duration::from_millis(500), segment: Duration::from_secs(2), window: 4 };
const MS: Duration = Duration::from_millis(1);

fn stream() -> Stream {
    Stream::new(SHAPE, Duration::from_secs(1_700_000_000))
}

fn fragment(index: u32, independent: bool) -> Fragment {
    let begin = 500 * MS * index;
    Fragment { bytes: vec![index as u8; 100], independent, begin, duration: 500 * MS }
}

fn add(stream: &Stream, kind: Kind, title: &str, language: &str) -> RecordedTrackId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = RecordedTrackId(NEXT.fetch_add(1, Ordering::Relaxed));
    assert!(stream.add(id, kind, title, language));
    id
}

fn begin(stream: &Stream, rendition: RecordedTrackId, codec: &str, size: Option<(u16, u16)>) {
    let format = Format { codec: codec.to_owned(), size };
    stream.publish(rendition, Publication::Begin(format, b"init".to_vec()));
}

/// Fragments of which every fourth begins with a keyframe.
fn publish(stream: &Stream, rendition: RecordedTrackId, fragments: std::ops::Range<u32>) {
    for index in fragments {
        let fragment = fragment(index, index % 4 == 0);
        let last = index % 4 == 3;
        stream.publish(rendition, Publication::Fragment { fragment, last });
    }
}

struct Player(mpsc::Receiver<Answer>);

impl Player {
    fn answered(&self) -> Option<Answer> {
        self.0.try_recv().ok()
    }
}

fn ask(stream: &Stream, path: &str, query: &str) -> Player {
    let (sender, receiver) = mpsc::channel();
    let reply = Box::new(move |answer| drop(sender.send(answer)));
    stream.ask(Instant::now(), path, query, reply);
    Player(receiver)
}

fn text(answer: Option<Answer>) -> String {
    match answer.expect("an answer").body {
        Body::Playlist(text) => String::from_utf8(text.to_vec()).unwrap(),
        body => panic!("{body:?}"),
    }
}

fn status(stream: &Stream, path: &str, query: &str) -> Option<u16> {
    ask(stream, path, query).answered().map(|answer| answer.status)
}

#[test]
fn a_playlist_has_segments_parts_and_what_comes_next() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", Some((1280, 720)));
    publish(&stream, pictures, 0..6);
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    let tag = "18bcfe56800";
    let expected = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500,HOLD-BACK=9.000",
        "#EXT-X-PART-INF:PART-TARGET=0.500",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-DISCONTINUITY-SEQUENCE:0",
        &format!("#EXT-X-MAP:URI=\"init0-{tag}.mp4\""),
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z",
        &format!("#EXT-X-PART:DURATION=0.50000,URI=\"p0.0-{tag}.mp4\",INDEPENDENT=YES"),
        &format!("#EXT-X-PART:DURATION=0.50000,URI=\"p0.1-{tag}.mp4\""),
        &format!("#EXT-X-PART:DURATION=0.50000,URI=\"p0.2-{tag}.mp4\""),
        &format!("#EXT-X-PART:DURATION=0.50000,URI=\"p0.3-{tag}.mp4\""),
        "#EXTINF:2.00000,",
        &format!("s0-{tag}.mp4"),
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:22.000Z",
        &format!("#EXT-X-PART:DURATION=0.50000,URI=\"p1.0-{tag}.mp4\",INDEPENDENT=YES"),
        &format!("#EXT-X-PART:DURATION=0.50000,URI=\"p1.1-{tag}.mp4\""),
        &format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p1.2-{tag}.mp4\""),
        "",
    ];
    assert_eq!(playlist, expected.join("\n"));
}

#[test]
fn whoever_asks_for_the_next_part_gets_it_when_it_is_there() {
    let stream = stream();
    let sound = add(&stream, Kind::Audio, "", "und");
    begin(&stream, sound, "opus", None);
    publish(&stream, sound, 0..3);
    let waiting = ask(&stream, "a0/live.m3u8", "_HLS_msn=0&_HLS_part=3");
    let hinted = ask(&stream, "a0/p0.3-18bcfe56800.mp4", "");
    assert_eq!((waiting.answered(), hinted.answered()), (None, None));
    publish(&stream, sound, 3..4);
    assert!(text(waiting.answered()).contains("p0.3-"));
    let answer = hinted.answered().unwrap();
    assert_eq!(answer.body, Body::Media(Kind::Audio, vec![3; 100].into()));
    assert!(answer.immutable);
    let whole = ask(&stream, "a0/live.m3u8", "_HLS_msn=1");
    publish(&stream, sound, 4..7);
    assert_eq!(whole.answered(), None, "the segment is open");
    publish(&stream, sound, 7..8);
    assert!(text(whole.answered()).contains("\ns1-"));
}

#[test]
fn the_hint_is_always_what_comes_next() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..5);
    for next in 5..24 {
        let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
        let (_, hint) = playlist.split_once("PRELOAD-HINT:TYPE=PART,URI=\"").unwrap();
        let hinted = ask(&stream, &format!("v0/{}", hint.split('"').next().unwrap()), "");
        assert_eq!(hinted.answered(), None);
        publish(&stream, pictures, next..next + 1);
        let expected = Body::Media(Kind::Video, vec![next as u8; 100].into());
        assert_eq!(hinted.answered().map(|answer| answer.body), Some(expected), "{next}");
    }
}

#[test]
fn requests_that_make_no_sense_are_told_so() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..1);
    for (path, query, expected) in [
        ("v0/live.m3u8", "_HLS_msn=4", 400),
        ("v0/live.m3u8", "_HLS_msn=0&_HLS_part=8", 400),
        ("v0/live.m3u8", "_HLS_part=4", 400),
        ("v0/live.m3u8", "_HLS_msn=-1", 400),
        ("v0/live.m3u8", "_HLS_msn=99999999999999999999999", 400),
        ("v7/live.m3u8", "", 404),
        ("v0/init0-18bcfe56800.mp4", "", 200),
        ("v0/init1-18bcfe56800.mp4", "", 404),
        ("v0/init0-17.mp4", "", 404),
        ("v0/s0-18bcfe56800.mp4", "", 404),
        ("v0/p0.9-18bcfe56800.mp4", "", 404),
        ("v0/p0.18446744073709551615-18bcfe56800.mp4", "", 404),
        ("../etc/passwd", "", 404),
        ("", "", 404),
    ] {
        assert_eq!(status(&stream, path, query), Some(expected), "{path}?{query}");
    }
}

#[test]
fn the_whole_stream_is_told_when_all_of_it_has_begun() {
    let stream = stream();
    let (pictures, sound) =
        (add(&stream, Kind::Video, "", "und"), add(&stream, Kind::Audio, "a \"name\"\n", "en"));
    let other = add(&stream, Kind::Video, "", "und");
    let waiting = ask(&stream, "index.m3u8", "");
    begin(&stream, pictures, "avc1.42e01f", Some((640, 360)));
    publish(&stream, pictures, 0..5);
    begin(&stream, sound, "opus", None);
    publish(&stream, sound, 0..5);
    assert_eq!(waiting.answered(), None);
    stream.remove(other);
    let expected = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"a  name  \",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE=\"en\",URI=\"a1/live.m3u8\"",
        "#EXT-X-STREAM-INF:BANDWIDTH=64000,AVERAGE-BANDWIDTH=32000,CODECS=\"avc1.42e01f,opus\",RESOLUTION=640x360,AUDIO=\"sound\"",
        "v0/live.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=32000,AVERAGE-BANDWIDTH=32000,CODECS=\"opus\",AUDIO=\"sound\"",
        "a1/live.m3u8",
        "",
    ];
    assert_eq!(text(waiting.answered()), expected.join("\n"));
}

#[test]
fn old_segments_leave_the_playlist_and_then_memory() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..81);
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    assert!(playlist.contains("#EXT-X-MEDIA-SEQUENCE:15\n"), "{playlist}");
    assert_eq!(status(&stream, "v0/s10-18bcfe56800.mp4", ""), Some(200), "read a while ago");
    assert_eq!(status(&stream, "v0/s9-18bcfe56800.mp4", ""), Some(404));
    assert!(stream.rendition_stats(pictures).bytes <= 11 * 4 * 100);
}

#[test]
fn a_keyframe_that_does_not_come_is_not_waited_for_longer_than_the_playlist_says() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", None);
    let part = |index, keyframe| Publication::Fragment {
        fragment: fragment(index, keyframe),
        last: false,
    };
    stream.publish(pictures, part(0, true));
    for index in 1..8 {
        assert_eq!(stream.wants_segment(pictures, Duration::ZERO), (4..7).contains(&index));
        stream.publish(pictures, part(index, false));
    }
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    assert!(playlist.contains("#EXTINF:3.00000,"), "{playlist}");
}

#[test]
fn what_was_interrupted_goes_on_with_a_discontinuity_that_is_counted() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..4);
    stream.publish(pictures, Publication::Interrupt(4_000 * MS));
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 8..13);
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    let map = playlist.find("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init1-").unwrap();
    assert!(map > playlist.find("\ns0-").unwrap() && map < playlist.find("\ns1-").unwrap());
    publish(&stream, pictures, 13..40);
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    assert!(playlist.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), "{playlist}");
    assert!(!playlist.contains("#EXT-X-DISCONTINUITY\n"));
}

#[test]
fn a_stream_that_nobody_watches_rests_and_goes_on() {
    let stream = stream();
    let pictures = add(&stream, Kind::Video, "", "und");
    let now = Instant::now();
    assert!(!stream.is_watched(now));
    let (sender, first) = mpsc::channel();
    let reply = |sender: mpsc::Sender<Answer>| -> Reply {
        Box::new(move |answer| drop(sender.send(answer)))
    };
    assert!(stream.ask(now, "v0/live.m3u8", "", reply(sender.clone())), "it is to begin");
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..6);
    assert_eq!(first.try_recv().unwrap().status, 200);
    assert!(stream.is_watched(now + 29_000 * MS));
    assert!(!stream.is_watched(now + 31_000 * MS));
    let later = now + 60_000 * MS;
    assert!(stream.ask(later, "v0/live.m3u8", "_HLS_msn=2", reply(sender.clone())));
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 100..105);
    let playlist = text(first.try_recv().ok());
    assert!(
        playlist.contains("#EXT-X-MEDIA-SEQUENCE:2\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n"),
        "{playlist}"
    );
    assert!(!stream.ask(later, "v0/live.m3u8", "_HLS_msn=5", reply(sender.clone())));
    stream.expire(later + 11_000 * MS);
    assert_eq!(first.try_recv().unwrap().status, 503);
    stream.ask(later, "v0/live.m3u8", "_HLS_msn=5", reply(sender));
    stream.close();
    assert_eq!(first.try_recv().unwrap().status, 410);
}

#[test]
fn interruptions_are_counted_alike_in_all_renditions() {
    let stream = stream();
    let (pictures, sound) =
        (add(&stream, Kind::Video, "", "und"), add(&stream, Kind::Audio, "", "und"));
    begin(&stream, pictures, "avc1.42e01f", None);
    begin(&stream, sound, "opus", None);
    publish(&stream, pictures, 0..4);
    publish(&stream, sound, 0..12);
    // The camera was off for a while; what interrupts the sound a moment later is the same.
    stream.publish(pictures, Publication::Interrupt(6_000 * MS));
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 12..17);
    stream.publish(sound, Publication::Interrupt(6_500 * MS));
    publish(&stream, sound, 13..18);
    for rendition in ["v0", "a1"] {
        let playlist = text(ask(&stream, &format!("{rendition}/live.m3u8"), "").answered());
        assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{playlist}");
    }
    // Sound alone has another one, and pictures begin after two more.
    stream.publish(sound, Publication::Interrupt(20_000 * MS));
    stream.publish(sound, Publication::Interrupt(30_000 * MS));
    publish(&stream, pictures, 60..65);
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    assert_eq!(playlist.matches("#EXT-X-DISCONTINUITY\n").count(), 3, "{playlist}");
}

#[test]
fn a_rendition_that_has_nothing_does_not_keep_the_others_from_players_for_long() {
    let stream = stream();
    let (pictures, _silent) =
        (add(&stream, Kind::Video, "", "und"), add(&stream, Kind::Audio, "", "und"));
    let now = Instant::now();
    let (sender, whole) = mpsc::channel();
    stream.ask(now, "index.m3u8", "", Box::new(move |answer| drop(sender.send(answer))));
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..5);
    assert!(stream.is_watched(now + 3_000 * MS));
    stream.expire(now + 3_000 * MS);
    assert!(whole.try_recv().is_err(), "it may still come");
    assert!(stream.is_watched(now + 4_000 * MS));
    stream.expire(now + 4_000 * MS);
    let playlist = text(whole.try_recv().ok());
    assert!(playlist.contains("v0/live.m3u8") && !playlist.contains("a1/"), "{playlist}");
}

#[test]
fn a_rendition_that_was_removed_is_in_no_playlist_and_in_no_memory() {
    let stream = stream();
    let (pictures, sound) =
        (add(&stream, Kind::Video, "", "und"), add(&stream, Kind::Audio, "", "und"));
    begin(&stream, pictures, "avc1.42e01f", None);
    begin(&stream, sound, "opus", None);
    publish(&stream, pictures, 0..5);
    publish(&stream, sound, 0..5);
    stream.remove(sound);
    let playlist = text(ask(&stream, "index.m3u8", "").answered());
    assert!(!playlist.contains("sound"), "{playlist}");
    assert_eq!(stream.rendition_stats(sound).bytes, 0);
    assert!(!text(ask(&stream, "v0/live.m3u8", "").answered()).contains("RENDITION-REPORT"));
}

#[test]
fn who_went_away_waits_no_more() {
    struct Gone(mpsc::Sender<Answer>);
    impl Asker for Gone {
        fn answer(self: Box<Self>, answer: Answer) {
            drop(self.0.send(answer));
        }

        fn is_gone(&self) -> bool {
            true
        }
    }
    let stream = stream();
    add(&stream, Kind::Video, "", "und");
    let now = Instant::now();
    let (sender, answers) = mpsc::channel();
    stream.ask(now, "index.m3u8", "", Box::new(Gone(sender)));
    stream.expire(now + MS);
    assert!(answers.try_recv().is_ok(), "it is let go of at once");
    assert!(!stream.is_watched(now + 31_000 * MS), "and keeps nothing going");
}

#[test]
fn a_playlist_is_as_long_as_players_need_it_to_begin() {
    let shape = Shape { window: 3, ..SHAPE };
    let stream = Stream::new(shape, Duration::from_secs(1_700_000_000));
    let pictures = add(&stream, Kind::Video, "", "und");
    begin(&stream, pictures, "avc1.42e01f", None);
    publish(&stream, pictures, 0..80);
    let playlist = text(ask(&stream, "v0/live.m3u8", "").answered());
    let lengths = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
    let seconds: f64 = lengths.map(|line| line.trim_end_matches(',').parse::<f64>().unwrap()).sum();
    assert!(seconds >= 9.0, "{seconds} s, and HOLD-BACK is nine");
}
