//! A track that feeds a place of its taker: which of its encodings and layers is taken, as one continuous stream.

use std::sync::Arc;
use std::time::Instant;

use super::doze::Doze;
use crate::codec::packet::TakenPacket;
use crate::codec::{Kind, Layer};
use crate::control::ids::SourceId;
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::transponder::Transponder;
use crate::sfu::{EncodingIndex, EncodingSet, EncodingState, SourcePacket};

/// One place of a taker, called `K`, and the track that feeds it.
pub struct Input<K> {
    /// The place.
    pub place: K,
    /// Sound or pictures.
    pub kind: Kind,
    /// What feeds it.
    pub track: SourceId,
    description: Option<Arc<SourceDescription>>,
    transponder: Transponder,
    /// Pixels of the place it is shown in.
    size: Option<(u16, u16)>,
    /// Anything of it is needed.
    needed: bool,
    /// Of sound.
    pub doze: Doze,
}

impl<K: Copy> Input<K> {
    /// An input that is not needed yet.
    pub fn new(place: K, kind: Kind, track: SourceId) -> Self {
        let transponder = Transponder::new(kind);
        let doze = Doze::default();
        Self { place, kind, track, description: None, transponder, size: None, needed: false, doze }
    }

    /// What the track is now. Says whether it began anew, so that nothing before it counts.
    pub fn describe(&mut self, description: Arc<SourceDescription>) -> bool {
        let states: Vec<EncodingState> = usable(&description)
            .map(|e| EncodingState { index: e.index, active: e.active, rank: e.rank })
            .collect();
        self.transponder.set_encodings(&states);
        let mut anew = false;
        for encoding in &description.encodings {
            let old = self.description.as_ref().and_then(|old| old.encoding(encoding.index));
            if old.is_some_and(|old| old.ssrc != encoding.ssrc) {
                anew |= self.transponder.current() == Some(encoding.index);
                self.transponder.restart(encoding.index);
            }
        }
        self.description = Some(description);
        self.choose();
        anew
    }

    /// Sound has to be heard, a picture to be shown in so many pixels; `None`: not needed.
    pub fn need(&mut self, size: Option<(u16, u16)>) {
        (self.size, self.needed) = (size, size.is_some());
        self.transponder.set_paused(!self.needed);
        self.choose();
    }

    /// Whether anything of it is needed.
    pub fn needed(&self) -> bool {
        self.needed
    }

    /// The encodings that have to come.
    pub fn wanted(&self) -> EncodingSet {
        if !self.needed {
            return EncodingSet::NONE;
        }
        let Some(description) = &self.description else { return EncodingSet::ALL };
        if self.kind == Kind::Audio {
            return usable(description).fold(EncodingSet::NONE, |set, e| set.with(e.index));
        }
        let taken = [self.transponder.target(), self.transponder.current(), self.fitting()];
        taken.into_iter().flatten().fold(EncodingSet::NONE, EncodingSet::with)
    }

    /// The encoding to ask for a keyframe now.
    pub fn wants_keyframe(&mut self, now: Instant) -> Option<EncodingIndex> {
        self.transponder.wants_keyframe(now)
    }

    /// The encoding that is decoded.
    pub fn current(&self) -> Option<EncodingIndex> {
        self.transponder.current()
    }

    /// A packet of the track, if it is one of the stream that is taken.
    pub fn receive(&mut self, packet: &SourcePacket) -> Option<TakenPacket> {
        if self.doze.skips(packet) {
            return None;
        }
        if packet.telephone_event {
            self.transponder.omit(packet);
            return None;
        }
        let forward = match self.transponder.forward(packet) {
            Some(forward) => forward,
            None => self.transponder.start_late(packet)?,
        };
        if forward.empty {
            return None;
        }
        Some(TakenPacket {
            sequence: forward.sequence,
            timestamp: forward.timestamp,
            marker: forward.marker,
            codec: packet.codec,
            red: packet.red,
            payload: Arc::clone(&packet.payload),
            arrival: packet.arrival,
            captured: packet.captured,
            audio_level: packet.extensions.audio_level.map(|(level, _)| level),
            // CVO: the two low bits are quarter turns clockwise.
            rotation: packet.extensions.video_orientation.unwrap_or(0) & 3,
        })
    }

    /// Takes the smallest that fills the place.
    fn choose(&mut self) {
        if self.kind == Kind::Audio {
            return;
        }
        let Some(encoding) = self.fitting() else { return };
        let layer = self.layer_of(encoding);
        self.transponder.select(Some(encoding), layer);
    }

    fn fitting(&self) -> Option<EncodingIndex> {
        let (description, size) = (self.description.as_ref()?, self.size?);
        let known = || usable(description).filter_map(|e| Some((e, size_of(e)?)));
        let enough = known().filter(|(_, own)| fills(*own, size));
        let smallest = enough.min_by_key(|(_, own)| pixels(*own));
        // Of those that are too small the largest, and it has to come.
        let best = smallest.or_else(|| known().max_by_key(|(_, own)| pixels(*own)));
        best.map(|(encoding, _)| encoding.index)
    }

    /// The lowest spatial layer that fills the place.
    fn layer_of(&self, encoding: EncodingIndex) -> Layer {
        let description = self.description.as_ref();
        let (Some(encoding), Some(size)) =
            (description.and_then(|d| d.encoding(encoding)), self.size)
        else {
            return Layer::HIGHEST;
        };
        let enough = |spatial: &u8| encoding.rates.size(*spatial).is_some_and(|s| fills(s, size));
        let spatial = (0..Layer::HIGHEST.spatial).find(enough).unwrap_or(Layer::HIGHEST.spatial);
        Layer::new(spatial, Layer::HIGHEST.temporal)
    }
}

/// The encodings that can be taken; of alternatives, those of the codec that comes first.
fn usable(description: &SourceDescription) -> impl Iterator<Item = &SourceEncoding> {
    let first = description.formats.first().map(|format| format.codec);
    let all = !description.alternatives;
    description.encodings.iter().filter(move |e| all || Some(e.codec) == first)
}

fn size_of(encoding: &SourceEncoding) -> Option<(u16, u16)> {
    encoding.size.or_else(|| {
        let highest = encoding.rates.highest()?;
        encoding.rates.size(highest.spatial)
    })
}

fn fills(own: (u16, u16), place: (u16, u16)) -> bool {
    // A tile that is some lines larger than the picture needs no picture of twice the size.
    let enough = |own: u16, place: u16| u32::from(own) * 8 >= u32::from(place) * 7;
    enough(own.0, place.0) && enough(own.1, place.1)
}

fn pixels((width, height): (u16, u16)) -> u32 {
    u32::from(width) * u32::from(height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Codec;
    use crate::codec::format::{Format, Parameters};

    fn simulcast(active: [bool; 3]) -> Arc<SourceDescription> {
        let codec = Codec::Vp8;
        let encoding = |index: u8| SourceEncoding {
            index: EncodingIndex(index),
            rid: None,
            ssrc: index.into(),
            codec,
            active: active[usize::from(index)],
            rank: index.into(),
            size: Some((320 << index, 180 << index)),
            rates: Arc::default(),
        };
        let parameters = Parameters::default();
        Arc::new(SourceDescription {
            formats: [Format { codec, pt: 96, red: None, rtx: None, events: None, parameters }]
                .into(),
            encodings: (0..3).map(encoding).collect(),
            alternatives: false,
            withheld: false,
            keyframes_on_request: true,
            thinnest: None,
        })
    }

    fn set(encodings: &[u8]) -> EncodingSet {
        encodings.iter().fold(EncodingSet::NONE, |set, index| set.with(EncodingIndex(*index)))
    }

    #[test]
    fn the_smallest_encoding_that_fills_the_tile_is_taken() {
        let mut input = Input::new(1, Kind::Video, SourceId(64));
        input.describe(simulcast([true; 3]));
        assert_eq!(input.wanted(), EncodingSet::NONE, "nobody sees it");
        for (tile, encoding) in
            [((320, 180), 0), ((350, 196), 0), ((640, 360), 1), ((1280, 720), 2), ((1920, 1080), 2)]
        {
            input.need(Some(tile));
            assert_eq!(input.wanted(), set(&[encoding]), "{tile:?}");
        }
        input.need(None);
        assert_eq!(input.wanted(), EncodingSet::NONE);
    }

    #[test]
    fn one_that_its_sender_switched_off_is_asked_for_while_another_goes_on() {
        let mut input = Input::new(1, Kind::Video, SourceId(64));
        input.describe(simulcast([true, false, false]));
        input.need(Some((640, 360)));
        assert_eq!(input.wanted(), set(&[0, 1]), "the small one until the other comes");
        input.describe(simulcast([true, true, false]));
        assert_eq!(input.wanted(), set(&[1]));
    }
}
