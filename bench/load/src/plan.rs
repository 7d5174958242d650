//! What the parent process tells this one, one JSON object a line, and what it is told.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// The first line: who there is.
#[derive(Deserialize)]
pub struct Plan {
    pub clients: Vec<ClientPlan>,
    /// The local address that the clients send from.
    pub address: Ipv4Addr,
    /// So many clients join before any of the others.
    #[serde(default)]
    pub leaders: usize,
    /// Clients between offer and first media at once.
    pub concurrent_joins: usize,
    /// How long joining may take in all.
    pub patience_seconds: u64,
    /// Measure with those who have joined by then, instead of failing.
    #[serde(default)]
    pub partial: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ClientPlan {
    pub audio: Option<Sending>,
    pub video: Option<Sending>,
    /// Indices of the clients whose audio it receives.
    pub hears: Vec<usize>,
    /// Indices of the clients whose video it receives.
    pub sees: Vec<usize>,
    /// Lines to receive what others than these clients send, perhaps nothing.
    pub strange_audio: usize,
    pub strange_video: usize,
}

impl ClientPlan {
    /// Lines of audio to receive.
    pub fn heard(&self) -> usize {
        self.hears.len() + self.strange_audio
    }

    /// Lines of video to receive.
    pub fn seen(&self) -> usize {
        self.sees.len() + self.strange_video
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// Kilobits a second. 0: negotiated, but nothing is sent.
    pub kilobits: u32,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Instruction {
    Answer {
        client: usize,
        sdp: String,
    },
    Measure {
        milliseconds: u64,
    },
    /// There will be no answer.
    Refused {
        client: usize,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Report {
    Offer {
        client: usize,
        sdp: String,
    },
    /// Everybody is connected and receives what it should.
    Ready {
        /// Offer to DTLS done, microseconds.
        connected: Distribution,
        /// Offer to the first packet, microseconds.
        media: Distribution,
        /// Offer to the first packet of video, microseconds.
        video: Distribution,
        /// Offer to the first packet of the first keyframe, microseconds.
        keyframe: Distribution,
        /// Clients a second, up to their first packet.
        rate: f64,
        joined: usize,
    },
    Measured(Box<Measured>),
    Failed {
        reason: String,
    },
}

#[derive(Serialize)]
pub struct Measured {
    /// Packets publishers sent in the window.
    pub sent: u64,
    /// What of them should have come, over all receivers.
    pub expected: u64,
    /// What of them came, each counted once.
    pub received: u64,
    /// One way, microseconds.
    pub latency: Distribution,
    /// How late the latest packet of video was in the first five seconds of each client, as far as
    /// they have passed, microseconds: since it was sent, or since the client's first keyframe.
    pub first_seconds: Distribution,
    /// CPU of this process over the time that passed, 1 is a core.
    pub load: f64,
    pub totals: Totals,
}

/// What clients received, whoever sent it, retransmissions apart.
#[derive(Serialize, Default)]
pub struct Totals {
    pub packets: u64,
    /// By their sequence numbers.
    pub expected: u64,
    /// Of payload, retransmissions and all.
    pub bytes: u64,
}

impl Totals {
    pub fn since(&self, earlier: &Totals) -> Totals {
        Totals {
            packets: self.packets - earlier.packets,
            expected: self.expected - earlier.expected,
            bytes: self.bytes - earlier.bytes,
        }
    }
}

impl std::iter::Sum for Totals {
    fn sum<I: Iterator<Item = Totals>>(parts: I) -> Totals {
        parts.fold(Totals::default(), |sum, part| Totals {
            packets: sum.packets + part.packets,
            expected: sum.expected + part.expected,
            bytes: sum.bytes + part.bytes,
        })
    }
}

#[derive(Serialize, Default)]
pub struct Distribution {
    pub count: usize,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

impl Distribution {
    /// Of nanoseconds, in microseconds.
    pub fn of(mut nanoseconds: Vec<u64>) -> Distribution {
        nanoseconds.sort_unstable();
        let Some(&max) = nanoseconds.last() else { return Distribution::default() };
        let microseconds = |value: u64| value as f64 / 1000.0;
        let at = |share: f64| {
            microseconds(nanoseconds[((nanoseconds.len() - 1) as f64 * share).round() as usize])
        };
        Distribution {
            count: nanoseconds.len(),
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            max: microseconds(max),
        }
    }
}
