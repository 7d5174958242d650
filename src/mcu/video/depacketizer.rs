//! RTP payloads of one frame put together to what a decoder takes.

use crate::codec::Codec;
use crate::codec::av1::{self, Elements};
use crate::codec::vp8::Vp8Descriptor;
use crate::codec::vp9::Vp9Descriptor;

use super::annex_b::{START_CODE, is_foreign};

/// Most bytes of an encoded frame.
const MAX_BYTES: usize = 4 << 20;
/// Most frames of spatial layers in a VP9 picture (RFC 9628 4.2: SID has three bits).
const MAX_PARTS: usize = 8;

/// One frame on its way together. Payloads come in order, none missing.
#[derive(Default, Debug)]
pub(super) struct Parts {
    pub data: Vec<u8>,
    /// Where frames of VP9's spatial layers begin.
    pub starts: Vec<usize>,
    /// A fragmented NAL unit or OBU is not complete.
    fragment_open: bool,
    /// Where the last OBU begins.
    obu: usize,
    /// It is left out.
    fragment_foreign: bool,
}

/// What is left of a payload cannot be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

impl Parts {
    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.starts.clear();
        self.fragment_open = false;
        self.obu = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Appends one payload.
    pub(super) fn push(&mut self, codec: Codec, payload: &[u8]) -> Result<(), Malformed> {
        // Padding: a number of its own, but no content.
        if payload.is_empty() {
            return Ok(());
        }
        if self.data.len() + payload.len() > MAX_BYTES {
            return Err(Malformed);
        }
        match codec {
            Codec::Vp8 => self.push_vp8(payload),
            Codec::Vp9 => self.push_vp9(payload),
            Codec::H264 => self.push_h264(payload),
            Codec::Av1 => self.push_av1(payload),
            _ => Err(Malformed),
        }
    }

    /// Whether nothing is missing at the end.
    pub(super) fn is_complete(&self) -> bool {
        !self.data.is_empty() && !self.fragment_open
    }

    fn push_vp8(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let descriptor = Vp8Descriptor::parse(payload).ok_or(Malformed)?;
        if descriptor.frame_start() != self.is_empty() {
            return Err(Malformed);
        }
        self.data.extend_from_slice(&payload[usize::from(descriptor.len)..]);
        Ok(())
    }

    fn push_vp9(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let descriptor = Vp9Descriptor::parse(payload).ok_or(Malformed)?;
        if descriptor.frame_start {
            if self.starts.len() == MAX_PARTS {
                return Err(Malformed);
            }
            self.starts.push(self.data.len());
        }
        if self.starts.is_empty() {
            return Err(Malformed);
        }
        self.data.extend_from_slice(&payload[usize::from(descriptor.len)..]);
        Ok(())
    }

    /// RFC 6184, what packetization modes 0 and 1 have: single NAL units, STAP-A and FU-A.
    fn push_h264(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        const STAP_A: u8 = 24;
        const FU_A: u8 = 28;
        let (&header, body) = payload.split_first().ok_or(Malformed)?;
        let kind = header & 0x1f;
        if self.fragment_open && kind != FU_A {
            return Err(Malformed);
        }
        match kind {
            1..=23 => self.push_nal(payload),
            STAP_A => {
                let mut rest = body;
                while let Some((size, after)) = rest.split_first_chunk::<2>() {
                    let size = usize::from(u16::from_be_bytes(*size));
                    let (nal, after) = after.split_at_checked(size).ok_or(Malformed)?;
                    self.push_nal(nal);
                    rest = after;
                }
            }
            FU_A => {
                let (&fragment, body) = body.split_first().ok_or(Malformed)?;
                let start = fragment & 0x80 != 0;
                if start == self.fragment_open {
                    return Err(Malformed);
                }
                if start {
                    let nal = [header & 0xe0 | fragment & 0x1f];
                    self.fragment_foreign = is_foreign(&nal);
                    self.push_nal(&nal);
                }
                self.fragment_open = fragment & 0x40 == 0;
                // Without its header it would become a part of the unit before.
                if !self.fragment_foreign {
                    self.data.extend_from_slice(body);
                }
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    /// The AV1 RTP payload format, section 4: OBUs, the first and the last perhaps in part.
    fn push_av1(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let (&header, body) = payload.split_first().ok_or(Malformed)?;
        let (continues, goes_on) = (header & 0x80 != 0, header & 0x40 != 0);
        if continues != self.fragment_open {
            return Err(Malformed);
        }
        let mut elements = Elements::new(header, body);
        for element in elements.by_ref() {
            if self.fragment_open {
                self.fragment_open = false;
            } else {
                self.close_obu()?;
                self.obu = self.data.len();
            }
            self.data.extend_from_slice(element);
        }
        if !elements.rest().is_empty() {
            return Err(Malformed);
        }
        self.fragment_open = goes_on;
        if goes_on { Ok(()) } else { self.close_obu() }
    }

    /// Gives the last OBU a size, which it has no need of in RTP (AV1 5.2). Temporal delimiters and
    /// tile lists are to be ignored.
    fn close_obu(&mut self) -> Result<(), Malformed> {
        const TILE_LIST: u8 = 8;
        const HAS_EXTENSION: u8 = 0x04;
        const HAS_SIZE: u8 = 0x02;
        let Some(&header) = self.data.get(self.obu) else { return Ok(()) };
        let body = self.obu + 1 + usize::from(header & HAS_EXTENSION != 0);
        let len = self.data.len().checked_sub(body).ok_or(Malformed)?;
        if [av1::TEMPORAL_DELIMITER, TILE_LIST].contains(&(header >> 3 & 0x0f)) {
            self.data.truncate(self.obu);
        } else if header & HAS_SIZE == 0 {
            self.data[self.obu] |= HAS_SIZE;
            let (size, used) = av1::size(len);
            self.data.splice(body..body, size[..used].iter().copied());
        } else {
            let (size, used) = av1::leb128(&self.data[body..]).ok_or(Malformed)?;
            if size + used != len {
                return Err(Malformed);
            }
        }
        self.obu = self.data.len();
        Ok(())
    }

    fn push_nal(&mut self, nal: &[u8]) {
        if !nal.is_empty() && !is_foreign(nal) {
            self.data.extend_from_slice(&START_CODE);
            self.data.extend_from_slice(nal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assemble(codec: Codec, payloads: &[&[u8]]) -> Result<Parts, Malformed> {
        let mut parts = Parts::default();
        payloads.iter().try_for_each(|payload| parts.push(codec, payload))?;
        Ok(parts)
    }

    #[test]
    fn fragments_and_aggregates_become_a_byte_stream() {
        let stap = [0x78, 0, 2, 0x67, 1, 0, 1, 0x68];
        let parts =
            assemble(Codec::H264, &[&stap, &[0x7c, 0x85, 2], &[0x7c, 0x05, 3], &[0x7c, 0x45, 4]])
                .unwrap();
        assert!(parts.is_complete());
        assert_eq!(parts.data, [0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 2, 3, 4]);
    }

    #[test]
    fn a_fragment_out_of_place_is_malformed() {
        assert!(assemble(Codec::H264, &[&[0x7c, 0x05, 3]]).is_err(), "no beginning");
        assert!(assemble(Codec::H264, &[&[0x7c, 0x85, 3], &[0x7c, 0x85, 3]]).is_err());
        assert!(assemble(Codec::H264, &[&[0x7c, 0x85, 3], &[0x65, 3]]).is_err());
        assert!(!assemble(Codec::H264, &[&[0x7c, 0x85, 3]]).unwrap().is_complete());
        assert!(assemble(Codec::H264, &[&[0x78, 0, 9, 0x67]]).is_err(), "a size past the end");
    }

    #[test]
    fn nothing_is_left_of_a_scalable_layer_in_fragments() {
        // A coded slice extension (20), behind a slice.
        let payloads: [&[u8]; 4] =
            [&[0x65, 1], &[0x7c, 0x94, 2, 2], &[0x7c, 0x14, 3], &[0x7c, 0x54, 4]];
        let parts = assemble(Codec::H264, &payloads).unwrap();
        assert!(parts.is_complete());
        assert_eq!(parts.data, [0, 0, 0, 1, 0x65, 1]);
        // The next fragments are of another unit.
        let mut payloads = payloads.to_vec();
        payloads.push(&[0x7c, 0xc5, 5]);
        assert_eq!(assemble(Codec::H264, &payloads).unwrap().data[6..], [0, 0, 0, 1, 0x65, 5]);
    }

    #[test]
    fn vp8_begins_once() {
        assert!(assemble(Codec::Vp8, &[&[0x10, 1], &[0x00, 2], &[0x01, 3]]).is_ok());
        assert!(assemble(Codec::Vp8, &[&[0x00, 1]]).is_err());
        assert!(assemble(Codec::Vp8, &[&[0x10, 1], &[0x10, 2]]).is_err());
    }

    #[test]
    fn vp9_layers_are_told_apart() {
        let parts =
            assemble(Codec::Vp9, &[&[0x08, 1, 2], &[0x04, 3], &[0x2c, 0x03, 0, 4]]).unwrap();
        assert_eq!(parts.data, [1, 2, 3, 4]);
        assert_eq!(parts.starts, [0, 3]);
        assert!(assemble(Codec::Vp9, &[&[0x04, 3]]).is_err());
        assert!(assemble(Codec::Vp9, &[&[0x08, 3][..]; 9]).is_err());
    }

    #[test]
    fn obus_get_the_sizes_that_packets_spare_them() {
        // A temporal delimiter and a sequence header before the beginning of a frame, W = 3, then
        // the rest of the frame, then a frame of a layer that has a size already.
        let first = [0x70, 1, 0x10, 2, 0x08, 9, 0x30, 1];
        let parts =
            assemble(Codec::Av1, &[&first, &[0xd0, 2, 3], &[0x90, 4], &[0x10, 0x36, 0x20, 1, 5]])
                .unwrap();
        assert!(parts.is_complete());
        assert_eq!(parts.data, [0x0a, 1, 9, 0x32, 4, 1, 2, 3, 4, 0x36, 0x20, 1, 5]);
    }

    #[test]
    fn an_obu_out_of_place_or_of_another_size_is_malformed() {
        assert!(assemble(Codec::Av1, &[&[0x90, 4]]).is_err(), "no beginning");
        assert!(assemble(Codec::Av1, &[&[0x50, 0x30, 1], &[0x10, 0x30, 1]]).is_err(), "no end");
        assert!(!assemble(Codec::Av1, &[&[0x50, 0x30, 1]]).unwrap().is_complete());
        assert!(assemble(Codec::Av1, &[&[0x00, 9, 0x30, 1]]).is_err(), "a length past the end");
        assert!(assemble(Codec::Av1, &[&[0x10, 0x32, 2, 1]]).is_err(), "a size past the end");
        assert!(assemble(Codec::Av1, &[&[0x10, 0x32, 0, 1]]).is_err(), "a size before the end");
        assert!(assemble(Codec::Av1, &[&[0x10, 0x34]]).is_err(), "half a header");
        // A fragment of nothing is nothing.
        assert!(!assemble(Codec::Av1, &[&[0x50]]).unwrap().is_complete());
    }

    #[test]
    fn a_frame_is_bounded() {
        let mut parts = Parts::default();
        parts.push(Codec::Vp8, &[0x10, 1]).unwrap();
        let payload = [0; 65_000];
        let pushed = (0..1000).take_while(|_| parts.push(Codec::Vp8, &payload).is_ok()).count();
        assert!(pushed < 70 && parts.data.len() <= MAX_BYTES);
    }
}
