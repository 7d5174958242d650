//! Streams of HLS as the binding sees them: made on the pool of tasks, asked by commands; players ask
//! them through JavaScript, or through a server of their own that JavaScript has no part in.

mod server;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::error::HostError;
use super::media_threads::Outside;
use super::running::{Actor, Running};
use super::tasks::{TaskPool, Waker};
use crate::codec::Kind;
use crate::control::error::EngineError;
use crate::control::event::{Event, Reply};
use crate::control::hls::{HlsCommand, HlsOptions};
use crate::control::http::HttpAnswer;
use crate::control::ids::{
    Ended, HlsId, IdMap, Ids, RecordedTrackId, RequestId, ShardIndex, SourceId,
};
use crate::control::mailbox::Mailbox;
use crate::control::recorder::LineOptions;
use crate::engine::hls::{MAX_COMMANDS, Packager, Parts};
use crate::engine::message::ShardMessage;
use crate::engine::tap::Inlet;
use crate::hls::{Answer, Body, MAX_RENDITIONS, Shape, Stream};
use server::Server;

/// Streams of one endpoint.
const MAX_STREAMS: usize = 1_000;
/// Servers of one endpoint.
const MAX_SERVERS: usize = 16;

pub(super) struct Streaming {
    pool: Arc<TaskPool>,
    ids: Arc<Ids>,
    mailbox: Arc<Mailbox>,
    outside: Outside<ShardMessage>,
    streams: Arc<Streams>,
    servers: Mutex<Vec<Server>>,
}

/// The streams there are.
#[derive(Default)]
pub(super) struct Streams(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_id: IdMap<HlsId, Handle>,
    by_name: HashMap<String, HlsId>,
}

struct Handle {
    name: String,
    requests: mpsc::Sender<HlsCommand>,
    waker: Waker,
    inlet: Arc<Inlet>,
    stream: Arc<Stream>,
}

impl Streaming {
    pub(super) fn new(
        pool: Arc<TaskPool>,
        ids: Arc<Ids>,
        mailbox: Arc<Mailbox>,
        outside: Outside<ShardMessage>,
        streams: Arc<Streams>,
    ) -> Self {
        Self { pool, ids, mailbox, outside, streams, servers: Mutex::default() }
    }

    pub(super) fn create(&self, options: HlsOptions) -> Result<HlsId, EngineError> {
        let mut known = self.streams.lock();
        known.forget_closed();
        if known.by_id.len() >= MAX_STREAMS {
            return Err(HostError::HlsLimit(MAX_STREAMS).into());
        }
        if known.by_name.contains_key(&options.name) {
            return Err(HostError::HlsName(options.name).into());
        }
        let id = HlsId::new(&self.ids, ShardIndex(0));
        let waker = self.pool.waker();
        let (inlet, packets) = Inlet::new({
            let waker = waker.clone();
            move || waker.wake()
        });
        let (sender, requests) = mpsc::channel(MAX_COMMANDS);
        let shape = Shape {
            part: Duration::from_millis(options.part.into()),
            segment: Duration::from_millis(options.segment.into()),
            window: options.window,
        };
        // A clock before 1970 is one that was never set.
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stream = Arc::new(Stream::new(shape, date));
        let parts = Parts {
            id,
            mailbox: Arc::clone(&self.mailbox),
            shards: self.outside.clone(),
            inlet: Arc::clone(&inlet),
            packets,
            requests,
            stream: Arc::clone(&stream),
            begun: Instant::now(),
        };
        self.pool.spawn(&waker, Box::new(Running(Packager::new(parts))))?;
        let name = options.name;
        known.by_name.insert(name.clone(), id);
        known.by_id.insert(id, Handle { name, requests: sender, waker, inlet, stream });
        Ok(id)
    }

    /// Adds a rendition, fed by a track. Whoever asks for it from now on is a player like others.
    pub(super) fn add(
        &self,
        hls: HlsId,
        kind: Kind,
        track: SourceId,
        options: LineOptions,
    ) -> Result<RecordedTrackId, EngineError> {
        let known = self.streams.lock();
        let handle = known.by_id.get(&hls).ok_or(HostError::HlsClosed)?;
        if handle.stream.is_closed() {
            return Err(HostError::HlsClosed.into());
        }
        let room = handle.requests.try_reserve().map_err(|error| refused(&error))?;
        let rendition = RecordedTrackId::new(&self.ids, ShardIndex(0));
        if !handle.stream.add(rendition, kind, &options.name, &options.language) {
            return Err(HostError::Renditions(MAX_RENDITIONS).into());
        }
        room.send(HlsCommand::Add { rendition, kind, track, options });
        handle.waker.wake();
        Ok(rendition)
    }

    pub(super) fn command(&self, hls: HlsId, command: HlsCommand) -> Result<(), EngineError> {
        let known = self.streams.lock();
        let handle = known.by_id.get(&hls).ok_or(HostError::HlsClosed)?;
        let room = handle.requests.try_reserve().map_err(|error| refused(&error))?;
        // Players are told at once: what makes the stream hears of it some time later.
        if let HlsCommand::Remove { rendition } = command {
            handle.stream.remove(rendition);
        }
        room.send(command);
        handle.waker.wake();
        Ok(())
    }

    /// Ends a stream. Players are told so from now on, until another one takes its name.
    pub(super) fn close(&self, hls: HlsId) -> Result<(), EngineError> {
        let known = self.streams.lock();
        let handle = known.by_id.get(&hls).ok_or(HostError::HlsClosed)?;
        handle.stream.close();
        handle.waker.wake();
        Ok(())
    }

    /// What a player gets. The reply to `request` is the answer, now or when there is one.
    pub(super) fn ask(
        &self,
        hls: HlsId,
        path: &str,
        query: &str,
        request: RequestId,
    ) -> Result<(), EngineError> {
        let (stream, waker) = {
            let known = self.streams.lock();
            let handle = known.by_id.get(&hls).ok_or(HostError::HlsClosed)?;
            (Arc::clone(&handle.stream), handle.waker.clone())
        };
        let mailbox = Arc::clone(&self.mailbox);
        let reply = Box::new(move |answer| {
            let result = Ok(Reply::Http(http_answer(answer)));
            mailbox.post(Event::Reply { request, result });
        });
        if stream.ask(Instant::now(), path, query, reply) {
            waker.wake();
        }
        Ok(())
    }

    /// Serves all streams at an address of its own, each below its name. Gives the address.
    pub(super) fn listen(&self, address: SocketAddr) -> Result<SocketAddr, EngineError> {
        let mut servers = self.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if servers.len() >= MAX_SERVERS {
            return Err(HostError::HlsServers(MAX_SERVERS).into());
        }
        let server = Server::start(address, Arc::clone(&self.streams))?;
        let address = server.address();
        servers.push(server);
        Ok(address)
    }

    pub(super) fn shutdown(&self) {
        self.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
    }
}

impl Streams {
    /// A shard lost all it had: tracks that streams take from there.
    pub(super) fn thread_ended(&self, ended: Ended) {
        for handle in self.lock().by_id.values() {
            handle.inlet.thread_ended(ended);
        }
    }

    /// The stream of that name, and what wakes it.
    fn find(&self, name: &str) -> Option<(Arc<Stream>, Waker)> {
        let known = self.lock();
        let handle = known.by_id.get(known.by_name.get(name)?)?;
        Some((Arc::clone(&handle.stream), handle.waker.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Known {
    fn forget_closed(&mut self) {
        let Self { by_id, by_name } = self;
        by_id.retain(|_, handle| {
            let open = !handle.stream.is_closed();
            if !open {
                by_name.remove(&handle.name);
            }
            open
        });
    }
}

fn refused<T>(error: &TrySendError<T>) -> HostError {
    match error {
        TrySendError::Full(_) => HostError::CallsWaitForHls { calls: MAX_COMMANDS },
        TrySendError::Closed(_) => HostError::HlsClosed,
    }
}

/// An answer as HTTP has it.
fn http_answer(answer: Answer) -> HttpAnswer {
    let (content_type, body) = match answer.body {
        // RFC 8216 4.
        Body::Playlist(text) => ("application/vnd.apple.mpegurl", text),
        Body::Media(Kind::Video, bytes) => ("video/mp4", bytes),
        Body::Media(Kind::Audio, bytes) => ("audio/mp4", bytes),
        Body::Words(words) => ("text/plain; charset=utf-8", words.as_bytes().into()),
    };
    let cache_control = match answer.max_age {
        0 => "no-store".to_owned(),
        seconds if answer.immutable => format!("public, max-age={seconds}, immutable"),
        seconds => format!("public, max-age={seconds}"),
    };
    HttpAnswer { status: answer.status, content_type, cache_control, body }
}

impl Actor for Packager<Outside<ShardMessage>> {
    const NAME: &'static str = "hls";

    fn run(&mut self, now: Instant, _: Instant) -> Option<Instant> {
        self.run(now)
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn fail(&mut self) {
        self.fail();
    }

    fn abandon(&mut self, _: Instant) {
        self.end();
    }
}
