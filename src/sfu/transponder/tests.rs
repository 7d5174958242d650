use std::collections::HashSet;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::super::testing::{Scalable, Source};
use super::*;
use crate::codec::vp8::Vp8Descriptor;
use crate::codec::vp9::Vp9Descriptor;
use crate::codec::{Codec, Descriptor};

const LOW: EncodingIndex = EncodingIndex(0);
const HIGH: EncodingIndex = EncodingIndex(1);
const MS: Duration = Duration::from_millis(1);

fn state(index: u8, active: bool) -> EncodingState {
    EncodingState { index: EncodingIndex(index), active, rank: u32::from(index) }
}

fn both(low: bool, high: bool) -> [EncodingState; 2] {
    [state(0, low), state(1, high)]
}

/// Two encodings of one sender, and what forwards them.
struct Simulcast {
    low: Source,
    high: Source,
    transponder: Transponder,
}

impl Simulcast {
    fn new(codec: Codec) -> Self {
        let now = Instant::now();
        let mut transponder = Transponder::new(codec.kind());
        transponder.set_source(&both(true, true));
        Self {
            low: Source::encoding(codec, 0, now),
            high: Source::encoding(codec, 1, now),
            transponder,
        }
    }

    /// With the low encoding selected and running.
    fn on_low(codec: Codec) -> Self {
        let mut simulcast = Self::new(codec);
        simulcast.transponder.select(Some(LOW), Layer::HIGHEST);
        assert!(simulcast.send_low(true).is_some());
        assert_eq!(simulcast.transponder.current(), Some(LOW));
        simulcast
    }

    fn send_low(&mut self, keyframe: bool) -> Option<Forward> {
        let packet = self.low.frame(keyframe, 1).remove(0);
        self.transponder.forward(&packet)
    }

    fn send_high(&mut self, keyframe: bool) -> Option<Forward> {
        let packet = self.high.frame(keyframe, 1).remove(0);
        self.transponder.forward(&packet)
    }
}

#[test]
fn a_stream_begins_once_more_with_the_group_it_had_under_new_numbers() {
    let mut source = Source::new(Codec::Vp8);
    let mut transponder = Transponder::new(Kind::Video);
    transponder.set_source(&[state(0, true)]);
    let group: Vec<SourcePacket> = [true, false, false, false]
        .into_iter()
        .flat_map(|keyframe| source.frame(keyframe, 2))
        .collect();
    let first: Vec<Forward> = group.iter().filter_map(|p| transponder.forward(p)).collect();
    let newest = group.last().unwrap();
    assert!(!transponder.begin_with_group(newest, false), "it is there already");
    assert_eq!(transponder.current(), Some(LOW));
    assert!(transponder.begin_with_group(newest, true));
    let again: Vec<Forward> = group.iter().filter_map(|p| transponder.forward(p)).collect();
    assert_eq!((first.len(), again.len()), (8, 8));
    let before = first.last().unwrap();
    assert!(again.iter().zip(1..).all(|(forward, n)| forward.sequence == before.sequence + n));
    assert!(again.iter().all(|f| (f.timestamp.wrapping_sub(before.timestamp) as i32) > 0));
    let pictures = group.iter().zip(&again).map(|(packet, forward)| picture(packet, forward).0);
    let mut pictures: Vec<u16> = pictures.collect();
    pictures.dedup();
    let last = picture(newest, before).0;
    assert_eq!(pictures, (1..5).map(|n| last + n).collect::<Vec<_>>(), "no picture is missing");
    // What comes goes on from there.
    let next = transponder.forward(&source.frame(false, 1)[0]).unwrap();
    assert_eq!(next.sequence, again[7].sequence + 1);
}

/// Picture id and TL0PICIDX as the receiver reads them.
fn picture(packet: &SourcePacket, forward: &Forward) -> (u16, u8) {
    let mut payload = Vec::new();
    match &forward.prefix {
        Some(prefix) => prefix.write(&packet.payload, &mut payload),
        None => payload.extend_from_slice(&packet.payload),
    }
    match packet.description.descriptor {
        Descriptor::Vp8(_) => {
            let d = Vp8Descriptor::parse(&payload).unwrap();
            (d.picture_id.unwrap().value, d.tl0_picture_index.unwrap())
        }
        Descriptor::Vp9(_) => {
            let d = Vp9Descriptor::parse(&payload).unwrap();
            (d.picture_id.unwrap().value, d.tl0_picture_index.unwrap())
        }
        Descriptor::None => panic!("no descriptor"),
    }
}

#[test]
fn video_starts_with_a_keyframe() {
    let mut s = Simulcast::new(Codec::Vp8);
    assert_eq!(s.send_high(false), None);
    assert_eq!(s.transponder.current(), None);
    assert!(s.send_high(true).is_some());
    assert!(s.send_high(false).is_some());
    assert_eq!(s.transponder.current(), Some(HIGH));
}

#[test]
fn audio_starts_at_once_and_asks_for_no_keyframe() {
    let now = Instant::now();
    let mut source = Source::encoding(Codec::Opus, 0, now);
    let mut t = Transponder::new(Kind::Audio);
    t.set_source(&[state(0, true)]);
    assert_eq!(t.wants_keyframe(now), None);
    assert!(t.forward(&source.packet()).is_some());
}

#[test]
fn nothing_is_forwarded_before_an_encoding_is_known() {
    let mut source = Source::encoding(Codec::Vp8, 0, Instant::now());
    let mut t = Transponder::new(Kind::Video);
    assert_eq!(t.forward(&source.keyframe()), None);
    assert_eq!(t.wants_keyframe(source.now()), None);
    t.set_source(&[]);
    assert_eq!(t.forward(&source.keyframe()), None);
    t.set_encodings(&[state(0, true)]);
    assert!(t.forward(&source.keyframe()).is_some());
}

#[test]
fn an_encoding_beyond_the_limit_is_left_alone() {
    let mut source = Source::encoding(Codec::Vp8, MAX_ENCODINGS as u8, Instant::now());
    let mut t = Transponder::new(Kind::Video);
    t.set_source(&[state(MAX_ENCODINGS as u8, true)]);
    assert_eq!(t.wants_keyframe(source.now()), None);
    assert_eq!(t.forward(&source.keyframe()), None);
}

#[test]
fn the_old_encoding_goes_on_until_the_new_one_has_a_keyframe() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    for _ in 0..10 {
        assert!(s.send_low(false).is_some());
        assert_eq!(s.send_high(false), None);
    }
    assert!(s.send_high(true).is_some());
    assert_eq!(s.transponder.current(), Some(HIGH));
}

#[test]
fn nothing_of_the_old_encoding_follows_the_keyframe_of_the_new_one() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    let old = s.low.frame(false, 3);
    assert!(s.transponder.forward(&old[0]).is_some());
    assert!(s.send_high(true).is_some());
    assert_eq!(s.transponder.forward(&old[1]), None);
    assert_eq!(s.transponder.forward(&old[2]), None);
    assert_eq!(s.send_low(true), None);
}

#[test]
fn a_switch_is_continuous_in_every_number() {
    for codec in [Codec::Vp8, Codec::Vp9] {
        let mut s = Simulcast::on_low(codec);
        let last = s.low.packet();
        let before = s.transponder.forward(&last).unwrap();
        s.high.wait(MS * 133);
        s.transponder.select(Some(HIGH), Layer::HIGHEST);
        assert_eq!(s.send_high(false), None, "comes before the keyframe and is no gap");
        let first = s.high.keyframe();
        let after = s.transponder.forward(&first).unwrap();
        assert_eq!(after.sequence, before.sequence + 1);
        let elapsed = (first.captured - last.captured).as_secs_f64() * 90_000.0;
        assert!((f64::from(after.timestamp.wrapping_sub(before.timestamp)) - elapsed).abs() < 2.0);
        let (id, tl0) = picture(&last, &before);
        assert_eq!(picture(&first, &after), ((id + 1) & 0x7fff, tl0.wrapping_add(1)));
    }
}

#[test]
fn frame_numbers_of_the_dependency_descriptor_are_continuous() {
    let mut s = Simulcast::on_low(Codec::Av1);
    let before = s.send_low(false).unwrap();
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    let after = s.send_high(true).unwrap();
    assert_eq!(after.frame_number, before.frame_number.map(|n| n.wrapping_add(1)));
    assert_eq!(s.send_high(false).unwrap().frame_number, after.frame_number.map(|n| n + 1));
}

#[test]
fn a_late_packet_of_the_new_encoding_finds_its_place() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    let frame = s.high.frame(true, 4);
    let first = s.transponder.forward(&frame[0]).unwrap();
    let last = s.transponder.forward(&frame[3]).unwrap();
    let second = s.transponder.forward(&frame[1]).unwrap();
    let third = s.transponder.forward(&frame[2]).unwrap();
    let offsets = [second, third, last].map(|f| f.sequence - first.sequence);
    assert_eq!(offsets, [1, 2, 3]);
    assert_eq!(second.timestamp, first.timestamp);
    assert_eq!(picture(&frame[1], &second), picture(&frame[0], &first));
}

#[test]
fn a_late_packet_from_before_the_keyframe_is_dropped() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    let early = s.high.packet();
    assert!(s.send_high(true).is_some());
    assert_eq!(s.transponder.forward(&early), None);
}

#[test]
fn loss_around_a_switch_stays_a_gap_in_the_new_encoding_only() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let before = s.send_low(false).unwrap();
    let _lost_of_the_old_one = s.low.packet();
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    let frame = s.high.frame(true, 3);
    let first = s.transponder.forward(&frame[0]).unwrap();
    assert_eq!(first.sequence, before.sequence + 1);
    let third = s.transponder.forward(&frame[2]).unwrap();
    assert_eq!(third.sequence, first.sequence + 2);
}

#[test]
fn duplicates_are_dropped() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let packet = s.low.packet();
    assert!(s.transponder.forward(&packet).is_some());
    assert_eq!(s.transponder.forward(&packet), None);
    let keyframe = s.low.keyframe();
    assert!(s.transponder.forward(&keyframe).is_some());
    assert_eq!(s.transponder.forward(&keyframe), None);
}

#[test]
fn padding_leaves_no_gap() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let before = s.send_low(false).unwrap();
    for _ in 0..5 {
        let padding = s.low.padding();
        assert_eq!(s.transponder.forward(&padding), None);
    }
    assert_eq!(s.send_low(false).unwrap().sequence, before.sequence + 1);
}

#[test]
fn a_keyframe_is_asked_for_until_it_comes() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), None);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    let start = s.low.now();
    let mut asked = Vec::new();
    for ms in 0..6000 {
        let due = s.transponder.next_request();
        if let Some(encoding) = s.transponder.wants_keyframe(start + MS * ms) {
            assert_eq!(encoding, HIGH);
            assert!(due.is_none_or(|due| due == start + MS * ms));
            asked.push(ms);
        }
    }
    assert_eq!(asked, [0, 500, 1000, 1500, 2000, 3000, 4000, 5000]);
    s.send_high(true);
    assert_eq!(s.transponder.wants_keyframe(start + MS * 9000), None);
    assert_eq!(s.transponder.next_request(), None);
}

#[test]
fn a_switch_called_off_asks_for_nothing() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), Some(HIGH));
    s.transponder.select(Some(LOW), Layer::HIGHEST);
    assert_eq!(s.transponder.wants_keyframe(s.low.now() + MS * 2000), None);
    assert!(s.send_low(false).is_some());
    assert_eq!(s.send_high(true), None);
}

#[test]
fn automatic_choice_takes_the_best_active_encoding() {
    let mut s = Simulcast::new(Codec::Vp8);
    s.transponder.set_encodings(&both(true, false));
    assert_eq!(s.transponder.target(), Some(LOW));
    s.send_low(true);
    s.transponder.set_encodings(&both(true, true));
    assert_eq!(s.transponder.target(), Some(HIGH));
    assert!(s.send_low(false).is_some());
    assert!(s.send_high(true).is_some());
}

#[test]
fn another_encoding_takes_over_from_one_that_went_silent() {
    let mut s = Simulcast::new(Codec::Vp8);
    s.send_high(true);
    s.transponder.set_encodings(&both(true, false));
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), Some(LOW));
    assert!(s.send_low(true).is_some());
    assert_eq!(s.transponder.current(), Some(LOW));
}

#[test]
fn a_selected_encoding_that_sends_nothing_leaves_the_current_one_in_place() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.set_encodings(&both(true, false));
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), None);
    assert!(s.send_low(false).is_some());
    s.transponder.set_encodings(&both(true, true));
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), Some(HIGH));
    assert!(s.send_high(true).is_some());
}

#[test]
fn a_source_that_pauses_as_a_whole_goes_on_where_it_stopped() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let before = s.send_low(false).unwrap();
    s.transponder.set_encodings(&both(false, false));
    s.low.wait(MS * 60_000);
    s.transponder.set_encodings(&both(true, false));
    let after = s.send_low(false).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    assert!(after.timestamp.wrapping_sub(before.timestamp) > 60 * 90_000);
}

#[test]
fn unmuted_video_resumes_with_a_keyframe_and_no_gap() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let before = s.send_low(false).unwrap();
    s.transponder.set_muted(true);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), None);
    for _ in 0..30 {
        assert_eq!(s.send_low(true), None);
    }
    s.transponder.set_muted(false);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), Some(LOW));
    assert_eq!(s.send_low(false), None);
    let after = s.send_low(true).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    // 33 frames later, to the tick: the source's own clock goes on.
    assert!(after.timestamp.wrapping_sub(before.timestamp).abs_diff(32 * 2_999) <= 1);
}

#[test]
fn a_keyframe_from_before_the_mute_that_comes_late_does_not_resume() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let late = s.low.keyframe();
    s.send_low(false);
    s.transponder.set_muted(true);
    s.transponder.set_muted(false);
    assert_eq!(s.transponder.forward(&late), None);
}

#[test]
fn unmuted_audio_resumes_at_once() {
    let mut source = Source::encoding(Codec::Opus, 0, Instant::now());
    let mut t = Transponder::new(Kind::Audio);
    t.set_source(&[state(0, true)]);
    let before = t.forward(&source.packet()).unwrap();
    t.set_muted(true);
    assert_eq!(t.forward(&source.packet()), None);
    t.set_muted(false);
    let after = t.forward(&source.packet()).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 2 * 960);
}

#[test]
fn a_new_source_continues_the_stream_and_forgets_the_choice() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let before = s.send_low(false).unwrap();
    let mut other = Source::encoding(Codec::Vp8, 0, s.low.now() + MS * 200);
    other.sequence = 5;
    s.transponder.set_source(&[state(0, true)]);
    assert_eq!(s.transponder.current(), None);
    assert_eq!(s.transponder.wants_keyframe(other.now()), Some(LOW));
    assert_eq!(s.transponder.forward(&other.packet()), None);
    let after = s.transponder.forward(&other.keyframe()).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    let step = after.timestamp.wrapping_sub(before.timestamp);
    assert!((20_000..27_000).contains(&step), "{step}");
}

#[test]
fn a_detached_transponder_forwards_nothing() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    s.transponder.detach();
    assert_eq!(s.send_low(true), None);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), None);
    assert_eq!(s.transponder.target(), None);
}

#[test]
fn a_restarted_encoding_begins_at_its_next_keyframe() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let before = s.send_low(false).unwrap();
    s.low.sequence = 3;
    s.low.timestamp = 99;
    s.transponder.restart(LOW);
    assert_eq!(s.transponder.wants_keyframe(s.low.now()), Some(LOW));
    assert_eq!(s.send_low(false), None);
    let after = s.send_low(true).unwrap();
    assert_eq!(after.sequence, before.sequence + 1);
    assert!((after.timestamp.wrapping_sub(before.timestamp) as i32) > 0);
}

#[test]
fn each_change_of_the_encoding_is_told_once() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    assert_eq!(s.transponder.poll_change(), Some(Some((LOW, Layer::HIGHEST))));
    assert_eq!(s.transponder.poll_change(), None);
    s.transponder.select(Some(HIGH), Layer::HIGHEST);
    assert_eq!(s.transponder.poll_change(), None, "the switch is pending");
    s.send_high(true);
    assert_eq!(s.transponder.poll_change(), Some(Some((HIGH, Layer::HIGHEST))));
    s.transponder.detach();
    assert_eq!(s.transponder.poll_change(), Some(None));
    assert_eq!(s.transponder.poll_change(), None);
}

#[test]
fn seven_bit_picture_ids_continue_in_fifteen_bits() {
    let mut s = Simulcast::new(Codec::Vp8);
    s.low.picture_id_bits = 7;
    s.low.picture_id = 120;
    s.transponder.select(Some(LOW), Layer::HIGHEST);
    for expected in 120..420 {
        let packet = s.low.frame(expected == 120, 1).remove(0);
        let forward = s.transponder.forward(&packet).unwrap();
        assert_eq!(picture(&packet, &forward).0, expected);
    }
}

/// What a receiver may rely on, whatever is switched, lost, doubled or reordered on the way in.
#[derive(Default)]
struct Receiver {
    sequences: HashSet<u64>,
    newest: Option<(u64, u32)>,
}

impl Receiver {
    fn take(&mut self, forward: &Forward) {
        assert!(self.sequences.insert(forward.sequence), "index {} twice", forward.sequence);
        match self.newest {
            None => assert!(forward.sequence < 65_536),
            Some((newest, timestamp)) if forward.sequence > newest => {
                assert!(forward.sequence - newest < 1 << 15);
                let step = forward.timestamp.wrapping_sub(timestamp) as i32;
                assert!(step >= 0, "timestamp went back by {step}");
            }
            Some(_) => return,
        }
        self.newest = Some((forward.sequence, forward.timestamp));
    }
}

/// Thousands of switches, mutes and new sources on a clean network: nothing is missing, and every
/// frame counts one.
#[test]
fn random_switches_on_a_clean_network_lose_nothing() {
    for (seed, codec) in [(1, Codec::Vp8), (2, Codec::Vp9), (3, Codec::Av1), (4, Codec::H264)] {
        let mut rng = SmallRng::seed_from_u64(seed);
        let now = Instant::now();
        let mut sources: Vec<_> = (0..3).map(|i| Source::encoding(codec, i, now)).collect();
        let states = [0, 1, 2].map(|i| state(i, true));
        let mut t = Transponder::new(Kind::Video);
        t.set_source(&states);
        let mut receiver = Receiver::default();
        let mut last: Option<(SourcePacket, Forward)> = None;
        let mut switches = 0;
        for _ in 0..8_000 {
            match rng.random_range(0..10) {
                0..=2 => t.select(Some(EncodingIndex(rng.random_range(0..3))), Layer::HIGHEST),
                3 => t.set_muted(rng.random_bool(0.1)),
                4 if rng.random_bool(0.2) => t.set_source(&states),
                5 => t.select(None, Layer::HIGHEST),
                _ => {}
            }
            for source in &mut sources {
                let frame = source.frame(rng.random_bool(0.4), rng.random_range(2..4));
                for packet in frame {
                    let Some(forward) = t.forward(&packet) else { continue };
                    receiver.take(&forward);
                    if let Some((before, sent)) = &last {
                        check_step(before, sent, &packet, &forward);
                        switches += u32::from(before.encoding != packet.encoding);
                    }
                    last = Some((packet, forward));
                }
            }
        }
        assert!(switches > 1000, "{switches} switches");
    }
}

/// From one packet to the next on a clean network.
fn check_step(before: &SourcePacket, sent: &Forward, packet: &SourcePacket, forward: &Forward) {
    assert_eq!(forward.sequence, sent.sequence + 1);
    let same_frame = before.encoding == packet.encoding && before.timestamp == packet.timestamp;
    assert_eq!(forward.timestamp == sent.timestamp, same_frame);
    let frames = u16::from(!same_frame);
    if packet.description.descriptor != Descriptor::None {
        let (id, tl0) = picture(before, sent);
        let expected = ((id + frames) & 0x7fff, tl0.wrapping_add(frames as u8));
        assert_eq!(picture(packet, forward), expected);
    }
    let number = sent.frame_number.map(|n| n.wrapping_add(frames));
    assert_eq!(forward.frame_number, number);
}

/// The same on a network that loses, doubles and reorders: a number is never given twice, and what
/// one frame has in common stays in common.
#[test]
fn random_switches_on_a_bad_network_never_reuse_a_number() {
    for seed in 0..20 {
        let codec = [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus][seed % 5];
        let mut rng = SmallRng::seed_from_u64(seed as u64);
        let now = Instant::now();
        let mut sources: Vec<_> = (0..3).map(|i| Source::encoding(codec, i, now)).collect();
        let mut t = Transponder::new(codec.kind());
        t.set_source(&[0, 1, 2].map(|i| state(i, true)));
        let mut sequences = HashSet::new();
        let mut network: Vec<SourcePacket> = Vec::new();
        let mut newest = 0;
        for _ in 0..5_000 {
            match rng.random_range(0..30) {
                0 => t.select(Some(EncodingIndex(rng.random_range(0..3))), Layer::HIGHEST),
                1 => t.select(None, Layer::HIGHEST),
                2 => t.set_muted(rng.random_bool(0.3)),
                3 => t.set_encodings(&[0, 1, 2].map(|i| state(i, rng.random_bool(0.7)))),
                4 if rng.random_bool(0.1) => t.restart(EncodingIndex(rng.random_range(0..3))),
                _ => {}
            }
            for source in &mut sources {
                network.extend(source.frame(rng.random_bool(0.1), rng.random_range(1..6)));
                if rng.random_bool(0.1) {
                    network.push(source.padding());
                }
            }
            network.retain(|_| !rng.random_bool(0.02));
            for _ in 0..rng.random_range(0..20) {
                if network.is_empty() {
                    break;
                }
                let from = network.len().min(12);
                let index = if rng.random_bool(0.8) { 0 } else { rng.random_range(0..from) };
                let packet = if rng.random_bool(0.05) {
                    network[index].clone()
                } else {
                    network.remove(index)
                };
                if let Some(forward) = t.forward(&packet) {
                    assert!(sequences.insert(forward.sequence), "{} twice", forward.sequence);
                    assert!(forward.sequence < newest + (1 << 15) || sequences.len() == 1);
                    newest = newest.max(forward.sequence);
                }
            }
        }
        assert!(sequences.len() > 1000, "{codec}: {} packets", sequences.len());
    }
}

#[test]
fn numbers_continue_over_every_wrap_of_the_source() {
    for codec in [Codec::Vp8, Codec::Vp9] {
        let mut source = Source::encoding(codec, 0, Instant::now());
        source.sequence = 65_536 * 3 - 50;
        source.timestamp = u32::MAX - 100_000;
        source.picture_id = 0x7fff - 40;
        source.tl0_index = 250;
        let mut t = Transponder::new(Kind::Video);
        t.set_source(&[state(0, true)]);
        let mut last: Option<(SourcePacket, Forward)> = None;
        for frame in 0..200 {
            for packet in source.frame(frame == 0, 2) {
                let forward = t.forward(&packet).unwrap();
                if let Some((before, sent)) = &last {
                    check_step(before, sent, &packet, &forward);
                }
                last = Some((packet, forward));
            }
        }
    }
}

#[test]
fn before_the_first_switch_nothing_has_to_be_rewritten() {
    for codec in [Codec::Vp8, Codec::Vp9] {
        let mut s = Simulcast::on_low(codec);
        assert_eq!(s.send_low(false).unwrap().prefix, None);
        s.transponder.select(Some(HIGH), Layer::HIGHEST);
        assert!(s.send_high(true).unwrap().prefix.is_some(), "{codec}");
    }
}

#[test]
fn what_was_sent_a_moment_ago_is_repeated_as_it_was() {
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
        let mut s = Simulcast::on_low(codec);
        let mut sent = Vec::new();
        for round in 0..40 {
            // Back and forth, so that closed segments are asked as well.
            let (high, keyframe) = (round / 8 % 2 == 1, round % 8 == 0);
            s.transponder.select(Some(if high { HIGH } else { LOW }), Layer::HIGHEST);
            let source = if high { &mut s.high } else { &mut s.low };
            for packet in source.frame(keyframe, 3) {
                if round % 5 == 4 && packet.marker {
                    continue; // Lost on the way in.
                }
                if let Some(forward) = s.transponder.forward(&packet) {
                    sent.push((packet, forward));
                }
            }
        }
        assert!(sent.len() > 100, "{codec}");
        for (packet, forward) in &sent {
            let index = s.transponder.index_of(forward.sequence as u16).unwrap();
            assert_eq!(index, forward.sequence);
            assert_eq!(s.transponder.origin_of(index), Some((Origin::of(packet), packet.sequence)));
            assert_eq!(s.transponder.repeat(packet, index).as_ref(), Some(forward), "{codec}");
            let mut other = packet.clone();
            other.ssrc += 1;
            assert_eq!(s.transponder.repeat(&other, index), None, "the sender began anew");
        }
        let (newest, forward) = sent.last().unwrap();
        assert_eq!(s.transponder.sent_as(newest), Some(forward.sequence));
        assert_eq!(s.transponder.origin_of(forward.sequence + 1), None, "not sent yet");
    }
}

#[test]
fn a_packet_that_never_came_is_not_repeated_as_another() {
    let mut s = Simulcast::on_low(Codec::Vp8);
    let lost = s.low.packet();
    let next = s.low.packet();
    let forward = s.transponder.forward(&next).unwrap();
    assert_eq!(s.transponder.origin_of(forward.sequence - 1), None);
    assert_eq!(s.transponder.repeat(&lost, forward.sequence - 1), None);
    assert_eq!(s.transponder.repeat(&next, forward.sequence - 1), None);
}

/// A receiver of a sender of layers, after its first keyframe.
fn scalable(codec: Codec, layers: (u8, u8)) -> (Scalable, Transponder) {
    let mut sender = Scalable::new(codec, layers.0, layers.1);
    let mut transponder = Transponder::new(Kind::Video);
    transponder.set_source(&[state(0, true)]);
    for packet in sender.picture(true) {
        assert!(transponder.forward(&packet).is_some());
    }
    (sender, transponder)
}

#[test]
fn layers_that_are_left_out_leave_no_gap() {
    for (codec, layers) in [(Codec::Vp8, (1, 3)), (Codec::Vp9, (3, 3)), (Codec::Av1, (3, 3))] {
        let (mut sender, mut transponder) = scalable(codec, layers);
        transponder.select(Some(LOW), Layer::new(1, 1));
        let mut last: Option<(SourcePacket, Forward)> = None;
        let mut sent = 0;
        for _ in 0..400 {
            for packet in sender.picture(false) {
                let Some(forward) = transponder.forward(&packet) else { continue };
                sent += 1;
                assert!(!forward.empty && packet.description.layer.within(Layer::new(1, 1)));
                if let Some((before, then)) = &last {
                    assert_eq!(forward.sequence, then.sequence + 1, "{codec}");
                    let frames = u16::from(before.timestamp != packet.timestamp);
                    match codec {
                        // Decoders of VP8 take a gap for a loss; the others look at references.
                        Codec::Vp8 => {
                            let (id, _) = picture(before, then);
                            assert_eq!(picture(&packet, &forward).0, (id + frames) & 0x7fff);
                        }
                        Codec::Vp9 => {
                            let gone = picture(&packet, &forward).0 - picture(before, then).0;
                            assert_eq!(gone & 0x7fff, 2 * frames);
                        }
                        _ => {}
                    }
                }
                last = Some((packet, forward));
            }
        }
        assert_eq!(sent, if codec == Codec::Vp8 { 200 } else { 400 }, "{codec}");
    }
}

#[test]
fn a_late_packet_of_a_layer_left_out_fills_its_gap_with_nothing() {
    let (mut sender, mut transponder) = scalable(Codec::Vp8, (1, 2));
    transponder.select(Some(LOW), Layer::new(0, 0));
    let first = sender.picture(false).remove(0);
    assert_eq!(transponder.forward(&first), None);
    let base = sender.picture(false).remove(0);
    let before = transponder.forward(&base).unwrap();
    let late = sender.picture(false).remove(0);
    let next = sender.picture(false).remove(0);
    assert_eq!(transponder.forward(&next).unwrap().sequence, before.sequence + 2);
    let filler = transponder.forward(&late).unwrap();
    assert!(filler.empty);
    assert_eq!(filler.sequence, before.sequence + 1);
    assert_eq!(transponder.repeat(&late, filler.sequence), None, "there is nothing to repeat");
}

#[test]
fn a_repetition_has_the_marker_that_was_sent() {
    let (mut sender, mut transponder) = scalable(Codec::Vp9, (2, 1));
    transponder.select(Some(LOW), Layer::new(0, 0));
    let base = sender.picture(false).remove(0);
    let sent = transponder.forward(&base).unwrap();
    assert!(sent.marker && !base.marker);
    transponder.select(Some(LOW), Layer::HIGHEST);
    for packet in sender.picture(true) {
        transponder.forward(&packet);
    }
    assert_eq!(transponder.repeat(&base, sent.sequence), Some(sent));
}

#[test]
fn on_the_way_down_only_the_lowest_frame_rate_is_sent() {
    let (mut low, mut high) = (Scalable::new(Codec::Vp8, 1, 3), Scalable::new(Codec::Vp8, 1, 3));
    high.source.encoding = HIGH;
    let mut transponder = Transponder::new(Kind::Video);
    transponder.set_source(&[state(0, true), state(1, true)]);
    transponder.forward(&high.picture(true)[0]).unwrap();
    transponder.select(Some(LOW), Layer::HIGHEST);
    let sent = |transponder: &mut Transponder, packets: Vec<SourcePacket>| {
        packets.iter().filter(|packet| transponder.forward(packet).is_some()).count()
    };
    let count: usize = (0..8).map(|_| sent(&mut transponder, high.picture(false))).sum();
    assert_eq!(count, 2);
    assert_eq!(sent(&mut transponder, low.picture(true)), 1);
    let count: usize = (0..8).map(|_| sent(&mut transponder, low.picture(false))).sum();
    assert_eq!(count, 8);
}
