//! Tracks made a transport stream for whoever takes it: packets of shards in, payloads out. Does no I/O
//! and reads no clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Parts;
use crate::codec::Codec;
use crate::codec::Kind;
use crate::codec::frame::Assembler;
use crate::control::ids::SourceId;
use crate::control::ingest::OutputStats;
use crate::engine::tap::{Inlet, LeftPackets, Outlet, Shards, Taker};
use crate::ingest::ts::{Muxer, PACKET};

/// How long a packet that is missing is waited for.
const WINDOW: Duration = Duration::from_millis(200);
/// Whoever comes later begins at a keyframe.
const KEYFRAME_EVERY: Duration = Duration::from_secs(2);
/// Between two requests because somebody new is there.
const KEYFRAME_SOON: Duration = Duration::from_millis(500);
/// Of sound alone, how often it is said what it is.
const TABLES_EVERY: Duration = Duration::from_millis(500);
/// Packets of a payload, as all of live streams have it.
const PAYLOAD: usize = 7 * PACKET;
/// The best that there is.
const BEST: (u16, u16) = (u16::MAX, u16::MAX);

/// The actor; see the module.
pub struct StreamPush<S: Shards> {
    outlet: Outlet<S>,
    inlet: Arc<Inlet>,
    packets: LeftPackets,
    taker: Taker<Kind>,
    sound: Assembler,
    pictures: Assembler,
    has: [bool; 2],
    /// With the first picture, which says what they are.
    muxer: Option<(Option<Codec>, Muxer)>,
    /// What was captured then has the time 0.
    origin: Option<Instant>,
    /// The time that each kind had last, at 90 kHz.
    last: [u64; 2],
    asked: Option<Instant>,
    told: Option<Instant>,
    out: Vec<u8>,
    stats: OutputStats,
}

/// What is sent in one datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payload {
    pub data: Vec<u8>,
    /// A receiver can begin with it.
    pub begins: bool,
}

impl<S: Shards> StreamPush<S> {
    /// Takes nothing of its tracks before somebody wants it.
    pub fn new(parts: Parts<S>, audio: Option<SourceId>, video: Option<SourceId>) -> Self {
        let taker = Taker::new(parts.id.into(), Arc::clone(&parts.inlet));
        let mut taker = taker.preferring(&[Codec::H264, Codec::H265]);
        taker.attach(Kind::Audio, Kind::Audio, audio);
        taker.attach(Kind::Video, Kind::Video, video);
        Self {
            outlet: Outlet::new(parts.shards),
            inlet: parts.inlet,
            packets: parts.packets,
            taker,
            sound: Assembler::new(WINDOW),
            pictures: Assembler::new(WINDOW),
            has: [audio.is_some(), video.is_some()],
            muxer: None,
            origin: None,
            last: [0; 2],
            asked: None,
            told: None,
            out: Vec::new(),
            stats: OutputStats::default(),
        }
    }

    /// Somebody is there who has to begin.
    pub fn begin(&mut self, now: Instant) {
        let old = |at: Instant| now.saturating_duration_since(at) >= KEYFRAME_SOON;
        if self.asked.is_some_and(old) {
            self.asked = None;
        }
    }

    /// Takes what shards have left for it, and hands what is to be sent to `emit`.
    pub fn run(&mut self, now: Instant, wanted: bool, mut emit: impl FnMut(Payload)) {
        self.outlet.send_backlog();
        let notes = self.inlet.take_notes();
        let lost: Vec<_> = notes.ended.iter().flat_map(|ended| self.taker.ended(*ended)).collect();
        let lost = lost.into_iter().map(|track| (track, None));
        for (track, description) in notes.sources.into_iter().chain(lost) {
            let gone = description.is_none();
            for (kind, _) in self.taker.described(track, description) {
                match kind {
                    Kind::Audio => self.sound.reset(),
                    Kind::Video => self.pictures.reset(),
                }
                if gone && kind == Kind::Video {
                    self.end_pictures();
                }
            }
        }
        self.take_packets();
        self.push_pictures(now, &mut emit);
        self.push_sound(now, &mut emit);
        self.flush(&mut emit, false);
        self.tap(now, wanted);
    }

    /// Sound goes on alone, so that whoever comes later begins with it and not with a keyframe.
    fn end_pictures(&mut self) {
        self.has[1] = false;
        self.told = None;
        if let Some((codec, muxer)) = &mut self.muxer {
            *codec = None;
            muxer.end_pictures();
        }
    }

    fn take_packets(&mut self) {
        let Self { packets, taker, sound, pictures, muxer, .. } = self;
        let known = muxer.as_ref().and_then(|(codec, _)| *codec);
        while let Some(packet) = packets.poll() {
            taker.receive(&packet, |input, packet| match input.kind {
                Kind::Audio if packet.codec == Codec::Opus => {
                    packet.without_red().iter().for_each(|packet| sound.insert(packet));
                }
                Kind::Video
                    if matches!(packet.codec, Codec::H264 | Codec::H265)
                        && known.is_none_or(|codec| codec == packet.codec) =>
                {
                    pictures.insert(packet);
                }
                // Of a track that was something else when it was taken.
                _ => {}
            });
        }
    }

    fn push_pictures(&mut self, now: Instant, emit: &mut impl FnMut(Payload)) {
        while let Some(frame) = self.pictures.poll(now) {
            if self.muxer.is_none() && frame.keyframe {
                let [sound, _] = self.has;
                self.muxer = Some((Some(frame.codec), Muxer::new(Some(frame.codec), sound)));
            }
            let time = self.time(frame.captured, 1);
            if let Some((_, muxer)) = &mut self.muxer {
                if frame.keyframe {
                    flush(&mut self.out, &mut self.stats, emit, false);
                    muxer.tables(&mut self.out);
                }
                muxer.picture(time, &frame.parts.data, &mut self.out);
                self.stats.frames_sent += 1;
                flush(&mut self.out, &mut self.stats, emit, frame.keyframe);
            }
            self.pictures.give_back(frame.parts);
        }
    }

    fn push_sound(&mut self, now: Instant, emit: &mut impl FnMut(Payload)) {
        while let Some(frame) = self.sound.poll(now) {
            let [_, pictures] = self.has;
            if self.muxer.is_none() && !pictures {
                self.muxer = Some((None, Muxer::new(None, true)));
            }
            let time = self.time(frame.captured, 0);
            if let Some((codec, muxer)) = &mut self.muxer {
                let old = |at| now.saturating_duration_since(at) >= TABLES_EVERY;
                let begins = codec.is_none() && self.told.is_none_or(old);
                if begins {
                    flush(&mut self.out, &mut self.stats, emit, false);
                    self.told = Some(now);
                    muxer.tables(&mut self.out);
                }
                muxer.opus(time, &frame.parts.data, &mut self.out);
                self.stats.sounds_sent += 1;
                if begins {
                    flush(&mut self.out, &mut self.stats, emit, true);
                }
            }
            self.sound.give_back(frame.parts);
        }
    }

    fn flush(&mut self, emit: &mut impl FnMut(Payload), begins: bool) {
        flush(&mut self.out, &mut self.stats, emit, begins);
    }

    /// Ticks of 90 kHz, which never go back within a kind.
    fn time(&mut self, captured: Instant, kind: usize) -> u64 {
        let origin = *self.origin.get_or_insert(captured);
        let time = captured.saturating_duration_since(origin).as_micros() as u64 * 9 / 100;
        let last = &mut self.last[kind];
        *last = time.max(*last);
        *last
    }

    /// Has the shards send what is pushed, when somebody takes it.
    fn tap(&mut self, now: Instant, wanted: bool) {
        self.taker.update(now, |_| wanted.then_some(BEST));
        let due = self.asked.is_none_or(|at| now.saturating_duration_since(at) >= KEYFRAME_EVERY);
        if wanted && due {
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

    /// Takes nothing any more.
    pub fn finish(&mut self) {
        self.taker.clear();
        self.send_messages();
    }
}

/// Cuts what there is into payloads, of which the first one may be one to begin with.
fn flush(
    out: &mut Vec<u8>,
    stats: &mut OutputStats,
    emit: &mut impl FnMut(Payload),
    mut begins: bool,
) {
    for data in out.chunks(PAYLOAD) {
        stats.bytes_sent += data.len() as u64;
        emit(Payload { data: data.to_vec(), begins });
        begins = false;
    }
    out.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::packet::MadePacket;
    use crate::control::ids::{Ids, OutputId, ShardIndex};
    use crate::engine::message::ShardMessage;
    use crate::engine::tap::{Class, Made};
    use crate::ingest::ts::{Demuxer, Unit};
    use crate::sfu::EncodingIndex;

    const SHARD: ShardIndex = ShardIndex(0);

    struct Nobody;

    impl Shards for Nobody {
        fn send(&self, _: ShardIndex, _: ShardMessage) -> Result<(), ShardMessage> {
            Ok(())
        }
    }

    #[test]
    fn sound_goes_on_for_newcomers_when_the_track_of_pictures_is_gone() {
        let (ids, mut now) = (Ids::default(), Instant::now());
        let made = |codec, size| {
            let class = Class { codec, rung: 0, size, bitrate: 100_000, frame_rate: 50 };
            Made::new(now, SourceId::new(&ids, SHARD), &[class])
        };
        let mut sound = made(Codec::Opus, None);
        let pictures = made(Codec::H264, Some((320, 240)));
        let (inlet, packets) = Inlet::new(|| ());
        let id = OutputId::new(&ids, SHARD);
        let parts = Parts { id, shards: Nobody, inlet: Arc::clone(&inlet), packets };
        let mut push = StreamPush::new(parts, Some(sound.id()), Some(pictures.id()));
        for track in [&sound, &pictures] {
            inlet.described(track.id(), Some(track.description()));
        }
        push.run(now, true, |_| {});
        let mut sequence = 0;
        let mut speak = |now| {
            let packet = MadePacket {
                sequence,
                timestamp: sequence as u32 * 960,
                marker: false,
                codec: Codec::Opus,
                payload: [0xfc, 7].as_slice().into(),
                captured: now,
                audio_level: None,
            };
            sequence += 1;
            inlet.packet(&sound.packet(now, EncodingIndex(0), packet).unwrap());
        };
        let mut run = |frames: usize| {
            let mut payloads = Vec::new();
            for _ in 0..frames {
                now += Duration::from_millis(20);
                speak(now);
                push.run(now, true, |payload| payloads.push(payload));
            }
            payloads
        };
        assert_eq!(run(10), [], "a receiver begins with a keyframe, which comes yet");
        inlet.described(pictures.id(), None);
        let payloads = run(10);
        assert!(payloads.first().is_some_and(|payload| payload.begins));
        let (mut demuxer, mut sounds) = (Demuxer::default(), 0);
        for payload in payloads {
            demuxer
                .push(&payload.data, |unit| sounds += usize::from(matches!(unit, Unit::Sound(..))));
        }
        assert!(sounds >= 9, "{sounds} of 10");
    }
}
