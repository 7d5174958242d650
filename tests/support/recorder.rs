//! A recorder beside the shards of a world, and its file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use medialoom::codec::Kind;
use medialoom::container::{ReadAt, Step, WriteAt};
use medialoom::control::event::Event;
use medialoom::control::ids::{RecordedTrackId, RecorderId, RequestId, ShardIndex, SourceId};
use medialoom::control::mailbox::Mailbox;
use medialoom::control::recorder::{
    EncodingChoice, FormatChange, LineOptions, RecorderCommand, RecorderOptions, RecordingFormat,
};
use medialoom::engine::message::ShardMessage;
use medialoom::engine::recorder::{Disk, DiskNews, Parts, Recorder};
use medialoom::engine::tap::{Inlet, Shards};
use tokio::sync::mpsc;

use super::World;

const SHARD: ShardIndex = ShardIndex(0);

/// A file that is read and written anywhere.
pub trait Storage: ReadAt + WriteAt + Send {}

impl<F: ReadAt + WriteAt + Send> Storage for F {}

/// A file of the system's, which takes no memory of the test's.
pub struct OnDisk(pub File);

impl ReadAt for OnDisk {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read_at(&mut buffer[filled..], at + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}

impl WriteAt for OnDisk {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The disk of one recorder.
pub struct FakeDisk<F>(Arc<Mutex<DiskState<F>>>);

struct DiskState<F> {
    file: F,
    len: u64,
    finished: bool,
}

impl<F: Storage> Disk for FakeDisk<F> {
    fn has_room(&self, _: usize) -> bool {
        true
    }

    fn waiting(&self) -> usize {
        0
    }

    fn write(&self, steps: Vec<Step>) {
        let DiskState { file, len, .. } = &mut *self.0.lock().unwrap();
        steps.iter().for_each(|step| step.perform(file, len).unwrap());
    }

    fn begin(&self, _: PathBuf) {
        panic!("another file");
    }

    fn finish(&self) {
        self.0.lock().unwrap().finished = true;
    }

    fn poll(&self) -> Option<DiskNews> {
        let mut state = self.0.lock().unwrap();
        let bytes = state.len;
        std::mem::take(&mut state.finished).then_some(DiskNews::Finished { bytes })
    }
}

/// What it has to say to shards.
#[derive(Clone, Default)]
struct Outbox(Arc<Mutex<Vec<(ShardIndex, ShardMessage)>>>);

impl Shards for Outbox {
    fn send(&self, to: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        self.0.lock().unwrap().push((to, message));
        Ok(())
    }
}

/// A recorder, and whatever its file is.
pub struct Recording<F> {
    recorder: Recorder<Outbox, FakeDisk<F>>,
    outbox: Outbox,
    disk: FakeDisk<F>,
    mailbox: Arc<Mailbox>,
    requests: mpsc::Sender<RecorderCommand>,
}

impl<F: Storage> Recording<F> {
    /// Begins an empty file.
    pub fn new(world: &World, format: RecordingFormat, file: F) -> Self {
        let (inlet, packets) = Inlet::new(|| ());
        let (requests, commands) = mpsc::channel(64);
        let (outbox, mailbox) = (Outbox::default(), Arc::new(Mailbox::new(|| ())));
        let state = Arc::new(Mutex::new(DiskState { file, len: 0, finished: false }));
        let parts = Parts {
            id: RecorderId::new(&world.ids, SHARD),
            mailbox: Arc::clone(&mailbox),
            shards: outbox.clone(),
            disk: FakeDisk(Arc::clone(&state)),
            inlet,
            packets,
            requests: commands,
            opening: RequestId(1),
            date: Duration::ZERO,
        };
        let options = RecorderOptions {
            file: "simulated".into(),
            format,
            mode: 0o600,
            on_format_change: FormatChange::Inline,
            fragment: 500,
            max_size: None,
            max_duration: None,
        };
        let recorder = Recorder::new(parts, &options);
        Self { recorder, outbox, disk: FakeDisk(state), mailbox, requests }
    }

    /// Another line of it.
    pub fn record(&self, world: &World, kind: Kind, track: SourceId) {
        let line = RecordedTrackId::new(&world.ids, SHARD);
        let encoding = EncodingChoice::Best;
        let options = LineOptions { name: "track".into(), language: "und".into(), encoding };
        self.ask(RecorderCommand::Record { line, kind, track, options });
    }

    fn ask(&self, command: RecorderCommand) {
        self.requests.try_send(command).unwrap();
    }

    /// Has it do what is due.
    pub fn turn(&mut self, world: &mut World) {
        self.recorder.run(world.now);
        let messages = std::mem::take(&mut *self.outbox.0.lock().unwrap());
        messages.into_iter().for_each(|(to, message)| world.deliver(to, message));
        for event in self.mailbox.drain() {
            let failed =
                matches!(event, Event::RecorderError { .. } | Event::RecordedTrackError { .. });
            assert!(!failed, "{event:?}");
        }
    }

    /// Finishes the file and gives it, and how long it is.
    pub fn close(mut self, world: &mut World) -> (F, u64) {
        self.ask(RecorderCommand::Close { request: RequestId(2) });
        self.turn(world);
        assert!(self.recorder.is_over());
        let Self { recorder, disk, .. } = self;
        drop(recorder);
        let state = Arc::into_inner(disk.0).expect("nobody else has it").into_inner().unwrap();
        (state.file, state.len)
    }
}
