//! libvpx decodes VP8 and VP9.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;

use super::DecodeError;
use super::library_decoder::{I420, Library, LibraryDecoder};
use super::vpx_library::{
    RawImage, medialoom_vpx_decode, medialoom_vpx_decoder_free, medialoom_vpx_decoder_new,
    medialoom_vpx_i420, medialoom_vpx_next_image,
};
use crate::codec::Codec;

/// Of VP9, or of VP8.
pub(in crate::mcu::video) struct Vpx {
    vp9: bool,
}

/// What libvpx knows of one decoder; null until it is made.
#[repr(transparent)]
pub(in crate::mcu::video) struct Context(*mut c_void);

pub(in crate::mcu::video) type VpxDecoder = LibraryDecoder<Vpx>;

impl VpxDecoder {
    /// `codec` is VP8 or VP9.
    pub(super) fn new(codec: Codec) -> Result<Self, DecodeError> {
        Self::open(&Vpx { vp9: codec == Codec::Vp9 })
    }
}

// SAFETY: libvpx keeps to these rules; all zeros is a null pointer, which is a valid context.
unsafe impl Library for Vpx {
    type Context = Context;
    type Image = RawImage;

    unsafe fn initialise(&self, context: *mut Context) -> bool {
        // SAFETY: the call takes any number and gives a decoder of one thread, or null.
        let decoder = unsafe { medialoom_vpx_decoder_new(self.vp9.into()) };
        // SAFETY: the caller's context lives during the call.
        unsafe { ptr::write(context, Context(decoder)) };
        !decoder.is_null()
    }

    unsafe fn decode(context: &mut Context, data: &[u8]) -> bool {
        let Ok(len) = u32::try_from(data.len()) else { return false };
        // SAFETY: the context was initialised; `data` is readable for `len` bytes and libvpx does not
        // read past it nor keep it.
        unsafe { medialoom_vpx_decode(context.0, data.as_ptr(), len) == 0 }
    }

    unsafe fn next_image(context: &mut Context, iterator: &mut *const c_void) -> *const RawImage {
        // SAFETY: the context was initialised, and the iterator is libvpx's own.
        unsafe { medialoom_vpx_next_image(context.0, iterator) }
    }

    unsafe fn destroy(context: &mut Context) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { medialoom_vpx_decoder_free(context.0) };
    }

    fn i420(image: &RawImage) -> Option<I420> {
        let mut out = MaybeUninit::uninit();
        // SAFETY: the image is libvpx's own and still there; `out` is filled when the call says so.
        let out = unsafe {
            if medialoom_vpx_i420(image, out.as_mut_ptr()) == 0 {
                return None;
            }
            out.assume_init()
        };
        let (width, height) = (out.width as usize, out.height as usize);
        Some(I420 { width, height, planes: out.planes, strides: out.strides })
    }
}
