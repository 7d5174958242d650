//! Commands to mixers. Options come as JSON, checked, with every default filled in.

use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;
use napi::{Env, Result};
use napi_derive::napi;

use super::conduit::{NativeFrameConduit, NativePcmConduit};
use super::convert::{incoming_track_id, kind};
use super::endpoint::NativeEndpoint;
use crate::control::ids::{ConduitId, MixerId, PortId, RequestId};
use crate::control::json::parse;
use crate::control::mixer::{MixerCommand, Tapped};
use crate::host::MixedTrackInfo;
use crate::queue::conduit::Weight;

/// One encoding of a mixed track. `rid` only where there are several.
#[napi(object, object_from_js = false)]
pub struct NativeMixedEncoding {
    pub codec: &'static str,
    pub rid: Option<String>,
    pub ssrc: u32,
}

/// A track that a mixer makes.
#[napi(object, object_from_js = false)]
pub struct NativeMixedTrack {
    pub id: f64,
    pub encodings: Vec<NativeMixedEncoding>,
}

/// A new mixer. `audio` is the track in which everybody is heard, `video` the canvas.
#[napi(object, object_from_js = false)]
pub struct NativeMixer {
    pub id: f64,
    pub audio: Option<NativeMixedTrack>,
    pub video: Option<NativeMixedTrack>,
}

/// A new port. `audio` is what it gets: everybody but itself.
#[napi(object, object_from_js = false)]
pub struct NativePort {
    pub id: f64,
    pub audio: Option<NativeMixedTrack>,
}

impl From<MixedTrackInfo> for NativeMixedTrack {
    fn from(info: MixedTrackInfo) -> Self {
        let encodings = info.encodings.into_iter();
        Self {
            id: info.id.0 as f64,
            encodings: encodings
                .map(|(codec, rid, ssrc)| NativeMixedEncoding { codec: codec.name(), rid, ssrc })
                .collect(),
        }
    }
}

#[napi]
impl NativeEndpoint {
    /// Makes a mixer on a thread of the pool.
    #[napi(catch_unwind)]
    pub fn create_mixer(&self, env: Env, options: String) -> Result<NativeMixer> {
        let options = self.check(&env, parse(&options, "options"))?;
        let made = self.check(&env, self.running.engine.create_mixer(&options))?;
        Ok(NativeMixer {
            id: made.id.0 as f64,
            audio: made.audio.map(Into::into),
            video: made.video.map(Into::into),
        })
    }

    /// Adds a TrueType or OpenType font, for mixers that are made afterwards.
    #[napi(catch_unwind)]
    pub fn add_font(&self, env: Env, font: Uint8Array) -> Result<()> {
        self.check(&env, self.running.engine.add_font(font.to_vec()))
    }

    /// Adds a port to a mixer.
    #[napi(catch_unwind)]
    pub fn add_port(&self, env: Env, mixer: f64, options: String) -> Result<NativePort> {
        let options = self.check(&env, parse(&options, "options"))?;
        let added = self.running.engine.add_port(mixer_id(mixer), options);
        let (id, track) = self.check(&env, added)?;
        Ok(NativePort { id: id.0 as f64, audio: track.map(Into::into) })
    }

    /// Hears and shows a port in another way.
    #[napi(catch_unwind)]
    pub fn set_port(&self, env: Env, mixer: f64, port: f64, options: String) -> Result<()> {
        let options = self.check(&env, parse(&options, "options"))?;
        self.ask(&env, mixer, MixerCommand::SetPort { port: port_id(port), options })
    }

    /// Removes a port with its track.
    #[napi(catch_unwind)]
    pub fn remove_port(&self, env: Env, mixer: f64, port: f64) -> Result<()> {
        self.ask(&env, mixer, MixerCommand::RemovePort { port: port_id(port) })
    }

    /// Without a track nothing feeds the port.
    #[napi(catch_unwind)]
    pub fn attach_port(
        &self,
        env: Env,
        mixer: f64,
        port: f64,
        kind_name: String,
        track: Option<f64>,
    ) -> Result<()> {
        let kind = self.check(&env, kind(&kind_name))?;
        let (port, track) = (port_id(port), track.map(incoming_track_id));
        self.ask(&env, mixer, MixerCommand::Attach { port, kind, track })
    }

    /// Arranges the tiles anew.
    #[napi(catch_unwind)]
    pub fn set_layout(&self, env: Env, mixer: f64, layout: String) -> Result<()> {
        let layout = self.check(&env, parse(&layout, "layout"))?;
        self.ask(&env, mixer, MixerCommand::SetLayout { layout })
    }

    /// `color` is 0xRRGGBB, `picture` a JPEG or PNG that covers the canvas in its place.
    #[napi(catch_unwind)]
    pub fn set_background(
        &self,
        env: Env,
        request: u32,
        mixer: f64,
        color: u32,
        picture: Option<Uint8Array>,
    ) -> Result<()> {
        let (picture, request) = (picture.map(shared), RequestId(request));
        self.ask(
            &env,
            mixer,
            MixerCommand::SetBackground { colour: color.into(), picture, request },
        )
    }

    /// Replaces all overlays. `pictures` are JPEG or PNG files that they name by place.
    #[napi(catch_unwind)]
    pub fn set_overlays(
        &self,
        env: Env,
        request: u32,
        mixer: f64,
        overlays: String,
        pictures: Vec<Uint8Array>,
    ) -> Result<()> {
        let overlays = self.check(&env, parse(&overlays, "overlays"))?;
        let pictures = pictures.into_iter().map(shared).collect();
        let request = RequestId(request);
        self.ask(&env, mixer, MixerCommand::SetOverlays { overlays, pictures, request })
    }

    /// These ports come first on the canvas, whoever speaks. None unpins all.
    #[napi(catch_unwind)]
    pub fn pin(&self, env: Env, mixer: f64, ports: Vec<f64>) -> Result<()> {
        let ports = ports.into_iter().map(port_id).collect();
        self.ask(&env, mixer, MixerCommand::Pin { ports })
    }

    /// Without a port it is the canvas.
    #[napi(catch_unwind)]
    pub fn snapshot(
        &self,
        env: Env,
        request: u32,
        mixer: f64,
        port: Option<f64>,
        options: String,
    ) -> Result<()> {
        let options = self.check(&env, parse(&options, "options"))?;
        let (port, request) = (port.map(port_id), RequestId(request));
        self.ask(&env, mixer, MixerCommand::Snapshot { port, options, request })
    }

    /// Without a tone it falls silent.
    #[napi(catch_unwind)]
    pub fn set_tone(&self, env: Env, mixer: f64, port: f64, tone: Option<String>) -> Result<()> {
        let tone = tone.map(|tone| self.check(&env, parse(&tone, "tone"))).transpose()?;
        self.ask(&env, mixer, MixerCommand::SetTone { port: port_id(port), tone })
    }

    /// Without a file playing stops.
    #[napi(catch_unwind)]
    pub fn play_file(
        &self,
        env: Env,
        request: u32,
        mixer: f64,
        port: f64,
        file: Option<Uint8Array>,
        repeat: bool,
    ) -> Result<()> {
        let (file, request) = (file.map(shared), RequestId(request));
        self.ask(&env, mixer, MixerCommand::PlayFile { port: port_id(port), file, repeat, request })
    }

    /// `own`: what the port brings, else what it gets; without a port the mix. `capacity` in
    /// milliseconds.
    #[napi(catch_unwind)]
    pub fn read_pcm(
        &self,
        env: Env,
        mixer: f64,
        port: Option<f64>,
        own: bool,
        format: String,
        capacity: u32,
    ) -> Result<NativePcmConduit> {
        let format = self.check(&env, parse(&format, "options"))?;
        let tapped = match port.map(port_id) {
            None => Tapped::Mix,
            Some(port) if own => Tapped::OfPort(port),
            Some(port) => Tapped::ForPort(port),
        };
        let conduit = self.conduit(mixer, capacity);
        let command = MixerCommand::ReadPcm { tapped, format, conduit: Arc::clone(&conduit) };
        self.ask(&env, mixer, command)?;
        Ok(NativePcmConduit { conduit })
    }

    /// Sound to be heard at a port, in place of a track's. `capacity` in milliseconds.
    #[napi(catch_unwind)]
    pub fn write_pcm(
        &self,
        env: Env,
        mixer: f64,
        port: f64,
        capacity: u32,
    ) -> Result<NativePcmConduit> {
        let conduit = self.conduit(mixer, capacity);
        let (port, queue) = (port_id(port), Arc::clone(&conduit));
        self.ask(&env, mixer, MixerCommand::WritePcm { port, conduit: queue })?;
        Ok(NativePcmConduit { conduit })
    }

    /// Without a port it is the canvas. `capacity` in pictures.
    #[napi(catch_unwind)]
    pub fn read_frames(
        &self,
        env: Env,
        mixer: f64,
        port: Option<f64>,
        format: String,
        capacity: u32,
    ) -> Result<NativeFrameConduit> {
        let format = self.check(&env, parse(&format, "options"))?;
        let conduit = self.conduit(mixer, capacity);
        let (port, queue) = (port.map(port_id), Arc::clone(&conduit));
        self.ask(&env, mixer, MixerCommand::ReadFrames { port, format, conduit: queue })?;
        Ok(NativeFrameConduit { conduit })
    }

    /// Pictures to be shown at a port, in place of a track's. `capacity` in pictures.
    #[napi(catch_unwind)]
    pub fn write_frames(
        &self,
        env: Env,
        mixer: f64,
        port: f64,
        capacity: u32,
    ) -> Result<NativeFrameConduit> {
        let conduit = self.conduit(mixer, capacity);
        let (port, queue) = (port_id(port), Arc::clone(&conduit));
        self.ask(&env, mixer, MixerCommand::WriteFrames { port, conduit: queue })?;
        Ok(NativeFrameConduit { conduit })
    }

    /// Whether levels of a mixed track are wanted.
    #[napi(catch_unwind)]
    pub fn listen_mixed_levels(&self, env: Env, mixer: f64, id: f64, listen: bool) -> Result<()> {
        let command = MixerCommand::ListenLevels { track: incoming_track_id(id), listen };
        self.ask(&env, mixer, command)
    }

    /// Closes what `read_pcm`, `write_pcm`, `read_frames` or `write_frames` returned.
    #[napi(catch_unwind)]
    pub fn remove_conduit(&self, env: Env, mixer: f64, conduit: f64) -> Result<()> {
        let conduit = ConduitId(conduit as u64);
        self.ask(&env, mixer, MixerCommand::RemoveConduit { conduit })
    }

    /// The reply is the statistics of one mixer.
    #[napi(catch_unwind)]
    pub fn mixer_stats(&self, env: Env, request: u32, mixer: f64) -> Result<()> {
        let asked = self.running.engine.mixer_stats(RequestId(request), mixer_id(mixer));
        self.check(&env, asked)
    }

    /// Closes a mixer with its tracks, ports and conduits.
    #[napi(catch_unwind)]
    pub fn close_mixer(&self, env: Env, request: u32, mixer: f64) -> Result<()> {
        self.ask(&env, mixer, MixerCommand::Close { request: RequestId(request) })
    }

    fn ask(&self, env: &Env, mixer: f64, command: MixerCommand) -> Result<()> {
        self.check(env, self.running.engine.mixer(mixer_id(mixer), command))
    }

    fn conduit<T: Weight>(
        &self,
        mixer: f64,
        capacity: u32,
    ) -> Arc<crate::control::conduit::Conduit<T>> {
        self.running.engine.conduit(mixer_id(mixer), capacity as usize)
    }
}

fn mixer_id(id: f64) -> MixerId {
    MixerId(id as u64)
}

fn port_id(id: f64) -> PortId {
    PortId(id as u64)
}

fn shared(bytes: Uint8Array) -> Arc<[u8]> {
    Arc::from(&bytes[..])
}
