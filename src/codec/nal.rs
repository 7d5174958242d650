//! What the payload formats of H.264 (RFC 6184) and H.265 (RFC 7798) have in common.

/// One NAL unit, or the beginning of one.
#[derive(Clone, Copy)]
pub(super) struct Nal<'a> {
    pub(super) kind: u8,
    /// After the NAL unit header.
    pub(super) body: &'a [u8],
}

/// What the NAL units of one packet say together.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    pub(super) keyframe: bool,
    /// The parameter sets a keyframe begins with are here.
    pub(super) parameter_sets: bool,
    pub(super) frame_start: bool,
    pub(super) size: Option<(u16, u16)>,
}

/// The NAL units of an aggregation packet, each after its 16-bit size. Ends at the first size that
/// reaches past the packet.
pub(super) fn aggregated(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (size, rest) = bytes.split_first_chunk::<2>()?;
        let (nal, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size)))?;
        bytes = rest;
        Some(nal)
    })
}

/// A picture size as it is reported, if it is one.
pub(super) fn size(width: u32, height: u32) -> Option<(u16, u16)> {
    let size = (u16::try_from(width).ok()?, u16::try_from(height).ok()?);
    (size.0 > 0 && size.1 > 0).then_some(size)
}
