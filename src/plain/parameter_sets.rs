//! Parameter sets of H.264 and H.265, as descriptions and packets brought them: the newest of each. Some
//! senders say them in their description alone, some once at the beginning, and whoever begins to watch
//! later needs them in front of a keyframe.

use crate::codec::Codec;
use crate::sdp::ParameterSets;

/// Most sets that are kept, and the most bytes of one.
const MAX_SETS: usize = 24;
const MAX_SET: usize = 1024;
/// Types of NAL units: H.264 table 7-1, H.265 table 7-1, and those of RTP (RFC 6184 5.2, RFC 7798 4.4).
mod h264 {
    pub(super) const SPS: u8 = 7;
    pub(super) const PPS: u8 = 8;
    pub(super) const STAP_A: u8 = 24;
}
mod h265 {
    pub(super) const VPS: u8 = 32;
    pub(super) const PPS: u8 = 34;
    pub(super) const AGGREGATION: u8 = 48;
}

/// The sets of one encoding, in the order in which a decoder wants them.
#[derive(Default, Debug)]
pub(super) struct Sets {
    codec: Option<Codec>,
    /// By type and identifier.
    known: Vec<Set>,
}

#[derive(Debug)]
struct Set {
    key: (u8, u32),
    unit: Vec<u8>,
}

impl Sets {
    /// Takes what a description said.
    pub(super) fn new(declared: &[ParameterSets]) -> Self {
        let mut sets = Self::default();
        for declared in declared {
            declared.units.iter().for_each(|unit| sets.learn(declared.codec, unit));
        }
        sets
    }

    /// Looks for sets in a payload. Gives whether there is one.
    pub(super) fn read(&mut self, codec: Codec, payload: &[u8]) -> bool {
        let Some(&header) = payload.first() else { return false };
        let (kind, aggregate) = match codec {
            Codec::H264 => (header & 0x1f, (h264::STAP_A, 1)),
            Codec::H265 => (header >> 1 & 0x3f, (h265::AGGREGATION, 2)),
            _ => return false,
        };
        let (aggregation, header) = aggregate;
        if kind != aggregation {
            let is = is_set(codec, kind);
            if is {
                self.learn(codec, payload);
            }
            return is;
        }
        let mut found = false;
        let mut rest = payload.get(header..).unwrap_or_default();
        while let Some((size, after)) = rest.split_first_chunk::<2>() {
            let size = usize::from(u16::from_be_bytes(*size));
            let Some((unit, after)) = after.split_at_checked(size) else { break };
            rest = after;
            if is_set(codec, kind_of(codec, unit)) {
                found = true;
                self.learn(codec, unit);
            }
        }
        found
    }

    fn learn(&mut self, codec: Codec, unit: &[u8]) {
        if unit.len() > MAX_SET {
            return;
        }
        if self.codec != Some(codec) {
            (self.codec, self.known) = (Some(codec), Vec::new());
        }
        let Some(id) = identifier(codec, unit) else { return };
        let key = (kind_of(codec, unit), id);
        match self.known.binary_search_by_key(&key, |set| set.key) {
            Ok(place) => {
                if let Some(known) = self.known.get_mut(place).filter(|set| set.unit != unit) {
                    known.unit = unit.to_vec();
                }
            }
            Err(place) if self.known.len() < MAX_SETS => {
                self.known.insert(place, Set { key, unit: unit.to_vec() });
            }
            Err(_) => {}
        }
    }

    /// All that there are as one payload each, or together where they fit `most` bytes.
    pub(super) fn payloads(&self, codec: Codec, most: usize) -> Vec<Vec<u8>> {
        if self.codec != Some(codec) || self.known.is_empty() {
            return Vec::new();
        }
        let size: usize = self.known.iter().map(|set| 2 + set.unit.len()).sum();
        let [first, ..] = &self.known[..] else { return Vec::new() };
        if self.known.len() == 1 || size + 2 > most {
            return self.known.iter().map(|set| set.unit.clone()).collect();
        }
        let mut payload = match codec {
            // The importance of the sets themselves (RFC 6184 5.7.1).
            Codec::H264 => {
                let first = first.unit.first().copied().unwrap_or(0);
                vec![first & 0x60 | h264::STAP_A]
            }
            // Layer 0, temporal layer 0 (RFC 7798 4.4.2).
            _ => vec![h265::AGGREGATION << 1, 1],
        };
        for set in &self.known {
            payload.extend((set.unit.len() as u16).to_be_bytes());
            payload.extend_from_slice(&set.unit);
        }
        vec![payload]
    }
}

fn kind_of(codec: Codec, unit: &[u8]) -> u8 {
    let header = unit.first().copied().unwrap_or(0);
    if codec == Codec::H264 { header & 0x1f } else { header >> 1 & 0x3f }
}

fn is_set(codec: Codec, kind: u8) -> bool {
    match codec {
        Codec::H264 => kind == h264::SPS || kind == h264::PPS,
        Codec::H265 => (h265::VPS..=h265::PPS).contains(&kind),
        _ => false,
    }
}

/// What tells a set from others of its type. That of an SPS of H.265 stands behind structures of any
/// length; streams have one.
fn identifier(codec: Codec, unit: &[u8]) -> Option<u32> {
    match (codec, kind_of(codec, unit)) {
        // Behind profile, constraints and level (H.264 7.3.2.1.1).
        (Codec::H264, h264::SPS) => exp_golomb(unit.get(4..)?),
        (Codec::H264, _) => exp_golomb(unit.get(1..)?),
        (_, h265::VPS) => unit.get(2).map(|byte| u32::from(byte >> 4)),
        (_, h265::PPS) => exp_golomb(unit.get(2..)?),
        _ => Some(0),
    }
}

/// The value of ue(v) at the start (H.264 9.1), as far as identifiers go.
fn exp_golomb(bytes: &[u8]) -> Option<u32> {
    let word = bytes.iter().take(4).enumerate();
    let word = word.fold(0u32, |word, (at, byte)| word | u32::from(*byte) << (24 - 8 * at));
    let zeros = word.leading_zeros();
    (zeros <= 8 && !bytes.is_empty()).then(|| (word >> (31 - 2 * zeros)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: [u8; 6] = [0x67, 0x42, 0xc0, 0x1f, 0xda, 1];
    const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    #[test]
    fn numbers_are_read() {
        assert_eq!(exp_golomb(&[0x80]), Some(0));
        assert_eq!(exp_golomb(&[0x40]), Some(1));
        assert_eq!(exp_golomb(&[0x60]), Some(2));
        assert_eq!(exp_golomb(&[0x20]), Some(3));
        assert_eq!(exp_golomb(&[0, 0, 0, 0]), None);
        assert_eq!(exp_golomb(&[]), None);
    }

    #[test]
    fn sets_of_a_description_and_of_packets_are_one_payload_the_newest_of_each() {
        let declared =
            ParameterSets { pt: 96, codec: Codec::H264, units: vec![PPS.into(), SPS.into()] };
        let mut sets = Sets::new(&[declared]);
        let together = [&[0x78, 0, 6][..], &SPS, &[0, 4], &PPS].concat();
        assert_eq!(sets.payloads(Codec::H264, 1150), [together]);
        let newer = [0x67, 0x64, 0, 0x1f, 0xda, 2];
        assert!(sets.read(Codec::H264, &newer));
        let together = [&[0x78, 0, 6][..], &newer, &[0, 4], &PPS].concat();
        let all = sets.payloads(Codec::H264, 1150);
        assert_eq!(all, [&together[..]]);
        assert!(sets.read(Codec::H264, &together), "as they would come");
        assert_eq!(sets.payloads(Codec::H264, 10).len(), 2, "too large for one");
        assert!(!sets.read(Codec::H264, &[0x65, 0x88]));
        assert_eq!(sets.payloads(Codec::H265, 1150), [[0u8; 0]; 0]);
    }

    #[test]
    fn those_of_h265_come_in_the_order_in_which_a_decoder_wants_them() {
        let mut sets = Sets::default();
        for unit in [[0x44, 1, 0x80], [0x42, 1, 1], [0x40, 1, 0x0c]] {
            assert!(sets.read(Codec::H265, &unit));
        }
        let expected = [0x60, 1, 0, 3, 0x40, 1, 0x0c, 0, 3, 0x42, 1, 1, 0, 3, 0x44, 1, 0x80];
        assert_eq!(sets.payloads(Codec::H265, 1150), [expected]);
    }

    #[test]
    fn what_a_peer_sends_is_bounded() {
        let mut sets = Sets::default();
        for id in 0..200u8 {
            sets.read(Codec::H264, &[0x68, 0x01, id, 0x80]);
            sets.read(Codec::H264, &[0x68, id, 0xff, 0xff]);
        }
        sets.read(Codec::H264, &[0x67; 4000]);
        assert!(sets.known.len() <= MAX_SETS);
        assert!(!sets.read(Codec::H264, &[0x78, 0xff, 0xff, 0x67]));
    }
}
