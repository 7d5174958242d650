//! str0m's SRTP, with str0m's own key derivation, at the other end of ours.

use str0m::crypto::{
    AeadAes128Gcm, AeadAes256Gcm, Aes128CmSha1_80, CryptoProvider, from_feature_flags,
};

use super::{KeyingMaterial, Profile, RtcpOpener, Sealer};

/// Different bytes for each key and salt.
fn exported(profile: Profile) -> Vec<u8> {
    let len = 2 * (profile.key_len() + profile.salt_len());
    (0..len).map(|n| (n * 7 + 3) as u8).collect()
}

pub(super) fn material(profile: Profile) -> KeyingMaterial {
    KeyingMaterial::new(profile, &exported(profile)).unwrap()
}

/// Those that str0m has.
const DTLS: [Profile; 3] =
    [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];

/// The keys of one direction, as str0m derives them.
struct Str0m {
    profile: Profile,
    provider: CryptoProvider,
    key: Vec<u8>,
    salt: Vec<u8>,
}

impl Str0m {
    fn new(profile: Profile, client: bool) -> Self {
        let bytes = exported(profile);
        let (keys, salts) = bytes.split_at(2 * profile.key_len());
        let side = usize::from(!client);
        Self {
            profile,
            provider: from_feature_flags(),
            key: keys[side * profile.key_len()..][..profile.key_len()].to_vec(),
            salt: salts[side * profile.salt_len()..][..profile.salt_len()].to_vec(),
        }
    }

    fn derive<const LEN: usize>(&self, label: u8) -> [u8; LEN] {
        let mut block = [0; 16];
        block[..self.salt.len()].copy_from_slice(&self.salt);
        block[7] ^= label;
        let mut stream = Vec::new();
        while stream.len() < LEN {
            let mut out = [0; 32];
            match self.profile {
                Profile::AeadAes256Gcm => {
                    self.provider.srtp_provider.srtp_aes_256_ecb_round(&self.key, &block, &mut out)
                }
                _ => {
                    self.provider.srtp_provider.srtp_aes_128_ecb_round(&self.key, &block, &mut out)
                }
            }
            stream.extend_from_slice(&out[..16]);
            block[15] += 1;
        }
        stream[..LEN].try_into().unwrap()
    }

    fn hmac(&self, label: u8, parts: &[&[u8]]) -> [u8; 20] {
        self.provider.sha1_hmac_provider.sha1_hmac(&self.derive::<20>(label), parts)
    }

    /// What is behind the header of an SRTP packet.
    fn open_rtp(&self, packet: &[u8], header: usize, ssrc: u32, index: u64) -> Vec<u8> {
        let (aad, sealed) = packet.split_at(header);
        let (roc, seq) = ((index >> 16) as u32, index as u16);
        let provider = self.provider.srtp_provider;
        let mut plain = vec![0; sealed.len() - self.profile.rtp_overhead()];
        match self.profile {
            Profile::Aes128CmSha1_80 => {
                let hmac = |key: &[u8], parts: &[&[u8]]| {
                    self.provider.sha1_hmac_provider.sha1_hmac(key, parts)
                };
                let (authenticated, tag) = packet.split_at(packet.len() - 10);
                let key = self.derive::<20>(1);
                assert!(Aes128CmSha1_80::rtp_verify(hmac, &key, authenticated, index, tag));
                let iv = Aes128CmSha1_80::rtp_iv(self.derive(2), ssrc, index);
                let mut cipher = provider.aes_128_cm_sha1_80().create_cipher(self.derive(0), false);
                cipher.decrypt(&iv, &authenticated[header..], &mut plain).unwrap();
            }
            Profile::AeadAes128Gcm => {
                let iv = AeadAes128Gcm::rtp_iv(self.derive(2), ssrc, roc, seq);
                let mut cipher = provider.aead_aes_128_gcm().create_cipher(self.derive(0), false);
                cipher.decrypt(&iv, &[aad], sealed, &mut plain).unwrap();
            }
            Profile::AeadAes256Gcm => {
                let iv = AeadAes256Gcm::rtp_iv(self.derive(2), ssrc, roc, seq);
                let mut cipher = provider.aead_aes_256_gcm().create_cipher(self.derive(0), false);
                cipher.decrypt(&iv, &[aad], sealed, &mut plain).unwrap();
            }
            other => panic!("str0m has no {other:?}"),
        }
        plain
    }

    /// As str0m's `protect_rtcp`, with its ciphers.
    fn seal_rtcp(&self, plain: &[u8], ssrc: u32, index: u32) -> Vec<u8> {
        let (header, text) = plain.split_at(8);
        let word = (index | 0x8000_0000).to_be_bytes();
        let aad = [header, &word].concat();
        let provider = self.provider.srtp_provider;
        let mut out = vec![0; text.len()];
        match self.profile {
            Profile::Aes128CmSha1_80 => {
                let iv = Aes128CmSha1_80::rtp_iv(self.derive(5), ssrc, u64::from(index));
                let mut cipher = provider.aes_128_cm_sha1_80().create_cipher(self.derive(3), true);
                cipher.encrypt(&iv, text, &mut out).unwrap();
                let tag = self.hmac(4, &[header, &out, &word]);
                [header, &out, &word, &tag[..10]].concat()
            }
            Profile::AeadAes128Gcm => {
                out.resize(text.len() + 16, 0);
                let iv = AeadAes128Gcm::rtcp_iv(self.derive(5), ssrc, index);
                let mut cipher = provider.aead_aes_128_gcm().create_cipher(self.derive(3), true);
                cipher.encrypt(&iv, &aad, text, &mut out).unwrap();
                [header, &out, &word].concat()
            }
            Profile::AeadAes256Gcm => {
                out.resize(text.len() + 16, 0);
                let iv = AeadAes256Gcm::rtcp_iv(self.derive(5), ssrc, index);
                let mut cipher = provider.aead_aes_256_gcm().create_cipher(self.derive(3), true);
                cipher.encrypt(&iv, &aad, text, &mut out).unwrap();
                [header, &out, &word].concat()
            }
            other => panic!("str0m has no {other:?}"),
        }
    }
}

/// 20 bytes with a header extension of one word (RFC 3550 5.3.1).
fn header(ssrc: u32, index: u64, padding: bool) -> Vec<u8> {
    let mut header = vec![0x90 | u8::from(padding) << 5, 0x80 | 96];
    header.extend((index as u16).to_be_bytes());
    header.extend(0x0102_0304_u32.to_be_bytes());
    header.extend(ssrc.to_be_bytes());
    header.extend([0xbe, 0xde, 0, 1, 0x10, 5, 0, 0]);
    header
}

#[test]
fn str0m_opens_the_rtp_we_seal() {
    let payload: Vec<u8> = (0..1200).map(|n| n as u8).collect();
    for profile in DTLS {
        for client in [true, false] {
            let sealer = Sealer::new(&material(profile), client).unwrap();
            let str0m = Str0m::new(profile, client);
            // The last of each rollover counter and the first of the next.
            for index in [0, 1, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, 0xffff_ffff_ffff] {
                for (cut, len, padding) in
                    [(0, 1200, 0), (3, 1170, 0), (0, 33, 7), (5, 16, 255), (0, 0, 100), (0, 1, 0)]
                {
                    let ssrc = 0xfedc_ba98;
                    let mut out = header(ssrc, index, padding > 0);
                    out.resize(1500, 0);
                    let (prefix, rest) = payload[..len].split_at(cut);
                    let len =
                        sealer.seal_rtp(&mut out, 20, ssrc, index, prefix, rest, padding).unwrap();
                    let plain = str0m.open_rtp(&out[..len], 20, ssrc, index);
                    let (text, zeros) = plain.split_at(prefix.len() + rest.len());
                    assert_eq!(text, [prefix, rest].concat(), "{profile:?}");
                    assert_eq!(zeros.len(), padding);
                    if let Some((last, zeros)) = zeros.split_last() {
                        assert_eq!(usize::from(*last), padding);
                        assert!(zeros.iter().all(|&byte| byte == 0));
                    }
                }
            }
        }
    }
}

/// A receiver report with one block.
fn compound(ssrc: u32) -> Vec<u8> {
    let mut compound = vec![0x81, 201, 0, 7];
    compound.extend(ssrc.to_be_bytes());
    compound.extend(0..24);
    compound
}

#[test]
fn we_open_the_rtcp_that_str0m_seals() {
    for profile in DTLS {
        for client in [true, false] {
            let mut opener = RtcpOpener::new(&material(profile), !client).unwrap();
            let str0m = Str0m::new(profile, client);
            for index in [0, 1, 0xffff, 0x1_0000, 0x7fff_ffff] {
                for ssrc in [0, 1, 0xffff_ffff] {
                    let plain = compound(ssrc);
                    let packet = str0m.seal_rtcp(&plain, ssrc, index);
                    let mut opened = Vec::new();
                    assert!(opener.open(&packet, &mut opened), "{profile:?} {index}");
                    assert_eq!(opened, plain);
                    assert!(!opener.open(&packet, &mut opened), "once");
                }
            }
        }
    }
}

#[test]
fn we_seal_rtcp_as_str0m_does() {
    for profile in DTLS {
        for client in [true, false] {
            let mut sealer = Sealer::new(&material(profile), client).unwrap();
            let str0m = Str0m::new(profile, client);
            for index in 0..5 {
                let plain = compound(0x1234_5678);
                let mut out = [&plain[..], &[0; 40]].concat();
                let len = sealer.seal_rtcp(&mut out, plain.len()).unwrap();
                assert_eq!(out[..len], str0m.seal_rtcp(&plain, 0x1234_5678, index), "{profile:?}");
            }
        }
    }
}
