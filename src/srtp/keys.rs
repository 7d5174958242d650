//! From what DTLS exports to the keys of a session (RFC 5764 4.2, RFC 3711 4.3).

use std::fmt;

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use super::Profile;

/// The most that a profile needs: two keys of 256 bits and two salts of 112.
const MAX_LEN: usize = 2 * (32 + 14);

/// Keying material as DTLS exports it: client key, server key, client salt, server salt
/// (RFC 5764 4.2). Overwritten with zeros when dropped.
pub struct KeyingMaterial {
    profile: Profile,
    bytes: Zeroizing<[u8; MAX_LEN]>,
}

impl KeyingMaterial {
    /// `None` when `bytes` are not as many as the profile needs.
    pub fn new(profile: Profile, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 2 * (profile.key_len() + profile.salt_len()) {
            return None;
        }
        let mut material = Self { profile, bytes: Zeroizing::new([0; MAX_LEN]) };
        material.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(material)
    }

    /// The master key and salt of one direction, as `a=crypto` has them: one behind the other
    /// (RFC 4568 6.1). Both sides of what is made of it are the same. `None` when `bytes` are not as
    /// many as the profile needs.
    pub fn of_one_side(profile: Profile, bytes: &[u8]) -> Option<Self> {
        let (key, salt) = bytes.split_at_checked(profile.key_len())?;
        if salt.len() != profile.salt_len() {
            return None;
        }
        Self::new(profile, &Zeroizing::new([key, key, salt, salt].concat()))
    }

    /// What RTP has that nothing protects.
    pub fn none() -> Self {
        Self { profile: Profile::Null, bytes: Zeroizing::new([0; MAX_LEN]) }
    }

    /// What was negotiated, which decides about the lengths of the keys (RFC 5764 4.1.2).
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The master key and salt with which one side sends.
    fn master(&self, client: bool) -> (&[u8], &[u8]) {
        let (key_len, salt_len) = (self.profile.key_len(), self.profile.salt_len());
        let (keys, salts) = self.bytes.split_at(2 * key_len);
        let side = usize::from(!client);
        (&keys[side * key_len..][..key_len], &salts[side * salt_len..][..salt_len])
    }

    /// The keys with which one side protects what it sends.
    pub(super) fn session_keys(&self, client: bool, packets: Packets) -> Option<SessionKeys> {
        let (key, salt) = self.master(client);
        SessionKeys::derive(self.profile, key, salt, packets)
    }
}

impl fmt::Debug for KeyingMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyingMaterial").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// What session keys are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packets {
    Rtp,
    Rtcp,
}

impl Packets {
    /// The labels of the encryption key, the authentication key and the salt (RFC 3711 4.3.1,
    /// 4.3.2).
    fn labels(self) -> [u8; 3] {
        match self {
            Packets::Rtp => [0, 1, 2],
            Packets::Rtcp => [3, 4, 5],
        }
    }
}

/// Keys for either the RTP or the RTCP of one side. Overwritten with zeros when dropped.
pub(super) struct SessionKeys {
    encryption: Zeroizing<[u8; 32]>,
    key_len: usize,
    salt: Zeroizing<[u8; SessionKeys::SALT_LEN]>,
    /// Unused by GCM, which authenticates with its one key.
    pub(super) authentication: Zeroizing<[u8; 20]>,
}

impl SessionKeys {
    /// That of counter mode; GCM uses the first 12 bytes.
    const SALT_LEN: usize = 14;

    /// Derives once, at the start: the key derivation rate is zero (RFC 5764 4.1.2).
    fn derive(profile: Profile, key: &[u8], salt: &[u8], packets: Packets) -> Option<Self> {
        let mut keys = Self {
            encryption: Zeroizing::new([0; 32]),
            key_len: profile.key_len(),
            salt: Zeroizing::new([0; Self::SALT_LEN]),
            authentication: Zeroizing::new([0; 20]),
        };
        let [encryption, authentication, session_salt] = packets.labels();
        let generator = Generator::new(key, salt)?;
        generator.fill(encryption, &mut keys.encryption[..keys.key_len])?;
        generator.fill(authentication, &mut keys.authentication[..])?;
        generator.fill(session_salt, &mut keys.salt[..profile.salt_len()])?;
        Some(keys)
    }

    /// Of 16 or 32 bytes.
    pub(super) fn encryption(&self) -> &[u8] {
        &self.encryption[..self.key_len]
    }

    pub(super) fn salt<const LEN: usize>(&self) -> Zeroizing<[u8; LEN]> {
        const { assert!(LEN <= Self::SALT_LEN) };
        let mut salt = Zeroizing::new([0; LEN]);
        salt.copy_from_slice(&self.salt[..LEN]);
        salt
    }

    /// Keys of a test vector that is given below key derivation.
    #[cfg(test)]
    pub(super) fn for_test(key: &[u8], salt: &[u8]) -> Self {
        let mut keys = Self {
            encryption: Zeroizing::new([0; 32]),
            key_len: key.len(),
            salt: Zeroizing::new([0; Self::SALT_LEN]),
            authentication: Zeroizing::new([0; 20]),
        };
        keys.encryption[..key.len()].copy_from_slice(key);
        keys.salt[..salt.len()].copy_from_slice(salt);
        keys
    }
}

/// The pseudo-random function of RFC 3711 4.3.3: AES in counter mode, keyed with the master key.
/// For a master key of 256 bits that is AES-256 (RFC 6188 3, RFC 7714 11).
struct Generator {
    cipher: EncryptingKey,
    salt: Zeroizing<[u8; 14]>,
}

impl Generator {
    fn new(key: &[u8], salt: &[u8]) -> Option<Self> {
        let cipher = counter_mode(key)?;
        // A salt of 96 bits is one of 112 with zeros on the right (RFC 7714 11, erratum 4938).
        let mut padded = Zeroizing::new([0; 14]);
        padded.get_mut(..salt.len())?.copy_from_slice(salt);
        Some(Self { cipher, salt: padded })
    }

    /// With a rate of zero, the key id is the label followed by 48 zero bits (RFC 3711 4.3.1).
    fn fill(&self, label: u8, out: &mut [u8]) -> Option<()> {
        let mut counter = Zeroizing::new([0; 16]);
        counter[..14].copy_from_slice(&self.salt[..]);
        counter[7] ^= label;
        out.fill(0);
        apply_key_stream(&self.cipher, *counter, out)
    }
}

/// AES in counter mode; its key schedule is built here, once.
pub(super) fn counter_mode(key: &[u8]) -> Option<EncryptingKey> {
    let algorithm: &'static Algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return None,
    };
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()
}

pub(super) fn apply_key_stream(
    cipher: &EncryptingKey,
    counter: [u8; 16],
    bytes: &mut [u8],
) -> Option<()> {
    let context = EncryptionContext::Iv128(FixedLength::from(counter));
    cipher.less_safe_encrypt(bytes, context).ok().map(drop)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn session_keys_are_those_of_rfc_3711_b_3() {
        let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex("0EC675AD498AFEEBB6960B3AABE6");
        let keys =
            SessionKeys::derive(Profile::Aes128CmSha1_80, &key, &salt, Packets::Rtp).unwrap();
        assert_eq!(keys.encryption(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt::<14>()[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        let mut authentication = [0; 94];
        Generator::new(&key, &salt).unwrap().fill(1, &mut authentication).unwrap();
        let expected = hex("CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
            E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
            6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2");
        assert_eq!(authentication[..], expected);
        assert_eq!(keys.authentication[..], expected[..20]);
    }

    #[test]
    fn session_keys_of_256_bits_are_those_of_rfc_6188_7_2() {
        let key = hex("f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6");
        let salt = hex("3b04803de51ee7c96423ab5b78d2");
        let generator = Generator::new(&key, &salt).unwrap();
        let mut out = [0; 32];
        generator.fill(0, &mut out).unwrap();
        assert_eq!(
            out[..],
            hex("5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4")
        );
        generator.fill(1, &mut out[..20]).unwrap();
        assert_eq!(out[..20], hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
        generator.fill(2, &mut out[..14]).unwrap();
        assert_eq!(out[..14], hex("fa31791685ca444a9e07c6c64e93"));
    }

    #[test]
    fn the_key_stream_is_that_of_rfc_3711_b_2() {
        let cipher = counter_mode(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        let mut stream = vec![0; 0xff02 * 16];
        let counter = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
        apply_key_stream(&cipher, counter, &mut stream).unwrap();
        assert_eq!(
            stream[..48],
            hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
                41E95B3BB0A2E8DD477901E4FCA894C0")
        );
        assert_eq!(
            stream[0xfeff * 16..],
            hex("EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE
                6A2CC3787889374FBEB4C81B17BA6C44")
        );
    }

    #[test]
    fn each_side_sends_with_its_own_key_and_salt() {
        for profile in Profile::ALL {
            let len = 2 * (profile.key_len() + profile.salt_len());
            let bytes: Vec<u8> = (0..len as u8).collect();
            let material = KeyingMaterial::new(profile, &bytes).unwrap();
            let (keys, salts) = bytes.split_at(2 * profile.key_len());
            let (key, salt) = material.master(true);
            assert_eq!((key, salt), (&keys[..key.len()], &salts[..salt.len()]), "{profile:?}");
            let (key, salt) = material.master(false);
            assert_eq!((key, salt), (&keys[key.len()..], &salts[salt.len()..]), "{profile:?}");
        }
    }

    #[test]
    fn the_key_of_a_description_is_that_of_both_sides() {
        for profile in Profile::ALL {
            let len = profile.key_len() + profile.salt_len();
            let bytes: Vec<u8> = (0..len as u8).collect();
            let material = KeyingMaterial::of_one_side(profile, &bytes).unwrap();
            assert_eq!(material.master(true), material.master(false));
            assert_eq!([material.master(true).0, material.master(true).1].concat(), bytes);
            assert!(KeyingMaterial::of_one_side(profile, &bytes[1..]).is_none());
            assert!(KeyingMaterial::of_one_side(profile, &[&bytes[..], &[0]].concat()).is_none());
        }
    }

    #[test]
    fn material_of_another_length_is_refused() {
        for profile in Profile::ALL {
            let len = 2 * (profile.key_len() + profile.salt_len());
            for wrong in [0, len - 1, len + 1, 200] {
                assert!(KeyingMaterial::new(profile, &vec![1; wrong]).is_none());
            }
        }
    }

    #[test]
    fn keys_are_not_in_a_debug_text() {
        let material = KeyingMaterial::new(Profile::AeadAes128Gcm, &[0xab; 56]).unwrap();
        assert_eq!(format!("{material:?}"), "KeyingMaterial { profile: AeadAes128Gcm, .. }");
    }
}
