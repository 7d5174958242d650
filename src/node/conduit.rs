//! Sound and pictures between a mixer and JavaScript.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::{BufferSlice, Int16Array, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;

use crate::control::conduit::{Conduit, Frame, Pcm};

/// Sound on its way to or from a mixer.
#[napi]
pub struct NativePcmConduit {
    pub(super) conduit: Arc<Conduit<Pcm>>,
}

/// Pictures on their way to or from a mixer.
#[napi]
pub struct NativeFrameConduit {
    pub(super) conduit: Arc<Conduit<Frame>>,
}

/// What does not depend on what crosses: classes of napi are not generic.
macro_rules! conduit {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// By which `remove_conduit` finds it.
            #[napi(getter, catch_unwind)]
            pub fn id(&self) -> f64 {
                self.conduit.id().0 as f64
            }

            /// What a slow reader lost.
            #[napi(getter, catch_unwind)]
            pub fn dropped(&self) -> f64 {
                self.conduit.dropped() as f64
            }

            /// Milliseconds of sound, or pictures.
            #[napi(getter, catch_unwind)]
            pub fn waiting(&self) -> f64 {
                self.conduit.waiting() as f64
            }

            /// Takes back what waits, and what the mixer has taken and not played.
            #[napi(catch_unwind)]
            pub fn clear(&self) {
                self.conduit.clear();
            }

            /// Nothing more is written. It closes when the mixer has taken what waits.
            #[napi(catch_unwind)]
            pub fn finish(&self) {
                self.conduit.finish();
            }
        }
    };
}

conduit!(NativePcmConduit);
conduit!(NativeFrameConduit);

#[napi]
impl NativePcmConduit {
    /// Milliseconds of what was written that are in the mix.
    #[napi(getter, catch_unwind)]
    pub fn played(&self) -> f64 {
        self.conduit.progress() as f64 / 1000.0
    }

    /// The next frame, if there is one: `samples`, and `timestamp` in milliseconds since 1970.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> Result<Option<Object<'env>>> {
        let Some(pcm) = self.conduit.take() else { return Ok(None) };
        let mut object = Object::new(env)?;
        object.set("timestamp", to_epoch(pcm.timestamp))?;
        object.set("samples", Int16Array::new(pcm.samples))?;
        Ok(Some(object))
    }

    /// False when there is no room.
    #[napi(catch_unwind)]
    pub fn offer(
        &self,
        samples: Int16Array,
        sample_rate: u32,
        channels: u8,
        timestamp: Option<f64>,
    ) -> bool {
        let timestamp = from_epoch(timestamp);
        self.conduit
            .offer(Pcm { samples: samples.to_vec(), sample_rate, channels, timestamp })
            .is_ok()
    }
}

#[napi]
impl NativeFrameConduit {
    /// The next picture, if there is one; `timestamp` in milliseconds since 1970.
    #[napi(catch_unwind)]
    pub fn take<'env>(&self, env: &'env Env) -> Result<Option<Object<'env>>> {
        let Some(frame) = self.conduit.take() else { return Ok(None) };
        let mut object = Object::new(env)?;
        object.set("timestamp", to_epoch(frame.timestamp))?;
        object.set("width", u32::from(frame.width))?;
        object.set("height", u32::from(frame.height))?;
        object.set("data", BufferSlice::from_data(env, frame.data)?)?;
        Ok(Some(object))
    }

    /// False when there is no room.
    #[napi(catch_unwind)]
    pub fn offer(
        &self,
        data: Uint8Array,
        rgba: bool,
        width: u16,
        height: u16,
        timestamp: Option<f64>,
    ) -> bool {
        let timestamp = from_epoch(timestamp);
        self.conduit.offer(Frame { data: data.to_vec(), rgba, width, height, timestamp }).is_ok()
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn to_epoch(moment: Instant) -> f64 {
    let ago = moment.elapsed().as_secs_f64();
    let ahead = moment.saturating_duration_since(Instant::now()).as_secs_f64();
    (since_1970().as_secs_f64() - ago + ahead) * 1000.0
}

/// A moment that is more than a minute away is taken for now.
fn from_epoch(milliseconds: Option<f64>) -> Instant {
    let now = Instant::now();
    let Some(milliseconds) = milliseconds.filter(|m| m.is_finite()) else { return now };
    let offset = milliseconds / 1000.0 - since_1970().as_secs_f64();
    if offset.abs() > 60.0 {
        return now;
    }
    let distance = Duration::from_secs_f64(offset.abs());
    let moment = if offset < 0.0 { now.checked_sub(distance) } else { now.checked_add(distance) };
    moment.unwrap_or(now)
}
