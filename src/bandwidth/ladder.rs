//! What one outgoing video track can be sent, as a ladder: each rung costs more than the one below
//! it and looks better.
//!
//! How good a layer looks is its pixels times its frames a second. Below [`SMOOTH`] frames a second
//! motion falls apart, so there frames count four times: a smaller picture with all its frames wins over
//! a bigger one that jerks. A source that has no more frames, a shared screen for example, is
//! measured by what it has.

use super::layer::{Layer, LayerId};
use super::picture::{self, Picture};

/// Frames a second below which a picture is not worth its pixels.
const SMOOTH: f32 = 12.0;
/// A rung is worth having when it looks this much better than the one below it.
const MIN_GAIN: f32 = 1.1;
/// Layers whose bitrates differ by less are one step; the better one is taken.
const SAME_BITRATE: f64 = 1.1;
/// How far a measured frame rate, or the bitrate of what is being sent, may be over a limit.
const TOLERANCE: f64 = 1.15;
/// Encoders round sizes to even numbers or to blocks: 426x240 may arrive as 432x240.
const SIZE_TOLERANCE: u32 = 16;
/// Pixels of a picture whose size nobody told: 640x360.
const USUAL_PIXELS: f32 = 640.0 * 360.0;
/// Rungs of a ladder.
pub const MAX_RUNGS: usize = 64;
/// Layers that are looked at: eight encodings of four by four layers.
const MAX_LAYERS: usize = 128;

/// What the application wants of an outgoing video track. The engine picks what fits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Preferences {
    /// Nothing wider is sent while there is something that is not; else the smallest is.
    pub max_width: Option<u16>,
    /// Likewise.
    pub max_height: Option<u16>,
    /// Likewise, in frames a second.
    pub max_frame_rate: Option<f32>,
    /// Likewise, in bits a second.
    pub max_bitrate: Option<u64>,
    /// 1 to 100. A step of a track with twice the priority may cost twice as much and comes first.
    pub priority: u32,
    /// Whether the track may be sent nothing at all when the link is too small for everything.
    pub pause_allowed: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            max_width: None,
            max_height: None,
            max_frame_rate: None,
            max_bitrate: None,
            priority: 1,
            pause_allowed: true,
        }
    }
}

/// What the application has fixed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Selection {
    pub encoding: Option<u8>,
    pub max_spatial: Option<u8>,
    pub max_temporal: Option<u8>,
}

/// One step of a ladder.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rung {
    pub layer: LayerId,
    /// Bits a second.
    pub bitrate: u64,
    /// 0: unknown.
    pub width: u16,
    pub height: u16,
    /// Frames a second; a guess where the source has not told.
    pub frame_rate: f32,
    /// Can be sent now.
    pub active: bool,
    /// Only here because what is wanted instead does not come at the moment.
    pub stopgap: bool,
    /// How good it looks, in pixels a second; comparable within one source.
    pub value: f32,
}

/// Rungs in ascending order of bitrate.
///
/// Those that are active, and those that are no stopgap, each look better from one to the next.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    rungs: Vec<Rung>,
    limited: bool,
    shed: bool,
    pixels: f32,
}

impl Ladder {
    /// From the cheapest to the dearest; empty when nothing can be sent.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// Whether preferences or a selection leave out something that looks better.
    pub fn limited(&self) -> bool {
        self.limited
    }

    /// Takes away the rungs above `share` of the bitrate of the best, as long as something stays
    /// that can be sent, and something that is wanted. 1 takes nothing.
    pub fn shed(&mut self, share: f64) {
        let best = self.rungs.last().map_or(0.0, |rung| rung.bitrate as f64);
        let allowed = best * share;
        let allowed = self.rungs.partition_point(|rung| rung.bitrate as f64 <= allowed);
        let sendable = self.rungs.iter().position(|rung| rung.active);
        let wanted = self.rungs.iter().position(|rung| !rung.stopgap);
        let least = sendable.max(wanted).map_or(0, |place| place + 1);
        let before = self.rungs.len();
        self.rungs.truncate(allowed.max(least));
        self.shed = self.rungs.len() < before;
    }

    /// Whether something that looks better was taken away.
    pub fn is_shed(&self) -> bool {
        self.shed
    }

    /// Pixels the receiver is going to see at best.
    pub fn visible_pixels(&self) -> f32 {
        if self.pixels > 0.0 { self.pixels } else { USUAL_PIXELS }
    }

    /// Index of the rung with this layer.
    pub fn position(&self, layer: LayerId) -> Option<usize> {
        self.rungs.iter().position(|rung| rung.layer == layer)
    }
}

/// A layer being considered.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    rung: Rung,
    pixels: f32,
    /// Within the preferences.
    allowed: bool,
}

/// Builds ladders. One serves any number of tracks; once it has seen the largest, building
/// allocates nothing.
#[derive(Debug, Default)]
pub struct LadderBuilder {
    candidates: Vec<Candidate>,
    pictures: Vec<Picture>,
}

impl LadderBuilder {
    /// Has room for the layers of the largest source.
    pub fn new() -> Self {
        Self {
            candidates: Vec::with_capacity(MAX_LAYERS),
            pictures: Vec::with_capacity(MAX_LAYERS),
        }
    }

    /// Makes `ladder` anew. `held` is what the track is being sent: it stays a rung as long as
    /// nothing is clearly better, so that measured rates that cross do not make it jump.
    pub fn build(
        &mut self,
        layers: &[Layer],
        preferences: &Preferences,
        selection: &Selection,
        held: Option<LayerId>,
        ladder: &mut Ladder,
    ) {
        ladder.rungs.clear();
        ladder.shed = false;
        self.collect(layers);
        let best = self.best_value();
        self.select(selection);
        self.prefer(preferences, held);
        // Cheaper first, and of those that cost the same the better one.
        self.candidates.sort_unstable_by(|a, b| {
            let (a, b) = (&a.rung, &b.rung);
            a.bitrate.cmp(&b.bitrate).then(b.value.total_cmp(&a.value)).then(a.layer.cmp(&b.layer))
        });
        self.climb(held, &mut ladder.rungs);
        let top = ladder.rungs.iter().rev().find(|rung| !rung.stopgap);
        ladder.limited = top.is_some_and(|top| top.value * MIN_GAIN < best);
        ladder.pixels = top.map_or(0.0, |top| visible_pixels(top, preferences));
    }

    fn collect(&mut self, layers: &[Layer]) {
        self.candidates.clear();
        let layers = &layers[..layers.len().min(MAX_LAYERS)];
        picture::find(layers, &mut self.pictures);
        for picture in &self.pictures {
            for layer in layers.iter().filter(|layer| picture.holds(layer) && layer.bitrate > 0) {
                let frame_rate = picture.frame_rate(layer, layers);
                let rung = Rung {
                    layer: layer.id(),
                    bitrate: layer.bitrate,
                    width: picture.width,
                    height: picture.height,
                    frame_rate,
                    active: layer.active,
                    stopgap: false,
                    value: picture.pixels * frame_rate,
                };
                self.candidates.push(Candidate { rung, pixels: picture.pixels, allowed: true });
            }
        }
        let frame_rates = self.candidates.iter().map(|candidate| candidate.rung.frame_rate);
        let smooth = SMOOTH.min(frame_rates.fold(0.0, f32::max));
        for Candidate { rung, .. } in &mut self.candidates {
            rung.value *= (rung.frame_rate / smooth).min(1.0);
        }
    }

    fn best_value(&self) -> f32 {
        self.candidates.iter().map(|candidate| candidate.rung.value).fold(0.0, f32::max)
    }

    /// A fixed choice is final: what it leaves out is not even a stopgap.
    fn select(&mut self, selection: &Selection) {
        self.candidates.retain(|candidate| {
            let layer = candidate.rung.layer;
            selection.encoding.is_none_or(|encoding| layer.encoding == encoding)
                && selection.max_spatial.is_none_or(|max| layer.spatial <= max)
                && selection.max_temporal.is_none_or(|max| layer.temporal <= max)
        });
    }

    fn prefer(&mut self, preferences: &Preferences, held: Option<LayerId>) {
        let (max_width, max_height) = (preferences.max_width, preferences.max_height);
        if max_width.is_some() || max_height.is_some() {
            // A layer that does not tell its size is too big when it has more pixels than allowed
            // in the shape that is usual.
            let max_pixels =
                max_width.map_or(f32::MAX, |max| f32::from(max) * f32::from(max) * 9.0 / 16.0).min(
                    max_height.map_or(f32::MAX, |max| f32::from(max) * f32::from(max) * 16.0 / 9.0),
                );
            let sizes_known = self.candidates.iter().any(|candidate| candidate.rung.width > 0);
            self.limit(
                |candidate| {
                    let rung = &candidate.rung;
                    if rung.width > 0 {
                        within(rung.width, max_width) && within(rung.height, max_height)
                    } else {
                        !sizes_known || candidate.pixels <= max_pixels
                    }
                },
                |candidate| candidate.pixels,
            );
        }
        if let Some(max) = preferences.max_frame_rate {
            let max = max * TOLERANCE as f32;
            self.limit(
                |candidate| candidate.rung.frame_rate <= max,
                |candidate| candidate.rung.frame_rate,
            );
        }
        if let Some(max) = preferences.max_bitrate {
            let held_max = (max as f64 * TOLERANCE) as u64;
            self.limit(
                |candidate| {
                    let rung = &candidate.rung;
                    rung.bitrate <= if held == Some(rung.layer) { held_max } else { max }
                },
                |candidate| candidate.rung.bitrate as f32,
            );
        }
    }

    /// Allows no more than what `fits`; the least of what was allowed when nothing does.
    fn limit(&mut self, fits: impl Fn(&Candidate) -> bool, measure: impl Fn(&Candidate) -> f32) {
        let allowed = |candidate: &&Candidate| candidate.allowed;
        let any = self.candidates.iter().filter(allowed).any(&fits);
        let least = self.candidates.iter().filter(allowed).map(&measure).fold(f32::MAX, f32::min);
        for candidate in &mut self.candidates {
            candidate.allowed &= if any { fits(candidate) } else { measure(candidate) <= least };
        }
    }

    /// Takes from the sorted candidates what looks better than all that costs less.
    fn climb(&self, held: Option<LayerId>, rungs: &mut Vec<Rung>) {
        // Bitrate of the cheapest of those that were merged into the topmost rung.
        let mut merged_from = 0;
        for candidate in self.candidates.iter().filter(|candidate| candidate.allowed) {
            step(candidate.rung, held, rungs, &mut merged_from);
        }
        if rungs.iter().any(|rung| rung.active) {
            return;
        }
        // Nothing of what is wanted can be sent, so the cheapest that can: any picture is better
        // than none while the sender is asked for the right one.
        let cheapest = self.candidates.iter().find(|candidate| candidate.rung.active);
        if let Some(cheapest) = cheapest {
            let rung = Rung { stopgap: true, ..cheapest.rung };
            let place = rungs.partition_point(|known| known.bitrate <= rung.bitrate);
            rungs.truncate(MAX_RUNGS - 1);
            rungs.insert(place.min(rungs.len()), rung);
        }
    }
}

/// Puts a rung on top of a ladder, if it is worth having there.
fn step(mut rung: Rung, held: Option<LayerId>, rungs: &mut Vec<Rung>, merged_from: &mut u64) {
    let is_held = held == Some(rung.layer);
    // What is held has to be clearly beaten before it goes.
    let beats = |value: f32| {
        if is_held { rung.value * MIN_GAIN > value } else { rung.value > value * MIN_GAIN }
    };
    let best = |of: fn(&Rung) -> bool| {
        rungs.iter().filter(|known| of(known)).map(|known| known.value).fold(0.0, f32::max)
    };
    let desirable = beats(best(|known| !known.stopgap));
    let sendable = rung.active && beats(best(|known| known.active));
    if !desirable && !sendable {
        return;
    }
    rung.stopgap = !desirable;
    // One of two that cost the same is enough, unless only the other one can be sent now.
    let same = rung.bitrate as f64 <= *merged_from as f64 * SAME_BITRATE;
    let replaceable = |below: &Rung| {
        held != Some(below.layer)
            && (rung.active || !below.active)
            && (!rung.stopgap || below.stopgap)
    };
    if same && rungs.last().is_some_and(replaceable) {
        rungs.pop();
    } else {
        *merged_from = rung.bitrate;
    }
    // The best rung is worth more than the one below it.
    rungs.truncate(MAX_RUNGS - 1);
    rungs.push(rung);
}

fn within(size: u16, max: Option<u16>) -> bool {
    max.is_none_or(|max| u32::from(size) <= u32::from(max) + u32::from(max) / SIZE_TOLERANCE)
}

/// What of a rung's pixels is seen when the receiver scales it down.
fn visible_pixels(rung: &Rung, preferences: &Preferences) -> f32 {
    if rung.width == 0 {
        let known = |max: Option<u16>| max.map(f32::from);
        return match (known(preferences.max_width), known(preferences.max_height)) {
            (Some(width), Some(height)) => width * height,
            (Some(width), None) => width * width * 9.0 / 16.0,
            (None, Some(height)) => height * height * 16.0 / 9.0,
            (None, None) => 0.0,
        };
    }
    let scale = |size: u16, max: Option<u16>| {
        max.map_or(1.0, |max| (f32::from(max) / f32::from(size)).min(1.0))
    };
    let scale =
        scale(rung.width, preferences.max_width).min(scale(rung.height, preferences.max_height));
    f32::from(rung.width) * f32::from(rung.height) * scale * scale
}

#[cfg(test)]
mod tests;
