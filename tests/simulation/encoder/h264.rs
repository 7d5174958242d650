//! H.264 payloads (RFC 6184): parameter sets before each IDR picture, slices in fragments.

use super::super::bits::BitWriter;
use super::pattern::Place;
use super::{Frame, Position, Size};

const IDR: u8 = 5;
const SLICE: u8 = 1;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const NRI: u8 = 0x60;

/// What a packet begins with, which `rest` bytes follow. An IDR picture is made of slices in
/// packets of their own, the first behind the parameter sets in a STAP-A; other pictures are one
/// slice, in fragments when it is long.
pub fn start(frame: &Frame, position: Position, size: Size, rest: usize) -> Vec<u8> {
    // The slice header begins with first_mb_in_slice as ue(v): 0, or 1 for any that is not first.
    let header = if position.first { 0x9a } else { 0x4a };
    if frame.place == Place::Key {
        let slice = [NRI | IDR, header];
        return match position.first {
            true => with_parameter_sets(size, &slice, rest),
            false => slice.into(),
        };
    }
    if position.first && position.last {
        return vec![NRI | SLICE, header];
    }
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    vec![NRI | FU_A, flag(position.first, 0x80) | flag(position.last, 0x40) | SLICE, header]
}

/// A STAP-A (RFC 6184 5.7.1) of SPS, PPS and a slice that takes the rest of the packet.
fn with_parameter_sets(size: Size, slice: &[u8], rest: usize) -> Vec<u8> {
    let sps = sequence_parameter_set(size);
    let pps = [0x68, 0xce, 0x3c, 0x80];
    let mut payload = vec![NRI | STAP_A];
    for (unit, more) in [(sps.as_slice(), 0), (&pps, 0), (slice, rest)] {
        payload.extend(((unit.len() + more) as u16).to_be_bytes());
        payload.extend(unit);
    }
    payload
}

/// H.264 7.3.2.1.1, Constrained Baseline.
fn sequence_parameter_set(size: Size) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(0x67, 8);
    bits.put(66, 8);
    bits.put(0xc0, 8);
    bits.put(31, 8);
    bits.put_exponential_golomb(0);
    bits.put_exponential_golomb(0);
    bits.put_exponential_golomb(2);
    bits.put_exponential_golomb(1);
    bits.put(0, 1);
    let (width, height) = (u32::from(size.width), u32::from(size.height));
    bits.put_exponential_golomb(width.div_ceil(16) - 1);
    bits.put_exponential_golomb(height.div_ceil(16) - 1);
    // Frames only, direct 8x8 inference.
    bits.put(3, 2);
    let cropped = height.div_ceil(16) * 16 - height;
    bits.put(u32::from(cropped > 0), 1);
    if cropped > 0 {
        [0, 0, 0, cropped / 2].into_iter().for_each(|crop| bits.put_exponential_golomb(crop));
    }
    // No VUI, the stop bit.
    bits.put(1, 2);
    bits.into_bytes()
}
