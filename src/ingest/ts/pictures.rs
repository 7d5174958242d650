//! Access units as they come in a stream made frames: without delimiters, and with the parameter sets that
//! a decoder needs to begin with a keyframe.

use crate::codec::Codec;
use crate::codec::frame::nal_units;

const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// Bytes of parameter sets that are kept.
const MAX_SETS: usize = 16 * 1024;

/// Makes frames of the access units of one track.
#[derive(Debug)]
pub(super) struct Pictures {
    codec: Codec,
    /// The parameter sets that came last, each after a start code.
    sets: Vec<u8>,
    /// The frame that was given last, in memory that is used again.
    frame: Vec<u8>,
}

/// What a NAL unit is to a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// It says nothing that the frame does not.
    Filler,
    ParameterSet,
    /// Of a picture that a decoder can begin with.
    KeySlice,
    Slice,
    Other,
}

impl Pictures {
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, sets: Vec::new(), frame: Vec::new() }
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// The frame of an access unit, and whether it is a keyframe. `None` when it holds no picture.
    pub(super) fn frame(&mut self, unit: &[u8]) -> Option<(&[u8], bool)> {
        let Self { codec, sets, frame, .. } = self;
        frame.clear();
        let (mut picture, mut key, mut has_sets) = (false, false, false);
        for nal in nal_units(unit) {
            let kind = classify(*codec, nal);
            if kind == Unit::Filler {
                continue;
            }
            if kind == Unit::ParameterSet {
                // Of the first that the access unit has on, they are others.
                if !has_sets {
                    sets.clear();
                }
                has_sets = true;
                if sets.len() + START_CODE.len() + nal.len() <= MAX_SETS {
                    sets.extend_from_slice(&START_CODE);
                    sets.extend_from_slice(nal);
                }
            }
            if kind == Unit::KeySlice && !picture && !has_sets {
                frame.extend_from_slice(sets);
            }
            picture |= matches!(kind, Unit::KeySlice | Unit::Slice);
            key |= kind == Unit::KeySlice;
            frame.extend_from_slice(&START_CODE);
            frame.extend_from_slice(nal);
        }
        picture.then_some((&frame[..], key))
    }
}

fn classify(codec: Codec, nal: &[u8]) -> Unit {
    let Some(&header) = nal.first() else { return Unit::Filler };
    if codec == Codec::H265 {
        return match header >> 1 & 0x3f {
            // IRAP pictures (H.265 table 7-1).
            16..=21 => Unit::KeySlice,
            0..=31 => Unit::Slice,
            32..=34 => Unit::ParameterSet,
            // Delimiters, ends and filler data.
            35..=38 => Unit::Filler,
            _ => Unit::Other,
        };
    }
    match header & 0x1f {
        5 => Unit::KeySlice,
        1..=4 => Unit::Slice,
        7 | 8 | 13 | 15 => Unit::ParameterSet,
        9..=12 => Unit::Filler,
        _ => Unit::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_that_came_once_are_in_front_of_every_keyframe() {
        let mut pictures = Pictures::new(Codec::H264);
        let first = [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3];
        let with_sets = [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 3];
        assert_eq!(pictures.frame(&first), Some((&with_sets[..], true)));
        assert_eq!(pictures.frame(&[0, 0, 1, 0x41, 7]), Some((&[0, 0, 0, 1, 0x41, 7][..], false)));
        // Information for the decoder comes before the slice, and stays behind the sets.
        let later = pictures.frame(&[0, 0, 1, 0x65, 3]);
        assert_eq!(later, Some((&with_sets[..], true)));
        assert_eq!(pictures.frame(&[0, 0, 1, 0x67, 8, 0, 0, 1, 9, 0xf0]), None, "no picture");
        let changed = [0, 0, 0, 1, 0x67, 8, 0, 0, 0, 1, 0x65, 3];
        assert_eq!(pictures.frame(&[0, 0, 1, 0x65, 3]), Some((&changed[..], true)));
    }

    #[test]
    fn pictures_of_h265_that_others_begin_with_are_keyframes() {
        let mut pictures = Pictures::new(Codec::H265);
        assert!(pictures.frame(&[0, 0, 1, 0x46, 1, 0x50]).is_none(), "a delimiter");
        assert!(pictures.frame(&[0, 0, 1, 0x26, 1, 9]).is_some_and(|(_, key)| key));
        assert!(pictures.frame(&[0, 0, 1, 0x2a, 1, 9]).is_some_and(|(_, key)| key), "CRA");
        assert!(pictures.frame(&[0, 0, 1, 0x02, 1, 9]).is_some_and(|(_, key)| !key));
    }
}
