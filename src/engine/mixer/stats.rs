//! A mixer's statistics, as JavaScript gets them.

use serde::Serialize;

use super::Mixer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MixerStats {
    id: u64,
    effort: &'static str,
    lateness: f64,
    packets_dropped: u64,
    ports: Vec<PortStats>,
    classes: Vec<ClassStats>,
}

/// What is not mixed of a port is left out.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct PortStats {
    pub id: u64,
    #[serde(flatten)]
    pub sound: Option<SoundStats>,
    #[serde(flatten)]
    pub picture: Option<PictureStats>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SoundStats {
    pub jitter_buffer_delay: f64,
    pub jitter_buffer_target: f64,
    pub packets_received: u64,
    pub packets_late: u64,
    pub packets_discarded: u64,
    pub concealed: u64,
    pub drift: f32,
    pub audio_level: i8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PictureStats {
    pub frames_decoded: u64,
    pub frames_dropped: u64,
    pub decoder_errors: u64,
    pub frame_width: u16,
    pub frame_height: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClassStats {
    pub codec: &'static str,
    pub width: u16,
    pub height: u16,
    pub frames_encoded: u64,
    pub key_frames_encoded: u64,
    pub bytes_encoded: u64,
}

pub(super) fn json<S>(mixer: &Mixer<S>) -> String {
    let mut ids: Vec<_> = mixer.ports.iter().copied().collect();
    ids.sort();
    let ports = ids.into_iter().map(|port| PortStats {
        id: port.0,
        sound: mixer.sound.as_ref().and_then(|sound| sound.stats(port)),
        picture: mixer.pictures.as_ref().and_then(|pictures| pictures.stats(port)),
    });
    let stats = MixerStats {
        id: mixer.id.0,
        effort: mixer.load.effort().name(),
        lateness: mixer.load.late().as_secs_f64() * 1000.0,
        packets_dropped: mixer.inlet.dropped(),
        ports: ports.collect(),
        classes: mixer.pictures.iter().flat_map(|pictures| pictures.class_stats()).collect(),
    };
    // Nothing in it can fail to be written.
    serde_json::to_string(&stats).unwrap_or_default()
}
