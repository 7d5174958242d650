//! One hostile sender of sound in a mixer, who gets better in the end.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use medialoom::codec::Codec;
use medialoom::mcu::audio::{
    AudioMixer, AudioOptions, AudioPortOptions, AudioSink, AudioTarget, CodecSet, PcmFormat, TICK,
    TapKey, TapSource, Tone,
};
use medialoom::mcu::{MadePacket, PortId, TakenPacket};

use crate::script::{Packet, Script};

/// Flags of a packet. Two bits: its codec.
pub const CODECS: [Codec; 4] = [Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722];
/// It is wrapped in RED.
pub const RED: u8 = 4;
/// The mixer ticks behind it.
pub const TICK_AFTER: u8 = 8;
/// Three times more.
const PAUSE: u8 = 16;
/// It tells how loud it is.
const LEVEL: u8 = 32;
/// Its timestamp is moved as well.
const JUMP: u8 = 64;
/// The source is switched before it.
const RESET: u8 = 128;

const PORT: PortId = PortId(1);
/// Most packets that are played of a script: ticks take long.
const MAX_PACKETS: usize = 24;
/// Ticks in which good sound has to be heard again.
const RECOVERY: usize = 75;

/// Plays a script into a mixer; panics when something is out of bounds, or good sound is not heard
/// afterwards.
pub fn play(data: &[u8]) {
    let script = Script::parse(data);
    let mut meeting = Meeting::new(script.options);
    script.packets.iter().take(MAX_PACKETS).for_each(|packet| meeting.receive(packet));
    meeting.tick();
    // It takes as long as many scripts.
    if script.options & 0x58 == 0 {
        meeting.recover();
    }
}

struct Meeting {
    mixer: AudioMixer,
    ear: Ear,
    now: Instant,
    sequence: u64,
    highest: u64,
    timestamp: u32,
}

impl Meeting {
    fn new(options: u8) -> Self {
        let stereo = options & 1 != 0;
        let mixing = if stereo { AudioOptions::stereo() } else { AudioOptions::mono() };
        let mut mixer = AudioMixer::new(mixing);
        let port = AudioPortOptions {
            auto_gain: options & 2 != 0,
            gain: if options & 4 != 0 { AudioPortOptions::MAX_GAIN } else { 1.0 },
            ..AudioPortOptions::default()
        };
        mixer.add_port(PORT, port);
        let format = |rate| PcmFormat { rate, channels: 1 + u8::from(stereo), frame_ms: 20 };
        assert!(mixer.add_tap(TapKey(1), TapSource::Mix(AudioTarget::Shared), format(48_000)));
        if options & 0x20 != 0 {
            assert!(mixer.add_tap(TapKey(2), TapSource::Input(PORT), format(8_000)));
        }
        let now = Instant::now() + Duration::from_secs(3600);
        let (sequence, timestamp) = (1000, 0xffff_f000);
        Self { mixer, ear: Ear::default(), now, sequence, highest: sequence, timestamp }
    }

    fn receive(&mut self, packet: &Packet) {
        if packet.flags & RESET != 0 {
            self.mixer.reset_input(PORT);
        }
        let codec = CODECS[usize::from(packet.flags & 3)];
        let shift = i64::from(packet.shift);
        let sequence = self.sequence.saturating_add_signed(shift);
        let frame = i64::from(codec.clock_rate() / 50);
        let moved = if packet.flags & JUMP != 0 { shift.pow(3) * 37 } else { shift * frame };
        self.highest = self.highest.max(sequence);
        self.mixer.receive(
            PORT,
            &TakenPacket {
                sequence,
                timestamp: self.timestamp.wrapping_add(moved as u32),
                marker: false,
                codec,
                red: packet.flags & RED != 0,
                payload: Arc::from(&packet.payload[..]),
                arrival: self.now,
                captured: self.now,
                audio_level: (packet.flags & LEVEL != 0).then_some(packet.shift),
                rotation: 0,
            },
        );
        self.sequence += 1;
        self.timestamp = self.timestamp.wrapping_add(frame as u32);
        if packet.flags & TICK_AFTER != 0 {
            self.tick();
        }
        if packet.flags & PAUSE != 0 {
            (0..3).for_each(|_| self.tick());
        }
    }

    fn tick(&mut self) {
        self.mixer.tick(self.now, &mut self.ear);
        self.now += TICK;
        assert!(self.mixer.speakers().count() <= 1);
        let _ = self.mixer.playout_delay(PORT);
        let stats = self.mixer.port_stats(PORT).unwrap();
        assert!(stats.target_delay <= Duration::from_millis(500), "{stats:?}");
        assert!(stats.drift_ppm.is_finite(), "{stats:?}");
    }

    fn recover(&mut self) {
        let (mut sequence, mut timestamp) = (self.highest + 1, self.timestamp);
        for payload in good().iter().cycle().take(RECOVERY) {
            let packet = TakenPacket {
                sequence,
                timestamp,
                marker: false,
                codec: Codec::Opus,
                red: false,
                payload: payload.clone(),
                arrival: self.now,
                captured: self.now,
                audio_level: Some(-15),
                rotation: 0,
            };
            self.mixer.receive(PORT, &packet);
            sequence += 1;
            timestamp = timestamp.wrapping_add(960);
            self.tick();
        }
        let speaker = self.mixer.speakers().next();
        let loud = self.ear.peak > 300 && speaker.is_some_and(|speaker| speaker.level > -50);
        assert!(loud, "good sound is not heard: {:?}", self.mixer.port_stats(PORT));
    }
}

/// Hears the mix.
#[derive(Default)]
struct Ear {
    /// Of the last tick.
    peak: u16,
    packets: Vec<(AudioTarget, MadePacket)>,
}

impl AudioSink for Ear {
    fn packet(&mut self, target: AudioTarget, packet: MadePacket) {
        self.packets.push((target, packet));
    }

    fn pcm(&mut self, tap: TapKey, samples: &[i16], _: Instant) {
        if tap == TapKey(1) {
            self.peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        }
    }
}

/// Half a second of a tone.
fn good() -> &'static [Arc<[u8]>] {
    static ENCODED: OnceLock<Vec<Arc<[u8]>>> = OnceLock::new();
    ENCODED.get_or_init(|| {
        encode(false, 40_000)
            .into_iter()
            .filter(|(codec, _)| *codec == Codec::Opus)
            .map(|(_, p)| p)
            .collect()
    })
}

/// Half a second of a tone in every codec, as a mixer encodes it.
pub fn encode(stereo: bool, bitrate: u32) -> Vec<(Codec, Arc<[u8]>)> {
    let options = if stereo { AudioOptions::stereo() } else { AudioOptions::mono() };
    let mut mixer = AudioMixer::new(AudioOptions { bitrate, expected_loss: 30, ..options });
    mixer.add_port(PORT, AudioPortOptions::default());
    mixer.set_tone(PORT, Some(Tone { frequency: 440.0, second: Some(700.0), level: -12.0 }));
    mixer.set_wanted(AudioTarget::Shared, CODECS.into_iter().collect::<CodecSet>());
    let mut ear = Ear::default();
    let now = Instant::now();
    (0..25).for_each(|tick| mixer.tick(now + TICK * tick, &mut ear));
    ear.packets.into_iter().map(|(_, packet)| (packet.codec, packet.payload)).collect()
}
