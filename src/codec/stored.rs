//! Frames of files on their way to packets: the other way round than
//! [`store`](super::configuration::store).

use super::bits::BitReader;
use super::configuration::Configuration;
use super::format::Parameters;
use super::frame::{Malformed, nal_units};
use super::h264_profile::H264Profile;
use super::{Codec, av1};

/// Parameter sets of a record.
const MAX_SETS: usize = 64;

/// Turns frames as files hold them into what a packetizer takes.
#[derive(Clone, Debug)]
pub struct Loader {
    codec: Codec,
    /// Bytes of the length before a NAL unit; 0 in the byte stream format.
    length: usize,
    /// What stands in the record and not in the frames: parameter sets in the byte stream format, or
    /// a sequence header.
    head: Vec<u8>,
}

impl Loader {
    /// `record` is what the file has of the configuration; see
    /// [`Configuration::record`](super::configuration::Configuration). `None` when it is none.
    pub fn new(codec: Codec, record: &[u8]) -> Option<Self> {
        let mut loader = Self { codec, length: 0, head: Vec::new() };
        match codec {
            Codec::H264 if !record.is_empty() => loader.avc(record)?,
            Codec::H265 if !record.is_empty() => loader.hevc(record)?,
            Codec::Av1 => loader.head = record.get(4..).unwrap_or(&[]).to_vec(),
            _ => {}
        }
        Some(loader)
    }

    /// ISO/IEC 14496-15 5.3.3.1. Some write the byte stream format in its place.
    fn avc(&mut self, record: &[u8]) -> Option<()> {
        if record.first() != Some(&1) {
            self.head = record.to_vec();
            return Some(());
        }
        let (&lengths, rest) = record.get(4..)?.split_first()?;
        self.length = usize::from(lengths & 3) + 1;
        let (&sets, rest) = rest.split_first()?;
        let rest = self.sets(rest, usize::from(sets & 0x1f))?;
        let (&sets, rest) = rest.split_first()?;
        self.sets(rest, usize::from(sets))?;
        Some(())
    }

    /// ISO/IEC 14496-15 8.3.3.1.
    fn hevc(&mut self, record: &[u8]) -> Option<()> {
        if record.first() != Some(&1) {
            self.head = record.to_vec();
            return Some(());
        }
        let (&lengths, rest) = record.get(21..)?.split_first()?;
        self.length = usize::from(lengths & 3) + 1;
        let (&arrays, mut rest) = rest.split_first()?;
        for _ in 0..arrays {
            let &[_, high, low] = rest.first_chunk()?;
            rest = self.sets(rest.get(3..)?, usize::from(u16::from_be_bytes([high, low])))?;
        }
        Some(())
    }

    /// Takes so many parameter sets, each behind its length in two bytes.
    fn sets<'a>(&mut self, mut rest: &'a [u8], count: usize) -> Option<&'a [u8]> {
        if count > MAX_SETS {
            return None;
        }
        for _ in 0..count {
            let (len, after) = rest.split_first_chunk()?;
            let (set, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
            append(set, &mut self.head);
            rest = after;
        }
        Some(rest)
    }

    /// Appends a frame as [`Parts`](super::frame::Parts) has it, a keyframe with all that its decoder
    /// needs.
    ///
    /// # Errors
    /// [`Malformed`] when lengths are more than there is.
    pub fn load(&self, stored: &[u8], keyframe: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self.codec {
            Codec::H264 | Codec::H265 => self.load_units(stored, keyframe, out),
            Codec::Av1 => self.load_obus(stored, keyframe, out),
            _ => {
                out.extend_from_slice(stored);
                Ok(())
            }
        }
    }

    fn load_units(
        &self,
        stored: &[u8],
        keyframe: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let begin = out.len();
        if self.length == 0 {
            out.extend_from_slice(stored);
        }
        let mut rest = if self.length == 0 { &[][..] } else { stored };
        while !rest.is_empty() {
            let (len, after) = rest.split_at_checked(self.length).ok_or(Malformed)?;
            let len = len.iter().fold(0usize, |len, byte| len << 8 | usize::from(*byte));
            let (unit, after) = after.split_at_checked(len).ok_or(Malformed)?;
            rest = after;
            if !unit.is_empty() {
                append(unit, out);
            }
        }
        let has_sets = || nal_units(&out[begin..]).any(|unit| self.is_sequence_set(unit));
        if keyframe && !self.head.is_empty() && !has_sets() {
            out.splice(begin..begin, self.head.iter().copied());
        }
        Ok(())
    }

    fn is_sequence_set(&self, unit: &[u8]) -> bool {
        let header = unit.first().copied().unwrap_or(0);
        match self.codec {
            Codec::H264 => header & 0x1f == 7,
            _ => header >> 1 & 0x3f == super::h265::SPS,
        }
    }

    /// The last OBU of a sample may have no size (AV1 in ISOBMFF 2.4).
    fn load_obus(&self, stored: &[u8], keyframe: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        const HAS_SIZE: u8 = 0x02;
        const EXTENDED: u8 = 0x04;
        let begin = out.len();
        let (mut rest, mut has_sequence) = (stored, false);
        while let Some(&header) = rest.first() {
            has_sequence |= header >> 3 & 0x0f == av1::SEQUENCE_HEADER;
            if header & HAS_SIZE == 0 {
                let head = 1 + usize::from(header & EXTENDED != 0);
                let (head, body) = rest.split_at_checked(head).ok_or(Malformed)?;
                let (size, used) = av1::size(body.len());
                out.push(header | HAS_SIZE);
                out.extend_from_slice(&head[1..]);
                out.extend_from_slice(&size[..used]);
                out.extend_from_slice(body);
                break;
            }
            let (_, after) = av1::split_obu(rest).ok_or(Malformed)?;
            let whole = rest.len().checked_sub(after.len()).and_then(|len| rest.get(..len));
            out.extend_from_slice(whole.ok_or(Malformed)?);
            rest = after;
        }
        if keyframe && !self.head.is_empty() && !has_sequence {
            out.splice(begin..begin, self.head.iter().copied());
        }
        Ok(())
    }
}

/// Appends a unit in the byte stream format.
fn append(unit: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(unit);
}

/// What a stream is that begins with this keyframe: what its pictures and its profile are. `None` when
/// it is no keyframe of the codec.
pub fn inspect(codec: Codec, keyframe: &[u8]) -> Option<(Configuration, Parameters)> {
    let configuration = Configuration::of(codec, keyframe)?;
    let record = &configuration.record;
    let profile = match codec {
        Codec::H264 => {
            let &[_, idc, flags, _] = record.first_chunk()?;
            H264Profile::parse(Some(&format!("{idc:02x}{flags:02x}00")))
                .map_or(0, H264Profile::code)
        }
        Codec::H265 => u32::from(*record.get(1)? & 0x1f),
        Codec::Av1 => u32::from(*record.get(1)? >> 5),
        Codec::Vp9 => {
            let mut r = BitReader::new(keyframe);
            r.skip(2)?;
            r.bits(1)? | r.bits(1)? << 1
        }
        _ => 0,
    };
    let packetization_mode = u8::from(codec == Codec::H264);
    Some((configuration, Parameters { profile, packetization_mode }))
}

#[cfg(test)]
mod tests {
    use super::super::configuration::store;
    use super::*;

    const KEYFRAME: [u8; 15] = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x65, 3, 4, 5];

    #[test]
    fn units_come_back_as_they_were_stored() {
        let mut stored = Vec::new();
        store(Codec::H264, &KEYFRAME, &[], &mut stored);
        let record = [1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, 2, 0x67, 9, 1, 0, 1, 0x68];
        let loader = Loader::new(Codec::H264, &record).unwrap();
        let mut out = Vec::new();
        loader.load(&stored, true, &mut out).unwrap();
        assert_eq!(out, KEYFRAME, "it has a sequence parameter set of its own");
    }

    #[test]
    fn a_keyframe_gets_the_parameter_sets_that_only_the_file_has() {
        let record = [1, 0x42, 0xc0, 0x1f, 0xfd, 0xe1, 0, 2, 0x67, 9, 1, 0, 1, 0x68];
        let loader = Loader::new(Codec::H264, &record).unwrap();
        let (mut key, mut delta) = (Vec::new(), Vec::new());
        loader.load(&[0, 2, 0x65, 7], true, &mut key).unwrap();
        loader.load(&[0, 2, 0x41, 7], false, &mut delta).unwrap();
        assert_eq!(key, [0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 7]);
        assert_eq!(delta, [0, 0, 0, 1, 0x41, 7]);
    }

    #[test]
    fn a_byte_stream_stays_one() {
        let loader = Loader::new(Codec::H264, &[]).unwrap();
        let mut out = Vec::new();
        loader.load(&KEYFRAME, true, &mut out).unwrap();
        assert_eq!(out, KEYFRAME);
    }

    #[test]
    fn the_last_obu_gets_the_size_that_files_spare_it() {
        let loader = Loader::new(Codec::Av1, &[0x81, 0, 0, 0, 0x0a, 1, 9]).unwrap();
        let mut out = Vec::new();
        loader.load(&[0x32, 1, 5, 0x30, 6, 7], true, &mut out).unwrap();
        assert_eq!(out, [0x0a, 1, 9, 0x32, 1, 5, 0x32, 2, 6, 7]);
    }

    #[test]
    fn lengths_beyond_the_frame_are_malformed() {
        let record = [1, 0x42, 0xc0, 0x1f, 0xff, 0xe0, 0];
        let loader = Loader::new(Codec::H264, &record).unwrap();
        for stored in [&[0, 0, 0][..], &[0, 0, 0, 9, 1], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(loader.load(stored, false, &mut Vec::new()), Err(Malformed));
        }
        for cut in 1..record.len() {
            assert!(Loader::new(Codec::H264, &record[..cut]).is_none(), "{cut} bytes");
        }
        let av1 = Loader::new(Codec::Av1, &[]).unwrap();
        assert_eq!(av1.load(&[0x32, 9, 1], false, &mut Vec::new()), Err(Malformed));
        assert_eq!(av1.load(&[0x34], false, &mut Vec::new()), Err(Malformed));
    }
}
