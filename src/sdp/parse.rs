//! Reads a description the way browsers do, or more leniently: what is not known is passed over,
//! wherever it stands (RFC 8866 5), and an error names its line. Every list has a bound and every
//! line is looked at once, so what a description costs grows with its length alone.

use std::collections::HashSet;

use super::attributes::{self, Budget};
use super::description::{Description, Direction, MediaKind, MediaSection, Transport};
use super::error::SdpError;
use super::lines::lines;
use super::payload::Payloads;
use super::{MAX_LINES, MAX_MEDIA, MAX_PAYLOAD_TYPES, MAX_SDP};
use crate::codec::Kind;

/// Reads a description.
///
/// # Errors
/// Where a line is none, where one that everything depends on cannot be read, and beyond the
/// bounds of [`MAX_SDP`], [`MAX_LINES`], [`MAX_MEDIA`] and [`MAX_PAYLOAD_TYPES`].
pub fn parse(text: &str) -> Result<Description<'_>, SdpError> {
    if text.len() > MAX_SDP {
        return Err(SdpError::TooLarge);
    }
    let mut description = Description::default();
    let mut direction = Direction::SendRecv;
    let mut budget = Budget::default();
    let mut payload_types = 0;
    for (number, line) in lines(text).enumerate() {
        if number >= MAX_LINES {
            return Err(SdpError::TooManyLines);
        }
        let Some((kind, value)) = field(line) else {
            return Err(SdpError::malformed(line, "a line of the form `<letter>=<value>`"));
        };
        match (kind, description.media.last_mut()) {
            (b'm', _) => {
                if description.media.len() >= MAX_MEDIA {
                    return Err(SdpError::TooManyMedia);
                }
                let media = media(line, value, direction)?;
                payload_types += media.payloads.len();
                if payload_types > MAX_PAYLOAD_TYPES {
                    return Err(SdpError::TooManyPayloadTypes);
                }
                description.media.push(media);
            }
            (b'a', Some(media)) => attributes::of_media(media, &mut budget, line, value)?,
            (b'a', None) => {
                attributes::of_session(&mut description, &mut direction, &mut budget, line, value)?;
            }
            (b'v', None) if value.trim() != "0" => {
                return Err(SdpError::malformed(line, "`v=0`, the only version there is"));
            }
            (b'c', Some(media)) => media.connection = media.connection.or(Some(value)),
            (b'c', None) => description.connection = Some(value),
            // Nothing depends on the rest, such as the times of `t=`, so browsers do not look at it.
            _ => {}
        }
    }
    mids_differ(&description)?;
    Ok(description)
}

/// Type and value of a line.
fn field(line: &str) -> Option<(u8, &str)> {
    let kind = *line.as_bytes().first().filter(|kind| kind.is_ascii_alphabetic())?;
    Some((kind, line.get(1..)?.strip_prefix('=')?))
}

/// Reads an m-line (RFC 8866 5.14).
fn media<'a>(
    line: &'a str,
    value: &'a str,
    direction: Direction,
) -> Result<MediaSection<'a>, SdpError> {
    let malformed = || SdpError::malformed(line, "`m=<media> <port> <protocol> <format> ...`");
    let (media, rest) = word(value);
    let (port, rest) = word(rest);
    let (profile, formats) = word(rest);
    let port = port.split('/').next().and_then(|port| port.parse().ok()).ok_or_else(malformed)?;
    if media.is_empty() || profile.is_empty() {
        return Err(malformed());
    }
    let kind = kind(media, profile);
    let payloads = match kind {
        MediaKind::Rtp(_) => Payloads::parse(formats),
        _ => Payloads::none(),
    };
    Ok(MediaSection {
        line,
        kind,
        media,
        port,
        profile,
        formats,
        mid: None,
        bundle_only: false,
        direction,
        transport: Transport::default(),
        connection: None,
        rtcp: None,
        source_filter: None,
        crypto: Vec::new(),
        rtcp_mux: false,
        rtcp_rsize: false,
        extmap_allow_mixed: false,
        payloads,
        feedback: Vec::new(),
        extensions: Vec::new(),
        msids: Vec::new(),
        sources: Vec::new(),
        source_groups: Vec::new(),
        rids: Vec::new(),
        simulcast: None,
        // Where there is no `a=sctpmap` either, as before RFC 8841.
        sctp_port: (kind == MediaKind::Application).then(|| formats.trim().parse().ok()).flatten(),
        max_message_size: None,
    })
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    match text.split_once(|c: char| c.is_ascii_whitespace()) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

fn kind(media: &str, profile: &str) -> MediaKind {
    let profile = profile.to_ascii_uppercase();
    let rtp = profile.contains("RTP/");
    if rtp && media.eq_ignore_ascii_case("audio") {
        MediaKind::Rtp(Kind::Audio)
    } else if rtp && media.eq_ignore_ascii_case("video") {
        MediaKind::Rtp(Kind::Video)
    } else if media.eq_ignore_ascii_case("application") && profile.contains("SCTP") {
        MediaKind::Application
    } else {
        MediaKind::Other
    }
}

/// An identification tag names one m-line (RFC 5888 6).
fn mids_differ(description: &Description<'_>) -> Result<(), SdpError> {
    let mut known = HashSet::new();
    for (mid, line) in description.media.iter().filter_map(|media| media.mid) {
        if !known.insert(mid) {
            return Err(SdpError::malformed(line, "another `a=mid` for each m-line"));
        }
    }
    Ok(())
}
