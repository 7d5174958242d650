//! Tracks pushed to a server by RTMP: frames in, bytes of a connection out.

use std::time::Instant;

use super::Parts;
use super::error::PushError;
use super::tracks::Tracks;
use crate::codec::{Codec, Kind};
use crate::control::ingest::{OutputStats, RtmpOutputOptions};
use crate::engine::tap::Shards;
use crate::ingest::flv::Muxer;
use crate::ingest::rtmp::{self, Client, ClientEvent};

/// Bytes that wait for the link until pictures are left out, and until it is given up.
const MAX_WAITING: usize = 2 << 20;
const HOPELESS: usize = 16 << 20;

/// The actor; see the module.
pub struct RtmpPush<S: Shards> {
    tracks: Tracks<S>,
    /// Where to: for the next connection.
    url: String,
    app: String,
    key: String,
    client: Client,
    muxer: Muxer,
    /// The time that each kind had last, in milliseconds.
    last: [u32; 2],
    /// Pictures are left out until a keyframe comes when there is room.
    behind: bool,
    stats: OutputStats,
}

impl<S: Shards> RtmpPush<S> {
    /// Takes nothing of its tracks before the server is ready.
    pub fn new(parts: Parts<S>, options: &RtmpOutputOptions) -> Self {
        Self {
            tracks: Tracks::new(parts, &[Codec::H264]),
            url: options.url.clone(),
            app: options.app.clone(),
            key: options.key.clone(),
            client: Client::new(&options.url, &options.app, &options.key),
            muxer: Muxer::default(),
            last: [0; 2],
            behind: false,
            stats: OutputStats::default(),
        }
    }

    /// The connection was lost: what follows is for another one, and its stream begins with a keyframe.
    pub fn begin_anew(&mut self) {
        self.client = Client::new(&self.url, &self.app, &self.key);
        self.muxer = Muxer::default();
        self.tracks.begin_anew();
        self.last = [0; 2];
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
        self.tracks.receive(|codec| codec == Codec::H264);
        self.push_sound(now);
        self.push_pictures(now, waiting <= MAX_WAITING / 2);
        self.tracks.tap(now, self.client.is_ready());
        let out = self.client.take_output();
        self.stats.bytes_sent += out.len() as u64;
        Ok(out)
    }

    fn push_sound(&mut self, now: Instant) {
        while let Some(frame) = self.tracks.poll(Kind::Audio, now) {
            // What was left for the connection before begins no stream.
            if self.client.is_ready() {
                let time = self.time(frame.captured, 0);
                let Self { muxer, client, .. } = self;
                let emit = |tag| client.send(rtmp::Kind::Audio, time, tag);
                muxer.opus(&frame.parts.data, emit);
                self.stats.sounds_sent += 1;
            }
            self.tracks.give_back(Kind::Audio, frame.parts);
        }
    }

    fn push_pictures(&mut self, now: Instant, room: bool) {
        while let Some(frame) = self.tracks.poll(Kind::Video, now) {
            let ready = self.client.is_ready();
            self.behind &= !(ready && frame.keyframe && room);
            if ready && self.behind {
                self.stats.frames_dropped += 1;
            } else if ready {
                let time = self.time(frame.captured, 1);
                let Self { muxer, client, .. } = self;
                let emit = |tag| client.send(rtmp::Kind::Video, time, tag);
                muxer.picture(&frame.parts.data, frame.keyframe, emit);
                self.stats.frames_sent += 1;
            }
            self.tracks.give_back(Kind::Video, frame.parts);
        }
    }

    /// Milliseconds, which never go back within a kind.
    fn time(&mut self, captured: Instant, kind: usize) -> u32 {
        let time = self.tracks.since_begin(captured).as_millis() as u32;
        let last = &mut self.last[kind];
        // Half of what there is: it has wrapped, after 49 days.
        if time.wrapping_sub(*last) < u32::MAX / 2 {
            *last = time;
        }
        *last
    }

    /// What it has done.
    pub fn stats(&self) -> &OutputStats {
        &self.stats
    }

    /// Takes nothing any more. Gives the last words to the server.
    pub fn finish(&mut self) -> Vec<u8> {
        self.tracks.leave();
        self.client.finish();
        self.client.take_output()
    }
}
