//! Protecting what one side sends.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::keys::Packets;
use super::{
    Cipher, KeyingMaterial, Payload, Profile, RTCP_HEADER_LEN, SrtcpIndex, null, rtcp_sender,
};

/// A packet index has 48 bits (RFC 3711 3.3.1).
const LAST_INDEX: u64 = (1 << 48) - 1;
/// RFC 3550 5.1.
const MIN_RTP_HEADER_LEN: usize = 12;

/// Protects what one side sends.
pub struct Sealer {
    profile: Profile,
    rtp: Cipher,
    rtcp: Cipher,
    /// Of the next SRTCP packet. Starts at zero (RFC 3711 3.2.1).
    next_rtcp_index: u32,
    /// Where each SSRC began under these keys, when they are not the first ones.
    begun: Option<RefCell<FxHashMap<u32, u64>>>,
}

impl Sealer {
    /// `client` tells whether this side was the DTLS client: it sends with the first key
    /// (RFC 5764 4.2). `None` when the cryptography refuses the keys.
    pub fn new(material: &KeyingMaterial, client: bool) -> Option<Self> {
        let profile = material.profile();
        Some(Self {
            profile,
            rtp: Cipher::new(material, client, Packets::Rtp)?,
            rtcp: Cipher::new(material, client, Packets::Rtcp)?,
            next_rtcp_index: 0,
            begun: None,
        })
    }

    /// As [`Sealer::new`], for streams that were sent under other keys before. The receiver has a
    /// new context too, so what it takes for the rollover counter is zero again (RFC 3711 3.3.1)
    /// wherever the index of a stream is.
    pub fn renewed(material: &KeyingMaterial, client: bool) -> Option<Self> {
        Some(Self { begun: Some(RefCell::default()), ..Self::new(material, client)? })
    }

    /// The index under these keys. `None` for one from before, which has no number under them.
    fn index(&self, ssrc: u32, index: u64) -> Option<u64> {
        let Some(begun) = &self.begun else { return Some(index) };
        let base = *begun.borrow_mut().entry(ssrc).or_insert(index & !0xffff);
        index.checked_sub(base)
    }

    /// How packets are protected.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Bytes by which an RTP packet grows.
    pub fn rtp_overhead(&self) -> usize {
        self.profile.rtp_overhead()
    }

    /// Bytes by which an RTCP compound grows.
    pub fn rtcp_overhead(&self) -> usize {
        self.profile.rtcp_overhead()
    }

    /// Seals an RTP packet whose header, with its extensions, is finished in `out[..header]`; the
    /// caller sets P when there is padding. Behind it come `prefix`, `rest`, `padding` bytes of RTP
    /// padding (RFC 3550 5.1, at most 255), and the tag. Returns the length of the packet.
    ///
    /// `index` is the packet index of 48 bits: the rollover counter and the sequence number. It must
    /// not come twice for one SSRC with other bytes: in AES-GCM that gives the authentication key
    /// away, in counter mode the plaintext of both (RFC 7714 8.4, RFC 3711 9.1).
    ///
    /// `None` when `out` is too short, the padding too long, the 48 bits are used up, or the packet
    /// is older than keys that are not the first ones.
    #[allow(clippy::too_many_arguments)]
    pub fn seal_rtp(
        &self,
        out: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
        prefix: &[u8],
        rest: &[u8],
        padding: usize,
    ) -> Option<usize> {
        let payload = Payload { prefix, rest, padding: u8::try_from(padding).ok()? };
        let len = header.checked_add(payload.len() + self.rtp_overhead())?;
        let packet = out.get_mut(..len)?;
        let index = self.index(ssrc, index)?;
        if header < MIN_RTP_HEADER_LEN || index > LAST_INDEX {
            return None;
        }
        debug_assert_eq!(packet[2..4], (index as u16).to_be_bytes(), "the sequence number");
        debug_assert_eq!(packet[8..12], ssrc.to_be_bytes(), "the SSRC");
        debug_assert_eq!(packet[0] & 0x20 != 0, padding > 0, "the padding bit");
        match &self.rtp {
            Cipher::Gcm(gcm) => {
                let (header, body) = packet.split_at_mut(header);
                gcm.seal_rtp(header, body, ssrc, index, &payload)?;
            }
            Cipher::CounterMode(mode) => mode.seal_rtp(packet, header, ssrc, index, &payload)?,
            Cipher::Null => null::seal_rtp(packet.get_mut(header..)?, &payload)?,
        }
        Some(len)
    }

    /// Seals the plain RTCP compound in `out[..length]` in place, under the next SRTCP index.
    /// Returns the length of the packet.
    ///
    /// `None` when `out` is too short, `length` holds no RTCP packet with an SSRC, or all 2^31
    /// indices are used up.
    pub fn seal_rtcp(&mut self, out: &mut [u8], length: usize) -> Option<usize> {
        let len = length.checked_add(self.rtcp_overhead())?;
        let packet = out.get_mut(..len)?;
        let ssrc = rtcp_sender(&packet[..length])?;
        if matches!(self.rtcp, Cipher::Null) {
            return Some(len);
        }
        if self.next_rtcp_index > SrtcpIndex::LAST {
            return None;
        }
        let index = SrtcpIndex(self.next_rtcp_index);
        // Before sealing, so that an index is not used twice whatever happens there.
        self.next_rtcp_index += 1;
        debug_assert!(length >= RTCP_HEADER_LEN);
        match &self.rtcp {
            Cipher::Gcm(gcm) => gcm.seal_rtcp(packet, ssrc, index)?,
            Cipher::CounterMode(mode) => mode.seal_rtcp(packet, ssrc, index)?,
            Cipher::Null => {}
        }
        Some(len)
    }
}

#[cfg(test)]
mod tests {
    use super::super::interoperability::material;
    use super::*;

    fn sealer(profile: Profile) -> Sealer {
        Sealer::new(&material(profile), true).unwrap()
    }

    /// A header of 12 bytes for `index`, with P as `padding` says.
    fn header(ssrc: u32, index: u64, padding: bool) -> Vec<u8> {
        let mut header = vec![0x80 | u8::from(padding) << 5, 96];
        header.extend((index as u16).to_be_bytes());
        header.extend([0, 0, 1, 2]);
        header.extend(ssrc.to_be_bytes());
        header
    }

    fn seal(sealer: &Sealer, index: u64, prefix: &[u8], rest: &[u8], padding: usize) -> Vec<u8> {
        let mut out = header(7, index, padding > 0);
        out.resize(2000, 0xaa);
        let len = sealer.seal_rtp(&mut out, 12, 7, index, prefix, rest, padding).unwrap();
        assert!(out[len..].iter().all(|&byte| byte == 0xaa), "nothing behind the packet changes");
        out.truncate(len);
        out
    }

    #[test]
    fn a_prefix_makes_no_difference_on_the_wire() {
        let payload: Vec<u8> = (0..200).collect();
        for profile in Profile::ALL {
            let sealer = sealer(profile);
            for padding in [0, 1, 16, 255] {
                let whole = seal(&sealer, 65_536, &[], &payload, padding);
                assert_eq!(whole.len(), 12 + 200 + padding + profile.rtp_overhead());
                for cut in [1, 15, 16, 199, 200] {
                    let (prefix, rest) = payload.split_at(cut);
                    assert_eq!(seal(&sealer, 65_536, prefix, rest, padding), whole, "{profile:?}");
                }
            }
        }
    }

    #[test]
    fn one_sequence_number_is_sealed_differently_after_it_wrapped() {
        for profile in Profile::ALL {
            let sealer = sealer(profile);
            let before = seal(&sealer, 0xffff, &[], &[1; 40], 0);
            let after = seal(&sealer, 0x1_ffff, &[], &[1; 40], 0);
            assert_eq!(before[..12], after[..12], "the rollover counter is not sent");
            assert_ne!(before[12..52], after[12..52]);
            assert_ne!(before[52..], after[52..]);
        }
    }

    #[test]
    fn under_new_keys_the_rollover_counter_starts_again_for_each_stream() {
        for profile in Profile::ALL {
            let first = sealer(profile);
            let renewed = Sealer::renewed(&material(profile), true).unwrap();
            for index in [0x3_0010, 0x3_0011, 0x4_0000, 0x3_0003] {
                let expected = seal(&first, index - 0x3_0000, &[], &[1; 40], 0);
                assert_eq!(seal(&renewed, index, &[], &[1; 40], 0), expected, "{index:x}");
            }
            let mut out = header(7, 0x2_ffff, false);
            out.resize(200, 0);
            assert_eq!(renewed.seal_rtp(&mut out, 12, 7, 0x2_ffff, &[], &[1], 0), None);
        }
    }

    #[test]
    fn the_last_byte_of_room_is_used_and_no_more() {
        for profile in Profile::ALL {
            let sealer = sealer(profile);
            let len = 12 + 3 + 20 + 5 + profile.rtp_overhead();
            let mut out = header(7, 9, true);
            out.resize(len, 0);
            let mut short = out.clone();
            assert_eq!(sealer.seal_rtp(&mut out, 12, 7, 9, &[1; 3], &[2; 20], 5), Some(len));
            short.pop();
            let untouched = short.clone();
            assert_eq!(sealer.seal_rtp(&mut short, 12, 7, 9, &[1; 3], &[2; 20], 5), None);
            assert_eq!(short, untouched);
        }
    }

    #[test]
    fn what_cannot_be_a_packet_is_refused() {
        for profile in Profile::ALL {
            let sealer = sealer(profile);
            let mut out = [0; 1500];
            assert_eq!(sealer.seal_rtp(&mut out, 11, 7, 0, &[], &[1], 0), None);
            assert_eq!(sealer.seal_rtp(&mut out, usize::MAX, 7, 0, &[], &[1], 0), None);
            assert_eq!(sealer.seal_rtp(&mut out, 12, 7, 0, &[], &[1], 256), None);
            assert_eq!(sealer.seal_rtp(&mut out, 12, 7, 1 << 48, &[], &[1], 0), None);
            let last = seal(&sealer, (1 << 48) - 1, &[], &[1], 0);
            assert_eq!(last.len(), 13 + profile.rtp_overhead());
        }
    }

    #[test]
    fn a_packet_of_padding_alone_is_sealed() {
        for profile in Profile::ALL {
            let packet = seal(&sealer(profile), 3, &[], &[], 200);
            assert_eq!(packet.len(), 12 + 200 + profile.rtp_overhead());
        }
    }

    #[test]
    fn srtcp_indices_count_from_zero_and_do_not_wrap() {
        for profile in Profile::ALL {
            let mut sealer = sealer(profile);
            let at = match profile {
                Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 8 + 16,
                _ => 8,
            };
            let mut seal = |next: Option<u32>| {
                sealer.next_rtcp_index = next.unwrap_or(sealer.next_rtcp_index);
                let mut out = [0; 40];
                out[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
                let len = sealer.seal_rtcp(&mut out, 8)?;
                assert_eq!(len, 8 + profile.rtcp_overhead());
                Some(u32::from_be_bytes(out[at..at + 4].try_into().unwrap()))
            };
            assert_eq!(seal(None), Some(0x8000_0000));
            assert_eq!(seal(None), Some(0x8000_0001));
            assert_eq!(seal(Some(0x7fff_ffff)), Some(0xffff_ffff));
            assert_eq!(seal(None), None);
            assert_eq!(seal(None), None);
        }
    }

    #[test]
    fn rtcp_without_room_or_without_a_header_is_refused_and_uses_no_index() {
        for profile in Profile::ALL {
            let mut sealer = sealer(profile);
            let mut out = vec![0; 8 + profile.rtcp_overhead()];
            assert_eq!(sealer.seal_rtcp(&mut out, 9), None);
            assert_eq!(sealer.seal_rtcp(&mut out, usize::MAX), None);
            assert_eq!(sealer.seal_rtcp(&mut out, 7), None);
            assert_eq!(sealer.next_rtcp_index, 0);
            assert_eq!(sealer.seal_rtcp(&mut out, 8), Some(out.len()));
        }
    }
}
