//! An input on fake time: what reaches the shard, and what JavaScript is told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::codec::Codec;
use crate::control::ids::ShardIndex;

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<ShardMessage>>>);

impl Shards for Told {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        self.0.lock().unwrap().push(message);
        Ok(())
    }
}

struct Given {
    input: Input<Told>,
    told: Told,
    mailbox: Arc<Mailbox>,
    #[cfg(feature = "mcu")]
    inlet: Arc<Inlet>,
    now: Instant,
}

impl Given {
    fn new() -> Self {
        Self::mixing(false)
    }

    fn mixing(mix_b_frames: bool) -> Self {
        let (ids, mailbox) = (Arc::<Ids>::default(), Arc::new(Mailbox::new(|| {})));
        let (inlet, _) = Inlet::new(|| {});
        let told = Told::default();
        let now = Instant::now();
        let input = Input::new(
            now,
            Parts {
                id: InputId::new(&ids, ShardIndex(1)),
                ids,
                mailbox: Arc::clone(&mailbox),
                shards: told.clone(),
                inlet: Arc::clone(&inlet),
                mix_b_frames,
                silence: Duration::from_secs(5),
            },
        );
        Self {
            input,
            told,
            mailbox,
            #[cfg(feature = "mcu")]
            inlet,
            now,
        }
    }

    /// A picture at `milliseconds`, which is when it comes as well.
    fn picture(&mut self, milliseconds: u32, keyframe: bool, composition: i32) {
        let data = if keyframe { KEYFRAME } else { &[0, 0, 0, 1, 0x41, 0x9a, 7] };
        let frame = VideoFrame { codec: Codec::H264, keyframe, composition, data };
        let now = self.now + Duration::from_millis(milliseconds.into());
        self.input.video(now, milliseconds, &frame);
    }

    /// The packets that went to the shard since the last call.
    fn packets(&self) -> Vec<Arc<SourcePacket>> {
        let messages = std::mem::take(&mut *self.told.0.lock().unwrap());
        let made = messages.into_iter().filter_map(|message| match message {
            ShardMessage::Made { packets } => Some(packets),
            _ => None,
        });
        made.flatten().collect()
    }

    fn events(&self) -> Vec<Event> {
        self.mailbox.drain()
    }
}

/// SPS of 320x240, baseline; PPS; IDR slice.
const KEYFRAME: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xe8, 0x40, 0, 0, 0, 1, 0x68, 0xce, 0x3c,
    0x80, 0, 0, 0, 1, 0x65, 0x88, 0x84, 9,
];

#[test]
fn pictures_become_a_track_with_the_first_keyframe() {
    let mut given = Given::new();
    given.picture(0, false, 0);
    assert!(given.events().is_empty() && given.packets().is_empty());
    given.picture(33, true, 0);
    let events = given.events();
    let [Event::InputTrack { info, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((info.kind, info.codec, info.size), (Kind::Video, Codec::H264, Some((320, 240))));
    assert_eq!(info.id.shard(), ShardIndex(1));
    given.picture(66, false, 0);
    let packets = given.packets();
    assert!(packets.iter().all(|packet| packet.track == info.id));
    let numbers: Vec<_> = packets.iter().map(|packet| packet.sequence).collect();
    assert_eq!(numbers, [0, 1, 2], "parameter sets, the keyframe, the next");
    assert_eq!(packets[2].timestamp.wrapping_sub(packets[0].timestamp), 33 * 90);
    assert!(packets[0].description.keyframe_complete);
    assert_eq!(packets[2].captured, given.now + Duration::from_millis(66));
}

#[test]
fn the_shard_hears_of_a_track_before_its_packets_and_that_no_keyframe_can_be_asked_for() {
    let mut given = Given::new();
    given.picture(0, true, 0);
    let messages = given.told.0.lock().unwrap();
    let [ShardMessage::MadeTrack { description, .. }, ShardMessage::Made { .. }] = &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert!(!description.keyframes_on_request);
}

#[test]
fn nothing_is_shown_of_pictures_in_another_order_and_sound_goes_on() {
    let mut given = Given::new();
    for (index, composition) in [66, 133, 66, 33].into_iter().enumerate() {
        given.picture(33 * index as u32, index == 0, composition);
    }
    let events = given.events();
    let [Event::InputWarning { error, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.code.name(), "ERR_B_FRAMES");
    assert!(given.packets().is_empty(), "not even the keyframe");
    given.input.sound(given.now, 0, &SoundFrame::Opus(&[0x78, 1, 2]));
    assert_eq!(given.packets().len(), 1);
}

#[test]
fn pictures_that_are_all_shown_as_much_later_are_in_step_with_sound_by_when_they_are_shown() {
    for composition in [0, 80, -40] {
        let mut given = Given::new();
        for index in 0..5u32 {
            let time = 1_000 + 40 * index;
            given.picture(time, index == 0, composition);
            let now = given.now + Duration::from_millis(time.into());
            given.input.sound(now, time, &SoundFrame::Opus(&[0x78, 1, 2]));
        }
        let packets = given.packets();
        let last = |codec| packets.iter().rfind(|packet| packet.codec == codec).unwrap().captured;
        let (picture, sound) = (last(Codec::H264), last(Codec::Opus));
        let apart = if picture > sound { picture - sound } else { sound - picture };
        assert_eq!(apart, Duration::from_millis(i32::unsigned_abs(composition).into()));
        assert_eq!(picture > sound, composition > 0);
        assert!(
            picture.max(sound) <= given.now + Duration::from_millis(1_160),
            "never later than now"
        );
    }
}

#[test]
fn another_stream_goes_on_in_the_same_tracks_with_its_first_keyframe() {
    let mut given = Given::new();
    given.picture(0, true, 0);
    given.picture(40, false, 0);
    let before = given.packets();
    given.events();
    given.input.begin_anew();
    // Another clock, which is a little behind that of the one before, and 5 s later.
    let (later, data) = (given.now + Duration::from_secs(5), &[0, 0, 0, 1, 0x41, 0x9a, 7][..]);
    let frame = VideoFrame { codec: Codec::H264, keyframe: false, composition: 0, data };
    given.input.video(later, 10, &frame);
    assert!(given.packets().is_empty(), "nothing can be made of it");
    let frame = VideoFrame { keyframe: true, data: KEYFRAME, ..frame };
    given.input.video(later, 20, &frame);
    let after = given.packets();
    assert!(given.events().is_empty(), "it is the same track");
    let (last, next) = (before.last().unwrap(), after.first().unwrap());
    assert_eq!((next.track, next.sequence), (last.track, last.sequence + 1));
    let passed = next.timestamp.wrapping_sub(last.timestamp) / 90;
    assert!((4_900..=5_000).contains(&passed), "{passed} ms");
}

#[test]
fn another_stream_in_another_codec_is_another_track() {
    let mut given = Given::new();
    given.picture(0, true, 0);
    given.events();
    given.input.begin_anew();
    let later = given.now + Duration::from_secs(5);
    let data = &[0, 0, 0, 1, 0x40, 1][..];
    let frame = VideoFrame { codec: Codec::H265, keyframe: false, composition: 0, data };
    given.input.video(later, 10, &frame);
    assert!(matches!(given.events()[..], [Event::InputTrackClosed { .. }]), "no codec changes");
}

#[test]
fn where_the_application_says_so_they_are_a_track_for_mixers_with_its_first_keyframe() {
    let mut given = Given::mixing(true);
    for (index, composition) in [66, 133, 66, 33].into_iter().enumerate() {
        given.picture(33 * index as u32, index == 0, composition);
    }
    let events = given.events();
    let [Event::InputTrack { info, .. }, Event::InputWarning { error, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(info.reordered);
    assert_eq!(error.code.name(), "ERR_B_FRAMES");
    assert_eq!(given.packets().len(), 5, "the keyframe with its parameter sets, and all others");
}

#[test]
fn b_frames_that_begin_later_end_the_track() {
    let mut given = Given::new();
    given.picture(0, true, 0);
    given.picture(33, false, 0);
    assert_eq!(given.packets().len(), 3);
    given.picture(66, false, 100);
    let codes: Vec<_> = given
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::InputTrackClosed { .. } => Some("closed"),
            Event::InputWarning { error, .. } => Some(error.code.name()),
            _ => None,
        })
        .collect();
    assert_eq!(codes, ["closed", "ERR_B_FRAMES"]);
    let closed = given.told.0.lock().unwrap().pop();
    assert!(matches!(closed, Some(ShardMessage::MadeTrackClosed { .. })));
    given.picture(99, true, 0);
    assert!(given.packets().is_empty());
}

#[test]
fn an_input_that_falls_silent_is_stalled_once_and_resumes_with_the_next_frame() {
    let mut given = Given::new();
    let told = |given: &Given| {
        let names = given.events().into_iter().filter_map(|event| match event {
            Event::InputStalled { .. } => Some("stalled"),
            Event::InputResumed { .. } => Some("resumed"),
            _ => None,
        });
        names.collect::<Vec<_>>()
    };
    let look = |given: &mut Given, milliseconds| {
        let now = given.now + Duration::from_millis(milliseconds);
        given.input.look(now);
    };
    look(&mut given, 4999);
    assert!(told(&given).is_empty());
    look(&mut given, 5000);
    look(&mut given, 9000);
    assert_eq!(told(&given), ["stalled"], "one that never sent anything, too");
    given.picture(9500, true, 0);
    given.picture(9600, false, 0);
    assert_eq!(told(&given), ["resumed"]);
    look(&mut given, 14_599);
    assert!(told(&given).is_empty());
    look(&mut given, 14_600);
    assert_eq!(told(&given), ["stalled"]);
}

#[test]
fn sound_and_pictures_of_one_moment_are_captured_at_one_moment() {
    let mut given = Given::new();
    given.picture(1000, true, 0);
    let later = given.now + Duration::from_millis(1040);
    // The sender's time says 1,020, so it was 20 ms on its way longer.
    given.input.sound(later, 1020, &SoundFrame::Opus(&[0x78, 1, 2]));
    let packets = given.packets();
    let (picture, sound) = (packets.first().unwrap(), packets.last().unwrap());
    assert_eq!(sound.captured - picture.captured, Duration::from_millis(20));
    assert_eq!(sound.codec, Codec::Opus);
}

#[test]
fn opus_whose_times_are_rounded_follows_without_gaps_and_a_pause_is_one() {
    let mut given = Given::new();
    // 2.5 ms each.
    for index in 0..40u32 {
        given.input.sound(given.now, index * 5 / 2, &SoundFrame::Opus(&[0x80, 1]));
    }
    given.input.sound(given.now, 400, &SoundFrame::Opus(&[0x80, 1]));
    let times: Vec<_> = given.packets().iter().map(|packet| packet.timestamp).collect();
    assert!(times[..40].windows(2).all(|pair| pair[1] - pair[0] == 120), "{times:?}");
    assert_eq!(times[40] - times[0], 400 * 48);
}

#[cfg(feature = "mcu")]
#[test]
fn aac_costs_nothing_while_nobody_hears_it() {
    const TONE: &[u8] = include_bytes!("../../mcu/audio/testing/tone.aac");
    let mut given = Given::new();
    let feed = |given: &mut Given, from: u32| {
        let mut rest = TONE;
        let mut time = from;
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let (frame, after) = after.split_at(u16::from_be_bytes(*length).into());
            let now = given.now + Duration::from_millis(time.into());
            given.input.sound(now, time, &SoundFrame::Aac(frame));
            (rest, time) = (after, time + 23);
        }
        given.packets()
    };
    given.input.sound(given.now, 0, &SoundFrame::AacConfiguration(&[0x12, 0x10]));
    let events = given.events();
    let [Event::InputTrack { info, .. }] = &events[..] else { panic!("{events:?}") };
    assert!(feed(&mut given, 0).is_empty());
    given.inlet.demand(info.id, crate::sfu::EncodingSet::ALL);
    given.input.look(given.now);
    let packets = feed(&mut given, 2000);
    assert!(packets.len() >= 48, "{} packets of a second", packets.len());
    assert!(packets.windows(2).all(|pair| pair[1].timestamp - pair[0].timestamp == 960));
    assert!(packets[40].extensions.audio_level.is_some_and(|(level, _)| level > -20));
}

#[cfg(feature = "mcu")]
#[test]
fn nobody_has_more_aac_decoded_than_sound_can_need() {
    const TONE: &[u8] = include_bytes!("../../mcu/audio/testing/tone.aac");
    let mut given = Given::new();
    given.input.sound(given.now, 0, &SoundFrame::AacConfiguration(&[0x12, 0x10]));
    let events = given.events();
    let [Event::InputTrack { info, .. }] = &events[..] else { panic!("{events:?}") };
    given.inlet.demand(info.id, crate::sfu::EncodingSet::ALL);
    given.input.look(given.now);
    let (length, rest) = TONE.split_first_chunk::<2>().unwrap();
    let frame = &rest[..u16::from_be_bytes(*length).into()];
    let push = |given: &mut Given, second: u64, count: u32| {
        let now = given.now + Duration::from_secs(second);
        for index in 0..count {
            given.input.sound(now, second as u32 * 1_000 + index, &SoundFrame::Aac(frame));
        }
        given.packets().len()
    };
    let at_once = push(&mut given, 0, 5_000);
    assert!((100..400).contains(&at_once), "{at_once} packets");
    assert_eq!(push(&mut given, 0, 5_000), 0);
    assert!(push(&mut given, 1, 100) > 60, "a second later there is room for a second");
}

#[cfg(feature = "mcu")]
#[test]
fn aac_that_is_another_with_every_frame_is_taken_twice_a_second() {
    let mut sound = Sound::new(Instant::now(), SourceId::new(&Ids::default(), ShardIndex(0)));
    let start = Instant::now();
    // 44,100 Hz and 48,000 Hz, stereo.
    let configs: [&[u8]; 2] = [&[0x12, 0x10], &[0x11, 0x90]];
    let mut give = |milliseconds: u64, frame: &SoundFrame<'_>| {
        let now = start + Duration::from_millis(milliseconds);
        let placed = Placed { media: milliseconds, captured: now };
        sound.receive(now, placed, frame, &mut Vec::new()).unwrap();
        sound.stats().frames_dropped
    };
    let mut lost = Vec::new();
    for frame in 0..4u64 {
        give(frame * 10, &SoundFrame::AacConfiguration(configs[frame as usize % 2]));
        lost.push(give(frame * 10, &SoundFrame::Aac(&[0; 8])));
    }
    assert_eq!(lost, [0, 1, 1, 2], "what is as it was goes on, and another waits");
    assert_eq!(give(499, &SoundFrame::Aac(&[0; 8])), 3);
    assert_eq!(give(500, &SoundFrame::Aac(&[0; 8])), 3, "the last one that was told");
    give(510, &SoundFrame::AacConfiguration(configs[0]));
    assert_eq!(give(510, &SoundFrame::Aac(&[0; 8])), 4, "and not another at once");
}

#[cfg(feature = "mcu")]
#[test]
fn aac_that_is_not_decoded_is_refused_once_with_its_reason() {
    let mut given = Given::new();
    for _ in 0..3 {
        // HE-AAC.
        given.input.sound(given.now, 0, &SoundFrame::AacConfiguration(&[0x2b, 0x92, 8, 0]));
        given.input.sound(given.now, 0, &SoundFrame::Aac(&[0; 20]));
    }
    let warnings: Vec<_> = given
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::InputWarning { error, .. } => Some(error.message),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("HE-AAC"), "{warnings:?}");
}
