//! Writing a file.

use std::time::Duration;

use super::document::Document;
use super::elements as id;
use super::index::{DURATION_ROOM, Index, Layout, SEEK_HEAD_ROOM, millis};
use super::tracks;
use crate::codec::Kind;
use crate::container::ebml;
use crate::container::error::ContainerError;
use crate::container::output::{Output, Step};
use crate::container::{Frame, Muxer, TrackEntry};

/// Tracks of a file.
pub const MAX_TRACKS: usize = 64;
/// Marks of a file, and letters of the name of one.
pub const MAX_MARKS: usize = 1_000;
const MAX_MARK_NAME: usize = 1_024;
/// Room for their entries, which takes 64 of the largest that are usual.
const TRACKS_ROOM: usize = 16 << 10;
/// A keyframe begins a cluster when the one before is as long: players jump to clusters.
const MIN_CLUSTER: Duration = Duration::from_secs(1);
/// Without keyframes one begins after so long, or so many bytes (RFC 9559 25.1).
const MAX_CLUSTER: Duration = Duration::from_secs(5);
const MAX_CLUSTER_BYTES: u64 = 5 << 20;
/// From 1970 to 2001, where Matroska's dates begin.
const EPOCH_2001: Duration = Duration::from_secs(978_307_200);

/// A file on its way to the disk. What was said shows in [`take`](Self::take).
pub struct Writer {
    document: Document,
    out: Output,
    layout: Layout,
    /// The entries of the tracks.
    entries: Vec<u8>,
    tracks: Vec<Kind>,
    cluster: Option<Cluster>,
    index: Index,
}

struct Cluster {
    /// Offset in the file.
    at: u64,
    /// In milliseconds, as all blocks count from.
    time: u64,
}

impl Writer {
    /// Begins a file. `application` stands in it as what wrote it, `date` counts from 1970.
    pub fn new(document: Document, application: &str, date: Duration) -> Self {
        let mut head = Vec::new();
        ebml::master(&mut head, id::EBML, |out| {
            ebml::unsigned(out, id::EBML_VERSION, 1);
            ebml::unsigned(out, id::EBML_READ_VERSION, 1);
            ebml::unsigned(out, id::EBML_MAX_ID_LENGTH, 4);
            ebml::unsigned(out, id::EBML_MAX_SIZE_LENGTH, 8);
            ebml::text(out, id::DOC_TYPE, document.name());
            ebml::unsigned(out, id::DOC_TYPE_VERSION, 4);
            ebml::unsigned(out, id::DOC_TYPE_READ_VERSION, 2);
        });
        ebml::id(&mut head, id::SEGMENT);
        let segment_size = head.len() as u64;
        head.extend_from_slice(&ebml::UNKNOWN_SIZE);
        let segment = head.len() as u64;
        let seek_head = segment;
        room(&mut head, SEEK_HEAD_ROOM);
        let info = head.len() as u64;
        ebml::master(&mut head, id::INFO, |out| {
            ebml::unsigned(out, id::TIMESTAMP_SCALE, 1_000_000);
            ebml::text(out, id::MUXING_APP, application);
            ebml::text(out, id::WRITING_APP, application);
            let nanos = date.saturating_sub(EPOCH_2001).as_nanos();
            ebml::binary(out, id::DATE, &u64::try_from(nanos).unwrap_or(0).to_be_bytes());
            room(out, DURATION_ROOM);
        });
        let duration = (head.len() - DURATION_ROOM) as u64;
        let tracks = head.len() as u64;
        room(&mut head, TRACKS_ROOM);
        let mut out = Output::default();
        out.append(&head);
        Self {
            document,
            out,
            layout: Layout { segment_size, segment, seek_head, info, duration, tracks },
            entries: Vec::new(),
            tracks: Vec::new(),
            cluster: None,
            index: Index::default(),
        }
    }

    fn is_over(&self, cluster: &Cluster, time: u64, starts: bool) -> bool {
        let age = Duration::from_millis(time.saturating_sub(cluster.time));
        let bytes = self.out.end().saturating_sub(cluster.at);
        age >= MAX_CLUSTER || bytes >= MAX_CLUSTER_BYTES || (starts && age >= MIN_CLUSTER)
    }

    fn begin_cluster(&mut self, time: u64) -> &Cluster {
        self.end_cluster();
        let at = self.out.end();
        let mut head = Vec::new();
        ebml::id(&mut head, id::CLUSTER);
        head.extend_from_slice(&ebml::UNKNOWN_SIZE);
        ebml::unsigned(&mut head, id::TIMESTAMP, time);
        self.out.append(&head);
        self.cluster.insert(Cluster { at, time })
    }

    /// Readers pass over clusters whose size they know, and refuse those of unknown size in a
    /// segment of known size.
    fn end_cluster(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            let body = cluster.at + 12;
            let size = self.out.end().saturating_sub(body);
            self.out.overwrite(body - 8, &ebml::long_size(size));
        }
    }
}

impl Muxer for Writer {
    fn add_track(&mut self, track: &TrackEntry) -> Result<u8, ContainerError> {
        let codec_id = self.document.codec_id(track.codec)?;
        let number = self.tracks.len() + 1;
        let before = self.entries.len();
        tracks::entry(&mut self.entries, number as u8, track, codec_id);
        let mut all = Vec::new();
        ebml::binary(&mut all, id::TRACKS, &self.entries);
        let left = TRACKS_ROOM.checked_sub(all.len()).filter(|left| *left >= ebml::VOID_HEADER);
        let Some(left) = left.filter(|_| number <= MAX_TRACKS) else {
            self.entries.truncate(before);
            return Err(ContainerError::Tracks(self.tracks.len()));
        };
        ebml::void(&mut all, left);
        self.out.overwrite(self.layout.tracks, &all);
        self.tracks.push(track.codec.kind());
        Ok(number as u8)
    }

    fn write(&mut self, frame: &Frame<'_>) {
        let Some(track) = usize::from(frame.track).checked_sub(1) else { return };
        let Some(&kind) = self.tracks.get(track) else { return };
        self.index.frame(frame.time, frame.track);
        let time = millis(frame.time);
        let starts = frame.keyframe && kind == Kind::Video;
        let cluster = match &self.cluster {
            Some(cluster) if !self.is_over(cluster, time, starts) => cluster,
            _ => self.begin_cluster(time),
        };
        let (at, begin) = (cluster.at, cluster.time);
        let videos = self.tracks.contains(&Kind::Video);
        if starts || !videos {
            self.index.add(frame.time, frame.track, at);
        }
        // Within a cluster, 32 s before its time to 32 s after (RFC 9559 5.1.3.4).
        let relative = i128::from(time) - i128::from(begin);
        let relative = relative.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        let mut head = Vec::with_capacity(16);
        ebml::id(&mut head, id::SIMPLE_BLOCK);
        ebml::size(&mut head, frame.data.len() as u64 + 4);
        head.push(0x80 | frame.track);
        head.extend_from_slice(&relative.to_be_bytes());
        head.push(if frame.keyframe { 0x80 } else { 0 });
        self.out.append(&head);
        self.out.append(frame.data);
    }

    fn mark(&mut self, time: Duration, name: &str) -> bool {
        let room = self.index.marks() < MAX_MARKS;
        if room {
            self.index.mark(time, &name.chars().take(MAX_MARK_NAME).collect::<String>());
        }
        room
    }

    fn duration(&self) -> Duration {
        self.index.end
    }

    fn size(&self) -> u64 {
        self.out.end()
    }

    fn waiting(&self) -> usize {
        self.out.waiting()
    }

    fn finish(&mut self) {
        self.end_cluster();
        self.index.finish(&self.layout, &mut self.out);
    }

    fn take(&mut self) -> Vec<Step> {
        self.out.take()
    }
}

/// Room for what is known later, of zeros.
fn room(out: &mut Vec<u8>, len: usize) {
    let end = out.len() + len;
    if len < ebml::VOID_HEADER + 2 {
        ebml::binary(out, id::VOID, &vec![0; len.saturating_sub(2)]);
    } else {
        ebml::void(out, len);
    }
    out.resize(end, 0);
}
