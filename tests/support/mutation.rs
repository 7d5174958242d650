//! Good packets, a little wrong. The same seed, the same packets.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// Values that lengths and numbers go wrong at.
const EDGES: [u16; 8] = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff];
/// None is longer.
const MAX_LENGTH: usize = 8000;

pub struct Mutation {
    pub random: SmallRng,
}

impl Mutation {
    pub fn new(seed: u64) -> Self {
        Self { random: SmallRng::seed_from_u64(seed) }
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound.max(1))
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.random.fill(&mut bytes[..]);
        bytes
    }

    /// One of these with one to four changes.
    pub fn of(&mut self, good: &[Vec<u8>]) -> Vec<u8> {
        let mut packet = good[self.below(good.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut packet, good);
        }
        packet.truncate(MAX_LENGTH);
        packet
    }

    fn change(&mut self, packet: &mut Vec<u8>, good: &[Vec<u8>]) {
        let at = self.below(packet.len());
        match self.below(8) {
            0 if at < packet.len() => packet[at] ^= 1 << self.below(8),
            1 if at < packet.len() => packet[at] = self.random.random(),
            2 | 3 => {
                let edge = EDGES[self.below(EDGES.len())].to_be_bytes();
                packet.iter_mut().skip(at).zip(edge).for_each(|(byte, new)| *byte = new);
            }
            4 => packet.truncate(at),
            5 => {
                let length = self.below(24);
                packet.splice(at..at, self.bytes(length));
            }
            // A piece of it once more.
            6 => {
                let end = at + self.below(packet.len() - at);
                let piece = packet[at..end].to_vec();
                packet.extend(piece);
            }
            // How another one ends.
            _ => {
                let other = &good[self.below(good.len())];
                let from = self.below(other.len());
                packet.truncate(at);
                packet.extend(&other[from.min(other.len())..]);
            }
        }
    }
}
