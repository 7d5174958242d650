//! Pictures in I420 (BT.601, limited range), and buffers that are used again.

use std::sync::Arc;

use super::rect::Rect;
use crate::control::canvas::Colour;

/// Planes without padding; chroma sizes are rounded up.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Picture {
    width: u16,
    height: u16,
    data: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

impl Picture {
    /// What it holds is not black but zeros: dark green.
    pub fn new(width: u16, height: u16) -> Self {
        let mut picture = Self::default();
        picture.reshape(width, height);
        picture
    }

    /// A picture of one colour, without its opacity.
    pub fn filled(width: u16, height: u16, colour: Colour) -> Self {
        let mut picture = Self::new(width, height);
        for (plane, value) in picture.planes_mut().into_iter().zip(colour.yuv()) {
            plane.fill(value);
        }
        picture
    }

    /// Makes it another size; what it holds is of no use then.
    pub fn reshape(&mut self, width: u16, height: u16) {
        (self.width, self.height) = (width, height);
        let (chroma_width, chroma_height) = self.plane_size(1);
        let len = usize::from(width) * usize::from(height) + 2 * chroma_width * chroma_height;
        self.data.resize(len, 0);
    }

    /// In pixels.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// In pixels.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// All planes after each other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same, to be changed.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Width and height of a plane: 0 is Y, 1 and 2 are U and V.
    pub fn plane_size(&self, plane: usize) -> (usize, usize) {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        if plane == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) }
    }

    /// Y, U and V without gaps between rows; see [`Picture::plane_size`].
    pub fn planes(&self) -> [&[u8]; 3] {
        let (luma, chroma) = self.plane_lens();
        let (y, rest) = self.data.split_at(luma);
        let (u, v) = rest.split_at(chroma);
        [y, u, v]
    }

    /// The same, to be changed.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let (luma, chroma) = self.plane_lens();
        let (y, rest) = self.data.split_at_mut(luma);
        let (u, v) = rest.split_at_mut(chroma);
        [y, u, v]
    }

    fn plane_lens(&self) -> (usize, usize) {
        let (width, height) = self.plane_size(1);
        (usize::from(self.width) * usize::from(self.height), width * height)
    }

    /// Copies `from`, a part of `source`, to `x`, `y`. Both have to hold it; all is even.
    pub(super) fn copy_part(&mut self, source: &Picture, from: Rect, x: u16, y: u16) {
        for plane in 0..3 {
            let scale = |n: u16| usize::from(n) >> usize::from(plane > 0);
            let (source_stride, stride) = (source.plane_size(plane).0, self.plane_size(plane).0);
            let (source_plane, own) = (source.planes()[plane], &mut self.planes_mut()[plane]);
            let width = scale(from.width);
            for row in 0..scale(from.height) {
                let at = (scale(from.y) + row) * source_stride + scale(from.x);
                let to = (scale(y) + row) * stride + scale(x);
                own[to..to + width].copy_from_slice(&source_plane[at..at + width]);
            }
        }
    }

    /// Paints an even rectangle inside it in one colour.
    pub(super) fn fill_part(&mut self, rect: Rect, colour: Colour) {
        for (plane, value) in colour.yuv().into_iter().enumerate() {
            let scale = |n: u16| usize::from(n) >> usize::from(plane > 0);
            let stride = self.plane_size(plane).0;
            let own = &mut self.planes_mut()[plane];
            for row in scale(rect.y)..scale(rect.bottom()) {
                own[row * stride + scale(rect.x)..row * stride + scale(rect.right())].fill(value);
            }
        }
    }

    /// Turned clockwise by `turns` times 90 degrees, into `to`.
    pub(super) fn turn_into(&self, turns: u8, to: &mut Picture) {
        let turned = turns % 2 == 1;
        let (width, height) =
            if turned { (self.height, self.width) } else { (self.width, self.height) };
        to.reshape(width, height);
        for plane in 0..3 {
            let (width, height) = self.plane_size(plane);
            let (to_width, _) = to.plane_size(plane);
            let source = self.planes()[plane];
            for (row, out) in to.planes_mut()[plane].chunks_exact_mut(to_width).enumerate() {
                for (column, out) in out.iter_mut().enumerate() {
                    let (x, y) = match turns % 4 {
                        0 => (column, row),
                        1 => (row, height - 1 - column),
                        2 => (width - 1 - column, height - 1 - row),
                        _ => (width - 1 - row, column),
                    };
                    *out = source[y * width + x];
                }
            }
        }
    }
}

/// Buffers for pictures that come and go.
#[derive(Default)]
pub struct Pool {
    /// Those given back last come last.
    free: Vec<Arc<Picture>>,
    bytes: usize,
}

impl Pool {
    /// Most bytes that wait for use.
    const CAPACITY: usize = 32 << 20;

    /// A buffer of nobody, of this size.
    pub fn take(&mut self, width: u16, height: u16) -> Arc<Picture> {
        // Only one of the same size: a small picture must not keep a large buffer.
        let fits = self.free.iter().rposition(|picture| picture.size() == (width, height));
        let Some(at) = fits else { return Arc::new(Picture::new(width, height)) };
        let picture = self.free.remove(at);
        self.bytes -= picture.data.len();
        picture
    }

    /// Takes back a buffer that nobody else has.
    pub fn give(&mut self, picture: Arc<Picture>) {
        if Arc::strong_count(&picture) > 1 || picture.data.len() > Self::CAPACITY {
            return;
        }
        self.bytes += picture.data.len();
        self.free.push(picture);
        while self.bytes > Self::CAPACITY {
            self.bytes -= self.free.remove(0).data.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_size_rounds_its_chroma_up() {
        let picture = Picture::new(3, 5);
        assert_eq!(picture.planes().map(<[u8]>::len), [15, 6, 6]);
    }

    #[test]
    fn four_turns_are_none() {
        let mut picture = Picture::new(6, 4);
        picture.data_mut().iter_mut().zip(0..).for_each(|(byte, i)| *byte = i);
        let mut turned = Picture::default();
        picture.turn_into(1, &mut turned);
        assert_eq!(turned.size(), (4, 6));
        // The lower left corner comes to the upper left.
        assert_eq!(turned.planes()[0][0], picture.planes()[0][3 * 6]);
        let (mut half, mut whole) = (Picture::default(), Picture::default());
        turned.turn_into(1, &mut half);
        let mut at_once = Picture::default();
        picture.turn_into(2, &mut at_once);
        assert!(half == at_once);
        half.turn_into(2, &mut whole);
        assert!(whole == picture);
        turned.turn_into(3, &mut whole);
        assert!(whole == picture);
    }

    #[test]
    fn a_pool_gives_a_buffer_again_but_not_one_in_use() {
        let mut pool = Pool::default();
        let picture = pool.take(16, 16);
        let address = picture.data().as_ptr();
        let copy = picture.clone();
        pool.give(picture);
        assert_ne!(pool.take(16, 16).data().as_ptr(), address);
        pool.give(copy);
        assert_eq!(pool.take(16, 16).data().as_ptr(), address);
    }

    #[test]
    fn a_pool_keeps_only_so_much() {
        let mut pool = Pool::default();
        for side in (1000..3000).step_by(100) {
            pool.give(Arc::new(Picture::new(side, side)));
            assert!(pool.bytes <= Pool::CAPACITY);
            let bytes: usize = pool.free.iter().map(|picture| picture.data.len()).sum();
            assert_eq!(bytes, pool.bytes);
        }
        assert!(pool.free.len() > 1);
    }
}
