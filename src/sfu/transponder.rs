//! Copies one incoming track to one outgoing track: takes the encoding and the layers it is told,
//! switches where that is possible, and makes one continuous stream of what it takes.
//!
//! Others call it a downtrack or a consumer.

use std::time::{Duration, Instant};

use super::forward::Forward;
use super::layer_selector::LayerSelector;
use super::packet::{EncodingIndex, SourcePacket};
use super::rewriter::Rewriter;
use super::segment::Origin;
use super::switch_point::SwitchPoint;
use super::timestamp::CatchUp;
use crate::codec::{Kind, Layer};

/// Encodings of one track that can be forwarded: those with an index below this.
pub const MAX_ENCODINGS: usize = 8;

/// How far back [`Transponder::sent_as`] looks.
const RECENT: u64 = 16;

/// A keyframe that is waited for is asked for this often, the first [`EAGER_REQUESTS`] times.
const REQUEST_INTERVAL: Duration = Duration::from_millis(500);
const EAGER_REQUESTS: u32 = 4;
const PATIENT_REQUEST_INTERVAL: Duration = Duration::from_secs(1);

/// What the engine knows of an encoding of the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodingState {
    pub index: EncodingIndex,
    /// Whether packets come.
    pub active: bool,
    /// The higher, the better the picture.
    pub rank: u32,
}

/// Feeds one outgoing track. Lives as long as that track's SSRC, whatever it is attached to.
#[derive(Debug)]
pub struct Transponder {
    kind: Kind,
    muted: bool,
    /// Packets of nobody's go out in its place.
    interjected: bool,
    /// Nothing of it fits the receiver's link.
    paused: bool,
    encodings: Vec<EncodingState>,
    /// What it was told to take; `None` is the best there is.
    selected: Option<EncodingIndex>,
    /// The layers to take of the target.
    limit: Layer,
    layers: LayerSelector,
    /// What should be forwarded.
    target: Option<EncodingIndex>,
    /// What is forwarded: the encoding of the rewriter's segment.
    current: Option<EncodingIndex>,
    /// The encoding of the last segment, while timestamps can go on from there.
    resumable: Option<EncodingIndex>,
    reported: Option<(EncodingIndex, Layer)>,
    switch_points: [SwitchPoint; MAX_ENCODINGS],
    request: Option<Request>,
    /// It begins with what the source sent before.
    catch_up: Option<CatchUp>,
    /// Where the newest keyframe began: its index and its timestamp.
    keyframe: Option<(u64, u32)>,
    rewriter: Rewriter,
}

/// A keyframe was asked for.
#[derive(Clone, Copy, Debug)]
struct Request {
    encoding: EncodingIndex,
    count: u32,
    /// When to ask again.
    again: Instant,
}

impl Transponder {
    /// Forwards nothing until it knows the encodings of a source of this kind.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            muted: false,
            interjected: false,
            paused: false,
            encodings: Vec::new(),
            selected: None,
            limit: Layer::HIGHEST,
            layers: LayerSelector::new(),
            target: None,
            current: None,
            resumable: None,
            reported: None,
            switch_points: Default::default(),
            request: None,
            catch_up: None,
            keyframe: None,
            rewriter: Rewriter::new(),
        }
    }

    /// Takes another incoming track from here on; the choice of the encoding is automatic again.
    /// Video starts with a keyframe, audio at once. Packets of the old track must not be given to
    /// [`Transponder::forward`] any more.
    pub fn set_source(&mut self, encodings: &[EncodingState]) {
        self.detach();
        self.set_encodings(encodings);
    }

    /// Takes nothing from here on.
    pub fn detach(&mut self) {
        self.encodings.clear();
        self.selected = None;
        self.limit = Layer::HIGHEST;
        self.resumable = None;
        self.switch_points = Default::default();
        self.stop();
        self.retarget();
    }

    /// All encodings of the source; one that is missing is not active. To be told before the first
    /// packet of a new encoding comes. Indices from [`MAX_ENCODINGS`] on are left out.
    pub fn set_encodings(&mut self, encodings: &[EncodingState]) {
        self.encodings.clear();
        let known = encodings.iter().filter(|e| usize::from(e.index.0) < MAX_ENCODINGS);
        self.encodings.extend(known.take(MAX_ENCODINGS));
        self.retarget();
    }

    /// The sender began anew with this encoding (another SSRC): nothing of its numbers goes on.
    pub fn restart(&mut self, encoding: EncodingIndex) {
        if self.resumable == Some(encoding) {
            self.resumable = None;
        }
        if self.current == Some(encoding) {
            self.stop();
        }
        if let Some(point) = self.switch_points.get_mut(usize::from(encoding.0)) {
            *point = SwitchPoint::default();
        }
        if self.target == Some(encoding) {
            self.request = None;
        }
    }

    /// Forwards this encoding as soon as it has a keyframe, and of it `limit` and what is below;
    /// `None` takes the best that is active. One that is not active leaves the current one in place
    /// until it is.
    pub fn select(&mut self, encoding: Option<EncodingIndex>, limit: Layer) {
        self.selected = encoding;
        self.limit = limit;
        self.retarget();
    }

    /// Stops because the link has no room, or goes on; video goes on with a keyframe.
    pub fn set_paused(&mut self, paused: bool) {
        self.hold(self.muted, paused);
    }

    /// Stops or resumes; video resumes with a keyframe.
    pub fn set_muted(&mut self, muted: bool) {
        self.hold(muted, self.paused);
    }

    fn hold(&mut self, muted: bool, paused: bool) {
        let before = self.held();
        (self.muted, self.paused) = (muted, paused);
        if self.held() != before {
            if self.held() {
                self.stop();
            }
            self.retarget();
        }
    }

    fn held(&self) -> bool {
        self.muted || self.paused || self.interjected
    }

    /// Whether it waits because the link carries nothing of it.
    pub fn paused(&self) -> bool {
        self.paused
    }

    /// The layers to be taken of the target, and those below.
    pub fn limit(&self) -> Layer {
        self.limit
    }

    /// Whether the application holds it back.
    pub fn muted(&self) -> bool {
        self.muted
    }

    /// What is forwarded now.
    pub fn current(&self) -> Option<EncodingIndex> {
        self.current
    }

    /// What will be forwarded once its keyframe is here; the same as [`Transponder::current`]
    /// when no switch is pending.
    pub fn target(&self) -> Option<EncodingIndex> {
        self.target
    }

    /// The layers that are forwarded of it, at most: there may not be as many.
    pub fn layer(&self) -> Layer {
        self.layers.current()
    }

    /// What is forwarded now, once after each change.
    pub fn poll_change(&mut self) -> Option<Option<(EncodingIndex, Layer)>> {
        let now = self.current.map(|current| (current, self.layers.current()));
        let changed = self.reported != now;
        self.reported = now;
        changed.then_some(now)
    }

    /// How `packet` goes out, or `None` when it does not. What this returns has to be sent or
    /// counted as lost: its number is taken.
    pub fn forward(&mut self, packet: &SourcePacket) -> Option<Forward> {
        let forward = self.copy(packet)?;
        let begins = self.kind == Kind::Video
            && packet.description.keyframe
            && self.keyframe.is_none_or(|(_, timestamp)| timestamp != forward.timestamp);
        if begins {
            self.keyframe = Some((forward.sequence, forward.timestamp));
        }
        Some(forward)
    }

    fn copy(&mut self, packet: &SourcePacket) -> Option<Forward> {
        let encoding = Some(packet.encoding);
        let point = self.switch_points.get_mut(usize::from(packet.encoding.0))?;
        let can_start = point.observe(packet);
        if encoding == self.current {
            return match self.layers.decide(packet) {
                Some(marker) => self.rewriter.map(packet, marker),
                None => self.rewriter.leave_out(packet),
            };
        }
        if encoding != self.target || self.held() || !can_start {
            return None;
        }
        let resume = self.resumable == encoding;
        self.current = encoding;
        self.resumable = encoding;
        self.request = None;
        self.layers.start(self.limit);
        let marker = self.layers.decide(packet).unwrap_or(packet.marker);
        Some(match self.catch_up.take() {
            Some(catch_up) => self.rewriter.start_behind(packet, marker, catch_up),
            None => self.rewriter.start(packet, marker, resume),
        })
    }

    /// A packet that the receiver does not get, although its source had a number for it.
    pub fn omit(&mut self, packet: &SourcePacket) {
        if Some(packet.encoding) == self.current {
            // A number that the receiver knows of already is counted as lost.
            let _ = self.rewriter.leave_out(packet);
        }
    }

    /// Sends a packet that is not the source's in between. The source waits until
    /// [`Transponder::end_interjection`]. Timestamps go on by the moments of capture.
    pub fn interject(&mut self, packet: &SourcePacket) -> Option<Forward> {
        if self.interjected {
            return self.rewriter.map(packet, packet.marker);
        }
        self.interjected = true;
        self.stop();
        // Where the source goes on, time has passed that its own numbers do not show.
        self.resumable = None;
        Some(self.rewriter.start(packet, packet.marker, false))
    }

    /// The source goes on.
    pub fn end_interjection(&mut self) {
        self.interjected = false;
        self.retarget();
    }

    /// The index at which the newest keyframe began: nothing before it is needed once it is there.
    pub fn newest_keyframe(&self) -> Option<u64> {
        self.keyframe.map(|(index, _)| index)
    }

    /// The index of the newest packet that was sent.
    pub fn newest_sent(&self) -> Option<u64> {
        self.rewriter.newest_sent()
    }

    /// The index of a sequence number that a receiver asks for: the nearest to the newest sent.
    pub fn index_of(&self, sequence: u16) -> Option<u64> {
        let newest = self.rewriter.newest_sent()?;
        let behind = u64::from((newest as u16).wrapping_sub(sequence));
        newest.checked_sub(behind)
    }

    /// What was sent under an index: where it came from, and its sequence number there.
    pub fn origin_of(&self, index: u64) -> Option<(Origin, u64)> {
        self.rewriter.origin_of(index)
    }

    /// The index that a packet went out under, if it did a moment ago.
    pub fn sent_as(&self, packet: &SourcePacket) -> Option<u64> {
        let newest = self.rewriter.newest_sent()?;
        let sent =
            |index: &u64| self.origin_of(*index) == Some((Origin::of(packet), packet.sequence));
        (newest.saturating_sub(RECENT)..=newest).rev().find(sent)
    }

    /// How a packet went out under an index, for repeating it. `None`: another one did.
    pub fn repeat(&self, packet: &SourcePacket, index: u64) -> Option<Forward> {
        self.rewriter.repeat(packet, index)
    }

    /// Whether a keyframe of this encoding is waited for, to begin with it.
    pub fn awaits(&self, encoding: EncodingIndex) -> bool {
        self.current != Some(encoding) && self.awaited() == Some(encoding)
    }

    /// The next packets are all of an encoding that came since its last keyframe, in order, up to
    /// `newest`: the stream begins with them, if nothing is forwarded yet and it is the encoding that
    /// is waited for. `again`: it begins once more with them, where it would wait for a keyframe that
    /// nobody makes. Gives whether it does.
    pub fn begin_with_group(&mut self, newest: &SourcePacket, again: bool) -> bool {
        let begins = again || self.begins();
        if !begins || self.held() || self.target != Some(newest.encoding) {
            return false;
        }
        let point = self.switch_points.get_mut(usize::from(newest.encoding.0));
        let Some(point) = point else { return false };
        *point = SwitchPoint::default();
        if self.current.is_some() {
            self.stop();
        }
        self.catch_up = Some(CatchUp::to(newest.timestamp, newest.captured));
        true
    }

    /// The encoding that is going to be waited for when the receiver is there.
    pub fn expected(&self) -> Option<EncodingIndex> {
        self.awaited().filter(|_| self.begins())
    }

    /// Whether a stream is to begin, rather than to go on. One that paused for want of room would
    /// have none for a group of pictures either.
    pub fn begins(&self) -> bool {
        self.current.is_none() && self.rewriter.newest_sent().is_none()
    }

    /// Begins with the first packet of a keyframe that packets behind it overtook. The caller held
    /// those back and forwards them next, in order.
    pub fn start_late(&mut self, packet: &SourcePacket) -> Option<Forward> {
        let description = &packet.description;
        let first = description.keyframe && description.keyframe_complete;
        if !first || !self.awaits(packet.encoding) {
            return None;
        }
        *self.switch_points.get_mut(usize::from(packet.encoding.0))? = SwitchPoint::default();
        self.forward(packet)
    }

    /// The encoding to ask for a keyframe now. To be called after every change and at
    /// [`Transponder::next_request`]; asks again until the keyframe comes.
    pub fn wants_keyframe(&mut self, now: Instant) -> Option<EncodingIndex> {
        let encoding = self.awaited()?;
        let count = match self.request {
            Some(request) if request.encoding == encoding => {
                if now < request.again {
                    return None;
                }
                request.count.saturating_add(1)
            }
            _ => 1,
        };
        let interval =
            if count <= EAGER_REQUESTS { REQUEST_INTERVAL } else { PATIENT_REQUEST_INTERVAL };
        self.request = Some(Request { encoding, count, again: now + interval });
        Some(encoding)
    }

    /// When to ask [`Transponder::wants_keyframe`] again.
    pub fn next_request(&self) -> Option<Instant> {
        let encoding = self.awaited()?;
        self.request.filter(|request| request.encoding == encoding).map(|request| request.again)
    }

    /// The encoding whose keyframe has to come before it, or a layer of it, can be forwarded.
    fn awaited(&self) -> Option<EncodingIndex> {
        let there = self.target == self.current && !self.layers.wants_keyframe();
        if self.kind == Kind::Audio || self.held() || there {
            return None;
        }
        self.target
    }

    fn stop(&mut self) {
        self.current = None;
        self.catch_up = None;
        self.request = None;
    }

    fn retarget(&mut self) {
        let target = self.choose();
        if target != self.target {
            self.target = target;
            self.catch_up = None;
            self.request = None;
        }
        if self.target == self.current {
            self.layers.set_target(self.limit);
        } else if self.rank(self.target) < self.rank(self.current) {
            // The way down waits for a keyframe; until then the link has to carry less already.
            self.layers.set_target(Layer { temporal: 0, ..Layer::HIGHEST });
        }
    }

    fn rank(&self, encoding: Option<EncodingIndex>) -> Option<u32> {
        let encoding = encoding?;
        self.encodings.iter().find(|e| e.index == encoding).map(|e| e.rank)
    }

    fn choose(&self) -> Option<EncodingIndex> {
        if let Some(selected) = self.selected {
            if self.is_active(selected) {
                return Some(selected);
            }
            if let Some(current) = self.current.filter(|&current| self.is_active(current)) {
                return Some(current);
            }
        }
        let best = self.encodings.iter().filter(|e| e.active).max_by_key(|e| e.rank);
        // A source that pauses as a whole goes on where it stopped.
        best.map(|e| e.index).or(self.current)
    }

    fn is_active(&self, encoding: EncodingIndex) -> bool {
        self.encodings.iter().any(|e| e.index == encoding && e.active)
    }
}

#[cfg(test)]
mod tests;
