//! STUN messages made by hand (RFC 8489), right or wrong in every part.

use aws_lc_rs::hmac;

const MAGIC_COOKIE: [u8; 4] = 0x2112_a442_u32.to_be_bytes();
const HEADER: usize = 20;
pub const BINDING_REQUEST: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802a;

/// A message that is being made, a binding request at first.
pub struct Check(Vec<u8>);

impl Check {
    pub fn new(transaction: [u8; 12]) -> Self {
        let mut message = BINDING_REQUEST.to_be_bytes().to_vec();
        message.extend([0, 0]);
        message.extend(MAGIC_COOKIE);
        message.extend(transaction);
        Self(message)
    }

    /// Class and method (RFC 8489 5).
    pub fn kind(mut self, kind: u16) -> Self {
        self.0[..2].copy_from_slice(&kind.to_be_bytes());
        self
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend((value.len() as u16).to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Bytes where attributes are expected.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub fn user_name(self, name: &str) -> Self {
        self.attribute(USERNAME, name.as_bytes())
    }

    /// What the controlling agent says, with a nomination (RFC 8445 7.1).
    pub fn controlling(self) -> Self {
        self.attribute(PRIORITY, &0x6eff_ffff_u32.to_be_bytes())
            .attribute(ICE_CONTROLLING, &[1; 8])
            .attribute(USE_CANDIDATE, &[])
    }

    /// With the lengths and sums that it has to have (RFC 8489 14.5, 14.7).
    pub fn finish(mut self, password: &str) -> Vec<u8> {
        self.set_length(24);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let tag = hmac::sign(&key, &self.0);
        self = self.attribute(MESSAGE_INTEGRITY, tag.as_ref());
        self.set_length(8);
        let sum = crc32(&self.0) ^ 0x5354_554e;
        self.attribute(FINGERPRINT, &sum.to_be_bytes()).0
    }

    /// As it is, with its length alone.
    pub fn unsigned(mut self) -> Vec<u8> {
        self.set_length(0);
        self.0
    }

    /// So much is to follow.
    fn set_length(&mut self, more: usize) {
        let length = (self.0.len() - HEADER + more) as u16;
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// ITU V.42.
fn crc32(bytes: &[u8]) -> u32 {
    !crc(!0, 0xedb8_8320, bytes)
}

/// Castagnoli's, which SCTP has (RFC 9260 appendix A).
pub fn crc32c(bytes: &[u8]) -> u32 {
    !crc(!0, 0x82f6_3b78, bytes)
}

fn crc(start: u32, polynomial: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ (polynomial & (sum & 1).wrapping_neg())
        })
    })
}
