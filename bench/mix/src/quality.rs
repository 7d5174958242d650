//! What a voice sounds like that was forwarded, and one that went through a mixer on its way: files
//! for a tool that compares them with what was said, such as PESQ (ITU-T P.862) or ViSQOL.

use std::path::Path;
use std::time::{Duration, Instant};

use medialoom::mcu::audio::{
    AudioMixer, AudioSink, AudioTarget, PcmFormat, PcmFrame, TICK, TapKey, TapSource,
};
use medialoom::mcu::{MadePacket, TakenPacket};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::network::arriving;
use crate::sources::{PORT, opus_mixer};

const RATE: u32 = 16_000;
const FRAME: usize = 320;
/// How long a packet is under way.
const WAY: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Out {
    packets: Vec<MadePacket>,
    heard: Vec<i16>,
}

impl AudioSink for Out {
    fn packet(&mut self, _: AudioTarget, packet: MadePacket) {
        self.packets.push(packet);
    }

    fn pcm(&mut self, _: TapKey, samples: &[i16], _: Instant) {
        self.heard.extend_from_slice(samples);
    }
}

fn mixer() -> AudioMixer {
    let mut mixer = opus_mixer();
    let format = PcmFormat { rate: RATE, channels: 1, frame_ms: 20 };
    mixer.add_tap(TapKey(1), TapSource::Mix(AudioTarget::Shared), format);
    mixer
}

/// One way of a voice: what is sent, and what is lost of it.
struct Link {
    loss: f64,
    rng: SmallRng,
}

impl Link {
    fn carry(&mut self, packet: MadePacket, now: Instant) -> Option<TakenPacket> {
        (!self.rng.random_bool(self.loss)).then(|| arriving(packet, now + WAY))
    }
}

/// Writes `forwarded-N.wav` and `mixed-N.wav` with N percent lost on the way from the sender, of a
/// WAV file with one channel at 16 kHz.
pub fn write(speech: &Path, folder: &Path) -> std::io::Result<()> {
    let file = std::fs::read(speech)?;
    let samples: Vec<i16> =
        file[44..].chunks_exact(2).map(|s| i16::from_le_bytes([s[0], s[1]])).collect();
    for percent in [0, 5] {
        let loss = f64::from(percent) / 100.0;
        for (name, mixed) in [("forwarded", false), ("mixed", true)] {
            let heard = run(&samples, loss, mixed);
            save(&folder.join(format!("{name}-{percent}.wav")), &heard)?;
        }
    }
    Ok(())
}

/// Speaker, then a mixer if `mixed`, then a listener.
fn run(samples: &[i16], loss: f64, mixed: bool) -> Vec<i16> {
    let start = Instant::now();
    let (mut sender, mut middle, mut listener) = (mixer(), mixer(), mixer());
    let mut up = Link { loss, rng: SmallRng::seed_from_u64(5) };
    let mut down = Link { loss: 0.0, rng: SmallRng::seed_from_u64(6) };
    let mut heard = Out::default();
    let frames = samples.chunks_exact(FRAME).chain(std::iter::repeat_n(&[0; FRAME][..], 30));
    for (tick, frame) in frames.enumerate() {
        let now = start + TICK * tick as u32;
        let pcm = PcmFrame { samples: frame, channels: 1, rate: RATE, timestamp: now };
        let _ = sender.write_pcm(PORT, &pcm);
        let mut out = Out::default();
        sender.tick(now, &mut out);
        let next = if mixed { &mut middle } else { &mut listener };
        for packet in out.packets.into_iter().filter_map(|packet| up.carry(packet, now)) {
            next.receive(PORT, &packet);
        }
        if mixed {
            let mut out = Out::default();
            middle.tick(now + WAY, &mut out);
            for packet in out.packets.into_iter().filter_map(|p| down.carry(p, now + WAY)) {
                listener.receive(PORT, &packet);
            }
        }
        listener.tick(now + WAY * 2, &mut heard);
    }
    heard.heard
}

fn save(path: &Path, samples: &[i16]) -> std::io::Result<()> {
    let bytes = (samples.len() * 2) as u32;
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(path, file)
}
