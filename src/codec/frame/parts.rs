//! RTP payloads of one frame put together to what a decoder takes (depacketizing).

use super::{av1, h264, h265, vp8, vp9};
use crate::codec::{Codec, Kind};

/// Most bytes of an encoded frame.
const MAX_BYTES: usize = 4 << 20;

/// One frame on its way together. Payloads come in order, none missing.
#[derive(Default, Debug)]
pub struct Parts {
    /// What a decoder takes: frames of VP8 and VP9 and packets of sound as they are, H.264 and H.265
    /// in the byte stream format (Annex B), OBUs of AV1 with sizes (AV1 5.2).
    pub data: Vec<u8>,
    /// Where frames of VP9's spatial layers begin.
    pub starts: Vec<usize>,
    /// A fragmented NAL unit or OBU is not complete.
    pub(super) fragment_open: bool,
    /// It is left out.
    pub(super) fragment_foreign: bool,
    /// Where the last OBU begins.
    pub(super) obu: usize,
}

/// Payloads that no frame can be made of, or a frame that no payloads can be made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes break the rules of their payload format")
    }
}

impl std::error::Error for Malformed {}

impl Parts {
    /// Begins another frame, in the same memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.starts.clear();
        self.fragment_open = false;
        self.fragment_foreign = false;
        self.obu = 0;
    }

    /// Whether nothing is there yet.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Appends one payload.
    ///
    /// # Errors
    /// [`Malformed`] when it breaks the rules of its format, does not continue what is there, or
    /// makes a frame of more than 4 MiB. The frame is of no use then.
    pub fn push(&mut self, codec: Codec, payload: &[u8]) -> Result<(), Malformed> {
        // Padding: a number of its own, but no content.
        if payload.is_empty() {
            return Ok(());
        }
        if self.data.len() + payload.len() > MAX_BYTES {
            return Err(Malformed);
        }
        match codec {
            Codec::Vp8 => vp8::depacketize(self, payload),
            Codec::Vp9 => vp9::depacketize(self, payload),
            Codec::H264 => h264::depacketize(self, payload),
            Codec::H265 => h265::depacketize(self, payload),
            Codec::Av1 => av1::depacketize(self, payload),
            Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::G722 => self.push_sound(payload),
        }
    }

    /// Whether nothing is missing at the end.
    pub fn is_complete(&self) -> bool {
        !self.data.is_empty() && !self.fragment_open
    }

    /// A packet of sound is all there is (RFC 7587 4.2).
    fn push_sound(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        if !self.is_empty() {
            return Err(Malformed);
        }
        self.data.extend_from_slice(payload);
        Ok(())
    }
}

/// Whether a frame is one packet.
pub(super) fn is_one_packet(codec: Codec) -> bool {
    codec.kind() == Kind::Audio
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
