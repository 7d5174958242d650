use std::sync::Arc;

use super::*;

const REORDER_WINDOW: Duration = Duration::from_millis(150);

const KEYFRAME: [u8; 11] = [0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
const DELTA: [u8; 2] = [0x10, 0x11];

struct Sender {
    start: Instant,
    assembler: Assembler,
}

impl Sender {
    fn new() -> Self {
        Self { start: Instant::now(), assembler: Assembler::new(REORDER_WINDOW) }
    }

    /// Frame `sequence`, of one packet, at so many milliseconds.
    fn send(&mut self, sequence: u64, payload: &[u8], at: u64) {
        self.send_part(sequence, sequence as u32, true, payload, at);
    }

    fn send_part(&mut self, sequence: u64, timestamp: u32, marker: bool, payload: &[u8], at: u64) {
        let arrival = self.at(at);
        self.assembler.insert(&TakenPacket {
            sequence,
            timestamp,
            marker,
            codec: Codec::Vp8,
            red: false,
            payload: Arc::from(payload),
            arrival,
            captured: arrival,
            audio_level: None,
            rotation: 0,
        });
    }

    fn at(&self, milliseconds: u64) -> Instant {
        self.start + Duration::from_millis(milliseconds)
    }

    fn frames(&mut self, at: u64) -> usize {
        let now = self.at(at);
        std::iter::from_fn(|| self.assembler.poll(now)).count()
    }
}

#[test]
fn nothing_comes_before_a_keyframe() {
    let mut sender = Sender::new();
    sender.send(1, &DELTA, 0);
    sender.send(2, &DELTA, 0);
    assert!(sender.assembler.needs_keyframe());
    assert_eq!(sender.frames(0), 0);
    sender.send(3, &KEYFRAME, 0);
    sender.send(4, &DELTA, 0);
    assert!(!sender.assembler.needs_keyframe());
    assert_eq!(sender.frames(0), 2);
}

#[test]
fn a_late_packet_is_waited_for() {
    let mut sender = Sender::new();
    sender.send(1, &KEYFRAME, 0);
    sender.send(3, &DELTA, 10);
    assert_eq!(sender.frames(100), 1);
    sender.send(2, &DELTA, 110);
    assert_eq!(sender.frames(110), 2);
}

#[test]
fn after_a_loss_the_next_keyframe_is_waited_for() {
    let mut sender = Sender::new();
    sender.send(1, &KEYFRAME, 0);
    sender.send(3, &DELTA, 10);
    assert_eq!(sender.frames(159), 1);
    assert!(!sender.assembler.needs_keyframe());
    assert_eq!(sender.frames(160), 0);
    assert!(sender.assembler.needs_keyframe());
    assert_eq!(sender.assembler.lost(), 1);
    sender.send(4, &DELTA, 170);
    sender.send(5, &KEYFRAME, 180);
    assert_eq!(sender.frames(180), 1);
}

#[test]
fn a_keyframe_behind_the_gap_ends_the_wait() {
    let mut sender = Sender::new();
    sender.send(1, &KEYFRAME, 0);
    sender.send(3, &DELTA, 10);
    sender.send(4, &KEYFRAME, 20);
    sender.send(5, &DELTA, 30);
    assert_eq!(sender.frames(170), 3);
    assert!(!sender.assembler.needs_keyframe());
}

#[test]
fn a_keyframe_whose_packets_are_out_of_order_is_found() {
    let mut sender = Sender::new();
    sender.send_part(11, 7, true, &[0x00, 9], 0);
    sender.send_part(10, 7, false, &KEYFRAME, 1);
    assert_eq!(sender.frames(2), 1);
}

#[test]
fn a_frame_without_a_marker_ends_with_the_next() {
    let mut sender = Sender::new();
    sender.send_part(1, 1, false, &KEYFRAME, 0);
    assert_eq!(sender.frames(0), 0);
    sender.send_part(2, 2, false, &DELTA, 0);
    assert_eq!(sender.frames(0), 1);
}

#[test]
fn padding_keeps_the_order() {
    let mut sender = Sender::new();
    sender.send(1, &KEYFRAME, 0);
    sender.send_part(2, 1, false, &[], 0);
    sender.send(3, &DELTA, 0);
    assert_eq!(sender.frames(0), 2);
}

#[test]
fn a_flood_is_bounded() {
    let mut sender = Sender::new();
    for sequence in (0..20_000).step_by(2) {
        sender.send(sequence, &DELTA, 0);
        assert!(sender.assembler.waiting.len() <= MAX_WAITING);
    }
    sender.send(100_000, &KEYFRAME, 0);
    for sequence in (100_002..120_000).step_by(2) {
        sender.send(sequence, &[0; 60_000], 0);
        let assembler = &sender.assembler;
        assert!(assembler.waiting_bytes <= MAX_WAITING_BYTES);
        let bytes: usize = assembler.waiting.values().map(|p| p.payload.len()).sum();
        assert_eq!(assembler.waiting_bytes, bytes);
    }
}

#[test]
fn the_largest_sequence_number_is_no_end() {
    let mut sender = Sender::new();
    sender.send(u64::MAX, &KEYFRAME, 0);
    sender.send(u64::MAX, &KEYFRAME, 0);
    sender.send(0, &DELTA, 0);
}

#[test]
fn a_broken_frame_takes_no_keyframe_with_it() {
    let mut sender = Sender::new();
    // It begins twice, and has no end.
    sender.send_part(1, 1, false, &KEYFRAME, 0);
    sender.send_part(2, 1, false, &KEYFRAME, 0);
    sender.send(3, &KEYFRAME, 0);
    assert_eq!(sender.frames(0), 1);
    assert_eq!(sender.assembler.lost(), 1);
}

#[test]
fn what_follows_a_broken_frame_stays_in_order() {
    let mut sender = Sender::new();
    sender.send(1, &KEYFRAME, 1);
    sender.send_part(3, 3, false, &KEYFRAME, 3);
    sender.send_part(4, 3, false, &KEYFRAME, 4);
    sender.send(5, &KEYFRAME, 5);
    sender.send(6, &DELTA, 6);
    sender.send(7, &KEYFRAME, 7);
    let (start, now) = (sender.start, sender.at(200));
    let frames = std::iter::from_fn(|| sender.assembler.poll(now));
    let order: Vec<_> = frames.map(|frame| (frame.arrival - start).as_millis()).collect();
    assert_eq!(order, [1, 5, 6, 7]);
}

#[test]
fn many_broken_frames_need_no_deep_stack() {
    let run = || {
        let mut sender = Sender::new();
        sender.send(1, &KEYFRAME, 0);
        for sequence in (3..1000).step_by(2) {
            sender.send_part(sequence, sequence as u32, false, &KEYFRAME, 0);
            sender.send_part(sequence + 1, sequence as u32, true, &KEYFRAME, 0);
        }
        assert_eq!(sender.frames(200), 1);
        assert_eq!(sender.assembler.lost(), 500);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(run).unwrap().join().unwrap();
}

#[test]
fn sound_is_one_frame_a_packet_and_goes_on_after_a_loss() {
    let mut sender = Sender::new();
    let mut send = |sequence: u64, at: u64| {
        let arrival = sender.at(at);
        sender.assembler.insert(&TakenPacket {
            sequence,
            timestamp: sequence as u32 * 960,
            marker: false,
            codec: Codec::Opus,
            red: false,
            payload: Arc::from([1, sequence as u8]),
            arrival,
            captured: arrival,
            audio_level: None,
            rotation: 0,
        });
    };
    send(1, 0);
    send(2, 20);
    send(4, 60);
    assert_eq!(sender.frames(60), 2, "the third may still come");
    let now = sender.at(60 + 150);
    let frame = sender.assembler.poll(now).unwrap();
    assert_eq!((frame.timestamp, frame.parts.data), (4 * 960, vec![1, 4]));
}

#[test]
fn how_long_a_missing_packet_is_waited_for_is_the_takers_choice() {
    let mut sender = Sender::new();
    sender.assembler = Assembler::new(Duration::from_secs(2));
    sender.send(1, &KEYFRAME, 0);
    sender.send(3, &KEYFRAME, 20);
    assert_eq!(sender.frames(2019), 1);
    assert_eq!(sender.frames(2020), 1, "goes on with the next keyframe");
}
