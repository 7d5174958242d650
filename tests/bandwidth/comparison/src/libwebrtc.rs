//! A port of libwebrtc's estimator, asked the way the engine asks its own.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use goog_cc::network_control::{NetworkControllerConfig, NetworkControllerInterface};
use goog_cc::transport::{
    self, NetworkAvailability, NetworkControlUpdate, NetworkRouteChange, PacedPacketInfo,
    ProbeClusterConfig, ProcessInterval, RemoteBitrateReport, RoundTripTimeUpdate, SentPacket,
    StreamsConfig, TargetRateConstraints, TransportPacketsFeedback,
};
use goog_cc::units::{DataRate, DataSize, TimeDelta, Timestamp};
use goog_cc::{GoogCcConfig, GoogCcNetworkController};
use medialoom::bandwidth::{
    Change, Estimator, EstimatorStatistics, Limits, PacketResult, Probe, Sending,
};

thread_local! {
    /// The port cannot be handed from one thread to another, which the engine's trait asks for, so
    /// it stays behind and an estimator only knows its place.
    static CONTROLLERS: RefCell<Vec<GoogCcNetworkController>> = const { RefCell::new(Vec::new()) };
}

pub struct Libwebrtc {
    origin: Instant,
    limits: Limits,
    controller: usize,
    estimate: u64,
    loss: f32,
    probes: VecDeque<ProbeClusterConfig>,
    /// Configuration of the last ones, for the packets that were part of them.
    known: VecDeque<ProbeClusterConfig>,
    /// All that could be allocated, as far as was seen.
    allocation: u64,
    number: i64,
}

impl fmt::Debug for Libwebrtc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Libwebrtc").field("estimate", &self.estimate).finish()
    }
}

impl Libwebrtc {
    pub fn new(origin: Instant, limits: Limits) -> Self {
        let constraints = constraints(Timestamp::from_micros(0), limits, limits.start);
        let config = NetworkControllerConfig {
            constraints,
            stream_based_config: StreamsConfig {
                at_time: Timestamp::from_micros(0),
                requests_alr_probing: Some(true),
                ..StreamsConfig::default()
            },
            ..NetworkControllerConfig::default()
        };
        let controller = GoogCcNetworkController::new(config, GoogCcConfig { feedback_only: true });
        let controller = CONTROLLERS.with_borrow_mut(|controllers| {
            controllers.push(controller);
            controllers.len() - 1
        });
        let mut estimator = Self {
            origin,
            limits,
            controller,
            estimate: limits.start,
            loss: 0.0,
            probes: VecDeque::new(),
            known: VecDeque::new(),
            allocation: 0,
            number: 0,
        };
        let at_time = Timestamp::from_micros(0);
        let available = NetworkAvailability { at_time, network_available: true };
        estimator.ask(|controller| controller.on_network_availability(available));
        estimator.process(at_time);
        estimator
    }

    fn ask(&mut self, ask: impl FnOnce(&mut GoogCcNetworkController) -> NetworkControlUpdate) {
        let update =
            CONTROLLERS.with_borrow_mut(|controllers| ask(&mut controllers[self.controller]));
        if let Some(target) = update.target_rate {
            self.estimate = target.target_rate.bps() as u64;
            self.loss = target.network_estimate.loss_rate_ratio;
        }
        self.probes.extend(update.probe_cluster_configs);
    }

    fn time(&self, now: Instant) -> Timestamp {
        Timestamp::from_micros(now.saturating_duration_since(self.origin).as_micros() as i64)
    }

    fn process(&mut self, at_time: Timestamp) {
        let interval = ProcessInterval { at_time, pacer_queue: None };
        self.ask(|controller| controller.on_process_interval(interval));
    }

    fn pacing_info(&self, probe: Option<u32>) -> PacedPacketInfo {
        let known = probe.and_then(|id| self.known.iter().find(|known| known.id == id as i32));
        known.map_or_else(PacedPacketInfo::default, |known| PacedPacketInfo {
            send_bitrate: known.target_data_rate,
            ..PacedPacketInfo::new(known.id, known.target_probe_count.into(), bytes(known) as i64)
        })
    }
}

fn bytes(probe: &ProbeClusterConfig) -> usize {
    (probe.target_data_rate * probe.target_duration).bytes() as usize
}

fn constraints(at_time: Timestamp, limits: Limits, start: u64) -> TargetRateConstraints {
    TargetRateConstraints {
        at_time,
        min_data_rate: Some(DataRate::from_bits_per_sec(limits.min as i64)),
        max_data_rate: Some(DataRate::from_bits_per_sec(limits.max as i64)),
        starting_rate: Some(DataRate::from_bits_per_sec(start as i64)),
    }
}

impl Estimator for Libwebrtc {
    fn feedback(&mut self, now: Instant, results: &[PacketResult], round_trip: Option<Duration>) {
        let at = self.time(now);
        if let Some(round_trip) = round_trip {
            self.ask(|controller| {
                controller.on_round_trip_time_update(RoundTripTimeUpdate {
                    receive_time: at,
                    round_trip_time: TimeDelta::from_micros(round_trip.as_micros() as i64),
                    smoothed: false,
                })
            });
        }
        let packet_feedbacks = results.iter().map(|result| transport::PacketResult {
            sent_packet: SentPacket {
                send_time: Timestamp::from_micros(result.sent.as_micros() as i64),
                size: DataSize::from_bytes(result.size as i64),
                pacing_info: self.pacing_info(result.probe),
                sequence_number: result.number as i64,
                ..SentPacket::default()
            },
            receive_time: result
                .arrived
                .map_or(Timestamp::plus_infinity(), |steps| Timestamp::from_micros(steps * 250)),
            ..transport::PacketResult::default()
        });
        let feedback = TransportPacketsFeedback {
            feedback_time: at,
            packet_feedbacks: packet_feedbacks.collect(),
            ..TransportPacketsFeedback::default()
        };
        self.ask(|controller| controller.on_transport_packets_feedback(feedback));
    }

    fn tick(&mut self, now: Instant, sending: Sending) {
        let at_time = self.time(now);
        if sending.bytes > 0 {
            self.number += 1;
            let packet = SentPacket {
                send_time: at_time,
                size: DataSize::from_bytes(sending.bytes as i64),
                sequence_number: self.number,
                ..SentPacket::default()
            };
            self.ask(|controller| controller.on_sent_packet(packet));
        }
        if sending.wanted > self.allocation {
            self.allocation = sending.wanted;
            let allocation = DataRate::from_bits_per_sec(self.allocation as i64);
            let streams = StreamsConfig {
                at_time,
                requests_alr_probing: Some(true),
                max_total_allocated_bitrate: Some(allocation),
                ..StreamsConfig::default()
            };
            self.ask(|controller| controller.on_streams_config(streams));
        }
        self.process(at_time);
    }

    fn estimate(&self) -> u64 {
        self.estimate
    }

    fn next_probe(&mut self, _now: Instant) -> Option<Probe> {
        let probe = self.probes.pop_front()?;
        let (rate, packets) = (probe.target_data_rate.bps() as u64, probe.target_probe_count);
        let described = Probe {
            id: probe.id as u32,
            rate,
            packets: packets.max(1) as usize,
            bytes: bytes(&probe),
        };
        self.known.push_back(probe);
        if self.known.len() > 16 {
            self.known.pop_front();
        }
        Some(described)
    }

    fn remb(&mut self, now: Instant, bitrate: u64) {
        let report = RemoteBitrateReport {
            receive_time: self.time(now),
            bandwidth: DataRate::from_bits_per_sec(bitrate as i64),
        };
        self.ask(|controller| controller.on_remote_bitrate_report(report));
    }

    fn reset_path(&mut self, now: Instant) {
        let at_time = self.time(now);
        let constraints = constraints(at_time, self.limits, self.estimate);
        let change = NetworkRouteChange { at_time, constraints };
        self.ask(|controller| controller.on_network_route_change(change));
    }

    fn statistics(&self) -> EstimatorStatistics {
        EstimatorStatistics {
            loss: self.loss,
            change: Change::Start,
            ..EstimatorStatistics::default()
        }
    }
}
