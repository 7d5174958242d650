//! H.265 in RTP (RFC 7798): single NAL units, aggregation packets and fragments. Decoding order
//! numbers (sprop-max-don-diff above 0) are not negotiated in WebRTC.

use super::nal::{self, NalFormat};
use super::{Malformed, Parts};

const VPS: u8 = 32;
const PPS: u8 = 34;
/// Types that H.265 leaves open: reserved, and unspecified (table 7-1).
const NO_UNIT: std::ops::RangeInclusive<u8> = 41..=63;
pub(super) const AGGREGATION: u8 = 48;
pub(super) const FRAGMENTATION: u8 = 49;
/// The type in the first byte of a header.
const TYPE: u8 = 0x7e;

/// The type in the two-byte NAL unit header (RFC 7798 1.1.4).
pub(super) fn kind(header: [u8; 2]) -> u8 {
    (header[0] & TYPE) >> 1
}

/// The same header with another type.
fn with_kind(header: [u8; 2], kind: u8) -> [u8; 2] {
    [header[0] & !TYPE | kind << 1 & TYPE, header[1]]
}

/// nuh_layer_id: above 0 of scalable and multiview coding, which is not decoded (H.265 Annexes F
/// to H).
fn layer(header: [u8; 2]) -> u8 {
    (header[0] & 1) << 5 | header[1] >> 3
}

fn is_foreign(header: [u8; 2]) -> bool {
    layer(header) > 0 || NO_UNIT.contains(&kind(header))
}

/// Appends the units of a payload in the byte stream format.
pub(super) fn depacketize(parts: &mut Parts, payload: &[u8]) -> Result<(), Malformed> {
    let (&header, body) = payload.split_first_chunk::<2>().ok_or(Malformed)?;
    let kind = kind(header);
    if parts.fragment_open && kind != FRAGMENTATION {
        return Err(Malformed);
    }
    match kind {
        AGGREGATION => nal::split_aggregate(body, |nal| append(parts, nal))?,
        FRAGMENTATION => {
            let (&fragment, body) = body.split_first().ok_or(Malformed)?;
            let header = with_kind(header, fragment & 0x3f);
            nal::append_fragment(parts, fragment, &header, body, is_foreign(header))?;
        }
        _ if NO_UNIT.contains(&kind) => return Err(Malformed),
        _ => append(parts, payload),
    }
    Ok(())
}

fn append(parts: &mut Parts, nal: &[u8]) {
    if nal.first_chunk::<2>().is_some_and(|header| !is_foreign(*header)) {
        nal::append(parts, nal);
    }
}

pub(super) struct H265;

impl NalFormat for H265 {
    const HEADER: usize = 2;

    fn is_parameter_set(nal: &[u8]) -> bool {
        nal.first_chunk::<2>().is_some_and(|header| (VPS..=PPS).contains(&kind(*header)))
    }

    /// RFC 7798 4.4.2: F where any has it, the lowest layer and the lowest temporal layer of all.
    fn aggregation_header(nals: &[&[u8]]) -> Vec<u8> {
        let headers = || nals.iter().filter_map(|nal| nal.first_chunk::<2>().copied());
        let forbidden = headers().fold(0, |bits, header| bits | header[0] & 0x80);
        let layer = headers().map(layer).min().unwrap_or(0);
        let temporal = headers().map(|header| header[1] & 7).min().unwrap_or(1);
        vec![forbidden | AGGREGATION << 1 | layer >> 5, layer << 3 | temporal]
    }

    /// RFC 7798 4.4.3.
    fn fragment_headers(nal: &[u8], start: bool, end: bool) -> Vec<u8> {
        let header = nal.first_chunk::<2>().copied().unwrap_or_default();
        let [first, second] = with_kind(header, FRAGMENTATION);
        vec![first, second, u8::from(start) << 7 | u8::from(end) << 6 | kind(header)]
    }
}
