//! What takes tracks and makes them beside peers: mixers, recorders, streams of HLS, players, and what
//! encoders push or servers are pushed.

use std::net::SocketAddr;
#[cfg(feature = "mcu")]
use std::sync::Arc;

use super::Engine;
use crate::codec::Kind;
#[cfg(feature = "mcu")]
use crate::control::conduit::Conduit;
use crate::control::error::EngineError;
use crate::control::hls::{HlsCommand, HlsOptions};
use crate::control::ids::{
    HlsId, IngestServerId, InputId, OutputId, PlayerId, RecordedTrackId, RecorderId, RequestId,
    SourceId,
};
#[cfg(feature = "mcu")]
use crate::control::ids::{MixerId, PortId};
use crate::control::ingest::{
    IngestCommand, OutputCommand, RtmpOutputOptions, RtmpServerOptions, SrtOutputOptions,
    SrtPullOptions, SrtServerOptions,
};
#[cfg(feature = "mcu")]
use crate::control::mixer::{MixerCommand, MixerOptions, PortOptions};
use crate::control::player::{PlayerCommand, PlayerOptions};
use crate::control::recorder::{LineOptions, RecorderCommand, RecorderOptions};
use crate::control::rtsp::{RtspCommand, RtspOptions};
#[cfg(feature = "mcu")]
use crate::control::snapshot;
#[cfg(feature = "mcu")]
use crate::control::stats::Shape;
#[cfg(feature = "mcu")]
use crate::host::mixing::{MixedTrackInfo, MixerInfo};
use crate::host::playback::Item;
#[cfg(feature = "mcu")]
use crate::queue::conduit::Weight;

impl Engine {
    /// Asks for a snapshot of one mixer.
    ///
    /// Errors: `QueueFull`, `Closed`.
    #[cfg(feature = "mcu")]
    pub fn mixer_stats(&self, request: RequestId, mixer: MixerId) -> Result<(), EngineError> {
        let collector = snapshot::collector(request, self.mailbox.clone(), Shape::Mixer);
        self.mixer(mixer, MixerCommand::Stats { collector })
    }

    /// Makes a mixer, with tracks that can be attached to at once.
    ///
    /// Errors: `InvalidArg`, `Limit`, `QueueFull`, `Io`.
    #[cfg(feature = "mcu")]
    pub fn create_mixer(&self, options: &MixerOptions) -> Result<MixerInfo, EngineError> {
        self.mixing.create(options)
    }

    /// Adds a font, for letters on the canvases of mixers made from then on that neither DejaVu
    /// Sans has nor a font added before.
    ///
    /// Errors: `InvalidArg` when it is none, or one too many.
    #[cfg(feature = "mcu")]
    pub fn add_font(&self, file: Vec<u8>) -> Result<(), EngineError> {
        self.mixing.add_font(file)
    }

    /// Makes a place in a mixer, with the track that it gets.
    ///
    /// Errors: `Limit`, `QueueFull`, `Closed`.
    #[cfg(feature = "mcu")]
    pub fn add_port(
        &self,
        mixer: MixerId,
        options: PortOptions,
    ) -> Result<(PortId, Option<MixedTrackInfo>), EngineError> {
        self.mixing.add_port(mixer, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    #[cfg(feature = "mcu")]
    pub fn mixer(&self, mixer: MixerId, command: MixerCommand) -> Result<(), EngineError> {
        self.mixing.command(mixer, command)
    }

    /// A queue between a mixer and JavaScript, bounded by the weight of what is in it.
    #[cfg(feature = "mcu")]
    pub fn conduit<T: Weight>(&self, mixer: MixerId, capacity: usize) -> Arc<Conduit<T>> {
        self.mixing.conduit(mixer, capacity)
    }

    /// Makes a recorder. The reply to `opening` says whether there is a file.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn create_recorder(
        &self,
        opening: RequestId,
        options: RecorderOptions,
    ) -> Result<RecorderId, EngineError> {
        self.recordings.create(opening, options)
    }

    /// For a line of a recording that is made next.
    pub fn recorded_track_id(&self) -> RecordedTrackId {
        self.recordings.line_id()
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn recorder(
        &self,
        recorder: RecorderId,
        command: RecorderCommand,
    ) -> Result<(), EngineError> {
        self.recordings.command(recorder, command)
    }

    /// Makes a stream of HLS.
    ///
    /// Errors: `Limit`, `InvalidArg` when another one has the name, `Io`.
    pub fn create_hls(&self, options: HlsOptions) -> Result<HlsId, EngineError> {
        self.streaming.create(options)
    }

    /// Adds a rendition to a stream of HLS, fed by a track. Players can ask for it when this returns.
    ///
    /// Errors: `Limit`, `QueueFull`, `Closed`.
    pub fn add_rendition(
        &self,
        hls: HlsId,
        kind: Kind,
        track: SourceId,
        options: LineOptions,
    ) -> Result<RecordedTrackId, EngineError> {
        self.streaming.add(hls, kind, track, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn hls(&self, hls: HlsId, command: HlsCommand) -> Result<(), EngineError> {
        self.streaming.command(hls, command)
    }

    /// Ends a stream of HLS.
    ///
    /// Errors: `Closed`.
    pub fn close_hls(&self, hls: HlsId) -> Result<(), EngineError> {
        self.streaming.close(hls)
    }

    /// What a player of HLS gets; the reply to `request` is the answer, when there is one.
    ///
    /// Errors: `Closed`.
    pub fn ask_hls(
        &self,
        hls: HlsId,
        path: &str,
        query: &str,
        request: RequestId,
    ) -> Result<(), EngineError> {
        self.streaming.ask(hls, path, query, request)
    }

    /// Serves all streams of HLS at an address of their own. Gives the address.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn listen_hls(&self, address: SocketAddr) -> Result<SocketAddr, EngineError> {
        self.streaming.listen(address)
    }

    /// Makes a player. The reply to `opening` says what its tracks are.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn create_player(
        &self,
        opening: RequestId,
        items: Vec<Item>,
        options: PlayerOptions,
    ) -> Result<PlayerId, EngineError> {
        self.playback.create(opening, items, options)
    }

    /// Adds files behind those that a player has.
    ///
    /// Errors: `Limit`, `QueueFull`, `Closed`.
    pub fn add_to_player(&self, player: PlayerId, items: Vec<Item>) -> Result<(), EngineError> {
        self.playback.add(player, items)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn player(&self, player: PlayerId, command: PlayerCommand) -> Result<(), EngineError> {
        self.playback.command(player, command)
    }

    /// Makes an RTMP server, which listens when this returns. Gives its address, with the port.
    ///
    /// Errors: `InvalidArg` with `options.tls.cert` or `options.tls.key`, `Listen`, `Limit`, `Io`.
    pub fn create_rtmp_server(
        &self,
        options: &RtmpServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        self.ingest.create(options)
    }

    /// Makes an SRT server, which listens when this returns. Gives its address, with the port.
    ///
    /// Errors: `Listen`, `Limit`, `Io`.
    pub fn create_srt_server(
        &self,
        options: &SrtServerOptions,
    ) -> Result<(IngestServerId, SocketAddr), EngineError> {
        self.ingest.create_srt(options)
    }

    /// Fetches an input by SRT. The reply to `opening` says whether it is there. Gives what commands to it
    /// go to, and the input.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn pull_srt(
        &self,
        opening: RequestId,
        options: &SrtPullOptions,
    ) -> Result<(IngestServerId, InputId), EngineError> {
        self.ingest.pull_srt(opening, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn ingest(
        &self,
        server: IngestServerId,
        command: IngestCommand,
    ) -> Result<(), EngineError> {
        self.ingest.command(server, command)
    }

    /// Fetches from a server by RTSP. The reply to `opening` says whether it sends.
    ///
    /// Errors: `InvalidArg` with `url`, `QueueFull`, `Closed`, `Io`.
    pub fn pull_rtsp(
        &self,
        opening: RequestId,
        options: RtspOptions,
    ) -> Result<InputId, EngineError> {
        self.fetching.create(opening, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn rtsp(&self, command: RtspCommand) -> Result<(), EngineError> {
        self.fetching.command(command)
    }

    /// Pushes tracks to an RTMP server. The reply to `opening` says whether it takes them.
    ///
    /// Errors: `Limit`, `Io`.
    pub fn create_rtmp_output(
        &self,
        opening: RequestId,
        options: &RtmpOutputOptions,
    ) -> Result<OutputId, EngineError> {
        self.outputs.create(opening, options)
    }

    /// Sends tracks by SRT to somebody, or to whoever calls. The reply to `opening` says when. Gives the
    /// port of this end.
    ///
    /// Errors: `Limit`, `Io`, `Listen`.
    pub fn create_srt_output(
        &self,
        opening: RequestId,
        options: &SrtOutputOptions,
    ) -> Result<(OutputId, u16), EngineError> {
        self.outputs.create_srt(opening, options)
    }

    /// Errors: `QueueFull`, `Closed`.
    pub fn output(&self, output: OutputId, command: OutputCommand) -> Result<(), EngineError> {
        self.outputs.command(output, command)
    }
}
