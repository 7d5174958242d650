//! Several peers behind one pair of addresses: transports between the same two endpoints, somebody
//! who got the address of a peer that is gone, or somebody who only pretends to be there. Media is
//! told apart by its SSRC and by who can open it. Nothing of this runs for addresses of one peer.

use std::collections::HashMap;
use std::time::Instant;

use crate::control::ids::TransportId;
use crate::engine::tries::Tries;

/// Peers behind one pair of addresses.
pub const MAX_SHARING: usize = 64;
/// Streams remembered with whose they are. Above it all are learned anew.
const MAX_STREAMS: usize = 4_096;
/// Peers that may try to open one datagram.
const MAX_TRIES: usize = 8;

/// What tells a stream of packets from the others of one sender. Browsers that send no media call
/// themselves 1 in RTCP, so that the two kinds are kept apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stream {
    Rtp(u32),
    Rtcp(u32),
}

/// Who shares a pair of addresses, and whose each stream is, as far as that is known.
pub struct SharedFlow {
    members: Vec<Member>,
    streams: HashMap<Stream, TransportId>,
    /// Whose turn it is to try first what nobody knows.
    next: usize,
    /// Somebody found no room, and that was logged.
    refused: bool,
}

#[derive(Clone, Copy)]
struct Member {
    id: TransportId,
    /// When it was last heard here, as far as it was noticed.
    heard: Instant,
}

impl SharedFlow {
    /// Somebody joins a peer that was alone.
    pub fn new(now: Instant, before: TransportId, joined: TransportId) -> Self {
        let members = [before, joined].map(|id| Member { id, heard: now }).to_vec();
        Self { members, streams: HashMap::new(), next: 0, refused: false }
    }

    /// Whether this peer is one of them.
    pub fn has(&self, id: TransportId) -> bool {
        self.members.iter().any(|member| member.id == id)
    }

    /// In the order they came.
    pub fn members(&self) -> impl Iterator<Item = TransportId> {
        self.members.iter().map(|member| member.id)
    }

    /// Whoever was heard last comes first.
    pub fn latest(&self) -> Vec<TransportId> {
        let mut members = self.members.clone();
        members.sort_by_key(|member| std::cmp::Reverse(member.heard));
        members.into_iter().map(|member| member.id).collect()
    }

    /// False when there is no room.
    pub fn join(&mut self, now: Instant, id: TransportId) -> bool {
        if self.has(id) {
            return true;
        }
        if self.members.len() >= MAX_SHARING {
            if !std::mem::replace(&mut self.refused, true) {
                tracing::warn!(
                    transport = %id,
                    "{MAX_SHARING} transports run between these two addresses already; give the \
                     endpoint more threads, or a second address to listen on"
                );
            }
            return false;
        }
        self.members.push(Member { id, heard: now });
        true
    }

    /// Takes a peer off. Gives the last one when that is alone now.
    pub fn leave(&mut self, id: TransportId) -> Option<TransportId> {
        self.members.retain(|member| member.id != id);
        self.streams.retain(|_, owner| *owner != id);
        match self.members[..] {
            [last] => Some(last.id),
            _ => None,
        }
    }

    /// Something authentic of this peer came here.
    pub fn heard(&mut self, now: Instant, id: TransportId) {
        if let Some(member) = self.members.iter_mut().find(|member| member.id == id) {
            member.heard = now;
        }
    }

    /// Lets peers try to open a packet of a stream, the likeliest first, until one could. `knows`
    /// says whether a peer knows the stream already; where one does, others are not asked, and the
    /// budget is left alone: nobody who makes up streams must keep those of others from their peers.
    pub fn open(
        &mut self,
        now: Instant,
        stream: Stream,
        budget: &mut Tries,
        mut knows: impl FnMut(TransportId) -> bool,
        mut opens: impl FnMut(TransportId) -> bool,
    ) {
        let learned = self.streams.get(&stream).copied();
        if let Some(id) = learned
            && opens(id)
        {
            return;
        }
        let mut candidates: Vec<_> = self.members().filter(|id| knows(*id)).collect();
        let known = !candidates.is_empty();
        if !known {
            // From another one each time, so that it does not stay with the first.
            candidates.extend(self.members());
            self.next = (self.next + 1) % candidates.len().max(1);
            candidates.rotate_left(self.next);
        }
        let candidates = candidates.into_iter().filter(|id| learned != Some(*id));
        for id in candidates.take(MAX_TRIES) {
            if !known && !budget.take(now) {
                return;
            }
            if opens(id) {
                if self.streams.len() >= MAX_STREAMS {
                    self.streams.clear();
                }
                self.streams.insert(stream, id);
                self.heard(now, id);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: Stream = Stream::Rtp(7);

    fn shared(count: u64) -> SharedFlow {
        let now = Instant::now();
        let mut shared = SharedFlow::new(now, TransportId(0), TransportId(1));
        assert!((2..count).all(|id| shared.join(now, TransportId(id))));
        shared
    }

    /// Who was asked to open a packet that only `owner` can.
    fn asked(shared: &mut SharedFlow, known: &[u64], owner: u64) -> Vec<u64> {
        let mut asked = Vec::new();
        let knows = |id: TransportId| known.contains(&id.0);
        let opens = |id: TransportId| {
            asked.push(id.0);
            id.0 == owner
        };
        shared.open(Instant::now(), SSRC, &mut Tries::default(), knows, opens);
        asked
    }

    #[test]
    fn who_was_told_of_a_stream_is_asked_alone() {
        let mut shared = shared(64);
        assert_eq!(asked(&mut shared, &[40], 40), [40]);
        assert_eq!(asked(&mut shared, &[50], 99), [40, 50], "nobody else, though none could");
    }

    #[test]
    fn who_opened_a_stream_gets_it_at_once_from_then_on() {
        let mut shared = shared(3);
        while asked(&mut shared, &[], 2).last() != Some(&2) {}
        assert_eq!(asked(&mut shared, &[], 2), [2]);
    }

    #[test]
    fn a_stream_that_was_learned_from_somebody_else_goes_on_to_its_owner() {
        let mut shared = shared(2);
        asked(&mut shared, &[], 1);
        assert_eq!(asked(&mut shared, &[], 0), [1, 0], "the same SSRC of another one");
        assert_eq!(asked(&mut shared, &[], 0), [0]);
    }

    #[test]
    fn every_peer_of_many_is_found_by_some_packet_and_each_costs_few_tries() {
        for owner in 0..MAX_SHARING as u64 {
            let mut shared = shared(MAX_SHARING as u64);
            let packets = (0..200).take_while(|_| {
                let asked = asked(&mut shared, &[], owner);
                assert!(asked.len() <= MAX_TRIES);
                asked.last() != Some(&owner)
            });
            assert!(packets.count() < MAX_SHARING);
        }
    }

    #[test]
    fn without_budget_only_what_is_known_is_opened() {
        let mut shared = shared(2);
        asked(&mut shared, &[1], 1);
        let (now, mut budget) = (Instant::now(), Tries::default());
        while budget.take(now) {}
        let mut tried = |stream, known: bool| {
            let mut tried = Vec::new();
            let opens = |id: TransportId| {
                tried.push(id.0);
                true
            };
            shared.open(now, stream, &mut budget, |_| known, opens);
            tried
        };
        assert_eq!(tried(Stream::Rtp(8), false), [0; 0]);
        assert_eq!(tried(SSRC, false), [1], "it was learned before");
        assert_eq!(tried(Stream::Rtp(9), true), [0], "the first knows it");
    }

    #[test]
    fn what_belonged_to_a_peer_that_left_is_forgotten() {
        let mut shared = shared(3);
        asked(&mut shared, &[2], 2);
        assert_eq!(shared.leave(TransportId(2)), None);
        assert!(!asked(&mut shared, &[], 2).contains(&2));
        assert_eq!(shared.leave(TransportId(1)), Some(TransportId(0)));
    }

    #[test]
    fn streams_of_a_peer_that_makes_them_up_are_bounded() {
        let mut shared = shared(2);
        for ssrc in 0..3 * MAX_STREAMS as u32 {
            let stream = Stream::Rtp(ssrc);
            shared.open(Instant::now(), stream, &mut Tries::default(), |_| true, |_| true);
        }
        assert!(shared.streams.len() <= MAX_STREAMS);
    }
}
