//! One port: packets or written frames in, the picture to show out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::codec::{DecodeError, Decoder, MAX_WORK};
use super::options::{Frame, PixelFormat};
use super::picture::{Picture, Pool};
use super::stats::PortStats;
use crate::codec::Codec;
use crate::codec::frame::{Assembler, EncodedFrame};
use crate::mcu::TakenPacket;

/// Most encoded frames that wait until they are due.
const MAX_QUEUED: usize = 120;
/// Most bytes of them.
const MAX_QUEUED_BYTES: usize = 8 << 20;
/// Most frames that are decoded in a turn of 40 ms; what is left comes next time.
const MAX_DECODED: usize = 16;
/// Most pictures that wait for those that are shown before them (H.264 A.3.1).
const MAX_REORDERED: usize = 16;
/// Most written frames that wait until they are due.
const MAX_WRITTEN: usize = 8;
/// Most bytes of them, if they are several.
const MAX_WRITTEN_BYTES: usize = 32 << 20;
/// A picture is shown at the latest so long after it came, whatever its sender's clock says.
const MAX_DELAY: Duration = Duration::from_secs(2);
/// A track that brings nothing new for so long has no picture any more.
const STALLED: Duration = Duration::from_secs(5);
/// A decoder that was fed for so long and gave no picture is replaced.
const FRUITLESS: Duration = Duration::from_secs(1);
/// Between requests for a keyframe.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);
/// Who sends nothing for so long is not asked for a keyframe.
const SILENT: Duration = Duration::from_secs(2);

/// How long a missing packet is waited for: longer than a repetition takes, shorter than a picture
/// may stand still.
const REORDER_WINDOW: Duration = Duration::from_millis(150);
/// With so many frames it is known whether some are shown before others that came earlier: the first
/// behind a keyframe tells nothing yet.
const ORDER_KNOWN: u32 = 3;

/// What a port shows.
#[derive(Clone)]
pub(super) struct Shown {
    pub picture: Arc<Picture>,
    /// Grows with every picture of the port.
    pub serial: u64,
    pub captured: Instant,
    /// When it was decoded.
    at: Instant,
    /// Written by an application: stays until the next one.
    written: bool,
}

pub(super) struct Input {
    assembler: Assembler,
    queue: VecDeque<EncodedFrame>,
    queued_bytes: usize,
    decoder: Option<Decoder>,
    /// Since when the decoder has been fed without giving a picture.
    fruitless: Option<Instant>,
    /// Pixels that were decoded since the last time.
    work: u32,
    written: VecDeque<(Arc<Picture>, Instant)>,
    /// The moment of the frame that came last, in the order of decoding.
    last_captured: Option<Instant>,
    /// Pictures are shown in another order than they are decoded in: each waits for its moment.
    reordered: bool,
    /// Frames that came since it began.
    begun: u32,
    /// The moments of those that are in the decoder, the earliest first.
    decoding: VecDeque<Instant>,
    /// Those that wait, the earliest first.
    waiting: VecDeque<(Arc<Picture>, Instant)>,
    shown: Option<Shown>,
    serial: u64,
    delay: Duration,
    /// Somebody sees it: it is decoded.
    active: bool,
    last_packet: Option<Instant>,
    keyframe_asked: Option<Instant>,
    /// A keyframe is needed although nothing came yet.
    ask_at_once: bool,
    stats: PortStats,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            assembler: Assembler::new(REORDER_WINDOW),
            queue: VecDeque::new(),
            queued_bytes: 0,
            decoder: None,
            fruitless: None,
            work: 0,
            written: VecDeque::new(),
            last_captured: None,
            reordered: false,
            begun: 0,
            decoding: VecDeque::new(),
            waiting: VecDeque::new(),
            shown: None,
            serial: 0,
            delay: Duration::ZERO,
            active: false,
            last_packet: None,
            keyframe_asked: None,
            ask_at_once: false,
            stats: PortStats::default(),
        }
    }
}

impl Input {
    /// Begins again, with another source. The picture stays until there is a new one.
    pub(super) fn reset(&mut self) {
        self.restart();
        self.reordered = false;
        self.written.clear();
        self.ask_at_once = self.active;
        self.keyframe_asked = None;
    }

    /// Whether it is decoded.
    pub(super) fn set_active(&mut self, active: bool) {
        if self.active == active {
            return;
        }
        self.active = active;
        self.restart();
        self.reordered = false;
        self.ask_at_once = active;
        self.keyframe_asked = None;
    }

    pub(super) fn set_delay(&mut self, delay: Option<Duration>) {
        self.delay = delay.unwrap_or_default().min(MAX_DELAY);
    }

    pub(super) fn receive(&mut self, packet: &TakenPacket) {
        self.stats.packets += 1;
        if !Decoder::knows(packet.codec) {
            self.stats.errors += 1;
            return;
        }
        self.last_packet = Some(packet.arrival);
        if self.active {
            self.assembler.insert(packet);
        }
    }

    /// Takes a picture of an application.
    pub(super) fn write(&mut self, frame: &Frame<'_>, captured: Instant, pool: &mut Pool) {
        let mut picture = pool.take(frame.width, frame.height);
        let Some(own) = Arc::get_mut(&mut picture) else { return };
        match frame.format {
            PixelFormat::I420 => own.data_mut().copy_from_slice(frame.data),
            PixelFormat::Rgba => own.read_rgba(frame.data),
        }
        self.written.push_back((picture, captured));
        let bytes = |input: &Self| -> usize {
            input.written.iter().map(|(picture, _)| picture.data().len()).sum()
        };
        while self.written.len() > 1
            && (self.written.len() > MAX_WRITTEN || bytes(self) > MAX_WRITTEN_BYTES)
        {
            self.drop_written(pool);
        }
    }

    /// Decodes what is due, as much as a turn that lasts `turns` times 40 ms has time for.
    pub(super) fn advance(&mut self, now: Instant, turns: u32, pool: &mut Pool) {
        self.show_written(now, pool);
        if !self.active {
            return;
        }
        self.doubt(now);
        while let Some(frame) = self.assembler.poll(now) {
            self.queued_bytes += frame.parts.data.len();
            self.begun = self.begun.saturating_add(1);
            self.reordered |= self.last_captured.is_some_and(|last| frame.captured < last);
            self.last_captured = Some(frame.captured);
            self.queue.push_back(frame);
        }
        self.stats.lost = self.assembler.lost();
        if self.queue.len() > MAX_QUEUED || self.queued_bytes > MAX_QUEUED_BYTES {
            self.stats.dropped += self.queue.len() as u64;
            self.restart();
        }
        let (delay, reordered) = (self.delay, self.reordered);
        let unknown = !reordered && self.begun < ORDER_KNOWN;
        let due = |frame: &EncodedFrame| {
            if unknown && !frame.keyframe && frame.codec == Codec::H264 {
                return now.saturating_duration_since(frame.arrival) >= REORDER_WINDOW;
            }
            // What is shown before it may lean on it. One that is ahead of its time may have such, which come
            // behind it.
            reordered
                || now.checked_duration_since(frame.captured).is_some_and(|age| age >= delay)
                || now.saturating_duration_since(frame.arrival) >= MAX_DELAY
        };
        let mut count = self.queue.iter().take_while(|frame| due(frame)).count();
        // What comes before the last keyframe that is due is not seen.
        let keyframe = self.queue.iter().take(count).rposition(|frame| frame.keyframe);
        if let Some(skipped) = keyframe.filter(|at| *at > 0) {
            for _ in 0..skipped {
                self.pop_queued();
            }
            self.stats.dropped += skipped as u64;
            count -= skipped;
        }
        self.work = 0;
        for _ in 0..count.min(MAX_DECODED * turns as usize) {
            let Some(frame) = self.pop_queued() else { break };
            self.decode(frame, now, pool);
            if self.work >= MAX_WORK.saturating_mul(turns) {
                break;
            }
        }
        self.show_reordered(now, pool);
    }

    /// What there is to show.
    pub(super) fn shown(&self, now: Instant) -> Option<&Shown> {
        self.shown
            .as_ref()
            .filter(|shown| shown.written || now.saturating_duration_since(shown.at) < STALLED)
    }

    /// Whether to ask for a keyframe now.
    pub(super) fn take_keyframe_request(&mut self, now: Instant) -> bool {
        let sends =
            self.last_packet.is_some_and(|last| now.saturating_duration_since(last) < SILENT);
        let needed = self.ask_at_once || sends;
        if !self.active || !needed || !self.queue.is_empty() || !self.assembler.needs_keyframe() {
            return false;
        }
        let asked = self.keyframe_asked;
        if asked.is_some_and(|asked| now.saturating_duration_since(asked) < KEYFRAME_INTERVAL) {
            return false;
        }
        self.keyframe_asked = Some(now);
        self.ask_at_once = false;
        true
    }

    pub(super) fn stats(&self) -> PortStats {
        self.stats
    }

    pub(super) fn count_time(&mut self, time: Duration) {
        self.stats.decode_time += time;
    }

    /// A decoder may take all it gets and say nothing: without a parameter set, for one. Nobody
    /// would ask for a keyframe then.
    fn doubt(&mut self, now: Instant) {
        let since = self.fruitless;
        if since.is_some_and(|since| now.saturating_duration_since(since) >= FRUITLESS) {
            self.stats.errors += 1;
            self.restart();
            self.ask_at_once = true;
        }
    }

    /// What was decoded so far is of no use for what comes.
    fn restart(&mut self) {
        self.assembler.reset();
        self.queue.clear();
        self.queued_bytes = 0;
        self.decoder = None;
        self.fruitless = None;
        self.last_captured = None;
        self.begun = 0;
        self.decoding.clear();
        self.waiting.clear();
    }

    fn pop_queued(&mut self) -> Option<EncodedFrame> {
        let frame = self.queue.pop_front()?;
        self.queued_bytes -= frame.parts.data.len();
        Some(frame)
    }

    fn drop_written(&mut self, pool: &mut Pool) {
        if let Some((picture, _)) = self.written.pop_front() {
            pool.give(picture);
            self.stats.dropped += 1;
        }
    }

    fn show_written(&mut self, now: Instant, pool: &mut Pool) {
        let due = |captured: Instant| now.saturating_duration_since(captured) >= self.delay;
        let due = self.written.iter().take_while(|(_, captured)| due(*captured)).count();
        for _ in 1..due {
            self.drop_written(pool);
        }
        if due > 0
            && let Some((picture, captured)) = self.written.pop_front()
        {
            self.show(picture, captured, now, true, pool);
        }
    }

    /// Shows the last of the pictures whose moment is there.
    fn show_reordered(&mut self, now: Instant, pool: &mut Pool) {
        while let Some((_, captured)) = self.waiting.front() {
            let due = now.checked_duration_since(*captured).is_some_and(|age| age >= self.delay);
            if !due && self.waiting.len() <= MAX_REORDERED {
                break;
            }
            if let Some((picture, captured)) = self.waiting.pop_front() {
                self.show(picture, captured, now, false, pool);
            }
        }
    }

    fn decode(&mut self, mut frame: EncodedFrame, now: Instant, pool: &mut Pool) {
        let (captured, rotation) = (frame.captured, frame.rotation);
        if self.reordered {
            let place = self.decoding.partition_point(|before| *before <= captured);
            self.decoding.insert(place, captured);
        }
        let decoded = self.decode_frame(&mut frame, pool);
        self.assembler.give_back(frame.parts);
        match decoded {
            Ok(Some(picture)) => {
                self.stats.decoded += 1;
                self.fruitless = None;
                let picture = turned(picture, rotation, pool);
                if self.reordered {
                    // The decoder gives them in the order of their moments.
                    let captured = self.decoding.pop_front().unwrap_or(captured);
                    self.waiting.push_back((picture, captured));
                } else {
                    self.show(picture, captured, now, false, pool);
                }
            }
            Ok(None) => {
                self.fruitless.get_or_insert(now);
            }
            Err(_) => {
                // Whatever its state is, nothing good comes out of it any more.
                self.stats.errors += 1;
                self.restart();
            }
        }
    }

    fn decode_frame(
        &mut self,
        frame: &mut EncodedFrame,
        pool: &mut Pool,
    ) -> Result<Option<Arc<Picture>>, DecodeError> {
        if self.decoder.as_ref().is_none_or(|decoder| decoder.codec() != frame.codec) {
            if !frame.keyframe {
                return Err(DecodeError::Corrupt);
            }
            let decoder = Decoder::new(frame.codec).ok_or(DecodeError::Unavailable)??;
            self.decoder = Some(decoder);
        }
        let Some(decoder) = &mut self.decoder else { return Err(DecodeError::Unavailable) };
        if self.reordered {
            decoder.reorder();
        }
        let decoded = decoder.decode(&mut frame.parts.data, &frame.parts.starts, pool);
        self.work = self.work.saturating_add(decoder.work());
        decoded
    }

    fn show(
        &mut self,
        picture: Arc<Picture>,
        captured: Instant,
        at: Instant,
        written: bool,
        pool: &mut Pool,
    ) {
        self.serial += 1;
        (self.stats.width, self.stats.height) = picture.size();
        let shown = Shown { picture, serial: self.serial, captured, at, written };
        if let Some(last) = self.shown.replace(shown) {
            pool.give(last.picture);
        }
    }
}

fn turned(picture: Arc<Picture>, rotation: u8, pool: &mut Pool) -> Arc<Picture> {
    if rotation.is_multiple_of(4) {
        return picture;
    }
    let (width, height) = picture.size();
    let mut upright = if rotation.is_multiple_of(2) {
        pool.take(width, height)
    } else {
        pool.take(height, width)
    };
    if let Some(own) = Arc::get_mut(&mut upright) {
        picture.turn_into(rotation, own);
    }
    pool.give(picture);
    upright
}
