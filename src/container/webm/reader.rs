//! Reading a file: of whoever wrote it, whole or cut off, with sizes that are known or not.

use std::collections::VecDeque;

use super::elements as id;
use super::entries::{self, Entry};
use super::lacing;
use super::source::{Element, Source};
use crate::codec::{Codec, Kind, opus};
use crate::container::ebml;
use crate::container::error::ContainerError;
use crate::container::file::{MAX_FRAME, Windows};
use crate::container::reader::{Coding, Demuxer, Found, ReadTrack};
use crate::container::source::ReadAt;

/// Number of a block's track, its time and its flags, at most.
const BLOCK_HEAD: usize = 11;
/// Nanoseconds of a unit of time, where nothing is said of it (RFC 9559 5.1.2.9).
const TIMESTAMP_SCALE: u64 = 1_000_000;

/// Nanoseconds of a second, and samples of Opus in it.
const SECOND: i64 = 1_000_000_000;
const OPUS_RATE: i64 = 48_000;

/// A file that is read.
pub struct Reader<S> {
    source: Source<S>,
    /// Where what stands in the segment begins.
    segment: u64,
    /// Nanoseconds.
    scale: u64,
    duration: Option<u64>,
    entries: Vec<Entry>,
    tracks: Vec<ReadTrack>,
    /// Where the index is said to be.
    cues: Option<u64>,
    first_cluster: u64,
    at: u64,
    cluster: Option<Cluster>,
    /// Of a block with several frames.
    waiting: VecDeque<Found>,
}

#[derive(Clone, Copy)]
struct Cluster {
    /// Its first byte.
    at: u64,
    end: Option<u64>,
    /// In units of time.
    time: u64,
}

/// A block that was not loaded.
struct Block {
    /// Its place in [`Reader::entries`].
    track: usize,
    /// Nanoseconds.
    time: i64,
    flags: u8,
    /// Of its frames.
    body: u64,
    len: u64,
    keyframe: bool,
    duration: Option<i64>,
}

impl<S: ReadAt> Reader<S> {
    /// Reads what stands before the first cluster.
    ///
    /// # Errors
    /// [`ContainerError::Format`], [`ContainerError::Io`].
    pub(in crate::container) fn open(file: Windows<S>) -> Result<Self, ContainerError> {
        let mut source = Source::over(file);
        let missing = |offset, expected| ContainerError::Format { offset, expected };
        let head = source.element(0)?.filter(|head| head.id == id::EBML);
        let after = head.and_then(|head| head.end()).ok_or(missing(0, "EBML header"))?;
        let segment = source.element(after)?.filter(|segment| segment.id == id::SEGMENT);
        let segment = segment.ok_or(missing(after, "Segment"))?.body;
        let mut reader = Self {
            source,
            segment,
            scale: TIMESTAMP_SCALE,
            duration: None,
            entries: Vec::new(),
            tracks: Vec::new(),
            cues: None,
            first_cluster: segment,
            at: segment,
            cluster: None,
            waiting: VecDeque::new(),
        };
        let mut has_tracks = false;
        let mut at = segment;
        while let Some(element) = reader.source.element(at)? {
            if element.id == id::CLUSTER {
                break;
            }
            match element.id {
                id::INFO => reader.info(&element)?,
                id::SEEK_HEAD => reader.seek_head(&element)?,
                id::CUES => reader.cues = Some(element.at),
                id::TRACKS => {
                    reader.entries = entries::read(&mut reader.source, &element)?;
                    has_tracks = true;
                }
                _ => {}
            }
            at = element.end().ok_or(missing(at, "element of known size"))?;
        }
        if !has_tracks {
            return Err(missing(segment, "Tracks"));
        }
        reader.tracks = reader.entries.iter().map(|entry| entry.track.clone()).collect();
        (reader.first_cluster, reader.at) = (at, at);
        Ok(reader)
    }

    fn info(&mut self, info: &Element) -> Result<(), ContainerError> {
        let (mut scale, mut duration) = (None, None);
        self.source.each(info, |source, child| {
            match child.id {
                id::TIMESTAMP_SCALE => scale = source.unsigned(child)?,
                id::DURATION => duration = source.float(child)?,
                _ => {}
            }
            Ok(())
        })?;
        self.scale = scale.filter(|scale| *scale > 0).unwrap_or(TIMESTAMP_SCALE);
        let nanos = duration.map(|duration| duration * self.scale as f64);
        self.duration = nanos.filter(|nanos| *nanos > 0.0).map(|nanos| nanos as u64);
        Ok(())
    }

    fn seek_head(&mut self, head: &Element) -> Result<(), ContainerError> {
        let (segment, mut cues) = (self.segment, None);
        self.source.each(head, |source, seek| {
            let (mut is_cues, mut position) = (false, None);
            if seek.id != id::SEEK {
                return Ok(());
            }
            source.each(seek, |source, child| {
                match child.id {
                    id::SEEK_ID => is_cues = source.unsigned(child)? == Some(id::CUES.into()),
                    id::SEEK_POSITION => position = source.unsigned(child)?,
                    _ => {}
                }
                Ok(())
            })?;
            if is_cues {
                cues = position.and_then(|position| segment.checked_add(position));
            }
            Ok(())
        })?;
        self.cues = cues.or(self.cues);
        Ok(())
    }

    /// The next block of a track that is known; `None` at the end of what is whole.
    fn block(&mut self) -> Result<Option<Block>, ContainerError> {
        loop {
            if self.cluster.is_some_and(|cluster| cluster.end.is_some_and(|end| self.at >= end)) {
                self.cluster = None;
            }
            let Some(element) = self.source.element(self.at)? else { return Ok(None) };
            if element.id == id::CLUSTER {
                self.cluster = Some(Cluster { at: element.at, end: element.end(), time: 0 });
                self.at = element.body;
                continue;
            }
            if id::is_top_level(element.id) {
                self.cluster = None;
            }
            // What is of unknown size and no cluster cannot be passed over.
            let Some(end) = element.end().filter(|end| *end <= self.source.len()) else {
                return Ok(None);
            };
            self.at = end;
            let Some(cluster) = &mut self.cluster else { continue };
            let found = match element.id {
                id::TIMESTAMP => {
                    cluster.time = self.source.unsigned(&element)?.unwrap_or(0);
                    continue;
                }
                id::SIMPLE_BLOCK => self.head(&element, None, None)?,
                id::BLOCK_GROUP => self.group(&element)?,
                _ => continue,
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// A block with what is said of it beside it (RFC 9559 5.1.3.5).
    fn group(&mut self, group: &Element) -> Result<Option<Block>, ContainerError> {
        let (mut block, mut duration, mut keyframe) = (None, None, true);
        self.source.each(group, |source, child| {
            match child.id {
                id::BLOCK => block = Some(*child),
                id::BLOCK_DURATION => duration = source.unsigned(child)?,
                id::REFERENCE_BLOCK => keyframe = false,
                _ => {}
            }
            Ok(())
        })?;
        let Some(block) = block else { return Ok(None) };
        let nanos = duration.map(|duration| duration.saturating_mul(self.scale));
        self.head(&block, Some(keyframe), nanos.and_then(|nanos| i64::try_from(nanos).ok()))
    }

    /// `keyframe` where it does not stand in the block itself.
    fn head(
        &mut self,
        block: &Element,
        keyframe: Option<bool>,
        duration: Option<i64>,
    ) -> Result<Option<Block>, ContainerError> {
        let head = self.source.bytes(block.body, BLOCK_HEAD)?;
        let Some((number, used)) = ebml::number(head) else { return Ok(None) };
        let Some(&[high, low, flags]) = head.get(used..).and_then(|rest| rest.first_chunk()) else {
            return Ok(None);
        };
        let Some(track) = self.entries.iter().position(|entry| entry.number == number) else {
            return Ok(None);
        };
        let used = used as u64 + 3;
        let Some(len) = block.size.and_then(|size| size.checked_sub(used)) else {
            return Ok(None);
        };
        let time = self.cluster.map_or(0, |cluster| cluster.time);
        let time = i128::from(time) + i128::from(i16::from_be_bytes([high, low]));
        let delay = self.entries.get(track).map_or(0, |entry| entry.delay);
        let nanos = time.saturating_mul(self.scale.into()) - i128::from(delay);
        Ok(Some(Block {
            track,
            time: nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            flags,
            body: block.body.saturating_add(used),
            len,
            keyframe: keyframe.unwrap_or(flags & 0x80 != 0),
            duration,
        }))
    }

    /// Brings the frames of a block in. `false` when the file ends before.
    fn load(&mut self, block: &Block) -> Result<bool, ContainerError> {
        let Some(entry) = self.entries.get(block.track) else { return Ok(true) };
        let Some(body) = self.source.frame(block.body, block.len)? else { return Ok(false) };
        let expected = "frames in a block";
        let broken = ContainerError::Format { offset: block.body, expected };
        let frames = lacing::frames(block.flags, &body).ok_or(broken)?;
        let count = i64::try_from(frames.len()).unwrap_or(1);
        let each = block.duration.map(|all| all / count);
        let each = each.or(entry.duration.and_then(|nanos| i64::try_from(nanos).ok()));
        let sound = entry.track.kind == Kind::Audio;
        let opus = entry.track.coding == Coding::Codec(Codec::Opus);
        let mut time = block.time;
        // One without a byte of its own is none, whatever all of them begin with.
        for frame in frames.into_iter().filter(|frame| !frame.is_empty()) {
            let mut data = Vec::with_capacity((entry.stripped.len() + frame.len()).min(MAX_FRAME));
            data.extend_from_slice(&entry.stripped);
            data.extend_from_slice(frame);
            // Where nothing is said of it, packets of Opus tell it.
            let samples = opus::packet_samples(&data).filter(|_| opus).map(i64::from);
            let duration = each.or(samples.map(|samples| samples * SECOND / OPUS_RATE));
            self.waiting.push_back(Found {
                track: block.track,
                time,
                duration,
                keyframe: block.keyframe || sound,
                data,
            });
            time = time.saturating_add(duration.unwrap_or(0));
        }
        Ok(true)
    }

    /// The last place of the index that is not behind a moment: its time, and its cluster.
    fn cue(&mut self, to: u64) -> Result<Option<(u64, u64)>, ContainerError> {
        let Some(at) = self.cues else { return Ok(None) };
        let Some(cues) = self.source.element(at)?.filter(|cues| cues.id == id::CUES) else {
            return Ok(None);
        };
        if cues.end().is_none_or(|end| end > self.source.len()) {
            return Ok(None);
        }
        let (scale, segment) = (self.scale, self.segment);
        let mut best: Option<(u64, u64)> = None;
        self.source.each(&cues, |source, point| {
            let (mut time, mut cluster) = (None, None);
            if point.id != id::CUE_POINT {
                return Ok(());
            }
            source.each(point, |source, child| {
                match child.id {
                    id::CUE_TIME => time = source.unsigned(child)?,
                    id::CUE_TRACK_POSITIONS => source.each(child, |source, child| {
                        if child.id == id::CUE_CLUSTER_POSITION {
                            cluster = source.unsigned(child)?;
                        }
                        Ok(())
                    })?,
                    _ => {}
                }
                Ok(())
            })?;
            if let (Some(time), Some(cluster)) = (time, cluster) {
                let time = time.saturating_mul(scale);
                if time <= to && best.is_none_or(|(before, _)| before <= time) {
                    best = Some((time, segment.saturating_add(cluster)));
                }
            }
            Ok(())
        })?;
        Ok(best)
    }

    fn go(&mut self, at: u64) {
        self.at = at;
        self.cluster = None;
        self.waiting.clear();
    }

    /// Goes through blocks from here on: the last keyframe of a track that is not behind a moment, and
    /// where its cluster is.
    fn last_keyframe(
        &mut self,
        to: u64,
        leader: usize,
    ) -> Result<Option<(u64, u64)>, ContainerError> {
        let mut best = None;
        let sound = self.tracks.get(leader).is_some_and(|track| track.kind == Kind::Audio);
        while let Some(block) = self.block()? {
            if block.track != leader {
                continue;
            }
            let time = u64::try_from(block.time).unwrap_or(0);
            if time > to {
                break;
            }
            if let Some(cluster) = self.cluster.filter(|_| block.keyframe || sound) {
                best = Some((time, cluster.at));
            }
        }
        Ok(best)
    }
}

impl<S: ReadAt + Send> Demuxer for Reader<S> {
    fn tracks(&self) -> &[ReadTrack] {
        &self.tracks
    }

    fn duration(&self) -> Option<u64> {
        self.duration
    }

    fn next(&mut self) -> Result<Option<Found>, ContainerError> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Ok(Some(found));
            }
            let Some(block) = self.block()? else { return Ok(None) };
            if !self.load(&block)? {
                return Ok(None);
            }
        }
    }

    fn seek(&mut self, to: u64, leader: usize) -> Result<u64, ContainerError> {
        let first = self.first_cluster;
        // An index may end long before the file does, or lead astray.
        let (_, from) = self.cue(to)?.unwrap_or((0, first));
        self.go(from);
        let found = match self.last_keyframe(to, leader)? {
            None if from != first => {
                self.go(first);
                self.last_keyframe(to, leader)?
            }
            found => found,
        };
        let (time, cluster) = found.unwrap_or((0, first));
        self.go(cluster);
        Ok(time)
    }
}
