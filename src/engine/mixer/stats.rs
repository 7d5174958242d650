//! A mixer's statistics.

use super::Mixer;
use crate::codec::Kind;
use crate::control::ids::{IdMap, PortId};
use crate::control::stats::{MixerStats, PortStats};
use crate::engine::tap::Shards;

pub(super) fn of<S: Shards>(mixer: &Mixer<S>) -> MixerStats {
    let mut ids: Vec<_> = mixer.ports.iter().copied().collect();
    ids.sort();
    let audio = mixer.inputs.iter().filter(|input| input.kind == Kind::Audio);
    let skipped: IdMap<PortId, u64> = audio.map(|i| (i.place, i.doze.skipped())).collect();
    let ports = ids.into_iter().map(|port| {
        let mut sound = mixer.sound.as_ref().and_then(|sound| sound.stats(port));
        if let Some((sound, skipped)) = sound.as_mut().zip(skipped.get(&port)) {
            sound.packets_received += skipped;
        }
        let picture = mixer.pictures.as_ref().and_then(|pictures| pictures.stats(port));
        PortStats { id: port.0, sound, picture }
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
