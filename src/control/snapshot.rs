//! Statistics asked for: the shares of all shards, mixers and recorders become one answer.

use std::fmt;
use std::sync::Arc;

use super::error::{EngineError, ErrorCode, Fault};
use super::event::{Event, Reply};
use super::ids::RequestId;
use super::mailbox::Mailbox;
use super::stats::{EndpointStats, Shape, Share};
use crate::queue::collector::Collector;

/// Gathers the shares of all shards, mixers and recorders.
pub type StatsCollector = Collector<Share>;

/// A collector that answers `request` when all who were asked for a share have let go of it.
pub fn collector(request: RequestId, mailbox: Arc<Mailbox>, shape: Shape) -> Arc<StatsCollector> {
    Arc::new(Collector::new(move |shares| {
        mailbox.post(Event::Reply { request, result: answer(shape, shares) });
    }))
}

fn answer(shape: Shape, shares: Vec<Share>) -> Result<Reply, EngineError> {
    let mut threads = Vec::new();
    let mut transports = Vec::new();
    let mut mixers = Vec::new();
    let mut recorders = Vec::new();
    for share in shares {
        threads.extend(share.thread);
        transports.extend(share.transports);
        mixers.extend(share.mixer);
        recorders.extend(share.recorder);
    }
    let json = match shape {
        Shape::Endpoint => {
            threads.sort_by_key(|t| t.thread);
            transports.sort_by_key(|t| t.id);
            mixers.sort_by_key(|m| m.id);
            recorders.sort_by_key(|r| r.id);
            let timestamp = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or_default()
                .as_millis() as u64;
            serde_json::to_string(&EndpointStats {
                timestamp,
                threads,
                transports,
                mixers,
                recorders,
            })
        }
        Shape::Transport => match transports.pop() {
            Some(transport) => serde_json::to_string(&transport),
            None => return Err(SnapshotError::TransportClosed.into()),
        },
        Shape::Mixer => match mixers.pop() {
            Some(mixer) => serde_json::to_string(&mixer),
            None => return Err(SnapshotError::MixerClosed.into()),
        },
    };
    json.map(Reply::Stats).map_err(|error| SnapshotError::Json(error).into())
}

/// Why there are no statistics.
#[derive(Debug)]
enum SnapshotError {
    TransportClosed,
    MixerClosed,
    Json(serde_json::Error),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TransportClosed => f.write_str("the transport is closed"),
            Self::MixerClosed => f.write_str("the mixer is closed"),
            Self::Json(error) => write!(f, "statistics: {error}"),
        }
    }
}

impl Fault for SnapshotError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::TransportClosed | Self::MixerClosed => ErrorCode::Closed,
            Self::Json(_) => ErrorCode::Internal,
        }
    }
}
