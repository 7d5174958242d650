//! One encoding of a track: what its packets say, what it costs, and what is asked of its sender.

use std::time::Instant;

use super::stream::Stream;
use crate::codec::dependency_descriptor::DescriptorReader;
use crate::codec::names::Rid;
use crate::codec::{Codec, Description, Kind, Layer};
use crate::control::event::EncodingInfo;
use crate::control::stats::{EncodingStats, LayerStats};
use crate::sfu::encoding::Encoding as Meter;
use crate::sfu::source::SourceEncoding;
use crate::sfu::{
    EncodingIndex, Extensions, KeyframeRequests, LayerMeter, RedRecovery, SourcePacket,
};

#[derive(Debug)]
pub(super) struct Encoding {
    pub(super) index: EncodingIndex,
    pub(super) rid: Option<Rid>,
    /// In `a=ssrc-group:SIM`.
    pub(super) place: Option<u8>,
    /// The SSRC it has now.
    pub(super) ssrc: u32,
    pub(super) codec: Codec,
    pub(super) keyframes: KeyframeRequests,
    pub(super) descriptors: DescriptorReader,
    /// Size the sender announces for it (video layers allocation).
    pub(super) announced_size: Option<(u16, u16)>,
    /// Requests for keyframes that were sent, by PLI and by FIR.
    pub(super) plis: u64,
    pub(super) firs: u64,
    pub(super) meter: Meter,
    pub(super) layers: LayerMeter,
    /// Since the first packet with RED.
    red: Option<Box<RedRecovery>>,
}

impl Encoding {
    pub(super) fn new(
        now: Instant,
        index: EncodingIndex,
        rid: Option<Rid>,
        place: Option<u8>,
        ssrc: u32,
        codec: Codec,
    ) -> Self {
        Self {
            index,
            rid,
            place,
            ssrc,
            codec,
            keyframes: KeyframeRequests::default(),
            descriptors: DescriptorReader::default(),
            announced_size: None,
            plis: 0,
            firs: 0,
            meter: Meter::new(now),
            layers: LayerMeter::new(now),
            red: None,
        }
    }

    /// Another SSRC is this encoding from now on: its numbers have nothing to do with the old ones.
    pub(super) fn restart(&mut self, now: Instant, ssrc: u32) {
        let (rid, place) = (self.rid.take(), self.place);
        *self = Self::new(now, self.index, rid, place, ssrc, self.codec);
    }

    pub(super) fn active(&self) -> bool {
        self.meter.active()
    }

    fn size(&self) -> Option<(u16, u16)> {
        self.meter.size().or(self.announced_size)
    }

    fn rank(&self, rids: &[Rid]) -> u32 {
        if let Some((width, height)) = self.size() {
            return u32::from(width) * u32::from(height);
        }
        let announced = self.rid.as_ref().and_then(|rid| rids.iter().position(|r| r == rid));
        let place = announced.map(|place| place as u32).or(self.place.map(u32::from));
        place.map_or(0, |place| place + 1)
    }

    pub(super) fn describe(&self, silent: bool, rids: &[Rid]) -> SourceEncoding {
        SourceEncoding {
            index: self.index,
            rid: self.rid.as_ref().map(Rid::to_string),
            ssrc: self.ssrc,
            codec: self.codec,
            active: self.active() && !silent,
            rank: self.rank(rids),
            size: self.size(),
            rates: self.layers.rates().clone(),
        }
    }

    pub(super) fn info(&self) -> EncodingInfo {
        EncodingInfo {
            index: self.index.0,
            rid: self.rid.as_ref().map(Rid::to_string),
            ssrc: self.ssrc,
            active: self.active(),
            codec: self.codec,
        }
    }

    /// Adds to `recovered` what a packet repeats of lost ones (RFC 2198). `pt` is the payload type
    /// that the sender has for what is inside RED. `stream` is the encoding's.
    pub(super) fn recover(
        &mut self,
        packet: &SourcePacket,
        pt: u8,
        stream: &Stream,
        mut recovered: impl FnMut(SourcePacket),
    ) {
        if packet.red {
            self.red.get_or_insert_default();
        }
        let Some(red) = &mut self.red else { return };
        red.receive(packet.sequence, packet.timestamp);
        if !packet.red {
            return;
        }
        let again = |sequence, timestamp, payload: &[u8]| {
            let captured = stream.time_line.map_or(packet.captured, |line| line.at(timestamp));
            recovered(SourcePacket {
                sequence,
                timestamp,
                // At the start of a talk spurt (RFC 3551 4.1), which nobody can tell now.
                marker: false,
                red: false,
                source_pt: pt,
                payload: payload.into(),
                captured,
                description: Description::parse(packet.codec, payload, None),
                // The level of another packet's sound is not that of this one.
                extensions: Extensions::default(),
                ..packet.clone()
            });
        };
        red.recover(packet.sequence, packet.timestamp, pt, &packet.payload, again);
    }

    fn layer_stats(&self) -> Vec<LayerStats> {
        let rates = self.layers.rates();
        let stats = |layer: Layer| {
            let (bitrate, frames_per_second) = rates.cumulative(layer)?;
            let size = rates.size(layer.spatial);
            Some(LayerStats {
                spatial: layer.spatial,
                temporal: layer.temporal,
                bitrate,
                frames_per_second: f64::from(frames_per_second),
                frame_width: size.map(|(width, _)| width),
                frame_height: size.map(|(_, height)| height),
            })
        };
        Layer::all().filter_map(stats).collect()
    }

    /// `stream` is the encoding's, as long as it is known.
    pub(super) fn stats(
        &mut self,
        now: Instant,
        stream: Option<&Stream>,
        round_trip: Option<f64>,
    ) -> EncodingStats {
        let size = self.size();
        let video = self.codec.kind() == Kind::Video;
        let expected = stream.map_or(0, Stream::expected);
        let jitter = stream.map_or(0, Stream::jitter);
        EncodingStats {
            rid: self.rid.as_ref().map(Rid::to_string),
            ssrc: self.ssrc,
            codec: self.codec.name(),
            active: self.active(),
            packets_received: self.meter.packets(),
            bytes_received: self.meter.bytes(),
            bitrate: self.meter.bitrate(now),
            packets_lost: expected.saturating_sub(self.meter.packets()),
            fraction_lost: stream.and_then(Stream::fraction_lost),
            jitter: f64::from(jitter) / f64::from(self.codec.clock_rate()),
            nack_count: stream.map_or(0, |stream| stream.nacks),
            pli_count: self.plis,
            fir_count: self.firs,
            frames_received: video.then(|| self.meter.frames()),
            frames_per_second: video.then(|| self.meter.frames_per_second(now) as f64),
            key_frames_received: video.then(|| self.meter.keyframes()),
            frame_width: size.map(|(width, _)| width),
            frame_height: size.map(|(_, height)| height),
            round_trip_time: round_trip,
            layers: self.layer_stats(),
        }
    }
}
