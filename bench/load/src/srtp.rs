//! Sealing and opening packets: SRTP and SRTCP (RFC 3711) with AES-GCM (RFC 7714) and AES-CM.

use std::io;

use aws_lc_rs::aead::{self, AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, AES_128, AES_256, EncryptingKey, EncryptionContext};
use aws_lc_rs::hmac;
use str0m::crypto::dtls::SrtpProfile;

use crate::keys::Secrets;

const GCM_SALT: usize = 12;
const GCM_TAG: usize = 16;
const CM_SALT: usize = 14;
const CM_TAG: usize = 10;
const CM_MAC_KEY: usize = 20;
/// What follows the payload of an SRTCP packet: the E flag and the index.
const INDEX: usize = 4;
const ENCRYPTED: u32 = 1 << 31;
/// What of an RTCP packet is not encrypted.
const RTCP_HEADER: usize = 8;

/// Labels of the key derivation (RFC 3711 4.3.1, 4.3.2).
const RTP: Labels = Labels { key: 0, mac: 1, salt: 2 };
const RTCP: Labels = Labels { key: 3, mac: 4, salt: 5 };

struct Labels {
    key: u8,
    mac: u8,
    salt: u8,
}

/// Both directions of a connection.
pub struct Contexts {
    pub outgoing: Context,
    pub incoming: Context,
}

/// One direction.
pub struct Context {
    rtp: Cipher,
    rtcp: Cipher,
}

enum Cipher {
    Gcm { key: LessSafeKey, salt: [u8; GCM_SALT] },
    Cm { key: Box<EncryptingKey>, salt: [u8; CM_SALT], mac: Box<hmac::Key> },
}

impl Contexts {
    pub fn new(secrets: &Secrets) -> io::Result<Contexts> {
        let (key, salt) = match secrets.profile {
            SrtpProfile::AEAD_AES_256_GCM => (32, GCM_SALT),
            SrtpProfile::AEAD_AES_128_GCM => (16, GCM_SALT),
            SrtpProfile::AES128_CM_SHA1_80 => (16, CM_SALT),
            other => return Err(io::Error::other(format!("SRTP profile {other} is not known"))),
        };
        if secrets.material.len() != 2 * (key + salt) {
            return Err(io::Error::other("keying material of the wrong length"));
        }
        let (keys, salts) = secrets.material.split_at(2 * key);
        let of = |second: bool| {
            let (keys, salts) = (keys.split_at(key), salts.split_at(salt));
            let (key, salt) = if second { (keys.1, salts.1) } else { (keys.0, salts.0) };
            let master = Master { key, salt };
            Ok::<_, io::Error>(Context { rtp: master.cipher(&RTP)?, rtcp: master.cipher(&RTCP)? })
        };
        Ok(Contexts { outgoing: of(!secrets.client)?, incoming: of(secrets.client)? })
    }
}

struct Master<'a> {
    key: &'a [u8],
    salt: &'a [u8],
}

impl Master<'_> {
    fn cipher(&self, labels: &Labels) -> io::Result<Cipher> {
        let mut key = vec![0; self.key.len()];
        self.derive(labels.key, &mut key)?;
        if self.salt.len() == CM_SALT {
            let (mut salt, mut mac) = ([0; CM_SALT], [0; CM_MAC_KEY]);
            self.derive(labels.salt, &mut salt)?;
            self.derive(labels.mac, &mut mac)?;
            let key = Box::new(counter_mode(&key)?);
            let mac = Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &mac));
            return Ok(Cipher::Cm { key, salt, mac });
        }
        let mut salt = [0; GCM_SALT];
        self.derive(labels.salt, &mut salt)?;
        let algorithm: &aead::Algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, &key).map_err(io::Error::other)?;
        Ok(Cipher::Gcm { key: LessSafeKey::new(key), salt })
    }

    /// The key stream of AES in counter mode (RFC 3711 4.3.3), key derivation rate 0.
    fn derive(&self, label: u8, out: &mut [u8]) -> io::Result<()> {
        let mut start = [0; 16];
        start[..self.salt.len()].copy_from_slice(self.salt);
        start[7] ^= label;
        out.fill(0);
        encrypt(&counter_mode(self.key)?, start, out)
    }
}

fn counter_mode(key: &[u8]) -> io::Result<EncryptingKey> {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    let key = cipher::UnboundCipherKey::new(algorithm, key).map_err(io::Error::other)?;
    EncryptingKey::ctr(key).map_err(io::Error::other)
}

fn encrypt(key: &EncryptingKey, start: [u8; 16], bytes: &mut [u8]) -> io::Result<()> {
    let context = EncryptionContext::Iv128(start.into());
    key.less_safe_encrypt(bytes, context).map(drop).map_err(io::Error::other)
}

impl Context {
    /// Seals the packet, whose header is `header` bytes long, as number `index` of its SSRC.
    pub fn seal_rtp(&self, packet: &mut Vec<u8>, header: usize, index: u64) -> io::Result<()> {
        let ssrc = ssrc_at(packet, 8);
        match &self.rtp {
            Cipher::Gcm { key, salt } => {
                let (aad, text) = packet.split_at_mut(header);
                let nonce = rtp_nonce(salt, ssrc, index);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(&*aad), text)
                    .map_err(io::Error::other)?;
                packet.extend_from_slice(tag.as_ref());
            }
            Cipher::Cm { key, salt, mac } => {
                encrypt(key, start(salt, ssrc, index), &mut packet[header..])?;
                let rollover = ((index >> 16) as u32).to_be_bytes();
                let tag = authenticate(mac, packet, &rollover);
                packet.extend_from_slice(&tag.as_ref()[..CM_TAG]);
            }
        }
        Ok(())
    }

    /// Opens the packet in place; gives where its payload ends.
    pub fn open_rtp(&self, packet: &mut [u8], header: usize, index: u64) -> Option<usize> {
        let ssrc = ssrc_at(packet, 8);
        match &self.rtp {
            Cipher::Gcm { key, salt } => {
                let (aad, sealed) = packet.split_at_mut(header);
                let nonce = rtp_nonce(salt, ssrc, index);
                let text = key.open_in_place(nonce, Aad::from(&*aad), sealed).ok()?;
                Some(header + text.len())
            }
            Cipher::Cm { key, salt, mac } => {
                let end = packet.len().checked_sub(CM_TAG).filter(|end| *end >= header)?;
                let rollover = ((index >> 16) as u32).to_be_bytes();
                let (text, tag) = packet.split_at_mut(end);
                if authenticate(mac, text, &rollover).as_ref()[..CM_TAG] != *tag {
                    return None;
                }
                encrypt(key, start(salt, ssrc, index), &mut text[header..]).ok()?;
                Some(end)
            }
        }
    }

    /// Seals a compound packet as number `index`.
    pub fn seal_rtcp(&self, packet: &mut Vec<u8>, index: u32) -> io::Result<()> {
        let ssrc = ssrc_at(packet, 4);
        let trailer = (index | ENCRYPTED).to_be_bytes();
        match &self.rtcp {
            Cipher::Gcm { key, salt } => {
                let (header, text) = packet.split_at_mut(RTCP_HEADER);
                let aad = rtcp_aad(header, trailer);
                let tag = key
                    .seal_in_place_separate_tag(rtcp_nonce(salt, ssrc, index), Aad::from(aad), text)
                    .map_err(io::Error::other)?;
                packet.extend_from_slice(tag.as_ref());
                packet.extend_from_slice(&trailer);
            }
            Cipher::Cm { key, salt, mac } => {
                let start = start(salt, ssrc, u64::from(index));
                encrypt(key, start, &mut packet[RTCP_HEADER..])?;
                packet.extend_from_slice(&trailer);
                let tag = authenticate(mac, packet, &[]);
                packet.extend_from_slice(&tag.as_ref()[..CM_TAG]);
            }
        }
        Ok(())
    }

    /// Opens a compound packet in place.
    pub fn open_rtcp<'a>(&self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let tag = match self.rtcp {
            Cipher::Gcm { .. } => GCM_TAG,
            Cipher::Cm { .. } => CM_TAG,
        };
        packet.len().checked_sub(RTCP_HEADER + INDEX + tag)?;
        let ssrc = ssrc_at(packet, 4);
        match &self.rtcp {
            Cipher::Gcm { key, salt } => {
                let (sealed, trailer) = packet.split_last_chunk_mut::<INDEX>()?;
                let index = u32::from_be_bytes(*trailer) & !ENCRYPTED;
                let (header, text) = sealed.split_at_mut(RTCP_HEADER);
                let aad = rtcp_aad(header, *trailer);
                let nonce = rtcp_nonce(salt, ssrc, index);
                let length = key.open_in_place(nonce, Aad::from(aad), text).ok()?.len();
                Some(&packet[..RTCP_HEADER + length])
            }
            Cipher::Cm { key, salt, mac } => {
                let (rest, tag) = packet.split_last_chunk_mut::<CM_TAG>()?;
                if authenticate(mac, rest, &[]).as_ref()[..CM_TAG] != *tag {
                    return None;
                }
                let (text, trailer) = rest.split_last_chunk_mut::<INDEX>()?;
                let index = u64::from(u32::from_be_bytes(*trailer) & !ENCRYPTED);
                encrypt(key, start(salt, ssrc, index), &mut text[RTCP_HEADER..]).ok()?;
                Some(text)
            }
        }
    }
}

fn authenticate(key: &hmac::Key, packet: &[u8], rollover: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(packet);
    context.update(rollover);
    context.sign()
}

fn ssrc_at(packet: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
}

/// RFC 7714 8.1.
fn rtp_nonce(salt: &[u8; GCM_SALT], ssrc: u32, index: u64) -> Nonce {
    nonce(salt, (u128::from(ssrc) << 48) | u128::from(index & 0xffff_ffff_ffff))
}

/// RFC 7714 9.1.
fn rtcp_nonce(salt: &[u8; GCM_SALT], ssrc: u32, index: u32) -> Nonce {
    nonce(salt, (u128::from(ssrc) << 48) | u128::from(index))
}

fn nonce(salt: &[u8; GCM_SALT], value: u128) -> Nonce {
    let mut bytes: [u8; GCM_SALT] = *salt;
    let value = value.to_be_bytes();
    bytes.iter_mut().zip(&value[16 - GCM_SALT..]).for_each(|(byte, other)| *byte ^= other);
    Nonce::assume_unique_for_key(bytes)
}

/// RFC 7714 9.2.
fn rtcp_aad(header: &[u8], trailer: [u8; INDEX]) -> [u8; RTCP_HEADER + INDEX] {
    let mut aad = [0; RTCP_HEADER + INDEX];
    aad[..RTCP_HEADER].copy_from_slice(header);
    aad[RTCP_HEADER..].copy_from_slice(&trailer);
    aad
}

/// The initial counter block (RFC 3711 4.1.1).
fn start(salt: &[u8; CM_SALT], ssrc: u32, index: u64) -> [u8; 16] {
    let mut block = [0; 16];
    block[..CM_SALT].copy_from_slice(salt);
    let value = (u128::from(ssrc) << 64) | (u128::from(index) << 16);
    (u128::from_be_bytes(block) ^ value).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711 B.3.
    #[test]
    fn keys_are_derived_as_in_the_standard() {
        let key = [
            0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde,
            0x41, 0x39,
        ];
        let salt =
            [0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6];
        let master = Master { key: &key, salt: &salt };
        let (mut cipher_key, mut cipher_salt) = ([0; 16], [0; 14]);
        master.derive(0, &mut cipher_key).unwrap();
        master.derive(2, &mut cipher_salt).unwrap();
        assert_eq!(u128::from_be_bytes(cipher_key), 0xc61e_7a93_744f_39ee_1073_4afe_3ff7_a087);
        assert_eq!(cipher_salt[..4], [0x30, 0xcb, 0xbc, 0x08]);
    }

    #[test]
    fn what_one_side_seals_the_other_opens() {
        for (profile, length) in [
            (SrtpProfile::AEAD_AES_256_GCM, 88),
            (SrtpProfile::AEAD_AES_128_GCM, 56),
            (SrtpProfile::AES128_CM_SHA1_80, 60),
        ] {
            let material: Vec<u8> = (0..length).collect();
            let side = |client| Secrets { profile, material: material.clone(), client };
            let (left, right) =
                (Contexts::new(&side(true)).unwrap(), Contexts::new(&side(false)).unwrap());
            let plain: Vec<u8> = (0..100).collect();

            let mut rtp = plain.clone();
            left.outgoing.seal_rtp(&mut rtp, 12, 70_000).unwrap();
            assert!(right.incoming.open_rtp(&mut rtp.clone(), 12, 4_464).is_none());
            assert_eq!(right.incoming.open_rtp(&mut rtp, 12, 70_000), Some(100));
            assert_eq!(rtp[..100], plain);

            let mut rtcp = plain.clone();
            right.outgoing.seal_rtcp(&mut rtcp, 5).unwrap();
            assert_ne!(rtcp[8..100], plain[8..]);
            assert_eq!(left.incoming.open_rtcp(&mut rtcp), Some(&plain[..]));
        }
    }
}
