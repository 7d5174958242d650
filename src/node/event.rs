//! Events as plain objects: `type`, `id` of the object they concern, and what there is to say.

use bytes::Bytes;
use napi::bindgen_prelude::{BufferSlice, Null, Object};
use napi::{Env, Result};

use super::error;
use super::options::NativeChannelOptions;
use crate::codec::Codec;
use crate::control::error::EngineError;
use crate::control::event::{EncodingInfo, Event, IncomingTrackInfo, Reply};
use crate::control::http::HttpAnswer;
use crate::control::ids::SourceId;
use crate::control::ingest::InputTrackInfo;
use crate::control::layers::{BandwidthReport, EncodingDemand, ForwardedLayer};
use crate::control::recording::RecordingProgress;

/// Above this many bytes a message is handed over instead of copied: a finalizer costs more than
/// copying a small one.
const COPY_LIMIT: usize = 4 * 1024;

/// What concerns the endpoint itself: no id of anything is so small.
const ENDPOINT: u64 = 0;

pub(super) fn to_object<'env>(env: &'env Env, event: Event) -> Result<Object<'env>> {
    match event {
        Event::Reply { request, result } => reply(env, request.0, result),

        Event::ThreadEnded { ended, error } => {
            let mut object = failed(env, "threadEnded", ENDPOINT, &error)?;
            object.set("thread", u32::from(ended.shard.0))?;
            object.set("last", ended.last() as f64)?;
            Ok(object)
        }

        Event::Load { thread, busy, overloaded, layers } => {
            let mut object = about(env, "load", ENDPOINT)?;
            object.set("thread", thread)?;
            object.set("load", (f64::from(busy) * 1000.0).round() / 1000.0)?;
            object.set("overloaded", overloaded)?;
            object.set("layerShare", layers)?;
            Ok(object)
        }
        Event::TransportState { transport, state } => {
            let mut object = about(env, "transportState", transport.0)?;
            object.set("state", state.name())?;
            Ok(object)
        }
        Event::RtpRemote { transport, media, encoding, remote } => {
            let mut object = about(env, "rtpRemote", transport.0)?;
            object.set("media", media as u32)?;
            object.set("encoding", encoding as u32)?;
            object.set("address", remote.ip().to_string())?;
            object.set("port", remote.port())?;
            Ok(object)
        }
        Event::RtpWarning { transport, error } => failed(env, "rtpWarning", transport.0, &error),
        Event::NegotiationNeeded { transport } => about(env, "negotiationNeeded", transport.0),
        Event::TransportError { transport, error } => {
            failed(env, "transportError", transport.0, &error)
        }
        Event::Bandwidth { transport, report } => {
            let mut object = about(env, "bandwidth", transport.0)?;
            object.set("report", bandwidth(env, report)?)?;
            Ok(object)
        }
        Event::TransportClosed { transport, reason } => {
            closed(env, "transportClosed", transport.0, reason.name())
        }

        Event::IncomingTrack { transport, info } => {
            let mut object = about(env, "incomingTrack", transport.0)?;
            object.set("track", incoming_track(env, *info)?)?;
            Ok(object)
        }
        Event::IncomingTrackMuted { id, muted } => {
            let mut object = about(env, "incomingTrackMuted", id.0)?;
            object.set("muted", muted)?;
            Ok(object)
        }
        Event::IncomingTrackClosed { id, reason } => {
            closed(env, "incomingTrackClosed", id.0, reason.name())
        }
        Event::Encoding { id, encoding } => with_encoding(env, "encoding", id.0, Some(encoding)),
        Event::AudioLevel { id, level, voice } => {
            let mut object = about(env, "audioLevel", id.0)?;
            object.set("level", i32::from(level))?;
            object.set("voice", voice)?;
            Ok(object)
        }

        Event::TelephoneEvent { id, event, key, duration, volume } => {
            let mut object = about(env, "telephoneEvent", id.0)?;
            object.set("event", event)?;
            object.set("key", key.map(String::from))?;
            object.set("duration", duration.as_secs_f64() * 1000.0)?;
            object.set("volume", i32::from(volume))?;
            Ok(object)
        }
        Event::Demand { id, encodings } => {
            let mut object = about(env, "demand", id.0)?;
            let demands: Result<Vec<_>> = encodings.into_iter().map(|d| demand(env, d)).collect();
            object.set("encodings", demands?)?;
            Ok(object)
        }
        Event::Speaker { group, track } => with_track(env, "speaker", group.0, track),
        Event::Speaking { group, track, speaking } => {
            let mut object = with_track(env, "speaking", group.0, Some(track))?;
            object.set("speaking", speaking)?;
            Ok(object)
        }
        Event::SpeakerSlot { slot, track } => with_track(env, "speakerSlot", slot.0, track),

        Event::MixerSpeakers { mixer, ports } => {
            let mut object = about(env, "mixerSpeakers", mixer.0)?;
            object.set("ports", ports.iter().map(|port| port.0 as f64).collect::<Vec<_>>())?;
            Ok(object)
        }
        Event::MixerEffort { mixer, effort, late } => {
            let mut object = about(env, "mixerEffort", mixer.0)?;
            object.set("effort", effort)?;
            object.set("late", late.as_secs_f64() * 1000.0)?;
            Ok(object)
        }
        Event::MixerError { mixer, error } => failed(env, "mixerError", mixer.0, &error),
        Event::MixerClosed { mixer, reason } => closed(env, "mixerClosed", mixer.0, reason.name()),
        Event::PortFileEnded { port } => about(env, "portFileEnded", port.0),
        Event::RecorderProgress { recorder, progress } => {
            let mut object = about(env, "recorderProgress", recorder.0)?;
            object.set("progress", recording_progress(env, progress)?)?;
            Ok(object)
        }
        Event::RecorderFile { recorder, file } => {
            let mut object = about(env, "recorderFile", recorder.0)?;
            object.set("file", file.to_string_lossy().into_owned())?;
            Ok(object)
        }
        Event::RecordedTrackFormat { line, format } => {
            let mut object = about(env, "recordedTrackFormat", line.0)?;
            object.set("number", u32::from(format.number))?;
            object.set("codec", format.codec.name())?;
            if let Some((width, height)) = format.size {
                object.set("width", u32::from(width))?;
                object.set("height", u32::from(height))?;
            }
            Ok(object)
        }
        Event::RecordedTrackError { line, error } => {
            failed(env, "recordedTrackError", line.0, &error)
        }
        Event::RecorderError { recorder, error } => {
            failed(env, "recorderError", recorder.0, &error)
        }
        Event::RecorderClosed { recorder, reason, progress } => {
            let mut object = closed(env, "recorderClosed", recorder.0, reason.name())?;
            object.set("progress", recording_progress(env, progress)?)?;
            Ok(object)
        }
        Event::HlsWatched { hls, watched } => {
            let mut object = about(env, "hlsWatched", hls.0)?;
            object.set("watched", watched)?;
            Ok(object)
        }
        Event::RenditionError { rendition, error } => {
            failed(env, "renditionError", rendition.0, &error)
        }
        Event::HlsFailed { hls, error } => failed(env, "hlsFailed", hls.0, &error),
        Event::PlayerState { player, position } => {
            let mut object = about(env, "playerState", player.0)?;
            object.set("item", position.item as u32)?;
            object.set("position", position.position.as_secs_f64())?;
            object.set("duration", position.duration.map(|duration| duration.as_secs_f64()))?;
            object.set("playing", position.playing)?;
            Ok(object)
        }
        Event::PlayerItem { player, item, looped } => {
            let mut object = about(env, "playerItem", player.0)?;
            object.set("item", item as u32)?;
            object.set("looped", looped)?;
            Ok(object)
        }
        Event::PlayerEnded { player } => about(env, "playerEnded", player.0),
        Event::PlayerError { player, item, error } => {
            let mut object = failed(env, "playerError", player.0, &error)?;
            object.set("item", item.map(|item| item as u32))?;
            Ok(object)
        }
        Event::PlayerClosed { player, reason } => {
            closed(env, "playerClosed", player.0, reason.name())
        }
        Event::Conduit { id } => about(env, "conduit", id.0),
        Event::ConduitClosed { id } => about(env, "conduitClosed", id.0),

        Event::OutgoingTrackNegotiated { id, mid } => {
            let mut object = about(env, "outgoingTrackNegotiated", id.0)?;
            object.set("mid", mid)?;
            Ok(object)
        }
        Event::InputAsks { server, input, app, key, remote } => {
            let mut object = about(env, "inputAsks", server.0)?;
            object.set("input", input.0 as f64)?;
            object.set("app", app)?;
            object.set("key", key)?;
            object.set("address", remote.ip().to_canonical().to_string())?;
            object.set("port", remote.port())?;
            Ok(object)
        }
        Event::InputWithdrawn { server, input } => {
            let mut object = about(env, "inputWithdrawn", server.0)?;
            object.set("input", input.0 as f64)?;
            Ok(object)
        }
        Event::InputTrack { input, info } => {
            let mut object = about(env, "inputTrack", input.0)?;
            object.set("track", input_track(env, &info)?)?;
            Ok(object)
        }
        Event::InputMetadata { input, metadata } => {
            let mut object = about(env, "inputMetadata", input.0)?;
            object.set("metadata", metadata)?;
            Ok(object)
        }
        Event::InputState { input, state, error, delay } => {
            let mut object = about(env, "inputState", input.0)?;
            object.set("state", state.name())?;
            if let Some(error) = error {
                object.set("error", error::to_object(env, &error)?)?;
            }
            object.set("delay", delay.map(|delay| delay as f64))?;
            Ok(object)
        }
        Event::InputResolve { input, question, host } => {
            let mut object = about(env, "inputResolve", input.0)?;
            object.set("question", question)?;
            object.set("host", host)?;
            Ok(object)
        }
        Event::InputWarning { input, error } => failed(env, "inputWarning", input.0, &error),
        Event::InputStalled { input } => about(env, "inputStalled", input.0),
        Event::InputResumed { input } => about(env, "inputResumed", input.0),
        Event::InputTrackClosed { track } => about(env, "inputTrackClosed", track.0),
        Event::InputClosed { input, reason, error } => {
            let mut object = closed(env, "inputClosed", input.0, reason.name())?;
            if let Some(error) = error {
                object.set("error", error::to_object(env, &error)?)?;
            }
            Ok(object)
        }
        Event::OutputDisconnected { output, error } => {
            failed(env, "outputDisconnected", output.0, &error)
        }
        Event::OutputReconnected { output } => about(env, "outputReconnected", output.0),
        Event::OutputClosed { output, reason, error } => {
            let mut object = closed(env, "outputClosed", output.0, reason.name())?;
            if let Some(error) = error {
                object.set("error", error::to_object(env, &error)?)?;
            }
            Ok(object)
        }
        Event::IngestServerFailed { server, error } => {
            failed(env, "ingestServerFailed", server.0, &error)
        }
        Event::OutgoingTrackClosed { id, reason } => {
            closed(env, "outgoingTrackClosed", id.0, reason.name())
        }
        Event::TransponderEncoding { id, encoding } => {
            with_encoding(env, "transponderEncoding", id.0, encoding)
        }
        Event::TransponderLayer { id, layer, reason } => {
            let mut object = about(env, "transponderLayer", id.0)?;
            object.set("reason", reason.name())?;
            match layer {
                None => object.set("layer", Null)?,
                Some(layer) => object.set("layer", forwarded_layer(env, layer)?)?,
            }
            Ok(object)
        }
        Event::TransponderError { id, error } => failed(env, "transponderError", id.0, &error),

        Event::ChannelAnnounced { transport, id, options } => {
            let mut object = about(env, "channelAnnounced", transport.0)?;
            object.set("channel", id.0 as f64)?;
            object.set("options", NativeChannelOptions::from(*options))?;
            Ok(object)
        }
        Event::ChannelOpen { id } => about(env, "channelOpen", id.0),
        Event::ChannelMessage { id, binary, data } => {
            let mut object = about(env, "channelMessage", id.0)?;
            if binary {
                object.set("data", buffer(env, data)?)?;
            } else {
                // RFC 8831 6.6 wants UTF-8; a peer may send anything.
                object.set("data", String::from_utf8_lossy(&data).as_ref())?;
            }
            Ok(object)
        }
        Event::ChannelBufferedAmount { id, amount, accepted } => {
            let mut object = about(env, "channelBufferedAmount", id.0)?;
            object.set("amount", amount as f64)?;
            object.set("accepted", accepted as f64)?;
            Ok(object)
        }
        Event::ChannelBufferedAmountLow { id } => about(env, "channelBufferedAmountLow", id.0),
        Event::ChannelError { id, error } => failed(env, "channelError", id.0, &error),
        Event::ChannelClosed { id, reason } => closed(env, "channelClosed", id.0, reason.name()),
    }
}

fn recording_progress(env: &Env, progress: RecordingProgress) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    object.set("bytes", progress.bytes as f64)?;
    object.set("duration", progress.duration.as_secs_f64())?;
    object.set("framesDropped", progress.frames_dropped as f64)?;
    Ok(object)
}

fn about<'env>(env: &'env Env, name: &'static str, id: u64) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("type", name)?;
    object.set("id", id as f64)?;
    Ok(object)
}

fn closed<'env>(
    env: &'env Env,
    name: &'static str,
    id: u64,
    reason: &'static str,
) -> Result<Object<'env>> {
    let mut object = about(env, name, id)?;
    object.set("reason", reason)?;
    Ok(object)
}

fn failed<'env>(
    env: &'env Env,
    name: &'static str,
    id: u64,
    error: &EngineError,
) -> Result<Object<'env>> {
    let mut object = about(env, name, id)?;
    object.set("error", error::to_object(env, error)?)?;
    Ok(object)
}

fn reply(
    env: &Env,
    request: u32,
    result: std::result::Result<Reply, EngineError>,
) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    object.set("type", "reply")?;
    object.set("request", request)?;
    match result {
        Ok(Reply::Done) => {}
        Ok(Reply::Bytes(bytes)) => object.set("value", buffer(env, bytes.into())?)?,
        Ok(Reply::Http(answer)) => object.set("value", http_answer(env, answer)?)?,
        Ok(Reply::None) => object.set("value", Null)?,
        Ok(Reply::Seconds(seconds)) => object.set("value", seconds)?,
        Ok(Reply::Sdp(text) | Reply::Stats(text) | Reply::Player(text)) => {
            object.set("value", text)?
        }
        Err(error) => object.set("error", error::to_object(env, &error)?)?,
    }
    Ok(object)
}

fn http_answer(env: &Env, answer: HttpAnswer) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    object.set("status", answer.status)?;
    object.set("contentType", answer.content_type)?;
    object.set("cacheControl", answer.cache_control)?;
    object.set("body", buffer(env, answer.body)?)?;
    Ok(object)
}

fn names(codecs: &[Codec]) -> Vec<&'static str> {
    codecs.iter().map(|codec| codec.name()).collect()
}

fn incoming_track(env: &Env, info: IncomingTrackInfo) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    object.set("id", info.id.0 as f64)?;
    object.set("kind", info.kind.name())?;
    object.set("mid", info.mid)?;
    object.set("stream", info.stream)?;
    object.set("track", info.track)?;
    object.set("codecs", names(&info.codecs))?;
    object.set("rids", info.rids)?;
    object.set("reordered", info.reordered)?;
    Ok(object)
}

fn input_track<'env>(env: &'env Env, info: &InputTrackInfo) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("id", info.id.0 as f64)?;
    object.set("kind", info.kind.name())?;
    object.set("codec", info.codec.name())?;
    object.set("ssrc", info.ssrc)?;
    object.set("reordered", info.reordered)?;
    if let Some((width, height)) = info.size {
        object.set("width", u32::from(width))?;
        object.set("height", u32::from(height))?;
    }
    Ok(object)
}

fn bandwidth(env: &Env, report: BandwidthReport) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    object.set("available", report.available as f64)?;
    object.set("target", report.target as f64)?;
    match report.wanted {
        None => object.set("wanted", Null)?,
        Some(wanted) => object.set("wanted", wanted as f64)?,
    }
    object.set("fractionLost", report.fraction_lost)?;
    object.set("queueDelay", report.queue_delay)?;
    Ok(object)
}

fn demand(env: &Env, demand: EncodingDemand) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    set_rid(&mut object, demand.rid)?;
    object.set("wanted", demand.wanted)?;
    Ok(object)
}

fn forwarded_layer(env: &Env, layer: ForwardedLayer) -> Result<Object<'_>> {
    let mut object = Object::new(env)?;
    set_rid(&mut object, layer.rid)?;
    object.set("spatial", u32::from(layer.spatial))?;
    object.set("temporal", u32::from(layer.temporal))?;
    if let Some((width, height)) = layer.size {
        object.set("width", u32::from(width))?;
        object.set("height", u32::from(height))?;
    }
    if layer.frame_rate > 0.0 {
        object.set("frameRate", f64::from(layer.frame_rate))?;
    }
    object.set("bitrate", layer.bitrate as f64)?;
    Ok(object)
}

fn set_rid(object: &mut Object<'_>, rid: Option<String>) -> Result<()> {
    match rid {
        None => object.set("rid", Null),
        Some(rid) => object.set("rid", rid),
    }
}

fn with_track<'env>(
    env: &'env Env,
    name: &'static str,
    id: u64,
    track: Option<SourceId>,
) -> Result<Object<'env>> {
    let mut object = about(env, name, id)?;
    match track {
        None => object.set("track", Null)?,
        Some(track) => object.set("track", track.0 as f64)?,
    }
    Ok(object)
}

fn with_encoding<'env>(
    env: &'env Env,
    name: &'static str,
    id: u64,
    encoding: Option<EncodingInfo>,
) -> Result<Object<'env>> {
    let mut object = about(env, name, id)?;
    match encoding {
        None => object.set("encoding", Null)?,
        Some(info) => {
            let mut encoding = Object::new(env)?;
            set_rid(&mut encoding, info.rid)?;
            encoding.set("ssrc", info.ssrc)?;
            encoding.set("active", info.active)?;
            encoding.set("codec", info.codec.name())?;
            object.set("encoding", encoding)?;
            object.set("place", info.index)?;
        }
    }
    Ok(object)
}

fn buffer(env: &Env, data: Bytes) -> Result<BufferSlice<'_>> {
    if data.len() <= COPY_LIMIT {
        BufferSlice::copy_from(env, &data)
    } else {
        // Takes the memory over when nobody else holds it.
        BufferSlice::from_data(env, Vec::from(data))
    }
}
