//! Descriptors to test with.

use super::super::layer::Layer;
use super::structure::Indication;

/// Writes bits, most significant first.
#[derive(Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    bits: usize,
}

impl BitWriter {
    pub(crate) fn put(&mut self, count: usize, value: u32) -> &mut Self {
        for bit in (0..count).rev() {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (7 - self.bits % 8);
            self.bits += 1;
        }
        self
    }

    pub(crate) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// What a frame of `layer` is to a decode target. `key_only`: spatial layers are predicted from those
/// below in keyframes alone.
fn indication(layer: Layer, key: bool, key_only: bool, target: Layer) -> Indication {
    let apart = key_only && !key && layer.spatial < target.spatial;
    if apart || !layer.within(target) {
        Indication::NotPresent
    } else if layer.temporal == 0 && (key || layer.spatial == target.spatial) {
        Indication::Switch
    } else if layer == target {
        Indication::Discardable
    } else {
        Indication::Required
    }
}

/// A picture's place in its group: the group of one, two or three temporal layers has one, two or
/// four pictures, as libwebrtc makes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Key,
    InGroup(u8),
}

/// Temporal layer, and how many pictures before it refers to.
pub(crate) fn temporal(place: u8, temporal_layers: u8) -> (u8, u8) {
    match (temporal_layers, place) {
        (1, _) => (0, 1),
        (2, 0) => (0, 2),
        (2, _) => (1, 1),
        (_, 0) => (0, 4),
        (_, 2) => (1, 2),
        _ => (2, 1),
    }
}

/// Places in the order of their temporal layers, as templates come.
fn places(temporal_layers: u8) -> &'static [u8] {
    match temporal_layers {
        1 => &[0],
        2 => &[0, 1],
        _ => &[0, 2, 1, 3],
    }
}

/// The template of a picture's frame in the structure that is written here.
pub(crate) fn template(spatial: u8, place: Place, temporal_layers: u8) -> u8 {
    let places = places(temporal_layers);
    let within = match place {
        Place::Key => 0,
        Place::InGroup(place) => 1 + places.iter().position(|p| *p == place).unwrap() as u8,
    };
    spatial * (places.len() as u8 + 1) + within
}

/// A structure of so many layers, each predicted from the ones below, at the start of a keyframe:
/// one chain for each spatial layer, sizes doubling from 320x180.
pub(crate) fn structure(spatial_layers: u8, temporal_layers: u8, number: u16) -> Vec<u8> {
    structure_of((spatial_layers, temporal_layers), false, number)
}

/// The same with spatial layers that are predicted from those below in keyframes alone (`_KEY`), if
/// `key_only`.
pub(crate) fn structure_of(layers: (u8, u8), key_only: bool, number: u16) -> Vec<u8> {
    let mut w = BitWriter::default();
    w.put(2, 0b10).put(6, 0).put(16, number.into()).put(5, 0b10000);
    write_structure(&mut w, layers, key_only);
    w.finish()
}

pub(crate) fn write_structure(
    w: &mut BitWriter,
    (spatial_layers, temporal_layers): (u8, u8),
    key_only: bool,
) {
    let targets: Vec<Layer> = (0..spatial_layers)
        .flat_map(|s| (0..temporal_layers).map(move |t| Layer::new(s, t)))
        .collect();
    w.put(6, 0).put(5, targets.len() as u32 - 1);
    // Of each spatial layer: a template for the keyframe, one for each place in the group.
    let templates: Vec<(Layer, Place)> = (0..spatial_layers)
        .flat_map(|s| {
            let own = places(temporal_layers).iter().map(move |place| {
                (Layer::new(s, temporal(*place, temporal_layers).0), Place::InGroup(*place))
            });
            std::iter::once((Layer::new(s, 0), Place::Key)).chain(own)
        })
        .collect();
    for (index, (layer, _)) in templates.iter().enumerate() {
        let next = templates.get(index + 1).map(|(layer, _)| *layer);
        let step = match next {
            None => 3,
            Some(next) if next.spatial > layer.spatial => 2,
            Some(next) if next.temporal > layer.temporal => 1,
            Some(_) => 0,
        };
        w.put(2, step);
    }
    for (layer, place) in &templates {
        for target in &targets {
            w.put(2, indication(*layer, *place == Place::Key, key_only, *target) as u32);
        }
    }
    let spatials = u32::from(spatial_layers);
    for (layer, place) in &templates {
        if layer.spatial > 0 && (*place == Place::Key || !key_only) {
            w.put(1, 1).put(4, 0);
        }
        if let Place::InGroup(place) = place {
            let back = u32::from(temporal(*place, temporal_layers).1);
            w.put(1, 1).put(4, spatials * back - 1);
        }
        w.put(1, 0);
    }
    non_symmetric(w, targets.len() as u32 + 1, spatials);
    for target in &targets {
        non_symmetric(w, spatials, target.spatial.into());
    }
    let group = places(temporal_layers).len() as u32;
    for (layer, place) in &templates {
        let spatial = u32::from(layer.spatial);
        for chain in 0..spatials {
            // Chains go through the frames of the lowest temporal layer.
            let distance = match place {
                Place::Key if spatial == 0 => 0,
                Place::InGroup(0) if spatial == 0 || key_only && spatial <= chain => {
                    spatials * group + spatial - chain
                }
                Place::Key | Place::InGroup(0) => spatial.saturating_sub(chain).max(1),
                Place::InGroup(place) => spatials * u32::from(*place) + spatial - chain,
            };
            w.put(4, distance);
        }
    }
    w.put(1, 1);
    for spatial in 0..spatials {
        w.put(16, (320 << spatial) - 1).put(16, (180 << spatial) - 1);
    }
}

fn non_symmetric(w: &mut BitWriter, n: u32, value: u32) {
    let width = n.ilog2() as usize + 1;
    let short = (1 << width) - n;
    if value < short {
        w.put(width - 1, value);
    } else {
        w.put(width, value + short);
    }
}

/// A descriptor without a structure.
pub(crate) fn plain(start: bool, end: bool, template: u8, number: u16) -> Vec<u8> {
    let mut w = BitWriter::default();
    w.put(1, start.into()).put(1, end.into()).put(6, template.into()).put(16, number.into());
    w.finish()
}
