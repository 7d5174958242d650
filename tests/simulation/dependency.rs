//! The Dependency Descriptor header extension (AV1 RTP payload format, appendix A): written for
//! the structures L3T3 and L3T3_KEY, read whatever its structure.

use str0m::rtp::{Extension, ExtensionMap, ExtensionSerializer, ExtensionValues};

use super::bits::{BitReader, BitWriter};
use super::encoder::pattern::Place;
use super::encoder::{Frame, Position, SIZES};

const URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Longest element of the one-byte form (RFC 8285 4.2).
const MAX_ONE_BYTE: usize = 16;

const SPATIAL: u8 = 3;
const TEMPORAL: u8 = 3;
const DECODE_TARGETS: u32 = (SPATIAL * TEMPORAL) as u32;
/// Not at an end, so that a receiver that forgets it is found out.
const TEMPLATE_OFFSET: u32 = 61;
/// In the order in which a spatial layer's templates are listed.
const PLACES: [Place; 5] =
    [Place::Key, Place::Base, Place::Middle, Place::FirstTop, Place::SecondTop];

/// The extensions of clients that send or watch layers.
pub fn extension_map() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::RtpMid);
    map.set(2, Extension::RtpStreamId);
    map.set(3, Extension::RepairedRtpStreamId);
    map.set(4, Extension::TransportSequenceNumber);
    map.set(5, Extension::with_serializer(URI, Serializer));
    map
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescriptorBytes(pub Vec<u8>);

#[derive(Debug)]
struct Serializer;

impl ExtensionSerializer for Serializer {
    fn write_to(&self, buffer: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(DescriptorBytes(bytes)) = values.user_values.get() else { return 0 };
        buffer[..bytes.len()].copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buffer: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(DescriptorBytes(buffer.to_vec()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        let bytes: Option<&DescriptorBytes> = values.user_values.get();
        bytes.is_some_and(|bytes| bytes.0.len() > MAX_ONE_BYTE)
    }
}

/// What the encoder tells of a packet.
pub struct Descriptor {
    position: Position,
    template: u32,
    frame_number: u16,
    /// Where a structure is attached: whether it predicts between spatial layers in key pictures
    /// alone.
    structure: Option<bool>,
}

impl Descriptor {
    pub fn of(frame: &Frame, position: Position) -> Self {
        let place = PLACES.iter().position(|place| *place == frame.place).expect("it is listed");
        let of_layer = usize::from(frame.spatial) * PLACES.len();
        let first_of_key = frame.place == Place::Key && frame.spatial == 0 && position.first;
        Self {
            position,
            template: (of_layer + place) as u32,
            frame_number: (frame.picture * u64::from(SPATIAL) + u64::from(frame.spatial)) as u16,
            structure: first_of_key.then_some(frame.key_only),
        }
    }

    /// A.8.2 on.
    pub fn write(&self) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.put(self.position.first.into(), 1);
        bits.put(self.position.last.into(), 1);
        bits.put((self.template + TEMPLATE_OFFSET) % 64, 6);
        bits.put(self.frame_number.into(), 16);
        if let Some(key_only) = self.structure {
            // A structure follows; all decode targets are active and nothing is custom.
            bits.put(0b1_0000, 5);
            write_structure(&mut bits, key_only);
        }
        bits.into_bytes()
    }
}

fn write_structure(bits: &mut BitWriter, key_only: bool) {
    bits.put(TEMPLATE_OFFSET, 6);
    bits.put(DECODE_TARGETS - 1, 5);
    let templates: Vec<(u8, Place)> =
        (0..SPATIAL).flat_map(|spatial| PLACES.map(|place| (spatial, place))).collect();
    for (index, (spatial, place)) in templates.iter().enumerate() {
        // next_layer_idc
        bits.put(
            match templates.get(index + 1) {
                None => 3,
                Some((next, _)) if next != spatial => 2,
                Some((_, next)) if next.temporal() > place.temporal() => 1,
                Some(_) => 0,
            },
            2,
        );
    }
    for (spatial, place) in &templates {
        for target in 0..SPATIAL * TEMPORAL {
            let indication = indication(key_only, *spatial, *place, target / TEMPORAL, target % 3);
            bits.put(indication, 2);
        }
    }
    for (spatial, place) in &templates {
        let earlier = place.reference().map(|pictures| pictures * u32::from(SPATIAL));
        let below = *spatial > 0 && (*place == Place::Key || !key_only);
        for difference in earlier.into_iter().chain(below.then_some(1)) {
            bits.put(1, 1);
            bits.put(difference - 1, 4);
        }
        bits.put(0, 1);
    }
    // A chain for each spatial layer, which protects the targets of that layer.
    bits.put_non_symmetric(SPATIAL.into(), DECODE_TARGETS + 1);
    for target in 0..SPATIAL * TEMPORAL {
        bits.put_non_symmetric(u32::from(target / TEMPORAL), SPATIAL.into());
    }
    for (spatial, place) in &templates {
        (0..SPATIAL)
            .for_each(|chain| bits.put(chain_distance(key_only, *spatial, *place, chain), 4));
    }
    bits.put(1, 1);
    for size in SIZES {
        bits.put(u32::from(size.width) - 1, 16);
        bits.put(u32::from(size.height) - 1, 16);
    }
}

/// Decode target indications (A.4): 0 not present, 1 discardable, 2 switch, 3 required.
fn indication(key_only: bool, spatial: u8, place: Place, to_spatial: u8, to_temporal: u8) -> u32 {
    let key = place == Place::Key;
    let part_of = spatial == to_spatial || spatial < to_spatial && (key || !key_only);
    if place.temporal() > to_temporal || !part_of {
        return 0;
    }
    match place {
        Place::Key => 2,
        _ if spatial < to_spatial => 3,
        Place::Base => 2,
        Place::Middle => {
            if to_temporal == 1 {
                1
            } else {
                2
            }
        }
        Place::FirstTop | Place::SecondTop => 1,
    }
}

/// How many frames ago the last one of a chain was. A chain has the base layer of its spatial
/// layer, and of those below that it is predicted from.
fn chain_distance(key_only: bool, spatial: u8, place: Place, chain: u8) -> u32 {
    let (spatial, chain, all) = (i32::from(spatial), i32::from(chain), i32::from(SPATIAL));
    let pictures_since_base = match place {
        Place::Key | Place::Base => 0,
        Place::FirstTop => 1,
        Place::Middle => 2,
        Place::SecondTop => 3,
    };
    let whole_picture_in_chain = place == Place::Key || !key_only;
    let distance = match (place, pictures_since_base) {
        (_, 1..) => all * pictures_since_base + spatial - chain,
        _ if chain < spatial => spatial - chain,
        (Place::Key, _) if spatial == 0 => 0,
        _ if spatial > 0 && whole_picture_in_chain => 1,
        _ => 4 * all + spatial - chain,
    };
    distance as u32
}

/// A structure as a receiver keeps it.
#[derive(Clone, Debug)]
pub struct Structure {
    offset: u32,
    targets: u32,
    templates: Vec<Template>,
}

#[derive(Clone, Default, Debug)]
struct Template {
    spatial: u8,
    temporal: u8,
    differences: Vec<u32>,
}

/// What a receiver reads of a packet.
#[derive(Clone, Debug)]
pub struct Received {
    pub first: bool,
    pub last: bool,
    pub frame_number: u16,
    pub spatial: u8,
    pub temporal: u8,
    /// How many frames back the references are.
    pub differences: Vec<u32>,
    pub structure: Option<Structure>,
}

impl Received {
    /// `known` is the newest structure. `None` when the bytes make no descriptor, or one of an
    /// unknown structure.
    pub fn read(bytes: &[u8], known: Option<&Structure>) -> Option<Self> {
        let mut bits = BitReader::new(bytes);
        let (first, last) = (bits.flag()?, bits.flag()?);
        let template = bits.take(6)?;
        let frame_number = bits.take(16)? as u16;
        let extended = bytes.len() > 3;
        let mut flag = || if extended { bits.flag() } else { Some(false) };
        let (has_structure, has_active) = (flag()?, flag()?);
        let (custom_indications, custom_differences, _custom_chains) = (flag()?, flag()?, flag()?);
        let structure = if has_structure { Some(Structure::read(&mut bits)?) } else { None };
        let current = structure.as_ref().or(known)?;
        if has_active {
            bits.take(current.targets)?;
        }
        let index = (template + 64 - current.offset) % 64;
        let template = current.templates.get(index as usize)?.clone();
        if custom_indications {
            bits.take(2 * current.targets)?;
        }
        let mut differences = template.differences;
        if custom_differences {
            differences.clear();
            loop {
                let nibbles = bits.take(2)?;
                if nibbles == 0 {
                    break;
                }
                differences.push(bits.take(4 * nibbles)? + 1);
            }
        }
        let (spatial, temporal) = (template.spatial, template.temporal);
        Some(Self { first, last, frame_number, spatial, temporal, differences, structure })
    }
}

impl Structure {
    fn read(bits: &mut BitReader) -> Option<Self> {
        let offset = bits.take(6)?;
        let targets = bits.take(5)? + 1;
        let mut templates: Vec<Template> = Vec::new();
        let (mut spatial, mut temporal) = (0, 0);
        loop {
            templates.push(Template { spatial, temporal, differences: Vec::new() });
            match bits.take(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => break,
            }
            if templates.len() > 64 {
                return None;
            }
        }
        bits.take(2 * targets * templates.len() as u32)?;
        for template in &mut templates {
            while bits.flag()? {
                template.differences.push(bits.take(4)? + 1);
            }
        }
        let chains = bits.take_non_symmetric(targets + 1)?;
        if chains > 0 {
            for _ in 0..targets {
                bits.take_non_symmetric(chains)?;
            }
            bits.take(4 * chains * templates.len() as u32)?;
        }
        if bits.flag()? {
            let layers = u32::from(templates.last()?.spatial) + 1;
            bits.take(32 * layers)?;
        }
        Some(Self { offset, targets, templates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(place: Place, picture: u64, spatial: u8, key_only: bool) -> Frame {
        let inter_layer = spatial > 0 && (place == Place::Key || !key_only);
        Frame {
            place,
            picture,
            base_pictures: 0,
            spatial,
            spatial_layers: 3,
            inter_layer,
            key_only,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let whole = Position { first: true, last: true };
        for key_only in [false, true] {
            let key = Descriptor::of(&frame(Place::Key, 7, 0, key_only), whole).write();
            let structure = Received::read(&key, None).unwrap().structure;
            assert!(structure.is_some());
            for place in PLACES {
                for spatial in 0..SPATIAL {
                    let frame = frame(place, 9, spatial, key_only);
                    let bytes = Descriptor::of(&frame, whole).write();
                    let read = Received::read(&bytes, structure.as_ref()).unwrap();
                    assert_eq!((read.spatial, read.temporal), (spatial, place.temporal()));
                    assert_eq!(read.frame_number, 27 + u16::from(spatial));
                    let mut differences = Vec::new();
                    differences.extend(place.reference().map(|pictures| 3 * pictures));
                    differences.extend(frame.inter_layer.then_some(1));
                    assert_eq!(read.differences, differences);
                }
            }
        }
    }
}
