//! What decoding by libvpx and by libaom has in common: libaom grew out of libvpx, and its calls have
//! the same shape and the same rules.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use super::DecodeError;
use super::planes::{Planes, plane};
use crate::mcu::video::picture::{Picture, Pool};

/// A picture that a library decoded, as it lies in its memory.
pub(super) struct I420 {
    pub width: usize,
    pub height: usize,
    /// Luma, and two of chroma of half the size, rounded up.
    pub planes: [*mut u8; 3],
    /// Bytes from one row to the next.
    pub strides: [i32; 3],
}

/// The calls of a library.
///
/// # Safety
/// `Context` is a plain C struct for which all zeros is valid. A decoder with one thread keeps all its
/// state behind it and uses no thread-local memory. Images that `next_image` gives stay as they are
/// until the context is next used, and `i420` describes memory that is theirs.
pub(super) unsafe trait Library {
    type Context;
    type Image;

    /// Makes a decoder with one thread in a zeroed context. Says whether that worked.
    ///
    /// # Safety
    /// `context` points to zeroed memory that lives during the call.
    unsafe fn initialise(&self, context: *mut Self::Context) -> bool;
    /// Decodes; says whether it could.
    ///
    /// # Safety
    /// The context was initialised.
    unsafe fn decode(context: &mut Self::Context, data: &[u8]) -> bool;
    /// The next image of what was decoded last, null behind the last one.
    ///
    /// # Safety
    /// The context was initialised, and `iterator` was null at first and is only handed back.
    unsafe fn next_image(
        context: &mut Self::Context,
        iterator: &mut *const std::ffi::c_void,
    ) -> *const Self::Image;
    /// Ends the decoder.
    ///
    /// # Safety
    /// The context was initialised and is not used after this.
    unsafe fn destroy(context: &mut Self::Context);
    /// Where the planes of an image are, if it is one with 8 bits and 4:2:0.
    fn i420(image: &Self::Image) -> Option<I420>;
}

/// A decoder of a library.
pub(in crate::mcu::video) struct LibraryDecoder<L: Library> {
    /// Boxed: the libraries keep no pointer to it, but nothing says they never will.
    context: Box<L::Context>,
}

// SAFETY: all state of a decoder is behind its context, which nobody else has, and nothing of it is
// bound to a thread ([`Library`]); so it may be used by one thread after another.
unsafe impl<L: Library> Send for LibraryDecoder<L> {}

impl<L: Library> LibraryDecoder<L> {
    pub(super) fn open(library: &L) -> Result<Self, DecodeError> {
        let mut context = Box::new(MaybeUninit::<L::Context>::zeroed());
        // SAFETY: the context is zeroed memory of the right size.
        if !unsafe { library.initialise(context.as_mut_ptr()) } {
            return Err(DecodeError::Unavailable);
        }
        // SAFETY: all zeros is a valid context, and initialising succeeded.
        Ok(Self { context: unsafe { context.assume_init() } })
    }

    /// For settings of one library.
    pub(super) fn context(&mut self) -> &mut L::Context {
        &mut self.context
    }

    /// Decodes what one picture was encoded to. Of several pictures in it, as spatial layers are, the
    /// last one counts.
    pub(super) fn decode(
        &mut self,
        data: &[u8],
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        // SAFETY: the context was initialised.
        if !unsafe { L::decode(&mut self.context, data) } {
            return Err(DecodeError::Corrupt);
        }
        let mut iterator = ptr::null();
        let mut last: *const L::Image = ptr::null();
        loop {
            // SAFETY: the context was initialised; the iterator begins as null and is only handed
            // back.
            let image = unsafe { L::next_image(&mut self.context, &mut iterator) };
            if image.is_null() {
                break;
            }
            last = image;
        }
        // SAFETY: images stay valid until the context is next used, and `copy` ends before that.
        match unsafe { last.as_ref() } {
            Some(image) => copy(&L::i420(image).ok_or(DecodeError::Format)?, pool).map(Some),
            None => Ok(None),
        }
    }
}

impl<L: Library> Drop for LibraryDecoder<L> {
    fn drop(&mut self) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { L::destroy(&mut self.context) };
    }
}

fn copy(image: &I420, pool: &mut Pool) -> Result<Arc<Picture>, DecodeError> {
    let I420 { width, height, .. } = *image;
    let half = (width.div_ceil(2), height.div_ceil(2));
    let at = |i: usize, (width, rows)| {
        let stride = image.strides[i] as isize;
        // SAFETY: an I420 image has so many rows of `stride` bytes in each plane, chroma rounded up,
        // without colour too; they stay there as long as the image.
        unsafe { plane(image.planes[i], stride, width, rows) }
    };
    let planes = [at(0, (width, height)), at(1, half), at(2, half)];
    Planes { width, height, planes }.copy(pool)
}
