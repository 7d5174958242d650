//! Tracks made a transport stream for whoever takes it: frames in, payloads out.

use std::time::{Duration, Instant};

use super::Parts;
use super::tracks::Tracks;
use crate::codec::{Codec, Kind};
use crate::control::ingest::OutputStats;
use crate::engine::tap::Shards;
use crate::ingest::ts::{Muxer, PACKET};

/// Of sound alone, how often it is said what it is.
const TABLES_EVERY: Duration = Duration::from_millis(500);
/// Packets of a payload, as all of live streams have it.
const PAYLOAD: usize = 7 * PACKET;

/// The actor; see the module.
pub struct StreamPush<S: Shards> {
    tracks: Tracks<S>,
    has: [bool; 2],
    /// With the first picture, which says what they are.
    muxer: Option<(Option<Codec>, Muxer)>,
    /// The time that each kind had last, at 90 kHz.
    last: [u64; 2],
    told: Option<Instant>,
    out: Vec<u8>,
    stats: OutputStats,
}

/// What is sent in one datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    pub data: Vec<u8>,
    /// A receiver can begin with it.
    pub begins: bool,
}

impl<S: Shards> StreamPush<S> {
    /// Takes nothing of its tracks before somebody wants it.
    pub fn new(parts: Parts<S>) -> Self {
        Self {
            has: [parts.audio.is_some(), parts.video.is_some()],
            tracks: Tracks::new(parts, &[Codec::H264, Codec::H265]),
            muxer: None,
            last: [0; 2],
            told: None,
            out: Vec::new(),
            stats: OutputStats::default(),
        }
    }

    /// Somebody is there who has to begin.
    pub fn begin(&mut self, now: Instant) {
        self.tracks.want_keyframe(now);
    }

    /// Takes what shards have left for it, and hands what is to be sent to `emit`.
    pub fn run(&mut self, now: Instant, wanted: bool, mut emit: impl FnMut(Payload)) {
        let known = self.muxer.as_ref().and_then(|(codec, _)| *codec);
        let ended = self.tracks.receive(|codec| match known {
            Some(known) => codec == known,
            None => matches!(codec, Codec::H264 | Codec::H265),
        });
        if ended {
            self.end_pictures();
        }
        self.push_pictures(now, &mut emit);
        self.push_sound(now, &mut emit);
        self.flush(&mut emit, false);
        self.tracks.tap(now, wanted);
    }

    /// Sound goes on alone, so that whoever comes later begins with it and not with a keyframe.
    fn end_pictures(&mut self) {
        self.has[1] = false;
        self.told = None;
        if let Some((codec, muxer)) = &mut self.muxer {
            *codec = None;
            muxer.end_pictures();
        }
    }

    fn push_pictures(&mut self, now: Instant, emit: &mut impl FnMut(Payload)) {
        while let Some(frame) = self.tracks.poll(Kind::Video, now) {
            if self.muxer.is_none() && frame.keyframe {
                let [sound, _] = self.has;
                self.muxer = Some((Some(frame.codec), Muxer::new(Some(frame.codec), sound)));
            }
            let time = self.time(frame.captured, 1);
            if let Some((_, muxer)) = &mut self.muxer {
                if frame.keyframe {
                    flush(&mut self.out, &mut self.stats, emit, false);
                    muxer.tables(&mut self.out);
                }
                muxer.picture(time, &frame.parts.data, &mut self.out);
                self.stats.frames_sent += 1;
                flush(&mut self.out, &mut self.stats, emit, frame.keyframe);
            }
            self.tracks.give_back(Kind::Video, frame.parts);
        }
    }

    fn push_sound(&mut self, now: Instant, emit: &mut impl FnMut(Payload)) {
        while let Some(frame) = self.tracks.poll(Kind::Audio, now) {
            let [_, pictures] = self.has;
            if self.muxer.is_none() && !pictures {
                self.muxer = Some((None, Muxer::new(None, true)));
            }
            let time = self.time(frame.captured, 0);
            if let Some((codec, muxer)) = &mut self.muxer {
                let old = |at| now.saturating_duration_since(at) >= TABLES_EVERY;
                let begins = codec.is_none() && self.told.is_none_or(old);
                if begins {
                    flush(&mut self.out, &mut self.stats, emit, false);
                    self.told = Some(now);
                    muxer.tables(&mut self.out);
                }
                muxer.opus(time, &frame.parts.data, &mut self.out);
                self.stats.sounds_sent += 1;
                if begins {
                    flush(&mut self.out, &mut self.stats, emit, true);
                }
            }
            self.tracks.give_back(Kind::Audio, frame.parts);
        }
    }

    fn flush(&mut self, emit: &mut impl FnMut(Payload), begins: bool) {
        flush(&mut self.out, &mut self.stats, emit, begins);
    }

    /// Ticks of 90 kHz, which never go back within a kind.
    fn time(&mut self, captured: Instant, kind: usize) -> u64 {
        let time = self.tracks.since_begin(captured).as_micros() as u64 * 9 / 100;
        let last = &mut self.last[kind];
        *last = time.max(*last);
        *last
    }

    /// What it has done.
    pub fn stats(&self) -> &OutputStats {
        &self.stats
    }

    /// Takes nothing any more.
    pub fn finish(&mut self) {
        self.tracks.leave();
    }
}

/// Cuts what there is into payloads, of which the first one may be one to begin with.
fn flush(
    out: &mut Vec<u8>,
    stats: &mut OutputStats,
    emit: &mut impl FnMut(Payload),
    mut begins: bool,
) {
    for data in out.chunks(PAYLOAD) {
        stats.bytes_sent += data.len() as u64;
        emit(Payload { data: data.to_vec(), begins });
        begins = false;
    }
    out.clear();
}
