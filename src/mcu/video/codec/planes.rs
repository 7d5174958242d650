//! What decoders give, as a picture of the mixer's.

use std::sync::Arc;

use super::DecodeError;
use crate::mcu::video::options::MAX_SIDE;
use crate::mcu::video::picture::{Picture, Pool};

/// An 8-bit 4:2:0 picture in a decoder's memory.
pub(super) struct Planes<'a> {
    pub width: usize,
    pub height: usize,
    /// Y, U and V, and the bytes from one row of each to the next. The last row may end early.
    pub planes: [(&'a [u8], usize); 3],
}

impl Planes<'_> {
    pub(super) fn copy(&self, pool: &mut Pool) -> Result<Arc<Picture>, DecodeError> {
        let side = |side: usize| u16::try_from(side).ok().filter(|s| (1..=MAX_SIDE).contains(s));
        let (Some(width), Some(height)) = (side(self.width), side(self.height)) else {
            return Err(DecodeError::TooLarge);
        };
        let mut picture = pool.take(width, height);
        let Some(own) = Arc::get_mut(&mut picture) else { return Err(DecodeError::Unavailable) };
        for (plane, (source, stride)) in self.planes.into_iter().enumerate() {
            let (width, height) = own.plane_size(plane);
            if stride < width || source.len() < stride * (height - 1) + width {
                return Err(DecodeError::Format);
            }
            let rows = own.planes_mut()[plane].chunks_exact_mut(width);
            for (target, source) in rows.zip(source.chunks(stride)) {
                target.copy_from_slice(&source[..width]);
            }
        }
        Ok(picture)
    }
}

/// The bytes of one plane, without what follows the last row; none if that cannot be.
///
/// # Safety
///
/// Unless it is null, `first` has to be readable for `rows` rows of `stride` bytes, of the last one
/// `width`, and to stay so for `'a`.
pub(super) unsafe fn plane<'a>(
    first: *const u8,
    stride: isize,
    width: usize,
    rows: usize,
) -> (&'a [u8], usize) {
    let Ok(stride) = usize::try_from(stride) else { return (&[], 0) };
    if first.is_null() || rows == 0 || stride < width {
        return (&[], 0);
    }
    // SAFETY: these are the rows that the caller says are there.
    (unsafe { std::slice::from_raw_parts(first, stride * (rows - 1) + width) }, stride)
}
