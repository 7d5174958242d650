//! What a receiver reads of a packet: its descriptor, by the RFC alone.

use super::super::dependency::Received;

#[derive(Clone, Debug)]
pub enum Reading {
    Vp8(Vp8),
    Vp9(Vp9),
    H264 { parameter_sets: bool },
    Av1(Received),
}

#[derive(Clone, Copy, Debug)]
pub struct Vp8 {
    pub first: bool,
    pub picture: u64,
    pub base_index: u64,
    pub temporal: u8,
    pub syncs: bool,
    pub key: bool,
}

/// A group of pictures of the non-flexible mode: temporal layer and references of each place.
pub type Group = Vec<(u8, Vec<i64>)>;

#[derive(Clone, Debug)]
pub struct Vp9 {
    pub first: bool,
    pub last: bool,
    pub picture: u64,
    pub spatial: u8,
    pub temporal: u8,
    pub inter_picture: bool,
    pub inter_layer: bool,
    pub switches_up: bool,
    /// `None` in flexible mode.
    pub base_index: Option<u64>,
    /// How many pictures back references are; flexible mode.
    pub differences: Vec<i64>,
    pub structure: Option<Group>,
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn picture_id(&mut self) -> Option<u64> {
        let first = self.next()?;
        if first & 0x80 == 0 {
            return Some(first.into());
        }
        Some(u64::from(first & 0x7f) << 8 | u64::from(self.next()?))
    }
}

impl Vp8 {
    /// RFC 7741 4.2. `None` without picture id, TL0PICIDX and temporal layer.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(payload);
        let first = bytes.next()?;
        if first & 0x80 == 0 {
            return None;
        }
        let there = bytes.next()?;
        if there & 0xe0 != 0xe0 {
            return None;
        }
        let picture = bytes.picture_id()?;
        let base_index = bytes.next()?.into();
        let layer = bytes.next()?;
        let starts = first & 0x10 != 0 && first & 0x0f == 0;
        let key = starts && bytes.next()? & 1 == 0;
        let (temporal, syncs) = (layer >> 6, layer & 0x20 != 0);
        Some(Self { first: starts, picture, base_index, temporal, syncs, key })
    }
}

impl Vp9 {
    /// RFC 9628 4.2. `None` without picture id and layer indices.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(payload);
        let flags = bytes.next()?;
        if flags & 0xa0 != 0xa0 {
            return None;
        }
        let (inter_picture, flexible) = (flags & 0x40 != 0, flags & 0x10 != 0);
        let picture = bytes.picture_id()?;
        let layer = bytes.next()?;
        let base_index = match flexible {
            true => None,
            false => Some(bytes.next()?.into()),
        };
        let mut differences = Vec::new();
        let mut more = flexible && inter_picture;
        while more {
            let difference = bytes.next()?;
            differences.push(i64::from(difference >> 1));
            more = difference & 1 != 0;
        }
        let structure = match flags & 0x02 != 0 {
            true => Some(read_structure(&mut bytes)?),
            false => None,
        };
        Some(Self {
            first: flags & 0x08 != 0,
            last: flags & 0x04 != 0,
            picture,
            spatial: layer >> 1 & 7,
            temporal: layer >> 5,
            inter_picture,
            inter_layer: layer & 1 != 0,
            switches_up: layer & 0x10 != 0,
            base_index,
            differences,
            structure,
        })
    }
}

/// RFC 9628 4.2.1. Empty when no group is described.
fn read_structure(bytes: &mut Bytes) -> Option<Group> {
    let header = bytes.next()?;
    if header & 0x10 != 0 {
        for _ in 0..4 * ((header >> 5) + 1) {
            bytes.next()?;
        }
    }
    let mut group = Group::new();
    let pictures = if header & 0x08 != 0 { bytes.next()? } else { 0 };
    for _ in 0..pictures {
        let place = bytes.next()?;
        let references = (0..place >> 2 & 3).map(|_| bytes.next().map(i64::from));
        group.push((place >> 5, references.collect::<Option<_>>()?));
    }
    Some(group)
}

/// Whether a payload begins with parameter sets in a STAP-A (RFC 6184 5.7.1), or is an SPS.
pub fn begins_with_parameter_sets(payload: &[u8]) -> bool {
    match payload.first().map(|header| header & 0x1f) {
        Some(24) => payload.get(3).is_some_and(|unit| unit & 0x1f == 7),
        Some(kind) => kind == 7,
        None => false,
    }
}
