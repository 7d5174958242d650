//! The mixer: ports, canvas and classes put together.

mod snapshot;
mod tick;

use super::error::VideoError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arrange::Member;
use super::canvas::Canvas;
use super::classes::{Class, Rungs};
use super::draw;
use super::layout::{self, Placement};
use super::options::*;
use super::overlay::{self, Rendered};
use super::picture::{Picture, Pool};
use super::port::Port;
use super::rect::Rect;
use super::scale::{Crop, Scaler};
use super::stats::{CanvasStats, ClassStats, PortStats};
use super::taps::{MAX_TAPS, Tap};
use crate::control::canvas::{Layout, Overlay};
use crate::mcu::{PortId, TakenPacket};

/// Mixes the pictures of its ports on one canvas. Reads no clock: who drives it says what time it
/// is, and calls [`tick`](Self::tick) as often as the canvas has pictures.
pub struct VideoMixer {
    width: u16,
    height: u16,
    fps: f32,
    /// In the order they came.
    ports: BTreeMap<PortId, Port>,
    order: Vec<PortId>,
    layout: Layout,
    overlays: Vec<Arc<Rendered>>,
    pinned: Vec<PortId>,
    dominant: Option<PortId>,
    placements: Vec<Placement>,
    /// Who takes part, as tiles were found.
    members: Vec<Member>,
    /// Tiles have to be found anew.
    unsettled: bool,
    canvas: Canvas,
    classes: Vec<Class>,
    rungs: Rungs,
    taps: Vec<Tap>,
    pool: Pool,
    effort: Effort,
    /// Counts ticks.
    ticks: u64,
    /// Counts pictures of the canvas.
    number: u64,
    began: Option<Instant>,
    /// Of the last tick.
    now: Option<Instant>,
    /// The canvas is looked at until then, for a snapshot.
    looked_at: Option<Instant>,
    /// Something was wanted at the last tick.
    busy: bool,
}

impl VideoMixer {
    /// A canvas with nothing on its background. Errors: options out of bounds, unreadable files.
    pub fn new(options: VideoOptions) -> Result<Self, VideoError> {
        options.check()?;
        let (width, height) = (options.width, options.height);
        let background = paint_background(&options.background, width, height)?;
        let classes = options.classes.iter().zip(0..);
        let classes = classes.map(|(class, index)| Class::new(ClassIndex(index), *class)).collect();
        Ok(Self {
            width,
            height,
            fps: options.fps,
            ports: BTreeMap::new(),
            order: Vec::new(),
            layout: Layout::default(),
            overlays: Vec::new(),
            pinned: Vec::new(),
            dominant: None,
            placements: Vec::new(),
            members: Vec::new(),
            unsettled: true,
            canvas: Canvas::new(background, options.fonts),
            classes,
            rungs: Rungs::default(),
            taps: Vec::new(),
            pool: Pool::default(),
            effort: Effort::default(),
            ticks: 0,
            number: 0,
            began: None,
            now: None,
            looked_at: None,
            busy: false,
        })
    }

    /// Adds a port behind those there are.
    pub fn add_port(&mut self, key: PortId, options: VideoPortOptions) -> Result<(), VideoError> {
        if self.ports.contains_key(&key) {
            return Err(VideoError::PortExists);
        }
        if self.ports.len() >= MAX_PORTS {
            return Err(VideoError::TooMany { what: "ports", limit: MAX_PORTS });
        }
        let mut port = Port::default();
        port.set_options(options)?;
        self.ports.insert(key, port);
        self.order.push(key);
        self.unsettled = true;
        Ok(())
    }

    /// Shows a port in another way.
    pub fn set_port(&mut self, key: PortId, options: VideoPortOptions) -> Result<(), VideoError> {
        let port = self.ports.get_mut(&key).ok_or(VideoError::NoSuchPort)?;
        self.unsettled = true;
        port.set_options(options)
    }

    /// Takes a port off the canvas, and out of what is pinned. An unknown one changes nothing.
    pub fn remove_port(&mut self, key: PortId) {
        self.ports.remove(&key);
        self.order.retain(|port| *port != key);
        self.pinned.retain(|port| *port != key);
        self.dominant = self.dominant.filter(|port| *port != key);
        self.unsettled = true;
    }

    /// The port's source was switched: what comes next depends on nothing before.
    pub fn reset_input(&mut self, key: PortId) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.input.reset();
        }
    }

    /// Takes a packet of the port's source; it is decoded when a picture is due.
    pub fn receive(&mut self, key: PortId, packet: &TakenPacket) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.input.receive(packet);
        }
    }

    /// Shows a picture of an application, instead of those of a track.
    pub fn write_frame(
        &mut self,
        key: PortId,
        frame: &Frame<'_>,
        captured: Instant,
    ) -> Result<(), VideoError> {
        let port = self.ports.get_mut(&key).ok_or(VideoError::NoSuchPort)?;
        let sides = 1..=MAX_SIDE;
        let pixels = u32::from(frame.width) * u32::from(frame.height);
        if !sides.contains(&frame.width)
            || !sides.contains(&frame.height)
            || pixels > MAX_CANVAS_PIXELS
        {
            return Err(VideoError::FrameSize { width: frame.width, height: frame.height });
        }
        let expected = frame.format.len(frame.width, frame.height);
        if frame.data.len() != expected {
            return Err(VideoError::FrameLength { given: frame.data.len(), expected });
        }
        port.input.write(frame, captured, &mut self.pool);
        Ok(())
    }

    /// Pictures of the port are shown so long after they were captured: together with its sound.
    /// At most 2 s. `None`: at once.
    pub fn set_delay(&mut self, key: PortId, delay: Option<Duration>) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.input.set_delay(delay);
        }
    }

    /// Marks the port as one that is heard.
    pub fn set_speaking(&mut self, key: PortId, speaking: bool) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.set_speaking(speaking);
        }
    }

    /// Marks the port's microphone as off.
    pub fn set_muted(&mut self, key: PortId, muted: bool) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.set_muted(muted);
        }
    }

    /// Who speaks, for the layouts and tiles that follow the voice.
    pub fn set_dominant(&mut self, key: Option<PortId>) {
        if self.dominant != key {
            self.dominant = key;
            self.unsettled = true;
        }
    }

    /// These ports come first, and the first of them is large, whoever speaks. None unpins all.
    pub fn pin(&mut self, ports: &[PortId]) {
        self.pinned = ports.iter().copied().take(MAX_PORTS).collect();
        self.unsettled = true;
    }

    /// Arranges the tiles anew. Errors leave the layout from before.
    pub fn set_layout(&mut self, layout: Layout) -> Result<(), VideoError> {
        layout::check(&layout)?;
        self.layout = layout;
        self.unsettled = true;
        Ok(())
    }

    /// Paints the background anew. A file that cannot be read leaves the one from before.
    pub fn set_background(&mut self, background: &Background) -> Result<(), VideoError> {
        self.canvas.set_background(paint_background(background, self.width, self.height)?);
        Ok(())
    }

    /// Replaces all overlays; when one of them is wrong, all stay as they were.
    /// `files` are those that pictures among them name by their place.
    pub fn set_overlays(
        &mut self,
        overlays: &[Overlay],
        files: &[Arc<[u8]>],
    ) -> Result<(), VideoError> {
        let fonts = self.canvas.fonts();
        let rendered = overlay::render(fonts, overlays, files, self.width, self.height)?;
        self.overlays = rendered.into_iter().map(Arc::new).collect();
        self.canvas.set_items(&self.placements, &self.overlays);
        Ok(())
    }

    /// Whether anybody watches the class. Who begins to watch gets a keyframe.
    pub fn set_wanted(&mut self, class: ClassIndex, wanted: bool) {
        if let Some(class) = self.classes.get_mut(usize::from(class.0)) {
            class.set_wanted(wanted);
        }
    }

    /// Bits per second, kept within 10,000 to 100,000,000.
    pub fn set_bitrate(&mut self, class: ClassIndex, bitrate: u32) {
        if let Some(class) = self.classes.get_mut(usize::from(class.0)) {
            class.set_bitrate(bitrate);
        }
    }

    /// The next picture becomes a keyframe, at most one a second.
    pub fn request_keyframe(&mut self, class: ClassIndex) {
        if let Some(class) = self.classes.get_mut(usize::from(class.0)) {
            class.request_keyframe();
        }
    }

    /// How much the next pictures may cost.
    pub fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
    }

    /// Has pictures given to the sink under a new key. Errors: bad options, and too many taps.
    pub fn add_tap(&mut self, key: TapKey, options: TapOptions) -> Result<(), VideoError> {
        options.check()?;
        if self.taps.len() >= MAX_TAPS {
            return Err(VideoError::TooMany { what: "taps", limit: MAX_TAPS });
        }
        if self.taps.iter().any(|tap| tap.key() == key) {
            return Err(VideoError::TapExists);
        }
        self.taps.push(Tap::new(key, options));
        Ok(())
    }

    /// Ends a tap. Any other key changes nothing.
    pub fn remove_tap(&mut self, key: TapKey) {
        self.taps.retain(|tap| tap.key() != key);
    }

    /// What is worth sending of a port; also told to the sink when it changes.
    pub fn wanted(&self, key: PortId) -> Option<Wanted> {
        self.ports.get(&key)?.wanted
    }

    /// The tiles of the canvas, lower ones first.
    pub fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// What a port received and decoded; `None` for an unknown port.
    pub fn port_stats(&self, key: PortId) -> Option<PortStats> {
        self.ports.get(&key).map(|port| port.input.stats())
    }

    /// What was encoded of a class; `None` for an unknown one.
    pub fn class_stats(&self, class: ClassIndex) -> Option<ClassStats> {
        self.classes.get(usize::from(class.0)).map(Class::stats)
    }

    /// What painting the canvas took so far.
    pub fn canvas_stats(&mut self) -> CanvasStats {
        *self.canvas.stats()
    }

    /// Whether nothing is wanted: a tick does nothing then, and need not be.
    pub fn idle(&self) -> bool {
        !self.busy && !self.is_wanted(self.now)
    }
}

fn paint_background(
    background: &Background,
    width: u16,
    height: u16,
) -> Result<Picture, VideoError> {
    match background {
        Background::Colour(colour) => Ok(Picture::filled(width, height, *colour)),
        Background::Picture(file) => {
            let source = Picture::from(&draw::decode(file)?);
            let mut picture = Picture::new(width, height);
            let crop = Crop::covering(&source, width, height);
            let rect = Rect::new(0, 0, width, height);
            Scaler::default().scale(&source, crop, &mut picture, rect);
            Ok(picture)
        }
    }
}
