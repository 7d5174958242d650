//! Pictures as files. What nobody watches is not decoded, so that one that is asked for may have to
//! wait for a keyframe first.

use std::time::{Duration, Instant};

use super::error::MixerError;
use crate::control::event::{Event, Reply};
use crate::control::ids::RequestId;
use crate::control::mailbox::Mailbox;
use crate::control::mixer::SnapshotOptions;
use crate::mcu::video::{SnapshotFormat, Source, VideoMixer};

/// How long a port's first picture is waited for.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a canvas that nobody watched waits for the pictures of its ports.
const SETTLING: Duration = Duration::from_millis(700);
/// Snapshots that may wait; encoding them is work.
const MAX_WAITING: usize = 16;

/// Snapshots that wait for a picture, at most 16.
#[derive(Default)]
pub struct Snapshots(Vec<Waiting>);

struct Waiting {
    source: Source,
    options: SnapshotOptions,
    request: RequestId,
    asked: bool,
    /// Not before that.
    from: Instant,
    until: Instant,
}

impl Snapshots {
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `watched`: it is kept up to date anyway.
    pub fn ask(
        &mut self,
        now: Instant,
        source: Source,
        options: SnapshotOptions,
        request: RequestId,
        watched: bool,
    ) {
        let from = match source {
            Source::Canvas if !watched => now + SETTLING,
            _ => now,
        };
        self.0.push(Waiting {
            source,
            options,
            request,
            asked: false,
            from,
            until: now + PATIENCE,
        });
    }

    /// Answers those that can be, and those that waited too long.
    pub fn answer(&mut self, now: Instant, mixer: &mut VideoMixer, mailbox: &Mailbox) {
        let crowded = self.0.len().saturating_sub(MAX_WAITING);
        let mut place = 0;
        self.0.retain_mut(|waiting| {
            place += 1;
            // Asking is what keeps it up to date for a while.
            let asked = std::mem::replace(&mut waiting.asked, true);
            let Waiting { source, options, request, from, until, .. } = *waiting;
            if asked && now < from {
                return true;
            }
            let format = if options.png {
                SnapshotFormat::Png
            } else {
                SnapshotFormat::Jpeg { quality: options.quality }
            };
            let picture = mixer.snapshot(source, format, options.width);
            let result = match picture {
                _ if place <= crowded => Err(MixerError::SnapshotsWait(MAX_WAITING).into()),
                _ if now < from => return true,
                Ok(file) => Ok(Reply::Bytes(file)),
                Err(_) if now < until => return true,
                Err(error) => Err(MixerError::NoSnapshot(error).into()),
            };
            mailbox.post(Event::Reply { request, result });
            false
        });
    }

    /// Nobody will make them any more.
    pub fn refuse(&mut self, mailbox: &Mailbox) {
        for Waiting { request, .. } in self.0.drain(..) {
            let result = Err(MixerError::Closed.into());
            mailbox.post(Event::Reply { request, result });
        }
    }
}
