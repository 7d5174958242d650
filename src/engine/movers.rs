//! Which peer a datagram may be from when its address is nobody's: one whose streams it goes on.
//! Whether it is, the peer's keys decide.

use std::time::{Duration, Instant};

use crate::control::ids::TransportId;
use crate::engine::tries::Tries;
use crate::peer::trace::{Trace, streams};

/// Peers are looked at this often at most, while datagrams come from nobody's addresses.
const REFRESH: Duration = Duration::from_millis(50);
/// Peers that may try to open one datagram.
const MAX_TRIES: usize = 8;
/// What a peer may have sent while nobody knew where it is. A browser sends some twenty
/// RTCP packets a second.
const MAX_AHEAD: u32 = 4096;

/// Where the streams of all peers are, while somebody looks for them.
#[derive(Default)]
pub struct Movers {
    /// Sorted. All browsers that only receive call themselves 1 in RTCP, so that there may be
    /// many of one stream.
    traces: Vec<(Trace, TransportId)>,
    refreshed: Option<Instant>,
    budget: Tries,
}

impl Movers {
    /// Whether a look at all peers is due before [`Movers::find`].
    pub fn is_stale(&self, now: Instant, bytes: &[u8]) -> bool {
        self.refreshed.is_none_or(|at| now >= at + REFRESH) && streams(bytes).next().is_some()
    }

    /// Remembers the traces of all peers that may have moved. `collect` adds them to what it gets.
    pub fn refresh(&mut self, now: Instant, collect: impl FnOnce(&mut Vec<(Trace, TransportId)>)) {
        self.refreshed = Some(now);
        self.traces.clear();
        collect(&mut self.traces);
        self.traces.sort_unstable();
    }

    /// Whose datagram it is, as `claims` says.
    pub fn find(
        &mut self,
        now: Instant,
        bytes: &[u8],
        mut claims: impl FnMut(TransportId) -> bool,
    ) -> Option<TransportId> {
        let mut tries = 0;
        for (stream, number) in streams(bytes) {
            let same = |(trace, _): &&(Trace, TransportId)| trace.stream == stream;
            // Those that are a little behind are right before the place where it would be. RTP
            // sequence numbers start over.
            let place = Trace { stream, newest: number };
            let place = self.traces.partition_point(|(trace, _)| *trace < place);
            let (before, after) = self.traces.split_at(place);
            let candidates = before
                .iter()
                .rev()
                .take_while(same)
                .chain(after.iter().take_while(same))
                .take(MAX_TRIES)
                .filter(|(trace, _)| trace.ahead(number).is_some_and(|ahead| ahead <= MAX_AHEAD));
            for (_, id) in candidates {
                if tries == MAX_TRIES || !self.budget.take(now) {
                    return None;
                }
                tries += 1;
                if claims(*id) {
                    return Some(*id);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Stream;

    /// An SRTCP packet without a tag behind its index.
    fn rtcp(ssrc: u32, index: u32) -> Vec<u8> {
        let mut packet = vec![0x80, 201, 0, 1];
        packet.extend(ssrc.to_be_bytes());
        packet.extend([7; 16]);
        packet.extend((index | 0x8000_0000).to_be_bytes());
        packet
    }

    fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 96];
        packet.extend(sequence.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(ssrc.to_be_bytes());
        packet.extend([7; 30]);
        packet
    }

    fn rtcp_trace(ssrc: u32, newest: u32, id: u64) -> (Trace, TransportId) {
        (Trace { stream: Stream::Rtcp { tag: 0, ssrc }, newest }, TransportId(id))
    }

    fn rtp_trace(ssrc: u32, newest: u32, id: u64) -> (Trace, TransportId) {
        (Trace { stream: Stream::Rtp { ssrc }, newest }, TransportId(id))
    }

    /// Who was asked, one after the other, when nobody's it was.
    fn asked(traces: &[(Trace, TransportId)], bytes: &[u8]) -> Vec<u64> {
        let mut asked = Vec::new();
        let claims = |id: TransportId| {
            asked.push(id.0);
            false
        };
        let (mut movers, now) = (Movers::default(), Instant::now());
        assert!(movers.is_stale(now, bytes));
        movers.refresh(now, |into| into.extend_from_slice(traces));
        assert_eq!(movers.find(now, bytes, claims), None);
        asked
    }

    #[test]
    fn of_many_with_one_name_the_nearest_is_asked_first() {
        let traces: Vec<_> = (0..100).map(|n| rtcp_trace(1, n * 10, u64::from(n))).collect();
        assert_eq!(asked(&traces, &rtcp(1, 41)), [4, 3, 2, 1, 0]);
        assert_eq!(asked(&traces, &rtcp(1, 985)), [98, 97, 96, 95, 94, 93, 92, 91]);
        assert_eq!(asked(&traces, &rtcp(2, 41)), [0; 0]);
    }

    #[test]
    fn nobody_is_asked_about_what_came_before_or_is_far_away() {
        let traces = [rtcp_trace(1, 50, 1), rtp_trace(7, 50, 2)];
        for index in [0, 49, 50, 50 + MAX_AHEAD + 1, 0x7fff_ffff] {
            assert_eq!(asked(&traces, &rtcp(1, index)), [0; 0], "{index}");
        }
        assert_eq!(asked(&traces, &rtcp(1, 50 + MAX_AHEAD)), [1]);
        assert_eq!(asked(&traces, &rtp(7, 50)), [0; 0]);
        assert_eq!(asked(&traces, &rtp(7, 49)), [0; 0]);
        assert_eq!(asked(&traces, &rtp(7, 51)), [2]);
        assert_eq!(asked(&traces, &rtp(8, 51)), [0; 0]);
    }

    #[test]
    fn sequence_numbers_that_start_over_go_on() {
        assert_eq!(asked(&[rtp_trace(7, 0xfff0, 1)], &rtp(7, 5)), [1]);
        assert_eq!(asked(&[rtp_trace(7, 5, 1)], &rtp(7, 0xfff0)), [0; 0]);
    }

    #[test]
    fn strangers_cost_a_bounded_number_of_tries_and_looks() {
        use rand::{Rng, SeedableRng, rngs::SmallRng};
        let mut random = SmallRng::seed_from_u64(1);
        // A thousand viewers that all may have moved, and a stranger who knows how browsers count.
        let traces: Vec<_> = (0..1000).map(|n| rtcp_trace(1, n, u64::from(n))).collect();
        let mut movers = Movers::default();
        let start = Instant::now();
        let (mut tries, mut looks) = (0u32, 0u32);
        for millisecond in 0..3000 {
            let now = start + Duration::from_millis(millisecond);
            for _ in 0..100 {
                let packet = rtcp(1, random.random_range(1..2000));
                if movers.is_stale(now, &packet) {
                    looks += 1;
                    movers.refresh(now, |into| into.extend_from_slice(&traces));
                }
                let before = tries;
                let claims = |_| {
                    tries += 1;
                    false
                };
                assert_eq!(movers.find(now, &packet, claims), None);
                assert!(tries - before <= MAX_TRIES as u32);
            }
        }
        assert_eq!(tries, 3 * Tries::MAX_PER_SECOND, "300,000 datagrams in three seconds");
        assert_eq!(looks, 60);
    }

    #[test]
    fn what_names_no_stream_costs_nothing() {
        let mut movers = Movers::default();
        for bytes in [&[][..], &[0; 40], &[22; 40], &[0x80; 11], &[0x80, 201, 0, 1, 0, 0, 0]] {
            let now = Instant::now();
            assert!(!movers.is_stale(now, bytes), "nobody is looked at");
            assert_eq!(movers.find(now, bytes, |_| true), None);
        }
    }

    #[test]
    fn a_peer_that_says_it_is_its_own_is_found() {
        let traces: Vec<_> = (0..5).map(|n| rtcp_trace(1, 10, n)).collect();
        let (mut movers, now) = (Movers::default(), Instant::now());
        movers.refresh(now, |into| into.extend_from_slice(&traces));
        let found = movers.find(now, &rtcp(1, 12), |id| id.0 == 3);
        assert_eq!(found, Some(TransportId(3)));
    }
}
