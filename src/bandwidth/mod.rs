//! What a peer's link carries, and how it is shared: pure functions of time and numbers.
//!
//! Bandwidth estimation (BWE) is in `send_side`, allocation over simulcast encodings and SVC layers in
//! `allocator`, pacing in `pacer`.

mod acknowledged;
mod allocator;
mod backoff;
mod delay;
mod estimator;
mod ladder;
mod layer;
mod loss;
mod pacer;
mod picture;
mod probing;
mod send_side;
mod track;
mod train;

pub use allocator::{Allocation, Allocator};
pub use estimator::{Change, Estimator, EstimatorStatistics, PacketResult, Probe, Sending, Usage};
pub use ladder::{Ladder, LadderBuilder, Preferences, Rung, Selection};
pub use layer::{Layer, LayerId};
pub use pacer::{Pacer, draining_rate};
pub use send_side::{Limits, SendSideEstimator};
pub use track::{Reason, Track};
