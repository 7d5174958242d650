//! One video track of a transport, and what has been decided for it.

use std::time::Instant;

use super::ladder::{Ladder, LadderBuilder, Preferences, Rung, Selection};
use super::layer::{Layer, LayerId};

/// Time constant of the average that a held rung's bitrate is.
const AVERAGE: f64 = 1.0;
/// An average this far below what is measured is not believed: the source has changed.
pub(super) const MAX_PEAK: f64 = 1.4;

/// Why a track is sent what it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// There is nothing better.
    Best,
    /// There is something better, but the application does not want it.
    Preferences,
    /// The link does not carry anything better.
    Bandwidth,
    /// What should be sent does not come from the sender at the moment.
    Unavailable,
    /// Nothing is sent: the link does not carry even the least.
    Paused,
    /// There is something better, but whoever sends has no time for it.
    Load,
}

/// One video track of a transport: what it can be sent, and what has been decided.
#[derive(Debug)]
pub struct Track {
    pub(super) ladder: Ladder,
    pub(super) forwarded: Option<u8>,
    pub(super) priority: u32,
    pub(super) pause_allowed: bool,
    pub(super) target: Option<Rung>,
    pub(super) desired: Option<Rung>,
    pub(super) reason: Reason,
    /// Has been part of an allocation.
    pub(super) known: bool,
    /// Whether a pass gave nothing although there was something to give.
    pub(super) target_paused: bool,
    pub(super) desired_paused: bool,
    /// Average bitrate of the target, as of `averaged`.
    pub(super) average: f64,
    pub(super) averaged: Option<Instant>,
    /// Value of the best that was held for some time.
    pub(super) proven: f32,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            forwarded: None,
            priority: 1,
            pause_allowed: true,
            target: None,
            desired: None,
            reason: Reason::Unavailable,
            known: false,
            target_paused: false,
            desired_paused: false,
            average: 0.0,
            averaged: None,
            proven: 0.0,
        }
    }
}

impl Track {
    /// Which encoding was forwarded before anything was measured: among equals it stays.
    pub fn forwards(&mut self, encoding: Option<u8>) {
        self.forwarded = encoding;
    }

    /// What is known of the source and wanted of the track, before an allocation.
    pub fn update(
        &mut self,
        builder: &mut LadderBuilder,
        layers: &[Layer],
        preferences: &Preferences,
        selection: &Selection,
    ) {
        let of_forwarded = || {
            let layers = layers.iter().filter(|layer| Some(layer.encoding) == self.forwarded);
            layers.max_by_key(|layer| layer.bitrate).map(Layer::id)
        };
        let held = self.target.map(|rung| rung.layer).or_else(of_forwarded);
        builder.build(layers, preferences, selection, held, &mut self.ladder);
        self.priority = preferences.priority.clamp(1, 100);
        self.pause_allowed = preferences.pause_allowed;
    }

    /// Leaves out what is above this share of the best bitrate, since it was updated; see
    /// [`Ladder::shed`].
    pub fn shed(&mut self, share: f64) {
        self.ladder.shed(share);
    }

    /// What it can be sent, as of the last update.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// What to send. `None`: nothing, for the reason given.
    pub fn target(&self) -> Option<LayerId> {
        self.target.map(|rung| rung.layer)
    }

    /// What would be sent if the sender sent everything; what to ask it for.
    pub fn desired(&self) -> Option<LayerId> {
        self.desired.map(|rung| rung.layer)
    }

    /// The target as it was measured at the last allocation.
    pub fn target_rung(&self) -> Option<&Rung> {
        self.target.as_ref()
    }

    /// Why the target is what it is.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Average over measured bitrate of what is held. It is applied to all rungs: the layers of one
    /// source rise and fall together.
    pub(super) fn average(&mut self, now: Instant) -> f64 {
        let measured = self
            .target
            .and_then(|target| self.ladder.position(target.layer))
            .map(|position| self.ladder.rungs()[position].bitrate as f64);
        let Some((measured, before)) = measured.zip(self.averaged.replace(now)) else {
            return 1.0;
        };
        let elapsed = now.saturating_duration_since(before).as_secs_f64();
        self.average += (measured - self.average) * elapsed / (elapsed + AVERAGE);
        self.average = self.average.max(measured / MAX_PEAK);
        // A ladder has no rung that costs nothing.
        self.average / measured
    }

    /// What is sent has lasted.
    pub(super) fn prove(&mut self) {
        self.proven = self.proven.max(self.target.map_or(0.0, |rung| rung.value));
    }

    /// Writes a decision down. Returns whether it is a new one.
    pub(super) fn decide(&mut self, target: Option<usize>, desired: Option<usize>) -> bool {
        let rungs = self.ladder.rungs();
        let some = |pass: Pass| rungs.iter().any(|rung| pass.takes(rung));
        let (sendable, desirable) = (some(Pass::Targets), some(Pass::Desires));
        let top = rungs.iter().rposition(|rung| !rung.stopgap);
        let comes = desired.is_none_or(|desired| rungs[desired].active);
        let reason = if target == top && target.is_some() {
            match (self.ladder.is_shed(), self.ladder.limited()) {
                (true, _) => Reason::Load,
                (false, true) => Reason::Preferences,
                (false, false) => Reason::Best,
            }
        } else if !sendable || !comes {
            Reason::Unavailable
        } else if target.is_none() {
            Reason::Paused
        } else {
            Reason::Bandwidth
        };
        let (target, desired) =
            (target.map(|index| rungs[index]), desired.map(|index| rungs[index]));
        let layer = |rung: Option<Rung>| rung.map(|rung| rung.layer);
        let same_target = layer(self.target) == layer(target);
        let same_desired = layer(self.desired) == layer(desired);
        self.target_paused = sendable && target.is_none();
        self.desired_paused = desirable && desired.is_none();
        (self.target, self.desired, self.reason, self.known) = (target, desired, reason, true);
        !same_target || !same_desired
    }
}

/// Which rungs a pass looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// What can be sent now.
    Targets,
    /// What would be sent if everything came.
    Desires,
}

impl Pass {
    pub(super) fn takes(self, rung: &Rung) -> bool {
        match self {
            Self::Targets => rung.active,
            Self::Desires => !rung.stopgap,
        }
    }
}
