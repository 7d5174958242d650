//! Keys of a telephone that the peer presses, told once each (RFC 4733).

use std::time::{Duration, Instant};

use super::EventPacket;
use crate::control::event::Event;

/// Without a packet for this long a key is up, although nothing said so. Packets come every 50 ms
/// (RFC 4733 2.5.1.2).
const LOST: Duration = Duration::from_millis(300);
/// Keys told in a burst, and each second after that. JavaScript hears of every one, and no finger
/// is as quick.
const BURST: f64 = 50.0;
const PER_SECOND: f64 = 25.0;

/// Makes one event of the packets of a key.
#[derive(Default)]
pub struct TelephoneEvents {
    /// The last key of each track.
    keys: Vec<Key>,
    /// What is left of the burst, and when that was.
    left: Option<(f64, Instant)>,
}

struct Key {
    latest: EventPacket,
    told: bool,
}

impl TelephoneEvents {
    /// Takes a packet of a key.
    pub fn receive(&mut self, packet: EventPacket, mut tell: impl FnMut(Event)) {
        let now = packet.arrival;
        let known = self.keys.iter().position(|key| key.latest.track == packet.track);
        let Some(place) = known else {
            let ended = packet.event.end;
            self.keys.push(Key { latest: packet, told: false });
            if ended {
                self.tell(now, self.keys.len() - 1, &mut tell);
            }
            return;
        };
        let key = &mut self.keys[place];
        let ahead = packet.timestamp.wrapping_sub(key.latest.timestamp) as i32;
        let restarted = packet.ssrc != key.latest.ssrc;
        if !restarted && (ahead < 0 || (ahead == 0 && packet.sequence <= key.latest.sequence)) {
            return;
        }
        if restarted || ahead > 0 {
            self.tell(now, place, &mut tell);
            self.keys[place] = Key { latest: packet, told: false };
        } else {
            key.latest = packet;
        }
        if self.keys[place].latest.event.end {
            self.tell(now, place, &mut tell);
        }
    }

    /// Tells of keys whose end got lost.
    pub fn poll(&mut self, now: Instant, mut tell: impl FnMut(Event)) {
        for place in 0..self.keys.len() {
            if now.saturating_duration_since(self.keys[place].latest.arrival) >= LOST {
                self.tell(now, place, &mut tell);
            }
        }
        self.keys.retain(|key| now.saturating_duration_since(key.latest.arrival) < 10 * LOST);
    }

    /// When [`TelephoneEvents::poll`] wants to be called.
    pub fn next(&self) -> Option<Instant> {
        let until = |key: &Key| key.latest.arrival + if key.told { 10 * LOST } else { LOST };
        self.keys.iter().map(until).min()
    }

    fn tell(&mut self, now: Instant, place: usize, tell: &mut impl FnMut(Event)) {
        let key = &mut self.keys[place];
        if std::mem::replace(&mut key.told, true) {
            return;
        }
        let EventPacket { track, clock_rate, event, .. } = key.latest;
        let duration = Duration::from_secs(1) * u32::from(event.duration) / clock_rate.max(1);
        let (left, since) = self.left.unwrap_or((BURST, now));
        let earned = now.saturating_duration_since(since).as_secs_f64() * PER_SECOND;
        let left = (left + earned).min(BURST);
        self.left = Some((if left >= 1.0 { left - 1.0 } else { left }, now));
        if left >= 1.0 {
            tell(Event::TelephoneEvent {
                id: track,
                event: event.event,
                key: event.key(),
                duration,
                volume: -i8::try_from(event.volume).unwrap_or(i8::MAX),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::telephone_event::TelephoneEvent;
    use crate::control::ids::SourceId;
    use crate::sfu::EncodingIndex;

    const MS: Duration = Duration::from_millis(1);

    struct Phone {
        events: TelephoneEvents,
        start: Instant,
        sequence: u64,
        told: Vec<(u8, Option<char>, Duration, i8)>,
    }

    fn phone() -> Phone {
        Phone {
            events: TelephoneEvents::default(),
            start: Instant::now(),
            sequence: 0,
            told: Vec::new(),
        }
    }

    impl Phone {
        fn send(&mut self, at: u64, timestamp: u32, event: u8, duration: u16, end: bool) {
            self.sequence += 1;
            let packet = EventPacket {
                track: SourceId(1),
                encoding: EncodingIndex(0),
                ssrc: 7,
                sequence: self.sequence,
                timestamp,
                marker: false,
                clock_rate: 8000,
                event: TelephoneEvent { event, end, volume: 10, duration },
                arrival: self.start + MS * at as u32,
            };
            let told = &mut self.told;
            self.events.receive(packet, |event| told.push(fields(event)));
        }

        fn poll(&mut self, at: u64) {
            let told = &mut self.told;
            self.events.poll(self.start + MS * at as u32, |event| told.push(fields(event)));
        }
    }

    fn fields(event: Event) -> (u8, Option<char>, Duration, i8) {
        match event {
            Event::TelephoneEvent { event, key, duration, volume, .. } => {
                (event, key, duration, volume)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_is_told_once_with_how_long_it_was_down() {
        let mut phone = phone();
        phone.send(0, 0, 5, 400, false);
        phone.send(50, 0, 5, 800, false);
        for at in [100, 101, 102] {
            phone.send(at, 0, 5, 1200, true);
        }
        assert_eq!(phone.told, [(5, Some('5'), 150 * MS, -10)]);
    }

    #[test]
    fn a_key_whose_end_got_lost_is_told_with_the_next_or_after_a_while() {
        let mut phone = phone();
        phone.send(0, 0, 1, 400, false);
        phone.send(200, 1600, 11, 400, false);
        assert_eq!(phone.told, [(1, Some('1'), 50 * MS, -10)]);
        phone.poll(400);
        assert_eq!(phone.told.len(), 1);
        phone.poll(500);
        assert_eq!(phone.told[1], (11, Some('#'), 50 * MS, -10));
    }

    #[test]
    fn what_comes_late_tells_nothing_new() {
        let mut phone = phone();
        phone.send(0, 0, 1, 400, true);
        phone.send(100, 800, 2, 400, true);
        phone.send(101, 0, 1, 400, true);
        assert_eq!(phone.told.len(), 2);
    }

    #[test]
    fn no_more_keys_are_told_than_fingers_press() {
        let mut phone = phone();
        for n in 0..1000 {
            phone.send(0, n * 800, 1, 400, true);
        }
        assert_eq!(phone.told.len(), BURST as usize);
    }
}
