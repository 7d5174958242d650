//! One kind of what is played: frames that were read and wait for their time, and the track that they
//! are sent as.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::form::{self, Form};
use crate::codec::frame::{Encoded, Packetizer};
use crate::codec::stored::inspect;
use crate::codec::{Codec, Kind};
use crate::container::reader::ReadTrack;
use crate::control::ids::SourceId;
use crate::control::player::PlayedStats;
use crate::engine::tap::{Class, Made};
use crate::sfu::{EncodingIndex, SourcePacket};

/// Sound that is this near to where the one before ends follows it: times of files are rounded.
const SEAM: Duration = Duration::from_millis(10);
/// A picture whose length does not show lasts as long.
const USUAL_PICTURE: Duration = Duration::from_millis(33);
/// And none is taken to last longer.
const LONGEST_PICTURE: Duration = Duration::from_secs(1);

/// What a frame that waits takes beside its bytes: of many small ones that is most.
const FRAME: usize = 128;
/// Pictures that are decoded before one that is shown earlier, at most (H.264 A.3.1).
const MAX_REORDERED: usize = 16;

/// A frame that waits.
#[derive(Clone)]
pub(super) struct Ready {
    /// When it is due, in time that was played: no later than any that is decoded after it.
    pub(super) at: Duration,
    /// When it is shown or heard.
    pub(super) shown: Duration,
    pub(super) keyframe: bool,
    pub(super) data: Vec<u8>,
}

pub(super) struct Line {
    kind: Kind,
    codec: Codec,
    form: Form,
    packetizer: Packetizer,
    /// Not there before the first file was looked at.
    made: Option<Made>,
    size: (u16, u16),
    /// Clockwise turns by 90 degrees that pictures need.
    rotation: u8,
    /// Nothing of the file that is read comes here any more.
    pub(super) idle: bool,
    ready: VecDeque<Ready>,
    bytes: usize,
    /// Pictures came behind others that are shown later (B-frames).
    reordered: bool,
    /// Something was read that nothing was heard of the end of.
    open: bool,
    /// The last frame that was read, and where it ends.
    newest: Option<Duration>,
    end: Duration,
    /// RTP time of the last frame, and where the next one follows.
    sent: Option<u64>,
    follows: Option<u64>,
    counts: PlayedStats,
}

impl Line {
    /// For a track of the first file; `None` when it cannot be played.
    pub(super) fn new(track: &ReadTrack) -> Option<Self> {
        let codec = form::played_as(track)?;
        Some(Self {
            kind: track.kind,
            codec,
            form: Form::of(track)?,
            packetizer: Packetizer::new(codec),
            made: None,
            size: (0, 0),
            rotation: track.rotation,
            idle: false,
            ready: VecDeque::new(),
            bytes: 0,
            reordered: false,
            open: false,
            newest: None,
            end: Duration::ZERO,
            sent: None,
            follows: None,
            counts: PlayedStats { codec: codec.name(), ..PlayedStats::default() },
        })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    pub(super) fn made(&self) -> Option<&Made> {
        self.made.as_ref()
    }

    pub(super) fn made_mut(&mut self) -> Option<&mut Made> {
        self.made.as_mut()
    }

    /// Another file is read from now on; `false` when its track is made of something else.
    pub(super) fn follow(&mut self, track: &ReadTrack) -> bool {
        if form::played_as(track) != Some(self.codec) {
            return false;
        }
        if !self.form.goes_on(track) {
            self.finish();
            let Some(form) = Form::of(track) else { return false };
            self.form = form;
        }
        self.idle = false;
        self.rotation = track.rotation;
        if let Some(made) = &mut self.made {
            made.rotation = track.rotation;
        }
        true
    }

    /// Takes a frame that is due at a time.
    pub(super) fn push(&mut self, at: Duration, keyframe: bool, data: Vec<u8>) {
        self.open = true;
        if self.kind == Kind::Video && self.newest.is_some_and(|newest| at < newest) {
            self.reordered = true;
            let before = self.ready.iter_mut().rev().take(MAX_REORDERED);
            before.for_each(|earlier| earlier.at = earlier.at.min(at));
        }
        let Self { form, ready, bytes, codec, .. } = self;
        let emit = |at, data: Vec<u8>| {
            *bytes = bytes.saturating_add(data.len());
            ready.push_back(Ready { at, shown: at, keyframe, data });
        };
        let Ok(length) = form.push(*codec, at, keyframe, data, emit) else {
            self.counts.frames_dropped += 1;
            return;
        };
        let length = length.unwrap_or_else(|| {
            let before = self.newest.and_then(|before| at.checked_sub(before));
            let before = before.filter(|length| !length.is_zero());
            before.map_or(USUAL_PICTURE, |length| length.min(LONGEST_PICTURE))
        });
        self.newest = self.newest.max(Some(at));
        self.end = self.end.max(at.saturating_add(length));
    }

    /// What was read is all there is for now.
    pub(super) fn finish(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let Self { form, ready, bytes, .. } = self;
        form.finish(|at, data| {
            *bytes = bytes.saturating_add(data.len());
            ready.push_back(Ready { at, shown: at, keyframe: true, data });
        });
        self.newest = None;
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.ready.clear();
        self.bytes = 0;
        self.newest = None;
        self.open = false;
        self.form.reset();
    }

    /// Bytes that what waits takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.saturating_add(self.ready.len().saturating_mul(FRAME))
    }

    /// Where what was read ends, in time that was played.
    pub(super) fn end(&self) -> Duration {
        self.end
    }

    /// From where on what is read counts.
    pub(super) fn begin(&mut self, at: Duration) {
        self.end = at;
    }

    /// Whether pictures are decoded in another order than that in which they are shown.
    pub(super) fn is_reordered(&self) -> bool {
        self.reordered
    }

    /// What waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Ready> {
        self.ready.iter()
    }

    /// When the next frame is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.ready.front().map(|ready| ready.at)
    }

    /// Up to where frames wait.
    pub(super) fn ahead(&self) -> Option<Duration> {
        self.ready.back().map(|ready| ready.at)
    }

    /// Makes its track, by the first frames. `None` where pictures begin with no keyframe.
    pub(super) fn make(&mut self, now: Instant, id: SourceId) -> Option<&Made> {
        let mut class = Class { codec: self.codec, rung: 0, size: None, bitrate: 0, frame_rate: 0 };
        let mut parameters = None;
        if self.kind == Kind::Video {
            let first = self.ready.iter().find(|ready| ready.keyframe)?;
            let (configuration, found) = inspect(self.codec, &first.data)?;
            self.size = configuration.size?;
            class.size = Some(self.size);
            (class.bitrate, class.frame_rate) = self.rates();
            parameters = Some(found);
        }
        let mut made = Made::of(now, id, class, parameters);
        made.rotation = self.rotation;
        Some(self.made.insert(made))
    }

    /// Bit/s and frames a second of what waits.
    fn rates(&self) -> (u32, u8) {
        let first = self.ready.front().map_or(Duration::ZERO, |ready| ready.at);
        let time = self.end.saturating_sub(first).as_secs_f64().max(0.04);
        let bits = self.bytes as f64 * 8.0 / time;
        (bits.min(100e6) as u32, (self.ready.len() as f64 / time).clamp(1.0, 120.0) as u8)
    }

    /// Takes the first frame, if it is due by then.
    pub(super) fn take(&mut self, until: Duration) -> Option<Ready> {
        self.ready.front().filter(|ready| ready.at <= until)?;
        let ready = self.ready.pop_front()?;
        self.bytes = self.bytes.saturating_sub(ready.data.len());
        Some(ready)
    }

    /// Sends a frame that stands for the moment `captured`, `since` the first one of the player.
    pub(super) fn send(
        &mut self,
        now: Instant,
        ready: &Ready,
        (captured, since): (Instant, Duration),
        packets: &mut Vec<Arc<SourcePacket>>,
    ) {
        let Some(made) = &mut self.made else { return };
        let clock = u128::from(self.codec.clock_rate());
        let time = u64::try_from(since.as_nanos() * clock / 1_000_000_000).unwrap_or(u64::MAX);
        let time = match (self.kind, self.follows, self.sent) {
            (Kind::Audio, Some(follows), _) => {
                let seam = SEAM.as_millis() as u64 * u64::from(self.codec.clock_rate()) / 1_000;
                if time.abs_diff(follows) <= seam { follows } else { time.max(follows) }
            }
            // Frames of their own have times of their own (RFC 3550 5.1).
            (_, _, Some(sent)) => time.max(sent.saturating_add(1)),
            _ => time,
        };
        if ready.keyframe
            && self.kind == Kind::Video
            && let Some((configuration, _)) = inspect(self.codec, &ready.data)
        {
            self.size = configuration.size.unwrap_or(self.size);
        }
        let (width, height) = self.size;
        let encoded = Encoded {
            data: &ready.data,
            keyframe: ready.keyframe,
            width,
            height,
            timestamp: time as u32,
            captured,
        };
        let before = packets.len();
        let cut = self.packetizer.packetize(&encoded, |packet| {
            packets.extend(made.packet(now, EncodingIndex(0), packet));
        });
        if cut.is_err() {
            self.counts.frames_dropped += 1;
            return;
        }
        self.sent = Some(time);
        self.follows = Some(time.saturating_add(form::ticks(self.codec, &ready.data)));
        self.counts.frames += 1;
        self.counts.keyframes += u64::from(ready.keyframe && self.kind == Kind::Video);
        self.counts.packets += (packets.len() - before) as u64;
        self.counts.bytes += ready.data.len() as u64;
    }

    pub(super) fn stats(&self) -> PlayedStats {
        self.counts.clone()
    }
}
