//! What H.264 (RFC 6184) and H.265 (RFC 7798) have in common in RTP: NAL units that are alone in a
//! payload, several in one, or one in several.

use super::annex_b::{START_CODE, nal_units};
use super::pieces::pieces;
use super::{MAX_PAYLOAD, Malformed, Parts};

/// Bytes of the size before each unit of an aggregation packet.
const SIZE: usize = 2;

/// Where the two formats differ. Units are handed in with their whole header.
pub(super) trait NalFormat {
    /// Bytes of the header of a unit, and of the payload headers made like it.
    const HEADER: usize;

    /// Whether a unit is a parameter set, which is sent together with those beside it.
    fn is_parameter_set(nal: &[u8]) -> bool;
    /// The payload header of an aggregation packet of these units.
    fn aggregation_header(nals: &[&[u8]]) -> Vec<u8>;
    /// The payload header of a fragment and the fragment's own.
    fn fragment_headers(nal: &[u8], start: bool, end: bool) -> Vec<u8>;
}

/// Hands the payloads of a byte stream of units to `emit`: parameter sets that follow each other
/// together, large units in fragments, others alone.
pub(super) fn packetize<F: NalFormat>(data: &[u8], emit: &mut impl FnMut(&[u8], &[u8], bool)) {
    let nals: Vec<&[u8]> = nal_units(data).filter(|nal| nal.len() >= F::HEADER).collect();
    let mut rest = nals.as_slice();
    while let Some(first) = rest.first() {
        let together = count_together::<F>(rest);
        let (now, later) = rest.split_at(together);
        if now.len() > 1 {
            let mut body = Vec::new();
            for nal in now {
                // Those that go together fit a packet, so a size fits two bytes.
                body.extend((nal.len() as u16).to_be_bytes());
                body.extend_from_slice(nal);
            }
            emit(&F::aggregation_header(now), &body, later.is_empty());
        } else if first.len() <= MAX_PAYLOAD {
            emit(&[], first, later.is_empty());
        } else {
            for piece in pieces(&first[F::HEADER..], MAX_PAYLOAD - F::HEADER - 1) {
                let headers = F::fragment_headers(first, piece.first, piece.last);
                emit(&headers, piece.data, piece.last && later.is_empty());
            }
        }
        rest = later;
    }
}

/// How many units at the beginning share a packet; one, if nothing else.
fn count_together<F: NalFormat>(nals: &[&[u8]]) -> usize {
    let mut size = F::HEADER;
    let fitting = nals.iter().take_while(|nal| {
        size += SIZE + nal.len();
        size <= MAX_PAYLOAD && F::is_parameter_set(nal)
    });
    fitting.count().max(1)
}

/// Takes the units of an aggregation packet apart, after its header.
pub(super) fn split_aggregate(
    mut bytes: &[u8],
    mut each: impl FnMut(&[u8]),
) -> Result<(), Malformed> {
    while let Some((size, after)) = bytes.split_first_chunk::<SIZE>() {
        let size = usize::from(u16::from_be_bytes(*size));
        let (nal, after) = after.split_at_checked(size).ok_or(Malformed)?;
        each(nal);
        bytes = after;
    }
    Ok(())
}

/// Appends a unit, or the beginning of one.
pub(super) fn append(parts: &mut Parts, nal: &[u8]) {
    parts.data.extend_from_slice(&START_CODE);
    parts.data.extend_from_slice(nal);
}

/// Appends a fragment: the header that it gives its unit, when it is the first, and its bytes.
/// `foreign` tells of a first one whether the unit is left out.
pub(super) fn append_fragment(
    parts: &mut Parts,
    flags: u8,
    header: &[u8],
    body: &[u8],
    foreign: bool,
) -> Result<(), Malformed> {
    const START: u8 = 0x80;
    const END: u8 = 0x40;
    let start = flags & START != 0;
    if start == parts.fragment_open {
        return Err(Malformed);
    }
    if start {
        parts.fragment_foreign = foreign;
        if !foreign {
            append(parts, header);
        }
    }
    parts.fragment_open = flags & END == 0;
    // Without its header it would become a part of the unit before.
    if !parts.fragment_foreign {
        parts.data.extend_from_slice(body);
    }
    Ok(())
}
