//! A tick: who has a tile is found, ports move on, the canvas is painted, encoded and handed on.

use std::time::Instant;

use super::VideoMixer;
use crate::mcu::video::arrange::{Cast, Member, arrange};
use crate::mcu::video::classes::{self, Class};
use crate::mcu::video::options::*;
use crate::mcu::video::sink::VideoSink;

/// What is asked for of a port that has no tile, but would have one if it had a picture.
const UNSEEN: Wanted = Wanted { width: 320, height: 180 };

impl VideoMixer {
    /// Makes the next picture of the canvas, and encodes and hands on what is wanted of it.
    pub fn tick(&mut self, now: Instant, sink: &mut impl VideoSink) {
        self.now = Some(now);
        let wanted = self.is_wanted(Some(now));
        if !wanted && !self.busy {
            return;
        }
        self.busy = wanted;
        self.ticks = self.ticks.wrapping_add(1);
        if self.effort >= Effort::HalfRate && self.ticks % 2 == 1 && wanted {
            return;
        }
        self.settle(now);
        self.tell_wanted(now, sink);
        self.advance(now, sink);
        if !wanted {
            return;
        }
        // A port that has its first picture, or has none any more, may change who has a tile.
        self.settle(now);
        let begun = sink.clock();
        self.paint(now);
        if let (Some(begun), Some(ended)) = (begun, sink.clock()) {
            self.canvas.stats().paint_time += ended.saturating_sub(begun);
        }
        self.encode(now, sink);
        self.offer_to_taps(now, sink);
    }

    pub(super) fn is_wanted(&self, now: Option<Instant>) -> bool {
        let soon = |until: Option<Instant>| until.is_some_and(|until| now < Some(until));
        self.canvas_is_wanted(now)
            || !self.taps.is_empty()
            || self.ports.values().any(|port| soon(port.looked_at))
    }

    fn canvas_is_wanted(&self, now: Option<Instant>) -> bool {
        self.classes.iter().any(Class::is_wanted)
            || self.taps.iter().any(|tap| tap.options.source == Source::Canvas)
            || self.looked_at.is_some_and(|until| now < Some(until))
    }

    /// Finds tiles, when who takes part changed.
    pub(super) fn settle(&mut self, now: Instant) {
        let members = self.order.iter().filter_map(|key| {
            let port = self.ports.get(key).filter(|port| port.is_member(now))?;
            Some(Member { port: *key, screen: port.options.screen })
        });
        if !self.unsettled && members.clone().eq(self.members.iter().copied()) {
            return;
        }
        self.unsettled = false;
        let members = members.collect();
        self.members = members;
        let cast = Cast { members: &self.members, pinned: &self.pinned, dominant: self.dominant };
        let placements = arrange(&self.layout, &cast, self.width, self.height);
        if placements != self.placements {
            self.placements = placements;
            self.canvas.set_items(&self.placements, &self.overlays);
        }
    }

    fn tell_wanted(&mut self, now: Instant, sink: &mut impl VideoSink) {
        let canvas = self.canvas_is_wanted(Some(now));
        for (key, port) in &mut self.ports {
            let mut wanted: Option<Wanted> = None;
            let mut add = |width: u16, height: u16| {
                let now = wanted.unwrap_or(Wanted { width, height });
                wanted =
                    Some(Wanted { width: now.width.max(width), height: now.height.max(height) });
            };
            if canvas {
                let tiles = self.placements.iter().filter(|placement| placement.port == *key);
                tiles.for_each(|placement| add(placement.rect.width, placement.rect.height));
                if port.options.visible && port.options.placeholder == Placeholder::Hide {
                    add(UNSEEN.width, UNSEEN.height);
                }
            }
            for tap in self.taps.iter().filter(|tap| tap.options.source == Source::Port(*key)) {
                let (width, height) = tap.options.size.unwrap_or((self.width, self.height));
                add(width, height);
            }
            if port.looked_at.is_some_and(|until| now < until) {
                add(self.width, self.height);
            }
            if port.wanted != wanted {
                port.wanted = wanted;
                port.input.set_active(wanted.is_some());
                sink.wanted(*key, wanted);
            }
        }
    }

    fn advance(&mut self, now: Instant, sink: &mut impl VideoSink) {
        // By what was agreed, not by what has passed: who is late must not take even longer.
        let turns = (25.0 / self.fps).ceil() as u32;
        for (key, port) in &mut self.ports {
            let begun = sink.clock();
            port.input.advance(now, turns, &mut self.pool);
            if let (Some(begun), Some(ended)) = (begun, sink.clock()) {
                port.input.count_time(ended.saturating_sub(begun));
            }
            if port.input.take_keyframe_request(now) {
                sink.keyframe_needed(*key);
            }
        }
    }

    pub(super) fn paint(&mut self, now: Instant) {
        let ports = &self.ports;
        self.canvas.paint(|key| ports.get(&key).map(|port| port.view(now)));
    }

    fn encode(&mut self, now: Instant, sink: &mut impl VideoSink) {
        let began = *self.began.get_or_insert(now);
        let elapsed = now.saturating_duration_since(began);
        let half = if self.effort >= Effort::HalfRate { 2.0 } else { 1.0 };
        let version = self.canvas.version();
        let (canvas, scaler) = self.canvas.picture_and_scaler();
        let input = classes::Input {
            canvas,
            version,
            now,
            timestamp: (elapsed.as_nanos() * 9 / 100_000) as u64,
            fps: self.fps / half,
            effort: self.effort,
            number: self.number,
        };
        for class in &mut self.classes {
            class.encode(&input, &mut self.rungs, scaler, &mut self.pool, sink);
        }
        self.rungs.tidy(&mut self.pool);
        self.number += 1;
    }

    fn offer_to_taps(&mut self, now: Instant, sink: &mut impl VideoSink) {
        let version = self.canvas.version();
        let (canvas, scaler) = self.canvas.picture_and_scaler();
        for tap in &mut self.taps {
            match tap.options.source {
                Source::Canvas => tap.offer(canvas, version, now, now, scaler, sink),
                Source::Port(key) => {
                    let shown = self.ports.get(&key).and_then(|port| port.input.shown(now));
                    if let Some(shown) = shown {
                        let (serial, captured) = (shown.serial, shown.captured);
                        tap.offer(&shown.picture, serial, captured, now, scaler, sink);
                    }
                }
            }
        }
    }
}
