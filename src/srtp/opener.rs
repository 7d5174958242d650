//! Opening the SRTCP that the other side sends.

use super::keys::Packets;
use super::replay::ReplayGuard;
use super::{Cipher, KeyingMaterial, RTCP_HEADER_LEN, SrtcpIndex, cm, rtcp_sender};

/// Opens the SRTCP that the other side sends.
pub struct RtcpOpener {
    cipher: Cipher,
    overhead: usize,
    replay: ReplayGuard,
}

impl RtcpOpener {
    /// `client` tells whether this side was the DTLS client: it opens with the server's key
    /// (RFC 5764 4.2). `None` when the cryptography refuses the keys.
    pub fn new(material: &KeyingMaterial, client: bool) -> Option<Self> {
        let profile = material.profile();
        Some(Self {
            cipher: Cipher::new(material, !client, Packets::Rtcp)?,
            overhead: profile.rtcp_overhead(),
            replay: ReplayGuard::default(),
        })
    }

    /// Authenticates and decrypts a packet into `plain`, which is cleared first. False, and nothing
    /// in `plain`, when it is malformed, not encrypted, replayed or not authentic.
    pub fn open(&mut self, packet: &[u8], plain: &mut Vec<u8>) -> bool {
        plain.clear();
        let opened = self.try_open(packet, plain).is_some();
        if !opened {
            plain.clear();
        }
        opened
    }

    /// Senders whose packets were opened, each with its highest index, and the bytes that come
    /// behind an index.
    pub fn senders(&self) -> impl Iterator<Item = (usize, u32, u32)> {
        let tag = match self.cipher {
            Cipher::Gcm(_) | Cipher::Null => 0,
            Cipher::CounterMode(_) => cm::TAG_LEN,
        };
        self.replay.senders().map(move |(ssrc, index)| (tag, ssrc, index))
    }

    fn try_open(&mut self, packet: &[u8], plain: &mut Vec<u8>) -> Option<()> {
        // Version 2, and at least the header in the clear (RFC 3550 6.4.1).
        if packet.len() < RTCP_HEADER_LEN + self.overhead || packet[0] >> 6 != 2 {
            return None;
        }
        let ssrc = rtcp_sender(packet)?;
        let index = SrtcpIndex::from_bytes(*match &self.cipher {
            Cipher::Null => {
                plain.extend_from_slice(packet);
                return Some(());
            }
            Cipher::Gcm(_) => packet.last_chunk()?,
            Cipher::CounterMode(_) => packet[..packet.len() - cm::TAG_LEN].last_chunk()?,
        })?;
        // Asked before the costly part, but recorded only after it, or a forger could close the
        // window to the true sender.
        if !self.replay.accepts(ssrc, index.0) {
            return None;
        }
        match &self.cipher {
            Cipher::Gcm(gcm) => gcm.open_rtcp(packet, ssrc, index, plain)?,
            Cipher::CounterMode(mode) => mode.open_rtcp(packet, ssrc, index, plain)?,
            Cipher::Null => {}
        }
        self.replay.record(ssrc, index.0);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::interoperability::material;
    use super::super::keys::SessionKeys;
    use super::super::keys::tests::hex;
    use super::super::{Profile, Sealer};
    use super::*;

    /// A receiver report with one block, then PLI.
    const COMPOUND: [u8; 44] = [
        0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
        17, 18, 19, 20, 21, 22, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,
    ];

    struct Pair {
        sealer: Sealer,
        opener: RtcpOpener,
    }

    impl Pair {
        fn new(profile: Profile) -> Self {
            let material = material(profile);
            Self {
                sealer: Sealer::new(&material, true).unwrap(),
                opener: RtcpOpener::new(&material, false).unwrap(),
            }
        }

        fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
            let mut packet = [plain, &[0; 32]].concat();
            let len = self.sealer.seal_rtcp(&mut packet, plain.len()).unwrap();
            packet.truncate(len);
            packet
        }

        #[track_caller]
        fn refuses(&mut self, packet: &[u8]) {
            let mut plain = vec![1, 2, 3];
            assert!(!self.opener.open(packet, &mut plain));
            assert!(plain.is_empty());
        }

        #[track_caller]
        fn opens(&mut self, packet: &[u8], expected: &[u8]) {
            let mut plain = vec![1, 2, 3];
            assert!(self.opener.open(packet, &mut plain));
            assert_eq!(plain, expected);
        }
    }

    #[test]
    fn what_is_sealed_opens_to_the_same() {
        for profile in Profile::ALL {
            let mut pair = Pair::new(profile);
            // A receiver report without blocks is the shortest compound.
            for len in [8, 12, 32, 44] {
                let packet = pair.seal(&COMPOUND[..len]);
                assert_eq!(packet.len(), len + profile.rtcp_overhead());
                assert_eq!(packet[..8], COMPOUND[..8], "{profile:?}: the header is in the clear");
                assert!(len == 8 || packet[8..len] != COMPOUND[8..len], "{profile:?}");
                pair.opens(&packet, &COMPOUND[..len]);
            }
        }
    }

    #[test]
    fn what_a_packet_says_of_itself_is_what_was_opened() {
        use super::super::rtcp_numbers;
        for profile in Profile::ALL {
            let mut pair = Pair::new(profile);
            for _ in 0..3 {
                let packet = pair.seal(&COMPOUND);
                assert!(
                    !pair.opener.senders().any(|known| rtcp_numbers(&packet).any(|n| n == known))
                );
                pair.opens(&packet, &COMPOUND);
                let [known] = pair.opener.senders().collect::<Vec<_>>()[..] else { panic!() };
                assert!(rtcp_numbers(&packet).any(|numbers| numbers == known), "{profile:?}");
            }
        }
    }

    #[test]
    fn either_side_may_be_the_client() {
        for profile in Profile::ALL {
            let material = material(profile);
            for client in [true, false] {
                let mut pair = Pair {
                    sealer: Sealer::new(&material, client).unwrap(),
                    opener: RtcpOpener::new(&material, !client).unwrap(),
                };
                let packet = pair.seal(&COMPOUND);
                let mut own = RtcpOpener::new(&material, client).unwrap();
                assert!(!own.open(&packet, &mut Vec::new()), "that is the other one's key");
                pair.opens(&packet, &COMPOUND);
            }
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        for profile in Profile::ALL {
            let mut pair = Pair::new(profile);
            let packet = pair.seal(&COMPOUND);
            for bit in 0..packet.len() * 8 {
                let mut changed = packet.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                pair.refuses(&changed);
            }
            // None of them closed the window to the true one.
            pair.opens(&packet, &COMPOUND);
        }
    }

    #[test]
    fn every_cut_and_every_extension_is_noticed() {
        for profile in Profile::ALL {
            let mut pair = Pair::new(profile);
            let packet = pair.seal(&COMPOUND);
            for len in 0..packet.len() {
                pair.refuses(&packet[..len]);
            }
            pair.refuses(&[&packet[..], &[0]].concat());
            pair.refuses(&[&packet[..], &packet[packet.len() - 4..]].concat());
            pair.opens(&packet, &COMPOUND);
        }
    }

    #[test]
    fn a_packet_opens_once() {
        for profile in Profile::ALL {
            let mut pair = Pair::new(profile);
            let packets: Vec<_> = (0..130).map(|_| pair.seal(&COMPOUND)).collect();
            pair.opens(&packets[1], &COMPOUND);
            pair.refuses(&packets[1]);
            pair.opens(&packets[129], &COMPOUND);
            pair.opens(&packets[2], &COMPOUND);
            pair.refuses(&packets[0]);
            pair.refuses(&packets[1]);
            pair.refuses(&packets[2]);
        }
    }

    #[test]
    fn a_packet_that_is_only_authenticated_is_refused() {
        // RFC 7714 17.1 and 17.3: the same compound, encrypted and not.
        let keys = SessionKeys::for_test(
            &hex("000102030405060708090a0b0c0d0e0f"),
            &hex("517569642070726f2071756f"),
        );
        let mut pair = Pair::new(Profile::AeadAes128Gcm);
        pair.opener.cipher =
            Cipher::with_keys(Profile::AeadAes128Gcm, &keys, Packets::Rtcp).unwrap();
        let plain = hex("81c8000d4d617273 4e5450314e545032525450200000042a 0000e9304c756e61
            deadbeefdeadbeefdeadbeefdeadbeefdeadbeef");
        pair.refuses(&[&plain[..], &hex("841dd9683dd78ec92ae58790125f62b3 000005d4")].concat());
        pair.opens(
            &hex("81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d
                c676a5f1730d6fda4ce09b4686303ded0bb9275b c84aa45896cf4d2fc5abf87245d9eade
                800005d4"),
            &plain,
        );
    }

    #[test]
    fn random_bytes_are_refused() {
        use rand::{Rng, SeedableRng, rngs::SmallRng};
        let mut random = SmallRng::seed_from_u64(1);
        for profile in Profile::ALL {
            let mut pair = Pair::new(profile);
            for _ in 0..2000 {
                let mut packet = vec![0; random.random_range(0..100)];
                random.fill(&mut packet[..]);
                if let Some(first) = packet.first_mut() {
                    *first = *first & 0x3f | 0x80;
                }
                pair.refuses(&packet);
            }
        }
    }
}
