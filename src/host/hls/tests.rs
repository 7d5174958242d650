use std::sync::mpsc as channel;

use super::*;
use crate::control::error::ErrorCode;
use crate::control::recorder::EncodingChoice;
use crate::host::tasks::{Next, Task};

/// Keeps a thread of the pool until the test lets go.
struct Held(channel::Receiver<()>);

impl Task for Held {
    fn name(&self) -> &'static str {
        "held"
    }

    fn run(&mut self, _: Instant) -> Next {
        let _ = self.0.recv();
        Next::Never
    }

    fn fail(&mut self) {}
}

/// A pool that is so busy that no stream has a turn.
struct Studio {
    streaming: Streaming,
    mailbox: Arc<Mailbox>,
    _held: channel::Sender<()>,
}

impl Studio {
    fn new() -> Self {
        let pool = Arc::new(TaskPool::new(1));
        let (held, holds) = channel::channel();
        pool.spawn(&pool.waker(), Box::new(Held(holds))).unwrap();
        let mailbox = Arc::new(Mailbox::new(|| ()));
        let streams = Arc::<Streams>::default();
        let outside = Outside::to_nobody();
        let streaming =
            Streaming::new(pool, Arc::default(), Arc::clone(&mailbox), outside, streams);
        Self { streaming, mailbox, _held: held }
    }

    fn create(&self) -> HlsId {
        let options = HlsOptions { name: "live".into(), part: 500, segment: 2_000, window: 6 };
        self.streaming.create(options).unwrap()
    }

    fn add(&self, hls: HlsId) -> Result<RecordedTrackId, ErrorCode> {
        let options = LineOptions {
            name: String::new(),
            language: "und".into(),
            encoding: EncodingChoice::Best,
        };
        let added = self.streaming.add(hls, Kind::Video, SourceId(64), options);
        added.map_err(|error| error.code)
    }

    /// Through JavaScript. `None`: it waits.
    fn ask(&self, hls: HlsId, path: &str) -> Option<u16> {
        self.streaming.ask(hls, path, "", RequestId(1)).unwrap();
        self.answered().pop()
    }

    /// Those of JavaScript who had an answer since.
    fn answered(&self) -> Vec<u16> {
        let answers = self.mailbox.drain().into_iter().filter_map(|event| match event {
            Event::Reply { result: Ok(Reply::Http(answer)), .. } => Some(answer.status),
            _ => None,
        });
        answers.collect()
    }

    /// As the server does.
    fn fetch(&self, path: &str) -> channel::Receiver<u16> {
        let (sender, answered) = channel::channel();
        let (stream, _) = self.streaming.streams.find("live").unwrap();
        let reply = Box::new(move |answer: Answer| {
            let _ = sender.send(answer.status);
        });
        stream.ask(Instant::now(), path, "", reply);
        answered
    }
}

#[test]
fn what_was_added_removed_or_closed_is_so_for_the_next_request_however_busy_the_pool_is() {
    let studio = Studio::new();
    let hls = studio.create();
    let waits = studio.fetch("index.m3u8");
    assert_eq!(studio.ask(hls, "v0/live.m3u8"), Some(404));
    let rendition = studio.add(hls).unwrap();
    assert_eq!(studio.ask(hls, "v0/live.m3u8"), None, "it waits for what comes");
    let waiting = studio.fetch("v0/live.m3u8");
    assert!(waiting.try_recv().is_err(), "as does who comes by the other door");

    studio.streaming.command(hls, HlsCommand::Remove { rendition }).unwrap();
    assert_eq!((waiting.try_recv(), studio.answered()), (Ok(404), vec![404]));
    assert_eq!(studio.ask(hls, "v0/live.m3u8"), Some(404));
    assert_eq!(studio.fetch("v0/live.m3u8").try_recv(), Ok(404));
    studio.add(hls).unwrap();
    assert_eq!(studio.ask(hls, "v0/live.m3u8"), Some(404), "another one has another name");
    assert_eq!(studio.ask(hls, "v1/live.m3u8"), None);

    studio.streaming.close(hls).unwrap();
    assert_eq!((waits.try_recv(), studio.answered()), (Ok(410), vec![410]));
    assert_eq!(studio.ask(hls, "v1/live.m3u8"), Some(410));
    assert_eq!(studio.fetch("index.m3u8").try_recv(), Ok(410));
    let other = studio.create();
    assert_eq!(studio.fetch("v0/live.m3u8").try_recv(), Ok(404), "its name was free at once");
    studio.add(other).unwrap();
    assert!(studio.fetch("v0/live.m3u8").try_recv().is_err());
}

#[test]
fn a_rendition_too_many_is_refused_before_anybody_hears_of_it() {
    let studio = Studio::new();
    let hls = studio.create();
    let added: Vec<_> = (0..MAX_RENDITIONS).map(|_| studio.add(hls).unwrap()).collect();
    assert_eq!(studio.add(hls), Err(ErrorCode::Limit));
    assert_eq!(studio.ask(hls, "v32/live.m3u8"), Some(404));
    studio.streaming.command(hls, HlsCommand::Remove { rendition: added[3] }).unwrap();
    studio.add(hls).unwrap();
    assert_eq!(studio.ask(hls, "v32/live.m3u8"), None);
}
