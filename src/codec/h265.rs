//! What an H.265 payload says about keyframes (RFC 7798).

use super::bits::{BitReader, Rbsp};
use super::nal::{Nal, Scan};

/// Slices of pictures that need no other: BLA, IDR and CRA (H.265 table 7-1).
const IRAP: std::ops::RangeInclusive<u8> = 16..=21;
/// Slices of other pictures; what lies between is reserved.
const LAST_SLICE: u8 = 31;
pub(super) const VPS: u8 = 32;
pub(super) const SPS: u8 = 33;
pub(super) const PPS: u8 = 34;
const ACCESS_UNIT_DELIMITER: u8 = 35;
const AGGREGATION: u8 = 48;
const FRAGMENTATION: u8 = 49;

/// Looks at every NAL unit that begins in the packet. Packets with decoding order numbers
/// (sprop-max-don-diff above 0) are not negotiated in WebRTC and not expected here.
pub(super) fn scan(payload: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let Some((header, body)) = payload.split_first_chunk::<2>() else { return scan };
    match kind(header) {
        AGGREGATION => {
            for nal in super::nal::aggregated(body) {
                if let Some((header, body)) = nal.split_first_chunk::<2>() {
                    look(Nal { kind: kind(header), body }, &mut scan);
                }
            }
        }
        FRAGMENTATION => {
            if let Some((&fragment, body)) = body.split_first()
                && fragment & 0x80 != 0
            {
                look(Nal { kind: fragment & 0x3f, body }, &mut scan);
            }
        }
        kind => look(Nal { kind, body }, &mut scan),
    }
    scan
}

/// The type in the two-byte NAL unit header (RFC 7798 1.1.4).
fn kind(header: &[u8; 2]) -> u8 {
    header[0] >> 1 & 0x3f
}

fn look(nal: Nal<'_>, scan: &mut Scan) {
    // first_slice_segment_in_pic_flag is the first bit of every slice.
    let first_slice = nal.body.first().is_some_and(|b| b & 0x80 != 0);
    match nal.kind {
        VPS => {
            scan.keyframe = true;
            scan.parameter_sets = true;
            scan.frame_start = true;
        }
        SPS => {
            scan.keyframe = true;
            scan.frame_start = true;
            scan.size = sps_size(nal.body).or(scan.size);
        }
        kind if IRAP.contains(&kind) && first_slice => {
            scan.keyframe = true;
            scan.frame_start = true;
        }
        0..=LAST_SLICE if first_slice => scan.frame_start = true,
        PPS | ACCESS_UNIT_DELIMITER => scan.frame_start = true,
        _ => {}
    }
}

/// Width and height of a sequence parameter set, cropped.
fn sps_size(body: &[u8]) -> Option<(u16, u16)> {
    let rbsp = Rbsp::new(body);
    Some(Sps::head(&rbsp)?.0.size)
}

/// What a sequence parameter set says of its stream (H.265 7.3.2.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sps {
    /// Width and height, cropped.
    pub(super) size: (u16, u16),
    /// Temporal layers above the first.
    pub(super) sub_layers: u8,
    /// sps_temporal_id_nesting_flag.
    pub(super) nests: bool,
    /// The general part of profile_tier_level (7.3.3): 88 bits of profile, 8 of level.
    pub(super) profile_tier_level: [u8; 12],
    /// chroma_format_idc.
    pub(super) chroma_format: u32,
    /// Bits of a sample above eight.
    pub(super) luma_depth: u32,
    pub(super) chroma_depth: u32,
}

impl Sps {
    /// Of what comes after the NAL unit header.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let rbsp = Rbsp::new(body);
        let (mut sps, mut r) = Self::head(&rbsp)?;
        sps.luma_depth = r.exp_golomb()?;
        sps.chroma_depth = r.exp_golomb()?;
        Some(sps)
    }

    /// All but the depths, which a packet may not have any more, and where they begin.
    fn head(rbsp: &Rbsp) -> Option<(Self, BitReader<'_>)> {
        let mut r = rbsp.reader();
        r.skip(4)?; // sps_video_parameter_set_id
        let sub_layers = r.bits(3)?;
        let nests = r.bit()?;
        let mut profile_tier_level = [0; 12];
        for byte in &mut profile_tier_level {
            *byte = r.bits(8)? as u8;
        }
        let mut skip = 0;
        for _ in 0..sub_layers {
            let (profile, level) = (r.bit()?, r.bit()?);
            skip += if profile { 88 } else { 0 } + if level { 8 } else { 0 };
        }
        if sub_layers > 0 {
            skip += 2 * (8 - sub_layers as usize);
        }
        r.skip(skip)?;
        r.exp_golomb()?; // sps_seq_parameter_set_id
        let chroma_format = r.exp_golomb()?;
        // Separate colour planes crop like monochrome.
        let separate = chroma_format == 3 && r.bit()?;
        let width = r.exp_golomb()?;
        let height = r.exp_golomb()?;
        let (mut crop_x, mut crop_y) = (0, 0);
        if r.bit()? {
            // Table 6-1: SubWidthC and SubHeightC.
            let (unit_x, unit_y) = match chroma_format {
                _ if separate => (1, 1),
                1 => (2, 2),
                2 => (2, 1),
                _ => (1, 1),
            };
            crop_x = r.exp_golomb()?.checked_add(r.exp_golomb()?)?.checked_mul(unit_x)?;
            crop_y = r.exp_golomb()?.checked_add(r.exp_golomb()?)?.checked_mul(unit_y)?;
        }
        let size = super::nal::size(width.checked_sub(crop_x)?, height.checked_sub(crop_y)?)?;
        let sps = Self {
            size,
            sub_layers: sub_layers as u8,
            nests,
            profile_tier_level,
            chroma_format,
            luma_depth: 0,
            chroma_depth: 0,
        };
        Some((sps, r))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitWriter;
    use super::*;

    fn nal(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind << 1, 1], body].concat()
    }

    /// 1920x1080 in 1920x1088, with `sub_layers` temporal sub-layers above the first.
    fn sps(sub_layers: u32) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.put(0, 4);
        bits.put(sub_layers, 3);
        bits.put(1, 1);
        for _ in 0..12 {
            bits.put(0x5a, 8);
        }
        for _ in 0..sub_layers {
            bits.put(0b11, 2);
        }
        if sub_layers > 0 {
            bits.put(0, 2 * (8 - sub_layers));
        }
        for _ in 0..sub_layers * 12 {
            bits.put(0xff, 8);
        }
        bits.ue(0);
        bits.ue(1);
        bits.ue(1920);
        bits.ue(1088);
        bits.put(1, 1);
        bits.ue(0);
        bits.ue(0);
        bits.ue(0);
        bits.ue(4);
        bits.put(1, 1);
        nal(SPS, &bits.finish())
    }

    fn aggregate(nals: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![AGGREGATION << 1, 1];
        for nal in nals {
            payload.extend((nal.len() as u16).to_be_bytes());
            payload.extend(*nal);
        }
        payload
    }

    #[test]
    fn an_sps_tells_the_size_with_and_without_sub_layers() {
        for sub_layers in 0..=6 {
            assert_eq!(scan(&sps(sub_layers)).size, Some((1920, 1080)), "{sub_layers}");
        }
    }

    #[test]
    fn an_aggregate_of_parameter_sets_begins_a_keyframe() {
        let scan = scan(&aggregate(&[&nal(VPS, &[1]), &sps(0), &nal(PPS, &[1])]));
        assert!(scan.keyframe && scan.parameter_sets && scan.frame_start);
        assert_eq!(scan.size, Some((1920, 1080)));
    }

    #[test]
    fn every_irap_picture_is_a_keyframe_and_no_other() {
        for kind in 0..=LAST_SLICE {
            assert_eq!(scan(&nal(kind, &[0x80])).keyframe, IRAP.contains(&kind), "type {kind}");
            assert!(scan(&nal(kind, &[0x80])).frame_start);
            assert!(!scan(&nal(kind, &[0x00])).keyframe, "not the first slice");
            assert!(!scan(&nal(kind, &[0x00])).frame_start);
        }
    }

    #[test]
    fn only_the_first_fragment_begins_a_keyframe() {
        assert!(scan(&nal(FRAGMENTATION, &[0x80 | 19, 0x80])).keyframe);
        assert!(!scan(&nal(FRAGMENTATION, &[19, 0x80])).keyframe);
        assert!(!scan(&nal(FRAGMENTATION, &[0x40 | 19, 0x80])).keyframe);
        assert!(!scan(&nal(FRAGMENTATION, &[0x80 | 1, 0x80])).keyframe);
        assert!(!scan(&nal(FRAGMENTATION, &[])).keyframe);
    }

    #[test]
    fn a_cut_packet_is_no_keyframe() {
        let sps = sps(3);
        for len in 0..sps.len() - 8 {
            assert_eq!(scan(&sps[..len]).size, None, "{len} bytes");
        }
        assert_eq!(scan(&[0x26]), Scan::default());
    }
}
