//! The actor of one stream of HLS: takes commands, packets of its tracks and what shards note for
//! it, and gives fragments to the stream that players ask. While nobody watches it takes nothing. Does
//! no I/O and reads no clock.

mod error;
mod lane;
mod pace;
mod still;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::codec::configuration::Configuration;
use crate::codec::{Codec, Kind};
use crate::container::TrackEntry;
use crate::control::event::{Event, Reply};
use crate::control::hls::{HlsCommand, HlsStats};
use crate::control::ids::{HlsId, RecordedTrackId, RequestId, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::recorder::{EncodingChoice, LineOptions};
use crate::engine::recorder::Line;
use crate::engine::tap::{Inlet, LeftPackets, Notes, Outlet, Shards, Taker};
use crate::hls::Stream;
use crate::sfu::source::SourceDescription;
pub use error::HlsError;
use lane::Lane;

/// Commands that may wait for a stream.
pub const MAX_COMMANDS: usize = 256;
/// Of pictures that are sent in several codecs, these are taken: what most players have comes first.
const PLAYABLE: &[Codec] = &[Codec::H264, Codec::H265, Codec::Vp9, Codec::Av1];
/// How often it looks at what came.
const LOOK: Duration = Duration::from_millis(20);
/// Pixels of a place that the best encoding fills, and the smallest.
const BEST: (u16, u16) = (u16::MAX, u16::MAX);
const SMALLEST: (u16, u16) = (1, 1);

/// The actor; see the module.
pub struct Packager<S: Shards> {
    id: HlsId,
    mailbox: Arc<Mailbox>,
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    requests: mpsc::Receiver<HlsCommand>,
    taker: Taker<RecordedTrackId>,
    lanes: Vec<(Lane, LineOptions)>,
    stream: Arc<Stream>,
    begun: Instant,
    watched: bool,
    over: bool,
}

/// What a stream is made of.
pub struct Parts<S> {
    pub id: HlsId,
    pub mailbox: Arc<Mailbox>,
    pub shards: S,
    pub inlet: Arc<Inlet>,
    pub packets: LeftPackets,
    pub requests: mpsc::Receiver<HlsCommand>,
    /// What players ask, and when its time began.
    pub stream: Arc<Stream>,
    pub begun: Instant,
}

impl<S: Shards> Packager<S> {
    /// Has no renditions yet.
    pub fn new(parts: Parts<S>) -> Self {
        Self {
            taker: Taker::new(parts.id.into(), Arc::clone(&parts.inlet)).preferring(PLAYABLE),
            id: parts.id,
            mailbox: parts.mailbox,
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            packets: parts.packets,
            requests: parts.requests,
            lanes: Vec::new(),
            stream: parts.stream,
            begun: parts.begun,
            watched: false,
            over: false,
        }
    }

    /// Whether it was closed or failed; it need not run again.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Does what is due, and gives when to be called next; `None` when woken.
    pub fn run(&mut self, now: Instant) -> Option<Instant> {
        self.outlet.send_backlog();
        while let Ok(command) = self.requests.try_recv() {
            self.take_command(now, command);
        }
        if self.stream.is_closed() {
            self.end();
        }
        let notes = self.inlet.take_notes();
        self.take_notes(notes);
        self.watch(now);
        self.take_packets(now);
        self.publish(now);
        self.tap(now);
        self.stream.expire(now);
        let busy = self.watched || self.outlet.is_behind();
        (busy && !self.over).then(|| now + LOOK)
    }

    fn take_command(&mut self, now: Instant, command: HlsCommand) {
        match command {
            HlsCommand::Add { rendition, kind, track, options } => {
                let line = Line::new(rendition, kind, options.clone());
                self.lanes.push((Lane::new(line, self.stream.shape().part), options));
                self.taker.attach(rendition, kind, Some(track));
                self.name_encoding(rendition);
            }
            HlsCommand::Remove { rendition } => self.remove(rendition),
            HlsCommand::Attach { rendition, track } => {
                let lane = self.lanes.iter_mut().find(|(lane, _)| lane.id() == rendition);
                let Some((lane, _)) = lane else { return };
                if self.taker.attach(rendition, lane.kind(), track) {
                    lane.begin_anew();
                    self.name_encoding(rendition);
                }
            }
            HlsCommand::Stats { request } => self.answer_stats(now, request),
        }
    }

    fn remove(&mut self, id: RecordedTrackId) {
        let Some(index) = self.lanes.iter().position(|(lane, _)| lane.id() == id) else { return };
        let (lane, _) = self.lanes.remove(index);
        self.stream.remove(id);
        self.taker.attach(id, lane.kind(), None);
    }

    /// Has the track of a rendition give the encoding that the rendition names.
    fn name_encoding(&mut self, id: RecordedTrackId) {
        let Some((_, options)) = self.lanes.iter().find(|(lane, _)| lane.id() == id) else {
            return;
        };
        if let EncodingChoice::Rid(rid) = &options.encoding {
            self.taker.name_encoding(id, rid);
        }
    }

    fn tell(&self, rendition: RecordedTrackId, error: HlsError) {
        self.mailbox.post(Event::RenditionError { rendition, error: error.into() });
    }

    fn answer_stats(&self, now: Instant, request: RequestId) {
        let (viewers, requests) = self.stream.audience(now);
        let stats = HlsStats {
            viewers,
            requests,
            packets_dropped: self.inlet.dropped(),
            renditions: self.lanes.iter().map(|(lane, _)| lane.stats(&self.stream)).collect(),
        };
        // Numbers and names always make JSON.
        let reply = serde_json::to_string(&stats).map_or(Reply::Done, Reply::Stats);
        self.mailbox.post(Event::Reply { request, result: Ok(reply) });
    }

    fn take_notes(&mut self, notes: Notes) {
        for (track, description) in notes.sources {
            self.described(track, description);
        }
        for ended in notes.ended {
            for track in self.taker.ended(ended) {
                self.described(track, None);
            }
        }
    }

    /// A rendition whose track is gone waits for another one.
    fn described(&mut self, track: SourceId, description: Option<Arc<SourceDescription>>) {
        for (place, _) in self.taker.described(track, description) {
            let lane = self.lanes.iter_mut().find(|(lane, _)| lane.id() == place);
            lane.into_iter().for_each(|(lane, _)| lane.begin_anew());
        }
    }

    fn watch(&mut self, now: Instant) {
        let watched = self.stream.is_watched(now) && !self.over;
        if watched == self.watched {
            return;
        }
        self.watched = watched;
        // Both ways: what is still on its way when it rests is no part of what comes then.
        let part = self.stream.shape().part;
        self.lanes.iter_mut().for_each(|(lane, _)| lane.rest(part));
        self.mailbox.post(Event::HlsWatched { hls: self.id, watched });
    }

    fn take_packets(&mut self, now: Instant) {
        let Self { packets, taker, lanes, watched, .. } = self;
        while let Some(packet) = packets.poll() {
            if !*watched {
                continue;
            }
            let to_reported = packet.to_reported;
            taker.receive(&packet, |input, packet| {
                let lane = lanes.iter_mut().find(|(lane, _)| lane.id() == input.place);
                lane.into_iter().for_each(|(lane, _)| lane.receive(now, packet, to_reported));
            });
        }
    }

    fn publish(&mut self, now: Instant) {
        if !self.watched {
            return;
        }
        let Self { lanes, stream, begun, .. } = self;
        let mut failed = Vec::new();
        for (lane, options) in lanes {
            let entry = |codec| entry(codec, options);
            if let Err(error) = lane.publish(now, *begun, entry, stream) {
                failed.push((lane.id(), error));
            }
        }
        for (id, error) in failed {
            self.remove(id);
            self.tell(id, error);
        }
    }

    /// Has the shards send what is watched, and nothing else.
    fn tap(&mut self, now: Instant) {
        let Self { taker, lanes, watched, stream, .. } = self;
        taker.update(now, |input| {
            let (_, options) = lanes.iter().find(|(lane, _)| lane.id() == input.place)?;
            watched.then_some(match input.kind {
                // Of sound there is no size.
                Kind::Audio => (0, 0),
                Kind::Video if options.encoding == EncodingChoice::Smallest => SMALLEST,
                Kind::Video => BEST,
            })
        });
        for (lane, _) in lanes.iter_mut().filter(|_| *watched) {
            if lane.wants_keyframe(now, stream) {
                taker.ask_for_keyframe(lane.id());
            }
        }
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
    }

    /// It is over: players are told.
    pub fn end(&mut self) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        self.stream.close();
        self.lanes.clear();
        self.taker.clear();
        for (shard, message) in self.taker.take_messages() {
            self.outlet.send(shard, message);
        }
        self.requests.close();
        while let Ok(command) = self.requests.try_recv() {
            if let HlsCommand::Stats { request } = command {
                let result = Err(HlsError::Closed.into());
                self.mailbox.post(Event::Reply { request, result });
            }
        }
    }

    /// It panicked.
    pub fn fail(&mut self) {
        if !self.over {
            self.mailbox.post(Event::HlsFailed { hls: self.id, error: HlsError::Failed.into() });
        }
        self.end();
    }
}

fn entry(codec: Codec, options: &LineOptions) -> TrackEntry {
    TrackEntry {
        codec,
        name: options.name.clone(),
        language: options.language.clone(),
        configuration: Configuration::default(),
        rotation: 0,
    }
}
