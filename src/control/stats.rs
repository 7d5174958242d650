//! One snapshot of the whole tree, gathered from all shards, mixers and
//! recorders. Names follow W3C
//! webrtc-stats.

use serde::Serialize;

use super::flow::Flow;
use crate::queue::counters::ThreadCounters;

/// What the request wants to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Endpoint,
    Transport,
    Mixer,
}

/// What one shard, one mixer or one recorder knows; nothing, if it is gone.
#[derive(Default, Debug)]
pub struct Share {
    pub thread: Option<ThreadStats>,
    pub transports: Vec<TransportStats>,
    pub mixer: Option<MixerStats>,
    pub recorder: Option<RecorderStats>,
}

/// Everything of an endpoint at one moment.
#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct EndpointStats {
    /// Milliseconds since 1970.
    pub timestamp: u64,
    pub threads: Vec<ThreadStats>,
    pub transports: Vec<TransportStats>,
    pub mixers: Vec<MixerStats>,
    pub recorders: Vec<RecorderStats>,
}

/// One media thread.
#[derive(Serialize, Default, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ThreadStats {
    pub thread: u8,
    pub transports: usize,
    /// The share of its time in which it works, 0 to 1.
    pub load: f32,
    /// Takes no new transports.
    pub overloaded: bool,
    /// How much of its best bitrate a video track is sent at most, 0 to 1.
    pub layer_share: f64,
    pub transports_over_budget: usize,
    pub packets_over_budget: u64,
    pub packets_received: u64,
    pub packets_sent: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// Datagrams that belonged to no peer.
    pub packets_unmatched: u64,
    pub packets_discarded_on_send: u64,
    pub packets_discarded_between_threads: u64,
    pub receive_calls: u64,
    pub send_calls: u64,
    /// System calls that asked which sockets can be read.
    pub wait_calls: u64,
    pub wakeups: u64,
    /// Counted with the feature `allocation-counter` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocations: Option<u64>,
    pub panics: u64,
}

impl ThreadStats {
    /// Takes over what the thread's sockets and rings counted.
    pub fn take_counts(&mut self, counters: &ThreadCounters) {
        self.packets_received = counters.packets_received.get();
        self.bytes_received = counters.bytes_received.get();
        self.packets_sent = counters.packets_sent.get();
        self.bytes_sent = counters.bytes_sent.get();
        self.packets_discarded_on_send = counters.discarded_on_send.get();
        self.packets_discarded_between_threads = counters.discarded_between_threads.get();
        self.receive_calls = counters.receive_calls.get();
        self.send_calls = counters.send_calls.get();
        self.wait_calls = counters.wait_calls.get();
        self.wakeups = counters.wakeups.get();
        #[cfg(feature = "allocation-counter")]
        {
            self.allocations = Some(counters.allocations.get());
        }
    }
}

/// The pair of addresses that a transport uses (RTCIceCandidatePairStats).
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct CandidatePairStats {
    pub protocol: &'static str,
    pub local_address: String,
    pub remote_address: String,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_round_trip_time: Option<f64>,
    /// Seconds, of all responses together.
    pub total_round_trip_time: f64,
    pub responses_received: u64,
}

impl CandidatePairStats {
    /// The pair's addresses, nothing measured yet.
    pub fn of(flow: &Flow) -> Self {
        Self {
            protocol: flow.protocol.name(),
            local_address: flow.local.to_string(),
            remote_address: flow.remote.to_string(),
            current_round_trip_time: None,
            total_round_trip_time: 0.0,
            responses_received: 0,
        }
    }
}

/// Packets that a peer sent and nobody got, by the reason.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[serde(rename_all = "camelCase")]
pub struct DroppedPackets {
    /// No RTP.
    pub malformed: u64,
    /// Not sent by the peer, or before there were keys.
    pub unauthenticated: u64,
    /// There before.
    pub replayed: u64,
    /// Of a payload type that its m-line does not have.
    pub unknown_payload_type: u64,
    /// Of no m-line, or not of exactly one.
    pub no_line: u64,
    /// Of an SSRC that is one too many.
    pub too_many_sources: u64,
    /// Of an SSRC whose place another one took.
    pub superseded: u64,
    /// Of a track that was closed on this side.
    pub refused: u64,
    /// Above what the peer may send.
    pub too_much: u64,
}

/// One transport and what is below it.
#[derive(Serialize, Default, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct TransportStats {
    pub id: u64,
    pub thread: u8,
    pub state: &'static str,
    pub ice_lite: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtls_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srtp_cipher: Option<String>,
    /// Of plain RTP: one for each stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtp_ports: Option<Vec<RtpPortStats>>,
    /// Of plain RTP: datagrams from elsewhere, not authentic, or nothing at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets_refused: Option<u64>,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub packets_received: u64,
    pub packets_sent: u64,
    /// What the link to the peer carries, bit/s, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_outgoing_bitrate: Option<u64>,
    /// What the chosen layers and the sound need, bit/s.
    pub target_bitrate: u64,
    /// What the next better layers would need, bit/s, when there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_bitrate: Option<u64>,
    /// Sent only to find out how much the link carries.
    pub probe_packets_sent: u64,
    pub probe_bytes_sent: u64,
    /// By the peer's transport-wide feedback.
    pub packets_acknowledged: u64,
    pub bytes_acknowledged: u64,
    pub packets_unacknowledged: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected_candidate_pair: Option<CandidatePairStats>,
    /// How often another pair came to be sent to, the first one included.
    pub selected_candidate_pair_changes: u64,
    pub packets_dropped: DroppedPackets,
    pub incoming_tracks: Vec<IncomingTrackStats>,
    pub outgoing_tracks: Vec<OutgoingTrackStats>,
    pub data_channels: Vec<DataChannelStats>,
}

/// Where one stream of plain RTP comes from and goes to. Addresses with their ports.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct RtpPortStats {
    pub mid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    pub local: String,
    pub local_rtcp: String,
    /// Where packets come from, once some came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_rtcp: Option<String>,
    /// SRTP.
    pub secure: bool,
}

/// What a peer sends on one m-line.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct IncomingTrackStats {
    pub id: u64,
    pub kind: &'static str,
    pub mid: String,
    pub encodings: Vec<EncodingStats>,
}

/// One encoding of a track (RTCInboundRtpStreamStats).
#[derive(Serialize, Default, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct EncodingStats {
    pub rid: Option<String>,
    pub ssrc: u32,
    pub codec: &'static str,
    pub active: bool,
    pub packets_received: u64,
    pub bytes_received: u64,
    /// Bit/s.
    pub bitrate: u64,
    /// Packets that never came, retransmissions counted as come.
    pub packets_lost: u64,
    /// 0 to 1, since the last report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction_lost: Option<f64>,
    /// Seconds.
    pub jitter: f64,
    pub nack_count: u64,
    pub pli_count: u64,
    pub fir_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_frames_received: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_width: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_height: Option<u16>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_time: Option<f64>,
    /// Of video that tells them apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerStats>,
}

/// One layer of an encoding.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct LayerStats {
    pub spatial: u8,
    pub temporal: u8,
    /// With those below that it needs, headers included.
    pub bitrate: u64,
    pub frames_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_width: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_height: Option<u16>,
}

/// What a peer is sent on one m-line (RTCOutboundRtpStreamStats).
#[derive(Serialize, Default, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct OutgoingTrackStats {
    pub id: u64,
    pub kind: &'static str,
    pub mid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx_ssrc: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// The layers that are forwarded of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial_layer: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal_layer: Option<u8>,
    /// Why, for video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<u64>,
    pub muted: bool,
    pub packets_sent: u64,
    pub bytes_sent: u64,
    /// Bit/s.
    pub bitrate: u64,
    pub nack_count: u64,
    pub pli_count: u64,
    pub fir_count: u64,
    pub retransmitted_packets_sent: u64,
    pub retransmitted_bytes_sent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_sent: Option<u64>,
    /// As the receiver reports, with the fields below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets_lost: Option<u64>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction_lost: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_time: Option<f64>,
}

/// One data channel (RTCDataChannelStats).
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct DataChannelStats {
    pub id: u64,
    pub label: String,
    pub protocol: String,
    pub state: &'static str,
    pub messages_sent: u64,
    pub messages_received: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    /// Forwarded messages for which the queue had no room.
    pub messages_dropped: u64,
}

/// One mixer.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct MixerStats {
    pub id: u64,
    pub effort: &'static str,
    /// Milliseconds of the latest turn of the last second.
    pub lateness: f64,
    pub packets_dropped: u64,
    pub ports: Vec<PortStats>,
    pub classes: Vec<ClassStats>,
}

/// What is not mixed of a port is left out.
#[derive(Serialize, Default, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct PortStats {
    pub id: u64,
    #[serde(flatten)]
    pub sound: Option<SoundStats>,
    #[serde(flatten)]
    pub picture: Option<PictureStats>,
}

/// The sound of a mixer.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct SoundStats {
    /// Milliseconds that it waits.
    pub jitter_buffer_delay: f64,
    /// Milliseconds that it is meant to wait.
    pub jitter_buffer_target: f64,
    pub packets_received: u64,
    pub packets_late: u64,
    pub packets_discarded: u64,
    /// Milliseconds of sound made up for what did not come.
    pub concealed: u64,
    /// Of the sender's clock, in millionths.
    pub drift: f32,
    /// dBov.
    pub audio_level: i8,
}

/// The pictures of a mixer.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct PictureStats {
    pub frames_decoded: u64,
    pub frames_dropped: u64,
    pub decoder_errors: u64,
    pub frame_width: u16,
    pub frame_height: u16,
}

/// What is made of the canvas in one codec and size.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ClassStats {
    pub codec: &'static str,
    pub width: u16,
    pub height: u16,
    pub frames_encoded: u64,
    pub key_frames_encoded: u64,
    pub bytes_encoded: u64,
}

/// Statistics of a recorder.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecorderStats {
    pub id: u64,
    /// Of the file, with what is on its way to it.
    pub bytes: u64,
    /// Seconds.
    pub duration: f64,
    /// Seconds: where in the file what is captured now comes. `None` before its first frame.
    pub position: Option<f64>,
    /// Bytes on their way to the disk.
    pub bytes_waiting: u64,
    /// Frames left out because the disk did not keep up.
    pub frames_dropped: u64,
    /// Packets that found no room before they were looked at.
    pub packets_dropped: u64,
    pub tracks: Vec<LineStats>,
}

/// Statistics of a line.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineStats {
    pub id: u64,
    pub codec: Option<&'static str>,
    pub frames: u64,
    pub keyframes: u64,
    pub bytes: u64,
    /// Frames that were lost on their way here or broken.
    pub frames_lost: u64,
    /// Frames left out because the disk did not keep up.
    pub frames_dropped: u64,
    /// Frames whose time was moved because it was not after the one before.
    pub times_moved: u64,
}
