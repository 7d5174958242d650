//! Opening the SRTP that the other side sends.

use super::keys::Packets;
use super::{Cipher, KeyingMaterial};

/// Opens the SRTP that the other side sends. It knows no streams: indices and replays are the
/// caller's, for each SSRC a [`PacketIndex`](super::PacketIndex), which changes after a packet was
/// opened and never before.
pub struct RtpOpener {
    cipher: Cipher,
    overhead: usize,
}

impl RtpOpener {
    /// `client` tells whether this side was the DTLS client: it opens with the server's key
    /// (RFC 5764 4.2). `None` when the cryptography refuses the keys.
    pub fn new(material: &KeyingMaterial, client: bool) -> Option<Self> {
        let profile = material.profile();
        Some(Self {
            cipher: Cipher::new(material, !client, Packets::Rtp)?,
            overhead: profile.rtp_overhead(),
        })
    }

    /// Authenticates a packet and decrypts what follows its header into `plain`, whose contents
    /// before are lost. `header` is the length of the part in the clear: fixed header, CSRCs and
    /// extensions. False, and nothing in `plain`, when the packet is too short or not authentic
    /// under this SSRC and index.
    pub fn open(
        &self,
        packet: &[u8],
        header: usize,
        ssrc: u32,
        index: u64,
        plain: &mut Vec<u8>,
    ) -> bool {
        let opened = self.try_open(packet, header, ssrc, index, plain).is_some();
        if !opened {
            plain.clear();
        }
        opened
    }

    fn try_open(
        &self,
        packet: &[u8],
        header: usize,
        ssrc: u32,
        index: u64,
        plain: &mut Vec<u8>,
    ) -> Option<()> {
        let (clear, body) = packet.split_at_checked(header)?;
        if body.len() < self.overhead {
            return None;
        }
        match &self.cipher {
            Cipher::Gcm(gcm) => gcm.open_rtp(clear, body, ssrc, index, plain),
            Cipher::CounterMode(mode) => mode.open_rtp(packet, header, ssrc, index, plain),
            Cipher::Null => {
                plain.clear();
                plain.extend_from_slice(body);
                Some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::interoperability::material;
    use super::super::keys::SessionKeys;
    use super::super::keys::tests::hex;
    use super::super::{PacketIndex, Profile, Sealer};
    use super::*;

    const SSRC: u32 = 0xfedc_ba98;

    fn pair(profile: Profile) -> (Sealer, RtpOpener) {
        let material = material(profile);
        (Sealer::new(&material, true).unwrap(), RtpOpener::new(&material, false).unwrap())
    }

    fn sealed(sealer: &Sealer, index: u64, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x90, 96];
        packet.extend((index as u16).to_be_bytes());
        packet.extend([1, 2, 3, 4]);
        packet.extend(SSRC.to_be_bytes());
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
        packet.resize(20 + payload.len() + 32, 0);
        let len = sealer.seal_rtp(&mut packet, 20, SSRC, index, &[], payload, 0).unwrap();
        packet.truncate(len);
        packet
    }

    #[test]
    fn what_is_sealed_opens_to_the_same() {
        for profile in Profile::ALL {
            let (sealer, opener) = pair(profile);
            for len in [0, 1, 15, 16, 1200] {
                for index in [0, 0xffff, 0x1_0000, 0xffff_ffff_ffff] {
                    let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
                    let packet = sealed(&sealer, index, &payload);
                    let mut plain = vec![9; 40];
                    assert!(opener.open(&packet, 20, SSRC, index, &mut plain), "{profile:?}");
                    assert_eq!(plain, payload);
                }
            }
        }
    }

    #[test]
    fn the_other_sides_key_opens_nothing() {
        for profile in Profile::ALL {
            let (sealer, _) = pair(profile);
            let own = RtpOpener::new(&material(profile), true).unwrap();
            assert!(!own.open(&sealed(&sealer, 1, b"x"), 20, SSRC, 1, &mut Vec::new()));
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        for profile in Profile::ALL {
            let (sealer, opener) = pair(profile);
            let packet = sealed(&sealer, 7, b"some payload");
            let mut plain = Vec::new();
            for bit in 0..packet.len() * 8 {
                let mut changed = packet.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!opener.open(&changed, 20, SSRC, 7, &mut plain), "bit {bit}");
                assert!(plain.is_empty());
            }
            for len in 0..packet.len() {
                assert!(!opener.open(&packet[..len], 20, SSRC, 7, &mut plain), "{len} bytes");
            }
            assert!(opener.open(&packet, 20, SSRC, 7, &mut plain));
        }
    }

    #[test]
    fn another_index_or_ssrc_opens_nothing() {
        for profile in Profile::ALL {
            let (sealer, opener) = pair(profile);
            let packet = sealed(&sealer, 0x1_0007, b"some payload");
            let mut plain = Vec::new();
            assert!(!opener.open(&packet, 20, SSRC, 7, &mut plain), "the counter is part of it");
            // Counter mode authenticates the SSRC where it is, in the header.
            if matches!(profile, Profile::AeadAes128Gcm | Profile::AeadAes256Gcm) {
                assert!(!opener.open(&packet, 20, SSRC + 1, 0x1_0007, &mut plain));
            }
        }
    }

    #[test]
    fn a_stream_goes_on_over_a_rollover_in_both_directions() {
        for profile in Profile::ALL {
            let (sealer, opener) = pair(profile);
            let packet = |index: u64| sealed(&sealer, index, &index.to_be_bytes());
            let mut plain = Vec::new();
            let mut known = PacketIndex::new(0xfffd);
            // The late 0xfffe and 0xffff come after the counter went up.
            for index in [0x1_0000, 0x1_0001, 0xffff, 0xfffe, 0x1_0002] {
                let guess = known.guess(index as u16).unwrap();
                assert!(known.accepts(guess));
                assert!(opener.open(&packet(index), 20, SSRC, guess, &mut plain));
                assert_eq!(plain, index.to_be_bytes());
                known.record(guess);
                assert!(!known.accepts(guess), "a replay");
            }
        }
    }

    #[test]
    fn gcm_opens_the_packets_of_rfc_7714_16() {
        let key = hex("000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f");
        let header = hex("8040f17b8041f8d35501a0b2");
        let text = hex("47616c6c696120657374206f6d6e697320646976697361
            20696e207061727465732074726573");
        for (len, body) in [
            (
                16,
                "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b
                 36de3adf8833899d7f27beb16a9152cf765ee4390cce",
            ),
            (
                32,
                "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f
                 1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
            ),
        ] {
            let keys = SessionKeys::for_test(&key[..len], &hex("517569642070726f2071756f"));
            let profile = if len == 16 { Profile::AeadAes128Gcm } else { Profile::AeadAes256Gcm };
            let cipher = Cipher::with_keys(profile, &keys, Packets::Rtp).unwrap();
            let opener = RtpOpener { cipher, overhead: profile.rtp_overhead() };
            let packet = [&header[..], &hex(body)].concat();
            let mut plain = Vec::new();
            assert!(opener.open(&packet, 12, 0x5501_a0b2, 0xf17b, &mut plain), "{profile:?}");
            assert_eq!(plain, text);
        }
    }
}
