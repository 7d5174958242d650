//! Which lines of what a server describes are taken, and how.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::error::PullError;
use crate::codec::Kind;
use crate::control::rtp::{RtpFormat, RtpKind, RtpMedia, RtpOptions, RtpPort};
use crate::ingest::rtsp::{AacFormat, Described, Description, MediaFormat};
use crate::plain::Setup;

/// H.264 goes on as it is and is announced as constrained baseline, because browsers that announce no
/// other profile decode the others too.
const H264: &str = "packetization-mode=1;profile-level-id=42e01f";

/// A line that is taken.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Choice {
    /// Its place in [`Description::media`].
    pub(super) media: usize,
    pub(super) kind: Kind,
    pub(super) form: Form,
}

/// What becomes of it.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Form {
    /// It goes on as it comes.
    Rtp(MediaFormat),
    /// It becomes Opus.
    Aac(AacFormat),
}

impl Choice {
    /// Whether it can go on where another one was: the same kind and codec.
    pub(super) fn follows(&self, other: &Self) -> bool {
        let name = |format: &MediaFormat| {
            let name = format.encoding.split('/').next().unwrap_or_default().to_ascii_lowercase();
            // A number alone is its codec.
            if name.is_empty() { format.payload_type.to_string() } else { name }
        };
        self.kind == other.kind
            && match (&self.form, &other.form) {
                (Form::Rtp(format), Form::Rtp(before)) => name(format) == name(before),
                (Form::Aac(format), Form::Aac(before)) => format.config == before.config,
                _ => false,
            }
    }
}

/// The first line of each kind that is taken, pictures before sound, and why others of a kind are not.
pub(super) fn choose(description: &Description) -> (Vec<Choice>, Vec<PullError>) {
    let (mut choices, mut left_out) = (Vec::<Choice>::new(), Vec::new());
    for (media, line) in description.media.iter().enumerate() {
        if choices.iter().any(|choice| choice.kind == line.kind) {
            continue;
        }
        match line.formats.iter().find_map(|format| form(line, format)) {
            Some(form) => choices.push(Choice { media, kind: line.kind, form }),
            None => {
                let first = line.formats.first();
                let encoding = match first {
                    Some(format) if !format.encoding.is_empty() => format
                        .encoding
                        .chars()
                        .filter(|letter| !letter.is_control())
                        .take(64)
                        .collect(),
                    Some(format) => format!("payload type {}", format.payload_type),
                    None => "in no format".to_owned(),
                };
                left_out.push(PullError::Codec { kind: line.kind.name(), encoding });
            }
        }
    }
    left_out.retain(|error| {
        let PullError::Codec { kind, .. } = error else { return true };
        choices.iter().all(|choice| choice.kind.name() != *kind)
    });
    // A server that comes back may have them in another order.
    choices.sort_by_key(|choice| choice.kind == Kind::Audio);
    (choices, left_out)
}

fn form(line: &Described, format: &MediaFormat) -> Option<Form> {
    if line.secure {
        return None;
    }
    if let Ok(aac) = AacFormat::read(format) {
        return (line.kind == Kind::Audio).then_some(Form::Aac(aac));
    }
    let known = Setup::new(&options(&[(line.kind, format, false)], 0, String::new(), false));
    known.is_ok().then(|| Form::Rtp(format.clone()))
}

/// What a transport of plain RTP is told of lines. Where packets come from is looked at before they
/// get there, so that its addresses stand for lines.
pub(super) fn options(
    lines: &[(Kind, &MediaFormat, bool)],
    report_ssrc: u32,
    cname: String,
    mix_b_frames: bool,
) -> RtpOptions {
    let media = lines.iter().enumerate().map(|(place, (kind, format, feedback))| RtpMedia {
        kind: if *kind == Kind::Audio { RtpKind::Audio } else { RtpKind::Video },
        send: false,
        receive: true,
        formats: vec![RtpFormat {
            payload_type: format.payload_type,
            encoding: format.encoding.clone(),
            parameters: parameters(format),
        }],
        feedback: *feedback,
        reduced_size: false,
        send_ssrc: 0,
        ports: vec![RtpPort {
            address: address(place).ip(),
            interface: None,
            sources: Vec::new(),
            port: address(place).port(),
            rtcp_mux: true,
            shared: false,
            rid: None,
            ssrc: None,
            remote: Some(address(place)),
            remote_rtcp: None,
            allowed: Vec::new(),
            send_key: None,
            receive_key: None,
        }],
    });
    RtpOptions {
        media: media.collect(),
        comedia: false,
        cname,
        report_ssrc,
        silence: u32::MAX,
        mix_b_frames,
        dump_file: None,
    }
}

/// What stands for the ports of a line, ours and the server's.
pub(super) fn address(place: usize) -> SocketAddr {
    SocketAddr::new(
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        1 + place.min(usize::from(u16::MAX) - 1) as u16,
    )
}

fn parameters(format: &MediaFormat) -> String {
    let is_h264 = format.encoding.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("h264/"));
    match (is_h264, format.parameter("sprop-parameter-sets")) {
        (true, Some(sets)) => format!("{H264};sprop-parameter-sets={sets}"),
        (true, None) => H264.to_owned(),
        (false, _) => format.parameters.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(sdp: &str) -> (Vec<Choice>, Vec<String>) {
        let (choices, left_out) = choose(&Description::parse(sdp).unwrap());
        (choices, left_out.iter().map(ToString::to_string).collect())
    }

    const AAC: &str = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000/2\r\na=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\r\n";

    #[test]
    fn the_first_line_of_each_kind_that_is_taken_is_taken() {
        let sdp = format!(
            "m=video 0 RTP/AVP 26\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=640028\r\n\
             m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\n{AAC}"
        );
        let (choices, left_out) = chosen(&sdp);
        assert_eq!(choices.iter().map(|choice| choice.media).collect::<Vec<_>>(), [1, 3]);
        assert!(matches!(choices[1].form, Form::Aac(_)));
        assert!(left_out.is_empty(), "there are other pictures: {left_out:?}");
    }

    #[test]
    fn what_is_left_out_is_named() {
        let (choices, left_out) =
            chosen("m=video 0 RTP/AVP 26\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 G726-32/8000\r\n");
        assert!(choices.is_empty());
        assert!(
            left_out[0].contains("payload type 26") && left_out[1].contains("G726-32/8000"),
            "{left_out:?}"
        );
        let (choices, _) = chosen("m=audio 0 RTP/SAVP 0\r\n");
        assert!(choices.is_empty(), "nobody has its keys");
    }

    #[test]
    fn a_line_goes_on_where_one_of_the_same_codec_was() {
        let one = |sdp: &str| chosen(sdp).0.remove(0);
        let h264 = one("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
        let other = one(
            "m=video 0 RTP/AVP 99\r\na=rtpmap:99 h264/90000\r\na=fmtp:99 sprop-parameter-sets=Z0I=\r\n",
        );
        let h265 = one("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n");
        assert!(h264.follows(&other) && !h264.follows(&h265));
        let (pcma, pcmu) = (one("m=audio 0 RTP/AVP 8\r\n"), one("m=audio 0 RTP/AVP 0\r\n"));
        assert!(!pcma.follows(&pcmu) && !pcma.follows(&one(AAC)) && one(AAC).follows(&one(AAC)));
    }
}
