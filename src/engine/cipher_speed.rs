//! Notices a machine on which sealing is slow: one without AES instructions, or one where they are
//! hidden from the library, which an `OPENSSL_ia32cap` that is set but empty does. Everything still
//! works there, at a tenth of the packets.

use std::time::{Duration, Instant};

use crate::srtp::{KeyingMaterial, Profile, Sealer};

/// Far above what any processor with AES instructions takes for a full packet.
const SLOW: Duration = Duration::from_micros(8);
const PACKET: usize = 1_200;
const PACKETS: u32 = 16;

/// What sealing a full packet takes, if that is far too long. Takes some microseconds itself.
pub fn slow_cipher(clock: impl Fn() -> Instant) -> Option<Duration> {
    let profile = Profile::AeadAes256Gcm;
    let bytes = vec![1; 2 * (profile.key_len() + profile.salt_len())];
    let sealer = Sealer::new(&KeyingMaterial::new(profile, &bytes)?, true)?;
    let payload = vec![0; PACKET];
    let mut out = vec![0; PACKET + 100];
    out[0] = 0x80;
    // The best of several: a thread that was interrupted is not a slow one.
    let best = (0..PACKETS).map(|index| {
        out[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        let before = clock();
        sealer.seal_rtp(&mut out, 12, 0, u64::from(index), &[], &payload, 0);
        clock().saturating_duration_since(before)
    });
    best.min().filter(|best| *best > SLOW)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_slow_cipher_is_noticed_and_a_single_pause_is_not() {
        let start = Instant::now();
        let clock = |step: fn(u32) -> u64| {
            let (calls, now) = (Cell::new(0), Cell::new(start));
            move || {
                calls.set(calls.get() + 1);
                now.set(now.get() + Duration::from_micros(step(calls.get())));
                now.get()
            }
        };
        assert_eq!(slow_cipher(clock(|_| 1)), None);
        assert_eq!(slow_cipher(clock(|call| if call == 2 { 5_000 } else { 1 })), None);
        assert_eq!(slow_cipher(clock(|_| 30)), Some(Duration::from_micros(30)));
    }
}
