//! Encryption (6): a key that goes with the handshake, wrapped with one that a passphrase makes, and
//! AES in counter mode by it.

use std::fmt;

use aws_lc_rs::cipher::{self, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::{pbkdf2, rand};
use zeroize::Zeroizing;

use super::packet::KeySlot;

/// Bytes of a passphrase (SRTO_PASSPHRASE).
pub const PASSPHRASE: std::ops::RangeInclusive<usize> = 10..=79;
/// Rounds that make a key of a passphrase (6.1.4).
const ROUNDS: std::num::NonZeroU32 = std::num::NonZeroU32::new(2_048).unwrap();
/// Bytes of the end of the salt that go into them.
const SALTING: usize = 8;
const SALT: usize = 16;
/// Of the salt in counters (6.2.2).
const NONCE: usize = 14;
const HEADER: usize = 16;
/// What wrapping adds (RFC 3394).
const WRAPPING: usize = 8;
/// Version 1, type 2: keys. Then the sign of its maker.
const BEGIN: [u8; 3] = [0x12, 0x20, 0x29];
const CTR: u8 = 2;
const LIVE: u8 = 2;
const EVEN: u8 = 1;
const ODD: u8 = 2;

/// How long keys are. 192 bits are not spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyLength {
    Aes128,
    Aes256,
}

impl KeyLength {
    pub fn bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    fn of(bytes: usize) -> Option<Self> {
        match bytes {
            16 => Some(Self::Aes128),
            32 => Some(Self::Aes256),
            _ => None,
        }
    }

    /// As a handshake has it (3.2.1, table 2).
    pub(super) fn field(self) -> u16 {
        (self.bytes() / 8) as u16
    }
}

/// Why keys are not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyError {
    /// Another cipher, another length, or what is no message of keys.
    Unknown,
    /// They were wrapped with another passphrase.
    Passphrase,
}

/// Keys of a connection, both ways.
pub(super) struct Keys {
    even: Option<EncryptingKey>,
    odd: Option<EncryptingKey>,
    nonce: [u8; NONCE],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// A new key, and the message that the other end is told it by.
    pub(super) fn generate(passphrase: &str, length: KeyLength) -> Option<(Self, Vec<u8>)> {
        let mut salt = [0; SALT];
        let mut key = Zeroizing::new([0; 32]);
        let key = key.get_mut(..length.bytes())?;
        rand::fill(&mut salt).ok()?;
        rand::fill(key).ok()?;
        let mut message = [&BEGIN[..], &[EVEN, 0, 0, 0, 0, CTR, 0, LIVE, 0, 0, 0]].concat();
        message.extend_from_slice(&[(SALT / 4) as u8, (length.bytes() / 4) as u8]);
        message.extend_from_slice(&salt);
        let mut wrapped = [0; 32 + WRAPPING];
        let kek = key_of_passphrase(passphrase, &salt, length)?;
        message.extend_from_slice(kek.wrap(key, &mut wrapped).ok()?);
        let keys = Self { even: Some(counter_mode(key)?), odd: None, nonce: nonce(&salt) };
        Some((keys, message))
    }

    /// The keys of a message of the other end.
    ///
    /// # Errors
    /// As [`KeyError`] says.
    pub(super) fn open(passphrase: &str, message: &[u8]) -> Result<Self, KeyError> {
        let (header, rest) = message.split_first_chunk::<HEADER>().ok_or(KeyError::Unknown)?;
        let &[a, b, c, which, _, _, _, _, cipher, authentication, live, _, _, _, salt, length] =
            header;
        let known = [a, b, c] == BEGIN
            && (cipher, authentication, live) == (CTR, 0, LIVE)
            && usize::from(salt) * 4 == SALT;
        let length = KeyLength::of(usize::from(length) * 4).filter(|_| known);
        let length = length.ok_or(KeyError::Unknown)?;
        let (salt, wrapped) = rest.split_first_chunk::<SALT>().ok_or(KeyError::Unknown)?;
        let which = which & (EVEN | ODD);
        let count = which.count_ones() as usize;
        if count == 0 || wrapped.len() != count * length.bytes() + WRAPPING {
            return Err(KeyError::Unknown);
        }
        let kek = key_of_passphrase(passphrase, salt, length).ok_or(KeyError::Unknown)?;
        let mut plain = Zeroizing::new([0; 2 * 32 + WRAPPING]);
        let keys = kek.unwrap(wrapped, &mut plain[..]).map_err(|_| KeyError::Passphrase)?;
        // The even one comes first.
        let mut keys = keys.chunks_exact(length.bytes());
        let mut next = |bit: u8| (which & bit != 0).then(|| counter_mode(keys.next()?)).flatten();
        Ok(Self { even: next(EVEN), odd: next(ODD), nonce: nonce(salt) })
    }

    /// Encrypts or decrypts a payload in place. `None` without the key.
    pub(super) fn apply(&self, slot: KeySlot, sequence: u32, payload: &mut [u8]) -> Option<()> {
        let key = match slot {
            KeySlot::Even => self.even.as_ref(),
            KeySlot::Odd => self.odd.as_ref(),
        };
        // The number of the packet, the nonce over it, and 16 bits that count blocks (6.2.2).
        let mut counter = u128::from(sequence) << 16;
        for (at, byte) in self.nonce.iter().enumerate() {
            counter ^= u128::from(*byte) << (120 - 8 * at);
        }
        let context = EncryptionContext::Iv128(FixedLength::from(counter.to_be_bytes()));
        key?.less_safe_encrypt(payload, context).ok().map(drop)
    }

    /// The key that this end sends with.
    pub(super) fn slot(&self) -> KeySlot {
        if self.even.is_some() { KeySlot::Even } else { KeySlot::Odd }
    }

    /// Takes keys of the other end's that are to be used from some packet on. Those that they do not
    /// replace stay.
    pub(super) fn renew(&mut self, new: Self) {
        if new.nonce != self.nonce {
            *self = new;
            return;
        }
        self.even = new.even.or(self.even.take());
        self.odd = new.odd.or(self.odd.take());
    }
}

fn key_of_passphrase(passphrase: &str, salt: &[u8; SALT], length: KeyLength) -> Option<AesKek> {
    let mut key = Zeroizing::new([0; 32]);
    let key = key.get_mut(..length.bytes())?;
    let (_, salting) = salt.split_last_chunk::<SALTING>()?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, salting, passphrase.as_bytes(), key);
    let cipher = match length {
        KeyLength::Aes128 => &key_wrap::AES_128,
        KeyLength::Aes256 => &key_wrap::AES_256,
    };
    AesKek::new(cipher, key).ok()
}

fn counter_mode(key: &[u8]) -> Option<EncryptingKey> {
    let algorithm = match KeyLength::of(key.len())? {
        KeyLength::Aes128 => &cipher::AES_128,
        KeyLength::Aes256 => &cipher::AES_256,
    };
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()
}

fn nonce(salt: &[u8; SALT]) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce.iter_mut().zip(salt).for_each(|(to, from)| *to = *from);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str = "a passphrase of ours";

    #[test]
    fn what_one_end_encrypts_the_other_decrypts_with_the_same_passphrase_alone() {
        for length in [KeyLength::Aes128, KeyLength::Aes256] {
            let (keys, message) = Keys::generate(PHRASE, length).unwrap();
            let other = Keys::open(PHRASE, &message).unwrap();
            let mut payload = *b"a payload that is longer than a block of AES";
            keys.apply(keys.slot(), 77, &mut payload).unwrap();
            assert_ne!(&payload[..9], b"a payload");
            other.apply(KeySlot::Even, 77, &mut payload).unwrap();
            assert_eq!(&payload[..9], b"a payload");
            assert_eq!(other.apply(KeySlot::Odd, 77, &mut payload), None);
            let wrong = Keys::open("another passphrase", &message).unwrap_err();
            assert_eq!(wrong, KeyError::Passphrase);
            for cut in 0..message.len() {
                assert!(Keys::open(PHRASE, &message[..cut]).is_err());
            }
        }
    }

    #[test]
    fn ciphers_that_are_not_spoken_are_told_apart_from_a_wrong_passphrase() {
        let (_, message) = Keys::generate(PHRASE, KeyLength::Aes128).unwrap();
        for (at, value) in [(0, 0x22), (3, 0), (8, 4), (9, 1), (15, 6), (15, 255), (14, 8)] {
            let mut other = message.clone();
            other[at] = value;
            assert_eq!(Keys::open(PHRASE, &other).unwrap_err(), KeyError::Unknown, "{at}");
        }
    }
}
