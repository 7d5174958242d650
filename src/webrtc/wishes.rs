//! Which m-line each of our tracks has, and what is wanted of the lines.

use super::Session;
use crate::codec::names::Mid;
use crate::control::event::{Event, TransportState};
use crate::peer::PeerEvent;
use crate::sdp::description::{Direction, MediaKind};
use crate::sdp::{AgreedLine, OfferedLine};
use crate::sending::OutgoingTrack;

impl Session {
    /// Says once that negotiation is needed, until an offer is made.
    pub(crate) fn announce_if_needed(&mut self) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        if self.negotiation.announced
            || self.negotiation.pending.is_some()
            || self.state == TransportState::Closed
            || !self.needs_negotiation()
        {
            return;
        }
        self.negotiation.announced = true;
        self.events.push_back(PeerEvent::Event(Event::NegotiationNeeded { transport: self.id }));
    }

    fn needs_negotiation(&self) -> bool {
        self.negotiation.needs_application()
            || self.sending.tracks().iter().any(|o| o.mid.is_none())
            || !self.wanted_directions().is_empty()
    }

    /// M-lines whose direction has to change for what we want to send and receive, by their
    /// places.
    pub(super) fn wanted_directions(&self) -> Vec<(usize, Direction)> {
        let wanted = |(index, line): (usize, &AgreedLine)| {
            if !line.usable() || !is_media(line) {
                return None;
            }
            let agreed = line.local.direction;
            let sends = self.sending.tracks().iter().any(|outgoing| outgoing.is_on(&line.mid));
            let receives = agreed.receives() && !self.refused.contains(&line.mid);
            let direction = Direction::new(sends, receives);
            (direction != agreed).then_some((index, direction))
        };
        self.negotiation.lines.iter().enumerate().filter_map(wanted).collect()
    }

    /// Puts outgoing tracks without an m-line on lines of our own making that fell silent, so that
    /// descriptions do not grow with every track that ever was.
    pub(super) fn reuse_own_lines(&mut self) {
        for index in 0..self.sending.tracks().len() {
            let outgoing = &self.sending.tracks()[index];
            if outgoing.mid.is_some() {
                continue;
            }
            let free = |line: &&AgreedLine| {
                line.usable()
                    && line.local.direction == Direction::Inactive
                    && line.local.kind == MediaKind::Rtp(outgoing.kind)
                    && self.negotiation.own_lines.contains(&line.mid)
                    && !self.sending.tracks().iter().any(|outgoing| outgoing.is_on(&line.mid))
            };
            let reused = self.negotiation.lines.iter().find(free).map(|line| line.mid.clone());
            self.sending.tracks_mut()[index].offered = reused;
        }
    }

    /// Puts outgoing tracks without an m-line on those the peer's offer would receive on, in
    /// order, and takes our sending back from lines we have nothing for.
    pub(super) fn adopt_offered_lines(&mut self) {
        for index in 0..self.negotiation.lines.len() {
            let line = &self.negotiation.lines[index];
            let (MediaKind::Rtp(kind), true) = (line.local.kind, line.usable()) else { continue };
            let (mid, allowed) = (line.mid.clone(), line.allowed);
            let has_line = |o: &OutgoingTrack| o.mid.as_ref() == Some(&mid);
            let taken = self.sending.tracks().iter().any(has_line);
            if allowed.sends()
                && !taken
                && let Some(outgoing) =
                    self.sending.tracks_mut().iter_mut().find(|o| o.mid.is_none() && o.kind == kind)
            {
                outgoing.bind(mid.clone());
                let event =
                    Event::OutgoingTrackNegotiated { id: outgoing.id, mid: mid.to_string() };
                self.events.push_back(PeerEvent::Event(event));
            }
            let sends = self.sending.tracks().iter().any(has_line);
            let receives = allowed.receives() && !self.refused.contains(&mid);
            self.negotiation.lines[index].local.direction =
                Direction::new(sends && allowed.sends(), receives);
        }
    }

    /// A name for a line of ours. Made by chance, because the peer makes names too, and may do so
    /// before it hears of ours.
    pub(super) fn new_mid(&mut self, lines: &[OfferedLine]) -> Mid {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
        loop {
            let chance = *self.rtc.direct_api().new_ssrc();
            let letter = |place: u32| {
                let index = (chance >> (5 * place)) as usize % LETTERS.len();
                char::from(LETTERS[index])
            };
            let mid: String = (0..4).map(letter).collect();
            let used = self.negotiation.lines.iter().any(|line| *line.mid == *mid)
                || lines.iter().any(|line| *line.mid == *mid);
            if !used {
                return mid.as_str().into();
            }
        }
    }
}

pub(super) fn is_media(line: &AgreedLine) -> bool {
    matches!(line.local.kind, MediaKind::Rtp(_))
}
