//! AAC as broadcasters have it: LATM behind the sync of LOAS (ISO/IEC 14496-3 1.7.2 and 1.7.3), of one
//! program with one layer.

use super::adts::{AacFrame, RATES};
use super::error::TsError;
use crate::codec::bits::BitReader;

const SYNC: u16 = 0x2b7;
const HEADER: usize = 3;
const SAMPLES: i64 = 1_024;
const CLOCK: i64 = 90_000;
/// Audio object types (table 1.17).
const LOW_COMPLEXITY: u32 = 2;
const SBR: u32 = 5;
const PARAMETRIC_STEREO: u32 = 29;

/// Reads elements of one stream: most say nothing of their configuration.
#[derive(Default, Debug)]
pub(super) struct Latm {
    known: Option<Known>,
    /// The frame that was given last, in memory that is used again.
    frame: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Known {
    config: [u8; 2],
    ticks: i64,
}

/// What is at the beginning of some bytes.
pub(super) enum Step<'a> {
    /// An element, without its header, and what is behind it.
    Element(&'a [u8], &'a [u8]),
    Cut,
    /// No element; one may begin a byte later.
    Noise,
}

/// Finds one element.
pub(super) fn step(bytes: &[u8]) -> Step<'_> {
    let Some(&[a, b, c]) = bytes.first_chunk::<HEADER>() else { return Step::Cut };
    if u16::from_be_bytes([a, b]) >> 5 != SYNC {
        return Step::Noise;
    }
    let length = usize::from(b & 0x1f) << 8 | usize::from(c);
    match bytes.get(HEADER..).and_then(|rest| rest.split_at_checked(length)) {
        Some((element, rest)) => Step::Element(element, rest),
        None => Step::Cut,
    }
}

impl Latm {
    /// The frame of an element. `None` before the first configuration.
    ///
    /// # Errors
    /// `Malformed`, and `Codec` where there is more than one frame or layer in it.
    pub(super) fn frame(&mut self, element: &[u8]) -> Result<Option<AacFrame<'_>>, TsError> {
        let mut bits = BitReader::new(element);
        let same = bits.bit().ok_or(TsError::Malformed)?;
        if !same {
            self.known = Some(configuration(&mut bits).ok_or(TsError::Codec("AAC of this LATM"))?);
        }
        let Some(known) = self.known else { return Ok(None) };
        self.take(&mut bits, element.len()).ok_or(TsError::Malformed)?;
        let Known { config, ticks } = known;
        Ok(Some(AacFrame { config, ticks, data: &self.frame }))
    }

    fn take(&mut self, bits: &mut BitReader<'_>, most: usize) -> Option<()> {
        let mut length = 0usize;
        loop {
            let byte = bits.bits(8)?;
            length += byte as usize;
            if byte != 255 {
                break;
            }
        }
        if length > most {
            return None;
        }
        self.frame.clear();
        for _ in 0..length {
            self.frame.push(bits.bits(8)? as u8);
        }
        Some(())
    }
}

/// StreamMuxConfig (1.7.3.1, table 1.42).
fn configuration(bits: &mut BitReader<'_>) -> Option<Known> {
    let version = bits.bit()?;
    if version {
        // A version A of 1 is reserved; of 0, the fullness of a buffer comes with it.
        if bits.bit()? {
            return None;
        }
        value(bits)?;
    }
    let same_framing = bits.bit()?;
    let (frames, programs, layers) = (bits.bits(6)?, bits.bits(4)?, bits.bits(3)?);
    if !same_framing || frames != 0 || programs != 0 || layers != 0 {
        return None;
    }
    if version {
        value(bits)?;
    }
    let (config, ticks) = specific(bits)?;
    if bits.bits(3)? != 0 {
        return None;
    }
    // Fullness of the buffer.
    bits.skip(8)?;
    // How much other data comes behind the frame.
    if bits.bit()? {
        if version {
            value(bits)?;
        } else {
            for _ in 0..4 {
                let more = bits.bit()?;
                bits.skip(8)?;
                if !more {
                    break;
                }
            }
        }
    }
    // A check of the configuration.
    if bits.bit()? {
        bits.skip(8)?;
    }
    Some(Known { config, ticks })
}

/// AudioSpecificConfig (1.6.2.1), as far as it is that of AAC without scaling; made anew in whole bytes.
fn specific(bits: &mut BitReader<'_>) -> Option<([u8; 2], i64)> {
    let object = bits.bits(5)?;
    let rate = bits.bits(4)?;
    let samples = *RATES.get(rate as usize)?;
    let channels = bits.bits(4)?;
    match object {
        LOW_COMPLEXITY => {}
        SBR | PARAMETRIC_STEREO => {
            // The rate with what is added, and what it is added to.
            bits.skip(4 + 5)?;
        }
        _ => return None,
    }
    // The length of a frame, whether there is a core, and an extension.
    if bits.bits(3)? != 0 {
        return None;
    }
    let config = (object << 11 | rate << 7 | channels << 3) as u16;
    Some((config.to_be_bytes(), SAMPLES * CLOCK / i64::from(samples)))
}

/// LatmGetValue (table 1.43).
fn value(bits: &mut BitReader<'_>) -> Option<u32> {
    let bytes = bits.bits(2)? + 1;
    bits.bits(8 * bytes)
}
