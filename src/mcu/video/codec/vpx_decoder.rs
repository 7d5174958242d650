//! libvpx decodes VP8 and VP9.

use std::ptr;

use vpx_sys::{
    VPX_DECODER_ABI_VERSION, vpx_codec_ctx_t, vpx_codec_dec_cfg_t, vpx_codec_dec_init_ver,
    vpx_codec_decode, vpx_codec_destroy, vpx_codec_err_t, vpx_codec_get_frame, vpx_codec_vp8_dx,
    vpx_codec_vp9_dx, vpx_image_t, vpx_img_fmt,
};

use super::DecodeError;
use super::library_decoder::{I420, Library, LibraryDecoder};
use crate::codec::Codec;

/// Of VP9, or of VP8.
pub(in crate::mcu::video) struct Vpx {
    vp9: bool,
}

pub(in crate::mcu::video) type VpxDecoder = LibraryDecoder<Vpx>;

impl VpxDecoder {
    /// `codec` is VP8 or VP9.
    pub(super) fn new(codec: Codec) -> Result<Self, DecodeError> {
        Self::open(&Vpx { vp9: codec == Codec::Vp9 })
    }
}

// SAFETY: libvpx keeps to these rules; all zeros is a valid context.
unsafe impl Library for Vpx {
    type Context = vpx_codec_ctx_t;
    type Image = vpx_image_t;

    unsafe fn initialise(&self, context: *mut vpx_codec_ctx_t) -> bool {
        let config = vpx_codec_dec_cfg_t { threads: 1, w: 0, h: 0 };
        let version = VPX_DECODER_ABI_VERSION as i32;
        // SAFETY: the context is zeroed as the call wants it; the configuration outlives the call,
        // which copies it; the interfaces are static.
        let result = unsafe {
            let interface = if self.vp9 { vpx_codec_vp9_dx() } else { vpx_codec_vp8_dx() };
            vpx_codec_dec_init_ver(context, interface, &config, 0, version)
        };
        result == vpx_codec_err_t::VPX_CODEC_OK
    }

    unsafe fn decode(context: &mut vpx_codec_ctx_t, data: &[u8]) -> bool {
        let Ok(len) = u32::try_from(data.len()) else { return false };
        // SAFETY: the context was initialised; `data` is readable for `len` bytes and libvpx does not
        // read past it nor keep it.
        let result = unsafe { vpx_codec_decode(context, data.as_ptr(), len, ptr::null_mut(), 0) };
        result == vpx_codec_err_t::VPX_CODEC_OK
    }

    unsafe fn next_image(
        context: &mut vpx_codec_ctx_t,
        iterator: &mut *const std::ffi::c_void,
    ) -> *const vpx_image_t {
        // SAFETY: the context was initialised, and the iterator is libvpx's own.
        unsafe { vpx_codec_get_frame(context, iterator) }
    }

    unsafe fn destroy(context: &mut vpx_codec_ctx_t) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { vpx_codec_destroy(context) };
    }

    fn i420(image: &vpx_image_t) -> Option<I420> {
        let planes = [0, 1, 2].map(|i| image.planes[i]);
        let strides = [0, 1, 2].map(|i| image.stride[i]);
        let (width, height) = (image.d_w as usize, image.d_h as usize);
        let fits = image.fmt == vpx_img_fmt::VPX_IMG_FMT_I420;
        fits.then_some(I420 { width, height, planes, strides })
    }
}
