//! A tick: who is heard is chosen, played and summed up; mixes part and come together again.

use std::time::{Duration, Instant};

use super::{AudioMixer, Private};
use crate::mcu::audio::limiter::Limiter;
use crate::mcu::audio::loudness::AUDIBLE;
use crate::mcu::audio::options::{AudioTarget, CodecSet, TapSource};
use crate::mcu::audio::sink::AudioSink;
use crate::mcu::audio::target::Target;

impl AudioMixer {
    /// Makes 20 ms of every mix that is wanted. To be called every 20 ms; calls that come late are
    /// made up for by calling as often as was missed. After a longer pause the outputs' timestamps
    /// jump.
    pub fn tick(&mut self, now: Instant, sink: &mut impl AudioSink) {
        let now = self.clock.advance(now);
        if !self.is_wanted() {
            return;
        }
        self.select(now);
        self.play(now, sink);
        self.part();
        self.shared.take(&self.sum);
        self.mix_privates();
        // The limiter looks ahead.
        let captured =
            now.checked_sub(Duration::from_micros(Limiter::DELAY as u64 * 125 / 6)).unwrap_or(now);
        self.send(captured, sink);
        self.reunite();
        let silent = self.active.is_empty();
        self.quiet = if silent { self.quiet.saturating_add(1) } else { 0 };
    }

    fn select(&mut self, now: Instant) {
        self.candidates.clear();
        for &key in &self.active {
            if let Some(port) = self.ports.get_mut(&key)
                && !port.is_announcement()
            {
                self.candidates.push((key, port.loudness(now)));
                if let Some(speech) = port.take_speech() {
                    self.places.speaks(now, key, speech);
                }
            }
        }
        self.places.update(now, self.candidates.iter().copied());
    }

    /// Plays the ports that are heard, or have to be for another reason, and sums them up.
    fn play(&mut self, now: Instant, sink: &mut impl AudioSink) {
        self.sum.fill(0.0);
        self.mixed.clear();
        let channels = self.options.channels();
        let mut index = 0;
        while let Some(&key) = self.active.get(index) {
            let Some(port) = self.ports.get_mut(&key) else {
                self.active.swap_remove(index);
                continue;
            };
            let heard = self.places.contains(key) || port.is_announcement();
            if heard || port.must_play(now) {
                if port.play(now) {
                    sink.file_ended(key);
                }
                let taps = if port.taps > 0 { self.taps.as_mut_slice() } else { &mut [] };
                for tap in taps.iter_mut().filter(|tap| tap.source() == TapSource::Input(key)) {
                    tap.hear(port.frame(), channels, now, sink);
                }
                if heard || port.is_fading_out() {
                    port.apply_gain(heard);
                    add(&mut self.sum, port.frame());
                    self.mixed.push(key);
                }
                index += 1;
            } else {
                port.rest();
                if port.loudness(now) < AUDIBLE {
                    port.active = false;
                    self.active.swap_remove(index);
                } else {
                    index += 1;
                }
            }
        }
        for mut port in self.departing.drain(..) {
            port.play(now);
            port.apply_gain(false);
            add(&mut self.sum, port.frame());
        }
    }

    /// Who came into the mix and listens gets one without themselves. It begins as a copy of the
    /// shared one as that was before this tick, which they were not in.
    fn part(&mut self) {
        let Self { mixed, privates, shared, afresh, targets, taps, .. } = self;
        let has_listeners = |key| {
            let target = AudioTarget::Port(key);
            targets.get(&target).is_some_and(Target::is_wanted)
                || taps.iter().any(|tap| tap.source() == TapSource::Mix(target))
        };
        for key in mixed.iter().copied().filter(|key| has_listeners(*key)) {
            privates.entry(key).or_insert_with(|| Private {
                output: shared.clone(),
                afresh: *afresh,
                ending: false,
            });
        }
        privates.retain(|key, _| has_listeners(*key));
    }

    fn mix_privates(&mut self) {
        for (key, private) in &mut self.privates {
            self.without.copy_from_slice(&self.sum);
            if self.mixed.contains(key)
                && let Some(port) = self.ports.get(key)
            {
                for (sample, own) in self.without.iter_mut().zip(port.frame()) {
                    *sample -= own;
                }
                private.output.take(&self.without);
            } else {
                // The last of its voice is in the shared limiter still, and that may hold the gain
                // lower or higher: the private mix becomes the shared one within this tick.
                private.output.take(&self.without);
                private.output.fade_to(self.shared.signal());
                private.ending = true;
            }
        }
    }

    fn send(&mut self, captured: Instant, sink: &mut impl AudioSink) {
        let is_private = |target: &AudioTarget| match target {
            AudioTarget::Shared => None,
            AudioTarget::Port(key) => Some(*key).filter(|key| self.privates.contains_key(key)),
        };
        let shared = self
            .targets
            .iter()
            .filter(|(target, _)| is_private(target).is_none())
            .fold(CodecSet::EMPTY, |codecs, (_, target)| codecs.union(target.wanted));
        let encoded = self.shared.encode(shared, self.afresh);
        for (&name, target) in &mut self.targets {
            let private = match name {
                AudioTarget::Shared => None,
                AudioTarget::Port(key) => self.privates.get_mut(&key),
            };
            let Some(private) = private else {
                if name == AudioTarget::Shared {
                    target.stats.encodes += u64::from(!target.wanted.is_empty());
                }
                target.stats.limited_db = self.shared.limited();
                target.send(name, &encoded, &self.clock, captured, sink);
                continue;
            };
            let encoded = private.output.encode(target.wanted, private.afresh);
            private.afresh = false;
            target.stats.encodes += u64::from(!target.wanted.is_empty());
            target.stats.limited_db = private.output.limited();
            target.send(name, &encoded, &self.clock, captured, sink);
        }
        let channels = self.options.channels();
        for tap in &mut self.taps {
            let TapSource::Mix(target) = tap.source() else { continue };
            let private = match target {
                AudioTarget::Shared => None,
                AudioTarget::Port(key) => self.privates.get(&key),
            };
            let signal = private.map_or(&self.shared, |private| &private.output).signal();
            tap.hear(signal, channels, captured, sink);
        }
    }

    /// Who left the mix goes back to the shared one. If nobody listened to that, it goes on with
    /// their encoders; else its next packet is made so that it can follow another encoder's.
    fn reunite(&mut self) {
        self.afresh = false;
        for (_, private) in self.privates.extract_if(|_, private| private.ending) {
            self.shared.inherit(private.output);
            self.afresh = true;
        }
    }
}

/// Samples onto others.
fn add(sum: &mut [f32], samples: &[f32]) {
    for (sum, sample) in sum.iter_mut().zip(samples) {
        *sum += sample;
    }
}
