//! AES-GCM as SRTP and SRTCP use it (RFC 7714).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::keys::SessionKeys;
use super::{Payload, RTCP_HEADER_LEN, SrtcpIndex};

pub(super) const TAG_LEN: usize = 16;

/// The key, with its schedule built, and the salt of one direction.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: Zeroizing<[u8; 12]>,
}

impl Gcm {
    pub(super) fn new(keys: &SessionKeys) -> Option<Self> {
        let key = keys.encryption();
        let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
        Some(Self { key, salt: keys.salt() })
    }

    /// SSRC and packet index, which is the rollover counter and the sequence number
    /// (RFC 7714 8.1).
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        self.salted(nonce)
    }

    /// RFC 7714 9.1.
    fn rtcp_nonce(&self, ssrc: u32, index: SrtcpIndex) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[8..].copy_from_slice(&index.0.to_be_bytes());
        self.salted(nonce)
    }

    fn salted(&self, mut nonce: [u8; 12]) -> Nonce {
        nonce.iter_mut().zip(self.salt.iter()).for_each(|(byte, salt)| *byte ^= salt);
        Nonce::assume_unique_for_key(nonce)
    }

    /// `body` is as long as payload and tag. The header is associated data (RFC 7714 8.2).
    pub(super) fn seal_rtp(
        &self,
        header: &[u8],
        body: &mut [u8],
        ssrc: u32,
        index: u64,
        payload: &Payload<'_>,
    ) -> Option<()> {
        let nonce = self.rtp_nonce(ssrc, index);
        let aad = Aad::from(header);
        let mut padding = [0; 255];
        let padding = match payload.padding {
            0 => &[],
            count => {
                padding[usize::from(count) - 1] = count;
                &padding[..usize::from(count)]
            }
        };
        let (text, end) = body.split_at_mut_checked(payload.len() - padding.len())?;
        let sealed = if payload.prefix.is_empty() {
            self.key.seal_out_of_place_scatter(nonce, aad, payload.rest, text, padding, end)
        } else {
            let (prefix, rest) = text.split_at_mut(payload.prefix.len());
            prefix.copy_from_slice(payload.prefix);
            rest.copy_from_slice(payload.rest);
            self.key.seal_in_place_scatter(nonce, aad, text, padding, end)
        };
        sealed.ok()
    }

    /// `header` is the part in the clear, with CSRCs and extensions. Leaves what was sealed in
    /// `plain`, whose contents before are overwritten.
    pub(super) fn open_rtp(
        &self,
        header: &[u8],
        body: &[u8],
        ssrc: u32,
        index: u64,
        plain: &mut Vec<u8>,
    ) -> Option<()> {
        let (text, tag) = body.split_last_chunk::<TAG_LEN>()?;
        plain.resize(text.len(), 0);
        let nonce = self.rtp_nonce(ssrc, index);
        self.key.open_separate_gather(nonce, Aad::from(header), text, tag, plain).ok()
    }

    /// `packet` is the plain compound followed by room for what is added.
    pub(super) fn seal_rtcp(&self, packet: &mut [u8], ssrc: u32, index: SrtcpIndex) -> Option<()> {
        let (packet, word) = packet.split_last_chunk_mut()?;
        let (packet, tag) = packet.split_last_chunk_mut::<TAG_LEN>()?;
        let (header, text) = packet.split_first_chunk_mut()?;
        *word = index.to_bytes();
        let aad = Aad::from(rtcp_associated_data(header, *word));
        let nonce = self.rtcp_nonce(ssrc, index);
        let sealed = self.key.seal_in_place_separate_tag(nonce, aad, text).ok()?;
        tag.copy_from_slice(sealed.as_ref());
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
        let (packet, word) = packet.split_last_chunk()?;
        let (packet, tag) = packet.split_last_chunk::<TAG_LEN>()?;
        let (header, text) = packet.split_first_chunk()?;
        let aad = Aad::from(rtcp_associated_data(header, *word));
        let nonce = self.rtcp_nonce(ssrc, index);
        plain.extend_from_slice(header);
        let start = plain.len();
        plain.resize(start + text.len(), 0);
        self.key.open_separate_gather(nonce, aad, text, tag, &mut plain[start..]).ok()
    }
}

/// The header in the clear, then the word with E and the index, though it is at the packet's end
/// (RFC 7714 9.2).
fn rtcp_associated_data(
    header: &[u8; RTCP_HEADER_LEN],
    word: [u8; SrtcpIndex::LEN],
) -> [u8; RTCP_HEADER_LEN + SrtcpIndex::LEN] {
    let mut data = [0; RTCP_HEADER_LEN + SrtcpIndex::LEN];
    data[..RTCP_HEADER_LEN].copy_from_slice(header);
    data[RTCP_HEADER_LEN..].copy_from_slice(&word);
    data
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::hex;
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f";
    const SALT: &str = "517569642070726f2071756f";

    /// Of RFC 7714 16: sequence number 0xf17b, SSRC 0x5501a0b2, rollover counter 0.
    const RTP_HEADER: &str = "8040f17b8041f8d35501a0b2";
    const RTP_PAYLOAD: &str = "47616c6c696120657374206f6d6e697320646976697361
        20696e207061727465732074726573";

    /// Of RFC 7714 17, SSRC 0x4d617273, index 0x5d4.
    const RTCP: &str = "81c8000d4d617273 4e5450314e545032525450200000042a 0000e9304c756e61
        deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

    fn gcm(key_len: usize) -> Gcm {
        Gcm::new(&SessionKeys::for_test(&hex(KEY)[..key_len], &hex(SALT))).unwrap()
    }

    #[track_caller]
    fn rtp_is_sealed_as(key_len: usize, expected: &str) {
        let (header, text) = (hex(RTP_HEADER), hex(RTP_PAYLOAD));
        // The prefix is a matter of how it is done, not of what comes out.
        for cut in [0, 1, 17, text.len()] {
            let (prefix, rest) = text.split_at(cut);
            let mut body = vec![0; text.len() + TAG_LEN];
            let payload = Payload { prefix, rest, padding: 0 };
            gcm(key_len).seal_rtp(&header, &mut body, 0x5501_a0b2, 0xf17b, &payload).unwrap();
            assert_eq!(body, hex(expected), "a prefix of {cut} bytes");
        }
    }

    #[test]
    fn rtp_with_128_bits_is_as_in_rfc_7714_16_1() {
        rtp_is_sealed_as(
            16,
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833
            899d7f27beb16a9152cf765ee4390cce",
        );
    }

    #[test]
    fn rtp_with_256_bits_is_as_in_rfc_7714_16_2() {
        rtp_is_sealed_as(
            32,
            "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b
            7aa3db36dfffd6b0f9bb7878d7a76c13",
        );
    }

    #[track_caller]
    fn rtcp_is_sealed_as(key_len: usize, expected: &str) {
        let (plain, expected) = (hex(RTCP), hex(expected));
        let index = SrtcpIndex(0x5d4);
        let mut packet = plain.clone();
        packet.resize(plain.len() + TAG_LEN + SrtcpIndex::LEN, 0);
        gcm(key_len).seal_rtcp(&mut packet, 0x4d61_7273, index).unwrap();
        assert_eq!(packet, expected);

        let mut opened = Vec::new();
        gcm(key_len).open_rtcp(&packet, 0x4d61_7273, index, &mut opened).unwrap();
        assert_eq!(opened, plain);
    }

    #[test]
    fn rtcp_with_128_bits_is_as_in_rfc_7714_17_1() {
        rtcp_is_sealed_as(
            16,
            "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32d
            c676a5f1730d6fda4ce09b4686303ded0bb9275b c84aa45896cf4d2fc5abf87245d9eade
            800005d4",
        );
    }

    #[test]
    fn rtcp_with_256_bits_is_as_in_rfc_7714_17_2() {
        rtcp_is_sealed_as(
            32,
            "81c8000d4d617273 d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50
            a2eaa5c1110555be8415f658c61de0476f1b6fad 1d1eb30c4446839f57ff6f6cb26ac3be
            800005d4",
        );
    }
}
