//! What the layers of an encoding cost, for whoever chooses among them. The thread that receives
//! the encoding measures; the receivers' threads read the same figures without being told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::packet::SourcePacket;
use crate::codec::dependency_descriptor::Indication;
use crate::codec::{Descriptor, Layer};

/// How often the figures are renewed.
const INTERVAL: Duration = Duration::from_millis(250);
/// Without packets for so long the encoding paused.
const PAUSE: Duration = Duration::from_secs(1);
/// Share of the newest interval in a figure: frames differ in size, and a figure that follows each
/// of them makes receivers change their minds.
const SHARE: f32 = 0.35;
/// Header, tag and extensions, which cost the link as well.
const OVERHEAD: u64 = 40;
const LAYERS: usize = Layer::MAX * Layer::MAX;

/// Figures of one encoding, by layer.
#[derive(Default, Debug)]
pub struct LayerRates {
    layers: [Rate; LAYERS],
    /// Width in the upper, height in the lower half; 0 is unknown.
    sizes: [AtomicU32; Layer::MAX],
    /// Each spatial layer is sent without those below, but for keyframes at most.
    alone: AtomicBool,
}

#[derive(Default, Debug)]
struct Rate {
    /// In bit/s, of this layer alone.
    bits: AtomicU32,
    /// In thousandths of a frame per second, of this layer alone.
    frames: AtomicU32,
}

impl LayerRates {
    /// Bit/s and frames per second of a layer with those that it needs; `None` when it does not
    /// come. Retransmissions are not in it.
    pub fn cumulative(&self, layer: Layer) -> Option<(u64, f32)> {
        if self.own(layer)?.0 == 0 {
            return None;
        }
        let below = Layer::all().filter(|other| {
            other.within(layer)
                && (other.spatial == layer.spatial || !self.alone.load(Ordering::Relaxed))
        });
        let (mut bits, mut frames) = (0, 0);
        for other in below {
            let (own_bits, own_frames) = self.own(other).unwrap_or_default();
            bits += u64::from(own_bits);
            frames += if other.spatial == layer.spatial { own_frames } else { 0 };
        }
        Some((bits, frames as f32 / 1000.0))
    }

    fn own(&self, layer: Layer) -> Option<(u32, u32)> {
        let rate = &self.layers[layer.index()?];
        Some((rate.bits.load(Ordering::Relaxed), rate.frames.load(Ordering::Relaxed)))
    }

    /// Width and height of a spatial layer.
    pub fn size(&self, spatial: u8) -> Option<(u16, u16)> {
        let size = self.sizes.get(usize::from(spatial))?.load(Ordering::Relaxed);
        (size != 0).then_some(((size >> 16) as u16, size as u16))
    }

    /// The highest layer that comes.
    pub fn highest(&self) -> Option<Layer> {
        Layer::all().filter(|layer| self.own(*layer).is_some_and(|(bits, _)| bits > 0)).last()
    }

    fn set_size(&self, spatial: usize, (width, height): (u16, u16)) {
        let size = u32::from(width) << 16 | u32::from(height);
        if let Some(known) = self.sizes.get(spatial).filter(|_| width > 0 && height > 0) {
            known.store(size, Ordering::Relaxed);
        }
    }
}

/// Measures what [`LayerRates`] tells.
#[derive(Debug)]
pub struct LayerMeter {
    rates: Arc<LayerRates>,
    since: Instant,
    bytes: [u64; LAYERS],
    frames: [u32; LAYERS],
    /// Figures before the newest interval, to smooth with.
    smooth: [(f32, f32); LAYERS],
    newest: Option<u32>,
    /// Timestamp of the newest keyframe.
    keyframe: Option<u32>,
}

impl LayerMeter {
    /// No layer is known; the first interval begins at `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            rates: Arc::default(),
            since: now,
            bytes: [0; LAYERS],
            frames: [0; LAYERS],
            smooth: [(0.0, 0.0); LAYERS],
            newest: None,
            keyframe: None,
        }
    }

    /// What is measured, shared with those who choose among the layers.
    pub fn rates(&self) -> &Arc<LayerRates> {
        &self.rates
    }

    /// What an encoding of one layer is going to cost, before its first packet.
    pub fn expect(&mut self, bits: u32, frames: f32, size: (u16, u16)) {
        self.smooth[0] = (bits as f32, frames);
        self.rates.layers[0].bits.store(bits, Ordering::Relaxed);
        self.rates.layers[0].frames.store((frames * 1000.0) as u32, Ordering::Relaxed);
        self.rates.set_size(0, size);
    }

    /// Counts a packet. True when layers appeared or ceased.
    pub fn receive(&mut self, packet: &SourcePacket) -> bool {
        let description = &packet.description;
        let Some(index) = description.layer.index() else { return false };
        let elapsed = packet.arrival.saturating_duration_since(self.since);
        if elapsed > PAUSE {
            // What came before it is still the best guess of what comes behind it.
            (self.bytes, self.frames, self.since) = ([0; LAYERS], [0; LAYERS], packet.arrival);
        }
        let changed =
            elapsed >= INTERVAL && elapsed <= PAUSE && self.renew(elapsed, packet.arrival);
        self.bytes[index] += packet.payload.len() as u64 + OVERHEAD;
        let newer = self.newest.is_none_or(|n| (packet.timestamp.wrapping_sub(n) as i32) > 0);
        if newer || description.frame_start {
            // A picture counts once for each of its spatial layers.
            self.frames[index] += 1;
            self.newest = Some(packet.timestamp);
        }
        if description.keyframe {
            self.keyframe = Some(packet.timestamp);
        }
        if description.frame_start
            && let Some(alone) = self.alone(packet)
        {
            self.rates.alone.store(alone, Ordering::Relaxed);
        }
        self.note_sizes(packet);
        changed
    }

    /// Whether spatial layers need none below, as far as a packet tells: of a frame below the highest
    /// spatial layer, and of no keyframe, in which they always do.
    fn alone(&self, packet: &SourcePacket) -> Option<bool> {
        let description = &packet.description;
        if self.keyframe == Some(packet.timestamp) {
            return None;
        }
        if let Some(dependencies) = description.frame.and_then(|frame| frame.dependencies) {
            let (layer, targets) = (dependencies.layer, dependencies.targets);
            let best = targets.best_within(Layer::HIGHEST)?;
            let below = layer.spatial < best.spatial && layer.temporal <= best.temporal;
            let apart = || targets.indication(best) == Some(Indication::NotPresent);
            return below.then(apart);
        }
        let Descriptor::Vp9(vp9) = &description.descriptor else { return None };
        let highest = self.rates.highest()?;
        let tells = vp9.inter_picture && description.layer.spatial < highest.spatial;
        tells.then_some(vp9.not_reference_above)
    }

    fn note_sizes(&self, packet: &SourcePacket) {
        let description = &packet.description;
        match &description.descriptor {
            Descriptor::Vp9(vp9) => {
                for (spatial, size) in vp9.sizes.iter().enumerate() {
                    self.rates.set_size(spatial, *size);
                }
            }
            _ => {
                // Where only the picture's size is known, spatial layers halve it.
                let Some((width, height)) = description.size else { return };
                let layers = description.frame.and_then(|frame| frame.dependencies);
                let highest = layers.and_then(|d| d.targets.best_within(Layer::HIGHEST));
                let highest = highest.map_or(0, |layer| usize::from(layer.spatial));
                for spatial in 0..=highest {
                    let halved = highest - spatial;
                    self.rates.set_size(spatial, (width >> halved, height >> halved));
                }
            }
        }
    }

    fn renew(&mut self, elapsed: Duration, now: Instant) -> bool {
        let seconds = elapsed.as_secs_f32();
        let mut changed = false;
        for (index, (bits, frames)) in self.smooth.iter_mut().enumerate() {
            let newest = self.bytes[index] as f32 * 8.0 / seconds;
            let newest_frames = self.frames[index] as f32 / seconds;
            let share = if *bits == 0.0 { 1.0 } else { SHARE };
            *bits += (newest - *bits) * share;
            *frames += (newest_frames - *frames) * share;
            // Some six intervals of nothing.
            if newest == 0.0 && *bits < 2_000.0 {
                (*bits, *frames) = (0.0, 0.0);
            }
            let rate = &self.rates.layers[index];
            changed |= (rate.bits.load(Ordering::Relaxed) == 0) != (*bits == 0.0);
            rate.bits.store(*bits as u32, Ordering::Relaxed);
            rate.frames.store((*frames * 1000.0) as u32, Ordering::Relaxed);
        }
        (self.bytes, self.frames, self.since) = ([0; LAYERS], [0; LAYERS], now);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Scalable;
    use super::*;
    use crate::codec::Codec;

    /// Bit/s of the lowest and of the highest of three spatial layers, with what they need.
    fn costs(codec: Codec, key_only: bool) -> (u64, u64) {
        let mut sender = Scalable::new(codec, 3, 3);
        sender.key_only = key_only;
        let mut meter = LayerMeter::new(sender.source.now());
        for picture in 0..60 {
            // Whatever a keyframe needs, the next picture tells.
            for packet in sender.picture(picture % 20 == 0) {
                meter.receive(&packet);
            }
        }
        let bits = |spatial| meter.rates().cumulative(Layer::new(spatial, 2)).unwrap().0;
        (bits(0), bits(2))
    }

    #[test]
    fn a_layer_that_needs_those_below_in_keyframes_alone_costs_what_it_takes_itself() {
        for codec in [Codec::Vp9, Codec::Av1] {
            let (low, high) = costs(codec, false);
            assert!(high > 2 * low, "{codec}: {low}, {high}");
            let (low, high) = costs(codec, true);
            assert!(high < 2 * low, "{codec}: {low}, {high}");
        }
    }
}
