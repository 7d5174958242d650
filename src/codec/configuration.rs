//! Frames as files hold them, and what a file has to say of its frames before the first: the size of
//! its pictures and the configuration of its decoder.

mod vp9;

use super::bits::Rbsp;
use super::frame::nal_units;
use super::{Codec, av1, h264, h265};

/// What a decoder has to know before its first frame.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// Width and height of pictures, as far as the frame tells.
    pub size: Option<(u16, u16)>,
    /// The record that Matroska and MP4 have in common: OpusHead (RFC 7845 5.1), avcC and hvcC
    /// (ISO/IEC 14496-15), av1C (AV1 in ISOBMFF 2.3.3). Empty where none is needed.
    pub record: Vec<u8>,
    /// What MP4 alone asks for, of VP9: the body of vpcC behind version and flags ("VP Codec ISO
    /// Media File Format Binding" 2.2).
    pub vpcc: Option<[u8; 8]>,
}

impl Configuration {
    /// Of pictures that are larger than the frame says: upper layers of VP9 do not say it.
    pub fn with_size(mut self, size: Option<(u16, u16)>) -> Self {
        if let (Some(size), Some(vpcc)) = (size, &mut self.vpcc) {
            vpcc[1] = vp9::level(size);
        }
        self.size = size.or(self.size);
        self
    }

    /// Of a keyframe as [`Parts`](super::frame::Parts) has it. `None` when what its decoder needs is
    /// not in it.
    pub fn of(codec: Codec, frame: &[u8]) -> Option<Self> {
        match codec {
            Codec::Opus => Some(Self { record: opus_head(), ..Self::default() }),
            Codec::Pcmu | Codec::Pcma | Codec::G722 => Some(Self::default()),
            Codec::Vp8 => Some(Self { size: Some(vp8_size(frame)?), ..Self::default() }),
            Codec::Vp9 => {
                let vp9::Header { size, vpcc } = vp9::header(frame)?;
                Some(Self { size: Some(size), vpcc: Some(vpcc), ..Self::default() })
            }
            Codec::H264 => avc(frame),
            Codec::H265 => hevc(frame),
            Codec::Av1 => av1_record(frame),
        }
    }
}

/// Appends a frame as files hold it: NAL units after their length in four bytes, pictures of several
/// spatial layers of VP9 as a superframe, anything else as it is. `starts` is where frames of layers
/// begin.
pub fn store(codec: Codec, frame: &[u8], starts: &[usize], out: &mut Vec<u8>) {
    match codec {
        Codec::H264 | Codec::H265 => {
            for nal in nal_units(frame) {
                // A frame has 4 MiB at most.
                out.extend_from_slice(&(nal.len() as u32).to_be_bytes());
                out.extend_from_slice(nal);
            }
        }
        Codec::Vp9 if starts.len() > 1 => {
            out.extend_from_slice(frame);
            superframe_index(frame.len(), starts, out);
        }
        _ => out.extend_from_slice(frame),
    }
}

/// VP9, Annex B: the sizes of the frames between two marker bytes.
fn superframe_index(len: usize, starts: &[usize], out: &mut Vec<u8>) {
    // Four bytes of each size, and at most eight frames.
    let marker = 0b1101_1000 | (starts.len().clamp(1, 8) - 1) as u8;
    out.push(marker);
    for (index, start) in starts.iter().enumerate().take(8) {
        let end = starts.get(index + 1).copied().unwrap_or(len);
        out.extend_from_slice(&(end.saturating_sub(*start) as u32).to_le_bytes());
    }
    out.push(marker);
}

/// WebRTC's Opus is stereo whatever is in it (RFC 7587 7), and nothing of it is to be skipped.
fn opus_head() -> Vec<u8> {
    let mut head = b"OpusHead".to_vec();
    head.extend_from_slice(&[1, 2, 0, 0]);
    head.extend_from_slice(&48_000u32.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    head
}

/// RFC 6386 9.1.
fn vp8_size(frame: &[u8]) -> Option<(u16, u16)> {
    let header = frame.first_chunk::<10>()?;
    if header[0] & 1 != 0 || header[3..6] != [0x9d, 0x01, 0x2a] {
        return None;
    }
    let side = |low: u8, high: u8| u16::from_le_bytes([low, high]) & 0x3fff;
    Some((side(header[6], header[7]), side(header[8], header[9])))
}

/// ISO/IEC 14496-15 5.3.3.1.
fn avc(frame: &[u8]) -> Option<Configuration> {
    const EXTENDED: [u8; 4] = [100, 110, 122, 144];
    let of = |kind: u8| nal_units(frame).filter(move |nal| nal[0] & 0x1f == kind);
    let sps = of(7).next()?;
    let &[profile, constraints, level] = sps.get(1..4)?.first_chunk()?;
    let size = h264::sps_size(sps.get(1..)?)?;
    // Lengths of NAL units take four bytes.
    let mut record = vec![1, profile, constraints, level, 0xff];
    let sets: Vec<&[u8]> = of(7).take(31).collect();
    record.push(0xe0 | sets.len() as u8);
    sets.iter().try_for_each(|nal| sized(&mut record, nal))?;
    let sets: Vec<&[u8]> = of(8).take(255).collect();
    if sets.is_empty() {
        return None;
    }
    record.push(sets.len() as u8);
    sets.iter().try_for_each(|nal| sized(&mut record, nal))?;
    if EXTENDED.contains(&profile) {
        let rbsp = Rbsp::new(sps.get(4..)?);
        let mut r = rbsp.reader();
        r.exp_golomb()?; // seq_parameter_set_id
        let chroma = r.exp_golomb()?;
        r.skip(if chroma == 3 { 1 } else { 0 })?;
        let (luma_depth, chroma_depth) = (r.exp_golomb()?, r.exp_golomb()?);
        record.extend([0xfc | low(chroma, 2), 0xf8 | low(luma_depth, 3)]);
        record.extend([0xf8 | low(chroma_depth, 3), 0]);
    }
    Some(Configuration { size: Some(size), record, vpcc: None })
}

/// ISO/IEC 14496-15 8.3.3.1.
fn hevc(frame: &[u8]) -> Option<Configuration> {
    let of = |kind: u8| nal_units(frame).filter(move |nal| nal[0] >> 1 & 0x3f == kind);
    let body = of(h265::SPS).next()?.get(2..)?;
    let sps = h265::Sps::parse(body)?;
    let mut record = vec![1];
    record.extend_from_slice(&sps.profile_tier_level);
    // No spatial segmentation, parallelism unknown.
    record.extend([0xf0, 0, 0xfc]);
    record.extend([0xfc | low(sps.chroma_format, 2), 0xf8 | low(sps.luma_depth, 3)]);
    record.push(0xf8 | low(sps.chroma_depth, 3));
    // Frame rate unknown; temporal layers, whether they nest, lengths of four bytes; three arrays.
    record.extend([0, 0, (sps.sub_layers + 1) << 3 | u8::from(sps.nests) << 2 | 3, 3]);
    for kind in [h265::VPS, h265::SPS, h265::PPS] {
        let sets: Vec<&[u8]> = of(kind).take(16).collect();
        if sets.is_empty() {
            return None;
        }
        // Not all of them: others may come in the frames.
        record.extend([kind, 0, sets.len() as u8]);
        sets.iter().try_for_each(|nal| sized(&mut record, nal))?;
    }
    Some(Configuration { size: Some(sps.size), record, vpcc: None })
}

fn av1_record(frame: &[u8]) -> Option<Configuration> {
    let mut rest = frame;
    loop {
        let (obu, after) = av1::split_obu(rest)?;
        if obu.kind != av1::SEQUENCE_HEADER {
            rest = after;
            continue;
        }
        let whole = rest.get(..rest.len().checked_sub(after.len())?)?;
        let sequence = av1::Sequence::parse(obu.body)?;
        let (width, height) = sequence.size;
        let size = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
        let mut record = vec![0x81];
        record.extend(sequence.configuration);
        record.push(0);
        record.extend_from_slice(whole);
        return Some(Configuration { size: Some(size), record, vpcc: None });
    }
}

/// A parameter set after its length. `None` when it is too long for that.
fn sized(record: &mut Vec<u8>, nal: &[u8]) -> Option<()> {
    record.extend_from_slice(&u16::try_from(nal.len()).ok()?.to_be_bytes());
    record.extend_from_slice(nal);
    Some(())
}

/// The low bits of a number.
fn low(value: u32, bits: u32) -> u8 {
    (value & ((1 << bits) - 1)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_of_vp8_and_vp9_tell_their_size() {
        let vp8 = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00];
        assert_eq!(Configuration::of(Codec::Vp8, &vp8).unwrap().size, Some((320, 240)));
        assert_eq!(Configuration::of(Codec::Vp8, &[0x11; 10]), None, "no keyframe");
        // Profile 0, keyframe, shown; BT.601, 320x180.
        let vp9 = [0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30];
        assert_eq!(Configuration::of(Codec::Vp9, &vp9).unwrap().size, Some((320, 180)));
        for cut in 0..vp9.len() {
            assert_eq!(Configuration::of(Codec::Vp9, &vp9[..cut]), None, "{cut} bytes");
        }
    }

    #[test]
    fn units_are_stored_after_their_lengths() {
        let mut out = Vec::new();
        store(Codec::H264, &[0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65, 3], &[], &mut out);
        assert_eq!(out, [0, 0, 0, 3, 0x67, 1, 2, 0, 0, 0, 2, 0x65, 3]);
    }

    #[test]
    fn layers_of_vp9_are_stored_as_one_superframe() {
        let mut out = Vec::new();
        store(Codec::Vp9, &[1, 2, 3], &[0, 2], &mut out);
        assert_eq!(out, [1, 2, 3, 0xd9, 2, 0, 0, 0, 1, 0, 0, 0, 0xd9]);
        out.clear();
        store(Codec::Vp9, &[1, 2, 3], &[0], &mut out);
        assert_eq!(out, [1, 2, 3]);
    }

    #[test]
    fn a_frame_without_parameter_sets_configures_nothing() {
        let slice = [0, 0, 0, 1, 0x65, 3, 4, 5, 6];
        assert_eq!(Configuration::of(Codec::H264, &slice), None);
        assert_eq!(Configuration::of(Codec::H265, &slice), None);
        assert_eq!(Configuration::of(Codec::Av1, &[0x32, 1, 2]), None);
    }
}
