//! Reads the descriptors of one encoding, whose later ones lean on the structure of an earlier one.

use super::super::bits::BitReader;
use super::super::layer::Layer;
use super::Mandatory;
use super::structure::{Differences, Indication, Structure, custom_differences, indications};

/// More chains than this are not followed. Structures of WebRTC have one for each spatial layer.
const MAX_CHAINS: usize = 8;

/// What a packet's descriptor says of its frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame {
    pub number: u16,
    /// The packet is the frame's first, its last.
    pub start: bool,
    pub end: bool,
    /// What more is known once the structure is.
    pub dependencies: Option<Dependencies>,
}

/// What is known of a frame by the structure of its sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dependencies {
    pub layer: Layer,
    pub targets: Targets,
    /// The frames it refers to.
    pub references: Differences,
    /// A structure came with this packet: the frame begins a coded video sequence.
    pub structure: bool,
    /// No spatial layer is predicted from another.
    pub simulcast: bool,
    /// Width and height of the highest spatial layer, when told.
    pub size: Option<(u16, u16)>,
}

impl Frame {
    /// Whether the packet begins a keyframe: a frame that depends on nothing and with which all
    /// layers begin.
    pub fn keyframe(&self) -> bool {
        self.start
            && self.dependencies.is_some_and(|d| {
                d.structure && d.layer == Layer::default() && d.references.is_empty()
            })
    }
}

/// What a frame is to each decode target, which are named by their highest layer.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Targets {
    /// Four bits a layer: one more than the indication, 0 where there is no such decode target.
    indications: u64,
    /// The decode targets that the sender makes just now, a bit each.
    active: u16,
    /// Those whose chain has no gap as far as it came in.
    intact: u16,
}

impl Targets {
    fn set(&mut self, layer: Layer, indication: Indication, active: bool, intact: bool) {
        let Some(index) = layer.index() else { return };
        let value = match indication {
            Indication::NotPresent => 1,
            Indication::Discardable => 2,
            Indication::Switch => 3,
            Indication::Required => 4,
        };
        self.indications = self.indications & !(0xf << (4 * index)) | value << (4 * index);
        self.active |= u16::from(active) << index;
        self.intact |= u16::from(intact) << index;
    }

    /// What the frame is to the decode target with this highest layer; `None`: there is none.
    pub fn indication(&self, target: Layer) -> Option<Indication> {
        match self.indications >> (4 * target.index()?) & 0xf {
            1 => Some(Indication::NotPresent),
            2 => Some(Indication::Discardable),
            3 => Some(Indication::Switch),
            4 => Some(Indication::Required),
            _ => None,
        }
    }

    /// The best decode target that the sender makes within `limit`, else the lowest there is.
    pub fn best_within(&self, limit: Layer) -> Option<Layer> {
        let exists = |layer: &Layer| self.indication(*layer).is_some();
        let active =
            |layer: &Layer| layer.index().is_some_and(|index| self.active >> index & 1 == 1);
        // `all` ascends by spatial layer first.
        Layer::all()
            .filter(|layer| exists(layer) && active(layer) && layer.within(limit))
            .last()
            .or_else(|| Layer::all().find(exists))
    }

    /// Whether nothing is missing of the chain that protects the decode target (appendix A.4).
    pub fn intact(&self, target: Layer) -> bool {
        target.index().is_some_and(|index| self.intact >> index & 1 == 1)
    }
}

/// The state that descriptors of one encoding share.
#[derive(Clone, Debug, Default)]
pub struct DescriptorReader {
    structure: Option<Box<Structure>>,
    /// `active_decode_targets_bitmask`.
    active: u32,
    /// Which chains have no gap, a bit each.
    intact: u8,
    newest: Option<u16>,
    /// Bit n: the frame n before the newest came.
    received: u64,
}

impl DescriptorReader {
    /// Reads the descriptor of a packet, in the order in which packets come. `None` when it is cut
    /// short; without a structure that fits only the frame is known.
    pub fn read(&mut self, extension: &[u8]) -> Option<Frame> {
        let (mandatory, extended) = Mandatory::parse(extension)?;
        Some(Frame {
            number: mandatory.frame_number,
            start: mandatory.start_of_frame,
            end: mandatory.end_of_frame,
            dependencies: self.dependencies(&mandatory, extended),
        })
    }

    /// Width and height of a spatial layer, when told.
    pub fn size(&self, spatial: u8) -> Option<(u16, u16)> {
        self.structure.as_ref()?.resolutions.get(usize::from(spatial)).copied()
    }

    fn dependencies(&mut self, mandatory: &Mandatory, extended: &[u8]) -> Option<Dependencies> {
        let mut reader = BitReader::new(extended);
        let mut flags = [false; 5];
        if !extended.is_empty() {
            for flag in &mut flags {
                *flag = reader.bit()?;
            }
        }
        let [has_structure, has_active, custom_indications, custom_diffs, custom_chains] = flags;
        if has_structure {
            let structure = Structure::read(&mut reader)?;
            // A repeated packet must not undo what is known of the chains since.
            if self.structure.as_deref() != Some(&structure) || mandatory.start_of_frame {
                let targets = structure.decode_targets.len();
                self.active = u32::MAX >> (32 - targets as u32);
                self.structure = Some(Box::new(structure));
            }
        }
        let structure = self.structure.as_deref()?;
        let targets = structure.decode_targets.len();
        if has_active {
            self.active = reader.bits(targets as u32)?;
        }
        let template = structure.template(mandatory.template_id)?;
        let own_indications = match custom_indications {
            true => Some(indications(&mut reader, targets)?),
            false => None,
        };
        let references = match custom_diffs {
            true => custom_differences(&mut reader)?,
            false => template.differences,
        };
        let followed = structure.chains.min(MAX_CHAINS);
        let mut distances = [0u8; MAX_CHAINS];
        for (chain, distance) in distances.iter_mut().enumerate().take(followed) {
            *distance =
                if custom_chains { reader.bits(8)? as u8 } else { *template.chains.get(chain)? };
        }
        let ahead = self.newest.map(|newest| mandatory.frame_number.wrapping_sub(newest));
        match ahead {
            None => (self.newest, self.received) = (Some(mandatory.frame_number), 1),
            Some(ahead @ 1..0x8000) => {
                self.received = self.received.checked_shl(ahead.into()).unwrap_or(0) | 1;
                self.newest = Some(mandatory.frame_number);
            }
            Some(ahead) => {
                self.received |= 1u64.checked_shl(ahead.wrapping_neg().into()).unwrap_or(0);
            }
        }
        if ahead.is_none_or(|ahead| (1..0x8000).contains(&ahead)) {
            // Every frame tells how far back the frame before it is in each chain, and 0 begins
            // the chain anew (appendix A.4).
            for (chain, distance) in distances.iter().enumerate().take(followed) {
                let came = 1u64.checked_shl((*distance).into()).unwrap_or(0) & self.received != 0;
                let intact = *distance == 0 || came && self.intact >> chain & 1 == 1;
                self.intact = self.intact & !(1 << chain) | u8::from(intact) << chain;
            }
        }
        let mut of_targets = Targets::default();
        for (target, layer) in structure.decode_targets.iter().enumerate() {
            let indication = match &own_indications {
                Some(own) => own[target],
                None => template.indications[target],
            };
            let chain = structure.protected_by.get(target).map(|chain| usize::from(*chain));
            let intact = chain.filter(|chain| *chain < followed);
            let intact = intact.is_none_or(|chain| self.intact >> chain & 1 == 1);
            of_targets.set(*layer, indication, self.active >> target & 1 == 1, intact);
        }
        Some(Dependencies {
            layer: template.layer,
            targets: of_targets,
            references,
            structure: has_structure,
            simulcast: structure.simulcast,
            size: structure.resolutions.last().copied(),
        })
    }
}
