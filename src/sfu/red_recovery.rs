//! Packets that were lost on the way from their sender, taken out of the redundancy of those that
//! came (RFC 2198). Done once where the packets arrive, so that all receivers get them, with the
//! numbers that the lost ones had.

use crate::codec::red::{self, Red};

/// Packets remembered: with 10 ms each as long as an offset of 14 bits at 48 kHz reaches.
const REMEMBERED: usize = 36;

/// Of one encoding.
#[derive(Default, Debug)]
pub struct RedRecovery {
    /// Sequence number and timestamp of what is there, by sequence number.
    known: Vec<(u64, u32)>,
}

impl RedRecovery {
    /// A packet came, with RED or without.
    pub fn receive(&mut self, sequence: u64, timestamp: u32) {
        let place = self.known.partition_point(|(known, _)| *known < sequence);
        if self.known.get(place).is_some_and(|(known, _)| *known == sequence) {
            return;
        }
        if self.known.len() < REMEMBERED {
            self.known.insert(place, (sequence, timestamp));
        } else if place > 0 {
            self.known.remove(0);
            self.known.insert(place - 1, (sequence, timestamp));
        }
    }

    /// Gives what the redundancy of a packet has of lost ones: their sequence numbers, timestamps
    /// and payloads, each once. `pt` is the payload type of what is inside.
    ///
    /// A redundant block tells its timestamp only. Which number the lost packet had follows from
    /// its neighbours, and where that is not certain, nothing is given: the number of another
    /// packet would keep that one out when it comes late.
    pub fn recover<'a>(
        &mut self,
        sequence: u64,
        timestamp: u32,
        pt: u8,
        payload: &'a [u8],
        mut found: impl FnMut(u64, u32, &'a [u8]),
    ) {
        let Some(red) = Red::parse(payload) else { return };
        let lost = |block: &&red::Block| block.pt == pt && block.offset > 0 && block.length > 0;
        for (index, block) in red.redundant().iter().enumerate().filter(|(_, b)| lost(b)) {
            let at = timestamp.wrapping_sub(u32::from(block.offset));
            let Some(gap) = self.gap_around(sequence, at) else { continue };
            let rest = red.redundant()[index..].iter().filter(lost);
            let inside =
                rest.filter(|b| gap.holds(timestamp.wrapping_sub(b.offset.into()))).count();
            if let Some(number) = gap.number_of(at, inside as u64, self.frame()) {
                self.receive(number, at);
                found(number, at, red.data(block));
            }
        }
    }

    /// The time between packets that follow each other without a pause.
    fn frame(&self) -> Option<u32> {
        let pairs = self.known.windows(2).filter(|pair| pair[0].0 + 1 == pair[1].0);
        pairs.map(|pair| pair[1].1.wrapping_sub(pair[0].1)).min()
    }

    /// What is missing around a timestamp before the packet `newest`.
    fn gap_around(&self, newest: u64, at: u32) -> Option<Gap> {
        let upper = self.known.iter().rposition(|(number, _)| *number <= newest)?;
        let lower = self.known[..upper].iter().rposition(|(_, time)| reaches(at, *time))?;
        let gap = Gap { before: self.known[lower], after: self.known[lower + 1] };
        (gap.missing() > 0 && gap.holds(at)).then_some(gap)
    }
}

/// Whether `at` is not before `time`.
fn reaches(at: u32, time: u32) -> bool {
    (at.wrapping_sub(time) as i32) >= 0
}

/// Between two packets that are there.
struct Gap {
    before: (u64, u32),
    after: (u64, u32),
}

impl Gap {
    fn missing(&self) -> u64 {
        self.after.0 - self.before.0 - 1
    }

    fn holds(&self, at: u32) -> bool {
        at != self.before.1 && reaches(at, self.before.1) && !reaches(at, self.after.1)
    }

    /// The sequence number that belongs to a timestamp, of which `inside` from there on are known
    /// to be in the gap.
    fn number_of(&self, at: u32, inside: u64, frame: Option<u32>) -> Option<u64> {
        if inside == self.missing() {
            return Some(self.before.0 + 1);
        }
        // Without a pause there is just room for what is missing.
        let frame = u64::from(frame.filter(|frame| *frame > 0)?);
        let span = u64::from(self.after.1.wrapping_sub(self.before.1));
        let distance = u64::from(at.wrapping_sub(self.before.1));
        let full = span == frame * (self.missing() + 1) && distance % frame == 0;
        full.then(|| self.before.0 + distance / frame)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, RngCore, SeedableRng};

    use super::*;

    const PT: u8 = 111;
    const FRAME: u32 = 960;
    const NONE: [u64; 0] = [];

    /// Packets with their timestamps, each of which repeats as many before it as `depth` says.
    struct Sender {
        packets: Vec<(u64, u32)>,
        depth: usize,
    }

    impl Sender {
        fn new(timestamps: &[u32], depth: usize) -> Self {
            let packets =
                timestamps.iter().enumerate().map(|(i, t)| (i as u64 + 500, *t)).collect();
            Self { packets, depth }
        }

        fn payload(&self, index: usize) -> Vec<u8> {
            let now = self.packets[index].1;
            let before = &self.packets[index.saturating_sub(self.depth)..index];
            let reach = |p: &&(u64, u32)| now.wrapping_sub(p.1) <= red::MAX_OFFSET;
            let before: Vec<_> = before.iter().filter(reach).collect();
            let mut payload = Vec::new();
            for (_, time) in &before {
                payload.extend(red::header(PT, now.wrapping_sub(*time) as u16, 8));
            }
            payload.push(PT);
            for (number, _) in &before {
                payload.extend(number.to_be_bytes());
            }
            payload.extend(self.packets[index].0.to_be_bytes());
            payload
        }

        /// Sends all but the lost ones; gives the numbers of those that were recovered.
        fn run(&self, lost: &[usize]) -> Vec<u64> {
            let arriving: Vec<usize> =
                (0..self.packets.len()).filter(|index| !lost.contains(index)).collect();
            self.arrive(&mut RedRecovery::default(), &arriving)
        }

        fn arrive(&self, recovery: &mut RedRecovery, order: &[usize]) -> Vec<u64> {
            let mut recovered = Vec::new();
            for &index in order {
                let (number, time) = self.packets[index];
                recovery.receive(number, time);
                let payload = self.payload(index);
                recovery.recover(number, time, PT, &payload, |lost, at, data| {
                    assert!(self.packets.contains(&(lost, at)), "{lost} was sent at {at}");
                    assert_eq!(data, lost.to_be_bytes());
                    recovered.push(lost);
                });
            }
            recovered
        }
    }

    fn even(count: u32) -> Vec<u32> {
        (0..count).map(|i| (u32::MAX - 5 * FRAME).wrapping_add(i * FRAME)).collect()
    }

    #[test]
    fn a_lost_packet_comes_out_of_the_next_one_under_its_own_number() {
        assert_eq!(Sender::new(&even(10), 1).run(&[4, 7]), [504, 507]);
    }

    #[test]
    fn two_in_a_row_take_two_blocks() {
        assert_eq!(Sender::new(&even(10), 2).run(&[4, 5]), [504, 505]);
        assert_eq!(Sender::new(&even(10), 1).run(&[4, 5]), [505], "the first is gone");
    }

    #[test]
    fn nothing_lost_is_nothing_recovered_however_deep_the_redundancy() {
        for depth in 0..6 {
            assert_eq!(Sender::new(&even(50), depth).run(&[]), NONE);
        }
    }

    #[test]
    fn a_packet_is_recovered_once_however_often_it_is_repeated_or_comes_late() {
        let sender = Sender::new(&even(10), 3);
        let mut recovery = RedRecovery::default();
        assert_eq!(sender.arrive(&mut recovery, &[0, 1, 3, 4, 2, 5, 3, 6]), [502]);
    }

    #[test]
    fn silence_between_packets_does_not_shift_the_numbers() {
        let mut timestamps = even(4);
        let silence = 20 * FRAME;
        let last = timestamps[3];
        timestamps.extend((0..4).map(|i| last.wrapping_add(silence + i * FRAME)));
        for depth in 1..4 {
            let sender = Sender::new(&timestamps, depth);
            assert_eq!(sender.run(&[4]), [504], "the first after the silence");
            assert_eq!(sender.run(&[3]), NONE, "too far back for an offset");
        }
        // Which of the two it is cannot be told: nothing between them came.
        assert_eq!(Sender::new(&timestamps, 1).run(&[4, 5]), NONE);
        assert_eq!(Sender::new(&timestamps, 2).run(&[4, 5]), [504, 505]);
    }

    #[test]
    fn what_was_before_the_first_packet_is_not_made_up() {
        let sender = Sender::new(&even(10), 3);
        assert_eq!(sender.arrive(&mut RedRecovery::default(), &[5, 6, 7]), NONE);
    }

    #[test]
    fn at_random_loss_and_order_nothing_wrong_comes_out_and_nothing_twice() {
        let mut random = SmallRng::seed_from_u64(3);
        let mut total = 0;
        for _ in 0..300 {
            let mut time = random.next_u32();
            let timestamps: Vec<u32> = (0..200)
                .map(|_| {
                    let pause =
                        if random.random_bool(0.1) { random.random_range(1..30) } else { 1 };
                    time = time.wrapping_add(FRAME * pause);
                    time
                })
                .collect();
            let sender = Sender::new(&timestamps, random.random_range(1..4));
            let mut order: Vec<usize> = (0..200).filter(|_| random.random_bool(0.85)).collect();
            for at in 1..order.len() {
                if random.random_bool(0.1) {
                    order.swap(at - 1, at);
                }
            }
            let recovered = sender.arrive(&mut RedRecovery::default(), &order);
            let mut unique = recovered.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), recovered.len());
            total += recovered.len();
        }
        assert!(total > 300 * 200 * 15 / 100 / 2, "{total} recovered");
    }

    #[test]
    fn random_payloads_and_numbers_do_no_harm() {
        let mut random = SmallRng::seed_from_u64(4);
        let mut recovery = RedRecovery::default();
        for _ in 0..100_000 {
            let mut payload = vec![0; random.random_range(0..60)];
            random.fill(&mut payload[..]);
            let (sequence, time) = (random.random_range(0..100), random.next_u32() >> 16);
            recovery.receive(sequence, time);
            recovery.recover(sequence, time, PT, &payload, |_, _, _| ());
            assert!(recovery.known.len() <= REMEMBERED);
        }
    }
}
