//! Datagrams of one flow that leave as one buffer.

use std::net::SocketAddr;

use super::address_table::Departure;

/// A run's datagrams together must fit one IP packet as far as the kernel is concerned.
const MAX_RUN: usize = 65_000;

/// Datagrams of one flow, of equal length but for the last, one after the other in a slab.
#[derive(Debug, PartialEq)]
pub(super) struct Run {
    pub(super) departure: Departure,
    pub(super) destination: SocketAddr,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Length of every datagram but the last.
    pub(super) segment: usize,
    pub(super) segments: usize,
    /// Its last datagram is shorter, so that none can follow.
    complete: bool,
}

impl Run {
    /// One datagram, from `start` on.
    pub(super) fn new(
        departure: Departure,
        destination: SocketAddr,
        start: usize,
        length: usize,
    ) -> Self {
        let (end, complete) = (start + length, false);
        Self { departure, destination, start, end, segment: length, segments: 1, complete }
    }

    /// Makes room for one more datagram, if the kernel could still tell it from the others.
    pub(super) fn extend(&mut self, length: usize, max_segments: usize) -> bool {
        let fits = !self.complete
            && length <= self.segment
            && self.segments < max_segments
            && self.end - self.start + length <= MAX_RUN;
        if fits {
            self.end += length;
            self.segments += 1;
            self.complete = length < self.segment;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(segment: usize) -> Run {
        let departure = Departure { socket: 0, source: None };
        Run::new(departure, "127.0.0.1:9".parse().unwrap(), 0, segment)
    }

    #[test]
    fn equal_datagrams_extend_a_run_and_a_shorter_one_ends_it() {
        let mut run = run(1_000);
        assert!(run.extend(1_000, 64));
        assert!(run.extend(400, 64));
        assert!(!run.extend(400, 64));
        assert_eq!((run.segments, run.end), (3, 2_400));
    }

    #[test]
    fn a_longer_datagram_starts_a_new_run() {
        assert!(!run(1_000).extend(1_001, 64));
    }

    #[test]
    fn a_run_stays_within_the_kernels_limits() {
        let mut many = run(100);
        while many.extend(100, 64) {}
        assert_eq!(many.segments, 64);
        let mut large = run(1_200);
        while large.extend(1_200, 64) {}
        assert!(large.end <= MAX_RUN && large.end + 1_200 > MAX_RUN);
        assert!(!run(100).extend(100, 1), "a kernel without segmentation");
    }
}
