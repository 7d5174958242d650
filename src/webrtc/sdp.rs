//! The little of SDP that str0m does not tell: whose stream a peer's m-line belongs to (MSID), and
//! the mending of our own descriptions. Everything else about SDP is str0m's.

use std::borrow::Cow;

use super::remote_sources::RemoteSources;

/// Largest SDP taken from a peer, in bytes. A meeting of a hundred stays well under it.
pub(super) const MAX_SDP: usize = 1 << 20;
/// Most m-lines in one description.
pub(super) const MAX_MEDIA: usize = 1024;

/// One m-line of a peer's description.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RemoteMedia {
    pub(super) mid: String,
    /// The stream half of the MSID (RFC 8830), `-` for none.
    pub(super) stream: String,
    /// The track half, empty for none.
    pub(super) track: String,
    /// RIDs the peer sends, in its order (RFC 8853).
    pub(super) rids: Vec<String>,
    /// SSRCs it names (RFC 5576).
    pub(super) sources: RemoteSources,
    /// `a=rtcp-rsize` (RFC 5506 5).
    pub(super) reduced_size: bool,
}

/// Reads the m-lines of a peer's description.
pub(super) fn remote_media(sdp: &str) -> Vec<RemoteMedia> {
    let mut media: Vec<RemoteMedia> = Vec::new();
    for line in sdp.lines() {
        if line.starts_with("m=") {
            media.push(RemoteMedia { stream: "-".into(), ..Default::default() });
            continue;
        }
        let Some(current) = media.last_mut() else { continue };
        if let Some(mid) = line.strip_prefix("a=mid:") {
            current.mid = mid.trim().to_owned();
        } else if let Some(msid) = line.strip_prefix("a=msid:") {
            current.set_msid(msid);
        } else if let Some(group) = line.strip_prefix("a=ssrc-group:") {
            current.sources.add_group(group);
        } else if line.trim_end() == "a=rtcp-rsize" {
            current.reduced_size = true;
        } else if let Some(ssrc) = line.strip_prefix("a=ssrc:") {
            current.sources.add(ssrc);
            // Before RFC 8830 the MSID stood in an attribute of the SSRC (RFC 5576).
            if let Some((_, msid)) = ssrc.split_once(" msid:")
                && current.track.is_empty()
            {
                current.set_msid(msid);
            }
        } else if let Some(rid) = line.strip_prefix("a=rid:") {
            let mut words = rid.split_ascii_whitespace();
            if let (Some(id), Some("send")) = (words.next(), words.next()) {
                current.rids.push(id.to_owned());
            }
        }
    }
    media
}

impl RemoteMedia {
    fn set_msid(&mut self, msid: &str) {
        let mut words = msid.split_ascii_whitespace();
        if let Some(stream) = words.next() {
            self.stream = stream.to_owned();
        }
        if let Some(track) = words.next() {
            self.track = track.to_owned();
        }
    }
}

/// What one of our m-lines has to say differently from what str0m wrote.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Amendment {
    pub(super) mid: String,
    /// Stream and track of the MSID; `None` takes the attribute out.
    pub(super) msid: Option<(String, String)>,
    /// `sendonly` and the like, where it differs.
    pub(super) direction: Option<&'static str>,
}

/// What our descriptions say of the session as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes.
    pub(super) max_message_size: usize,
    /// Ask the peer to send Opus with pauses in silence (RFC 7587 6.1, usedtx).
    pub(super) dtx: bool,
}

/// Writes the streams and directions we mean into a description of ours. str0m makes up an MSID
/// when it answers and keeps it when an m-line is used again for another track. It also announces
/// all that it would take of a message, which is more than we want ([`MESSAGE_SLACK`]).
///
/// [`MESSAGE_SLACK`]: super::config::MESSAGE_SLACK
pub(super) fn amend(sdp: &str, amendments: &[Amendment], limits: Limits) -> String {
    let mut out = String::with_capacity(sdp.len() + 64);
    let mut section = String::new();
    for line in sdp.split_inclusive("\r\n") {
        if line.starts_with("m=") {
            amend_section(&section, amendments, limits, &mut out);
            section.clear();
        }
        section.push_str(line);
    }
    amend_section(&section, amendments, limits, &mut out);
    out
}

fn amend_section(section: &str, amendments: &[Amendment], limits: Limits, out: &mut String) {
    if section.starts_with("m=application") {
        for line in section.lines() {
            if line.starts_with("a=max-message-size:") {
                out.push_str(&format!("a=max-message-size:{}", limits.max_message_size));
            } else {
                out.push_str(line);
            }
            out.push_str("\r\n");
        }
        return;
    }
    let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"));
    let amendment = mid.and_then(|mid| amendments.iter().find(|a| a.mid == mid));
    let Some(amendment) = amendment else {
        out.push_str(section);
        return;
    };
    let opus = section.lines().filter(|_| limits.dtx).find_map(|line| {
        line.strip_prefix("a=rtpmap:")?.split_once(" opus/").map(|(pt, _)| format!("a=fmtp:{pt} "))
    });
    for line in section.lines() {
        if opus.as_ref().is_some_and(|opus| line.starts_with(opus)) && !line.contains("usedtx=") {
            out.push_str(line);
            out.push_str(";usedtx=1\r\n");
            continue;
        }
        let line: Cow<str> = match (attribute(line), &amendment.msid, amendment.direction) {
            // A line that sends nothing names no sources either: clients take SSRCs without a
            // stream for further tracks.
            (Attribute::Msid | Attribute::SsrcMsid(_) | Attribute::Ssrc, None, _) => continue,
            (Attribute::Msid, Some((stream, track)), _) => {
                format!("a=msid:{stream} {track}").into()
            }
            (Attribute::SsrcMsid(prefix), Some((stream, track)), _) => {
                format!("{prefix} msid:{stream} {track}").into()
            }
            (Attribute::Direction, _, Some(direction)) => format!("a={direction}").into(),
            _ => line.into(),
        };
        out.push_str(&line);
        out.push_str("\r\n");
    }
}

enum Attribute<'a> {
    Msid,
    /// `a=ssrc:N msid:...`; holds `a=ssrc:N`.
    SsrcMsid(&'a str),
    /// Anything else about an SSRC.
    Ssrc,
    Direction,
    Other,
}

fn attribute(line: &str) -> Attribute<'_> {
    match line {
        "a=sendrecv" | "a=sendonly" | "a=recvonly" | "a=inactive" => Attribute::Direction,
        _ if line.starts_with("a=msid:") => Attribute::Msid,
        _ if line.starts_with("a=ssrc:") => match line.split_once(" msid:") {
            Some((prefix, _)) => Attribute::SsrcMsid(prefix),
            None => Attribute::Ssrc,
        },
        _ if line.starts_with("a=ssrc-group:") => Attribute::Ssrc,
        _ => Attribute::Other,
    }
}

/// The line a parser's message points at ("line: 3, column: 1", or an address in the text it was
/// given), or the first that is no SDP line.
pub(super) fn offending_line<'a>(sdp: &'a str, message: &str) -> Option<&'a str> {
    if let Some(offset) = parser_offset(sdp, message) {
        let before = sdp.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count();
        return sdp.lines().nth(before);
    }
    let position = message.to_ascii_lowercase().find("line: ").map(|at| at + "line: ".len());
    let number = position.and_then(|at| {
        let digits = message[at..].split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<usize>().ok()
    });
    if let Some(line) = number.and_then(|n| sdp.lines().nth(n.saturating_sub(1))) {
        return Some(line);
    }
    let well_formed = |line: &&str| {
        let bytes = line.as_bytes();
        bytes.len() >= 2 && bytes[0].is_ascii_lowercase() && bytes[1] == b'='
    };
    sdp.lines().filter(|line| !line.is_empty()).find(|line| !well_formed(line))
}

/// What a parser says is wrong, in one line. Without the address it starts with: that is where the
/// text lies in our memory, which is none of the peer's business.
pub(super) fn parser_text(message: &str) -> String {
    let lines = message.lines().filter(|line| !line.contains(PARSER_ADDRESS));
    lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

const PARSER_ADDRESS: &str = "PointerOffset(0x";

fn parser_offset(sdp: &str, message: &str) -> Option<usize> {
    let (_, rest) = message.split_once(PARSER_ADDRESS)?;
    let address = usize::from_str_radix(rest.split_once(')')?.0, 16).ok()?;
    let offset = address.checked_sub(sdp.as_ptr() as usize)?;
    (offset < sdp.len()).then_some(offset)
}

/// An SDP fragment as WHIP and WHEP carry it (RFC 8840 9).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Fragment {
    pub(super) ufrag: Option<String>,
    pub(super) pwd: Option<String>,
    pub(super) candidates: Vec<String>,
    /// `a=end-of-candidates` (RFC 8840 8.2).
    pub(super) complete: bool,
}

impl Fragment {
    /// Nothing in the text was about ICE.
    pub(super) fn is_empty(&self) -> bool {
        self.ufrag.is_none() && self.candidates.is_empty() && !self.complete
    }
}

/// Most candidates taken from one fragment.
const MAX_FRAGMENT_CANDIDATES: usize = 256;

pub(super) fn parse_fragment(text: &str) -> Fragment {
    let mut fragment = Fragment::default();
    for line in text.lines().map(str::trim) {
        fragment.complete |= line == "a=end-of-candidates";
        if let Some(ufrag) = line.strip_prefix("a=ice-ufrag:") {
            fragment.ufrag.get_or_insert_with(|| ufrag.to_owned());
        } else if let Some(pwd) = line.strip_prefix("a=ice-pwd:") {
            fragment.pwd.get_or_insert_with(|| pwd.to_owned());
        } else if let Some(candidate) = line.strip_prefix("a=candidate:")
            && fragment.candidates.len() < MAX_FRAGMENT_CANDIDATES
        {
            fragment.candidates.push(format!("candidate:{candidate}"));
        }
    }
    fragment
}

/// The fragment that says what a description of ours says about ICE.
pub(super) fn fragment_of(sdp: &str) -> String {
    let mut out = String::new();
    let mut credentials = [false; 2];
    let mut in_first_media = false;
    for line in sdp.lines() {
        if line.starts_with("m=") {
            if in_first_media {
                break;
            }
            in_first_media = true;
            out.push_str(line);
            out.push_str("\r\n");
        }
        let wanted = match line {
            "a=ice-lite" | "a=end-of-candidates" => true,
            _ if line.starts_with("a=ice-ufrag:") => !std::mem::replace(&mut credentials[0], true),
            _ if line.starts_with("a=ice-pwd:") => !std::mem::replace(&mut credentials[1], true),
            _ => line.starts_with("a=mid:") || line.starts_with("a=candidate:"),
        };
        if wanted {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out
}

/// The description with other ICE credentials and no candidates, as if the peer had sent it again
/// to restart ICE.
pub(super) fn with_credentials(sdp: &str, ufrag: &str, pwd: &str) -> String {
    let mut out = String::with_capacity(sdp.len());
    for line in sdp.lines() {
        if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
            continue;
        }
        if line.starts_with("a=ice-ufrag:") {
            out.push_str("a=ice-ufrag:");
            out.push_str(ufrag);
        } else if line.starts_with("a=ice-pwd:") {
            out.push_str("a=ice-pwd:");
            out.push_str(pwd);
        } else {
            out.push_str(line);
        }
        out.push_str("\r\n");
    }
    out
}

/// The ICE credentials of a description: the session's or the first m-line's.
pub(super) fn credentials(sdp: &str) -> Option<(&str, &str)> {
    let find = |prefix| sdp.lines().find_map(|line: &str| line.strip_prefix(prefix));
    Some((find("a=ice-ufrag:")?.trim(), find("a=ice-pwd:")?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
        a=msid:stream-a track-a\r\na=sendrecv\r\na=ssrc:1 cname:x\r\na=ssrc:1 msid:stream-a track-a\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ssrc:5 msid:old legacy\r\n\
        a=rid:q send\r\na=rid:f send pt=96\r\na=rid:r recv\r\na=sendonly\r\n";

    const LIMITS: Limits = Limits { max_message_size: 9, dtx: false };

    #[test]
    fn asks_for_pauses_in_opus_where_wanted() {
        let sdp = "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n\
            a=fmtp:111 minptime=10\r\n";
        let plain = Amendment { mid: "0".into(), ..Default::default() };
        let amended = amend(sdp, std::slice::from_ref(&plain), Limits { dtx: true, ..LIMITS });
        assert!(amended.contains("a=fmtp:111 minptime=10;usedtx=1\r\n"), "{amended}");
        assert!(!amend(sdp, &[plain], LIMITS).contains("usedtx"));
    }

    #[test]
    fn reads_streams_tracks_and_rids_of_each_m_line() {
        let media = remote_media(OFFER);
        assert_eq!(media.len(), 2);
        assert_eq!(media[0].sources.announced()[0].ssrc, 1);
        assert_eq!(
            (&*media[0].mid, &*media[0].stream, &*media[0].track),
            ("0", "stream-a", "track-a")
        );
        assert_eq!((&*media[1].stream, &*media[1].track), ("old", "legacy"));
        assert_eq!(media[1].rids, ["q", "f"]);
    }

    #[test]
    fn an_m_line_without_msid_belongs_to_no_stream() {
        let media = remote_media("v=0\r\nm=audio 9 X 0\r\na=mid:a\r\n");
        assert_eq!((&*media[0].stream, &*media[0].track), ("-", ""));
    }

    #[test]
    fn amends_only_the_m_lines_named() {
        let amended = amend(
            OFFER,
            &[Amendment {
                mid: "0".into(),
                msid: Some(("s".into(), "t".into())),
                direction: Some("inactive"),
            }],
            LIMITS,
        );
        assert!(amended.contains("a=msid:s t\r\n"));
        assert!(amended.contains("a=ssrc:1 msid:s t\r\n"));
        assert!(amended.contains("a=ssrc:1 cname:x\r\n"));
        assert!(amended.contains("a=inactive\r\n"));
        assert!(amended.ends_with(&OFFER[OFFER.find("m=video").unwrap()..]));
    }

    #[test]
    fn announces_the_limit_of_messages() {
        let sdp = "v=0\r\nm=application 9 X webrtc-datachannel\r\na=max-message-size:9\r\n";
        assert!(
            amend(sdp, &[], Limits { max_message_size: 1000, ..LIMITS })
                .ends_with("a=max-message-size:1000\r\n")
        );
    }

    #[test]
    fn names_no_stream_and_no_source_when_there_is_no_track() {
        let amended =
            amend(OFFER, &[Amendment { mid: "0".into(), msid: None, direction: None }], LIMITS);
        assert!(!amended.contains("stream-a"));
        assert!(!amended.contains("a=ssrc:1 "));
    }

    #[test]
    fn names_the_line_a_parse_error_points_at() {
        assert_eq!(offending_line("v=0\r\nnonsense\r\ns=-\r\n", "no position"), Some("nonsense"));
        assert_eq!(offending_line("v=0\nx=1\n", "Parse error at line: 2, column: 1"), Some("x=1"));
        let sdp = "v=0\r\no=x\r\ns=-\r\n";
        let message = format!("Parse error at PointerOffset({:#x})\n", sdp.as_ptr() as usize + 7);
        assert_eq!(offending_line(sdp, &message), Some("o=x"));
    }

    #[test]
    fn no_address_of_ours_reaches_the_peer() {
        let message =
            "SDP parse: Parse error at PointerOffset(0x178e3352)\nUnexpected `x`\nsdp line\n";
        assert_eq!(parser_text(message), "Unexpected `x`; sdp line");
    }

    #[test]
    fn fragments_carry_credentials_and_candidates() {
        let fragment = parse_fragment(
            "a=ice-ufrag:abcd\r\na=ice-pwd:secret\r\nm=audio 9 X 0\r\na=mid:0\r\n\
             a=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n",
        );
        assert_eq!(fragment.ufrag.as_deref(), Some("abcd"));
        assert_eq!(fragment.candidates, ["candidate:1 1 UDP 1 127.0.0.1 9 typ host"]);
    }

    #[test]
    fn a_restart_replaces_credentials_and_drops_candidates() {
        let sdp = "v=0\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\na=candidate:1\r\nm=audio 9 X 0\r\n";
        let restarted = with_credentials(sdp, "c", "d");
        assert_eq!(credentials(&restarted), Some(("c", "d")));
        assert!(!restarted.contains("candidate"));
        assert_eq!(fragment_of(&restarted), "a=ice-ufrag:c\r\na=ice-pwd:d\r\nm=audio 9 X 0\r\n");
    }
}
