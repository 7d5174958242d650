//! The last byte says how the file is played.

use std::sync::Arc;
use std::time::Instant;

use medialoom::mcu::audio::{
    AudioMixer, AudioOptions, AudioPortOptions, AudioSink, AudioTarget, PcmFormat, TICK, TapKey,
    TapSource,
};
use medialoom::mcu::{MadePacket, PortId};

struct Ear;

impl AudioSink for Ear {
    fn packet(&mut self, _: AudioTarget, _: MadePacket) {}
}

pub fn run(data: &[u8]) {
    let Some((&how, file)) = data.split_last() else { return };
    let options = if how & 1 == 0 { AudioOptions::mono() } else { AudioOptions::stereo() };
    let mut mixer = AudioMixer::new(options);
    mixer.add_port(PortId(1), AudioPortOptions::default());
    let format = PcmFormat { rate: 48_000, channels: 1, frame_ms: 20 };
    assert!(mixer.add_tap(TapKey(1), TapSource::Mix(AudioTarget::Shared), format));
    if mixer.play_file(PortId(1), Arc::from(file), how & 2 == 0).is_err() {
        return;
    }
    let now = Instant::now();
    (0..60).for_each(|tick| mixer.tick(now + TICK * tick, &mut Ear));
}
