//! A track that is made here, as the shards see it: a track like any other, of which receivers take
//! one codec.

use std::sync::Arc;
use std::time::Instant;

use crate::codec::format::{Format, Parameters};
use crate::codec::packet::MadePacket;
use crate::codec::{Codec, Description};
use crate::control::ids::SourceId;
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::{
    AudioLevelMeter, EncodingIndex, EncodingSet, Extensions, LayerMeter, SourcePacket,
};

/// Profile that H.264 is offered with: constrained baseline, which every decoder takes.
const H264_BASELINE: u32 = 0x42;
/// First dynamic payload type (RFC 3551 6). Only what is shared by one codec has to differ.
const FIRST_PT: u8 = 96;

/// One way in which a track is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class {
    /// The codec it is encoded with.
    pub codec: Codec,
    /// Which of the sizes, 0 is the full one.
    pub rung: u8,
    /// Width and height, of pictures.
    pub size: Option<(u16, u16)>,
    /// Bit/s that it is going to have.
    pub bitrate: u32,
    /// Frames a second, of pictures.
    pub frame_rate: u8,
}

/// A track whose packets are made here, by a mixer or by whatever plays or takes in media by other
/// ways. Its description is for the shard it lives on.
pub struct Made {
    id: SourceId,
    encodings: Vec<Encoding>,
    description: Arc<SourceDescription>,
    wanted: EncodingSet,
    /// While JavaScript listens.
    pub levels: Option<AudioLevelMeter>,
    /// Clockwise turns by 90 degrees that its pictures need.
    pub rotation: u8,
}

struct Encoding {
    class: Class,
    ssrc: u32,
    /// Of pictures.
    meter: Option<Box<LayerMeter>>,
}

impl Made {
    /// `classes` in the order in which their codecs are to be chosen. Nobody wants anything of it yet.
    pub fn new(now: Instant, id: SourceId, classes: &[Class]) -> Self {
        Self::with(now, id, classes, None)
    }

    /// A track of one class. Pictures that were made elsewhere have `parameters` of their codec: they
    /// are as they are, whatever receivers ask for.
    pub fn of(now: Instant, id: SourceId, class: Class, parameters: Option<Parameters>) -> Self {
        Self::with(now, id, &[class], parameters)
    }

    fn with(now: Instant, id: SourceId, classes: &[Class], parameters: Option<Parameters>) -> Self {
        let encodings: Vec<Encoding> = classes
            .iter()
            .enumerate()
            .map(|(index, class)| {
                let meter = class.size.map(|size| {
                    let mut meter = LayerMeter::new(now);
                    meter.expect(class.bitrate, class.frame_rate.into(), size);
                    Box::new(meter)
                });
                // Ids never come twice, and a track has few encodings.
                let ssrc = (id.0 as u32).wrapping_mul(0x9e37_79b1).wrapping_add(index as u32 + 1);
                Encoding { class: *class, ssrc, meter }
            })
            .collect();
        let description = Arc::new(describe(&encodings, parameters));
        let wanted = EncodingSet::NONE;
        Self { id, encodings, description, wanted, levels: None, rotation: 0 }
    }

    /// Nobody can have whoever makes it make a keyframe: those who begin get all that came since the
    /// last one. To be said before its description is told.
    pub fn without_keyframes_on_request(mut self) -> Self {
        let description = Arc::make_mut(&mut self.description);
        description.keyframes_on_request = false;
        // Nor make it smaller.
        description.thinnest = None;
        self
    }

    /// Its name.
    pub fn id(&self) -> SourceId {
        self.id
    }

    /// What the shard it lives on is told of it.
    pub fn description(&self) -> Arc<SourceDescription> {
        Arc::clone(&self.description)
    }

    /// What its receivers take from now on.
    pub fn set_wanted(&mut self, wanted: EncodingSet) {
        self.wanted = wanted;
    }

    /// What somebody takes.
    pub fn wanted(&self) -> impl Iterator<Item = (EncodingIndex, Class)> {
        let wanted = self.wanted;
        self.classes().filter(move |(index, _)| wanted.contains(*index))
    }

    /// Whether anybody takes anything of it.
    pub fn is_wanted(&self) -> bool {
        self.wanted().next().is_some()
    }

    /// All ways in which it is offered.
    pub fn classes(&self) -> impl Iterator<Item = (EncodingIndex, Class)> {
        let indexed = self.encodings.iter().enumerate();
        indexed.map(|(index, encoding)| (EncodingIndex(index as u8), encoding.class))
    }

    /// The way in which it is offered in this codec.
    pub fn find(&self, codec: Codec) -> Option<EncodingIndex> {
        self.classes().find(|(_, class)| class.codec == codec).map(|(index, _)| index)
    }

    /// Bit/s that the thinnest link of all who take it has for its smallest size, if that is less
    /// than it needs; of the time since the last call.
    pub fn thinnest_link(&self) -> Option<u32> {
        self.description.thinnest.as_ref()?.take()
    }

    /// A packet of an encoding, as shards forward it.
    pub fn packet(
        &mut self,
        now: Instant,
        index: EncodingIndex,
        packet: MadePacket,
    ) -> Option<Arc<SourcePacket>> {
        let encoding = self.encodings.get_mut(usize::from(index.0))?;
        let extensions = Extensions {
            audio_level: packet.audio_level,
            video_orientation: (self.rotation != 0).then_some(self.rotation),
            ..Extensions::default()
        };
        let packet = SourcePacket {
            track: self.id,
            encoding: index,
            ssrc: encoding.ssrc,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            codec: packet.codec,
            red: false,
            telephone_event: false,
            source_pt: payload_type(packet.codec),
            description: Description::parse(packet.codec, &packet.payload, None),
            payload: packet.payload,
            arrival: now,
            captured: packet.captured,
            // It is the engine's own clock.
            to_reported: Some(0),
            extensions,
        };
        if let Some(meter) = &mut encoding.meter {
            meter.receive(&packet);
        }
        Some(Arc::new(packet))
    }
}

fn describe(encodings: &[Encoding], parameters: Option<Parameters>) -> SourceDescription {
    let mut formats: Vec<Format> = Vec::new();
    for Encoding { class: Class { codec, .. }, .. } in encodings {
        if formats.iter().all(|format| format.codec != *codec) {
            let parameters = parameters.unwrap_or(match codec {
                Codec::H264 => Parameters { profile: H264_BASELINE, packetization_mode: 1 },
                _ => Parameters::default(),
            });
            let pt = payload_type(*codec);
            formats.push(Format {
                codec: *codec,
                pt,
                red: None,
                rtx: None,
                events: None,
                parameters,
            });
        }
    }
    let several = encodings.iter().any(|encoding| encoding.class.rung > 0);
    let encodings = encodings.iter().enumerate().map(|(index, encoding)| SourceEncoding {
        index: EncodingIndex(index as u8),
        rid: several.then(|| rid(encoding.class.rung).to_owned()),
        ssrc: encoding.ssrc,
        codec: encoding.class.codec,
        active: true,
        rank: encoding.class.size.map_or(1, |(w, h)| u32::from(w) * u32::from(h)),
        size: encoding.class.size,
        rates: encoding.meter.as_ref().map(|meter| Arc::clone(meter.rates())).unwrap_or_default(),
    });
    SourceDescription {
        formats: formats.into(),
        encodings: encodings.collect(),
        alternatives: true,
        withheld: false,
        keyframes_on_request: parameters.is_none(),
        thinnest: parameters.is_none().then(Arc::default),
    }
}

/// As browsers name the sizes of a simulcast: full, half, quarter.
pub fn rid(rung: u8) -> &'static str {
    match rung {
        0 => "f",
        1 => "h",
        _ => "q",
    }
}

fn payload_type(codec: Codec) -> u8 {
    let place = Codec::ALL.iter().position(|known| *known == codec).unwrap_or_default();
    FIRST_PT + place as u8
}
