//! The pictures of a mixer: brings packets to its canvas and from it, and keeps its clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bitrates::Bitrates;
use super::error::MixerError;
use super::load::Load;
use super::snapshots::Snapshots;
use crate::control::canvas::{Colour, Layout, Overlay};
use crate::control::conduit::{self, Conduit};
use crate::control::error::EngineError;
use crate::control::ids::{ConduitId, IdMap, PortId, RequestId, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::mixer::{FrameFormat, PortOptions, SnapshotOptions, VideoOptions};
use crate::control::stats::{ClassStats, PictureStats};
use crate::engine::tap::Made;
use crate::mcu::video::{
    self, ClassIndex, ClassOptions, Effort, Fonts, Frame, PixelFormat, Placeholder, Source, TapKey,
    TapOptions, VideoError, VideoMixer, VideoPortOptions, VideoSink, Wanted,
};
use crate::mcu::{MadePacket, TakenPacket};
use crate::sfu::{EncodingIndex, EncodingSet, SourcePacket};

/// A thread that was held up for longer does not make up for what it missed.
const CATCH_UP: Duration = Duration::from_millis(200);

/// The picture half of a mixer: its canvas, the track made of it, and readers and writers.
pub struct Pictures {
    mixer: VideoMixer,
    track: Made,
    /// Between two pictures.
    interval: Duration,
    readers: IdMap<ConduitId, Reader>,
    writers: IdMap<PortId, Arc<Conduit<conduit::Frame>>>,
    speaking: Vec<PortId>,
    snapshots: Snapshots,
    effort: Effort,
    bitrates: Bitrates,
    /// When the next picture is due; none while nobody watches.
    due: Option<Instant>,
    /// Reused.
    made: Vec<(ClassIndex, MadePacket)>,
    keyframes_needed: Vec<PortId>,
}

/// Pictures on their way to JavaScript.
struct Reader {
    conduit: Arc<Conduit<conduit::Frame>>,
    /// `None`: of the canvas.
    port: Option<PortId>,
}

impl Pictures {
    /// Errors: `InvalidArg`.
    pub fn new(options: &VideoOptions, track: Made, fonts: Fonts) -> Result<Self, EngineError> {
        let classes = track.classes().map(|(_, class)| {
            let (width, height) = class.size.unwrap_or((options.width, options.height));
            ClassOptions {
                codec: class.codec,
                width,
                height,
                frame_divisor: 1,
                bitrate: class.bitrate,
            }
        });
        let mut mixer = VideoMixer::new(video::VideoOptions {
            width: options.width,
            height: options.height,
            fps: options.frame_rate.into(),
            background: video::Background::Colour(options.background),
            fonts,
            classes: classes.collect(),
        })
        .map_err(MixerError::Options)?;
        mixer.set_layout(options.layout.clone()).map_err(MixerError::Options)?;
        Ok(Self {
            mixer,
            track,
            interval: Duration::from_secs(1) / u32::from(options.frame_rate.max(1)),
            readers: IdMap::default(),
            writers: IdMap::default(),
            speaking: Vec::new(),
            snapshots: Snapshots::default(),
            effort: Effort::Full,
            bitrates: Bitrates::default(),
            due: None,
            made: Vec::new(),
            keyframes_needed: Vec::new(),
        })
    }

    /// The track that the canvas is watched by.
    pub fn track(&self) -> &Made {
        &self.track
    }

    /// A port beyond those that a canvas can have is heard only.
    pub fn add_port(&mut self, port: PortId, options: &PortOptions) {
        if let Err(error) = self.mixer.add_port(port, video_port(options)) {
            tracing::debug!(port = port.0, %error, "the port has no tile");
        }
        self.mixer.set_muted(port, options.muted);
    }

    /// Shows a port in another way. Options that are refused are logged; its tile stays as it was.
    pub fn set_port(&mut self, port: PortId, options: &PortOptions) {
        if let Err(error) = self.mixer.set_port(port, video_port(options)) {
            tracing::debug!(port = port.0, %error, "the port has no tile");
        }
        self.mixer.set_muted(port, options.muted);
    }

    /// Takes a port off the canvas and closes what is written to it and read of it.
    pub fn remove_port(&mut self, port: PortId) {
        self.mixer.remove_port(port);
        if let Some(writer) = self.writers.remove(&port) {
            writer.close();
        }
        for (id, reader) in self.readers.extract_if(|_, reader| reader.port == Some(port)) {
            self.mixer.remove_tap(TapKey(id.0));
            reader.conduit.close();
        }
    }

    /// Another source, or none: what came before it is not what comes.
    pub fn reset_input(&mut self, port: PortId) {
        self.mixer.reset_input(port);
    }

    /// Takes a packet of a port's source.
    pub fn receive(&mut self, port: PortId, packet: &TakenPacket) {
        self.mixer.receive(port, packet);
    }

    /// Pictures wait as long as the sound that belongs to them.
    pub fn set_delay(&mut self, port: PortId, delay: Option<Duration>) {
        self.mixer.set_delay(port, delay);
    }

    /// Who is heard, and who has the word.
    pub fn set_speakers(&mut self, speakers: &[PortId], dominant: Option<PortId>) {
        self.mixer.set_dominant(dominant);
        if self.speaking == speakers {
            return;
        }
        for port in self.speaking.iter().filter(|port| !speakers.contains(port)) {
            self.mixer.set_speaking(*port, false);
        }
        for port in speakers.iter().filter(|port| !self.speaking.contains(port)) {
            self.mixer.set_speaking(*port, true);
        }
        self.speaking = speakers.to_vec();
    }

    /// Arranges the tiles anew. A layout that cannot be shown is logged, and the one before stays.
    pub fn set_layout(&mut self, layout: Layout) {
        if let Err(error) = self.mixer.set_layout(layout) {
            tracing::warn!(%error, "a layout was refused");
        }
    }

    /// One colour, or a JPEG or PNG that covers the canvas. Errors: a file that cannot be read.
    pub fn set_background(
        &mut self,
        colour: Colour,
        picture: Option<Arc<[u8]>>,
    ) -> Result<(), VideoError> {
        let background = match picture {
            Some(file) => video::Background::Picture(file),
            None => video::Background::Colour(colour),
        };
        self.mixer.set_background(&background)
    }

    /// Replaces all overlays; after an error those from before stay. `files` are their pictures.
    pub fn set_overlays(
        &mut self,
        overlays: &[Overlay],
        files: &[Arc<[u8]>],
    ) -> Result<(), VideoError> {
        self.mixer.set_overlays(overlays, files)
    }

    /// These ports come first on the canvas, whoever speaks. None unpins all.
    pub fn pin(&mut self, ports: &[PortId]) {
        self.mixer.pin(ports);
    }

    /// Answers when there is a picture: nobody may have watched until now.
    pub fn snapshot(
        &mut self,
        now: Instant,
        port: Option<PortId>,
        options: SnapshotOptions,
        request: RequestId,
    ) {
        let watched = match port {
            Some(port) => self.mixer.wanted(port).is_some(),
            None => self.track.is_wanted(),
        };
        self.snapshots.ask(now, source(port), options, request, watched);
    }

    /// Gives pictures of a port, or of the canvas, to a conduit. One that is refused is closed.
    pub fn read(
        &mut self,
        port: Option<PortId>,
        format: FrameFormat,
        conduit: Arc<Conduit<conduit::Frame>>,
    ) {
        let options = TapOptions {
            source: source(port),
            format: if format.rgba { PixelFormat::Rgba } else { PixelFormat::I420 },
            size: format.size,
            max_fps: format.frame_rate.into(),
            steady: format.steady,
        };
        match self.mixer.add_tap(TapKey(conduit.id().0), options) {
            Ok(()) => drop(self.readers.insert(conduit.id(), Reader { conduit, port })),
            Err(error) => {
                tracing::warn!(%error, "a reader of pictures was refused");
                conduit.close();
            }
        }
    }

    /// Shows what comes out of a conduit, in place of a track; the one written before is closed.
    pub fn write(&mut self, port: PortId, conduit: Arc<Conduit<conduit::Frame>>) {
        self.mixer.reset_input(port);
        if let Some(before) = self.writers.insert(port, conduit) {
            before.close();
        }
    }

    /// Closes a reader's or a writer's conduit. Any other id changes nothing.
    pub fn remove_conduit(&mut self, id: ConduitId) {
        if let Some(reader) = self.readers.remove(&id) {
            self.mixer.remove_tap(TapKey(id.0));
            reader.conduit.close();
        }
        let port = self.writers.iter().find(|(_, writer)| writer.id() == id).map(|(port, _)| *port);
        if let Some((port, writer)) = port.and_then(|port| self.writers.remove_entry(&port)) {
            self.mixer.reset_input(port);
            writer.close();
        }
    }

    /// Says which sizes of the track somebody watches; the others are not encoded.
    pub fn set_demand(&mut self, track: SourceId, wanted: EncodingSet) {
        if track != self.track.id() {
            return;
        }
        self.track.set_wanted(wanted);
        for (index, _) in self.track.classes() {
            self.mixer.set_wanted(ClassIndex(index.0), wanted.contains(index));
        }
    }

    /// Makes the next picture of one size a keyframe, at most once a second.
    pub fn request_keyframe(&mut self, track: SourceId, encoding: EncodingIndex) {
        if track == self.track.id() {
            self.mixer.request_keyframe(ClassIndex(encoding.0));
        }
    }

    /// Pixels that a port's picture is needed in.
    pub fn wanted(&self, port: PortId) -> Option<(u16, u16)> {
        let watched = self.is_wanted();
        let wanted = self.mixer.wanted(port).filter(|_| watched);
        wanted.map(|Wanted { width, height }| (width, height))
    }

    /// Ports whose decoders cannot go on without a keyframe.
    pub fn take_keyframes_needed(&mut self) -> Vec<PortId> {
        std::mem::take(&mut self.keyframes_needed)
    }

    /// Counts and the size of a port's pictures, in pixels; `None` for a port without a tile.
    pub fn stats(&self, port: PortId) -> Option<PictureStats> {
        let stats = self.mixer.port_stats(port)?;
        Some(PictureStats {
            frames_decoded: stats.decoded,
            frames_dropped: stats.dropped,
            decoder_errors: stats.errors,
            frame_width: stats.width,
            frame_height: stats.height,
        })
    }

    /// What was encoded of each size.
    pub fn class_stats(&self) -> impl Iterator<Item = ClassStats> {
        self.track.classes().filter_map(|(index, class)| {
            let stats = self.mixer.class_stats(ClassIndex(index.0))?;
            let (width, height) = class.size?;
            Some(ClassStats {
                codec: class.codec.name(),
                width,
                height,
                frames_encoded: stats.encoded,
                key_frames_encoded: stats.keyframes,
                bytes_encoded: stats.bytes,
            })
        })
    }

    fn is_wanted(&self) -> bool {
        self.track.is_wanted() || !self.readers.is_empty() || !self.snapshots.is_empty()
    }

    /// Paints and encodes what is due, and gives when to be called next: `None` while nobody
    /// watches and nobody writes.
    pub fn run(
        &mut self,
        now: Instant,
        load: &Load,
        mailbox: &Mailbox,
        packets: &mut Vec<Arc<SourcePacket>>,
    ) -> Option<Instant> {
        if !self.is_wanted() {
            self.due = None;
            // Nobody sees them; whoever writes them goes on.
            self.take_written();
            return (!self.writers.is_empty()).then(|| now + self.interval);
        }
        if load.effort() != self.effort {
            self.effort = load.effort();
            self.mixer.set_effort(self.effort);
        }
        self.fit_links(now);
        let mut due = self.due.unwrap_or(now);
        if due <= now {
            // One that is late is painted once, not once for each that was missed.
            let picture = if due + CATCH_UP < now { now } else { due };
            self.take_written();
            self.tick(picture, packets);
            self.snapshots.answer(now, &mut self.mixer, mailbox);
            due = picture + self.interval;
            while due <= now {
                due += self.interval;
            }
        }
        self.due = Some(due);
        self.due
    }

    /// Makes the smallest size as small as the thinnest link of its viewers needs it.
    fn fit_links(&mut self, now: Instant) {
        if !self.bitrates.is_due(now) {
            return;
        }
        let Some(lowest) = self.track.classes().map(|(_, class)| class.rung).max() else { return };
        if !self.bitrates.adapt(self.track.thinnest_link()) {
            return;
        }
        for (index, class) in self.track.classes().filter(|(_, class)| class.rung == lowest) {
            self.mixer.set_bitrate(ClassIndex(index.0), self.bitrates.fit(class.bitrate));
        }
    }

    fn tick(&mut self, now: Instant, packets: &mut Vec<Arc<SourcePacket>>) {
        let Self { mixer, readers, made, keyframes_needed, .. } = self;
        mixer.tick(now, &mut Yield { made, readers, keyframes_needed });
        for (class, packet) in self.made.drain(..) {
            packets.extend(self.track.packet(now, EncodingIndex(class.0), packet));
        }
    }

    fn take_written(&mut self) {
        for (port, writer) in &self.writers {
            // Of several that came since the last picture the newest is shown.
            while let Some(frame) = writer.take() {
                let format = if frame.rgba { PixelFormat::Rgba } else { PixelFormat::I420 };
                let (width, height, data) = (frame.width, frame.height, &frame.data[..]);
                let picture = Frame { width, height, format, data };
                // Checked when it was written; one that is refused all the same is lost.
                if let Err(error) = self.mixer.write_frame(*port, &picture, frame.timestamp) {
                    tracing::debug!(port = port.0, %error, "a written picture was lost");
                }
            }
        }
        self.writers.retain(|_, writer| !writer.is_closed());
    }

    /// Refuses the snapshots that wait and closes all conduits.
    pub fn close(&mut self, mailbox: &Mailbox) {
        self.snapshots.refuse(mailbox);
        let readers = self.readers.values().map(|reader| &reader.conduit);
        readers.chain(self.writers.values()).for_each(|conduit| conduit.close());
    }
}

struct Yield<'a> {
    made: &'a mut Vec<(ClassIndex, MadePacket)>,
    readers: &'a IdMap<ConduitId, Reader>,
    keyframes_needed: &'a mut Vec<PortId>,
}

impl VideoSink for Yield<'_> {
    fn packet(&mut self, class: ClassIndex, packet: MadePacket, _keyframe: bool) {
        self.made.push((class, packet));
    }

    fn frame(&mut self, tap: TapKey, frame: Frame<'_>, captured: Instant) {
        if let Some(reader) = self.readers.get(&ConduitId(tap.0)) {
            reader.conduit.push(conduit::Frame {
                data: frame.data.to_vec(),
                rgba: frame.format == PixelFormat::Rgba,
                width: frame.width,
                height: frame.height,
                timestamp: captured,
            });
        }
    }

    /// Is asked for when it is needed.
    fn wanted(&mut self, _: PortId, _: Option<Wanted>) {}

    fn keyframe_needed(&mut self, port: PortId) {
        self.keyframes_needed.push(port);
    }
}

fn video_port(options: &PortOptions) -> VideoPortOptions {
    VideoPortOptions {
        label: (!options.label.is_empty()).then(|| options.label.clone()),
        placeholder: Placeholder::Initials,
        visible: options.visible,
        screen: options.screen,
    }
}

fn source(port: Option<PortId>) -> Source {
    port.map_or(Source::Canvas, Source::Port)
}
