//! What a peer's link carries, and how it is shared: pure functions of time and numbers.

mod acknowledged;
mod delay;
mod estimator;
mod loss;
mod probing;
mod send_side;

pub use estimator::{Change, Estimator, EstimatorStatistics, PacketResult, Probe, Sending, Usage};
pub use send_side::{Limits, SendSideEstimator};
