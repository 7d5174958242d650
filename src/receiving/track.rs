//! A track that a peer sends: its encodings, and packets on their way to the receivers.

use std::sync::Arc;
use std::time::Instant;

use super::demux::{Key, Usage};
use super::drops::DropReason;
use super::encoding::Encoding;
use super::header::RtpHeader;
use super::line::ReceiveLine;
use super::stream::Stream;
use super::{Queue, Received};
use crate::codec::format::Format;
use crate::codec::names::Rid;
use crate::codec::{Codec, Description, Kind};
use crate::control::ids::SourceId;
use crate::control::stats::IncomingTrackStats;
use crate::sfu::source::SourceDescription;
use crate::sfu::transponder::MAX_ENCODINGS;
use crate::sfu::{AudioLevelMeter, Demand, EncodingIndex, Extensions, SourcePacket};

#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: SourceId,
    pub(super) kind: Kind,
    /// The peer's m-line says it does not send.
    pub(super) muted: bool,
    /// The application has nothing of it forwarded.
    pub(super) withheld: bool,
    /// The peer takes requests for keyframes.
    keyframes_on_request: bool,
    formats: Arc<[Format]>,
    /// RIDs the description announced, in its order.
    rids: Vec<Rid>,
    pub(super) encodings: Vec<Encoding>,
    /// While JavaScript listens.
    pub(super) levels: Option<AudioLevelMeter>,
    /// Which encodings its receivers want.
    pub(super) demand: Demand,
    /// What the worst of its receivers loses, in 256ths.
    pub(super) far_loss: u8,
}

/// One packet, opened, of a stream and encoding that are known.
pub(super) struct Arrival<'a> {
    pub(super) now: Instant,
    pub(super) header: &'a RtpHeader<'a>,
    /// Its extended sequence number, that of the original for a repetition.
    pub(super) sequence: u64,
    pub(super) usage: Usage,
    pub(super) pt: u8,
    pub(super) payload: &'a [u8],
    pub(super) extensions: Extensions,
    pub(super) captured: Instant,
    pub(super) to_reported: Option<i32>,
    pub(super) sizes: Option<[Option<(u16, u16)>; 4]>,
}

impl Track {
    pub(super) fn new(id: SourceId, line: &ReceiveLine) -> Self {
        Self {
            id,
            kind: line.kind,
            muted: !line.receives,
            withheld: false,
            keyframes_on_request: line.feedback.asks_keyframes(),
            formats: line.formats.clone(),
            rids: line.rids.clone(),
            encodings: Vec::new(),
            levels: None,
            demand: Demand::default(),
            far_loss: 0,
        }
    }

    /// Whether it is sound by an encoder that can make itself redundant (RFC 6716 2.1.7).
    pub(super) fn is_opus(&self) -> bool {
        self.encodings.iter().any(|encoding| encoding.codec == Codec::Opus)
    }

    pub(super) fn configure(&mut self, line: &ReceiveLine) {
        self.muted = !line.receives;
        self.keyframes_on_request = line.feedback.asks_keyframes();
        self.formats = line.formats.clone();
        self.rids.clone_from(&line.rids);
    }

    /// The encoding that `key` names, if there is one.
    pub(super) fn encoding(&self, key: Key<'_>) -> Option<usize> {
        let is = |encoding: &Encoding| match key {
            Key::Rid(rid) => encoding.rid.as_deref() == Some(rid),
            Key::Place(place) => encoding.place == Some(place),
            Key::Only => true,
        };
        self.encodings.iter().position(is)
    }

    /// Gives an encoding to a stream that was not known: the one that `key` names, from whatever
    /// stream it had before, or a new one.
    pub(super) fn assign(
        &mut self,
        now: Instant,
        key: Key<'_>,
        ssrc: u32,
        format: usize,
    ) -> Result<usize, DropReason> {
        if let Some(known) = self.encoding(key) {
            let encoding = &mut self.encodings[known];
            if encoding.ssrc != ssrc {
                encoding.restart(now, ssrc);
            }
            return Ok(known);
        }
        if self.encodings.len() >= MAX_ENCODINGS {
            return Err(DropReason::TooManySources);
        }
        let codec = self.formats.get(format).ok_or(DropReason::UnknownPayloadType)?.codec;
        let index = EncodingIndex(self.encodings.len() as u8);
        let (rid, place) = match key {
            Key::Rid(rid) => (Some(Rid::from(rid)), None),
            Key::Place(place) => (None, Some(place)),
            Key::Only => (None, None),
        };
        self.encodings.push(Encoding::new(now, index, rid, place, ssrc, codec));
        Ok(self.encodings.len() - 1)
    }

    /// Takes a packet of media of one encoding, and says to `events` what follows from it.
    pub(super) fn receive(
        &mut self,
        encoding: usize,
        stream: &Stream,
        arrival: Arrival<'_>,
        events: &mut Queue,
    ) {
        let Usage::Media { format, red } = arrival.usage else { return };
        let Some(&Format { codec, pt: plain_pt, .. }) = self.formats.get(format) else { return };
        let announced = arrival.sizes.is_some_and(|sizes| self.announce_sizes(encoding, sizes));
        let Some(encoding) = self.encodings.get_mut(encoding) else { return };

        let frame = arrival.extensions.dependency_descriptor.as_deref();
        let frame = frame.and_then(|bytes| encoding.descriptors.read(bytes));
        let description = Description::parse(codec, arrival.payload, frame);
        let packet = SourcePacket {
            track: self.id,
            ssrc: stream.ssrc,
            encoding: encoding.index,
            sequence: arrival.sequence,
            timestamp: arrival.header.timestamp,
            marker: arrival.header.marker,
            codec,
            red,
            telephone_event: false,
            source_pt: arrival.pt,
            extensions: arrival.extensions,
            payload: arrival.payload.into(),
            arrival: arrival.now,
            captured: arrival.captured,
            to_reported: arrival.to_reported,
            description,
        };
        let size = encoding.meter.size();
        let woke = encoding.meter.receive(&packet) || encoding.codec != codec;
        encoding.codec = codec;
        let mut changed = announced || woke || size != encoding.meter.size();
        if packet.codec.kind() == Kind::Video {
            changed |= encoding.layers.receive(&packet);
        }
        if description.keyframe {
            encoding.keyframes.handle_keyframe();
        }
        let id = self.id;
        if woke {
            events.push_back(Received::Encoding { id, encoding: encoding.info() });
        }
        if changed {
            events.push_back(Received::Changed { id });
        }
        let withheld = self.withheld;
        // What was lost comes before the packet at hand.
        encoding.recover(&packet, plain_pt, stream, |recovered| {
            if !withheld {
                events.push_back(Received::Packet(Arc::new(recovered)));
            }
        });
        if let (Some((level, voice)), Some(levels)) =
            (packet.extensions.audio_level, &mut self.levels)
            && let Some((level, voice)) = levels.receive(arrival.now, level, voice)
        {
            events.push_back(Received::AudioLevel { id, level, voice });
        }
        if !withheld {
            events.push_back(Received::Packet(Arc::new(packet)));
        }
    }

    /// Takes a key of a telephone in between the sound, which shows that the encoding is there.
    pub(super) fn receive_event(
        &mut self,
        encoding: usize,
        packet: SourcePacket,
        events: &mut Queue,
    ) {
        let Some(encoding) = self.encodings.get_mut(encoding) else { return };
        let id = self.id;
        if encoding.meter.receive(&packet) {
            events.push_back(Received::Encoding { id, encoding: encoding.info() });
            events.push_back(Received::Changed { id });
        }
        if !self.withheld {
            events.push_back(Received::Packet(Arc::new(packet)));
        }
    }

    /// Whether receivers get nothing of it: its peer holds it, or the application withholds it.
    pub(super) fn is_held_back(&self) -> bool {
        self.muted || self.withheld
    }

    /// Notes the sizes that a packet of one encoding announces for all. Gives whether one is new.
    fn announce_sizes(&mut self, of: usize, sizes: [Option<(u16, u16)>; 4]) -> bool {
        let mut changed = false;
        for (place, size) in sizes.into_iter().enumerate() {
            let Some(size) = size else { continue };
            let named = |encoding: &Encoding| match (self.rids.get(place), encoding.place) {
                (Some(rid), _) => encoding.rid.as_ref() == Some(rid),
                (None, Some(own)) => usize::from(own) == place,
                (None, None) => self.rids.is_empty() && place == 0,
            };
            let found = match self.rids.is_empty() && self.encodings.len() == 1 {
                true => (place == 0).then_some(of),
                false => self.encodings.iter().position(named),
            };
            if let Some(encoding) = found.and_then(|found| self.encodings.get_mut(found)) {
                changed |= encoding.announced_size != Some(size);
                encoding.announced_size = Some(size);
            }
        }
        changed
    }

    pub(super) fn describe(&self) -> SourceDescription {
        SourceDescription {
            formats: self.formats.clone(),
            encodings: self
                .encodings
                .iter()
                .map(|encoding| encoding.describe(self.is_held_back(), &self.rids))
                .collect(),
            withheld: self.withheld,
            keyframes_on_request: self.keyframes_on_request,
            alternatives: false,
            thinnest: None,
        }
    }

    pub(super) fn stats<'a>(
        &mut self,
        now: Instant,
        mid: &str,
        round_trip: Option<f64>,
        stream: impl Fn(u32) -> Option<&'a Stream>,
    ) -> IncomingTrackStats {
        IncomingTrackStats {
            id: self.id.0,
            kind: self.kind.name(),
            mid: mid.to_owned(),
            encodings: self
                .encodings
                .iter_mut()
                .map(|encoding| {
                    let stream = stream(encoding.ssrc);
                    encoding.stats(now, stream, round_trip)
                })
                .collect(),
        }
    }
}
