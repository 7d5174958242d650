//! Writes a description of this side (RFC 8829 5.2, 5.3).

use std::fmt::Write;

use super::description::{Direction, MediaKind};
use super::local::{LocalLine, LocalPayload, LocalSession, PayloadName};
use crate::codec::names::Rid;
use crate::codec::{Codec, Kind};

/// Writes a description. `group` are the places of the lines that share a transport, in the order
/// in which `a=group:BUNDLE` names them.
pub fn write(session: &LocalSession, lines: &[&LocalLine], group: &[usize]) -> String {
    let transport = Transport::of(session);
    let mut out = String::with_capacity(256 + lines.len() * 2048);
    // A write into a string does not fail.
    let _ = text(session, lines, group, &transport, &mut out);
    out
}

/// What ICE and DTLS need, in each line that is not refused: which of them a peer looks at
/// depends on what else it refuses (RFC 9143 7.1.3, RFC 8829 5.3.1).
struct Transport {
    attributes: String,
    candidates: String,
}

impl Transport {
    fn of(session: &LocalSession) -> Self {
        let mut attributes =
            format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", session.ufrag, session.pwd);
        if !session.ice_options.is_empty() {
            let _ = write!(attributes, "a=ice-options:{}\r\n", session.ice_options);
        }
        let setup = session.setup.name();
        let _ = write!(attributes, "a=fingerprint:{}\r\na=setup:{setup}\r\n", session.fingerprint);
        let mut candidates = String::new();
        for candidate in &session.candidates {
            let _ = write!(candidates, "a={candidate}\r\n");
        }
        if !candidates.is_empty() {
            candidates.push_str("a=end-of-candidates\r\n");
        }
        Self { attributes, candidates }
    }
}

fn text(
    session: &LocalSession,
    lines: &[&LocalLine],
    group: &[usize],
    transport: &Transport,
    out: &mut String,
) -> std::fmt::Result {
    write!(
        out,
        "v=0\r\no=- {} {} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
        session.id, session.version
    )?;
    let named = group.iter().filter_map(|index| lines.get(*index)?.mid.as_ref());
    let mids: Vec<&str> = named.map(|mid| &**mid).collect();
    if session.group && !mids.is_empty() {
        write!(out, "a=group:BUNDLE {}\r\n", mids.join(" "))?;
    }
    if session.extmap_allow_mixed {
        out.push_str("a=extmap-allow-mixed\r\n");
    }
    let streams = lines.iter().filter_map(|line| line.sender.as_ref());
    if streams.count() > 0 {
        out.push_str("a=msid-semantic: WMS *\r\n");
    }
    if session.ice_lite {
        out.push_str("a=ice-lite\r\n");
    }
    for line in lines {
        section(session, line, transport, out)?;
    }
    Ok(())
}

fn section(
    session: &LocalSession,
    line: &LocalLine,
    transport: &Transport,
    out: &mut String,
) -> std::fmt::Result {
    let port = if line.stopped { 0 } else { 9 };
    write!(out, "m={} {port} {}", line.media, line.profile)?;
    if line.payloads.is_empty() || line.stopped {
        let formats = if line.formats.is_empty() { listed(line) } else { line.formats.clone() };
        write!(out, " {formats}")?;
    } else {
        for payload in line.payloads.iter() {
            write!(out, " {}", payload.pt)?;
        }
    }
    out.push_str("\r\nc=IN IP4 0.0.0.0\r\n");
    if line.stopped {
        // Without a group each line has a transport of its own, and GStreamer wants to know even
        // of a refused one with whom.
        if !session.group {
            out.push_str(&transport.attributes);
        }
        if let Some(mid) = &line.mid {
            write!(out, "a=mid:{mid}\r\n")?;
        }
        if let MediaKind::Rtp(_) = line.kind {
            out.push_str("a=inactive\r\n");
        }
        return Ok(());
    }
    if let Some(bitrate) = session.max_bitrate
        && line.kind == MediaKind::Rtp(Kind::Video)
        && line.direction.receives()
    {
        // RFC 3890 6.2, and RFC 8866 5.8 for those that know nothing newer.
        write!(out, "b=TIAS:{bitrate}\r\nb=AS:{}\r\n", bitrate.div_ceil(1000))?;
    }
    out.push_str(&transport.candidates);
    out.push_str(&transport.attributes);
    if let Some(mid) = &line.mid {
        write!(out, "a=mid:{mid}\r\n")?;
    }
    match line.kind {
        MediaKind::Rtp(kind) => media(line, kind, out),
        _ => application(session, line, out),
    }
}

/// Formats for a refused line that has none of the peer's: an m-line names at least one.
fn listed(line: &LocalLine) -> String {
    let pts: Vec<String> = line.payloads.iter().map(|payload| payload.pt.to_string()).collect();
    if pts.is_empty() { "0".into() } else { pts.join(" ") }
}

fn application(session: &LocalSession, line: &LocalLine, out: &mut String) -> std::fmt::Result {
    match line.sctpmap {
        Some(port) => write!(out, "a=sctpmap:{port} webrtc-datachannel 65535\r\n")?,
        None => out.push_str("a=sctp-port:5000\r\n"),
    }
    write!(out, "a=max-message-size:{}\r\n", session.max_message_size)
}

fn media(line: &LocalLine, kind: Kind, out: &mut String) -> std::fmt::Result {
    if line.extmap_allow_mixed {
        out.push_str("a=extmap-allow-mixed\r\n");
    }
    for extension in line.extensions.iter() {
        write!(out, "a=extmap:{}", extension.id)?;
        if extension.direction != Direction::SendRecv {
            write!(out, "/{}", extension.direction.name())?;
        }
        write!(out, " {}\r\n", extension.uri)?;
    }
    write!(out, "a={}\r\n", line.direction.name())?;
    // A line that sends nothing names no sources either: clients take SSRCs without a stream for
    // further tracks.
    if let Some(sender) = &line.sender {
        write!(out, "a=msid:{} {}\r\n", sender.stream, sender.track)?;
    }
    out.push_str("a=rtcp-mux\r\n");
    if line.rtcp_rsize {
        out.push_str("a=rtcp-rsize\r\n");
    }
    for payload in line.payloads.iter() {
        describe(payload, kind, out)?;
    }
    for rid in &line.rids {
        write!(out, "a=rid:{rid} recv\r\n")?;
    }
    if !line.simulcast.is_empty() {
        let alternative =
            |(rid, paused): &(Rid, bool)| format!("{}{rid}", if *paused { "~" } else { "" });
        let stream =
            |stream: &Vec<_>| stream.iter().map(alternative).collect::<Vec<String>>().join(",");
        let streams: Vec<String> = line.simulcast.iter().map(stream).collect();
        write!(out, "a=simulcast:recv {}\r\n", streams.join(";"))?;
    }
    if let Some(sender) = &line.sender {
        for ssrc in std::iter::once(sender.ssrc).chain(sender.rtx) {
            write!(out, "a=ssrc:{ssrc} cname:{}\r\n", sender.cname)?;
            write!(out, "a=ssrc:{ssrc} msid:{} {}\r\n", sender.stream, sender.track)?;
        }
        if let Some(rtx) = sender.rtx {
            write!(out, "a=ssrc-group:FID {} {rtx}\r\n", sender.ssrc)?;
        }
    }
    Ok(())
}

/// What `a=rtpmap`, `a=rtcp-fb` and `a=fmtp` say of a payload type.
fn describe(payload: &LocalPayload, kind: Kind, out: &mut String) -> std::fmt::Result {
    let pt = payload.pt;
    write!(out, "a=rtpmap:{pt} ")?;
    match payload.name {
        PayloadName::Media(codec) => out.push_str(rtpmap(codec)),
        PayloadName::Rtx { .. } if kind == Kind::Audio => out.push_str("rtx/48000"),
        PayloadName::Rtx { .. } => out.push_str("rtx/90000"),
        PayloadName::Red { .. } => out.push_str("red/48000/2"),
        PayloadName::TelephoneEvent { clock_rate } => write!(out, "telephone-event/{clock_rate}")?,
    }
    out.push_str("\r\n");
    for name in payload.feedback.names() {
        write!(out, "a=rtcp-fb:{pt} ")?;
        out.push_str(name);
        out.push_str("\r\n");
    }
    match payload.name {
        PayloadName::Rtx { apt } => write!(out, "a=fmtp:{pt} apt={apt}\r\n"),
        PayloadName::Red { of } => write!(out, "a=fmtp:{pt} {of}/{of}\r\n"),
        // Digits, `*`, `#`, A to D, and flash (RFC 4733 3.2).
        PayloadName::TelephoneEvent { .. } => write!(out, "a=fmtp:{pt} 0-16\r\n"),
        PayloadName::Media(_) if payload.fmtp.is_empty() => Ok(()),
        PayloadName::Media(_) => write!(out, "a=fmtp:{pt} {}\r\n", payload.fmtp),
    }
}

fn rtpmap(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus/48000/2",
        Codec::Pcmu => "PCMU/8000",
        Codec::Pcma => "PCMA/8000",
        // The clock is a mistake that stayed (RFC 3551 4.5.2).
        Codec::G722 => "G722/8000",
        Codec::Vp8 => "VP8/90000",
        Codec::Vp9 => "VP9/90000",
        Codec::H264 => "H264/90000",
        Codec::H265 => "H265/90000",
        Codec::Av1 => "AV1/90000",
    }
}
