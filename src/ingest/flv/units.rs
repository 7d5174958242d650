//! NAL units as files have them, behind their lengths, made the byte stream that decoders and packetizers
//! take (ISO/IEC 14496-15; Annex B of H.264 and H.265).

use super::error::FlvError;
use crate::codec::Codec;

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Bytes of parameter sets that are kept.
const MAX_SETS: usize = 16 * 1024;

/// What an avcC or hvcC says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Units {
    codec: Codec,
    /// Bytes of a length: 1, 2 or 4.
    length: usize,
    /// Parameter sets, each after a start code.
    sets: Vec<u8>,
}

impl Units {
    /// Reads the configuration of H.264 or H.265.
    ///
    /// # Errors
    /// `Malformed`.
    pub(super) fn parse(codec: Codec, record: &[u8]) -> Result<Self, FlvError> {
        match codec {
            Codec::H265 => Self::hevc(record),
            _ => Self::avc(record),
        }
        .ok_or(FlvError::Malformed)
    }

    /// ISO/IEC 14496-15 5.3.3.1.
    fn avc(record: &[u8]) -> Option<Self> {
        let (&[version, _, _, _, length, sps], mut rest) = record.split_first_chunk()?;
        if version != 1 {
            return None;
        }
        let mut units = Self { codec: Codec::H264, length: 0, sets: Vec::new() };
        units.set_length(length & 3)?;
        for _ in 0..sps & 0x1f {
            rest = units.add(rest)?;
        }
        let (&pps, mut rest) = rest.split_first()?;
        for _ in 0..pps {
            rest = units.add(rest)?;
        }
        Some(units)
    }

    /// ISO/IEC 14496-15 8.3.3.1.
    fn hevc(record: &[u8]) -> Option<Self> {
        const BEFORE_LENGTH: usize = 21;
        let (&[length, arrays], mut rest) = record.get(BEFORE_LENGTH..)?.split_first_chunk()?;
        let mut units = Self { codec: Codec::H265, length: 0, sets: Vec::new() };
        units.set_length(length & 3)?;
        for _ in 0..arrays {
            let (&[_kind, high, low], after) = rest.split_first_chunk()?;
            rest = after;
            for _ in 0..u16::from_be_bytes([high, low]) {
                rest = units.add(rest)?;
            }
        }
        Some(units)
    }

    fn set_length(&mut self, minus_one: u8) -> Option<()> {
        self.length = usize::from(minus_one) + 1;
        (self.length != 3).then_some(())
    }

    /// Takes a parameter set after its length. Gives what is behind it.
    fn add<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (&length, rest) = bytes.split_first_chunk()?;
        let (nal, rest) = rest.split_at_checked(u16::from_be_bytes(length).into())?;
        if nal.is_empty() {
            return Some(rest);
        }
        self.sets.extend_from_slice(&START_CODE);
        self.sets.extend_from_slice(nal);
        (self.sets.len() <= MAX_SETS).then_some(rest)
    }

    /// Appends a frame. One that a decoder can begin with gets the parameter sets in front, unless it
    /// has its own.
    ///
    /// # Errors
    /// `Malformed`; what was appended is of no use.
    pub(super) fn append(&self, data: &[u8], out: &mut Vec<u8>) -> Result<(), FlvError> {
        let start = out.len();
        let (mut begins, mut has_sets) = (false, false);
        let mut rest = data;
        while !rest.is_empty() {
            let (length, after) = rest.split_at_checked(self.length).ok_or(FlvError::Malformed)?;
            let length = length.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
            let (nal, after) = after.split_at_checked(length).ok_or(FlvError::Malformed)?;
            rest = after;
            let Some(&header) = nal.first() else { continue };
            let (delimiter, set, begin) = self.classify(header);
            // Says nothing that the frame itself does not.
            if delimiter {
                continue;
            }
            (begins, has_sets) = (begins | begin, has_sets | set);
            out.extend_from_slice(&START_CODE);
            out.extend_from_slice(nal);
        }
        if begins && !has_sets {
            out.splice(start..start, self.sets.iter().copied());
        }
        Ok(())
    }

    /// Whether a unit is an access unit delimiter, a sequence parameter set, or a slice of a picture
    /// that a decoder can begin with.
    fn classify(&self, header: u8) -> (bool, bool, bool) {
        if self.codec == Codec::H265 {
            let kind = header >> 1 & 0x3f;
            // IRAP pictures, but for those that lean on pictures before them (table 7-1).
            return (kind == 35, kind == 33, (16..=21).contains(&kind));
        }
        let kind = header & 0x1f;
        (kind == 9, kind == 7, kind == 5)
    }
}
