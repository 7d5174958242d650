//! Tests of the whole part: what is taken of which description, real clients' descriptions, and
//! properties that hold for all.

mod answers;
mod clients;
mod cost;
mod numbers;
mod offers;
mod properties;
mod reading;

use super::description::{Direction, Setup};
use super::{
    AgreedLine, Agreement, Capabilities, LocalSession, OpusParameters, SdpError, Standing, answer,
    parse, write,
};
use crate::codec::Codec;

pub(super) fn capabilities() -> Capabilities {
    Capabilities {
        codecs: Codec::ALL.to_vec(),
        red: false,
        opus: OpusParameters::default(),
        max_message_size: 262_144,
    }
}

pub(super) fn only(codecs: &[Codec]) -> Capabilities {
    Capabilities { codecs: codecs.to_vec(), ..capabilities() }
}

pub(super) const LITE: Standing = Standing { ice_lite: true, active: None };

/// Answers with everything there is.
pub(super) fn agree(offer: &str) -> Result<Agreement, SdpError> {
    answer(&parse(offer)?, &[], &capabilities(), LITE)
}

pub(super) fn session(agreement: &Agreement) -> LocalSession {
    LocalSession {
        id: 1,
        version: 1,
        ice_lite: true,
        ufrag: "ours".into(),
        pwd: "0123456789012345678901".into(),
        fingerprint: format!("sha-256 {}", vec!["AB"; 32].join(":")),
        setup: Setup::Passive,
        candidates: vec!["candidate:1 1 udp 2130706175 10.0.0.1 40000 typ host".into()],
        ice_options: agreement.ice_options,
        extmap_allow_mixed: agreement.extmap_allow_mixed,
        group: true,
        max_message_size: 262_144,
        max_bitrate: None,
    }
}

/// The text of an answer in which every line does all that it is allowed to.
pub(super) fn text(agreement: &Agreement) -> String {
    let lines: Vec<_> = agreement.lines.iter().map(|line| &line.local).collect();
    write(&session(agreement), &lines, &agreement.group)
}

pub(super) fn answered(offer: &str) -> String {
    text(&agree(offer).unwrap_or_else(|error| panic!("{error} {:?}", error.line())))
}

/// The m-lines of a text with what follows each.
pub(super) fn sections(sdp: &str) -> Vec<&str> {
    let starts: Vec<usize> = sdp.match_indices("m=").map(|(at, _)| at).collect();
    let starts: Vec<usize> =
        starts.into_iter().filter(|at| *at == 0 || sdp[..*at].ends_with('\n')).collect();
    let ends = starts.iter().skip(1).copied().chain([sdp.len()]);
    starts.iter().zip(ends).map(|(start, end)| &sdp[*start..end]).collect()
}

pub(super) fn value<'a>(section: &'a str, name: &str) -> Option<&'a str> {
    section.lines().find_map(|line| line.strip_prefix(name))
}

pub(super) fn usable(lines: &[AgreedLine]) -> Vec<bool> {
    lines.iter().map(AgreedLine::usable).collect()
}

pub(super) const FINGERPRINT: &str = "a=fingerprint:sha-256 \
    10:17:1E:25:2C:33:3A:41:48:4F:56:5D:64:6B:72:79:80:87:8E:95:9C:A3:AA:B1:B8:BF:C6:CD:D4:DB:E2:E9";

/// Builds descriptions line by line.
#[derive(Clone)]
pub(super) struct Lines(pub(super) Vec<String>);

impl Lines {
    pub(super) fn head(mids: &[&str]) -> Self {
        let mut lines =
            Self(["v=0", "o=- 46 2 IN IP4 127.0.0.1", "s=-", "t=0 0"].map(str::to_owned).to_vec());
        if !mids.is_empty() {
            lines.0.push(format!("a=group:BUNDLE {}", mids.join(" ")));
        }
        lines
    }

    pub(super) fn audio(mid: &str, direction: Direction) -> Self {
        Self::media("audio", "111", mid, direction)
            .with(&["a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"])
    }

    pub(super) fn video(mid: &str, direction: Direction) -> Self {
        Self::media("video", "96 97", mid, direction).with(&[
            "a=rtpmap:96 VP8/90000",
            "a=rtcp-fb:96 nack",
            "a=rtcp-fb:96 nack pli",
            "a=rtcp-fb:96 ccm fir",
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
        ])
    }

    pub(super) fn media(kind: &str, formats: &str, mid: &str, direction: Direction) -> Self {
        let mut lines = vec![
            format!("m={kind} 9 UDP/TLS/RTP/SAVPF {formats}"),
            "c=IN IP4 0.0.0.0".into(),
            "a=ice-ufrag:abcd".into(),
            "a=ice-pwd:abcdefghijklmnopqrstuvwx".into(),
            FINGERPRINT.into(),
            "a=setup:actpass".into(),
        ];
        if !mid.is_empty() {
            lines.push(format!("a=mid:{mid}"));
        }
        lines.push(format!("a={}", direction.name()));
        lines.push("a=rtcp-mux".into());
        Self(lines)
    }

    pub(super) fn application(mid: &str) -> Self {
        let mut lines = Self::media("application", "webrtc-datachannel", mid, Direction::SendRecv)
            .without("a=sendrecv")
            .without("a=rtcp-mux")
            .with(&["a=sctp-port:5000", "a=max-message-size:65536"]);
        lines.0[0] = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel".into();
        lines
    }

    pub(super) fn with(mut self, lines: &[&str]) -> Self {
        self.0.extend(lines.iter().map(|line| (*line).to_owned()));
        self
    }

    pub(super) fn without(mut self, prefix: &str) -> Self {
        self.0.retain(|line| !line.starts_with(prefix));
        self
    }

    pub(super) fn replaced(mut self, from: &str, to: &str) -> Self {
        self.0 = self.0.iter().map(|line| line.replace(from, to)).collect();
        self
    }

    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn sdp(&self) -> String {
        self.0.iter().map(|line| format!("{line}\r\n")).collect()
    }
}

/// Sound and pictures of one browser.
pub(super) fn both() -> Lines {
    Lines::head(&["0", "1"])
        .then(Lines::audio("0", Direction::SendOnly))
        .then(Lines::video("1", Direction::SendOnly))
}
