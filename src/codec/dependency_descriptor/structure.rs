//! `template_dependency_structure()` (AV1 RTP payload format, appendix A.8.4).

use super::super::bits::BitReader;
use super::super::layer::Layer;

/// A template's index has six bits.
const MAX_TEMPLATES: usize = 64;
/// Frame differences of one frame that are kept; encoders use up to eight references.
const MAX_DIFFERENCES: usize = 16;

/// `DTI` of one decode target (appendix A.8.3, table A.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Indication {
    /// The frame is not part of the decode target.
    NotPresent,
    /// Nothing of the decode target depends on it.
    Discardable,
    /// Who can decode this frame can decode all later ones of the decode target.
    Switch,
    Required,
}

impl Indication {
    fn read(reader: &mut BitReader<'_>) -> Option<Self> {
        Some(match reader.bits(2)? {
            0 => Self::NotPresent,
            1 => Self::Discardable,
            2 => Self::Switch,
            _ => Self::Required,
        })
    }
}

/// What a frame is like; a packet names it by its template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Template {
    pub(super) layer: Layer,
    /// By decode target.
    pub(super) indications: Vec<Indication>,
    /// Distances to the frames it refers to.
    pub(super) differences: Differences,
    /// Distance to the frame before it in each chain.
    pub(super) chains: Vec<u8>,
}

/// How far back a frame refers, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Differences {
    /// Bit n: the frame n + 1 before.
    near: u64,
    /// It also refers to one that is farther back than 64.
    far: bool,
}

impl Differences {
    fn insert(&mut self, difference: u32) {
        match difference {
            1..=64 => self.near |= 1 << (difference - 1),
            _ => self.far = true,
        }
    }

    /// Whether it refers to nothing.
    pub fn is_empty(&self) -> bool {
        self.near == 0 && !self.far
    }

    /// Whether all of it is among the frames of `known`, whose bit n is the frame n + 1 before.
    pub fn within(&self, known: u64) -> bool {
        !self.far && self.near & !known == 0
    }
}

/// Describes the frames of a coded video sequence. Comes with its first frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Structure {
    template_id_offset: u8,
    templates: Vec<Template>,
    /// The highest layer of each decode target.
    pub(super) decode_targets: Vec<Layer>,
    /// The chain that protects each decode target; empty when there are none.
    pub(super) protected_by: Vec<u8>,
    pub(super) chains: usize,
    /// Width and height of each spatial layer, when told.
    pub(super) resolutions: Vec<(u16, u16)>,
    /// No spatial layer is predicted from another: a simulcast in one stream.
    pub(super) simulcast: bool,
}

impl Structure {
    pub(super) fn read(reader: &mut BitReader<'_>) -> Option<Self> {
        let template_id_offset = reader.bits(6)? as u8;
        let targets = reader.bits(5)? as usize + 1;
        let mut templates = template_layers(reader)?;
        for template in &mut templates {
            template.indications = indications(reader, targets)?;
        }
        for template in &mut templates {
            let mut count = 0;
            while reader.bit()? {
                template.differences.insert(reader.bits(4)? + 1);
                count += 1;
                if count > MAX_DIFFERENCES {
                    return None;
                }
            }
        }
        let chains = non_symmetric(reader, targets as u32 + 1)? as usize;
        let mut protected_by = Vec::new();
        if chains > 0 {
            for _ in 0..targets {
                protected_by.push(non_symmetric(reader, chains as u32)? as u8);
            }
            for template in &mut templates {
                for _ in 0..chains {
                    template.chains.push(reader.bits(4)? as u8);
                }
            }
        }
        let decode_targets = decode_target_layers(&templates, targets);
        let spatial_layers = templates.last().map_or(0, |last| last.layer.spatial) + 1;
        let mut resolutions = Vec::new();
        if reader.bit()? {
            for _ in 0..spatial_layers {
                let (width, height) = (reader.bits(16)? + 1, reader.bits(16)? + 1);
                let saturated = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
                resolutions.push((saturated(width), saturated(height)));
            }
        }
        let simulcast = templates.iter().any(|t| t.layer.spatial > 0 && t.differences.is_empty());
        Some(Self {
            template_id_offset,
            templates,
            decode_targets,
            protected_by,
            chains,
            resolutions,
            simulcast,
        })
    }

    /// The template that a packet names.
    pub(super) fn template(&self, id: u8) -> Option<&Template> {
        self.templates.get(usize::from((id + 64 - self.template_id_offset) % 64))
    }
}

/// `template_layers()`: templates come in the order of their layers.
fn template_layers(reader: &mut BitReader<'_>) -> Option<Vec<Template>> {
    let mut layer = Layer::default();
    let mut templates = Vec::new();
    loop {
        if templates.len() == MAX_TEMPLATES {
            return None;
        }
        templates.push(Template {
            layer,
            indications: Vec::new(),
            differences: Differences::default(),
            chains: Vec::new(),
        });
        match reader.bits(2)? {
            0 => {}
            1 => layer.temporal += 1,
            2 => layer = Layer::new(layer.spatial + 1, 0),
            _ => return Some(templates),
        }
    }
}

pub(super) fn indications(reader: &mut BitReader<'_>, count: usize) -> Option<Vec<Indication>> {
    (0..count).map(|_| Indication::read(reader)).collect()
}

/// `frame_fdiffs()`, which a frame has that differs from its template.
pub(super) fn custom_differences(reader: &mut BitReader<'_>) -> Option<Differences> {
    let mut differences = Differences::default();
    for _ in 0..=MAX_DIFFERENCES {
        match reader.bits(2)? {
            0 => return Some(differences),
            size => differences.insert(reader.bits(4 * size)? + 1),
        }
    }
    None
}

/// `decode_target_layers()`.
fn decode_target_layers(templates: &[Template], targets: usize) -> Vec<Layer> {
    let highest = |target: usize| {
        let present = templates.iter().filter(|t| t.indications[target] != Indication::NotPresent);
        present.fold(Layer::default(), |highest, template| {
            Layer::new(
                highest.spatial.max(template.layer.spatial),
                highest.temporal.max(template.layer.temporal),
            )
        })
    };
    (0..targets).map(highest).collect()
}

/// `ns(n)` (appendix A.8.1).
fn non_symmetric(reader: &mut BitReader<'_>, n: u32) -> Option<u32> {
    let width = n.checked_ilog2()? + 1;
    let short = (1 << width) - n;
    let value = reader.bits(width - 1)?;
    if value < short {
        return Some(value);
    }
    Some((value << 1) - short + reader.bits(1)?)
}
