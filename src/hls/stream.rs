//! A whole stream: its renditions, and players that wait for what comes next.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::answer::{self, Answer, Reply, media, words};
use super::multivariant::multivariant;
use super::playlist::{Report, playlist};
use super::rendition::{Format, Rendition, Shape};
use super::request::{Request, Want, Wrong};
use crate::codec::Kind;
use crate::container::mp4::Fragment;
use crate::control::hls::RenditionStats;
use crate::control::ids::RecordedTrackId;

/// Renditions of a stream.
pub const MAX_RENDITIONS: usize = 32;
/// Players that wait at a time.
const MAX_WAITING: usize = 100_000;
/// A playlist may be asked for so many segments ahead (rfc8216bis 6.2.5.2).
const AHEAD: u64 = 2;
/// How long the first ones wait until there is something.
const FIRST: Duration = Duration::from_secs(10);
/// How long a stream goes on that nobody asks for, at least.
const UNWATCHED: Duration = Duration::from_secs(30);
/// How long the first ones wait for renditions that have nothing, while others have.
const PATIENCE: Duration = Duration::from_secs(4);
/// Interruptions of several renditions are one when they are no further apart.
const TOGETHER: Duration = Duration::from_secs(3);
/// How long a player is counted that does not ask.
const PRESENT: Duration = Duration::from_secs(10);

/// A stream, shared by who makes it and who serves it.
pub struct Stream {
    shape: Shape,
    /// In the names of files, so that those of an earlier stream are others.
    tag: String,
    /// When it began, since 1970.
    date: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    renditions: Vec<Rendition>,
    /// Renditions that were ever added: none has the name of another one.
    added: usize,
    waiting: Vec<Waiting>,
    asked: Option<Instant>,
    /// Since when somebody watches; `None` at rest.
    begun: Option<Instant>,
    /// It has gone on for so long that what is not there is not waited for.
    settled: bool,
    /// Times that it did not go on from before, and when last.
    era: u64,
    interrupted: Option<Duration>,
    closed: bool,
    /// Playlists that were answered since `since`, and the rate before.
    answered: u64,
    since: Option<Instant>,
    viewers: u64,
    requests: u64,
}

struct Waiting {
    request: Request,
    until: Instant,
    reply: Reply,
}

/// What a rendition has new.
pub enum Publication {
    /// Fragments from here on are of this initialization segment.
    Begin(Format, Vec<u8>),
    /// `last`: its segment ends with it.
    Fragment { fragment: Fragment, last: bool },
    /// Time does not go on where it stopped, but from here.
    Interrupt(Duration),
}

enum Now {
    Answer(Answer),
    Later,
}

impl Stream {
    /// `date` counts from 1970.
    pub fn new(shape: Shape, date: Duration) -> Self {
        let tag = format!("{:x}", date.as_millis());
        Self { shape, tag, date, state: Mutex::default() }
    }

    /// Another rendition, which players may ask for from now on. `false` when there are
    /// [`MAX_RENDITIONS`] already.
    pub fn add(&self, id: RecordedTrackId, kind: Kind, title: &str, language: &str) -> bool {
        let mut state = self.lock();
        if state.renditions.len() >= MAX_RENDITIONS {
            return false;
        }
        let letter = if kind == Kind::Video { 'v' } else { 'a' };
        let name = format!("{letter}{}", state.added);
        state.added += 1;
        let (title, language) = (title.to_owned(), language.to_owned());
        let mut made = Rendition::new(id, name, kind, title, language, self.shape);
        made.begin_era(state.era);
        state.renditions.push(made);
        true
    }

    /// There is no such rendition any more: who asks for it, or waits, is told so.
    pub fn remove(&self, rendition: RecordedTrackId) {
        let mut state = self.lock();
        state.renditions.retain(|known| known.id != rendition);
        // They report of each other (EXT-X-RENDITION-REPORT).
        state.renditions.iter_mut().for_each(|known| known.written = None);
        self.answer_waiting(state);
    }

    /// Something new of a rendition. Players that waited for it get it.
    pub fn publish(&self, rendition: RecordedTrackId, what: Publication) {
        let mut state = self.lock();
        let Some(known) = state.rendition(rendition) else { return };
        match what {
            Publication::Begin(format, init) => known.begin(format, init.into()),
            Publication::Fragment { fragment, last } => known.push(fragment, last),
            Publication::Interrupt(at) => state.interrupt(at),
        }
        self.answer_waiting(state);
    }

    /// Whether a keyframe that comes after this time is to begin a segment of this rendition.
    pub fn wants_segment(&self, rendition: RecordedTrackId, ahead: Duration) -> bool {
        self.lock().rendition(rendition).is_some_and(|known| known.wants_segment(ahead))
    }

    /// Whether a keyframe that came does begin one, which was not asked for maybe.
    pub fn takes_segment(&self, rendition: RecordedTrackId, ahead: Duration) -> bool {
        self.lock().rendition(rendition).is_some_and(|known| known.takes_segment(ahead))
    }

    /// Whether its segment has no room for another part after this time.
    pub fn is_full(&self, rendition: RecordedTrackId, ahead: Duration) -> bool {
        self.lock().rendition(rendition).is_some_and(|known| known.is_full(ahead))
    }

    /// Answers a request, now or when there is an answer. `true`: nobody had asked for a while.
    pub fn ask(&self, now: Instant, path: &str, query: &str, reply: Reply) -> bool {
        let request = match Request::parse(path, query, &self.tag) {
            Ok(request) => request,
            Err(wrong) => {
                reply.answer(match wrong {
                    Wrong::File => words(404, "no such file"),
                    Wrong::Directives => words(400, "directives that make no sense"),
                });
                return false;
            }
        };
        let mut state = self.lock();
        state.requests += 1;
        state.count(now, &request);
        state.asked = Some(now);
        let first = state.begun.is_none();
        state.begun.get_or_insert(now);
        match state.answer(&self.outside(), &request) {
            Now::Answer(answer) => {
                drop(state);
                reply.answer(answer);
            }
            Now::Later if state.is_full() => {
                drop(state);
                reply.answer(words(503, "too many players wait"));
            }
            Now::Later => {
                let target = Duration::from_secs(3 * self.shape.target_duration());
                let until = now + target.max(FIRST);
                state.waiting.push(Waiting { request, until, reply });
            }
        }
        first
    }

    /// Whether somebody watches. Where nobody does any more, all there is is forgotten: the next one who
    /// asks is the first again.
    pub fn is_watched(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let Some(begun) = state.begun else { return false };
        let patience = UNWATCHED.max(Duration::from_secs(3 * self.shape.target_duration()));
        let recent = |at: Instant| now.saturating_duration_since(at) < patience;
        if !state.waiting.is_empty() || state.asked.is_some_and(recent) {
            state.settled = now.saturating_duration_since(begun) >= PATIENCE;
            return true;
        }
        (state.begun, state.settled) = (None, false);
        state.renditions.iter_mut().for_each(Rendition::clear);
        state.next_era();
        false
    }

    /// Tells who waited for too long, and who waits for what will not come.
    pub fn expire(&self, now: Instant) {
        let mut state = self.lock();
        let late = |waiting: &mut Waiting| waiting.until <= now || waiting.reply.is_gone();
        let late: Vec<Waiting> = state.waiting.extract_if(.., late).collect();
        if state.settled && state.waiting.iter().any(|waiting| waiting.request.is_whole()) {
            self.answer_waiting(state);
        } else {
            drop(state);
        }
        let answer = || words(503, "nothing came for a while");
        late.into_iter().for_each(|waiting| waiting.reply.answer(answer()));
    }

    /// No more comes: everybody who asks is told so.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.renditions.clear();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(|w| w.reply.answer(words(410, "the stream is over")));
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How many watch, about, and requests so far.
    pub fn audience(&self, now: Instant) -> (u64, u64) {
        let mut state = self.lock();
        state.measure(now, self.shape);
        (state.viewers, state.requests)
    }

    /// What is known of a rendition here.
    pub fn rendition_stats(&self, rendition: RecordedTrackId) -> RenditionStats {
        let mut state = self.lock();
        let Some(known) = state.rendition(rendition) else { return RenditionStats::default() };
        RenditionStats {
            name: known.name.clone(),
            codec: known.format.as_ref().map(|format| format.codec.clone()),
            width: known.format.as_ref().and_then(|format| format.size).map(|size| size.0),
            height: known.format.as_ref().and_then(|format| format.size).map(|size| size.1),
            segments: known.next_number(),
            bitrate: known.average_rate(),
            bytes: known.bytes(),
            ..RenditionStats::default()
        }
    }

    /// How long what is.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    fn outside(&self) -> Outside<'_> {
        Outside { shape: self.shape, tag: &self.tag, date: self.date }
    }

    fn answer_waiting(&self, mut state: MutexGuard<'_, State>) {
        let mut answers = Vec::new();
        for waiting in std::mem::take(&mut state.waiting) {
            match state.answer(&self.outside(), &waiting.request) {
                Now::Answer(answer) => answers.push((waiting.reply, answer)),
                Now::Later => state.waiting.push(waiting),
            }
        }
        drop(state);
        answers.into_iter().for_each(|(reply, answer)| reply.answer(answer));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is done under it leaves the stream whole at each step.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What answers need beside the state.
struct Outside<'a> {
    shape: Shape,
    tag: &'a str,
    date: Duration,
}

impl State {
    fn rendition(&mut self, id: RecordedTrackId) -> Option<&mut Rendition> {
        self.renditions.iter_mut().find(|known| known.id == id)
    }

    /// Whether nobody else can wait. Those who went away make room.
    fn is_full(&mut self) -> bool {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.retain(|waiting| !waiting.reply.is_gone());
        }
        self.waiting.len() >= MAX_WAITING
    }

    /// Of all renditions at once: players pair their segments by the number of interruptions
    /// (rfc8216bis 6.2.4).
    fn interrupt(&mut self, at: Duration) {
        if self.interrupted.is_none_or(|before| at.abs_diff(before) >= TOGETHER) {
            self.interrupted = Some(at);
            self.next_era();
        }
    }

    fn next_era(&mut self) {
        self.era += 1;
        let era = self.era;
        self.renditions.iter_mut().for_each(|known| known.begin_era(era));
    }

    fn answer(&mut self, outside: &Outside<'_>, request: &Request) -> Now {
        if self.closed {
            return Now::Answer(words(410, "the stream is over"));
        }
        let Some(name) = &request.rendition else { return self.answer_whole() };
        let Some(known) = self.renditions.iter().find(|known| known.name == *name) else {
            return Now::Answer(words(404, "no such rendition"));
        };
        match request.want {
            Want::Playlist(wanted) => match has(known, outside.shape, wanted) {
                Has::Yes => self.answer_playlist(outside, known.id, wanted.is_some()),
                Has::NotYet => Now::Later,
                Has::TooFar => Now::Answer(words(400, "a segment that is far in the future")),
            },
            Want::Init(number) => Now::Answer(media(known.kind, known.init(number))),
            Want::Segment(number) => {
                let segment = known.segment(number);
                Now::Answer(media(known.kind, segment.and_then(|segment| segment.whole.as_ref())))
            }
            Want::Part(number, part) => {
                let parts = known.segment(number).map(|segment| &segment.parts);
                let found = usize::try_from(part).ok().and_then(|part| parts?.get(part));
                match found {
                    // Hinted at.
                    None if (number, part) == known.next() => Now::Later,
                    found => Now::Answer(media(known.kind, found.map(|part| &part.bytes))),
                }
            }
        }
    }

    /// When each rendition that can has begun, or some have and the others do not for a while.
    fn answer_whole(&self) -> Now {
        let begun = self.renditions.iter().filter(|known| known.last().is_some()).count();
        if begun == 0 || (begun < self.renditions.len() && !self.settled) {
            return Now::Later;
        }
        Now::Answer(answer::playlist(multivariant(&self.renditions).into(), 1))
    }

    fn answer_playlist(
        &mut self,
        outside: &Outside<'_>,
        id: RecordedTrackId,
        blocking: bool,
    ) -> Now {
        let Outside { shape, tag, date } = *outside;
        let others = self.renditions.iter().filter(|other| other.id != id);
        let reports: Vec<Report<'_>> = others
            .filter_map(|other| Some(Report { name: &other.name, last: other.last()? }))
            .collect();
        let Some(known) = self.renditions.iter().find(|known| known.id == id) else {
            return Now::Later;
        };
        let fresh = known.written.as_ref().filter(|(version, _)| *version == known.version);
        let text = fresh
            .map(|(_, text)| text.clone())
            .unwrap_or_else(|| Bytes::from(playlist(known, shape, tag, date, &reports)));
        let version = known.version;
        if let Some(known) = self.rendition(id) {
            known.written = Some((version, text.clone()));
        }
        // An answer that was waited for is the same for everybody who asks for it.
        let max_age = if blocking { 6 * shape.target_duration() as u32 } else { 1 };
        Now::Answer(answer::playlist(text, max_age))
    }

    /// Players ask once for each part.
    fn count(&mut self, now: Instant, request: &Request) {
        let blocking = matches!(request.want, Want::Playlist(Some(_)));
        self.answered += u64::from(blocking);
        self.since.get_or_insert(now);
    }

    fn measure(&mut self, now: Instant, shape: Shape) {
        let Some(since) = self.since else { return };
        let age = now.saturating_duration_since(since);
        if age < PRESENT {
            return;
        }
        let active = self.renditions.iter().filter(|known| known.last().is_some());
        let kinds = usize::from(active.clone().any(|known| known.kind == Kind::Video))
            + usize::from(active.clone().any(|known| known.kind == Kind::Audio));
        let parts = age.as_secs_f64() / shape.part.as_secs_f64() * kinds.max(1) as f64;
        self.viewers = (self.answered as f64 / parts).round() as u64;
        (self.answered, self.since) = (0, Some(now));
    }
}

enum Has {
    Yes,
    NotYet,
    TooFar,
}

/// Whether its playlist has this segment, or this part of it.
fn has(known: &Rendition, shape: Shape, wanted: Option<(u64, Option<u64>)>) -> Has {
    let Some((last, last_part)) = known.last() else {
        return if wanted.is_some_and(|(segment, _)| segment > AHEAD + known.next().0) {
            Has::TooFar
        } else {
            Has::NotYet
        };
    };
    let Some((segment, part)) = wanted else {
        // Players that know no parts can do nothing with a playlist that has no segment.
        let whole = known.listed().any(|segment| segment.whole.is_some());
        return if whole { Has::Yes } else { Has::NotYet };
    };
    let (next, next_part) = known.next();
    let far = part.is_some_and(|part| segment == next && part > next_part + shape.parts_ahead());
    if segment > last + AHEAD || far {
        return Has::TooFar;
    }
    let closed = known.segment(segment).is_some_and(|segment| segment.whole.is_some());
    let there = match part {
        // A part behind the last one of a segment is the first of the next.
        Some(part) => segment < last || (segment == last && part <= last_part),
        None => segment < last || closed,
    };
    if there { Has::Yes } else { Has::NotYet }
}
