//! libaom decodes AV1.

use std::ffi::CStr;
use std::ptr;

use libaom_sys::{
    AOM_CODEC_OK, AOM_DECODER_ABI_VERSION, AOM_IMG_FMT_I420, AV1D_SET_SKIP_FILM_GRAIN,
    aom_codec_av1_dx, aom_codec_control, aom_codec_ctx_t, aom_codec_dec_cfg_t,
    aom_codec_dec_init_ver, aom_codec_decode, aom_codec_destroy, aom_codec_get_frame,
    aom_codec_version_str, aom_image_t,
};

use super::DecodeError;
use super::library_decoder::{I420, Library, LibraryDecoder};

pub(in crate::mcu::video) struct Aom;

pub(in crate::mcu::video) type AomDecoder = LibraryDecoder<Aom>;

impl AomDecoder {
    pub(super) fn new() -> Result<Self, DecodeError> {
        let mut decoder = Self::open(&Aom)?;
        // Nobody sees grain in a tile. SAFETY: the context was initialised; this control takes an int.
        unsafe { aom_codec_control(decoder.context(), AV1D_SET_SKIP_FILM_GRAIN as i32, 1) };
        Ok(decoder)
    }
}

/// Version of the libaom that is linked, such as `3.11.0`.
pub(super) fn version() -> String {
    // SAFETY: a static text.
    let text = unsafe { CStr::from_ptr(aom_codec_version_str()) };
    text.to_string_lossy().trim_start_matches('v').to_owned()
}

// SAFETY: libaom keeps to these rules; all zeros is a valid context.
unsafe impl Library for Aom {
    type Context = aom_codec_ctx_t;
    type Image = aom_image_t;

    unsafe fn initialise(&self, context: *mut aom_codec_ctx_t) -> bool {
        let config = aom_codec_dec_cfg_t { threads: 1, w: 0, h: 0, allow_lowbitdepth: 1 };
        let version = AOM_DECODER_ABI_VERSION as i32;
        // SAFETY: the context is zeroed as the call wants it; the configuration outlives the call,
        // which copies it; the interface is static.
        let result =
            unsafe { aom_codec_dec_init_ver(context, aom_codec_av1_dx(), &config, 0, version) };
        result == AOM_CODEC_OK
    }

    unsafe fn decode(context: &mut aom_codec_ctx_t, data: &[u8]) -> bool {
        // SAFETY: the context was initialised; `data` is readable for its length and libaom does not
        // read past it nor keep it.
        let result =
            unsafe { aom_codec_decode(context, data.as_ptr(), data.len(), ptr::null_mut()) };
        result == AOM_CODEC_OK
    }

    unsafe fn next_image(
        context: &mut aom_codec_ctx_t,
        iterator: &mut *const std::ffi::c_void,
    ) -> *const aom_image_t {
        // SAFETY: the context was initialised, and the iterator is libaom's own.
        unsafe { aom_codec_get_frame(context, iterator) }
    }

    unsafe fn destroy(context: &mut aom_codec_ctx_t) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { aom_codec_destroy(context) };
    }

    fn i420(image: &aom_image_t) -> Option<I420> {
        let planes = [0, 1, 2].map(|i| image.planes[i]);
        let strides = [0, 1, 2].map(|i| image.stride[i]);
        let (width, height) = (image.d_w as usize, image.d_h as usize);
        let fits = image.fmt == AOM_IMG_FMT_I420;
        fits.then_some(I420 { width, height, planes, strides })
    }
}
