//! What an estimator of one transport's bandwidth is told and asked.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// What feedback said of one packet (draft-holmer-rmcat-transport-wide-cc-extensions-01). A packet
/// that was told to be lost may be told to have arrived later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketResult {
    /// The transport-wide sequence number, unwrapped. What feedback never told about shows in it.
    pub number: u64,
    /// When it was sent, since the origin given to the estimator.
    pub sent: Duration,
    /// Of the datagram, in bytes.
    pub size: usize,
    /// When it arrived, by the receiver's clock, in steps of 250 us; `None` when it did not.
    pub arrived: Option<i64>,
    /// The probe it was part of.
    pub probe: Option<u32>,
}

/// What is going on at the sender.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sending {
    /// Datagram bytes sent since the last time this was told.
    pub bytes: usize,
    /// Bits a second at which everything wanted could be sent; not more than the estimate when
    /// nothing better is wanted.
    pub wanted: u64,
}

/// A few packets to be sent at a given rate, to see whether they arrive at it. Media that is sent
/// meanwhile may be part of it or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probe {
    pub id: u32,
    /// Bits a second.
    pub rate: u64,
    /// At least so many packets, of about equal size.
    pub packets: usize,
    pub bytes: usize,
}

/// Signal of the delay-based part (draft-ietf-rmcat-gcc-02 section 5.4).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Usage {
    /// A queue is draining.
    Underuse,
    #[default]
    Normal,
    /// A queue stands or grows.
    Overuse,
}

/// Why the estimate is what it is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Change {
    #[default]
    Start,
    Probe,
    Increase,
    Overuse,
    Loss,
    Remb,
    /// No feedback came for long.
    Timeout,
    /// Packets take another path.
    Path,
}

/// Figures of an estimator.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct EstimatorStatistics {
    pub usage: Usage,
    /// Share of packets lost lately.
    pub loss: f32,
    /// Share of packets that gets lost whatever is sent.
    pub usual_loss: f32,
    /// Bits a second that arrived lately.
    pub acknowledged: u64,
    /// What packets wait at least, compared to an empty path.
    pub queue: Duration,
    pub change: Change,
}

/// What estimates the bandwidth of a link (BWE).
pub trait Estimator: Debug + Send {
    /// One feedback packet's results, in the order of their numbers.
    fn feedback(&mut self, now: Instant, results: &[PacketResult], round_trip: Option<Duration>);

    /// To be called every 25 to 100 ms while something is sent.
    fn tick(&mut self, now: Instant, sending: Sending);

    /// Bits a second that the path carries, everything counted that is sent.
    fn estimate(&self) -> u64;

    /// A probe to send now. One at a time; what is not sent counts as failed.
    fn next_probe(&mut self, now: Instant) -> Option<Probe>;

    /// The receiver's estimate (draft-alvestrand-rmcat-remb-03), for want of transport-wide feedback.
    fn remb(&mut self, now: Instant, bitrate: u64);

    /// Packets take another path from now on: ICE has chosen another pair.
    fn reset_path(&mut self, now: Instant);

    /// What the estimate is and why, for statistics.
    fn statistics(&self) -> EstimatorStatistics;
}
