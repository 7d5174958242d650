//! What a peer sends on one m-line: its encodings, and packets on their way to the receivers.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use str0m::media::{Mid, Rid, SenderFeedback};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::stats::MediaIngressStats;

use super::extensions;
use super::sdp::RemoteMedia;
use crate::codec::dependency_descriptor::DescriptorReader;
use crate::codec::format::Format;
use crate::codec::{Codec, Description, Kind, Layer};
use crate::control::event::EncodingInfo;
use crate::control::ids::IncomingTrackId;
use crate::control::stats::{EncodingStats, IncomingTrackStats, LayerStats};
use crate::sfu::encoding::Encoding as Meter;
use crate::sfu::source::{SourceDescription, SourceEncoding};
use crate::sfu::transponder::MAX_ENCODINGS;
use crate::sfu::{
    AudioLevelMeter, Demand, EncodingIndex, KeyframeRequests, LayerMeter, RedRecovery, SourcePacket,
};

pub(super) struct Incoming {
    pub(super) id: IncomingTrackId,
    pub(super) mid: Mid,
    pub(super) kind: Kind,
    pub(super) stream: String,
    pub(super) track: String,
    /// The peer's m-line says it does not send.
    pub(super) muted: bool,
    pub(super) formats: Arc<[Format]>,
    /// RIDs the SDP announced, in its order.
    rids: Vec<String>,
    encodings: Vec<Encoding>,
    /// While JavaScript listens.
    pub(super) levels: Option<AudioLevelMeter>,
    /// Which encodings its receivers want.
    pub(super) demand: Demand,
}

pub(super) struct Encoding {
    pub(super) index: EncodingIndex,
    pub(super) rid: Option<Rid>,
    pub(super) ssrc: Ssrc,
    pub(super) keyframes: KeyframeRequests,
    codec: Codec,
    meter: Meter,
    layers: LayerMeter,
    descriptors: DescriptorReader,
    /// First and highest extended sequence number.
    sequences: Option<(u64, u64)>,
    /// RTP time and the moment on our clock it was captured, from the last sender report.
    captured: Option<(u32, Instant)>,
    /// Size the sender announces for it (video layers allocation).
    announced_size: Option<(u16, u16)>,
    report: Option<MediaIngressStats>,
    /// Since the first packet with RED.
    pub(super) red: Option<Box<RedRecovery>>,
}

/// What a packet changed, besides going to the receivers.
#[derive(Default, Debug)]
pub(super) struct Changes {
    /// An encoding appeared, woke up or changed size: receivers choose anew.
    pub(super) description: bool,
    /// An encoding JavaScript has to hear of.
    pub(super) announce: Option<EncodingIndex>,
    /// Packets that were lost and are there after all. They come before the one at hand.
    pub(super) recovered: Vec<SourcePacket>,
}

impl Incoming {
    pub(super) fn new(
        id: IncomingTrackId,
        mid: Mid,
        kind: Kind,
        media: &RemoteMedia,
        formats: Arc<[Format]>,
    ) -> Self {
        Self {
            id,
            mid,
            kind,
            stream: media.stream.clone(),
            track: media.track.clone(),
            muted: false,
            formats,
            rids: media.rids.clone(),
            encodings: Vec::new(),
            levels: None,
            demand: Demand::default(),
        }
    }

    /// Takes a packet of the encoding with this RID. `None`: nothing for receivers.
    pub(super) fn ingest(
        &mut self,
        packet: RtpPacket,
        rid: Option<Rid>,
        changes: &mut Changes,
    ) -> Option<SourcePacket> {
        let pt = *packet.header.payload_type;
        let format = self.formats.iter().find(|f| f.pt == pt || f.red == Some(pt))?;
        let (codec, red, plain_pt) = (format.codec, format.red == Some(pt), format.pt);
        let rids = &self.rids;

        let ssrc = packet.header.ssrc;
        let position = match self.encodings.iter().position(|e| e.rid == rid) {
            Some(position) => position,
            None if self.encodings.len() >= MAX_ENCODINGS => return None,
            None => {
                let index = EncodingIndex(self.encodings.len() as u8);
                self.encodings.push(Encoding::new(packet.timestamp, index, rid, ssrc, codec));
                self.encodings.len() - 1
            }
        };
        if self.encodings[position].ssrc != ssrc {
            // The peer restarted this encoding: its numbers have nothing to do with the old ones.
            let index = self.encodings[position].index;
            self.encodings[position] = Encoding::new(packet.timestamp, index, rid, ssrc, codec);
        }
        if let Some(sizes) = extensions::announced_sizes(&packet.header.ext_vals) {
            for (place, size) in sizes.into_iter().enumerate() {
                let rid = rids.get(place);
                let of_place = self.encodings.iter_mut().find(|e| {
                    if rids.is_empty() { place == 0 } else { e.rid.as_deref() == rid.map(|r| &**r) }
                });
                if let (Some(encoding), Some(size)) = (of_place, size) {
                    changes.description |= encoding.announced_size != Some(size);
                    encoding.announced_size = Some(size);
                }
            }
        }

        let encoding = &mut self.encodings[position];
        let extensions = extensions::from_str0m(&packet.header.ext_vals);
        let frame = extensions.dependency_descriptor.as_deref();
        let frame = frame.and_then(|bytes| encoding.descriptors.read(bytes));
        let description = Description::parse(codec, &packet.payload, frame);
        let size = encoding.meter.size();
        let captured = encoding.captured_at(packet.header.timestamp, packet.timestamp);
        let packet = SourcePacket {
            track: self.id,
            ssrc: *ssrc,
            encoding: encoding.index,
            sequence: *packet.seq_no,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            codec,
            red,
            source_pt: pt,
            extensions,
            payload: packet.payload,
            arrival: packet.timestamp,
            captured,
            description,
        };
        let (first, highest) = encoding.sequences.unwrap_or((packet.sequence, packet.sequence));
        encoding.sequences = Some((first, highest.max(packet.sequence)));
        let woke = encoding.meter.receive(&packet);
        if woke || encoding.codec != codec {
            encoding.codec = codec;
            changes.description = true;
            changes.announce = Some(encoding.index);
        }
        changes.description |= size != encoding.meter.size();
        if packet.codec.kind() == Kind::Video {
            changes.description |= encoding.layers.receive(&packet);
        }
        if description.keyframe {
            encoding.keyframes.handle_keyframe();
        }
        encoding.recover(&packet, plain_pt, &mut changes.recovered);
        Some(packet)
    }

    pub(super) fn encodings(&self) -> impl Iterator<Item = &Encoding> {
        self.encodings.iter()
    }

    pub(super) fn encodings_mut(&mut self) -> impl Iterator<Item = &mut Encoding> {
        self.encodings.iter_mut()
    }

    pub(super) fn encoding_by_ssrc(&mut self, ssrc: Ssrc) -> Option<&mut Encoding> {
        self.encodings.iter_mut().find(|e| e.ssrc == ssrc)
    }

    /// A sender report came: from now on RTP time of the encoding maps to our clock.
    pub(super) fn sender_report(&mut self, feedback: &SenderFeedback, clock: &mut SenderClock) {
        let Some(encoding) = self.encoding_by_ssrc(feedback.sender_info.ssrc) else { return };
        let captured = clock.local(feedback.sender_info.ntp_time, feedback.received_at);
        // Extended by str0m; the low 32 bits are the wire's.
        let timestamp = feedback.sender_info.rtp_time.numer() as u32;
        encoding.captured = captured.map(|at| (timestamp, at));
    }

    pub(super) fn report(&mut self, stats: MediaIngressStats) {
        let rid = stats.rid;
        if let Some(encoding) = self.encodings.iter_mut().rev().find(|e| e.rid == rid) {
            encoding.report = Some(stats);
        }
    }

    pub(super) fn describe(&self) -> SourceDescription {
        let describe = |encoding: &Encoding| SourceEncoding {
            index: encoding.index,
            rid: encoding.rid.map(|rid| rid.to_string()),
            ssrc: *encoding.ssrc,
            codec: encoding.codec,
            active: encoding.active() && !self.muted,
            rank: encoding.rank(&self.rids),
            size: encoding.size(),
            rates: encoding.layers.rates().clone(),
        };
        SourceDescription {
            formats: self.formats.clone(),
            encodings: self.encodings.iter().map(describe).collect(),
            alternatives: false,
            thinnest: None,
        }
    }

    pub(super) fn info(&self, index: EncodingIndex) -> Option<EncodingInfo> {
        self.encodings.iter().find(|e| e.index == index).map(|encoding| EncodingInfo {
            rid: encoding.rid.map(|rid| rid.to_string()),
            ssrc: *encoding.ssrc,
            active: encoding.active(),
            codec: encoding.codec,
        })
    }

    pub(super) fn stats(&mut self, now: Instant) -> IncomingTrackStats {
        IncomingTrackStats {
            id: self.id.0,
            kind: self.kind.name(),
            mid: self.mid.to_string(),
            encodings: self.encodings.iter_mut().map(|e| e.stats(now)).collect(),
        }
    }
}

impl Encoding {
    fn new(now: Instant, index: EncodingIndex, rid: Option<Rid>, ssrc: Ssrc, codec: Codec) -> Self {
        Self {
            index,
            rid,
            ssrc,
            keyframes: KeyframeRequests::default(),
            codec,
            meter: Meter::new(now),
            layers: LayerMeter::new(now),
            descriptors: DescriptorReader::default(),
            sequences: None,
            captured: None,
            announced_size: None,
            report: None,
            red: None,
        }
    }

    pub(super) fn active(&self) -> bool {
        self.meter.active()
    }

    /// The highest sequence number that came.
    pub(super) fn newest(&self) -> Option<u16> {
        self.sequences.map(|(_, highest)| highest as u16)
    }

    /// Whether packets stopped coming since it was asked last.
    pub(super) fn fell_silent(&mut self, now: Instant) -> bool {
        self.meter.poll_inactive(now)
    }

    pub(super) fn silent_at(&self) -> Option<Instant> {
        self.meter.inactive_at()
    }

    /// Packets that never came, neither by themselves nor repaired.
    fn lost(&self) -> u64 {
        let expected = self.sequences.map_or(0, |(first, highest)| highest - first + 1);
        expected.saturating_sub(self.meter.packets())
    }

    fn size(&self) -> Option<(u16, u16)> {
        self.meter.size().or(self.announced_size)
    }

    fn rank(&self, rids: &[String]) -> u32 {
        if let Some((width, height)) = self.size() {
            return u32::from(width) * u32::from(height);
        }
        let rid = self.rid.as_deref();
        rids.iter().position(|r| Some(&**r) == rid).map_or(0, |place| place as u32 + 1)
    }

    /// When a packet's media was captured, on our clock; its arrival while no report tells.
    pub(super) fn captured_at(&self, timestamp: u32, arrival: Instant) -> Instant {
        let Some((reference, at)) = self.captured else { return arrival };
        let ticks = timestamp.wrapping_sub(reference) as i32;
        let distance = Duration::from_secs_f64(
            f64::from(ticks.unsigned_abs()) / f64::from(self.codec.clock_rate()),
        );
        let captured = if ticks >= 0 { at.checked_add(distance) } else { at.checked_sub(distance) };
        captured.unwrap_or(arrival)
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

    fn stats(&mut self, now: Instant) -> EncodingStats {
        let report = self.report.as_ref();
        let size = self.size();
        let video = self.codec.kind() == Kind::Video;
        EncodingStats {
            rid: self.rid.map(|rid| rid.to_string()),
            ssrc: *self.ssrc,
            codec: self.codec.name(),
            active: self.active(),
            packets_received: self.meter.packets(),
            bytes_received: self.meter.bytes(),
            bitrate: self.meter.bitrate(now),
            packets_lost: self.lost(),
            fraction_lost: report.and_then(|r| r.loss).map(f64::from),
            jitter: report
                .map_or(0.0, |r| f64::from(r.jitter) / f64::from(self.codec.clock_rate())),
            nack_count: report.map_or(0, |r| r.nacks),
            pli_count: report.map_or(0, |r| r.plis),
            fir_count: report.map_or(0, |r| r.firs),
            frames_received: video.then(|| self.meter.frames()),
            frames_per_second: video.then(|| self.meter.frames_per_second(now) as f64),
            key_frames_received: video.then(|| self.meter.keyframes()),
            frame_width: size.map(|(width, _)| width),
            frame_height: size.map(|(_, height)| height),
            round_trip_time: report.and_then(|r| r.rtt).map(|rtt| rtt.as_secs_f64()),
            layers: self.layer_stats(),
        }
    }
}

/// The offset between a peer's NTP clock and ours. One for all its streams, so that sound and
/// picture stay in step however their packets travel (RFC 3550 6.4.1).
#[derive(Default)]
pub(super) struct SenderClock {
    /// The pair of moments everything is measured from.
    origin: Option<(SystemTime, Instant)>,
    /// Smallest seen excess of travel time over the origin's, in microseconds.
    offset: i64,
}

/// A report that disagrees by more than this is a peer whose clock was set: start over.
const CLOCK_JUMP: i64 = 2_000_000;

impl SenderClock {
    /// Our time of the peer's `ntp`, from a report that came at `received`.
    fn local(&mut self, ntp: SystemTime, received: Instant) -> Option<Instant> {
        let (ntp_origin, local_origin) = *self.origin.get_or_insert((ntp, received));
        let peer = micros_between(ntp_origin, ntp);
        let local = received.saturating_duration_since(local_origin).as_micros() as i64;
        let excess = local.checked_sub(peer)?;
        if (excess - self.offset).abs() > CLOCK_JUMP {
            self.origin = Some((ntp, received));
            self.offset = 0;
            return Some(received);
        }
        // The quickest report is the one that waited least; clocks drift, so creep up slowly.
        self.offset =
            if excess < self.offset { excess } else { self.offset + (excess - self.offset) / 64 };
        let micros = peer.checked_add(self.offset)?;
        let distance = Duration::from_micros(micros.unsigned_abs());
        if micros >= 0 {
            local_origin.checked_add(distance)
        } else {
            local_origin.checked_sub(distance)
        }
    }
}

fn micros_between(from: SystemTime, to: SystemTime) -> i64 {
    let since_epoch =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
    since_epoch(to).saturating_sub(since_epoch(from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_senders_clock_maps_to_ours_whatever_it_shows() {
        let mut clock = SenderClock::default();
        let start = Instant::now();
        let peer = UNIX_EPOCH + Duration::from_secs(77);
        assert_eq!(clock.local(peer, start), Some(start));
        // Five seconds later a report travels 30 ms longer: the media is not that much later.
        let late = clock.local(
            peer + Duration::from_secs(5),
            start + Duration::from_secs(5) + Duration::from_millis(30),
        );
        let error = late.unwrap().saturating_duration_since(start + Duration::from_secs(5));
        assert!(error < Duration::from_millis(1), "{error:?}");
    }

    #[test]
    fn a_clock_that_was_set_starts_over() {
        let mut clock = SenderClock::default();
        let start = Instant::now();
        let peer = UNIX_EPOCH + Duration::from_secs(77);
        clock.local(peer, start);
        let later = start + Duration::from_secs(1);
        assert_eq!(clock.local(peer + Duration::from_secs(3600), later), Some(later));
    }
}
