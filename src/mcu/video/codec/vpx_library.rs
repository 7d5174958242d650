//! The calls of vpx.c, which is compiled against the libvpx that is installed: what is here is the
//! same for every version of it.

use std::ffi::{CStr, c_char, c_void};

/// Where a picture lies in libvpx's memory; as in vpx.c.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct VpxI420 {
    pub planes: [*mut u8; 3],
    pub strides: [i32; 3],
    pub width: u32,
    pub height: u32,
}

/// What an encoder is made with; as in vpx.c.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct VpxSettings {
    pub width: u32,
    pub height: u32,
    /// Ticks a second in which time is told.
    pub clock: u32,
    pub kilobits_per_second: u32,
    pub vp9: i32,
}

/// What one picture became; as in vpx.c.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct VpxPacket {
    pub data: *const u8,
    pub length: usize,
    pub keyframe: i32,
}

/// Behind a pointer only.
#[repr(C)]
pub(super) struct RawEncoder {
    _opaque: [u8; 0],
}

/// Behind a pointer only.
#[repr(C)]
pub(super) struct RawImage {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn medialoom_vpx_version() -> *const c_char;
    fn medialoom_vpx_describe(result: i32) -> *const c_char;

    pub(super) fn medialoom_vpx_decoder_new(vp9: i32) -> *mut c_void;
    pub(super) fn medialoom_vpx_decoder_free(decoder: *mut c_void);
    pub(super) fn medialoom_vpx_decode(decoder: *mut c_void, data: *const u8, length: u32) -> i32;
    pub(super) fn medialoom_vpx_next_image(
        decoder: *mut c_void,
        iterator: *mut *const c_void,
    ) -> *const RawImage;
    pub(super) fn medialoom_vpx_i420(image: *const RawImage, out: *mut VpxI420) -> i32;

    pub(super) fn medialoom_vpx_encoder_new(
        settings: *const VpxSettings,
        result: *mut i32,
    ) -> *mut RawEncoder;
    pub(super) fn medialoom_vpx_encoder_free(encoder: *mut RawEncoder);
    pub(super) fn medialoom_vpx_set_effort(encoder: *mut RawEncoder, effort: i32);
    pub(super) fn medialoom_vpx_set_bitrate(encoder: *mut RawEncoder, kilobits_per_second: u32);
    pub(super) fn medialoom_vpx_encode(
        encoder: *mut RawEncoder,
        i420: *const u8,
        timestamp: i64,
        duration: u32,
        keyframe: i32,
    ) -> i32;
    pub(super) fn medialoom_vpx_next_packet(
        encoder: *mut RawEncoder,
        iterator: *mut *const c_void,
        out: *mut VpxPacket,
    ) -> i32;
}

/// Version of the libvpx that is linked, such as `1.15.0`.
pub(super) fn version() -> String {
    // SAFETY: a static text.
    let text = unsafe { CStr::from_ptr(medialoom_vpx_version()) };
    text.to_string_lossy().trim_start_matches('v').to_owned()
}

/// What a result other than 0 means, in libvpx's words.
pub(super) fn describe(result: i32) -> String {
    // SAFETY: libvpx gives a static text for every number, those that it does not know as well.
    let text = unsafe { CStr::from_ptr(medialoom_vpx_describe(result)) };
    text.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_of_a_version_that_is_supported() {
        let text = version();
        let mut numbers = text.split(['.', '-']).map(|part| part.parse::<u32>());
        let version = (numbers.next().unwrap().unwrap(), numbers.next().unwrap().unwrap());
        assert!(version >= (1, 8), "{text}");
    }

    #[test]
    fn a_result_is_described_in_words() {
        assert_eq!(describe(0), "Success");
        assert!(!describe(-1).is_empty());
    }
}
