//! As a background, and as an overlay.

use std::sync::Arc;

use medialoom::mcu::video::{
    Background, Fonts, Overlay, OverlayContent, Parts, VideoMixer, VideoOptions,
};

pub fn run(file: &[u8]) {
    let mut mixer = VideoMixer::new(VideoOptions {
        width: 32,
        height: 24,
        fps: 25.0,
        background: Background::default(),
        fonts: Fonts::default(),
        classes: Vec::new(),
    })
    .unwrap();
    let file: Arc<[u8]> = Arc::from(file);
    let painted = mixer.set_background(&Background::Picture(file.clone())).is_ok();
    let content = OverlayContent::Picture(0);
    let rect = Parts { x: 0.1, y: 0.2, width: 0.7, height: 0.5 };
    let laid = mixer.set_overlays(&[Overlay { rect, z: 1, content }], &[file]).is_ok();
    assert_eq!(painted, laid, "one file, two opinions");
}
