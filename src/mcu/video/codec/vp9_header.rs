//! The size in a VP9 frame's uncompressed header (VP9 bitstream specification 6.2).

/// Width and height, when the frame tells them; `Some(None)` when it has those of earlier frames.
/// `None`: the header is cut short or breaks the rules, or the profile is not 0, 8-bit 4:2:0: what
/// nobody can be shown is not decoded either.
pub(super) fn frame_size(frame: &[u8]) -> Option<Option<(u32, u32)>> {
    let mut bits = Bits { bytes: frame, at: 0 };
    // frame_marker
    if bits.take(2)? != 2 {
        return None;
    }
    // profile_low_bit and profile_high_bit
    if bits.take(2)? != 0 {
        return None;
    }
    // show_existing_frame
    if bits.take(1)? == 1 {
        return Some(None);
    }
    let inter = bits.take(1)? == 1;
    let show_frame = bits.take(1)? == 1;
    let error_resilient = bits.take(1)? == 1;
    if !inter {
        sync_code(&mut bits)?;
        color_config(&mut bits)?;
        return bits.size().map(Some);
    }
    let intra_only = !show_frame && bits.take(1)? == 1;
    if !error_resilient {
        bits.take(2)?; // reset_frame_context
    }
    if intra_only {
        sync_code(&mut bits)?;
        bits.take(8)?; // refresh_frame_flags
        return bits.size().map(Some);
    }
    bits.take(8)?; // refresh_frame_flags
    for _ in 0..3 {
        bits.take(4)?; // ref_frame_idx and ref_frame_sign_bias
    }
    // frame_size_with_refs: that of one of the references, or else written out.
    for _ in 0..3 {
        if bits.take(1)? == 1 {
            return Some(None);
        }
    }
    bits.size().map(Some)
}

fn sync_code(bits: &mut Bits<'_>) -> Option<()> {
    (bits.take(24)? == 0x49_83_42).then_some(())
}

fn color_config(bits: &mut Bits<'_>) -> Option<()> {
    // Not of 4:2:0.
    const RGB: u32 = 7;
    if bits.take(3)? == RGB {
        return None;
    }
    bits.take(1)?; // color_range
    Some(())
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let bit = self.bytes.get(self.at / 8)? >> (7 - self.at % 8) & 1;
            value = value << 1 | u32::from(bit);
            self.at += 1;
        }
        Some(value)
    }

    /// frame_size: both less one.
    fn size(&mut self) -> Option<(u32, u32)> {
        Some((self.take(16)? + 1, self.take(16)? + 1))
    }
}
