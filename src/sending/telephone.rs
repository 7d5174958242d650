//! Keys of a telephone that are sent in between the sound of a track (RFC 4733 2.5.1).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Sending;
use super::error::SendingError;
use super::track::Burst;
use super::workspace::Workspace;
use crate::codec::format::{Carriage, Format, Red};
use crate::codec::telephone_event::TelephoneEvent;
use crate::codec::{Codec, Description, Kind};
use crate::control::command::KeyPress;
use crate::control::error::EngineError;
use crate::control::ids::{OutgoingTrackId, SourceId};
use crate::sfu::{EncodingIndex, Extensions, SourcePacket};

/// Between two packets of a key (RFC 4733 2.5.1.2).
const STEP: Duration = Duration::from_millis(20);
/// The last packet is sent this often, in case one gets lost (RFC 4733 2.5.1.4).
const LAST_PACKETS: u8 = 3;
/// Between two keys, as browsers leave it (W3C WebRTC 7.2).
const PAUSE: Duration = Duration::from_millis(70);
/// Keys of one track that may wait for those before.
const MAX_WAITING: usize = 64;

/// The keys of all tracks.
#[derive(Default)]
pub(super) struct Keys(Vec<Pressing>);

/// The keys of one track.
struct Pressing {
    track: OutgoingTrackId,
    /// The first key; timestamps count from here.
    since: Instant,
    waiting: VecDeque<KeyPress>,
    pressed: Option<Pressed>,
    /// Numbers of the packets, as a source of their own has them.
    sequence: u64,
    /// When there is something to do next.
    next: Instant,
}

/// A key that is down.
struct Pressed {
    key: KeyPress,
    at: Instant,
    /// Last packets that were sent.
    ended: u8,
}

/// What one packet of a key says.
struct KeyPacket {
    event: TelephoneEvent,
    marker: bool,
    sequence: u64,
    /// When the key went down, and its timestamp.
    at: Instant,
    timestamp: u32,
}

impl Keys {
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().map(|pressing| pressing.next).min()
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next().is_some_and(|next| next <= now)
    }

    fn press(&mut self, now: Instant, track: OutgoingTrackId, key: KeyPress) -> bool {
        let place = match self.0.iter().position(|pressing| pressing.track == track) {
            Some(place) => place,
            None => {
                self.0.push(Pressing {
                    track,
                    since: now,
                    waiting: VecDeque::new(),
                    pressed: None,
                    sequence: 0,
                    next: now,
                });
                self.0.len() - 1
            }
        };
        let waiting = &mut self.0[place].waiting;
        let room = waiting.len() < MAX_WAITING;
        if room {
            waiting.push_back(key);
        }
        room
    }
}

impl Pressing {
    /// The packet that is due, if any. `clock_rate` is that of the sound.
    fn packet(&mut self, now: Instant, clock_rate: u32) -> Option<KeyPacket> {
        if now < self.next {
            return None;
        }
        let begins = self.pressed.is_none();
        if begins {
            let key = self.waiting.pop_front()?;
            self.pressed = Some(Pressed { key, at: now, ended: 0 });
        }
        let (since, sequence) = (self.since, self.sequence);
        let Pressed { key, at, ended } = self.pressed.as_mut()?;
        let held = (now.saturating_duration_since(*at) + STEP).min(key.duration);
        let end = held == key.duration;
        let packet = KeyPacket {
            event: TelephoneEvent {
                event: key.event,
                end,
                volume: key.volume,
                duration: u16::try_from(ticks(held, clock_rate)).unwrap_or(u16::MAX),
            },
            marker: begins,
            sequence,
            at: *at,
            timestamp: ticks(at.saturating_duration_since(since), clock_rate),
        };
        self.sequence += 1;
        self.next = now + STEP;
        if end {
            *ended += 1;
            if *ended == LAST_PACKETS {
                self.pressed = None;
                self.next = now + PAUSE;
            }
        }
        Some(packet)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.pressed.is_none() && self.waiting.is_empty() && now >= self.next
    }
}

/// They wrap, as timestamps do.
fn ticks(time: Duration, clock_rate: u32) -> u32 {
    (time.as_micros() * u128::from(clock_rate) / 1_000_000) as u32
}

impl Sending {
    /// Presses a key on a track, after those that wait already.
    ///
    /// # Errors
    /// `ERR_INVALID_STATE` where the peer is not there or takes no keys on this track,
    /// `ERR_QUEUE_FULL` beyond 64 keys.
    pub fn press_key(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        key: KeyPress,
    ) -> Result<(), EngineError> {
        let there = self.reach.at(now) && self.egress.has_keys();
        let track = self.tracks.find_mut(id).filter(|track| track.sends());
        let Some(track) = track.filter(|_| there) else {
            return Err(SendingError::TrackSilent.into());
        };
        if track.kind != Kind::Audio || events_format(&track.formats, None).is_none() {
            return Err(SendingError::NoTelephoneEvent.into());
        }
        if !self.keys.press(now, id, key) {
            return Err(SendingError::KeysWait(MAX_WAITING).into());
        }
        Ok(())
    }

    /// Adds the packets of keys that are due to a burst.
    pub(super) fn send_keys(&mut self, now: Instant, workspace: &mut Workspace) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.0.retain_mut(|pressing| {
            let Some(place) = self.tracks.position(pressing.track) else { return false };
            let track = &mut self.tracks[place];
            let format = events_format(&track.formats, track.sent.codec);
            let Some((format, pt)) = format.filter(|_| track.sends()) else {
                track.transponder.end_interjection();
                return false;
            };
            let codec = format.codec;
            if let Some(packet) = pressing.packet(now, codec.clock_rate()) {
                let packet = Arc::new(source_packet(now, codec, pt, &packet));
                if let Some(forward) = track.transponder.interject(&packet) {
                    let carriage = Carriage { pt, red: Red::None, rtx: None };
                    let number = workspace.keep(Arc::clone(&packet));
                    let burst = &mut Burst { egress: &self.egress, workspace };
                    track.add(place, number, &packet, forward, carriage, burst);
                }
            }
            let over = pressing.is_over(now);
            if over {
                track.redundancy.end_segment();
                track.transponder.end_interjection();
            }
            !over
        });
        self.keys = keys;
    }

    /// The peer is not there: what was pressed is not heard.
    pub(super) fn release_keys(&mut self) {
        for pressing in std::mem::take(&mut self.keys).0 {
            if let Some(track) = self.tracks.find_mut(pressing.track) {
                track.transponder.end_interjection();
            }
        }
    }
}

/// A format of the receiver that has keys in between, the one that is sent before others.
fn events_format(formats: &[Format], sent: Option<&str>) -> Option<(Format, u8)> {
    let with_events = |format: &Format| format.events.map(|pt| (*format, pt));
    let sent = formats.iter().filter(|format| Some(format.codec.name()) == sent);
    sent.chain(formats).find_map(with_events)
}

fn source_packet(now: Instant, codec: Codec, pt: u8, packet: &KeyPacket) -> SourcePacket {
    SourcePacket {
        // Nobody's: it cannot be asked for again.
        track: SourceId(0),
        encoding: EncodingIndex(0),
        ssrc: 0,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        marker: packet.marker,
        codec,
        red: false,
        telephone_event: true,
        source_pt: pt,
        payload: packet.event.to_bytes().into(),
        arrival: now,
        captured: packet.at,
        to_reported: None,
        description: Description::default(),
        extensions: Extensions::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::error::ErrorCode;
    use crate::sending::testing::{OPUS_PT, Rig, description, format, seen};
    use crate::sfu::testing::Source;

    const EVENTS_PT: u8 = 110;

    fn rig() -> (Rig, OutgoingTrackId) {
        let mut rig = Rig::connected();
        let opus = Format { events: Some(EVENTS_PT), ..format(Codec::Opus, OPUS_PT) };
        let track = rig.track(1, opus);
        (rig, track)
    }

    fn five() -> KeyPress {
        KeyPress { event: 5, duration: Duration::from_millis(100), volume: 10 }
    }

    /// What leaves of keys within that time: each datagram and what it says.
    fn run(
        rig: &mut Rig,
        milliseconds: u64,
    ) -> Vec<(crate::sending::testing::Seen, TelephoneEvent)> {
        let mut all = Vec::new();
        for _ in 0..milliseconds {
            rig.wait(1);
            if rig.sending.has_paced(rig.now) {
                let burst = rig.burst(&[], &[]);
                let plain = rig.plain();
                all.extend(burst.iter().zip(plain).filter_map(|(datagram, plain)| {
                    Some((seen(datagram), TelephoneEvent::parse(&plain)?))
                }));
            }
        }
        all
    }

    #[test]
    fn a_key_grows_and_ends_three_times_under_one_timestamp() {
        let (mut rig, track) = rig();
        rig.sending.press_key(rig.now, track, five()).unwrap();
        let packets = run(&mut rig, 400);
        let durations: Vec<u16> = packets.iter().map(|(_, event)| event.duration).collect();
        assert_eq!(durations, [960, 1920, 2880, 3840, 4800, 4800, 4800]);
        let ends = packets.iter().filter(|(_, event)| event.end).count();
        assert_eq!(ends, 3);
        assert!(packets.iter().all(|(seen, event)| (seen.pt, event.event) == (EVENTS_PT, 5)));
        assert!(packets.iter().all(|(seen, _)| seen.timestamp == packets[0].0.timestamp));
        let markers: Vec<bool> = packets.iter().map(|(seen, _)| seen.marker).collect();
        assert_eq!(markers.iter().filter(|marker| **marker).count(), 1);
        assert!(markers[0]);
        assert_eq!(rig.sending.keys.next(), None, "nothing is left to do");
    }

    #[test]
    fn keys_follow_each_other_after_a_pause() {
        let (mut rig, track) = rig();
        for _ in 0..2 {
            rig.sending.press_key(rig.now, track, five()).unwrap();
        }
        let packets = run(&mut rig, 600);
        assert_eq!(packets.len(), 14);
        let apart = packets[7].0.timestamp.wrapping_sub(packets[0].0.timestamp);
        // 120 ms until the last packet, and the pause.
        assert!((9_000..9_500).contains(&apart), "{apart}");
    }

    #[test]
    fn sound_waits_for_the_key_and_goes_on_with_the_next_number() {
        let (mut rig, track) = rig();
        rig.feed(track, description(Codec::Opus, &[0]));
        let mut microphone = Source::new(Codec::Opus);
        let before = seen(&rig.forward(track, [microphone.packet()])[0]);
        rig.sending.press_key(rig.now, track, five()).unwrap();
        let first = run(&mut rig, 50);
        assert_eq!(rig.forward(track, [microphone.packet()]).len(), 0);
        let rest = run(&mut rig, 300);
        let after = seen(&rig.forward(track, [microphone.packet()])[0]);
        let keys = (first.len() + rest.len()) as u16;
        assert_eq!(after.sequence.wrapping_sub(before.sequence), keys + 1);
        assert!(after.timestamp.wrapping_sub(rest[0].0.timestamp) < 48_000);
    }

    #[test]
    fn who_takes_no_keys_gets_none() {
        let mut rig = Rig::connected();
        let track = rig.track(1, format(Codec::Opus, OPUS_PT));
        let error = rig.sending.press_key(rig.now, track, five()).unwrap_err();
        assert_eq!(error.code, ErrorCode::CodecMismatch);
        let gone = rig.sending.press_key(rig.now, OutgoingTrackId(9), five()).unwrap_err();
        assert_eq!(gone.code, ErrorCode::InvalidState);
    }

    #[test]
    fn so_many_keys_wait_and_no_more() {
        let (mut rig, track) = rig();
        for _ in 0..MAX_WAITING {
            rig.sending.press_key(rig.now, track, five()).unwrap();
        }
        let error = rig.sending.press_key(rig.now, track, five()).unwrap_err();
        assert_eq!(error.code, ErrorCode::QueueFull);
    }
}
