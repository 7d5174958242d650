use std::sync::Arc;
use std::time::Duration;

use super::picture::Picture;
use super::testing::*;
use super::*;
use crate::codec::Codec;
use crate::mcu::PortId;

const CODECS: [Codec; 3] = [Codec::Vp8, Codec::H264, Codec::Vp9];
/// What is decoded.
const INPUTS: [Codec; 4] = [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];

#[test]
fn every_codec_goes_in_and_comes_out() {
    for from in INPUTS {
        let mut room = Room::new(320, 180, &CODECS);
        room.join(1, from, 320, 180);
        room.ticks(12);
        let source = room.senders[0].scene();
        for class in 0..3 {
            let quality = psnr(&source, room.seen(class));
            assert!(quality > 30.0, "{from} to {}: {quality:.1} dB", CODECS[usize::from(class)]);
            let viewer = &room.audience.viewers[&ClassIndex(class)];
            assert!(viewer.frames >= 10, "{from}: {} frames", viewer.frames);
            assert_eq!(viewer.keyframes, 1);
            let steps = viewer.timestamps.windows(2).map(|t| t[1] - t[0]);
            assert!(steps.clone().all(|step| step % 3600 == 0 && step > 0));
        }
    }
}

#[test]
fn each_tile_shows_its_port() {
    let mut room = Room::new(640, 360, &[Codec::Vp8]);
    for (key, codec) in (1..).zip(CODECS) {
        room.join(key, codec, 320, 180);
        // Scenes differ in what moves.
        room.senders[key as usize - 1].step = 20 * key as u32;
    }
    room.join(4, Codec::Vp8, 180, 320);
    room.ticks(10);
    let canvas = snapshot(&mut room, Source::Canvas);
    for sender in &room.senders {
        let rect = room.tile(sender.key);
        let mut expected = Picture::new(rect.width, rect.height);
        let source = sender.scene();
        let crop = scale::Crop::covering(&source, rect.width, rect.height);
        let whole = Rect::new(0, 0, rect.width, rect.height);
        scale::Scaler::default().scale(&source, crop, &mut expected, whole);
        let quality = psnr(&expected, &part(&canvas, rect));
        assert!(quality > 27.0, "{:?}: {quality:.1} dB", sender.key);
        let similarity = ssim(&expected, &part(&canvas, rect));
        println!("{:?}: {quality:.1} dB, SSIM {similarity:.3}", sender.key);
        assert!(similarity > 0.9, "{:?}: SSIM {similarity:.3}", sender.key);
        let other = psnr(&expected, &part(&canvas, room.tile(PortId(sender.key.0 % 4 + 1))));
        assert!(other < quality, "tiles look alike");
    }
}

fn snapshot(room: &mut Room, source: Source) -> Picture {
    let file = room.mixer.snapshot(source, SnapshotFormat::Png, None).unwrap();
    Picture::from(&draw::decode(&file).unwrap())
}

#[test]
fn after_a_loss_a_keyframe_is_asked_for_and_the_picture_comes_back() {
    for codec in INPUTS {
        let mut room = Room::new(320, 180, &[Codec::Vp8]);
        let key = room.join(1, codec, 320, 180);
        room.ticks(5);
        let before = room.mixer.port_stats(key).unwrap();
        // A picture is lost on its way.
        let _ = room.senders[0].next(room.now);
        let mut asked = 0;
        for _ in 0..25 {
            room.tick();
            asked += room.audience.keyframes.len();
        }
        let stats = room.mixer.port_stats(key).unwrap();
        assert_eq!((asked, stats.lost - before.lost), (1, 1), "{codec}");
        // Half a second passes from one request to the next.
        assert!(stats.decoded - before.decoded >= 15, "{codec}: {stats:?}");
        let quality = psnr(&room.senders[0].scene(), room.seen(0));
        assert!(quality > 28.0, "{codec}: {quality:.1} dB");
    }
}

#[test]
fn keyframes_are_asked_for_twice_a_second() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    room.join(1, Codec::Vp8, 160, 90);
    // The keyframe is lost, and nobody hears the requests.
    let _ = room.senders[0].next(room.now);
    let mut asked = 0;
    for _ in 0..50 {
        room.senders[0].keyframe = false;
        for packet in room.senders[0].next(room.now) {
            room.mixer.receive(PortId(1), &packet);
        }
        room.tick_silent();
        asked += room.audience.keyframes.len();
    }
    assert_eq!(asked, 4);
}

#[test]
fn a_sender_may_change_its_size() {
    for codec in CODECS {
        let mut room = Room::new(320, 180, &[Codec::Vp8]);
        let key = room.join(1, codec, 160, 90);
        room.ticks(5);
        let mut larger = Sender::new(1, codec, 640, 360);
        // Numbers and clocks go on.
        for _ in 0..5 {
            for mut packet in larger.next(room.now) {
                packet.sequence += 1_000_000;
                packet.timestamp += 90_000;
                room.mixer.receive(key, &packet);
            }
            room.now += Duration::from_millis(200);
            room.tick_silent();
        }
        let stats = room.mixer.port_stats(key).unwrap();
        assert_eq!((stats.width, stats.height, stats.errors), (640, 360, 0), "{codec}");
    }
}

#[test]
fn a_decoder_that_says_nothing_is_replaced() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    let port = room.join(1, Codec::H264, 160, 90);
    room.tick_silent();
    // Parameter sets, and no picture behind them.
    let mut packet = room.senders[0].next(room.now).swap_remove(0);
    packet.marker = true;
    room.mixer.receive(port, &packet);
    let asked = (0..50).position(|_| {
        room.tick_silent();
        !room.audience.keyframes.is_empty()
    });
    assert_eq!(asked, Some(25), "a second after it was fed");
    assert_eq!(room.mixer.port_stats(port).unwrap().decoded, 0);
    // The sender answers.
    room.tick();
    assert_eq!(room.mixer.port_stats(port).unwrap().decoded, 1);
}

#[test]
fn large_pictures_are_decoded_a_few_at_a_time() {
    let mut room = Room::new(64, 36, &[Codec::Vp8]);
    let port = room.join(1, Codec::Vp8, 3840, 2160);
    room.tick_silent();
    room.tick();
    let packets: Vec<_> = (0..6).flat_map(|_| room.senders[0].next(room.now)).collect();
    for packet in &packets {
        room.mixer.receive(port, packet);
    }
    let mut decoded = || {
        room.tick_silent();
        room.mixer.port_stats(port).unwrap().decoded
    };
    assert_eq!([decoded(), decoded(), decoded()], [5, 7, 7]);
}

#[test]
fn a_slow_canvas_keeps_up_with_a_fast_sender() {
    let class = ClassOptions {
        codec: Codec::Vp8,
        width: 320,
        height: 180,
        frame_divisor: 1,
        bitrate: 90_000,
    };
    let mut mixer = VideoMixer::new(VideoOptions {
        width: 320,
        height: 180,
        fps: 1.0,
        background: Background::default(),
        fonts: Fonts::default(),
        classes: vec![class],
    })
    .unwrap();
    mixer.set_wanted(ClassIndex(0), true);
    let mut room = Room::new(320, 180, &[]);
    room.mixer = mixer;
    let port = room.join(1, Codec::Vp8, 160, 90);
    room.tick_silent();
    for _ in 0..10 {
        for _ in 0..30 {
            for packet in room.senders[0].next(room.now) {
                room.mixer.receive(port, &packet);
            }
            room.now += Duration::from_millis(33);
        }
        room.tick_silent();
    }
    let stats = room.mixer.port_stats(port).unwrap();
    assert_eq!((stats.decoded, stats.dropped), (300, 0));
}

#[test]
fn garbage_stalls_nobody() {
    use rand::{Rng, RngCore, SeedableRng};
    let mut random = rand::rngs::SmallRng::seed_from_u64(7);
    for codec in INPUTS {
        let mut room = Room::new(320, 180, &[Codec::Vp8]);
        let bad = room.join(1, codec, 160, 90);
        let good = room.join(2, Codec::Vp8, 160, 90);
        room.tick_silent();
        for round in 0..250 {
            let rounds_of_noise = round % 50 < 40;
            let mut packets = room.senders[0].next(room.now);
            room.senders[0].keyframe = round % 10 == 0;
            for packet in &mut packets {
                if rounds_of_noise && random.random_ratio(1, 2) {
                    let mut payload = packet.payload.to_vec();
                    match random.random_range(0..4) {
                        0 => random.fill_bytes(&mut payload),
                        1 => payload.truncate(random.random_range(0..payload.len() + 1)),
                        _ => {
                            for _ in 0..random.random_range(1..9) {
                                let at = random.random_range(0..payload.len().min(60));
                                payload[at] = random.random();
                            }
                        }
                    }
                    packet.payload = Arc::from(payload);
                }
                packet.marker ^= random.random_ratio(1, 100);
                room.mixer.receive(bad, packet);
            }
            let sender = &mut room.senders[1];
            for packet in sender.next(room.now) {
                room.mixer.receive(good, &packet);
            }
            room.tick_silent();
        }
        let stats = room.mixer.port_stats(good).unwrap();
        assert_eq!((stats.decoded, stats.errors), (250, 0), "{codec}");
        let stats = room.mixer.port_stats(bad).unwrap();
        assert!(stats.errors + stats.lost > 5 && stats.decoded > 5, "{codec}: {stats:?}");
        // It is shown again once its packets make sense.
        for _ in 0..15 {
            room.senders[0].keyframe = true;
            room.tick();
        }
        let decoded = room.mixer.port_stats(bad).unwrap().decoded;
        assert!(decoded > stats.decoded, "{codec}");
    }
}

#[test]
fn noise_is_no_packet() {
    use rand::{Rng, RngCore, SeedableRng};
    let mut random = rand::rngs::SmallRng::seed_from_u64(3);
    let mut room = Room::new(160, 90, &[Codec::Vp8]);
    let key = room.join(1, Codec::Vp8, 160, 90);
    let template = room.senders[0].next(room.now).remove(0);
    for round in 0..3000u32 {
        let mut packet = template.clone();
        let mut payload = vec![0; random.random_range(0..200)];
        random.fill_bytes(&mut payload);
        packet.payload = Arc::from(payload);
        packet.codec = Codec::ALL[random.random_range(0..Codec::ALL.len())];
        packet.sequence = if round % 3 == 0 { random.random() } else { round.into() };
        packet.timestamp = random.random_range(0..20);
        packet.rotation = random.random();
        packet.arrival = room.now;
        room.mixer.receive(key, &packet);
        if round % 20 == 0 {
            room.tick_silent();
        }
    }
}

#[test]
fn only_what_changed_is_painted() {
    let mut room = Room::new(640, 360, &[Codec::Vp8]);
    for key in 1..=9 {
        room.join(key, Codec::Vp8, 160, 90);
    }
    room.ticks(3);
    let painted = room.mixer.canvas_stats().tiles;
    room.tick_silent();
    assert_eq!(room.mixer.canvas_stats().tiles, painted, "nothing came");
    let sender = &mut room.senders[4];
    for packet in sender.next(room.now) {
        room.mixer.receive(PortId(5), &packet);
    }
    room.tick_silent();
    assert_eq!(room.mixer.canvas_stats().tiles, painted + 1);
    room.mixer.set_speaking(PortId(2), true);
    room.tick_silent();
    assert_eq!(room.mixer.canvas_stats().tiles, painted + 2);
}

#[test]
fn what_is_painted_in_parts_looks_like_what_is_painted_at_once() {
    let tile = |x: f32, z: i32, radius: f32, fit: Fit, source: TileSource| Tile {
        rect: Parts { x, y: 0.1 + x / 2.0, width: 0.5, height: 0.5 },
        z,
        fit,
        border: Some(Border { width: 0.03, colour: Colour::rgb(200, 30, 40).with_alpha(120) }),
        radius,
        source,
    };
    let layout = Layout::Tiles(vec![
        tile(0.0, 0, 0.0, Fit::Cover, TileSource::Any),
        tile(0.2, 2, 0.3, Fit::Cover, TileSource::Any),
        tile(0.35, 1, 0.1, Fit::Contain, TileSource::Any),
        tile(0.5, 5, 0.5, Fit::Cover, TileSource::Any),
    ]);
    let overlay = Overlay {
        rect: Parts { x: 0.1, y: 0.3, width: 0.6, height: 0.2 },
        z: 3,
        content: OverlayContent::Text {
            text: "between".into(),
            size: 0.1,
            colour: Colour::WHITE,
            background: Some(Colour::BLACK.with_alpha(90)),
            align: Align::Center,
        },
    };
    let mut room = Room::new(480, 360, &[Codec::Vp8]);
    for key in 1..=4 {
        room.join(key, Codec::Vp8, 160, 120);
    }
    room.mixer.set_layout(layout).unwrap();
    room.mixer.set_overlays(std::slice::from_ref(&overlay), &[]).unwrap();
    room.ticks(3);
    for turn in 0..8 {
        let sender = &mut room.senders[turn % 4];
        for packet in sender.next(room.now) {
            room.mixer.receive(sender.key, &packet);
        }
        room.mixer.set_speaking(PortId(turn as u64 % 3 + 1), turn % 2 == 0);
        room.tick_silent();
        let in_parts = snapshot(&mut room, Source::Canvas);
        room.mixer.set_background(&Background::default()).unwrap();
        room.tick_silent();
        assert!(in_parts == snapshot(&mut room, Source::Canvas), "turn {turn}");
    }
}

#[test]
fn who_is_not_shown_is_not_decoded() {
    let mut room = Room::new(640, 360, &[Codec::Vp8]);
    for key in 1..=3 {
        room.join(key, Codec::Vp8, 160, 90);
    }
    room.mixer.set_layout(Layout::Pip).unwrap();
    room.ticks(5);
    assert_eq!(room.mixer.wanted(PortId(3)), None);
    assert_eq!(room.mixer.port_stats(PortId(3)).unwrap().decoded, 0);
    let large = room.audience.wanted[&PortId(1)].unwrap();
    assert_eq!((large.width, large.height), (640, 360));
    room.mixer.set_dominant(Some(PortId(3)));
    room.tick();
    assert!(room.audience.keyframes.contains(&PortId(3)));
    room.ticks(3);
    assert!(room.mixer.port_stats(PortId(3)).unwrap().decoded > 1);
    assert_eq!(room.audience.wanted[&PortId(2)], None);
}

#[test]
fn nobody_watching_costs_nothing() {
    let mut room = Room::new(640, 360, &[Codec::Vp8]);
    room.join(1, Codec::Vp8, 160, 90);
    room.ticks(5);
    assert!(!room.mixer.idle());
    room.mixer.set_wanted(ClassIndex(0), false);
    room.tick();
    assert!(room.mixer.idle());
    assert_eq!(room.audience.wanted[&PortId(1)], None);
    let (painted, packets) = (room.mixer.canvas_stats(), room.audience.packets);
    let decoded = room.mixer.port_stats(PortId(1)).unwrap().decoded;
    room.ticks(10);
    assert_eq!(room.mixer.canvas_stats(), painted);
    assert_eq!(room.mixer.port_stats(PortId(1)).unwrap().decoded, decoded);
    assert_eq!(room.audience.packets, packets);
    // Whoever comes back gets a keyframe.
    room.audience.viewers.clear();
    room.mixer.set_wanted(ClassIndex(0), true);
    room.ticks(2);
    assert_eq!(room.audience.viewers[&ClassIndex(0)].keyframes, 1);
}

#[test]
fn a_still_canvas_gets_sharp_and_is_then_refreshed_once_a_second() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    room.join_silent(1, Some("Ada Lovelace"));
    for _ in 0..20 {
        room.tick_silent();
    }
    let frames = room.mixer.class_stats(ClassIndex(0)).unwrap().encoded;
    for _ in 0..100 {
        room.tick_silent();
    }
    let more = room.mixer.class_stats(ClassIndex(0)).unwrap().encoded - frames;
    assert!((3..=5).contains(&more), "{more} pictures in four seconds");
}

#[test]
fn keyframes_for_viewers_come_at_most_once_a_second() {
    let mut room = Room::new(320, 180, &CODECS);
    room.join(1, Codec::Vp8, 160, 90);
    for _ in 0..50 {
        for class in 0..3 {
            room.mixer.request_keyframe(ClassIndex(class));
        }
        room.tick();
    }
    for class in 0..3 {
        let keyframes = room.audience.viewers[&ClassIndex(class)].keyframes;
        assert_eq!(keyframes, 2, "{}", CODECS[usize::from(class)]);
    }
}

#[test]
fn who_stalls_keeps_the_picture_for_a_while_then_the_placeholder() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    room.join(1, Codec::Vp8, 320, 180);
    room.ticks(5);
    let source = room.senders[0].scene();
    for _ in 0..100 {
        room.tick_silent();
    }
    assert!(psnr(&source, &snapshot(&mut room, Source::Canvas)) > 28.0, "after four seconds");
    for _ in 0..50 {
        room.tick_silent();
    }
    assert!(psnr(&source, &snapshot(&mut room, Source::Canvas)) < 20.0, "after six seconds");
}

#[test]
fn a_port_that_hides_has_a_tile_only_with_a_picture() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    room.join(1, Codec::Vp8, 160, 90);
    let options =
        VideoPortOptions { placeholder: Placeholder::Hide, ..VideoPortOptions::default() };
    room.mixer.set_port(PortId(1), options).unwrap();
    room.tick_silent();
    assert!(room.mixer.placements().is_empty());
    assert!(room.audience.wanted[&PortId(1)].is_some(), "it is decoded to find out");
    room.ticks(3);
    assert_eq!(room.mixer.placements().len(), 1);
}

#[test]
fn pictures_wait_for_their_sound() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    let key = room.join(1, Codec::Vp8, 320, 180);
    room.mixer.set_delay(key, Some(Duration::from_millis(200)));
    room.tick_silent();
    room.ticks(5);
    assert_eq!(room.mixer.port_stats(key).unwrap().decoded, 0);
    room.ticks(5);
    // Of pictures 40 ms apart, 200 ms behind.
    assert_eq!(room.mixer.port_stats(key).unwrap().decoded, 5);
}

#[test]
fn a_picture_from_the_future_is_shown_all_the_same() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    let key = room.join(1, Codec::Vp8, 160, 90);
    room.tick_silent();
    for _ in 0..60 {
        for mut packet in room.senders[0].next(room.now) {
            packet.captured += Duration::from_secs(3600);
            room.mixer.receive(key, &packet);
        }
        room.tick_silent();
    }
    assert!(room.mixer.port_stats(key).unwrap().decoded > 5);
}

#[test]
fn a_picture_is_turned_upright() {
    let mut room = Room::new(180, 320, &[Codec::Vp8]);
    let key = room.join(1, Codec::Vp8, 320, 180);
    room.tick_silent();
    for _ in 0..3 {
        for mut packet in room.senders[0].next(room.now) {
            packet.rotation = 1;
            room.mixer.receive(key, &packet);
        }
        room.tick_silent();
    }
    let mut upright = Picture::default();
    room.senders[0].scene().turn_into(1, &mut upright);
    assert!(psnr(&upright, &snapshot(&mut room, Source::Canvas)) > 28.0);
}

#[test]
fn labels_and_marks_change_pixels() {
    let mut room = Room::new(640, 360, &[Codec::Vp8]);
    let key = room.join(1, Codec::Vp8, 160, 90);
    room.join(2, Codec::Vp8, 160, 90);
    room.ticks(3);
    let mut last = snapshot(&mut room, Source::Canvas);
    let mut differs = |room: &mut Room, what: &str| {
        room.tick_silent();
        let canvas = snapshot(room, Source::Canvas);
        let pairs = canvas.planes()[0].iter().zip(last.planes()[0]);
        let changed = pairs.filter(|(a, b)| a.abs_diff(**b) > 10).count();
        assert!(changed > 100, "{what}: {changed} pixels");
        last = canvas;
    };
    let label = |label: &str| VideoPortOptions { label: Some(label.into()), ..Default::default() };
    room.mixer.set_port(key, label("Ada Lovelace")).unwrap();
    differs(&mut room, "label");
    room.mixer.set_muted(key, true);
    differs(&mut room, "mute");
    room.mixer.set_muted(key, false);
    room.tick_silent();
    room.mixer.set_speaking(key, true);
    differs(&mut room, "speech");
    room.mixer.set_layout(Layout::Speaker).unwrap();
    differs(&mut room, "layout");
    room.mixer.pin(&[PortId(2)]);
    differs(&mut room, "pin");
}

#[test]
fn snapshots_are_files_of_the_canvas_and_of_ports() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    let key = room.join(1, Codec::Vp8, 160, 90);
    assert!(room.mixer.snapshot(Source::Port(key), SnapshotFormat::Png, None).is_err());
    room.ticks(3);
    for format in [SnapshotFormat::Png, SnapshotFormat::Jpeg { quality: 85 }] {
        for (source, shape) in [(Source::Canvas, (320, 180)), (Source::Port(key), (160, 90))] {
            for width in [None, Some(96)] {
                let file = room.mixer.snapshot(source, format, width).unwrap();
                let picture = draw::decode(&file).unwrap();
                let size = (picture.width, picture.height);
                assert_eq!(size, if width.is_some() { (96, 54) } else { shape });
            }
        }
    }
    assert!(room.mixer.snapshot(Source::Canvas, SnapshotFormat::Png, Some(0)).is_err());
    assert!(room.mixer.snapshot(Source::Canvas, SnapshotFormat::Png, Some(9999)).is_err());
    assert!(room.mixer.snapshot(Source::Port(PortId(9)), SnapshotFormat::Png, None).is_err());
}

#[test]
fn a_snapshot_nobody_watches_is_there_at_the_second_try() {
    let mut room = Room::new(320, 180, &[]);
    let key = room.join(1, Codec::Vp8, 160, 90);
    room.ticks(3);
    assert!(room.mixer.snapshot(Source::Port(key), SnapshotFormat::Png, None).is_err());
    room.ticks(3);
    assert!(room.mixer.snapshot(Source::Port(key), SnapshotFormat::Png, None).is_ok());
    room.ticks(200);
    assert!(room.mixer.idle());
}

#[test]
fn taps_get_pictures_in_their_format_and_not_too_often() {
    let mut room = Room::new(320, 180, &[]);
    let key = room.join(1, Codec::Vp8, 160, 90);
    let canvas = TapOptions {
        source: Source::Canvas,
        format: PixelFormat::Rgba,
        size: Some((64, 36)),
        max_fps: 5.0,
        steady: false,
    };
    let port = TapOptions {
        source: Source::Port(key),
        format: PixelFormat::I420,
        size: None,
        max_fps: 60.0,
        steady: false,
    };
    room.mixer.add_tap(TapKey(1), canvas).unwrap();
    room.mixer.add_tap(TapKey(2), port).unwrap();
    assert!(room.mixer.add_tap(TapKey(2), port).is_err());
    room.ticks(50);
    let of = |tap| room.audience.frames.iter().filter(move |frame| frame.0 == TapKey(tap));
    assert!((9..=11).contains(&of(1).count()), "{}", of(1).count());
    assert!(of(1).all(|frame| *frame == (TapKey(1), 64, 36, 64 * 36 * 4)));
    assert!(of(2).count() >= 48);
    assert!(of(2).all(|frame| (frame.1, frame.2) == (160, 90)));
    room.mixer.remove_tap(TapKey(1));
    room.mixer.remove_tap(TapKey(2));
    room.tick();
    assert!(room.mixer.idle());
}

#[test]
fn written_frames_are_an_input() {
    let mut room = Room::new(320, 180, &[Codec::Vp8]);
    let key = room.join_silent(1, None);
    room.tick_silent();
    let picture = scene(320, 180, 9, 4);
    let frame = Frame { width: 320, height: 180, format: PixelFormat::I420, data: picture.data() };
    for _ in 0..50 {
        room.mixer.write_frame(key, &frame, room.now).unwrap();
    }
    room.tick_silent();
    let quality = psnr(&picture, &snapshot(&mut room, Source::Canvas));
    assert!(quality > 40.0, "{quality:.1} dB");
    let mut rgba = vec![0; 320 * 180 * 4];
    picture.write_rgba(&mut rgba);
    let frame = Frame { format: PixelFormat::Rgba, data: &rgba, ..frame };
    room.mixer.write_frame(key, &frame, room.now).unwrap();
    // It stays, however long nothing new is written.
    room.now += Duration::from_secs(60);
    room.tick_silent();
    assert!(psnr(&picture, &snapshot(&mut room, Source::Canvas)) > 38.0);
    let short = Frame { data: &rgba[1..], ..frame };
    assert!(room.mixer.write_frame(key, &short, room.now).is_err());
    let huge = Frame { width: 5000, ..frame };
    assert!(room.mixer.write_frame(key, &huge, room.now).is_err());
}

#[test]
fn effort_is_taken_back_in_steps() {
    let mut room = Room::new(320, 180, &CODECS);
    room.join(1, Codec::Vp8, 320, 180);
    room.ticks(3);
    let frames = |room: &Room| room.audience.viewers[&ClassIndex(0)].frames;
    room.mixer.set_effort(Effort::HalfRate);
    let before = frames(&room);
    room.ticks(20);
    assert!((9..=10).contains(&(frames(&room) - before)), "{}", frames(&room) - before);
    room.mixer.set_effort(Effort::HalfSize);
    room.ticks(4);
    for class in 0..3 {
        assert_eq!(room.seen(class).size(), (160, 90));
    }
    room.mixer.set_effort(Effort::Full);
    room.ticks(4);
    for class in 0..3 {
        assert_eq!(room.seen(class).size(), (320, 180));
    }
}

#[test]
fn a_class_may_be_smaller_and_slower() {
    let small = ClassOptions {
        codec: Codec::Vp8,
        width: 160,
        height: 90,
        frame_divisor: 2,
        bitrate: 100_000,
    };
    let square = ClassOptions { width: 160, height: 160, frame_divisor: 1, ..small };
    let mut mixer = VideoMixer::new(VideoOptions {
        width: 320,
        height: 180,
        fps: 25.0,
        background: Background::Colour(Colour::WHITE),
        fonts: Fonts::default(),
        classes: vec![small, square],
    })
    .unwrap();
    mixer.set_wanted(ClassIndex(0), true);
    mixer.set_wanted(ClassIndex(1), true);
    let mut room = Room::new(320, 180, &[]);
    room.mixer = mixer;
    room.join(1, Codec::Vp8, 320, 180);
    room.ticks(20);
    assert_eq!(room.seen(0).size(), (160, 90));
    assert!((10..=11).contains(&room.audience.viewers[&ClassIndex(0)].frames));
    // Another shape has bars; nothing is cut off.
    let seen = room.seen(1);
    assert!(seen.planes()[0][..160].iter().all(|y| *y < 30));
    assert!(seen.planes()[0][80 * 160..][..160].iter().all(|y| *y > 40));
}

#[test]
fn the_bit_rate_follows() {
    use rand::{Rng, SeedableRng};
    let mut random = rand::rngs::SmallRng::seed_from_u64(1);
    for codec in CODECS {
        let mut room = Room::new(320, 180, &[codec]);
        let key = room.join_silent(1, None);
        let mut step = 0;
        // Bytes of two seconds, after as much time to settle.
        let mut bytes = |room: &mut Room| {
            let mut counts = [0; 3];
            for count in &mut counts[1..] {
                for _ in 0..50 {
                    step += 1;
                    let mut picture = scene(320, 180, 0, step);
                    picture.data_mut().iter_mut().for_each(|b| *b ^= random.random::<u8>() & 15);
                    let format = PixelFormat::I420;
                    let frame = Frame { width: 320, height: 180, format, data: picture.data() };
                    room.mixer.write_frame(key, &frame, room.now).unwrap();
                    room.tick_silent();
                }
                *count = room.mixer.class_stats(ClassIndex(0)).unwrap().bytes;
            }
            counts[2] - counts[1]
        };
        for bitrate in [200_000, 1_600_000, 400_000] {
            room.mixer.set_bitrate(ClassIndex(0), bitrate);
            let expected = f64::from(bitrate) / 4.0;
            let ratio = bytes(&mut room) as f64 / expected;
            assert!((0.6..1.4).contains(&ratio), "{codec} at {bitrate}: {ratio:.2} times as much");
        }
        assert_eq!(room.mixer.class_stats(ClassIndex(0)).unwrap().keyframes, 1, "{codec}");
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let good = VideoOptions {
        width: 320,
        height: 180,
        fps: 25.0,
        background: Background::default(),
        fonts: Fonts::default(),
        classes: Vec::new(),
    };
    assert!(VideoMixer::new(good.clone()).is_ok());
    let class = ClassOptions {
        codec: Codec::Vp8,
        width: 320,
        height: 180,
        frame_divisor: 1,
        bitrate: 100_000,
    };
    let refused = [
        VideoOptions { width: 321, ..good.clone() },
        VideoOptions { height: 0, ..good.clone() },
        VideoOptions { width: 4096, height: 4096, ..good.clone() },
        VideoOptions { fps: 0.0, ..good.clone() },
        VideoOptions { fps: f32::NAN, ..good.clone() },
        VideoOptions { background: Background::Picture(Arc::from([1])), ..good.clone() },
        VideoOptions { classes: vec![class; 17], ..good.clone() },
        VideoOptions { classes: vec![ClassOptions { codec: Codec::Av1, ..class }], ..good.clone() },
        VideoOptions { classes: vec![ClassOptions { frame_divisor: 0, ..class }], ..good.clone() },
        VideoOptions { classes: vec![ClassOptions { bitrate: 0, ..class }], ..good.clone() },
    ];
    for options in refused {
        assert!(VideoMixer::new(options.clone()).is_err(), "{options:?}");
    }
}

#[test]
fn the_mixer_may_move_between_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<VideoMixer>();
}
