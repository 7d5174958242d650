//! A mixer's statistics.

use super::Mixer;
use crate::control::stats::{MixerStats, PortStats};

pub(super) fn of<S>(mixer: &Mixer<S>) -> MixerStats {
    let mut ids: Vec<_> = mixer.ports.iter().copied().collect();
    ids.sort();
    let ports = ids.into_iter().map(|port| PortStats {
        id: port.0,
        sound: mixer.sound.as_ref().and_then(|sound| sound.stats(port)),
        picture: mixer.pictures.as_ref().and_then(|pictures| pictures.stats(port)),
    });
    MixerStats {
        id: mixer.id.0,
        effort: mixer.load.effort().name(),
        lateness: mixer.load.late().as_secs_f64() * 1000.0,
        packets_dropped: mixer.inlet.dropped(),
        ports: ports.collect(),
        classes: mixer.pictures.iter().flat_map(|pictures| pictures.class_stats()).collect(),
    }
}
