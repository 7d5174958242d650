//! libvpx encodes VP8 and VP9, tuned for conversations; the tuning is in vpx.c.

use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

use super::super::error::EncoderError;
use super::EncoderSettings;
use super::vpx_library::{
    RawEncoder, VpxSettings, describe, medialoom_vpx_encode, medialoom_vpx_encoder_free,
    medialoom_vpx_encoder_new, medialoom_vpx_next_packet, medialoom_vpx_set_bitrate,
    medialoom_vpx_set_effort,
};
use crate::codec::Codec;
use crate::mcu::video::picture::Picture;

/// Ticks of RTP's clock, in which time is told to the encoder.
const CLOCK: u32 = 90_000;

pub(in crate::mcu::video) struct VpxEncoder {
    encoder: NonNull<RawEncoder>,
    settings: EncoderSettings,
    /// Has to grow with every picture.
    last_timestamp: i64,
}

// SAFETY: an encoder with one thread keeps all its state behind its pointer, which nobody else has,
// and uses no thread-local memory; it may be used by one thread after another.
unsafe impl Send for VpxEncoder {}

impl VpxEncoder {
    pub(super) fn new(settings: EncoderSettings) -> Result<Self, EncoderError> {
        let asked = VpxSettings {
            width: settings.width.into(),
            height: settings.height.into(),
            clock: CLOCK,
            kilobits_per_second: kilobits(settings.bitrate),
            vp9: (settings.codec == Codec::Vp9).into(),
        };
        let mut result = 0;
        // SAFETY: both pointers are good for the call, which keeps neither.
        let encoder = unsafe { medialoom_vpx_encoder_new(&asked, &mut result) };
        let Some(encoder) = NonNull::new(encoder) else {
            return Err(refused(format!("{}: {}", settings.describe(), describe(result))));
        };
        let mut encoder = Self { encoder, settings, last_timestamp: -1 };
        encoder.set_fast(settings.fast);
        Ok(encoder)
    }

    /// Searches less, or as much as there is time for in real time.
    pub(super) fn set_fast(&mut self, fast: bool) {
        let effort = match (self.settings.codec, fast) {
            (Codec::Vp9, false) => 8,
            (Codec::Vp9, true) => 9,
            (_, false) => -8,
            (_, true) => -14,
        };
        // SAFETY: the encoder is there until it is dropped.
        unsafe { medialoom_vpx_set_effort(self.encoder.as_ptr(), effort) };
    }

    /// Bits per second.
    pub(super) fn set_bitrate(&mut self, bitrate: u32) {
        // SAFETY: the encoder is there until it is dropped.
        unsafe { medialoom_vpx_set_bitrate(self.encoder.as_ptr(), kilobits(bitrate)) };
    }

    /// Encodes `picture` of the encoder's size into `out`; whether it became a keyframe. `None`:
    /// it was left out to keep the rate. `timestamp` counts 90,000 a second.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        timestamp: i64,
        keyframe: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<bool>, EncoderError> {
        let (width, height) = (self.settings.width, self.settings.height);
        if picture.size() != (width, height) || width % 2 != 0 || height % 2 != 0 {
            return Err(EncoderError::Size);
        }
        let timestamp = timestamp.max(self.last_timestamp + 1);
        self.last_timestamp = timestamp;
        let duration = (CLOCK as f32 / self.settings.fps) as u32;
        // SAFETY: the encoder is there until it is dropped. A picture of an even size holds what the
        // call reads: three planes behind each other without padding. It is only read, and no longer
        // than the call takes.
        let result = unsafe {
            let data = picture.data().as_ptr();
            medialoom_vpx_encode(self.encoder.as_ptr(), data, timestamp, duration, keyframe.into())
        };
        if result != 0 {
            return Err(refused(describe(result)));
        }
        Ok(self.take_output(out))
    }

    fn take_output(&mut self, out: &mut Vec<u8>) -> Option<bool> {
        let mut iterator = ptr::null();
        let mut encoded = None;
        loop {
            let mut packet = MaybeUninit::uninit();
            // SAFETY: the encoder is there until it is dropped; the iterator begins as null and is
            // only handed back. `packet` is filled when the call says so, and what it points to stays
            // until the next call to encode.
            let (bytes, keyframe) = unsafe {
                let encoder = self.encoder.as_ptr();
                if medialoom_vpx_next_packet(encoder, &mut iterator, packet.as_mut_ptr()) == 0 {
                    return encoded;
                }
                let packet = packet.assume_init();
                (slice::from_raw_parts(packet.data, packet.length), packet.keyframe != 0)
            };
            out.extend_from_slice(bytes);
            encoded = Some(encoded.unwrap_or(false) || keyframe);
        }
    }
}

impl Drop for VpxEncoder {
    fn drop(&mut self) {
        // SAFETY: it was not freed before and is not used after this.
        unsafe { medialoom_vpx_encoder_free(self.encoder.as_ptr()) };
    }
}

fn kilobits(bitrate: u32) -> u32 {
    (bitrate / 1000).max(1)
}

fn refused(reason: String) -> EncoderError {
    EncoderError::Library { name: "libvpx", reason }
}
