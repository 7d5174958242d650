//! Outputs on their threads, with a carrier that does what it is told.

use std::sync::mpsc::{self as channel, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Poll, Registry, Waker};
use tokio::sync::mpsc;

use super::output::{Carrier, Output, OutputParts, WAKE};
use crate::control::event::{CloseReason, Event};
use crate::control::ids::{Ids, OutputId, RequestId, ShardIndex};
use crate::control::ingest::{OutputCommand, OutputStats};
use crate::control::mailbox::Mailbox;
use crate::engine::push::PushError;
use crate::ingest::srt::SrtError;

/// What the turns of a carrier come to, one after the other; then it goes on.
type Script = Vec<fn() -> Result<bool, PushError>>;

/// What a carrier was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<&'static str>>>);

struct Actor {
    script: std::vec::IntoIter<fn() -> Result<bool, PushError>>,
    told: Told,
}

impl Told {
    fn add(&self, what: &'static str) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(what);
    }
}

impl Carrier for Actor {
    const ANSWER_TIME: Duration = Duration::from_secs(60);

    fn connect(&mut self, _: Instant, _: &Registry) -> Result<(), PushError> {
        self.told.add("connect");
        Ok(())
    }

    fn turn(&mut self, _: Instant) -> Result<bool, PushError> {
        self.script.next().map_or(Ok(false), |turn| turn())
    }

    fn disconnect(&mut self, _: &Registry) {
        self.told.add("disconnect");
    }

    fn idle(&mut self, _: Instant) -> Result<(), PushError> {
        Ok(())
    }

    fn finish(&mut self, _: Instant) -> bool {
        self.told.add("finish");
        false
    }

    fn stats(&self) -> OutputStats {
        OutputStats::default()
    }
}

/// An output, what it posts, and what its carrier was told.
struct Scene {
    commands: mpsc::Sender<OutputCommand>,
    waker: Waker,
    mailbox: Arc<Mailbox>,
    /// Something was posted.
    rung: Receiver<()>,
    told: Told,
    thread: JoinHandle<()>,
}

fn run(script: Script, reconnect: Duration) -> Scene {
    let poll = Poll::new().unwrap();
    let waker = Waker::new(poll.registry(), WAKE).unwrap();
    let (sender, commands) = mpsc::channel(4);
    let (ring, rung) = channel::channel();
    let mailbox = Arc::new(Mailbox::new(move || ring.send(()).unwrap_or_default()));
    let told = Told::default();
    let parts = OutputParts {
        id: OutputId::new(&Ids::default(), ShardIndex(0)),
        mailbox: Arc::clone(&mailbox),
        commands,
        opening: RequestId(1),
        reconnect,
    };
    let output = Output::new(parts, Actor { script: script.into_iter(), told: told.clone() });
    let thread = std::thread::spawn(move || output.run(poll));
    Scene { commands: sender, waker, mailbox, rung, told, thread }
}

impl Scene {
    /// What is posted, up to what `last` says.
    fn until(&self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut all = Vec::new();
        while !all.iter().any(&last) {
            self.rung.recv_timeout(Duration::from_secs(60)).expect("something is posted");
            all.extend(self.mailbox.drain());
        }
        all
    }
}

#[test]
fn an_output_that_fails_leaves_its_tracks_whatever_ended_it() {
    let endings: [fn() -> Result<bool, PushError>; 3] = [
        || Err(PushError::TooSlow),
        || Err(PushError::Srt(SrtError::Timeout)),
        || panic!("a defect"),
    ];
    for ending in endings {
        let scene = run(vec![|| Ok(true), ending], Duration::ZERO);
        let events = scene.until(|event| matches!(event, Event::OutputClosed { .. }));
        assert!(matches!(
            events.last(),
            Some(Event::OutputClosed { reason: CloseReason::Error, error: Some(_), .. })
        ));
        scene.thread.join().unwrap();
        assert_eq!(scene.told.0.lock().unwrap().last(), Some(&"finish"));
    }
}

#[test]
fn an_output_that_nobody_took_is_told_to_who_asked_for_it_and_left() {
    let scene = run(vec![|| Err(PushError::Ended)], Duration::from_secs(60));
    let events = scene.until(|event| matches!(event, Event::Reply { .. }));
    assert!(matches!(events[..], [Event::Reply { request: RequestId(1), result: Err(_) }]));
    scene.thread.join().unwrap();
    assert_eq!(*scene.told.0.lock().unwrap(), ["connect", "disconnect", "finish"]);
}

#[test]
fn a_connection_that_was_lost_is_made_again_where_that_is_wanted() {
    let lost: fn() -> Result<bool, PushError> = || Err(PushError::Srt(SrtError::Shutdown));
    let scene = run(vec![|| Ok(true), lost, || Ok(true)], Duration::from_secs(60));
    let events = scene.until(|event| matches!(event, Event::OutputReconnected { .. }));
    assert!(matches!(
        events[..],
        [
            Event::Reply { result: Ok(_), .. },
            Event::OutputDisconnected { .. },
            Event::OutputReconnected { .. }
        ]
    ));
    let close = OutputCommand::Close { request: RequestId(2) };
    assert!(scene.commands.try_send(close).is_ok());
    scene.waker.wake().unwrap();
    let events = scene.until(|event| matches!(event, Event::Reply { .. }));
    assert!(matches!(events[0], Event::OutputClosed { reason: CloseReason::Closed, .. }));
    scene.thread.join().unwrap();
    let told = scene.told.0.lock().unwrap();
    assert_eq!(*told, ["connect", "disconnect", "connect", "finish"]);
}

#[test]
fn a_goodbye_is_no_error_where_nothing_is_made_again() {
    let goodbye: fn() -> Result<bool, PushError> = || Err(PushError::Srt(SrtError::Shutdown));
    let scene = run(vec![|| Ok(true), goodbye], Duration::ZERO);
    let events = scene.until(|event| matches!(event, Event::OutputClosed { .. }));
    assert!(matches!(
        events.last(),
        Some(Event::OutputClosed { reason: CloseReason::Remote, error: None, .. })
    ));
    scene.thread.join().unwrap();
}
