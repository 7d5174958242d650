//! Streams that a description announces without asking for an answer: what ffmpeg and VLC write of
//! what they send, and what session announcements hold (RFC 8866).

use std::net::IpAddr;

use serde::Serialize;

use super::description::{Description, MediaKind, MediaSection};
use super::error::SdpError;
use super::feedback::Feedback;
use super::parse::parse;
use super::payload::{Meaning, Payload};
use crate::codec::{Kind, base64};

/// What one m-line announces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Announced {
    /// `audio` or `video`.
    pub kind: &'static str,
    /// Where it is sent (RFC 8866 5.7), if the description says so.
    pub address: Option<String>,
    /// Whose packets alone are those of a multicast address (RFC 4607, RFC 4570); empty: anybody's.
    pub sources: Vec<String>,
    pub port: u16,
    /// Another than the next one (RFC 3605).
    pub rtcp_port: Option<u16>,
    pub rtcp_mux: bool,
    /// The sender takes feedback (RFC 4585).
    pub feedback: bool,
    pub reduced_size: bool,
    /// Seen from the sender (RFC 8866 6.7).
    pub sends: bool,
    pub receives: bool,
    pub formats: Vec<AnnouncedFormat>,
    /// The first suite that is known.
    pub key: Option<AnnouncedKey>,
    /// SSRCs that are named (RFC 5576).
    pub ssrcs: Vec<u32>,
}

/// A payload type that means something here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnouncedFormat {
    pub payload_type: u8,
    pub encoding: String,
    pub parameters: String,
}

/// `a=crypto` (RFC 4568 9.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnouncedKey {
    pub tag: u32,
    pub suite: String,
    /// Key and salt in hexadecimal digits.
    pub key: String,
}

/// Sources of a group that are read.
const MAX_SOURCES: usize = 10;

/// Suites that are known (RFC 4568 6.2, RFC 6188 4, RFC 7714 14.2), with the bytes of key and salt.
const SUITES: [(&str, usize); 6] = [
    ("AES_CM_128_HMAC_SHA1_80", 30),
    ("AES_CM_128_HMAC_SHA1_32", 30),
    ("AES_256_CM_HMAC_SHA1_80", 46),
    ("AES_256_CM_HMAC_SHA1_32", 46),
    ("AEAD_AES_128_GCM", 28),
    ("AEAD_AES_256_GCM", 44),
];

/// Reads what a description announces of sound and pictures, refused lines left out.
///
/// # Errors
/// As [`parse`]; where an m-line has no payload type that is known, or is protected by what is not
/// known; where there is no m-line for sound or pictures.
pub fn announced(text: &str) -> Result<Vec<Announced>, SdpError> {
    let description = parse(text)?;
    let mut announced = Vec::new();
    for media in &description.media {
        let MediaKind::Rtp(kind) = media.kind else { continue };
        if !media.stopped() {
            announced.push(line(&description, media, kind)?);
        }
    }
    if announced.is_empty() {
        return Err(SdpError::whole("the SDP announces neither sound nor pictures over RTP"));
    }
    Ok(announced)
}

fn line(
    description: &Description<'_>,
    media: &MediaSection<'_>,
    kind: Kind,
) -> Result<Announced, SdpError> {
    let formats: Vec<AnnouncedFormat> =
        media.payloads.iter().filter_map(|payload| format(payload, kind)).collect();
    let carries = |payload: &Payload<'_>| matches!(payload.meaning(), Meaning::Media(_));
    if !media.payloads.iter().any(|payload| carries(payload) && format(payload, kind).is_some()) {
        let reason = "no payload type of this line is a codec that can be forwarded: opus, PCMU, PCMA \
                      or G722 for sound, VP8, VP9, H264, H265 or AV1 for pictures";
        return Err(SdpError::unacceptable(media.line, reason));
    }
    let secure = media.profile.contains("SAVP");
    let key = media.crypto.iter().find_map(key);
    if key.is_none() && (secure || !media.crypto.is_empty()) {
        let line = media.crypto.first().map_or(media.line, |(_, line)| *line);
        return Err(SdpError::unacceptable(
            line,
            "no `a=crypto` of this line has a suite and a key that are known (RFC 4568)",
        ));
    }
    let said = media.feedback.iter().copied();
    let of_formats = media.payloads.iter().flat_map(|payload| payload.feedback.iter().copied());
    let feedback = Feedback::parse(said.chain(of_formats));
    let asks = feedback.has(Feedback::NACK) || feedback.has(Feedback::PLI);
    let rtcp_port = media.rtcp.and_then(|rtcp| rtcp.split_whitespace().next()?.parse().ok());
    let address = media.connection.or(description.connection).and_then(address);
    let filter = media.source_filter.or(description.source_filter);
    Ok(Announced {
        kind: kind.name(),
        sources: filter.map(|filter| sources(filter, address)).unwrap_or_default(),
        address: address.map(|address| address.to_string()),
        port: media.port,
        rtcp_port: rtcp_port.filter(|port| Some(*port) != media.port.checked_add(1)),
        rtcp_mux: media.rtcp_mux || rtcp_port == Some(media.port),
        feedback: media.profile.contains("AVPF") || asks,
        reduced_size: media.rtcp_rsize,
        sends: media.direction.sends(),
        receives: media.direction.receives(),
        formats,
        key,
        ssrcs: media.sources.iter().map(|source| source.ssrc).collect(),
    })
}

fn format(payload: &Payload<'_>, kind: Kind) -> Option<AnnouncedFormat> {
    let known = match payload.meaning() {
        Meaning::Media(codec) => codec.kind() == kind && payload.parameters(codec).is_some(),
        Meaning::Rtx { .. } => false,
        Meaning::Red { .. } | Meaning::TelephoneEvent { .. } => kind == Kind::Audio,
        Meaning::Unknown => false,
    };
    let encoding = payload.encoding.filter(|_| known)?;
    let channels = encoding.channels.map(|channels| format!("/{channels}")).unwrap_or_default();
    Some(AnnouncedFormat {
        payload_type: payload.pt,
        encoding: format!("{}/{}{channels}", encoding.name, encoding.clock_rate),
        parameters: payload.fmtp.join(";"),
    })
}

/// Reads `c=` (RFC 8866 5.7): the address, without what follows it for multicast.
fn address(value: &str) -> Option<IpAddr> {
    let address = value.split_ascii_whitespace().nth(2)?;
    address.split('/').next()?.parse().ok()
}

/// Reads `a=source-filter: incl <net type> <address types> <destination> <sources>` (RFC 4570 3): the
/// addresses that may send to `group`. Host names are left out.
fn sources(filter: &str, group: Option<IpAddr>) -> Vec<String> {
    let mut words = filter.split_ascii_whitespace();
    let includes = words.next() == Some("incl");
    let destination = words.nth(2);
    let is_of_group = match (destination, group) {
        (Some("*"), _) => true,
        (Some(destination), Some(group)) => destination.parse() == Ok(group),
        _ => false,
    };
    let addresses = words.filter_map(|source| source.parse::<IpAddr>().ok());
    let addresses = addresses.take(MAX_SOURCES).map(|source| source.to_string());
    if includes && is_of_group { addresses.collect() } else { Vec::new() }
}

/// Reads `<tag> <suite> inline:<key and salt>[|lifetime][|MKI:length]` (RFC 4568 9.1).
fn key((value, _): &(&str, &str)) -> Option<AnnouncedKey> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next()?.parse().ok()?;
    let suite = words.next()?;
    let (_, length) = SUITES.into_iter().find(|(known, _)| *known == suite)?;
    let parameters = words.next()?.split(';').next()?;
    let mut parts = parameters.strip_prefix("inline:")?.split('|');
    let bytes = base64::decode(parts.next()?).filter(|bytes| bytes.len() == length)?;
    // Packets with an index of the key in them (MKI) are not read.
    let has_mki = parts.any(|part| part.contains(':'));
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    (!has_mki).then(|| AnnouncedKey { tag, suite: suite.to_owned(), key: digits.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FFMPEG: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
        a=tool:libavformat 59.27.100\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHw==,aM48gA==; profile-level-id=42C01F\r\n\
        m=audio 5006 RTP/AVP 97\r\nb=AS:64\r\na=rtpmap:97 opus/48000/2\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n";

    #[test]
    fn what_ffmpeg_writes_is_read() {
        let lines = announced(FFMPEG).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].kind, lines[0].port), ("video", 5004));
        assert_eq!(lines[0].address.as_deref(), Some("127.0.0.1"));
        assert_eq!(lines[0].formats[0].encoding, "H264/90000");
        assert!(lines[0].formats[0].parameters.contains("sprop-parameter-sets=Z0LAHw==,aM48gA=="));
        assert_eq!(lines[0].key, None);
        let key = lines[1].key.as_ref().unwrap();
        assert_eq!(key.suite, "AES_CM_128_HMAC_SHA1_80");
        assert!(key.key.starts_with("000102030405") && key.key.len() == 60);
        assert!(!lines[1].feedback && !lines[1].rtcp_mux);
    }

    #[test]
    fn one_payload_type_for_both_and_a_group_are_read_as_vlc_writes_them() {
        let vlc = "v=0\r\no=- 1 1 IN IP4 host\r\ns=Unnamed\r\nc=IN IP4 239.255.12.42/127\r\nt=0 0\r\n\
            a=recvonly\r\na=type:broadcast\r\nm=audio 5004 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n\
            a=rtcp:5005\r\nm=video 5006 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
            a=fmtp:96 packetization-mode=1;profile-level-id=64001f;sprop-parameter-sets=Z2QAHw==,aM4=;\r\n";
        let lines = announced(vlc).unwrap();
        assert_eq!(lines.iter().map(|l| l.formats[0].payload_type).collect::<Vec<_>>(), [96, 96]);
        assert_eq!(lines[1].address.as_deref(), Some("239.255.12.42"));
        assert_eq!(lines[0].rtcp_port, None, "the next one, as it would be anyway");
    }

    #[test]
    fn who_may_send_to_a_group_is_read_of_the_line_or_of_the_session() {
        let read = |filter: &str| {
            let session = FFMPEG.replace("c=IN IP4 127.0.0.1", "c=IN IP4 232.1.2.3/127");
            let of_session =
                session.replace("t=0 0\r\n", &format!("t=0 0\r\na=source-filter:{filter}\r\n"));
            announced(&of_session).unwrap()[0].sources.clone()
        };
        assert_eq!(read(" incl IN IP4 232.1.2.3 192.0.2.1 192.0.2.2"), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(read("incl IN IP4 * 192.0.2.1"), ["192.0.2.1"]);
        for other in [
            "excl IN IP4 * 192.0.2.1",
            "incl IN IP4 232.9.9.9 192.0.2.1",
            "incl",
            "incl IN IP4 * host",
        ] {
            assert!(read(other).is_empty(), "{other}");
        }
        assert_eq!(read(&format!("incl IN IP4 *{}", " 192.0.2.1".repeat(99))).len(), MAX_SOURCES);
        let line =
            FFMPEG.replace("a=fmtp:96", "a=source-filter: incl IN IP4 * 192.0.2.7\r\na=fmtp:96");
        let lines = announced(&line).unwrap();
        assert_eq!((lines[0].sources.len(), lines[1].sources.len()), (1, 0));
    }

    #[test]
    fn an_error_names_the_line() {
        let line = |from: &str, to: &str| {
            let error = announced(&FFMPEG.replace(from, to)).unwrap_err();
            error.line().map(str::to_owned)
        };
        let aac = line("opus/48000/2", "MPEG4-GENERIC/44100/2");
        assert_eq!(aac.as_deref(), Some("m=audio 5006 RTP/AVP 97"));
        let crypto =
            line("AES_CM_128_HMAC_SHA1_80 inline:AAEC", "AES_CM_128_HMAC_SHA1_80 inline:AA");
        assert!(crypto.unwrap().starts_with("a=crypto:1 AES_CM"));
        assert!(line("m=video 5004", "m=video x").unwrap().starts_with("m=video x"));
        assert!(announced("v=0\r\ns=-\r\nt=0 0\r\n").is_err());
    }
}
