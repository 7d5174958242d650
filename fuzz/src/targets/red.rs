//! The first two bytes of each packet move its numbers, the third is the length of its payload.

use std::collections::HashSet;

use medialoom::codec::red::{self, MAX_BLOCKS, Red};
use medialoom::sfu::RedRecovery;

pub fn run(data: &[u8]) {
    let mut recovery = RedRecovery::default();
    let (mut sequence, mut timestamp) = (1_000u64, 0u32);
    let mut known = HashSet::new();
    let mut rest = data;
    while let [step, time, length, tail @ ..] = rest {
        let (payload, next) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = next;
        sequence = sequence.saturating_add_signed(i64::from(*step as i8));
        timestamp = timestamp.wrapping_add(u32::from(*time) * 120);
        if let Some(red) = Red::parse(payload) {
            assert_eq!(red::primary(payload), Some(&payload[red.start_of(MAX_BLOCKS)..]));
        }
        recovery.receive(sequence, timestamp);
        known.insert(sequence);
        recovery.recover(sequence, timestamp, 111, payload, |lost, _, data| {
            assert!(known.insert(lost), "{lost} was there");
            assert!(!data.is_empty());
        });
    }
}
