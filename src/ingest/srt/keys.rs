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

/// Keys of one direction. Both of a connection begin with the same.
pub(super) struct Keys {
    even: Option<Key>,
    odd: Option<Key>,
    salt: [u8; SALT],
    /// What keys are wrapped with, by the passphrase and the salt: deriving it is what costs.
    kek: Zeroizing<[u8; 32]>,
    length: KeyLength,
    /// The one that is sent with.
    slot: KeySlot,
}

struct Key {
    bytes: Zeroizing<[u8; 32]>,
    cipher: EncryptingKey,
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
        rand::fill(&mut salt).ok()?;
        let kek = key_of_passphrase(passphrase, &salt, length);
        let even = Some(Key::generate(length)?);
        let keys = Self { even, odd: None, salt, kek, length, slot: KeySlot::Even };
        let message = keys.message()?;
        Some((keys, message))
    }

    /// Another key in place of the one that is not sent with, and the message of both. The salt stays, so
    /// that whoever takes it has nothing to derive.
    pub(super) fn generate_next(&mut self) -> Option<Vec<u8>> {
        let key = Some(Key::generate(self.length)?);
        match self.slot {
            KeySlot::Even => self.odd = key,
            KeySlot::Odd => self.even = key,
        }
        self.message()
    }

    /// Sends with the other one from now on.
    pub(super) fn switch(&mut self) {
        self.slot = match self.slot {
            KeySlot::Even => KeySlot::Odd,
            KeySlot::Odd => KeySlot::Even,
        };
    }

    /// What the other end is told them by: each that there is, the even one first (3.2.2).
    fn message(&self) -> Option<Vec<u8>> {
        let bit = |key: &Option<Key>, bit| if key.is_some() { bit } else { 0 };
        let which = bit(&self.even, EVEN) | bit(&self.odd, ODD);
        let length = self.length.bytes();
        let mut plain = Zeroizing::new(Vec::with_capacity(2 * length));
        for key in [&self.even, &self.odd].into_iter().flatten() {
            plain.extend_from_slice(key.bytes.get(..length)?);
        }
        let mut message = [&BEGIN[..], &[which, 0, 0, 0, 0, CTR, 0, LIVE, 0, 0, 0]].concat();
        message.extend_from_slice(&[(SALT / 4) as u8, (length / 4) as u8]);
        message.extend_from_slice(&self.salt);
        let mut wrapped = [0; 2 * 32 + WRAPPING];
        message.extend_from_slice(self.kek()?.wrap(&plain, &mut wrapped).ok()?);
        Some(message)
    }

    /// The keys of a message of the other end.
    ///
    /// # Errors
    /// As [`KeyError`] says.
    pub(super) fn open(passphrase: &str, message: &[u8]) -> Result<Self, KeyError> {
        let parsed = Message::parse(message)?;
        let kek = key_of_passphrase(passphrase, parsed.salt, parsed.length);
        parsed.open(kek)
    }

    /// Whether a message of the other end can be taken without deriving anything.
    pub(super) fn is_cheap(&self, message: &[u8]) -> bool {
        Message::parse(message)
            .is_ok_and(|parsed| *parsed.salt == self.salt && parsed.length == self.length)
    }

    /// Takes keys of the other end's that are to be used from some packet on. Those that they do not
    /// replace stay.
    ///
    /// # Errors
    /// As [`KeyError`] says.
    pub(super) fn renew(&mut self, passphrase: &str, message: &[u8]) -> Result<(), KeyError> {
        if !self.is_cheap(message) {
            *self = Self::open(passphrase, message)?;
            return Ok(());
        }
        let new = Message::parse(message)?.open(self.kek.clone())?;
        self.even = new.even.or(self.even.take());
        self.odd = new.odd.or(self.odd.take());
        Ok(())
    }

    /// The same, for the other direction.
    pub(super) fn duplicate(&self) -> Option<Self> {
        let copy = |key: &Option<Key>| match key {
            Some(key) => Key::new(key.bytes.clone(), self.length).map(Some),
            None => Some(None),
        };
        let (kek, salt) = (self.kek.clone(), self.salt);
        let (even, odd) = (copy(&self.even)?, copy(&self.odd)?);
        Some(Self { even, odd, salt, kek, length: self.length, slot: self.slot })
    }

    /// Encrypts or decrypts a payload in place. `None` without the key.
    pub(super) fn apply(&self, slot: KeySlot, sequence: u32, payload: &mut [u8]) -> Option<()> {
        let key = match slot {
            KeySlot::Even => self.even.as_ref(),
            KeySlot::Odd => self.odd.as_ref(),
        };
        // The number of the packet, the nonce over it, and 16 bits that count blocks (6.2.2).
        let mut counter = u128::from(sequence) << 16;
        for (at, byte) in self.salt.iter().take(NONCE).enumerate() {
            counter ^= u128::from(*byte) << (120 - 8 * at);
        }
        let context = EncryptionContext::Iv128(FixedLength::from(counter.to_be_bytes()));
        key?.cipher.less_safe_encrypt(payload, context).ok().map(drop)
    }

    /// The key that this end sends with.
    pub(super) fn slot(&self) -> KeySlot {
        self.slot
    }

    fn kek(&self) -> Option<AesKek> {
        kek(&self.kek, self.length)
    }
}

impl Key {
    fn generate(length: KeyLength) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(bytes.get_mut(..length.bytes())?).ok()?;
        Self::new(bytes, length)
    }

    fn new(bytes: Zeroizing<[u8; 32]>, length: KeyLength) -> Option<Self> {
        let algorithm = match length {
            KeyLength::Aes128 => &cipher::AES_128,
            KeyLength::Aes256 => &cipher::AES_256,
        };
        let key = UnboundCipherKey::new(algorithm, bytes.get(..length.bytes())?).ok()?;
        Some(Self { cipher: EncryptingKey::ctr(key).ok()?, bytes })
    }
}

/// A message of keys (3.2.2), still wrapped.
struct Message<'a> {
    which: u8,
    length: KeyLength,
    salt: &'a [u8; SALT],
    wrapped: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, KeyError> {
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
        Ok(Self { which, length, salt, wrapped })
    }

    fn open(&self, derived: Zeroizing<[u8; 32]>) -> Result<Keys, KeyError> {
        let Self { which, length, salt, wrapped } = *self;
        let mut plain = Zeroizing::new([0; 2 * 32 + WRAPPING]);
        let kek = kek(&derived, length).ok_or(KeyError::Unknown)?;
        let keys = kek.unwrap(wrapped, &mut plain[..]).map_err(|_| KeyError::Passphrase)?;
        // The even one comes first.
        let mut keys = keys.chunks_exact(length.bytes());
        let mut next = |bit: u8| {
            let key = if which & bit != 0 { keys.next()? } else { return None };
            let mut bytes = Zeroizing::new([0; 32]);
            bytes.get_mut(..key.len())?.copy_from_slice(key);
            Key::new(bytes, length)
        };
        let (even, odd) = (next(EVEN), next(ODD));
        let slot = if even.is_some() { KeySlot::Even } else { KeySlot::Odd };
        Ok(Keys { even, odd, salt: *salt, kek: derived, length, slot })
    }
}

fn key_of_passphrase(
    passphrase: &str,
    salt: &[u8; SALT],
    length: KeyLength,
) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let salting = salt.last_chunk::<SALTING>().map_or(&[][..], |salting| salting);
    let bytes = key.get_mut(..length.bytes()).unwrap_or_default();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, salting, passphrase.as_bytes(), bytes);
    key
}

fn kek(key: &[u8; 32], length: KeyLength) -> Option<AesKek> {
    let cipher = match length {
        KeyLength::Aes128 => &key_wrap::AES_128,
        KeyLength::Aes256 => &key_wrap::AES_256,
    };
    AesKek::new(cipher, key.get(..length.bytes())?).ok()
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

    #[test]
    fn renewed_keys_are_taken_beside_those_that_are_still_in_use() {
        let (mut ours, message) = Keys::generate(PHRASE, KeyLength::Aes256).unwrap();
        let mut theirs = Keys::open(PHRASE, &message).unwrap();
        for turn in 0..4 {
            let before = ours.slot();
            let message = ours.generate_next().unwrap();
            assert!(theirs.is_cheap(&message), "the salt stays");
            theirs.renew(PHRASE, &message).unwrap();
            ours.switch();
            assert_ne!(ours.slot(), before);
            for slot in [before, ours.slot()] {
                let mut payload = *b"a payload";
                ours.apply(slot, turn, &mut payload).unwrap();
                theirs.apply(slot, turn, &mut payload).unwrap();
                assert_eq!(&payload, b"a payload");
            }
        }
        let (_, foreign) = Keys::generate("another passphrase", KeyLength::Aes256).unwrap();
        assert_eq!(theirs.renew(PHRASE, &foreign), Err(KeyError::Passphrase));
    }
}
