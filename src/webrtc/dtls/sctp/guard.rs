//! What of a peer's SCTP packets reaches the association. Its queues grow with what a peer sends
//! ahead of a number that is missing, or in pieces, and so does what each further chunk costs there;
//! streams likewise. So all of it is counted here first, in constant time for a chunk, and a packet
//! that would exceed a bound is treated as lost (RFC 9260 6.2: a receiver may drop what it has no
//! room for). An honest sender sends it again when there is room.

use std::time::{Duration, Instant};

use super::ahead::Ahead;
use super::chunk::{Chunk, DATA, I_FORWARD_TSN, INIT, INIT_ACK, SACK, chunks};
use super::held::Held;
use super::streams::Streams;

/// Chunks of a packet that are no DATA. Each may be answered by a packet of its own, or costs a
/// look at all streams or all that is in flight; a sender has one or two for us.
const MAX_CONTROL: usize = 4;
/// INIT chunks of a peer. For each the association's owner makes another one, which is thrown away, and
/// remembers it; a sender repeats its own eight times (RFC 9260 16).
const MAX_INITS: u32 = 32;
/// Packets refused for one of these bounds before the association is given up.
const MAX_REFUSED: u32 = 4096;
/// A minute without a refusal forgives those before.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Verdict {
    Pass,
    /// As if it had been lost.
    Drop,
    /// The peer goes on and on.
    Abort(Excess),
}

/// Which bound was exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super::super) enum Excess {
    Waiting,
    Held,
    Streams,
    Control,
}

impl Excess {
    /// For the error that the application gets.
    pub(in super::super::super) fn text(self) -> &'static str {
        match self {
            Excess::Waiting => {
                "the peer sent more SCTP chunks ahead of a missing one than are kept"
            }
            Excess::Held => "the peer sent messages in more and smaller pieces than are kept",
            Excess::Streams => "the peer opened more SCTP streams than are kept",
            Excess::Control => "the peer sent more SCTP control chunks than are looked at",
        }
    }
}

/// Watches one association in the direction from the peer.
#[derive(Debug, Default)]
pub(in super::super) struct Guard {
    /// Set by the peer's INIT or INIT ACK.
    ahead: Option<Ahead>,
    /// Data came.
    began: bool,
    inits: u32,
    held: Held,
    streams: Streams,
    refused: u32,
    refused_at: Option<Instant>,
}

impl Guard {
    /// Judges a packet that came out of DTLS. Malformed ones pass: the association refuses them
    /// at the cost of reading them once.
    pub(in super::super) fn judge(&mut self, now: Instant, packet: &[u8]) -> Verdict {
        let excess = self.excess(now, packet);
        match excess {
            None => {
                chunks(packet).for_each(|chunk| self.record(&chunk));
                Verdict::Pass
            }
            Some(excess) => self.refuse(now, excess),
        }
    }

    /// Messages came out of the association that had so many chunks at least.
    pub(in super::super) fn delivered(&mut self, chunks: u32) {
        self.held.delivered(chunks);
    }

    /// The largest chunk that came.
    pub(in super::super) fn largest(&self) -> u32 {
        self.held.largest
    }

    /// Hears what the association says to the peer.
    pub(in super::super) fn hear(&mut self, packet: &[u8]) {
        for chunk in chunks(packet) {
            match (chunk.kind, chunk.window()) {
                (INIT | INIT_ACK, Some(window)) => self.held.begin(window),
                (SACK, Some(left)) => self.held.tell(left),
                _ => chunk.responses().for_each(|(sequence, result)| {
                    self.streams.answer(sequence, result);
                }),
            }
        }
    }

    fn refuse(&mut self, now: Instant, excess: Excess) -> Verdict {
        if self.refused_at.is_some_and(|at| now.saturating_duration_since(at) > FORGIVEN_AFTER) {
            self.refused = 0;
        }
        self.refused_at = Some(now);
        self.refused += 1;
        if self.refused > MAX_REFUSED { Verdict::Abort(excess) } else { Verdict::Drop }
    }

    /// The bound that a packet exceeds.
    fn excess(&mut self, now: Instant, packet: &[u8]) -> Option<Excess> {
        if chunks(packet).filter(|chunk| chunk.kind != DATA).nth(MAX_CONTROL).is_some() {
            return Some(Excess::Control);
        }
        let has_data = chunks(packet).any(|chunk| chunk.kind == DATA);
        // What fills the gap makes room, whatever comes with it.
        let fills = self.ahead.as_ref().is_some_and(|ahead| {
            chunks(packet).filter_map(|chunk| chunk.data()).any(|data| ahead.is_next(data.tsn))
        });
        if let Some(excess) = chunks(packet).find_map(|chunk| self.excess_of(now, &chunk, fills)) {
            return Some(excess);
        }
        (has_data && !self.held.has_room(now)).then_some(Excess::Held)
    }

    fn excess_of(&mut self, now: Instant, chunk: &Chunk<'_>, fills: bool) -> Option<Excess> {
        if let Some(data) = chunk.data() {
            if let Some(ahead) = &self.ahead
                && !fills
                && !ahead.has_room(&data)
            {
                return Some(Excess::Waiting);
            }
            return (!self.streams.has_room(now, data.stream)).then_some(Excess::Streams);
        }
        if chunk.kind == INIT && self.inits >= MAX_INITS {
            return Some(Excess::Control);
        }
        if chunk.is_odd_sack() || chunk.kind == I_FORWARD_TSN {
            return Some(Excess::Control);
        }
        // A reset that lies ahead makes the association keep what comes behind it, and go through
        // all of that for each chunk. Its sender repeats it when what is missing has come
        // (RFC 6525 5.1.1).
        if let Some(ahead) = &self.ahead
            && chunk.resets().any(|reset| ahead.distance(reset.last_tsn).is_some())
        {
            return Some(Excess::Control);
        }
        let streams = &mut self.streams;
        let mut skipped = chunk.forwarded_streams();
        skipped.any(|stream| !streams.may_skip(now, stream)).then_some(Excess::Streams)
    }

    fn record(&mut self, chunk: &Chunk<'_>) {
        if let Some(data) = chunk.data() {
            self.began = true;
            self.streams.record(data.stream);
            if self.ahead.as_ref().is_none_or(|ahead| ahead.is_news(data.tsn)) {
                self.held.record(data.bytes);
            }
            if let Some(ahead) = &mut self.ahead {
                ahead.record(&data);
            }
        } else if let Some(first) = chunk.initial_tsn() {
            self.inits += u32::from(chunk.kind == INIT);
            // Until data comes, the last one counts (RFC 9260 5.2.1).
            if !self.began {
                self.ahead = Some(Ahead::new(first));
            }
        } else if let (Some(to), Some(ahead)) = (chunk.forwarded_to(), &mut self.ahead) {
            ahead.forward(to);
            chunk.forwarded_streams().for_each(|stream| self.streams.skip(stream));
        } else {
            chunk.resets().for_each(|reset| self.streams.ask(&reset));
        }
    }
}

#[cfg(test)]
mod tests;
