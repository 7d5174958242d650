//! Something small that is laid over pictures again and again.

use super::super::colour::yuv;
use super::super::picture::Picture;
use super::pixmap::Pixmap;

/// Planes with coverage, of even width and height.
#[derive(Clone, Debug)]
pub(in super::super) struct Sprite {
    width: u16,
    height: u16,
    luma: Layer,
    chroma: Layer,
}

/// What covers one resolution of a picture.
#[derive(Clone, Default, Debug)]
struct Layer {
    width: usize,
    /// Luma, or U and V after each other.
    samples: Vec<u8>,
    alpha: Vec<u8>,
    /// Where there is anything at all.
    runs: Vec<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    row: u16,
    start: u16,
    end: u16,
}

impl Sprite {
    pub(in super::super) fn new(pixmap: &Pixmap) -> Self {
        let (width, height) = (pixmap.width.next_multiple_of(2), pixmap.height.next_multiple_of(2));
        let (own_width, own_height) = (usize::from(pixmap.width), usize::from(pixmap.height));
        let pixel = |x: usize, y: usize| -> [u8; 4] {
            if x >= own_width || y >= own_height {
                return [0; 4];
            }
            let at = 4 * (y * own_width + x);
            let p = &pixmap.data[at..at + 4];
            [p[0], p[1], p[2], p[3]]
        };
        let (columns, rows) = (usize::from(width), usize::from(height));
        let mut luma = Layer { width: columns, ..Layer::default() };
        for y in 0..rows {
            for x in 0..columns {
                let [red, green, blue, alpha] = pixel(x, y);
                luma.samples.push(yuv(red, green, blue)[0]);
                luma.alpha.push(alpha);
            }
        }
        let mut chroma = Layer { width: columns / 2, ..Layer::default() };
        let mut v_plane = Vec::new();
        for y in (0..rows).step_by(2) {
            for x in (0..columns).step_by(2) {
                let (mut u_sum, mut v_sum, mut alpha_sum) = (0, 0, 0);
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let [red, green, blue, alpha] = pixel(x + dx, y + dy);
                    let [_, u, v] = yuv(red, green, blue);
                    u_sum += u32::from(u) * u32::from(alpha);
                    v_sum += u32::from(v) * u32::from(alpha);
                    alpha_sum += u32::from(alpha);
                }
                // What covers nothing has no colour.
                let mean = |sum: u32| sum.checked_div(alpha_sum).unwrap_or(128) as u8;
                chroma.samples.push(mean(u_sum));
                v_plane.push(mean(v_sum));
                chroma.alpha.push((alpha_sum / 4) as u8);
            }
        }
        chroma.samples.append(&mut v_plane);
        luma.find_runs();
        chroma.find_runs();
        Self { width, height, luma, chroma }
    }

    pub(in super::super) fn width(&self) -> u16 {
        self.width
    }

    pub(in super::super) fn height(&self) -> u16 {
        self.height
    }

    /// Lays it over `picture` at an even place; what does not fit is cut off.
    pub(in super::super) fn draw(&self, picture: &mut Picture, x: u16, y: u16) {
        let (width, height) = picture.plane_size(0);
        let [luma, u, v] = picture.planes_mut();
        let (x, y) = (usize::from(x), usize::from(y));
        self.luma.draw(&self.luma.samples, luma, (width, height), x, y);
        let size = (width.div_ceil(2), height.div_ceil(2));
        let (own_u, own_v) = self.chroma.samples.split_at(self.chroma.alpha.len());
        self.chroma.draw(own_u, u, size, x / 2, y / 2);
        self.chroma.draw(own_v, v, size, x / 2, y / 2);
    }
}

impl Layer {
    fn find_runs(&mut self) {
        for (row, alpha) in (0..).zip(self.alpha.chunks(self.width.max(1))) {
            let mut start = None;
            for (at, &alpha) in (0..).zip(alpha.iter().chain([&0])) {
                match (start, alpha > 0) {
                    (None, true) => start = Some(at),
                    (Some(begin), false) => {
                        self.runs.push(Run { row, start: begin, end: at });
                        start = None;
                    }
                    _ => {}
                }
            }
        }
    }

    fn draw(
        &self,
        samples: &[u8],
        plane: &mut [u8],
        (width, height): (usize, usize),
        x: usize,
        y: usize,
    ) {
        for run in &self.runs {
            let (row, start) = (y + usize::from(run.row), x + usize::from(run.start));
            let end = (x + usize::from(run.end)).min(width);
            if row >= height || start >= end {
                continue;
            }
            let from = usize::from(run.row) * self.width + usize::from(run.start);
            let target = &mut plane[row * width + start..row * width + end];
            let samples = &samples[from..from + target.len()];
            let alpha = &self.alpha[from..from + target.len()];
            for ((own, sample), alpha) in target.iter_mut().zip(samples).zip(alpha) {
                *own = mix(*own, *sample, *alpha);
            }
        }
    }
}

/// `over`, covering so much of `under`.
pub(in super::super) fn mix(under: u8, over: u8, alpha: u8) -> u8 {
    let (under, over, alpha) = (u32::from(under), u32::from(over), u32::from(alpha));
    ((under * (255 - alpha) + over * alpha + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::canvas::Colour;

    #[test]
    fn it_covers_as_much_as_its_alpha_and_is_cut_at_the_edge() {
        let mut pixmap = Pixmap::new(4, 4);
        pixmap.fill(Colour::WHITE.with_alpha(128), |_, _| -1.0);
        let sprite = Sprite::new(&pixmap);
        let mut picture = Picture::filled(8, 8, Colour::BLACK);
        sprite.draw(&mut picture, 6, 2);
        let luma = picture.planes()[0];
        assert_eq!(luma[2 * 8 + 5], 16);
        assert_eq!(luma[2 * 8 + 6], 126);
        assert_eq!(luma[6 * 8 + 6], 16);
        sprite.draw(&mut picture, 100, 100);
    }

    #[test]
    fn what_is_transparent_is_skipped() {
        let mut pixmap = Pixmap::new(9, 3);
        pixmap.blend(1, 1, Colour::WHITE, 1.0);
        pixmap.blend(7, 1, Colour::WHITE, 1.0);
        let sprite = Sprite::new(&pixmap);
        assert_eq!((sprite.width, sprite.height), (10, 4));
        assert_eq!(sprite.luma.runs.len(), 2);
    }
}
