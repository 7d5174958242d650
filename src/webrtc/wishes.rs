//! Which m-line each of our tracks has, and what is wanted of the lines.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Session;
use crate::codec::Kind;
use crate::codec::names::Mid;
use crate::control::event::{Event, TransportState};
use crate::peer::PeerEvent;
use crate::sdp::AgreedLine;
use crate::sdp::description::{Direction, MediaKind};

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

    /// Where the tracks are that have a line, or would have it by the offer that is pending.
    pub(super) fn places_of_tracks(&self) -> HashMap<Mid, usize> {
        let tracks = self.sending.tracks().iter().enumerate();
        let names = tracks.flat_map(|(place, track)| {
            [&track.mid, &track.offered].map(|mid| mid.clone().map(|mid| (mid, place)))
        });
        names.flatten().collect()
    }

    /// M-lines whose direction has to change for what we want to send and receive, by their
    /// places.
    pub(super) fn wanted_directions(&self) -> Vec<(usize, Direction)> {
        let places = self.places_of_tracks();
        let wanted = |(index, line): (usize, &AgreedLine)| {
            if !line.usable() || !is_media(line) {
                return None;
            }
            let agreed = line.local.direction;
            let sends = places.contains_key(&line.mid);
            let receives = agreed.receives() && !self.refused.contains(&line.mid);
            let direction = Direction::new(sends, receives);
            (direction != agreed).then_some((index, direction))
        };
        self.negotiation.lines.iter().enumerate().filter_map(wanted).collect()
    }

    /// Puts outgoing tracks without an m-line on lines of our own making that fell silent, so that
    /// descriptions do not grow with every track that ever was.
    pub(super) fn reuse_own_lines(&mut self) {
        let taken = self.places_of_tracks();
        let own: HashSet<&Mid> = self.negotiation.own_lines.iter().collect();
        let mut free = ByKind::default();
        for line in &self.negotiation.lines {
            if let MediaKind::Rtp(kind) = line.local.kind
                && line.usable()
                && line.local.direction == Direction::Inactive
                && own.contains(&line.mid)
                && !taken.contains_key(&line.mid)
            {
                free.of(kind).push_back(line.mid.clone());
            }
        }
        let tracks = self.sending.tracks_mut().iter_mut();
        for outgoing in tracks.filter(|outgoing| outgoing.mid.is_none()) {
            outgoing.offered = free.of(outgoing.kind).pop_front();
        }
    }

    /// Puts outgoing tracks without an m-line on those the peer's offer would receive on, in
    /// order, and takes our sending back from lines we have nothing for.
    pub(super) fn adopt_offered_lines(&mut self) {
        let tracks = self.sending.tracks().iter().enumerate();
        let mut taken: HashSet<Mid> = HashSet::new();
        let mut unplaced = ByKind::default();
        for (place, outgoing) in tracks {
            match &outgoing.mid {
                Some(mid) => _ = taken.insert(mid.clone()),
                None => unplaced.of(outgoing.kind).push_back(place),
            }
        }
        for index in 0..self.negotiation.lines.len() {
            let line = &self.negotiation.lines[index];
            let (MediaKind::Rtp(kind), true) = (line.local.kind, line.usable()) else { continue };
            let (mid, allowed) = (line.mid.clone(), line.allowed);
            if allowed.sends()
                && !taken.contains(&mid)
                && let Some(place) = unplaced.of(kind).pop_front()
            {
                let outgoing = &mut self.sending.tracks_mut()[place];
                outgoing.bind(mid.clone());
                let event =
                    Event::OutgoingTrackNegotiated { id: outgoing.id, mid: mid.to_string() };
                self.events.push_back(PeerEvent::Event(event));
                taken.insert(mid.clone());
            }
            let sends = taken.contains(&mid);
            let receives = allowed.receives() && !self.refused.contains(&mid);
            self.negotiation.lines[index].local.direction =
                Direction::new(sends && allowed.sends(), receives);
        }
    }

    /// A name for a line of ours. Made by chance, because the peer makes names too, and may do so
    /// before it hears of ours. None of `used`, to which it is added.
    pub(super) fn new_mid(&mut self, used: &mut HashSet<Mid>) -> Mid {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
        loop {
            let chance = *self.rtc.direct_api().new_ssrc();
            let letter = |place: u32| {
                let index = (chance >> (5 * place)) as usize % LETTERS.len();
                char::from(LETTERS[index])
            };
            let mid: String = (0..4).map(letter).collect();
            let mid = Mid::from(mid.as_str());
            if used.insert(mid.clone()) {
                return mid;
            }
        }
    }
}

/// A queue for sound and one for pictures.
struct ByKind<T> {
    audio: VecDeque<T>,
    video: VecDeque<T>,
}

impl<T> Default for ByKind<T> {
    fn default() -> Self {
        Self { audio: VecDeque::new(), video: VecDeque::new() }
    }
}

impl<T> ByKind<T> {
    fn of(&mut self, kind: Kind) -> &mut VecDeque<T> {
        match kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        }
    }
}

pub(super) fn is_media(line: &AgreedLine) -> bool {
    matches!(line.local.kind, MediaKind::Rtp(_))
}
