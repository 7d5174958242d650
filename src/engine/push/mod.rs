//! Tracks pushed to a server by RTMP: packets of shards in, bytes of a connection out. Does no I/O and
//! reads no clock; whoever has the connection drives it.

mod error;
mod stream;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::codec::Kind;
use crate::codec::frame::Assembler;
use crate::control::ids::OutputId;
use crate::control::ingest::{OutputStats, RtmpOutputOptions};
use crate::engine::tap::{Inlet, LeftPackets, Outlet, Shards, Taker};
use crate::ingest::flv::Muxer;
use crate::ingest::rtmp::{self, Client, ClientEvent};
pub use error::PushError;
pub use stream::{Payload, StreamPush};

/// How long a packet that is missing is waited for.
const WINDOW: Duration = Duration::from_millis(200);
/// Servers cut streams at keyframes.
const KEYFRAME_EVERY: Duration = Duration::from_secs(2);
/// Bytes that wait for the link until pictures are left out, and until it is given up.
const MAX_WAITING: usize = 2 << 20;
const HOPELESS: usize = 16 << 20;
/// The best that there is.
const BEST: (u16, u16) = (u16::MAX, u16::MAX);

/// The actor; see the module.
pub struct Push<S: Shards> {
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    taker: Taker<Kind>,
    sound: Assembler,
    pictures: Assembler,
    /// Where to: for the next connection.
    url: String,
    app: String,
    key: String,
    client: Client,
    muxer: Muxer,
    /// What was captured then has the time 0.
    origin: Option<Instant>,
    /// The time that each kind had last, in milliseconds.
    last: [u32; 2],
    asked: Option<Instant>,
    /// Pictures are left out until a keyframe comes when there is room.
    behind: bool,
    stats: OutputStats,
}

/// What it is made of.
pub struct Parts<S> {
    pub id: OutputId,
    pub shards: S,
    pub inlet: Arc<Inlet>,
    pub packets: LeftPackets,
}

impl<S: Shards> Push<S> {
    /// Takes nothing of its tracks before the server is ready.
    pub fn new(parts: Parts<S>, options: &RtmpOutputOptions) -> Self {
        let taker = Taker::new(parts.id.into(), Arc::clone(&parts.inlet));
        let mut taker = taker.preferring(&[Codec::H264]);
        taker.attach(Kind::Audio, Kind::Audio, options.audio);
        taker.attach(Kind::Video, Kind::Video, options.video);
        Self {
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            packets: parts.packets,
            taker,
            sound: Assembler::new(WINDOW),
            pictures: Assembler::new(WINDOW),
            url: options.url.clone(),
            app: options.app.clone(),
            key: options.key.clone(),
            client: Client::new(&options.url, &options.app, &options.key),
            muxer: Muxer::default(),
            origin: None,
            last: [0; 2],
            asked: None,
            behind: false,
            stats: OutputStats::default(),
        }
    }

    /// The connection was lost: what follows is for another one, and its stream begins with a keyframe.
    pub fn begin_anew(&mut self) {
        self.client = Client::new(&self.url, &self.app, &self.key);
        self.muxer = Muxer::default();
        (self.origin, self.last, self.asked) = (None, [0; 2], None);
        self.behind = true;
    }

    /// Takes bytes of the server. Says whether it is ready now.
    ///
    /// # Errors
    /// `Refused` and `Rtmp`: the connection is to be closed.
    pub fn receive(&mut self, mut bytes: &[u8]) -> Result<bool, PushError> {
        let mut ready = false;
        while let Some(event) = self.client.receive(&mut bytes).map_err(PushError::Rtmp)? {
            match event {
                ClientEvent::Ready => ready = true,
                ClientEvent::Refused(reason) => return Err(PushError::Refused(reason)),
            }
        }
        Ok(ready)
    }

    /// Takes what shards have left for it, with so many bytes that wait for the link. Gives what is to
    /// be sent.
    ///
    /// # Errors
    /// `TooSlow`.
    pub fn run(&mut self, now: Instant, waiting: usize) -> Result<Vec<u8>, PushError> {
        if waiting > HOPELESS {
            return Err(PushError::TooSlow);
        }
        self.behind |= waiting > MAX_WAITING;
        self.outlet.send_backlog();
        let notes = self.inlet.take_notes();
        let lost: Vec<_> = notes.ended.iter().flat_map(|ended| self.taker.ended(*ended)).collect();
        let lost = lost.into_iter().map(|track| (track, None));
        for (track, description) in notes.sources.into_iter().chain(lost) {
            for (kind, _) in self.taker.described(track, description) {
                self.assembler(kind).reset();
            }
        }
        self.take_packets();
        self.push_sound(now);
        self.push_pictures(now, waiting <= MAX_WAITING / 2);
        self.tap(now);
        let out = self.client.take_output();
        self.stats.bytes_sent += out.len() as u64;
        Ok(out)
    }

    fn assembler(&mut self, kind: Kind) -> &mut Assembler {
        match kind {
            Kind::Audio => &mut self.sound,
            Kind::Video => &mut self.pictures,
        }
    }

    fn take_packets(&mut self) {
        let Self { packets, taker, sound, pictures, .. } = self;
        while let Some(packet) = packets.poll() {
            taker.receive(&packet, |input, packet| {
                match input.kind {
                    Kind::Audio if packet.codec == Codec::Opus => {
                        packet.without_red().iter().for_each(|packet| sound.insert(packet));
                    }
                    Kind::Video if packet.codec == Codec::H264 => pictures.insert(packet),
                    // Of a track that was something else when it was taken.
                    _ => {}
                }
            });
        }
    }

    fn push_sound(&mut self, now: Instant) {
        let ready = self.client.is_ready();
        while let Some(frame) = self.sound.poll(now) {
            if !ready {
                // Left for the connection before: it begins no stream.
                self.sound.give_back(frame.parts);
                continue;
            }
            let time = self.time(frame.captured, 0);
            let Self { muxer, client, .. } = self;
            let emit = |tag| client.send(rtmp::Kind::Audio, time, tag);
            muxer.opus(&frame.parts.data, emit);
            self.stats.sounds_sent += 1;
            self.sound.give_back(frame.parts);
        }
    }

    fn push_pictures(&mut self, now: Instant, room: bool) {
        let ready = self.client.is_ready();
        while let Some(frame) = self.pictures.poll(now) {
            if !ready {
                self.pictures.give_back(frame.parts);
                continue;
            }
            self.behind &= !(frame.keyframe && room);
            if self.behind {
                self.stats.frames_dropped += 1;
            } else {
                let time = self.time(frame.captured, 1);
                let Self { muxer, client, .. } = self;
                let emit = |tag| client.send(rtmp::Kind::Video, time, tag);
                muxer.picture(&frame.parts.data, frame.keyframe, emit);
                self.stats.frames_sent += 1;
            }
            self.pictures.give_back(frame.parts);
        }
    }

    /// Milliseconds, which never go back within a kind.
    fn time(&mut self, captured: Instant, kind: usize) -> u32 {
        let origin = *self.origin.get_or_insert(captured);
        let time = captured.saturating_duration_since(origin).as_millis() as u32;
        let last = &mut self.last[kind];
        // Half of what there is: it has wrapped, after 49 days.
        if time.wrapping_sub(*last) < u32::MAX / 2 {
            *last = time;
        }
        *last
    }

    /// Has the shards send what is pushed, when somebody takes it.
    fn tap(&mut self, now: Instant) {
        let ready = self.client.is_ready();
        self.taker.update(now, |_| ready.then_some(BEST));
        let due = self.asked.is_none_or(|at| now.saturating_duration_since(at) >= KEYFRAME_EVERY);
        if ready && due {
            self.asked = Some(now);
            self.taker.ask_for_keyframe(Kind::Video);
        }
        self.send_messages();
    }

    fn send_messages(&mut self) {
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
    }

    /// What it has done.
    pub fn stats(&self) -> &OutputStats {
        &self.stats
    }

    /// Takes nothing any more. Gives the last words to the server.
    pub fn finish(&mut self) -> Vec<u8> {
        self.taker.clear();
        self.send_messages();
        self.client.finish();
        self.client.take_output()
    }
}
