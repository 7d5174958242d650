//! One line of a recording: packets of the track that feeds it, until they are frames.

use std::time::{Duration, Instant};

use super::settling::Settling;
use super::sound::Sound;
use crate::codec::configuration::Configuration;
use crate::codec::frame::{Assembler, EncodedFrame, Parts};
use crate::codec::packet::TakenPacket;
use crate::codec::{Codec, Description, Kind};
use crate::control::ids::RecordedTrackId;
use crate::control::recorder::LineOptions;
use crate::control::stats::LineStats;

/// How long repetitions of a packet are waited for: nobody watches.
const WINDOW: Duration = Duration::from_secs(1);
/// Between two requests for a keyframe.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What a line is in the file now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) number: u8,
    /// As the file has it.
    pub(super) codec: Codec,
}

pub(in crate::engine) struct Line {
    id: RecordedTrackId,
    kind: Kind,
    pub(in crate::engine) options: LineOptions,
    assembler: Assembler,
    settling: Settling,
    paused: bool,
    pub(super) entry: Option<Entry>,
    /// Of its last keyframe.
    pub(super) configuration: Option<Configuration>,
    pub(super) sound: Sound,
    /// When its last frame is shown.
    pub(in crate::engine) last: Option<Duration>,
    /// Frames were left out, so that nothing before the next keyframe can be decoded.
    pub(in crate::engine) broken: bool,
    /// The largest picture that packets told of: layers of VP9 do not say it in their frames.
    pub(in crate::engine) announced: Option<(u16, u16)>,
    /// Keyframes in a row that were none of their codec.
    pub(in crate::engine) unreadable: u32,
    heard: Option<Instant>,
    asked: Option<Instant>,
    pub(in crate::engine) counts: LineStats,
}

impl Line {
    pub(in crate::engine) fn new(id: RecordedTrackId, kind: Kind, options: LineOptions) -> Self {
        Self {
            id,
            kind,
            options,
            assembler: Assembler::new(WINDOW),
            settling: Settling::default(),
            paused: false,
            entry: None,
            configuration: None,
            sound: Sound::default(),
            last: None,
            broken: false,
            announced: None,
            unreadable: 0,
            heard: None,
            asked: None,
            counts: LineStats { id: id.0, ..LineStats::default() },
        }
    }

    pub(in crate::engine) fn id(&self) -> RecordedTrackId {
        self.id
    }

    pub(in crate::engine) fn kind(&self) -> Kind {
        self.kind
    }

    /// The file goes on with another one, of which nothing is there yet.
    pub(in crate::engine) fn begin_file(&mut self) {
        self.entry = None;
        self.configuration = None;
        self.last = None;
        self.broken = self.kind == Kind::Video;
    }

    pub(in crate::engine) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(in crate::engine) fn pause(&mut self, paused: bool) {
        if self.paused && !paused {
            self.begin_anew();
        }
        self.paused = paused;
    }

    /// What feeds it counts anew.
    pub(in crate::engine) fn begin_anew(&mut self) {
        self.assembler.reset();
        self.settling = Settling::default();
        self.asked = None;
    }

    /// Takes a packet, of which [`to_reported`](crate::sfu::SourcePacket::to_reported) is known.
    /// `false` when it is left out.
    pub(in crate::engine) fn receive(
        &mut self,
        now: Instant,
        packet: &TakenPacket,
        to_reported: Option<i32>,
    ) -> bool {
        if self.paused {
            return false;
        }
        let Some(packet) = packet.without_red() else { return false };
        if self.kind == Kind::Video && self.entry.is_none() {
            let size = Description::parse(packet.codec, &packet.payload, None).size;
            self.announced = larger(size, self.announced);
        }
        match self.settling.receive(now, &packet, to_reported) {
            Some(captured) if captured != packet.captured => {
                self.assembler.insert(&TakenPacket { captured, ..packet.into_owned() });
            }
            _ => self.assembler.insert(&packet),
        }
        self.heard = Some(now);
        true
    }

    pub(in crate::engine) fn poll(&mut self, now: Instant) -> Option<EncodedFrame> {
        if !self.settling.is_settled(now) {
            return None;
        }
        let mut frame = self.assembler.poll(now)?;
        frame.captured = self.settling.captured(&frame);
        Some(frame)
    }

    /// Whether it is known when its frames were captured, or no longer waited for.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.settling.is_settled(now)
    }

    /// Whether frames are there that still wait: for repairs, or for when they were captured.
    pub(in crate::engine) fn is_waiting(&self, now: Instant) -> bool {
        self.assembler.is_waiting() || !self.settling.is_settled(now)
    }

    /// What was not heard by now is not waited for.
    pub(super) fn settle(&mut self) {
        self.settling.give_up();
    }

    pub(in crate::engine) fn give_back(&mut self, parts: Parts) {
        self.assembler.give_back(parts);
    }

    /// Whether to ask for a keyframe now. The first one of a stream is asked for by who takes it.
    pub(in crate::engine) fn wants_keyframe(&mut self, now: Instant) -> bool {
        let recent = |at: Option<Instant>| {
            at.is_some_and(|at| now.saturating_duration_since(at) < ASK_AGAIN)
        };
        let needed = self.assembler.needs_keyframe() || self.broken;
        let wants = self.kind == Kind::Video
            && !self.paused
            && needed
            && recent(self.heard)
            && !recent(self.asked);
        if wants {
            self.asked = Some(now);
        }
        wants
    }

    pub(in crate::engine) fn stats(&self) -> LineStats {
        LineStats {
            codec: self.entry.map(|entry| entry.codec.name()),
            frames_lost: self.assembler.lost(),
            ..self.counts.clone()
        }
    }
}

/// The larger of two sizes of which either may be unknown.
pub(in crate::engine) fn larger(
    one: Option<(u16, u16)>,
    other: Option<(u16, u16)>,
) -> Option<(u16, u16)> {
    one.into_iter().chain(other).max_by_key(|(w, h)| u32::from(*w) * u32::from(*h))
}
