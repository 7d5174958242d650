//! H.264 in RTP (RFC 6184), what packetization modes 0 and 1 have: single NAL units, STAP-A and
//! FU-A.

use super::nal::{self, NalFormat};
use super::{Malformed, Parts};

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const SPS: u8 = 7;
const PPS: u8 = 8;

/// The type in the NAL unit header (RFC 6184 1.3).
const TYPE: u8 = 0x1f;
/// The importance in it.
const NRI: u8 = 0x60;

/// Whether a NAL unit is of scalable or stereo coding, which is not decoded (H.264 Annexes G and H),
/// or of no kind at all.
pub fn is_foreign(nal: &[u8]) -> bool {
    nal.first().is_some_and(|header| matches!(header & TYPE, 0 | 14 | 15 | 20))
}

/// Appends the units of a payload in the byte stream format.
pub(super) fn depacketize(parts: &mut Parts, payload: &[u8]) -> Result<(), Malformed> {
    let (&header, body) = payload.split_first().ok_or(Malformed)?;
    let kind = header & TYPE;
    if parts.fragment_open && kind != FU_A {
        return Err(Malformed);
    }
    match kind {
        1..STAP_A => append(parts, payload),
        STAP_A => nal::split_aggregate(body, |nal| append(parts, nal))?,
        FU_A => {
            let (&fragment, body) = body.split_first().ok_or(Malformed)?;
            let header = [header & !TYPE | fragment & TYPE];
            nal::append_fragment(parts, fragment, &header, body, is_foreign(&header))?;
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

fn append(parts: &mut Parts, nal: &[u8]) {
    if !nal.is_empty() && !is_foreign(nal) {
        nal::append(parts, nal);
    }
}

pub(super) struct H264;

impl NalFormat for H264 {
    const HEADER: usize = 1;

    fn is_parameter_set(nal: &[u8]) -> bool {
        nal.first().is_some_and(|header| [SPS, PPS].contains(&(header & TYPE)))
    }

    /// RFC 6184 5.7.1: the highest importance of all, and F where any has it.
    fn aggregation_header(nals: &[&[u8]]) -> Vec<u8> {
        let headers = || nals.iter().filter_map(|nal| nal.first());
        let forbidden = headers().fold(0, |bits, header| bits | header & 0x80);
        let importance = headers().map(|header| header & NRI).max().unwrap_or(0);
        vec![forbidden | importance | STAP_A]
    }

    /// RFC 6184 5.8.
    fn fragment_headers(nal: &[u8], start: bool, end: bool) -> Vec<u8> {
        let header = nal.first().copied().unwrap_or(0);
        let flags = u8::from(start) << 7 | u8::from(end) << 6;
        vec![header & !TYPE | FU_A, flags | header & TYPE]
    }
}
