//! What this side sends on one m-line of a peer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::Mid;

use super::allotment::Allotment;
use crate::codec::format::{Format, PayloadMap, compatible};
use crate::codec::{Kind, Layer};
use crate::control::ids::{IncomingTrackId, OutgoingTrackId};
use crate::control::layers::Preferences;
use crate::control::stats::OutgoingTrackStats;
use crate::egress::{Stream, StreamParameters};
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::transponder::Transponder;
use crate::sfu::{EncodingIndex, EncodingState, HeldPackets, Origin, Redundancy};

pub(super) struct Outgoing {
    pub(super) id: OutgoingTrackId,
    pub(super) kind: Kind,
    /// The two halves of its MSID.
    pub(super) stream: String,
    pub(super) track: String,
    /// Its m-line, once agreed on.
    pub(super) mid: Option<Mid>,
    /// The m-line it has in an offer that is not answered yet.
    pub(super) offered: Option<Mid>,
    /// What the receiver takes, most wanted first.
    pub(super) formats: Vec<Format>,
    /// The receiver's m-line lets us send.
    pub(super) sending: bool,
    /// Its RTP stream, while it has an m-line.
    pub(super) egress: Option<Stream>,
    pub(super) transponder: Transponder,
    pub(super) held: HeldPackets,
    pub(super) redundancy: Redundancy,
    pub(super) source: Option<Source>,
    pub(super) muted: bool,
    /// RID the application chose; `None` lets the engine choose.
    pub(super) selected: Option<String>,
    /// The highest layer of an encoding that the application wants.
    pub(super) layer_limit: Layer,
    pub(super) preferences: Preferences,
    /// What was said of the layers it gets.
    pub(super) allotment: Allotment,
    /// The encoding that was last said to be forwarded.
    pub(super) forwarded: Option<EncodingIndex>,
    /// A codec mismatch was reported for this source.
    pub(super) mismatch_reported: bool,
    pub(super) payloads: PayloadMap,
    pub(super) sent: Sent,
    /// Indices that the receiver asks for again, with where they came from.
    pub(super) nacked: Vec<Nacked>,
    /// When repeating was last given up.
    pub(super) gave_up: Option<Instant>,
}

/// The track that feeds it.
pub(super) struct Source {
    pub(super) id: IncomingTrackId,
    pub(super) description: Option<Arc<SourceDescription>>,
}

/// A packet that the receiver did not get.
#[derive(Clone, Copy, Debug)]
pub struct Nacked {
    pub index: u64,
    pub origin: Origin,
    /// At its source.
    pub sequence: u64,
    /// When it was asked for.
    pub asked: Instant,
}

#[derive(Default)]
pub(super) struct Sent {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) frames: u64,
    pub(super) codec: Option<&'static str>,
    window: Option<(Instant, u64)>,
    bitrate: u64,
}

impl Sent {
    pub(super) fn count(&mut self, now: Instant, bytes: usize, frame: bool, codec: &'static str) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.frames += u64::from(frame);
        self.codec = Some(codec);
        self.roll(now);
    }

    /// Bits per second of payload over the last whole second or so.
    pub(super) fn bitrate(&self) -> u64 {
        self.bitrate
    }

    fn roll(&mut self, now: Instant) {
        let (since, bytes) = *self.window.get_or_insert((now, self.bytes));
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Duration::from_secs(1) {
            let bits = (self.bytes - bytes) as f64 * 8.0;
            self.bitrate = (bits / elapsed.as_secs_f64()) as u64;
            self.window = Some((now, self.bytes));
        }
    }
}

impl Outgoing {
    pub(super) fn new(id: OutgoingTrackId, kind: Kind, stream: String, track: String) -> Self {
        Self {
            id,
            kind,
            stream,
            track,
            mid: None,
            offered: None,
            formats: Vec::new(),
            sending: false,
            egress: None,
            transponder: Transponder::new(kind),
            held: HeldPackets::default(),
            redundancy: Redundancy::default(),
            source: None,
            muted: false,
            selected: None,
            layer_limit: Layer::HIGHEST,
            preferences: Preferences::default(),
            allotment: Allotment::default(),
            forwarded: None,
            mismatch_reported: false,
            payloads: PayloadMap::default(),
            sent: Sent::default(),
            nacked: Vec::new(),
            gave_up: None,
        }
    }

    pub(super) fn bind(&mut self, mid: Mid) {
        self.mid = Some(mid);
        self.offered = None;
    }

    /// A description was agreed on.
    pub(super) fn negotiated(
        &mut self,
        formats: Vec<Format>,
        sending: bool,
        parameters: Option<StreamParameters>,
    ) {
        if self.formats != formats {
            self.formats = formats;
            self.payloads.clear();
            self.mismatch_reported = false;
            self.take_encodings();
        }
        self.sending = sending;
        self.egress = match (self.egress.take(), parameters) {
            (Some(mut stream), Some(parameters)) if stream.is(&parameters) => {
                stream.renegotiated(parameters);
                Some(stream)
            }
            (_, parameters) => parameters.map(Stream::new),
        };
    }

    /// The encodings of its source that the receiver can take. Of alternatives that is one codec,
    /// the one that the source would rather send; none before the receiver said what it takes.
    pub(super) fn encodings(&self) -> impl Iterator<Item = &SourceEncoding> {
        let description = self.source.as_ref().and_then(|source| source.description.as_deref());
        let alternatives = description.filter(|description| description.alternatives);
        let codec = alternatives.and_then(|description| {
            let taken = |f: &&Format| compatible(std::slice::from_ref(*f), &self.formats);
            description.formats.iter().find(taken).map(|format| format.codec)
        });
        let encodings = description.into_iter().flat_map(|description| &description.encodings);
        let any = alternatives.is_none();
        encodings.filter(move |encoding| any || Some(encoding.codec) == codec)
    }

    /// Tells the transponder which encodings there are.
    pub(super) fn take_encodings(&mut self) {
        let states: Vec<EncodingState> = self
            .encodings()
            .map(|e| EncodingState { index: e.index, active: e.active, rank: e.rank })
            .collect();
        self.transponder.set_encodings(&states);
    }

    pub(super) fn stats(&mut self, now: Instant) -> OutgoingTrackStats {
        self.sent.roll(now);
        let feedback = self.egress.as_ref().map(Stream::feedback);
        let remote = feedback.and_then(|feedback| feedback.remote);
        let parameters = self.egress.as_ref().map(Stream::parameters);
        let rid = self.transponder.current().and_then(|index| {
            let description = self.source.as_ref()?.description.as_ref()?;
            description.encoding(index)?.rid.clone()
        });
        let layer = self.forwarded_layer();
        OutgoingTrackStats {
            id: self.id.0,
            kind: self.kind.name(),
            mid: self.mid.map(|mid| mid.to_string()),
            ssrc: parameters.map(|p| p.ssrc),
            rtx_ssrc: parameters.and_then(|p| p.rtx),
            codec: self.sent.codec,
            rid,
            spatial_layer: layer.as_ref().map(|layer| layer.spatial),
            temporal_layer: layer.as_ref().map(|layer| layer.temporal),
            layer_reason: (self.kind == Kind::Video).then(|| self.allotment.reason().name()),
            source: self.source.as_ref().map(|source| source.id.0),
            muted: self.muted,
            packets_sent: self.sent.packets,
            bytes_sent: self.sent.bytes,
            bitrate: self.sent.bitrate,
            nack_count: feedback.map_or(0, |f| f.nacks),
            pli_count: feedback.map_or(0, |f| f.plis),
            fir_count: feedback.map_or(0, |f| f.firs),
            retransmitted_packets_sent: feedback.map_or(0, |f| f.retransmitted_packets),
            retransmitted_bytes_sent: feedback.map_or(0, |f| f.retransmitted_bytes),
            frames_sent: (self.kind == Kind::Video).then_some(self.sent.frames),
            packets_lost: remote.map(|r| u64::try_from(r.packets_lost).unwrap_or(0)),
            fraction_lost: remote.map(|r| r.fraction_lost),
            jitter: remote.map(|r| f64::from(r.jitter) / f64::from(clock_rate(self.kind))),
            round_trip_time: remote.and_then(|r| r.round_trip_time).map(|rtt| rtt.as_secs_f64()),
        }
    }
}

/// The clock of the codecs that are usual for the kind, to turn reported jitter into seconds.
fn clock_rate(kind: Kind) -> u32 {
    match kind {
        Kind::Audio => 48_000,
        Kind::Video => 90_000,
    }
}
