//! Pictures as files.

use super::super::error::VideoError;
use std::time::Duration;

use super::VideoMixer;
use crate::mcu::video::draw;
use crate::mcu::video::options::*;
use crate::mcu::video::picture::Picture;
use crate::mcu::video::rect::Rect;
use crate::mcu::video::scale::{Crop, Scaler};

/// So long after a snapshot was asked for, what it shows is kept up to date, for the next one.
const SNAPSHOT_INTEREST: Duration = Duration::from_secs(5);

impl VideoMixer {
    /// A picture as a file. `width` scales it, keeping its shape. What is not kept up to date,
    /// because nobody watches, is so from now on for five seconds: ask again.
    pub fn snapshot(
        &mut self,
        source: Source,
        format: SnapshotFormat,
        width: Option<u16>,
    ) -> Result<Vec<u8>, VideoError> {
        let until = self.now.map(|now| now + SNAPSHOT_INTEREST);
        let picture = match source {
            Source::Canvas => {
                self.looked_at = until;
                if let Some(now) = self.now {
                    self.settle(now);
                    self.paint(now);
                }
                self.canvas.picture()
            }
            Source::Port(key) => {
                let port = self.ports.get_mut(&key).ok_or(VideoError::NoSuchPort)?;
                port.looked_at = until;
                let shown = self.now.and_then(|now| port.input.shown(now));
                &shown.ok_or(VideoError::NoPicture)?.picture
            }
        };
        match width {
            Some(width) if width != picture.width() => {
                Ok(draw::encode(&scaled_to_width(picture, width)?, format)?)
            }
            _ => Ok(draw::encode(picture, format)?),
        }
    }
}

fn scaled_to_width(picture: &Picture, width: u16) -> Result<Picture, VideoError> {
    let shape = f64::from(picture.height()) / f64::from(picture.width());
    let height = (f64::from(width) * shape / 2.0).round() * 2.0;
    let width = width & !1;
    if !(2..=MAX_SIDE).contains(&width) || height > f64::from(MAX_SIDE) {
        return Err(VideoError::SnapshotWidth(width));
    }
    let height = (height as u16).max(2);
    let mut scaled = Picture::new(width, height);
    let rect = Rect::new(0, 0, width, height);
    Scaler::default().scale(picture, Crop::whole(picture), &mut scaled, rect);
    Ok(scaled)
}
