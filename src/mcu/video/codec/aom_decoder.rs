//! libaom decodes AV1.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use libaom_sys::{
    AOM_CODEC_OK, AOM_DECODER_ABI_VERSION, AOM_IMG_FMT_I420, AV1D_SET_SKIP_FILM_GRAIN,
    aom_codec_av1_dx, aom_codec_control, aom_codec_ctx_t, aom_codec_dec_cfg_t,
    aom_codec_dec_init_ver, aom_codec_decode, aom_codec_destroy, aom_codec_get_frame, aom_image_t,
};

use super::DecodeError;
use super::planes::{Planes, plane};
use crate::mcu::video::picture::{Picture, Pool};

pub(in crate::mcu::video) struct AomDecoder {
    /// Boxed: libaom keeps no pointer to it, but nothing says it never will.
    context: Box<aom_codec_ctx_t>,
}

// SAFETY: a decoder with one thread keeps all its state behind its context and uses no thread-local
// memory; it may be used by one thread after another.
unsafe impl Send for AomDecoder {}

impl AomDecoder {
    pub(super) fn new() -> Result<Self, DecodeError> {
        let config = aom_codec_dec_cfg_t { threads: 1, w: 0, h: 0, allow_lowbitdepth: 1 };
        let mut context = Box::new(MaybeUninit::<aom_codec_ctx_t>::zeroed());
        // SAFETY: the context is memory of the right size and zeroed as aom_codec_dec_init_ver wants
        // it; the configuration outlives the call, which copies it; the interface is static.
        let result = unsafe {
            aom_codec_dec_init_ver(
                context.as_mut_ptr(),
                aom_codec_av1_dx(),
                &config,
                0,
                AOM_DECODER_ABI_VERSION as i32,
            )
        };
        if result != AOM_CODEC_OK {
            return Err(DecodeError::Unavailable);
        }
        // SAFETY: all zeros is a valid context, and initialising succeeded.
        let mut decoder = Self { context: unsafe { context.assume_init() } };
        // Nobody sees grain in a tile. SAFETY: the context was initialised; this control takes an int.
        unsafe { aom_codec_control(&mut *decoder.context, AV1D_SET_SKIP_FILM_GRAIN as i32, 1) };
        Ok(decoder)
    }

    /// Decodes what one picture was encoded to: of its spatial layers the highest one that is there.
    pub(super) fn decode(
        &mut self,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        // SAFETY: the context was initialised; `data` is readable for its length and libaom does not
        // read past it nor keep it.
        let result = unsafe {
            aom_codec_decode(&mut *self.context, data.as_ptr(), data.len(), ptr::null_mut())
        };
        if result != AOM_CODEC_OK {
            return Err(DecodeError::Corrupt);
        }
        let mut iterator = ptr::null();
        let mut last: *const aom_image_t = ptr::null();
        loop {
            // SAFETY: the context was initialised; the iterator begins as null and is only handed
            // back.
            let image = unsafe { aom_codec_get_frame(&mut *self.context, &mut iterator) };
            if image.is_null() {
                break;
            }
            last = image;
        }
        // SAFETY: libaom keeps the images it returned valid until the context is next used, and
        // `copy` ends before that.
        match unsafe { last.as_ref() } {
            Some(image) => copy(image, pool).map(Some),
            None => Ok(None),
        }
    }
}

impl Drop for AomDecoder {
    fn drop(&mut self) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { aom_codec_destroy(&mut *self.context) };
    }
}

fn copy(image: &aom_image_t, pool: &mut Pool) -> Result<Arc<Picture>, DecodeError> {
    if image.fmt != AOM_IMG_FMT_I420 {
        return Err(DecodeError::Format);
    }
    let (width, height) = (image.d_w as usize, image.d_h as usize);
    let half = (width.div_ceil(2), height.div_ceil(2));
    let at = |i: usize, (width, rows)| {
        let stride = image.stride[i] as isize;
        // SAFETY: an I420 image of d_w by d_h has so many rows of `stride` bytes in each plane, chroma
        // rounded up, without colour too; they stay there as long as the image.
        unsafe { plane(image.planes[i], stride, width, rows) }
    };
    let planes = [at(0, (width, height)), at(1, half), at(2, half)];
    Planes { width, height, planes }.copy(pool)
}
