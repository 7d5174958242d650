//! AES in counter mode with HMAC-SHA1 (RFC 3711 4.1.1, 4.2.1), with keys of 128 or 256 bits
//! (RFC 6188) and tags of 80 or 32, for peers without AES-GCM.

use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::keys::{SessionKeys, apply_key_stream, counter_mode};
use super::{Payload, RTCP_HEADER_LEN, SrtcpIndex};

pub(super) const TAG_LEN: usize = 10;
/// Of RTP alone (RFC 4568 6.2.2).
pub(super) const SHORT_TAG_LEN: usize = 4;

/// The keys, with their schedules built, and the salt of one direction.
pub(super) struct CounterMode {
    cipher: EncryptingKey,
    authentication: hmac::Key,
    salt: Zeroizing<[u8; 14]>,
    /// Bytes of a tag, [`TAG_LEN`] at most.
    tag_len: usize,
}

impl CounterMode {
    pub(super) fn new(keys: &SessionKeys, tag_len: usize) -> Option<Self> {
        let cipher = counter_mode(keys.encryption())?;
        let authentication =
            hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &keys.authentication[..]);
        Some(Self { cipher, authentication, salt: keys.salt(), tag_len: tag_len.min(TAG_LEN) })
    }

    /// The salt, the SSRC and the packet index, each at its place; the last 16 bits count blocks
    /// (RFC 3711 4.1.1).
    fn counter(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let mut counter = u128::from(ssrc) << 64 ^ u128::from(index) << 16;
        for (at, salt) in self.salt.iter().enumerate() {
            counter ^= u128::from(*salt) << (120 - 8 * at);
        }
        counter.to_be_bytes()
    }

    fn tag(&self, parts: [&[u8]; 2]) -> [u8; TAG_LEN] {
        let mut context = hmac::Context::with_key(&self.authentication);
        parts.into_iter().for_each(|part| context.update(part));
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&context.sign().as_ref()[..TAG_LEN]);
        tag
    }

    /// `packet` is the header followed by room for payload and tag.
    pub(super) fn seal_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
        payload: &Payload<'_>,
    ) -> Option<()> {
        let text = packet.len().checked_sub(self.tag_len)?;
        let (packet, tag) = packet.split_at_mut_checked(text)?;
        let body = packet.get_mut(header..)?;
        let (prefix, rest) = body.split_at_mut_checked(payload.prefix.len())?;
        let (rest, padding) = rest.split_at_mut_checked(payload.rest.len())?;
        prefix.copy_from_slice(payload.prefix);
        rest.copy_from_slice(payload.rest);
        if let Some((count, zeros)) = padding.split_last_mut() {
            zeros.fill(0);
            *count = payload.padding;
        }
        apply_key_stream(&self.cipher, self.counter(ssrc, index), body)?;
        // The rollover counter is authenticated though it is not sent (RFC 3711 4.2).
        let rollover_counter = (index >> 16) as u32;
        let whole = self.tag([packet, &rollover_counter.to_be_bytes()]);
        tag.copy_from_slice(whole.get(..self.tag_len)?);
        Some(())
    }

    /// `packet` is the whole packet, `header` the length of its part in the clear. Leaves what was
    /// sealed in `plain`, whose contents before are overwritten.
    pub(super) fn open_rtp(
        &self,
        packet: &[u8],
        header: usize,
        ssrc: u32,
        index: u64,
        plain: &mut Vec<u8>,
    ) -> Option<()> {
        let (authenticated, tag) =
            packet.split_at_checked(packet.len().checked_sub(self.tag_len)?)?;
        let rollover_counter = (index >> 16) as u32;
        let expected = self.tag([authenticated, &rollover_counter.to_be_bytes()]);
        verify_slices_are_equal(expected.get(..self.tag_len)?, tag).ok()?;
        plain.clear();
        plain.extend_from_slice(authenticated.get(header..)?);
        apply_key_stream(&self.cipher, self.counter(ssrc, index), plain)
    }

    /// `packet` is the plain compound followed by room for what is added. Here the tag comes last
    /// (RFC 3711 3.4).
    pub(super) fn seal_rtcp(&self, packet: &mut [u8], ssrc: u32, index: SrtcpIndex) -> Option<()> {
        let (authenticated, tag) = packet.split_last_chunk_mut()?;
        let (compound, word) = authenticated.split_last_chunk_mut()?;
        let text = compound.get_mut(RTCP_HEADER_LEN..)?;
        *word = index.to_bytes();
        apply_key_stream(&self.cipher, self.counter(ssrc, u64::from(index.0)), text)?;
        *tag = self.tag([authenticated, &[]]);
        Some(())
    }

    /// Appends the plain compound.
    pub(super) fn open_rtcp(
        &self,
        packet: &[u8],
        ssrc: u32,
        index: SrtcpIndex,
        plain: &mut Vec<u8>,
    ) -> Option<()> {
        let (authenticated, tag) = packet.split_last_chunk::<TAG_LEN>()?;
        verify_slices_are_equal(&self.tag([authenticated, &[]]), tag).ok()?;
        let (compound, _) = authenticated.split_last_chunk::<{ SrtcpIndex::LEN }>()?;
        let start = plain.len();
        plain.extend_from_slice(compound);
        let text = plain[start..].get_mut(RTCP_HEADER_LEN..)?;
        apply_key_stream(&self.cipher, self.counter(ssrc, u64::from(index.0)), text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::hex;
    use super::*;

    #[test]
    fn the_counter_has_salt_ssrc_and_index_at_their_places() {
        let salt = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd");
        let mode = CounterMode::new(&SessionKeys::for_test(&[0; 16], &salt), TAG_LEN).unwrap();
        assert_eq!(mode.counter(0, 0)[..], hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000"));
        let keys = SessionKeys::for_test(&[0; 16], &[0; 14]);
        let mode = CounterMode::new(&keys, TAG_LEN).unwrap();
        assert_eq!(
            mode.counter(0xdead_beef, 0x0001_0203_0405)[..],
            hex("00000000deadbeef0001020304050000")
        );
    }
}
