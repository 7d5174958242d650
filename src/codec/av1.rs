//! AV1 payloads (the AV1 RTP payload format of AOMedia, section 4): their OBUs, and what they say
//! about keyframes.

use super::bits::BitReader;

pub(crate) const SEQUENCE_HEADER: u8 = 1;
pub(crate) const TEMPORAL_DELIMITER: u8 = 2;
pub(crate) const FRAME_HEADER: u8 = 3;
pub(crate) const FRAME: u8 = 6;

/// More OBU elements than this in one packet are not looked at.
const MAX_ELEMENTS: usize = 32;

/// What one packet says.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    pub(super) keyframe: bool,
    pub(super) frame_start: bool,
    pub(super) size: Option<(u16, u16)>,
}

/// Reads the aggregation header and the OBUs that begin in the packet.
pub(super) fn scan(payload: &[u8]) -> Scan {
    let mut scan = Scan::default();
    let Some((&header, elements)) = payload.split_first() else { return scan };
    // Z: the first element continues one of the packet before.
    let continues = header & 0x80 != 0;
    // N: the first packet of a coded video sequence, which only a keyframe can begin.
    scan.keyframe = header & 0x08 != 0 && !continues && !elements.is_empty();
    scan.frame_start = scan.keyframe;
    for (index, obu) in Elements::new(header, elements).enumerate().take(MAX_ELEMENTS) {
        if index == 0 && continues {
            continue;
        }
        let Some((kind, body)) = obu_body(obu) else { continue };
        match kind {
            SEQUENCE_HEADER => {
                scan.keyframe |= !continues;
                scan.frame_start = true;
                let small = |(width, height)| {
                    Some((u16::try_from(width).ok()?, u16::try_from(height).ok()?))
                };
                scan.size = sequence_size(body).and_then(small).or(scan.size);
            }
            TEMPORAL_DELIMITER | FRAME_HEADER | FRAME => scan.frame_start = true,
            _ => {}
        }
    }
    scan
}

/// OBU elements (section 4.2): each after its length, but for the last of a counted packet.
pub(crate) struct Elements<'a> {
    bytes: &'a [u8],
    /// W: the number of elements, 0 when each has a length.
    count: u8,
    index: u8,
}

impl<'a> Elements<'a> {
    /// `header` is the aggregation header, `bytes` what comes after it.
    pub(crate) fn new(header: u8, bytes: &'a [u8]) -> Self {
        Self { bytes, count: header >> 4 & 0x03, index: 0 }
    }

    /// What no element was made of: nothing at the end, if the lengths are true.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.bytes.is_empty() {
            return None;
        }
        self.index = self.index.saturating_add(1);
        if self.count != 0 && self.index >= self.count {
            return Some(std::mem::take(&mut self.bytes));
        }
        let (length, used) = leb128(self.bytes)?;
        // A fragment may end the packet; what is there is all there is to look at.
        let (element, rest) = self.bytes.get(used..)?.split_at_checked(length)?;
        self.bytes = rest;
        Some(element)
    }
}

/// AV1 4.10.5, at most 32 bits: the value and how many bytes it takes.
pub(crate) fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (index * 7);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()? as usize, index + 1));
        }
    }
    None
}

/// The other way around: so many of the bytes are the size.
pub(crate) fn size(mut value: usize) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut used = 0;
    loop {
        bytes[used] = value as u8 & 0x7f;
        value >>= 7;
        used += 1;
        if value == 0 {
            return (bytes, used);
        }
        bytes[used - 1] |= 0x80;
    }
}

/// An OBU without its header.
pub(crate) struct Obu<'a> {
    pub(crate) kind: u8,
    pub(crate) body: &'a [u8],
}

/// The first of OBUs that have sizes (AV1 5.2, the low-overhead format), and those after it.
pub(crate) fn split_obu(bytes: &[u8]) -> Option<(Obu<'_>, &[u8])> {
    const HAS_SIZE: u8 = 0x02;
    let header = *bytes.first()?;
    let at = if header & 0x04 != 0 { 2 } else { 1 };
    let (size, used) = leb128(bytes.get(at..)?).filter(|_| header & HAS_SIZE != 0)?;
    let (body, rest) = bytes.get(at + used..)?.split_at_checked(size)?;
    Some((Obu { kind: header >> 3 & 0x0f, body }, rest))
}

/// Type and payload of an OBU (AV1 5.3.2).
fn obu_body(obu: &[u8]) -> Option<(u8, &[u8])> {
    let header = *obu.first()?;
    let mut at = if header & 0x04 != 0 { 2 } else { 1 };
    if header & 0x02 != 0 {
        at += leb128(obu.get(at..)?)?.1;
    }
    Some((header >> 3 & 0x0f, obu.get(at..)?))
}

/// The largest width and height of a sequence (AV1 5.5.1).
pub(crate) fn sequence_size(body: &[u8]) -> Option<(u32, u32)> {
    Some(Head::parse(&mut BitReader::new(body))?.size)
}

/// What a file says of a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sequence {
    /// The largest width and height.
    pub(super) size: (u32, u32),
    /// Profile, level, tier and colours as av1C packs them (AV1 in ISOBMFF 2.3.3).
    pub(super) configuration: [u8; 2],
}

impl Sequence {
    /// Of a sequence header OBU's payload (AV1 5.5).
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut r = BitReader::new(body);
        let head = Head::parse(&mut r)?;
        if !head.reduced && r.bit()? {
            r.skip(7)?; // lengths of frame ids
        }
        r.skip(3)?; // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        if !head.reduced {
            skip_tools(&mut r)?;
        }
        r.skip(3)?; // enable_superres, enable_cdef, enable_restoration
        let colours = colours(&mut r, head.profile)?;
        let first = (head.profile << 5 | head.level) as u8;
        Some(Self { size: head.size, configuration: [first, (head.tier << 7) as u8 | colours] })
    }
}

/// The first part of a sequence header (AV1 5.5.1), which tells the size.
struct Head {
    profile: u32,
    /// reduced_still_picture_header
    reduced: bool,
    /// Of the first operating point.
    level: u32,
    tier: u32,
    size: (u32, u32),
}

impl Head {
    fn parse(r: &mut BitReader<'_>) -> Option<Self> {
        let profile = r.bits(3)?;
        r.skip(1)?; // still_picture
        let reduced = r.bit()?;
        let (level, tier) = if reduced { (r.bits(5)?, 0) } else { operating_points(r)? };
        let width_bits = r.bits(4)? + 1;
        let height_bits = r.bits(4)? + 1;
        let width = r.bits(width_bits)? + 1;
        let height = r.bits(height_bits)? + 1;
        Some(Self { profile, reduced, level, tier, size: (width, height) })
    }
}

/// Level and tier of the first.
fn operating_points(r: &mut BitReader<'_>) -> Option<(u32, u32)> {
    let mut decoder_delay_bits = None;
    if r.bit()? {
        r.skip(64)?; // num_units_in_display_tick, time_scale
        if r.bit()? {
            r.exp_golomb()?; // num_ticks_per_picture_minus_1
        }
        if r.bit()? {
            decoder_delay_bits = Some(r.bits(5)? as usize + 1);
            r.skip(32 + 5 + 5)?; // num_units_in_decoding_tick and two lengths
        }
    }
    let display_delay = r.bit()?;
    let points = r.bits(5)? + 1;
    let mut first = None;
    for _ in 0..points {
        r.skip(12)?; // operating_point_idc
        let level = r.bits(5)?;
        let tier = if level > 7 { r.bits(1)? } else { 0 };
        first = first.or(Some((level, tier)));
        if let Some(bits) = decoder_delay_bits
            && r.bit()?
        {
            r.skip(2 * bits + 1)?;
        }
        if display_delay && r.bit()? {
            r.skip(4)?;
        }
    }
    first
}

fn skip_tools(r: &mut BitReader<'_>) -> Option<()> {
    r.skip(4)?; // interintra and masked compounds, warped motion, dual filter
    let order_hint = r.bit()?;
    r.skip(if order_hint { 2 } else { 0 })?; // enable_jnt_comp, enable_ref_frame_mvs
    // seq_force_screen_content_tools: chosen by frame, or given.
    let screen_content = r.bit()? || r.bit()?;
    if screen_content && !r.bit()? {
        r.skip(1)?; // seq_force_integer_mv
    }
    r.skip(if order_hint { 3 } else { 0 }) // order_hint_bits_minus_1
}

/// color_config (AV1 5.5.2), as the low seven bits of av1C's third byte.
fn colours(r: &mut BitReader<'_>, profile: u32) -> Option<u8> {
    // BT.709 primaries, sRGB and identity (AV1 6.4.2): RGB.
    const RGB: (u32, u32, u32) = (1, 13, 0);
    let high = r.bit()?;
    let twelve = profile == 2 && high && r.bit()?;
    let monochrome = profile != 1 && r.bit()?;
    let described = r.bit()?.then_some(());
    let description = match described {
        Some(()) => (r.bits(8)?, r.bits(8)?, r.bits(8)?),
        None => (2, 2, 2),
    };
    let (mut x, mut y, mut position) = (true, true, 0);
    if monochrome {
        r.skip(1)?; // color_range
    } else if description == RGB {
        (x, y) = (false, false);
    } else {
        r.skip(1)?; // color_range
        (x, y) = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if twelve => {
                let x = r.bit()?;
                (x, x && r.bit()?)
            }
            _ => (true, false),
        };
        if x && y {
            position = r.bits(2)?;
        }
    }
    let flags = [high, twelve, monochrome, x, y];
    let flags = flags.into_iter().fold(0, |bits, flag| bits << 1 | u8::from(flag));
    Some(flags << 2 | position as u8)
}

#[cfg(test)]
mod tests {
    use super::super::bits::BitWriter;
    use super::*;

    fn sequence_header(timing: bool) -> Vec<u8> {
        let mut bits = BitWriter::default();
        bits.put(0, 4);
        bits.put(0, 1);
        bits.put(u32::from(timing), 1);
        if timing {
            bits.put(1, 32);
            bits.put(30, 32);
            bits.put(1, 1);
            bits.ue(0);
            bits.put(1, 1); // decoder model
            bits.put(9, 5);
            bits.put(1, 32);
            bits.put(0, 10);
        }
        bits.put(1, 1); // initial display delay
        bits.put(1, 5); // two operating points
        for level in [5, 9] {
            bits.put(0, 12);
            bits.put(level, 5);
            if level > 7 {
                bits.put(0, 1);
            }
            if timing {
                bits.put(1, 1);
                bits.put(0, 21);
            }
            bits.put(1, 1);
            bits.put(3, 4);
        }
        bits.put(10, 4);
        bits.put(9, 4);
        bits.put(1279, 11);
        bits.put(719, 10);
        bits.put(0, 8);
        [vec![SEQUENCE_HEADER << 3], bits.finish()].concat()
    }

    /// W elements, all but the last with a length.
    fn packet(header: u8, obus: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![header | (obus.len() as u8) << 4];
        for (index, obu) in obus.iter().enumerate() {
            if index + 1 < obus.len() {
                payload.push(obu.len() as u8);
            }
            payload.extend(*obu);
        }
        payload
    }

    #[test]
    fn the_first_packet_of_a_coded_video_sequence_begins_a_keyframe() {
        let scan = scan(&packet(0x08, &[&sequence_header(false), &[FRAME << 3, 1, 2]]));
        assert!(scan.keyframe && scan.frame_start);
        assert_eq!(scan.size, Some((1280, 720)));
    }

    #[test]
    fn a_sequence_header_with_timing_tells_its_size() {
        assert_eq!(scan(&packet(0, &[&sequence_header(true)])).size, Some((1280, 720)));
    }

    #[test]
    fn a_sequence_header_begins_a_keyframe_even_without_the_n_bit() {
        assert!(scan(&packet(0, &[&sequence_header(false), &[FRAME << 3, 1]])).keyframe);
    }

    #[test]
    fn a_continuing_packet_is_no_keyframe_whatever_its_bytes_look_like() {
        let scan = scan(&packet(0x88, &[&sequence_header(false)]));
        assert!(!scan.keyframe && !scan.frame_start);
    }

    #[test]
    fn an_inter_frame_starts_a_frame_and_no_keyframe() {
        let scan = scan(&packet(0, &[&[FRAME << 3, 1, 2]]));
        assert!(!scan.keyframe);
        assert!(scan.frame_start);
    }

    #[test]
    fn elements_with_lengths_of_their_own_are_read() {
        let header = sequence_header(false);
        let payload =
            [&[0x00, header.len() as u8], header.as_slice(), &[2, FRAME << 3, 9]].concat();
        assert_eq!(scan(&payload).size, Some((1280, 720)));
    }

    #[test]
    fn obus_with_size_and_extension_are_read() {
        let header = sequence_header(false);
        let body = &header[1..];
        let obu = [&[SEQUENCE_HEADER << 3 | 0x06, 0x20, body.len() as u8], body].concat();
        assert_eq!(scan(&packet(0, &[&obu])).size, Some((1280, 720)));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert_eq!(leb128(&[0xff; 10]), None);
        assert_eq!(leb128(&[0xff, 0xff, 0xff, 0xff, 0x7f]), None, "more than 32 bits");
        assert_eq!(leb128(&[0x80, 0x01]), Some((128, 2)));
        assert_eq!(scan(&[0x00, 0x7f, SEQUENCE_HEADER << 3]), Scan::default());
        assert_eq!(scan(&[]), Scan::default());
        assert_eq!(scan(&[0x08]), Scan::default());
    }
}
