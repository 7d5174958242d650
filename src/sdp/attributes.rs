//! What each `a=` line says (RFC 8866 5.13). Lines that others depend on are errors when they
//! cannot be read; all others are passed over.

use super::description::{
    Description, Direction, ExtensionMap, Fingerprint, MediaKind, MediaSection, Msid, Setup,
    Source, SourceGroup, Transport,
};
use super::error::SdpError;
use super::payload::{self, MAX_LINES};
use super::simulcast::{self, MAX_RIDS};
use super::{MAX_CANDIDATES, MAX_MEDIA, MAX_SOURCE_LINES};

/// Most `a=group:BUNDLE` of a description.
const MAX_GROUPS: usize = 16;
/// Bytes of the longest digest that a fingerprint may have.
const LONGEST_DIGEST: usize = 64;
/// Most fingerprints of all m-lines together: two for each.
const MAX_ALL_FINGERPRINTS: usize = 2 * MAX_MEDIA;
/// Most fingerprints, and MSIDs, of one m-line.
const MAX_FINGERPRINTS: usize = 16;
const MAX_MSIDS: usize = 16;
/// Most header extensions of one m-line. More than the 14 of the one-byte form are rare.
const MAX_EXTENSIONS: usize = 64;
/// Most SSRCs, groups of them, and SSRCs of a group, of one m-line.
const MAX_SOURCES: usize = 64;
const MAX_GROUP_SOURCES: usize = 16;
/// Longest user name fragment and password (RFC 8839 5.4).
const MAX_CREDENTIAL: usize = 256;

/// What a description may still bring.
pub(super) struct Budget {
    candidates: usize,
    source_lines: usize,
    fingerprints: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            candidates: MAX_CANDIDATES,
            source_lines: MAX_SOURCE_LINES,
            fingerprints: MAX_ALL_FINGERPRINTS,
        }
    }
}

/// Takes one if there is one left.
fn spend(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// Name and value of an attribute; no value is an empty one.
fn attribute(value: &str) -> (&str, &str) {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    (name.trim(), value.trim())
}

/// Reads an attribute of the session.
pub(super) fn of_session<'a>(
    description: &mut Description<'a>,
    direction: &mut Direction,
    budget: &mut Budget,
    line: &'a str,
    attribute_text: &'a str,
) -> Result<(), SdpError> {
    let (name, value) = attribute(attribute_text);
    match name {
        "group" => {
            let mut words = value.split_ascii_whitespace();
            if words.next() == Some("BUNDLE") && description.bundles.len() < MAX_GROUPS {
                description.bundles.push(words.take(MAX_MEDIA).collect());
            }
        }
        "extmap-allow-mixed" => description.extmap_allow_mixed = true,
        "source-filter" => {
            description.source_filter = description.source_filter.or(Some(value));
        }
        "extmap" => push_extension(&mut description.extensions, value),
        _ => {
            if let Some(all) = Direction::from_name(name) {
                *direction = all;
            } else {
                of_transport(&mut description.transport, budget, line, name, value)?;
            }
        }
    }
    Ok(())
}

/// Reads an attribute of an m-line. Those of a refused line need not make sense; whether it is
/// one shows only after all of them, because of `a=bundle-only`.
pub(super) fn of_media<'a>(
    media: &mut MediaSection<'a>,
    budget: &mut Budget,
    line: &'a str,
    attribute_text: &'a str,
) -> Result<(), SdpError> {
    match read_media(media, budget, line, attribute_text) {
        Err(_) if media.port == 0 => Ok(()),
        result => result,
    }
}

fn read_media<'a>(
    media: &mut MediaSection<'a>,
    budget: &mut Budget,
    line: &'a str,
    attribute_text: &'a str,
) -> Result<(), SdpError> {
    let (name, value) = attribute(attribute_text);
    match name {
        "mid" => {
            if value.is_empty() || value.contains(|c: char| c.is_ascii_whitespace()) {
                return Err(SdpError::malformed(line, "`a=mid:<token>`"));
            }
            media.mid.get_or_insert((value, line));
        }
        "bundle-only" => media.bundle_only = true,
        "source-filter" => media.source_filter = media.source_filter.or(Some(value)),
        "rtcp" => media.rtcp = media.rtcp.or(Some(value)),
        "crypto" => {
            if media.crypto.len() < MAX_LINES {
                media.crypto.push((value, line));
            }
        }
        "rtcp-mux" | "rtcp-mux-only" => media.rtcp_mux = true,
        "rtcp-rsize" => media.rtcp_rsize = true,
        "extmap-allow-mixed" => media.extmap_allow_mixed = true,
        "extmap" => push_extension(&mut media.extensions, value),
        "rtpmap" => rtpmap(media, line, value)?,
        "fmtp" => about_payload(media, value, |payload, value| {
            if payload.fmtp.len() < MAX_LINES {
                payload.fmtp.push(value);
            }
        }),
        "rtcp-fb" => feedback(media, value),
        "msid" => push_msid(media, value),
        "ssrc" => {
            if spend(&mut budget.source_lines) {
                source(media, value);
            }
        }
        "ssrc-group" => {
            if spend(&mut budget.source_lines) {
                source_group(media, value);
            }
        }
        "rid" => {
            if media.rids.len() < MAX_RIDS
                && let Some(rid) = simulcast::parse_rid(value)
                && !media.rids.contains(&rid)
            {
                media.rids.push(rid);
            }
        }
        "simulcast" => {
            if media.simulcast.is_none() {
                media.simulcast = simulcast::parse_simulcast(value);
            }
        }
        "sctp-port" => media.sctp_port = value.parse().ok(),
        "sctpmap" => {
            let port = value.split_ascii_whitespace().next();
            media.sctp_port = media.sctp_port.or(port.and_then(|port| port.parse().ok()));
        }
        "max-message-size" => media.max_message_size = value.parse().ok(),
        _ => {
            if let Some(direction) = Direction::from_name(name) {
                media.direction = direction;
            } else {
                of_transport(&mut media.transport, budget, line, name, value)?;
            }
        }
    }
    Ok(())
}

/// Reads an attribute that the session and an m-line may have.
fn of_transport<'a>(
    transport: &mut Transport<'a>,
    budget: &mut Budget,
    line: &'a str,
    name: &'a str,
    value: &'a str,
) -> Result<(), SdpError> {
    match name {
        "ice-ufrag" => transport.ufrag = Some(credential(line, value)?),
        "ice-pwd" => transport.pwd = Some(credential(line, value)?),
        "ice-options" => transport.ice_options = Some(value),
        "ice-lite" => transport.ice_lite = true,
        "fingerprint" => {
            let expected = "`a=fingerprint:<hash> <two hex digits>:...`";
            if transport.fingerprints.len() < MAX_FINGERPRINTS && spend(&mut budget.fingerprints) {
                let fingerprint =
                    fingerprint(value).ok_or_else(|| SdpError::malformed(line, expected))?;
                transport.fingerprints.push(fingerprint);
            }
        }
        "setup" => {
            let expected = "`a=setup:` active, passive, actpass or holdconn";
            let setup = setup(value).ok_or_else(|| SdpError::malformed(line, expected))?;
            transport.setup = Some((setup, line));
        }
        // What the line holds with its name, the form in which candidates trickle.
        "candidate" if spend(&mut budget.candidates) => {
            transport.candidates.push(line.get(2..).unwrap_or_default().trim_start());
        }
        _ => {}
    }
    Ok(())
}

/// Credentials of ICE (RFC 8839 5.4), or what will do for some.
pub(super) fn credential<'a>(line: &str, value: &'a str) -> Result<&'a str, SdpError> {
    let odd = |c: char| c.is_ascii_whitespace() || c.is_ascii_control();
    if value.is_empty() || value.len() > MAX_CREDENTIAL || value.contains(odd) {
        return Err(SdpError::malformed(line, "4 to 256 letters, digits, `+` or `/`"));
    }
    Ok(value)
}

fn fingerprint(value: &str) -> Option<Fingerprint> {
    let mut words = value.split_ascii_whitespace();
    let hash = words.next()?.to_ascii_lowercase();
    // The longest hash of RFC 8122 5 is SHA-512.
    let digits = words.next()?.split(':').take(LONGEST_DIGEST + 1);
    let digest = digits.map(hex).collect::<Option<Vec<u8>>>()?;
    (digest.len() <= LONGEST_DIGEST).then_some(Fingerprint { hash, digest })
}

fn hex(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

fn setup(value: &str) -> Option<Setup> {
    let all = [Setup::Active, Setup::Passive, Setup::ActPass, Setup::HoldConn];
    all.into_iter().find(|setup| value.eq_ignore_ascii_case(setup.name()))
}

/// `<id>[/<direction>] <URI>`. Id 0 is padding, 256 to 4095 are none of any header's, and from 4096
/// on they only reserve a number in an offer (RFC 8285 4.3, 7).
fn push_extension<'a>(extensions: &mut Vec<ExtensionMap<'a>>, value: &'a str) {
    let mut words = value.split_ascii_whitespace();
    let (Some(id), Some(uri)) = (words.next(), words.next()) else { return };
    let (id, direction) = match id.split_once('/') {
        Some((id, direction)) => (id, Direction::from_name(direction)),
        None => (id, Some(Direction::SendRecv)),
    };
    let id = id.parse().ok().filter(|id| *id != 0);
    if let (Some(id), Some(direction), true) = (id, direction, extensions.len() < MAX_EXTENSIONS) {
        extensions.push(ExtensionMap { id, direction, uri });
    }
}

fn rtpmap<'a>(media: &mut MediaSection<'a>, line: &str, value: &'a str) -> Result<(), SdpError> {
    if !matches!(media.kind, MediaKind::Rtp(_)) {
        return Ok(());
    }
    let (pt, encoding) = value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, ""));
    let expected = "`a=rtpmap:<payload type> <encoding>/<clock rate>`";
    let malformed = || SdpError::malformed(line, expected);
    let pt: u8 = pt.parse().map_err(|_| malformed())?;
    // What is not in the m-line need not make sense: pages take codecs out there alone.
    let Some(payload) = media.payloads.get_mut(pt) else { return Ok(()) };
    let encoding = payload::parse_encoding(encoding).ok_or_else(malformed)?;
    if !std::mem::replace(&mut payload.mapped, true) {
        payload.encoding = Some(encoding);
    }
    Ok(())
}

/// Hands over what an attribute says of a payload type of the m-line.
fn about_payload<'a>(
    media: &mut MediaSection<'a>,
    value: &'a str,
    take: impl FnOnce(&mut payload::Payload<'a>, &'a str),
) {
    let Some((pt, value)) = value.split_once(|c: char| c.is_ascii_whitespace()) else { return };
    let payload = pt.parse().ok().and_then(|pt| media.payloads.get_mut(pt));
    if let Some(payload) = payload {
        take(payload, value.trim());
    }
}

fn feedback<'a>(media: &mut MediaSection<'a>, value: &'a str) {
    if let Some(value) = value.strip_prefix('*') {
        if media.feedback.len() < MAX_LINES {
            media.feedback.push(value.trim());
        }
        return;
    }
    about_payload(media, value, |payload, value| {
        if payload.feedback.len() < MAX_LINES {
            payload.feedback.push(value);
        }
    });
}

fn msid(value: &str) -> Option<Msid<'_>> {
    let mut words = value.split_ascii_whitespace();
    Some(Msid { stream: words.next()?, track: words.next().unwrap_or_default() })
}

/// One track may be named for several streams; it is in the first one then.
fn push_msid<'a>(media: &mut MediaSection<'a>, value: &'a str) {
    let Some(msid) = msid(value) else { return };
    let known = media.msids.iter().any(|known| known.track == msid.track);
    if !known && media.msids.len() < MAX_MSIDS {
        media.msids.push(msid);
    }
}

fn source<'a>(media: &mut MediaSection<'a>, value: &'a str) {
    let (ssrc, attribute) =
        value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, ""));
    let Ok(ssrc) = ssrc.parse::<u32>() else { return };
    let index = match media.sources.iter().position(|source| source.ssrc == ssrc) {
        Some(index) => index,
        None if media.sources.len() >= MAX_SOURCES => return,
        None => {
            media.sources.push(Source { ssrc, cname: None, msid: None });
            media.sources.len() - 1
        }
    };
    let Some(source) = media.sources.get_mut(index) else { return };
    match attribute.split_once(':') {
        Some(("cname", cname)) => source.cname = Some(cname.trim()),
        Some(("msid", value)) => source.msid = msid(value),
        _ => {}
    }
}

fn source_group<'a>(media: &mut MediaSection<'a>, value: &'a str) {
    let mut words = value.split_ascii_whitespace();
    let Some(semantics) = words.next() else { return };
    let ssrcs = words.take(MAX_GROUP_SOURCES).map(str::parse).collect::<Result<_, _>>();
    if let (Ok(ssrcs), true) = (ssrcs, media.source_groups.len() < MAX_SOURCES) {
        media.source_groups.push(SourceGroup { semantics, ssrcs });
    }
}
