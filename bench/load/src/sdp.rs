//! The offer of a client, as a browser writes it, and what it has to know of the answer.

use std::fmt::Write as _;
use std::io;

use str0m::config::Fingerprint;
use str0m::{Candidate, IceCreds};

pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const RTX: u8 = 97;

/// Ids of header extensions. The answerer takes them over (RFC 8285 6).
pub const AUDIO_LEVEL: u8 = 1;
pub const SEND_TIME: u8 = 2;
pub const TRANSPORT_SEQUENCE: u8 = 3;
pub const MID: u8 = 4;

const TRANSPORT_SEQUENCE_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// An m-line of the offer.
pub struct Line {
    pub video: bool,
    /// The SSRC that is sent there; none to receive.
    pub sends: Option<u32>,
}

pub struct Local<'a> {
    pub name: &'a str,
    pub credentials: &'a IceCreds,
    pub fingerprint: &'a Fingerprint,
    pub candidate: &'a Candidate,
    pub lines: &'a [Line],
}

impl Local<'_> {
    pub fn offer(&self) -> String {
        let mut sdp = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _ = write!(sdp, "{text}\r\n");
        };
        line(format_args!("v=0"));
        line(format_args!("o=- 4611731400430051336 2 IN IP4 127.0.0.1"));
        line(format_args!("s=-\r\nt=0 0"));
        let mids: Vec<String> = (0..self.lines.len()).map(|mid| mid.to_string()).collect();
        line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
        line(format_args!("a=msid-semantic: WMS *"));
        for (mid, media) in self.lines.iter().enumerate() {
            let (kind, formats) = if media.video {
                ("video", format!("{VP8} {RTX}"))
            } else {
                ("audio", OPUS.to_string())
            };
            line(format_args!("m={kind} 9 UDP/TLS/RTP/SAVPF {formats}"));
            line(format_args!("c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0"));
            line(format_args!("a=ice-ufrag:{}", self.credentials.ufrag));
            line(format_args!("a=ice-pwd:{}", self.credentials.pass));
            line(format_args!("a=fingerprint:{}", self.fingerprint));
            line(format_args!("a=setup:actpass\r\na=mid:{mid}"));
            if !media.video {
                line(format_args!(
                    "a=extmap:{AUDIO_LEVEL} urn:ietf:params:rtp-hdrext:ssrc-audio-level"
                ));
            }
            line(format_args!(
                "a=extmap:{SEND_TIME} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
            ));
            line(format_args!("a=extmap:{TRANSPORT_SEQUENCE} {TRANSPORT_SEQUENCE_URI}"));
            line(format_args!("a=extmap:{MID} urn:ietf:params:rtp-hdrext:sdes:mid"));
            line(format_args!("a={}", if media.sends.is_some() { "sendonly" } else { "recvonly" }));
            if media.sends.is_some() {
                line(format_args!("a=msid:{} {kind}", self.name));
            }
            line(format_args!("a=rtcp-mux\r\na=rtcp-rsize"));
            if media.video {
                line(format_args!("a=rtpmap:{VP8} VP8/90000"));
                for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
                    line(format_args!("a=rtcp-fb:{VP8} {feedback}"));
                }
                line(format_args!("a=rtpmap:{RTX} rtx/90000\r\na=fmtp:{RTX} apt={VP8}"));
            } else {
                line(format_args!("a=rtpmap:{OPUS} opus/48000/2"));
                line(format_args!("a=rtcp-fb:{OPUS} transport-cc"));
                line(format_args!("a=fmtp:{OPUS} minptime=10;useinbandfec=1"));
            }
            if let Some(ssrc) = media.sends {
                line(format_args!("a=ssrc:{ssrc} cname:{}", self.name));
            }
            if mid == 0 {
                line(format_args!("a={}", self.candidate.to_sdp_string().trim_start_matches("a=")));
                line(format_args!("a=end-of-candidates"));
            }
        }
        sdp
    }
}

/// What the other side answered.
pub struct Answer {
    pub credentials: IceCreds,
    pub fingerprint: Fingerprint,
    pub candidates: Vec<Candidate>,
    /// The other side begins the DTLS handshake.
    pub active: bool,
    /// Packets carry transport-wide numbers and get feedback by them.
    pub transport_sequence: bool,
    /// SSRC of a stream, and of the one it is repaired by.
    pub repairs: Vec<(u32, u32)>,
}

impl Answer {
    pub fn read(sdp: &str) -> io::Result<Answer> {
        let missing = |what: &str| io::Error::other(format!("the answer has no {what}"));
        // Bundled, so that the first of each holds for all m-lines.
        let value = |prefix: &str| sdp.lines().find_map(|line| line.strip_prefix(prefix));
        let all =
            |prefix: &'static str| sdp.lines().filter_map(move |line| line.strip_prefix(prefix));
        if !sdp.lines().any(|line| line.starts_with("m=") && !is_rejected(line)) {
            return Err(io::Error::other("the answer refuses every m-line"));
        }
        let credentials = IceCreds {
            ufrag: value("a=ice-ufrag:").ok_or_else(|| missing("a=ice-ufrag"))?.trim().to_owned(),
            pass: value("a=ice-pwd:").ok_or_else(|| missing("a=ice-pwd"))?.trim().to_owned(),
        };
        let fingerprint = value("a=fingerprint:").ok_or_else(|| missing("a=fingerprint"))?;
        let candidates: Vec<Candidate> = all("a=candidate:")
            .filter_map(|text| {
                Candidate::from_sdp_string(&format!("candidate:{}", text.trim())).ok()
            })
            .filter(|candidate| candidate.addr().is_ipv4())
            .collect();
        let pair = |text: &str| {
            let (stream, repair) = text.trim().split_once(' ')?;
            Some((stream.parse().ok()?, repair.parse().ok()?))
        };
        Ok(Answer {
            credentials,
            fingerprint: fingerprint.trim().parse().map_err(io::Error::other)?,
            candidates,
            active: value("a=setup:").is_some_and(|setup| setup.trim() == "active"),
            transport_sequence: all("a=extmap:").any(|text| text.contains(TRANSPORT_SEQUENCE_URI))
                && all("a=rtcp-fb:").any(|text| text.trim().ends_with(" transport-cc")),
            repairs: all("a=ssrc-group:FID ").filter_map(pair).collect(),
        })
    }
}

/// Port 0, and not because the m-line travels in a bundle: an answer has no such.
fn is_rejected(line: &str) -> bool {
    line.split(' ').nth(1) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:secretsecretsecretsecret\r\na=fingerprint:sha-256 0A:0B\r\n\
        a=setup:passive\r\na=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host\r\n\
        a=candidate:2 1 udp 2130706430 ::1 5000 typ host\r\na=ssrc-group:FID 5 6\r\n";

    #[test]
    fn an_answer_is_understood() {
        let answer = Answer::read(ANSWER).unwrap();
        assert_eq!(answer.credentials.ufrag, "abcd");
        assert_eq!(answer.fingerprint.bytes, [10, 11]);
        assert_eq!(answer.candidates.len(), 1);
        assert_eq!(answer.repairs, [(5, 6)]);
        assert!(!answer.active && !answer.transport_sequence);
    }

    #[test]
    fn an_answer_without_media_is_refused() {
        assert!(Answer::read("v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 111\r\n").is_err());
        assert!(Answer::read(&ANSWER.replace("a=ice-pwd", "a=x")).is_err());
    }
}
