//! A whole stream: its renditions, and players that wait for what comes next.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::multivariant::multivariant;
use super::playlist::{Report, playlist};
use super::rendition::{Format, Rendition, Shape};
use super::request::{Request, Want};
use crate::codec::Kind;
use crate::container::mp4::Fragment;
use crate::control::hls::RenditionStats;

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
/// What never changes may be kept by whoever passes it on, in seconds: longer than it is of use.
const FOREVER: u32 = 3_600;

/// What a player gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    pub body: Body,
    /// How many seconds it may be kept by whoever passes it on.
    pub max_age: u32,
    /// It will never be anything else.
    pub immutable: bool,
}

/// What is in an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    Playlist(Bytes),
    /// A piece of MP4, of pictures or of sound.
    Media(Kind, Bytes),
    /// Why there is nothing else.
    Words(&'static str),
}

/// Who asked.
pub trait Asker: Send {
    /// Called on whichever thread has the answer.
    fn answer(self: Box<Self>, answer: Answer);
    /// Whether nobody waits for it any more.
    fn is_gone(&self) -> bool;
}

impl<F: FnOnce(Answer) + Send> Asker for F {
    fn answer(self: Box<Self>, answer: Answer) {
        self(answer);
    }

    fn is_gone(&self) -> bool {
        false
    }
}

/// Who asked, wherever.
pub type Reply = Box<dyn Asker>;

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
    /// What the playlist of each was when it had that version.
    playlists: Vec<Option<(u64, Bytes)>>,
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
    Fragment(Fragment),
    /// Time does not go on where it stopped, but from here.
    Interrupt(Duration),
    /// Nothing will ever come.
    Failed,
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

    /// Another rendition. Gives its place.
    pub fn add(&self, kind: Kind, title: &str, language: &str) -> usize {
        let mut state = self.lock();
        let letter = if kind == Kind::Video { 'v' } else { 'a' };
        let name = format!("{letter}{}", state.renditions.len());
        let (title, language) = (title.to_owned(), language.to_owned());
        let mut made = Rendition::new(name, kind, title, language, self.shape);
        made.begin_era(state.era);
        state.renditions.push(made);
        state.playlists.push(None);
        state.renditions.len() - 1
    }

    /// Something new of a rendition. Players that waited for it get it.
    pub fn publish(&self, rendition: usize, what: Publication) {
        let mut state = self.lock();
        let Some(known) = state.renditions.get_mut(rendition) else { return };
        match what {
            Publication::Begin(format, init) => known.begin(format, init.into()),
            Publication::Fragment(fragment) => known.push(fragment),
            Publication::Interrupt(at) => state.interrupt(at),
            Publication::Failed => {
                known.failed = true;
                known.clear();
            }
        }
        self.answer_waiting(state);
    }

    /// Whether a keyframe is to begin a segment of this rendition soon.
    pub fn wants_segment(&self, rendition: usize, ahead: Duration) -> bool {
        self.lock().renditions.get(rendition).is_some_and(|known| known.wants_segment(ahead))
    }

    /// Answers a request, now or when there is an answer. `true`: nobody had asked for a while.
    pub fn ask(&self, now: Instant, path: &str, query: &str, reply: Reply) -> bool {
        let Some(request) = Request::parse(path, query, &self.tag) else {
            reply.answer(words(404, "no such file"));
            return false;
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
        state.playlists.clear();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(|w| w.reply.answer(words(410, "the stream is over")));
    }

    /// How many watch, about, and requests so far.
    pub fn audience(&self, now: Instant) -> (u64, u64) {
        let mut state = self.lock();
        state.measure(now, self.shape);
        (state.viewers, state.requests)
    }

    /// What is known of a rendition here.
    pub fn rendition_stats(&self, rendition: usize) -> RenditionStats {
        let state = self.lock();
        let Some(known) = state.renditions.get(rendition) else { return RenditionStats::default() };
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
        let Some(index) = self.renditions.iter().position(|known| known.name == *name) else {
            return Now::Answer(words(404, "no such rendition"));
        };
        let Some(known) = self.renditions.get(index).filter(|known| !known.failed) else {
            return Now::Answer(words(404, "no such rendition"));
        };
        match request.want {
            Want::Playlist(wanted) => match has(known, wanted) {
                Has::Yes => self.answer_playlist(outside, index, wanted.is_some()),
                Has::NotYet => Now::Later,
                Has::TooFar => Now::Answer(words(400, "a segment that is far in the future")),
            },
            Want::Init(number) => media(known.kind, known.init(number)),
            Want::Segment(number) => {
                media(known.kind, known.segment(number).and_then(|segment| segment.whole.as_ref()))
            }
            Want::Part(number, part) => {
                let parts = known.segment(number).map(|segment| &segment.parts);
                let found = usize::try_from(part).ok().and_then(|part| parts?.get(part));
                // Hinted at: the next one, or the first one of the next segment.
                let (segment, next) = known.next();
                match found {
                    None if (number, part) == (segment, next) => Now::Later,
                    None if next > 0 && (number, part) == (segment + 1, 0) => Now::Later,
                    found => media(known.kind, found.map(|part| &part.bytes)),
                }
            }
        }
    }

    /// When each rendition that can has begun, or some have and the others do not for a while.
    fn answer_whole(&self) -> Now {
        let able = || self.renditions.iter().filter(|known| !known.failed);
        let begun = able().filter(|known| known.last().is_some()).count();
        if begun == 0 || (begun < able().count() && !self.settled) {
            return Now::Later;
        }
        Now::Answer(playlist_answer(multivariant(&self.renditions).into(), 1))
    }

    fn answer_playlist(&mut self, outside: &Outside<'_>, index: usize, blocking: bool) -> Now {
        let Outside { shape, tag, date } = *outside;
        let Some(known) = self.renditions.get(index) else { return Now::Later };
        let fresh = self.playlists.get(index).and_then(Option::as_ref);
        let fresh = fresh.filter(|(version, _)| *version == known.version);
        let text = fresh.map(|(_, text)| text.clone()).unwrap_or_else(|| {
            let others = self.renditions.iter().filter(|other| other.name != known.name);
            let reports: Vec<Report<'_>> = others
                .filter_map(|other| Some(Report { name: &other.name, last: other.last()? }))
                .collect();
            Bytes::from(playlist(known, shape, tag, date, &reports))
        });
        let version = known.version;
        if let Some(kept) = self.playlists.get_mut(index) {
            *kept = Some((version, text.clone()));
        }
        // An answer that was waited for is the same for everybody who asks for it.
        let max_age = if blocking { 6 * shape.target_duration() as u32 } else { 1 };
        Now::Answer(playlist_answer(text, max_age))
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
fn has(known: &Rendition, wanted: Option<(u64, Option<u64>)>) -> Has {
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
    if segment > last + AHEAD {
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

fn media(kind: Kind, bytes: Option<&Bytes>) -> Now {
    Now::Answer(match bytes {
        Some(bytes) => Answer {
            status: 200,
            body: Body::Media(kind, bytes.clone()),
            max_age: FOREVER,
            immutable: true,
        },
        None => words(404, "not there any more, or not yet"),
    })
}

fn playlist_answer(text: Bytes, max_age: u32) -> Answer {
    Answer { status: 200, body: Body::Playlist(text), max_age, immutable: false }
}

fn words(status: u16, why: &'static str) -> Answer {
    Answer { status, body: Body::Words(why), max_age: 0, immutable: false }
}
