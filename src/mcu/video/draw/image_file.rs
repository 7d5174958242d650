//! JPEG and PNG, and the conversion between RGB and I420.

use super::super::error::ImageError;
use std::panic::{AssertUnwindSafe, catch_unwind};

use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPlanarImage, YuvPlanarImageMut, YuvRange,
    YuvStandardMatrix,
};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::options::{MAX_CANVAS_PIXELS, MAX_SIDE, SnapshotFormat};
use super::super::picture::Picture;
use super::pixmap::Pixmap;

/// Most bytes of a file.
const MAX_FILE: usize = 32 << 20;
/// Most pixels of it. Few when fuzzed, which is quick.
const MAX_PIXELS: u32 = if cfg!(fuzzing) { 256 * 256 } else { 2 * MAX_CANVAS_PIXELS };
const PNG_SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

/// Reads a JPEG or PNG file of up to so many pixels as a picture may have.
pub(in super::super) fn decode(file: &[u8]) -> Result<Pixmap, ImageError> {
    if file.len() > MAX_FILE {
        return Err(ImageError::TooLong(MAX_FILE));
    }
    let png = file.starts_with(&PNG_SIGNATURE);
    guarded(|| if png { decode_png(file) } else { decode_jpeg(file) })
}

/// Files come from anywhere, and what reads them is not ours: if it panics, the file is refused and
/// the mixer goes on.
fn guarded<T>(read: impl FnOnce() -> Result<T, ImageError>) -> Result<T, ImageError> {
    // A panic leaves nothing behind: all that was made belongs to the call.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ImageError::Damaged("a damaged picture file")))
}

fn check_size(width: usize, height: usize) -> Result<(u16, u16), ImageError> {
    let side = |side: usize| u16::try_from(side).ok().filter(|s| (1..=MAX_SIDE).contains(s));
    match (side(width), side(height)) {
        (Some(w), Some(h)) if u32::from(w) * u32::from(h) <= MAX_PIXELS => Ok((w, h)),
        _ => Err(ImageError::TooLarge { width, height }),
    }
}

fn decode_jpeg(file: &[u8]) -> Result<Pixmap, ImageError> {
    let options = DecoderOptions::new_fast()
        .set_max_width(MAX_SIDE.into())
        .set_max_height(MAX_SIDE.into())
        .jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let failed = |error: zune_jpeg::errors::DecodeErrors| ImageError::Format {
        expected: "JPEG or PNG",
        reason: error.to_string(),
    };
    decoder.decode_headers().map_err(failed)?;
    let (width, height) =
        decoder.dimensions().ok_or(ImageError::Damaged("a JPEG file without a size"))?;
    let (width, height) = check_size(width, height)?;
    let data = decoder.decode().map_err(failed)?;
    pixmap(width, height, data)
}

fn pixmap(width: u16, height: u16, data: Vec<u8>) -> Result<Pixmap, ImageError> {
    if data.len() != 4 * usize::from(width) * usize::from(height) {
        return Err(ImageError::Damaged("a picture file of another size than it says"));
    }
    Ok(Pixmap { width, height, data })
}

fn decode_png(file: &[u8]) -> Result<Pixmap, ImageError> {
    let failed = |error: png::DecodingError| ImageError::Format {
        expected: "PNG",
        reason: error.to_string(),
    };
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = reader.info().size();
    let (width, height) = check_size(width as usize, height as usize)?;
    let mut data =
        vec![0; reader.output_buffer_size().ok_or(ImageError::Damaged("a PNG file too large"))?];
    let info = reader.next_frame(&mut data).map_err(failed)?;
    data.truncate(info.buffer_size());
    let rgba = match info.color_type {
        png::ColorType::Rgba => data,
        png::ColorType::Rgb => data.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect(),
        png::ColorType::GrayscaleAlpha => {
            data.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect()
        }
        png::ColorType::Grayscale => data.iter().flat_map(|&p| [p, p, p, 255]).collect(),
        png::ColorType::Indexed => {
            return Err(ImageError::Damaged("a PNG file with a palette and no colours"));
        }
    };
    pixmap(width, height, rgba)
}

/// Writes a picture as a file.
pub(in super::super) fn encode(
    picture: &Picture,
    format: SnapshotFormat,
) -> Result<Vec<u8>, ImageError> {
    let (width, height) = picture.size();
    let mut rgb = vec![0; 3 * usize::from(width) * usize::from(height)];
    yuv::yuv420_to_rgb(
        &planar(picture),
        &mut rgb,
        3 * u32::from(width),
        YuvRange::Limited,
        YuvStandardMatrix::Bt601,
    )
    .map_err(ImageError::conversion)?;
    let mut file = Vec::new();
    match format {
        SnapshotFormat::Jpeg { quality } => {
            jpeg_encoder::Encoder::new(&mut file, quality.clamp(1, 100))
                .encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb)
                .map_err(ImageError::conversion)?;
        }
        SnapshotFormat::Png => {
            let mut encoder = png::Encoder::new(&mut file, width.into(), height.into());
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_compression(png::Compression::Fast);
            let write = |encoder: png::Encoder<'_, &mut Vec<u8>>| {
                let mut writer = encoder.write_header()?;
                writer.write_image_data(&rgb)?;
                writer.finish()
            };
            write(encoder).map_err(ImageError::conversion)?;
        }
    }
    Ok(file)
}

fn planar(picture: &Picture) -> YuvPlanarImage<'_, u8> {
    let [y_plane, u_plane, v_plane] = picture.planes();
    let chroma_stride = picture.plane_size(1).0 as u32;
    YuvPlanarImage {
        y_plane,
        y_stride: picture.width().into(),
        u_plane,
        u_stride: chroma_stride,
        v_plane,
        v_stride: chroma_stride,
        width: picture.width().into(),
        height: picture.height().into(),
    }
}

impl Picture {
    /// From RGBA, four bytes a pixel without padding, whose alpha is ignored. Nothing happens when
    /// there are too few bytes.
    pub(in super::super) fn read_rgba(&mut self, rgba: &[u8]) {
        let (width, height) = self.size();
        let chroma_stride = self.plane_size(1).0 as u32;
        let [y_plane, u_plane, v_plane] = self.planes_mut();
        let mut image = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(y_plane),
            y_stride: width.into(),
            u_plane: BufferStoreMut::Borrowed(u_plane),
            u_stride: chroma_stride,
            v_plane: BufferStoreMut::Borrowed(v_plane),
            v_stride: chroma_stride,
            width: width.into(),
            height: height.into(),
        };
        // Fails only for buffers of a wrong size.
        let _ = yuv::rgba_to_yuv420(
            &mut image,
            rgba,
            4 * u32::from(width),
            YuvRange::Limited,
            YuvStandardMatrix::Bt601,
            YuvConversionMode::Balanced,
        );
    }

    /// To RGBA, four bytes a pixel without padding.
    pub(in super::super) fn write_rgba(&self, rgba: &mut [u8]) {
        let stride = 4 * u32::from(self.width());
        // Fails only for buffers of a wrong size.
        let _ = yuv::yuv420_to_rgba(
            &planar(self),
            rgba,
            stride,
            YuvRange::Limited,
            YuvStandardMatrix::Bt601,
        );
    }
}

impl From<&Pixmap> for Picture {
    /// Alpha is ignored.
    fn from(pixmap: &Pixmap) -> Self {
        let mut picture = Picture::new(pixmap.width, pixmap.height);
        picture.read_rgba(&pixmap.data);
        picture
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::canvas::Colour;

    fn gradient() -> Picture {
        let mut pixmap = Pixmap::new(64, 48);
        for (at, pixel) in pixmap.data.chunks_exact_mut(4).enumerate() {
            let (x, y) = ((at % 64) as u8, (at / 64) as u8);
            pixel.copy_from_slice(&[x * 4, y * 5, 128, 255]);
        }
        Picture::from(&pixmap)
    }

    #[test]
    fn files_read_back_look_the_same() {
        let picture = gradient();
        for format in [SnapshotFormat::Png, SnapshotFormat::Jpeg { quality: 90 }] {
            let file = encode(&picture, format).unwrap();
            let again = Picture::from(&decode(&file).unwrap());
            assert_eq!(again.size(), picture.size());
            let pairs = again.data().iter().zip(picture.data());
            let error: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(error < 3 * picture.data().len() as u64, "{format:?}: {error}");
        }
    }

    #[test]
    fn rgba_and_back_is_the_same_colour() {
        let picture = Picture::filled(16, 16, Colour::rgb(200, 40, 90));
        let mut rgba = vec![0; 16 * 16 * 4];
        picture.write_rgba(&mut rgba);
        for (value, expected) in rgba.iter().zip([200u8, 40, 90, 255]) {
            assert!(value.abs_diff(expected) <= 3, "{value} {expected}");
        }
    }

    #[test]
    fn a_panic_refuses_the_file() {
        assert!(guarded::<()>(|| panic!("as the test wants")).is_err());
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(decode(&[]).is_err());
        assert!(decode(&[0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]).is_err());
        assert!(decode(&PNG_SIGNATURE).is_err());
        let mut png = encode(&gradient(), SnapshotFormat::Png).unwrap();
        png.truncate(png.len() / 2);
        assert!(decode(&png).is_err());
        // A header that announces 65,535 by 65,535 pixels.
        let mut png = encode(&gradient(), SnapshotFormat::Png).unwrap();
        png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        assert!(decode(&png).is_err());
    }
}
