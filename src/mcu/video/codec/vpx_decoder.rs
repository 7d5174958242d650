//! libvpx decodes VP8 and VP9.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use vpx_sys::{
    VPX_DECODER_ABI_VERSION, vpx_codec_ctx_t, vpx_codec_dec_cfg_t, vpx_codec_dec_init_ver,
    vpx_codec_decode, vpx_codec_destroy, vpx_codec_err_t, vpx_codec_get_frame, vpx_codec_vp8_dx,
    vpx_codec_vp9_dx, vpx_image_t, vpx_img_fmt,
};

use super::DecodeError;
use super::planes::{Planes, plane};
use crate::codec::Codec;
use crate::mcu::video::picture::{Picture, Pool};

pub(in crate::mcu::video) struct VpxDecoder {
    /// Boxed: libvpx keeps no pointer to it, but nothing says it never will.
    context: Box<vpx_codec_ctx_t>,
}

// SAFETY: a decoder with one thread keeps all its state behind its context and uses no thread-local
// memory; it may be used by one thread after another.
unsafe impl Send for VpxDecoder {}

impl VpxDecoder {
    /// `codec` is VP8 or VP9.
    pub(super) fn new(codec: Codec) -> Result<Self, DecodeError> {
        let config = vpx_codec_dec_cfg_t { threads: 1, w: 0, h: 0 };
        let mut context = Box::new(MaybeUninit::<vpx_codec_ctx_t>::zeroed());
        // SAFETY: the context is memory of the right size and zeroed as vpx_codec_dec_init_ver
        // wants it; the configuration outlives the call, which copies it; the interfaces are
        // static.
        let result = unsafe {
            let interface =
                if codec == Codec::Vp9 { vpx_codec_vp9_dx() } else { vpx_codec_vp8_dx() };
            vpx_codec_dec_init_ver(
                context.as_mut_ptr(),
                interface,
                &config,
                0,
                VPX_DECODER_ABI_VERSION as i32,
            )
        };
        if result != vpx_codec_err_t::VPX_CODEC_OK {
            return Err(DecodeError::Unavailable);
        }
        // SAFETY: all zeros is a valid context, and initialising succeeded.
        let context = unsafe { context.assume_init() };
        Ok(Self { context })
    }

    /// Decodes what one picture was encoded to. Of several pictures in it the last one counts.
    pub(super) fn decode(
        &mut self,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        let len = u32::try_from(data.len()).map_err(|_| DecodeError::TooLarge)?;
        // SAFETY: the context was initialised; `data` is readable for `len` bytes and libvpx does
        // not read past it nor keep it.
        let result =
            unsafe { vpx_codec_decode(&mut *self.context, data.as_ptr(), len, ptr::null_mut(), 0) };
        if result != vpx_codec_err_t::VPX_CODEC_OK {
            return Err(DecodeError::Corrupt);
        }
        let mut iterator = ptr::null();
        let mut last: *const vpx_image_t = ptr::null();
        loop {
            // SAFETY: the context was initialised; the iterator begins as null and is only handed
            // back.
            let image = unsafe { vpx_codec_get_frame(&mut *self.context, &mut iterator) };
            if image.is_null() {
                break;
            }
            last = image;
        }
        // SAFETY: libvpx keeps the images it returned valid until the context is next used, and
        // `copy` ends before that.
        match unsafe { last.as_ref() } {
            Some(image) => copy(image, pool).map(Some),
            None => Ok(None),
        }
    }
}

impl Drop for VpxDecoder {
    fn drop(&mut self) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { vpx_codec_destroy(&mut *self.context) };
    }
}

fn copy(image: &vpx_image_t, pool: &mut Pool) -> Result<Arc<Picture>, DecodeError> {
    if image.fmt != vpx_img_fmt::VPX_IMG_FMT_I420 {
        return Err(DecodeError::Format);
    }
    let (width, height) = (image.d_w as usize, image.d_h as usize);
    let half = (width.div_ceil(2), height.div_ceil(2));
    let at = |i: usize, (width, rows)| {
        let stride = image.stride[i] as isize;
        // SAFETY: an I420 image of d_w by d_h has so many rows of `stride` bytes in each plane, chroma
        // rounded up; they stay there as long as the image.
        unsafe { plane(image.planes[i], stride, width, rows) }
    };
    let planes = [at(0, (width, height)), at(1, half), at(2, half)];
    Planes { width, height, planes }.copy(pool)
}
