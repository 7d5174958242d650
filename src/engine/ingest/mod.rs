//! What one encoder pushes: frames in, packets of made tracks out, to the shard that the tracks live
//! on. Does no I/O and reads no clock; whoever has the connection drives it.

mod error;
mod order;
mod pictures;
mod sound;
mod timeline;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::Kind;
use crate::control::event::{CloseReason, Event, Reply};
use crate::control::ids::{Ids, InputId, RequestId, SourceId};
use crate::control::ingest::{InputStats, InputTrackInfo, LinkStats};
use crate::control::mailbox::Mailbox;
use crate::engine::message::ShardMessage;
use crate::engine::tap::{Inlet, Made, Outlet, Shards};
use crate::ingest::{Sound as SoundFrame, VideoFrame};
use crate::sfu::{AudioLevelMeter, SourcePacket};
pub use error::InputError;
use pictures::{Outcome, Pictures};
pub use sound::Sound;
pub use timeline::{Placed, Timeline};

/// Warnings of one input; what is wrong all the time is told once.
const MAX_WARNINGS: usize = 16;

/// The actor; see the module.
pub struct Input<S: Shards> {
    id: InputId,
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    /// Pictures with B-frames are taken, for mixers.
    mix_b_frames: bool,
    timeline: Timeline,
    video: Video,
    sound: Option<Sound>,
    warned: Vec<InputError>,
    silence: Duration,
    /// When a frame came last.
    heard: Instant,
    stalled: bool,
    bytes: u64,
    /// What the link did, as it was told last.
    link: Option<LinkStats>,
    /// Reused for packets of one frame.
    packets: Vec<Arc<SourcePacket>>,
}

enum Video {
    None,
    Taken(Box<Pictures>),
    /// What there is of pictures is left out.
    Refused,
}

/// What an input is made of.
pub struct Parts<S> {
    pub id: InputId,
    pub ids: Arc<Ids>,
    pub mailbox: Arc<Mailbox>,
    pub shards: S,
    pub inlet: Arc<Inlet>,
    /// Pictures with B-frames are taken, for mixers alone.
    pub mix_b_frames: bool,
    /// How long nothing has to come until it is told.
    pub silence: Duration,
}

impl<S: Shards> Input<S> {
    /// Without tracks: they come with their first frames.
    pub fn new(now: Instant, parts: Parts<S>) -> Self {
        Self {
            id: parts.id,
            ids: parts.ids,
            mailbox: parts.mailbox,
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            mix_b_frames: parts.mix_b_frames,
            timeline: Timeline::default(),
            video: Video::None,
            sound: None,
            warned: Vec::new(),
            silence: parts.silence,
            heard: now,
            stalled: false,
            bytes: 0,
            link: None,
            packets: Vec::new(),
        }
    }

    /// Takes a picture, with the sender's time in milliseconds.
    pub fn video(&mut self, now: Instant, timestamp: u32, frame: &VideoFrame<'_>) {
        self.bytes += frame.data.len() as u64;
        self.hear(now);
        if matches!(&self.video, Video::Taken(pictures) if pictures.are_others(frame.codec)) {
            self.end_video();
            self.video = Video::None;
        }
        if matches!(self.video, Video::None) {
            let id = SourceId::new(&self.ids, self.id.shard());
            let pictures = Pictures::new(frame.codec, id, self.mix_b_frames);
            self.video = Video::Taken(Box::new(pictures));
        }
        let Video::Taken(pictures) = &mut self.video else { return };
        let shown = timestamp.wrapping_add_signed(pictures.delay(frame));
        let placed = self.timeline.place(now, shown);
        match pictures.receive(now, placed, frame, &mut self.packets) {
            Outcome::Went => {}
            Outcome::Began => {
                let reordered = pictures.is_reordered();
                if let Some(track) = pictures.track() {
                    let (mut info, message) = announce(track, Kind::Video, &self.inlet);
                    info.reordered = reordered;
                    self.outlet.send(self.id.shard(), message);
                    self.mailbox.post(Event::InputTrack { input: self.id, info });
                }
                if reordered {
                    self.warn(InputError::BFrames);
                }
            }
            Outcome::Refused(error) => {
                let goes_on = error == InputError::BFrames && pictures.may_be_reordered();
                self.end_video();
                // Behind the next keyframe they are another track.
                self.video = if goes_on { Video::None } else { Video::Refused };
                self.warn(error);
            }
        }
        self.send();
    }

    /// Takes a piece of sound, with the sender's time in milliseconds.
    pub fn sound(&mut self, now: Instant, timestamp: u32, frame: &SoundFrame<'_>) {
        let (SoundFrame::AacConfiguration(bytes)
        | SoundFrame::Aac(bytes)
        | SoundFrame::Opus(bytes)) = frame;
        self.bytes += bytes.len() as u64;
        self.hear(now);
        let placed = self.timeline.place(now, timestamp);
        let new = self.sound.is_none();
        // Of AAC without its configuration nothing can be made.
        if new && matches!(frame, SoundFrame::Aac(_)) {
            return;
        }
        let sound = self
            .sound
            .get_or_insert_with(|| Sound::new(now, SourceId::new(&self.ids, self.id.shard())));
        let taken = sound.receive(now, placed, frame, &mut self.packets);
        match taken {
            Ok(()) if new => {
                let (info, message) = announce(sound.track(), Kind::Audio, &self.inlet);
                self.outlet.send(self.id.shard(), message);
                self.mailbox.post(Event::InputTrack { input: self.id, info });
            }
            Ok(()) => {}
            Err(error) => {
                if new {
                    self.sound = None;
                }
                self.warn(error);
            }
        }
        self.tell_levels(now);
        self.send();
    }

    /// What comes next is another stream, of an encoder that began anew or of another one.
    pub fn begin_anew(&mut self) {
        self.timeline.begin_anew();
        match &mut self.video {
            Video::Taken(pictures) => pictures.begin_anew(),
            Video::Refused => self.video = Video::None,
            Video::None => {}
        }
    }

    /// What its encoder says of itself, as JSON.
    pub fn describe(&mut self, metadata: String) {
        self.mailbox.post(Event::InputMetadata { input: self.id, metadata });
    }

    /// Something of it was left out on the way here. Damaged frames are counted too.
    pub fn warn(&mut self, error: InputError) {
        if self.warned.len() < MAX_WARNINGS && !self.warned.contains(&error) {
            self.warned.push(error);
            self.mailbox.post(Event::InputWarning { input: self.id, error: error.into() });
        }
    }

    /// A frame could not be read.
    pub fn lost(&mut self, kind: Kind, error: InputError) {
        match (kind, &mut self.video, &mut self.sound) {
            (Kind::Video, Video::Taken(pictures), _) => pictures.lost(),
            (Kind::Audio, _, Some(sound)) => sound.lost(),
            _ => {}
        }
        self.warn(error);
    }

    /// Takes in what shards have left for it: to be called before what comes is handed in, and now and then
    /// while nothing does. Nobody can have a keyframe made by who pushes.
    pub fn look(&mut self, now: Instant) {
        if !self.stalled && now.saturating_duration_since(self.heard) >= self.silence {
            self.stalled = true;
            self.mailbox.post(Event::InputStalled { input: self.id });
        }
        self.outlet.send_backlog();
        for (id, wanted) in self.inlet.take_notes().demand {
            self.tracks_mut().filter(|track| track.id() == id).for_each(|t| t.set_wanted(wanted));
        }
    }

    /// Has levels of its sound told, or not any more.
    pub fn listen_levels(&mut self, id: SourceId, listen: bool) {
        for track in self.tracks_mut().filter(|track| track.id() == id) {
            track.levels = listen.then(AudioLevelMeter::default);
        }
    }

    /// What the link does, for its statistics.
    pub fn set_link(&mut self, link: LinkStats) {
        self.link = Some(link);
    }

    /// Answers with its statistics.
    pub fn answer_stats(&self, request: RequestId) {
        let stats = InputStats {
            bytes_received: self.bytes,
            video: match &self.video {
                Video::Taken(pictures) => Some(pictures.stats().clone()),
                _ => None,
            },
            audio: self.sound.as_ref().map(|sound| sound.stats().clone()),
            clock_jumps: self.timeline.jumps,
            link: self.link,
        };
        // Numbers and names always make JSON.
        let reply = serde_json::to_string(&stats).map_or(Reply::Done, Reply::Stats);
        self.mailbox.post(Event::Reply { request, result: Ok(reply) });
    }

    /// Ends its tracks and tells why.
    pub fn close(&mut self, reason: CloseReason, error: Option<InputError>) {
        let tracks: Vec<_> = self.tracks_mut().map(|track| track.id()).collect();
        for track in tracks {
            self.outlet.send(self.id.shard(), ShardMessage::MadeTrackClosed { track });
        }
        let error = error.map(Into::into);
        self.mailbox.post(Event::InputClosed { input: self.id, reason, error });
    }

    /// A frame came.
    fn hear(&mut self, now: Instant) {
        self.heard = now;
        if std::mem::take(&mut self.stalled) {
            self.mailbox.post(Event::InputResumed { input: self.id });
        }
    }

    fn end_video(&mut self) {
        let Video::Taken(pictures) = &self.video else { return };
        if let Some(track) = pictures.track().map(Made::id) {
            self.outlet.send(self.id.shard(), ShardMessage::MadeTrackClosed { track });
            self.mailbox.post(Event::InputTrackClosed { track });
        }
    }

    fn tell_levels(&mut self, now: Instant) {
        let Some(track) = self.sound.as_mut().map(Sound::track_mut) else { return };
        let id = track.id();
        let Some(meter) = &mut track.levels else { return };
        for packet in &self.packets {
            let Some((level, voice)) = packet.extensions.audio_level else { continue };
            if let Some((level, voice)) = meter.receive(now, level, voice) {
                self.mailbox.post(Event::AudioLevel { id, level, voice });
            }
        }
    }

    fn tracks_mut(&mut self) -> impl Iterator<Item = &mut Made> {
        let video = match &mut self.video {
            Video::Taken(pictures) => pictures.track_mut(),
            _ => None,
        };
        video.into_iter().chain(self.sound.as_mut().map(Sound::track_mut))
    }

    fn send(&mut self) {
        if !self.packets.is_empty() {
            let packets = std::mem::take(&mut self.packets);
            self.outlet.send(self.id.shard(), ShardMessage::Made { packets });
        }
    }
}

/// What JavaScript and the shard of a new track are told of it.
fn announce(track: &Made, kind: Kind, inlet: &Arc<Inlet>) -> (InputTrackInfo, ShardMessage) {
    let description = track.description();
    let encoding = description.encodings.first();
    let info = InputTrackInfo {
        id: track.id(),
        kind,
        codec: encoding.map_or(crate::codec::Codec::Opus, |encoding| encoding.codec),
        ssrc: encoding.map_or(0, |encoding| encoding.ssrc),
        size: encoding.and_then(|encoding| encoding.size),
        reordered: false,
    };
    let (track, inlet) = (track.id(), Arc::clone(inlet));
    (info, ShardMessage::MadeTrack { track, inlet, description })
}

#[cfg(test)]
mod tests;
