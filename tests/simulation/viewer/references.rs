//! What a frame is predicted from, as libwebrtc finds it out: by descriptors, and by what must not
//! be missing in between. A frame about which that cannot be said yet waits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::assembly::Frame;
use super::reading::{Group, Reading, Vp8, Vp9};
use super::unwrap::Unwrap;

/// Frames that wait, pictures and base layers that are remembered. As libwebrtc has them.
const MAX_WAITING: usize = 100;
const MAX_MISSING: i64 = 100;
const MAX_BASE_LAYERS: i64 = 50;
const MAX_TEMPORAL: usize = 5;
/// Numbers between pictures, for their spatial layers.
const SPATIAL: i64 = 8;

/// A frame with its number and those of the frames it needs.
pub struct Known {
    pub id: i64,
    pub references: Vec<i64>,
    pub frame: Frame,
    /// When it could be said.
    pub at: Instant,
}

enum Verdict {
    Known { id: i64, references: Vec<i64> },
    Wait,
    Drop,
}

#[derive(Default)]
pub struct References {
    finder: Option<Finder>,
    counts: Option<Counts>,
    waiting: Vec<(Frame, Numbers)>,
}

/// The counts of a frame, made to go on when it came: later they would be taken for newer ones.
#[derive(Clone, Copy)]
struct Numbers {
    picture: i64,
    base: i64,
}

enum Finder {
    Vp8(Vp8Finder),
    Vp9(Vp9Finder),
    Av1,
    H264(BTreeMap<u64, Gop>),
}

impl References {
    pub fn add(&mut self, frame: Frame) -> Vec<Known> {
        let now = frame.complete_at;
        let finder = self.finder.get_or_insert_with(|| match frame.reading {
            Reading::Vp8(_) => Finder::Vp8(Vp8Finder::new()),
            Reading::Vp9(_) => Finder::Vp9(Vp9Finder::new()),
            Reading::Av1(_) => Finder::Av1,
            Reading::H264 { .. } => Finder::H264(BTreeMap::new()),
        });
        let numbers = self.counts.get_or_insert_with(|| Counts::of(&frame)).next(&frame);
        let mut found = Vec::new();
        let mut candidates = vec![(frame, numbers)];
        while let Some((frame, numbers)) = candidates.pop() {
            match finder.find(&frame, numbers) {
                Verdict::Known { id, references } => {
                    found.push(Known { id, references, frame, at: now });
                    candidates.append(&mut self.waiting);
                }
                Verdict::Wait => self.waiting.push((frame, numbers)),
                Verdict::Drop => {}
            }
        }
        let too_many = self.waiting.len().saturating_sub(MAX_WAITING);
        self.waiting.sort_by_key(|(frame, _)| frame.first_sequence);
        self.waiting.drain(..too_many);
        found
    }
}

struct Counts {
    pictures: Unwrap,
    bases: Unwrap,
}

impl Counts {
    fn of(frame: &Frame) -> Self {
        let bits = if matches!(frame.reading, Reading::Av1(_)) { 16 } else { 15 };
        Self { pictures: Unwrap::new(bits), bases: Unwrap::new(8) }
    }

    fn next(&mut self, frame: &Frame) -> Numbers {
        let (picture, base) = match &frame.reading {
            Reading::Vp8(vp8) => (vp8.picture, vp8.base_index),
            Reading::Vp9(vp9) => (vp9.picture, vp9.base_index.unwrap_or(0)),
            Reading::Av1(descriptor) => (descriptor.frame_number.into(), 0),
            Reading::H264 { .. } => (0, 0),
        };
        Numbers { picture: self.pictures.next(picture), base: self.bases.next(base) }
    }
}

impl Finder {
    fn find(&mut self, frame: &Frame, numbers: Numbers) -> Verdict {
        match (self, &frame.reading) {
            (Self::Vp8(finder), Reading::Vp8(vp8)) => finder.find(vp8, numbers),
            (Self::Vp9(finder), Reading::Vp9(vp9)) => finder.find(vp9, numbers),
            (Self::Av1, Reading::Av1(descriptor)) => {
                let id = numbers.picture;
                let references = descriptor.differences.iter().map(|d| id - i64::from(*d));
                Verdict::Known { id, references: references.collect() }
            }
            (Self::H264(gops), Reading::H264 { parameter_sets }) => {
                find_h264(gops, frame, *parameter_sets)
            }
            _ => Verdict::Drop,
        }
    }
}

struct Vp8Finder {
    newest: Option<i64>,
    oldest: i64,
    missing: BTreeSet<i64>,
    /// The last picture of each temporal layer, by TL0PICIDX.
    layers: BTreeMap<i64, [Option<i64>; MAX_TEMPORAL]>,
}

impl Vp8Finder {
    fn new() -> Self {
        Self { newest: None, oldest: i64::MAX, missing: BTreeSet::new(), layers: BTreeMap::new() }
    }

    fn find(&mut self, vp8: &Vp8, Numbers { picture: id, base }: Numbers) -> Verdict {
        let newest = self.newest.unwrap_or(id - 1);
        self.missing.extend(newest + 1..=id);
        self.newest = Some(newest.max(id));
        // A stream may begin with pictures behind its first one. (libwebrtc takes nothing for missing
        // then, and decodes what lacks a reference.)
        if id < self.oldest {
            self.missing.extend(id..self.oldest.min(newest + 1));
            self.oldest = id;
        }
        self.missing = self.missing.split_off(&(id - MAX_MISSING));
        self.layers = self.layers.split_off(&(base - MAX_BASE_LAYERS));
        let temporal = usize::from(vp8.temporal);
        if vp8.key {
            self.layers.insert(base, [None; MAX_TEMPORAL]);
            return self.known(id, base, temporal, Vec::new());
        }
        let needed = if temporal == 0 { base - 1 } else { base };
        let Some(layers) = self.layers.get(&needed).copied() else { return Verdict::Wait };
        if temporal == 0 {
            self.layers.insert(base, layers);
            let references = layers[0].into_iter().collect();
            return self.known(id, base, temporal, references);
        }
        if vp8.syncs {
            return self.known(id, base, temporal, layers[0].into_iter().collect());
        }
        let mut references = Vec::new();
        for before in &layers[..=temporal] {
            let Some(before) = *before else { break };
            if before > id {
                return Verdict::Drop;
            }
            // What lies in between may be what this is predicted from.
            if self.missing.range(before + 1..id).next().is_some() {
                return Verdict::Wait;
            }
            references.push(before);
        }
        self.known(id, base, temporal, references)
    }

    fn known(&mut self, id: i64, base: i64, temporal: usize, references: Vec<i64>) -> Verdict {
        for at in base.. {
            let Some(layers) = self.layers.get_mut(&at) else { break };
            if layers[temporal].is_some_and(|newer| newer > id) {
                break;
            }
            layers[temporal] = Some(id);
        }
        self.missing.remove(&id);
        Verdict::Known { id, references }
    }
}

struct Vp9Finder {
    groups: BTreeMap<i64, GroupState>,
    missing: [BTreeSet<i64>; 8],
    up_switches: BTreeMap<i64, u8>,
}

#[derive(Clone)]
struct GroupState {
    group: Group,
    start: i64,
    newest: i64,
}

impl GroupState {
    fn place(&self, picture: i64) -> &(u8, Vec<i64>) {
        &self.group[(picture - self.start).rem_euclid(self.group.len() as i64) as usize]
    }
}

impl Vp9Finder {
    fn new() -> Self {
        Self { groups: BTreeMap::new(), missing: Default::default(), up_switches: BTreeMap::new() }
    }

    fn find(&mut self, vp9: &Vp9, numbers: Numbers) -> Verdict {
        let picture = numbers.picture;
        let id = picture * SPATIAL + i64::from(vp9.spatial);
        let mut references: Vec<i64> = if vp9.base_index.is_none() {
            vp9.differences.iter().map(|back| picture - back).collect()
        } else {
            match self.find_in_group(vp9, numbers) {
                Ok(pictures) => pictures,
                Err(verdict) => return verdict,
            }
        };
        references.iter_mut().for_each(|r| *r = *r * SPATIAL + i64::from(vp9.spatial));
        references.extend(vp9.inter_layer.then_some(id - 1));
        Verdict::Known { id, references }
    }

    fn find_in_group(&mut self, vp9: &Vp9, numbers: Numbers) -> Result<Vec<i64>, Verdict> {
        let Numbers { picture, base } = numbers;
        let key = !vp9.inter_picture;
        self.groups = self.groups.split_off(&(base - MAX_BASE_LAYERS));
        match &vp9.structure {
            Some(group) if group.is_empty() => return Err(Verdict::Drop),
            Some(group) => {
                let state = GroupState { group: group.clone(), start: picture, newest: picture };
                self.groups.insert(base, state);
            }
            None if key && vp9.spatial == 0 => return Err(Verdict::Drop),
            None if key => {}
            None if vp9.temporal == 0 && !self.groups.contains_key(&base) => {
                let before = self.groups.get(&(base - 1)).ok_or(Verdict::Wait)?;
                let state = GroupState { newest: picture, ..before.clone() };
                self.groups.insert(base, state);
            }
            None => {}
        }
        let state = self.groups.get_mut(&base).ok_or(Verdict::Wait)?;
        let gap: Vec<i64> = (state.newest + 1..picture).collect();
        state.newest = state.newest.max(picture);
        let state = state.clone();
        for missing in gap {
            self.missing[usize::from(state.place(missing).0)].insert(missing);
        }
        let (temporal, back) = state.place(picture).clone();
        self.missing.iter_mut().for_each(|layer| {
            layer.remove(&picture);
            *layer = layer.split_off(&(picture - MAX_MISSING));
        });
        if key {
            return Ok(Vec::new());
        }
        let missing_below = |reference: i64| {
            let below = &self.missing[..usize::from(temporal)];
            below.iter().any(|layer| layer.range(reference..picture).next().is_some())
        };
        if back.iter().any(|back| missing_below(picture - back)) {
            return Err(Verdict::Wait);
        }
        if vp9.switches_up {
            self.up_switches.insert(picture, vp9.temporal);
            self.up_switches = self.up_switches.split_off(&(picture - MAX_MISSING));
        }
        let across_switch = |reference: &i64| {
            self.up_switches.range(reference + 1..picture).any(|(_, to)| *to < vp9.temporal)
        };
        Ok(back.iter().map(|back| picture - back).filter(|r| !across_switch(r)).collect())
    }
}

/// Pictures since one with parameter sets: each needs the one before.
struct Gop {
    last_sequence: u64,
}

fn find_h264(gops: &mut BTreeMap<u64, Gop>, frame: &Frame, key: bool) -> Verdict {
    let id = frame.last_sequence as i64;
    if key {
        gops.insert(frame.first_sequence, Gop { last_sequence: frame.last_sequence });
        while gops.len() > 10 {
            gops.pop_first();
        }
        return Verdict::Known { id, references: Vec::new() };
    }
    let Some((_, gop)) = gops.range_mut(..frame.first_sequence).next_back() else {
        return Verdict::Wait;
    };
    if gop.last_sequence + 1 != frame.first_sequence {
        return Verdict::Wait;
    }
    let references = vec![gop.last_sequence as i64];
    gop.last_sequence = frame.last_sequence;
    Verdict::Known { id, references }
}
