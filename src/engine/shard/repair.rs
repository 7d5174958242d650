//! Packets that receivers lost, repeated out of the history of their source.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::core::Core;
use crate::control::ids::{OutgoingTrackId, SourceId, TransportId};
use crate::engine::routes::Routes;
use crate::sfu::{EncodingIndex, SourcePacket};

/// An encoding without a packet for this long has paused: three frames at 30 a second.
const QUIET: Duration = Duration::from_millis(100);

/// Watches encodings for pauses. A packet costs a look at a flag, not a timer.
#[derive(Default)]
pub(super) struct Tails {
    /// When to look at an encoding again, soonest first.
    due: VecDeque<(Instant, SourceId, EncodingIndex)>,
}

impl Tails {
    /// The encoding of a packet is to be watched.
    pub(super) fn watch(&mut self, packet: &SourcePacket) {
        self.due.push_back((packet.arrival + QUIET, packet.track, packet.encoding));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.due.front().map(|(at, ..)| *at)
    }

    fn take_due(&mut self, now: Instant) -> Option<(SourceId, EncodingIndex)> {
        if self.next()? > now {
            return None;
        }
        self.due.pop_front().map(|(_, track, encoding)| (track, encoding))
    }

    /// Repeats the last packet of encodings that have just paused, to all their receivers.
    pub(super) fn repeat(&mut self, core: &mut Core, routes: &mut Routes, now: Instant) {
        while let Some((track, encoding)) = self.take_due(now) {
            let Some(route) = routes.route_mut(track) else { continue };
            let Some(history) = route.history_mut(encoding) else { continue };
            let Some(newest) = history.newest_arrival() else {
                history.end_watch();
                continue;
            };
            if now < newest + QUIET {
                self.due.push_back((newest + QUIET, track, encoding));
                continue;
            }
            history.end_watch();
            let Some(packet) = history.take_tail() else { continue };
            for receiver in route.receivers.clone() {
                core.send(receiver.transport, |sending| {
                    sending.repeat_tail(now, receiver.track, &packet);
                });
            }
        }
    }
}

/// Answers what a receiver says it lost.
pub(super) fn retransmit(
    core: &mut Core,
    routes: &Routes,
    now: Instant,
    id: TransportId,
    track: OutgoingTrackId,
) {
    let Some(peer) = core.peers.get_mut(&id) else { return };
    peer.send(|sending| {
        sending.retransmit(now, track, |nacked| {
            let route = routes.route(nacked.origin.track)?;
            let history = route.history(nacked.origin.encoding)?;
            history.get(nacked.origin.ssrc, nacked.sequence).cloned()
        });
    });
}
