//! What an H.264 payload says about keyframes (RFC 6184).

use super::bits::{BitReader, Rbsp};
use super::nal::{Nal, Scan};

const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const ACCESS_UNIT_DELIMITER: u8 = 9;
pub(super) const STAP_A: u8 = 24;
const STAP_B: u8 = 25;
pub(super) const FU_A: u8 = 28;
const FU_B: u8 = 29;

/// Looks at every NAL unit that begins in the packet.
pub(super) fn scan(payload: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let Some(&header) = payload.first() else { return scan };
    match header & 0x1f {
        STAP_A => scan_aggregate(&payload[1..], &mut scan),
        // The decoding order number takes two bytes (RFC 6184 5.7.1).
        STAP_B => scan_aggregate(payload.get(3..).unwrap_or(&[]), &mut scan),
        kind @ (FU_A | FU_B) => {
            let Some(&fragment) = payload.get(1) else { return scan };
            let body = payload.get(if kind == FU_A { 2 } else { 4 }..).unwrap_or(&[]);
            if fragment & 0x80 != 0 {
                look(Nal { kind: fragment & 0x1f, body }, &mut scan);
            }
        }
        kind => look(Nal { kind, body: &payload[1..] }, &mut scan),
    }
    scan
}

/// RFC 6184 5.7.1: a 16-bit size before each NAL unit.
fn scan_aggregate(bytes: &[u8], scan: &mut Scan) {
    for nal in super::nal::aggregated(bytes) {
        if let Some((&header, body)) = nal.split_first() {
            look(Nal { kind: header & 0x1f, body }, scan);
        }
    }
}

fn look(nal: Nal<'_>, scan: &mut Scan) {
    // first_mb_in_slice is ue(v): a leading 1 means 0, the first slice of the picture.
    let first_slice = nal.body.first().is_some_and(|b| b & 0x80 != 0);
    match nal.kind {
        SPS => {
            scan.keyframe = true;
            scan.parameter_sets = true;
            scan.frame_start = true;
            scan.size = sps_size(nal.body).or(scan.size);
        }
        IDR_SLICE if first_slice => {
            scan.keyframe = true;
            scan.frame_start = true;
        }
        SLICE if first_slice => scan.frame_start = true,
        PPS | ACCESS_UNIT_DELIMITER => scan.frame_start = true,
        _ => {}
    }
}

/// Width and height of a sequence parameter set (H.264 7.3.2.1.1), cropped.
pub(super) fn sps_size(body: &[u8]) -> Option<(u16, u16)> {
    let size = SpsSize::parse(body)?;
    super::nal::size(size.width.checked_sub(size.crop_x)?, size.height.checked_sub(size.crop_y)?)
}

/// Width and height that are decoded, before cropping, of a sequence parameter set after its NAL
/// unit header.
#[cfg(feature = "mcu")]
pub(crate) fn coded_size(body: &[u8]) -> Option<(u32, u32)> {
    SpsSize::parse(body).map(|size| (size.width, size.height))
}

struct SpsSize {
    width: u32,
    height: u32,
    crop_x: u32,
    crop_y: u32,
}

impl SpsSize {
    fn parse(body: &[u8]) -> Option<SpsSize> {
        let rbsp = Rbsp::new(body);
        let mut r = rbsp.reader();
        let profile = r.bits(8)?;
        r.skip(16)?; // constraint flags and level
        r.exp_golomb()?; // seq_parameter_set_id
        let mut chroma_format = 1;
        if matches!(
            profile,
            44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244
        ) {
            chroma_format = r.exp_golomb()?;
            if chroma_format == 3 && r.bit()? {
                chroma_format = 0; // separate colour planes crop like monochrome
            }
            r.exp_golomb()?; // bit_depth_luma_minus8
            r.exp_golomb()?; // bit_depth_chroma_minus8
            r.skip(1)?; // qpprime_y_zero_transform_bypass_flag
            if r.bit()? {
                skip_scaling_lists(&mut r, if chroma_format == 3 { 12 } else { 8 })?;
            }
        }
        r.exp_golomb()?; // log2_max_frame_num_minus4
        match r.exp_golomb()? {
            0 => {
                r.exp_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
            }
            1 => {
                r.skip(1)?; // delta_pic_order_always_zero_flag
                r.signed_exp_golomb()?; // offset_for_non_ref_pic
                r.signed_exp_golomb()?; // offset_for_top_to_bottom_field
                let count = r.exp_golomb()?;
                if count > 255 {
                    return None;
                }
                for _ in 0..count {
                    r.signed_exp_golomb()?; // offset_for_ref_frame
                }
            }
            _ => {}
        }
        r.exp_golomb()?; // max_num_ref_frames
        r.skip(1)?; // gaps_in_frame_num_value_allowed_flag
        let width = r.exp_golomb()?.checked_add(1)?.checked_mul(16)?;
        let map_units = r.exp_golomb()?.checked_add(1)?;
        let frame_mbs_only = r.bit()?;
        let fields = if frame_mbs_only { 1 } else { 2 };
        let height = map_units.checked_mul(16 * fields)?;
        if !frame_mbs_only {
            r.skip(1)?; // mb_adaptive_frame_field_flag
        }
        r.skip(1)?; // direct_8x8_inference_flag
        let (mut crop_x, mut crop_y) = (0, 0);
        if r.bit()? {
            // Table 6-1: how many luma samples one cropping unit covers.
            let (unit_x, unit_y) = match chroma_format {
                1 => (2, 2 * fields),
                2 => (2, fields),
                _ => (1, fields),
            };
            crop_x = r.exp_golomb()?.checked_add(r.exp_golomb()?)?.checked_mul(unit_x)?;
            crop_y = r.exp_golomb()?.checked_add(r.exp_golomb()?)?.checked_mul(unit_y)?;
        }
        Some(SpsSize { width, height, crop_x, crop_y })
    }
}

/// H.264 7.3.2.1.1.1.
fn skip_scaling_lists(r: &mut BitReader<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !r.bit()? {
            continue;
        }
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                let delta = r.signed_exp_golomb()?;
                next = last.wrapping_add(delta).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitWriter;
    use super::*;

    /// Constrained baseline 3.1, 1280x720, as Chromium's OpenH264 writes it.
    const SPS_720P: [u8; 11] = [0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x28, 0x02, 0xdd, 0x80];
    const PPS_NAL: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    fn stap_a(nals: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![0x78];
        for nal in nals {
            payload.extend((nal.len() as u16).to_be_bytes());
            payload.extend(*nal);
        }
        payload
    }

    #[test]
    fn a_single_sps_begins_a_keyframe_and_tells_the_size() {
        let scan = scan(&SPS_720P);
        assert!(scan.keyframe && scan.parameter_sets && scan.frame_start);
        assert_eq!(scan.size, Some((1280, 720)));
    }

    #[test]
    fn an_aggregate_with_sps_pps_and_idr_begins_a_keyframe() {
        let scan = scan(&stap_a(&[&SPS_720P, &PPS_NAL, &[0x65, 0x88, 0x84]]));
        assert!(scan.keyframe && scan.parameter_sets);
        assert_eq!(scan.size, Some((1280, 720)));
    }

    #[test]
    fn an_idr_slice_begins_a_keyframe_only_when_it_is_the_first() {
        assert!(scan(&[0x65, 0x88]).keyframe);
        assert!(!scan(&[0x65, 0x88]).parameter_sets);
        assert!(!scan(&[0x65, 0x08]).keyframe, "first_mb_in_slice is not 0");
    }

    #[test]
    fn only_the_first_fragment_of_an_idr_begins_a_keyframe() {
        assert!(scan(&[0x7c, 0x85, 0x88]).keyframe);
        assert!(!scan(&[0x7c, 0x05, 0x88]).keyframe);
        assert!(!scan(&[0x7c, 0x45, 0x88]).keyframe);
        assert!(!scan(&[0x7c, 0x81, 0x88]).keyframe, "a fragment of an inter slice");
        assert!(scan(&[0x7c, 0x81, 0x88]).frame_start);
    }

    #[test]
    fn an_inter_slice_is_no_keyframe() {
        let scan = scan(&[0x41, 0x9a, 0x01]);
        assert!(!scan.keyframe);
        assert!(scan.frame_start);
    }

    #[test]
    fn an_aggregate_whose_sizes_lie_is_read_as_far_as_it_goes() {
        let mut payload = stap_a(&[&PPS_NAL]);
        payload.extend([0xff, 0xff, 0x67]);
        assert!(!scan(&payload).keyframe);
        assert!(!scan(&[0x78, 0]).keyframe);
        assert!(!scan(&[]).keyframe);
    }

    #[test]
    fn high_profile_with_scaling_lists_and_cropping_tells_its_size() {
        // 1920x1080: 1088 lines, 4 units of 2 cropped at the bottom.
        let mut bits = BitWriter::default();
        bits.put(100, 8);
        bits.put(0, 16);
        bits.ue(0); // id
        bits.ue(1); // 4:2:0
        bits.ue(0);
        bits.ue(0);
        bits.put(0, 1);
        bits.put(1, 1); // scaling matrix
        bits.put(1, 1); // first list: one delta that ends it
        bits.se(-8);
        bits.put(0, 7);
        bits.ue(0);
        bits.ue(1); // pic_order_cnt_type 1
        bits.put(0, 1);
        bits.se(0);
        bits.se(3);
        bits.ue(2);
        bits.se(1);
        bits.se(-1);
        bits.ue(4);
        bits.put(0, 1);
        bits.ue(119);
        bits.ue(67);
        bits.put(1, 1);
        bits.put(1, 1);
        bits.put(1, 1); // cropping
        bits.ue(0);
        bits.ue(0);
        bits.ue(0);
        bits.ue(4);
        bits.put(1, 1);
        assert_eq!(sps_size(&bits.finish()), Some((1920, 1080)));
    }

    #[test]
    fn a_size_that_makes_no_sense_is_none() {
        let mut bits = BitWriter::default();
        bits.put(66, 8);
        bits.put(0, 16);
        bits.ue(0);
        bits.ue(0);
        bits.ue(2);
        bits.ue(1);
        bits.put(0, 1);
        bits.ue(0xffff_fff0);
        bits.ue(10);
        bits.put(1, 1);
        bits.put(1, 1);
        bits.put(0, 1);
        assert_eq!(sps_size(&bits.finish()), None);
    }

    #[test]
    fn a_cut_sps_is_a_keyframe_of_unknown_size() {
        for len in 1..9 {
            assert_eq!(scan(&SPS_720P[..len]).size, None, "{len} bytes");
            assert!(scan(&SPS_720P[..len]).keyframe);
        }
    }
}
