//! Pictures on their way to an application.

use std::time::{Duration, Instant};

use super::options::{Frame, PixelFormat, TapKey, TapOptions};
use super::picture::Picture;
use super::rect::Rect;
use super::scale::{Crop, Scaler};
use super::sink::VideoSink;

/// Most taps of one mixer.
pub const MAX_TAPS: usize = 64;

pub(super) struct Tap {
    key: TapKey,
    pub options: TapOptions,
    /// When the next picture may go.
    due: Option<Instant>,
    /// Of the picture that went last.
    last: Option<u64>,
    scaled: Picture,
    rgba: Vec<u8>,
}

impl Tap {
    pub(super) fn new(key: TapKey, options: TapOptions) -> Self {
        let (scaled, rgba) = (Picture::default(), Vec::new());
        Self { key, options, due: None, last: None, scaled, rgba }
    }

    pub(super) fn key(&self) -> TapKey {
        self.key
    }

    /// Hands on `picture` if it is another one than last time or the reader wants all, and not too soon. `serial` tells
    /// pictures apart.
    pub(super) fn offer(
        &mut self,
        picture: &Picture,
        serial: u64,
        captured: Instant,
        now: Instant,
        scaler: &mut Scaler,
        sink: &mut impl VideoSink,
    ) {
        let again = self.last == Some(serial);
        if again && !self.options.steady || self.due.is_some_and(|due| now < due) {
            return;
        }
        self.last = Some(serial);
        let interval = Duration::from_secs_f32(1.0 / self.options.max_fps);
        // Keeps the rate when ticks do not fall on its beat, without catching up after a pause.
        let beat = self.due.filter(|due| now < *due + interval).unwrap_or(now);
        self.due = Some(beat + interval);
        let size = self.options.size.unwrap_or(picture.size());
        let picture = if size == picture.size() {
            picture
        } else {
            self.scaled.reshape(size.0, size.1);
            let rect = Rect::new(0, 0, size.0, size.1);
            scaler.scale(picture, Crop::whole(picture), &mut self.scaled, rect);
            &self.scaled
        };
        let (width, height) = picture.size();
        let format = self.options.format;
        let data = match format {
            PixelFormat::I420 => picture.data(),
            PixelFormat::Rgba => {
                self.rgba.resize(format.len(width, height), 255);
                picture.write_rgba(&mut self.rgba);
                &self.rgba
            }
        };
        let captured = if again { now } else { captured };
        sink.frame(self.key, Frame { width, height, format, data }, captured);
    }
}
