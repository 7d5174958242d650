//! What a server says that it has (RFC 2326 C, RFC 8866). Ports are 0 there and the direction says
//! nothing, so that it is read apart from what peers offer.

use crate::codec::Kind;

/// Lines of media that are looked at.
const MAX_MEDIA: usize = 16;
/// Payload types of one line.
const MAX_FORMATS: usize = 16;
/// Bytes of a value that is kept.
const MAX_VALUE: usize = 4096;

/// All of it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Description {
    /// What all of it together is controlled by.
    pub(super) control: Option<String>,
    /// Sound and pictures, in their order.
    pub media: Vec<Described>,
}

/// One line of media.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    pub kind: Kind,
    /// It takes NACK and PLI (RFC 4585).
    pub feedback: bool,
    /// By keys that nothing here has (RFC 3711).
    pub secure: bool,
    pub formats: Vec<MediaFormat>,
    pub(super) control: Option<String>,
}

/// A payload type, as `a=rtpmap` and `a=fmtp` have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediaFormat {
    pub payload_type: u8,
    /// `<name>/<clock rate>`, perhaps with channels; empty where its number says it all (RFC 3551 6).
    pub encoding: String,
    /// Parameters, `;` between them.
    pub parameters: String,
}

impl Description {
    /// Reads SDP. `None` when there is no line of sound or pictures.
    pub fn parse(text: &str) -> Option<Self> {
        let mut description = Self::default();
        // Lines of something else are there to be passed over.
        let mut place = Place::Session;
        for line in text.lines() {
            let Some((kind, value)) = line.trim_end().split_once('=') else { continue };
            if value.len() > MAX_VALUE {
                continue;
            }
            match kind.trim_start() {
                "m" => {
                    place = match Described::parse(value) {
                        Some(media) if description.media.len() < MAX_MEDIA => {
                            description.media.push(media);
                            Place::Media
                        }
                        _ => Place::Other,
                    };
                }
                "a" => {
                    let (name, value) = value.split_once(':').unwrap_or((value, ""));
                    match (&place, description.media.last_mut()) {
                        (Place::Session, _) if name == "control" => {
                            description.control = Some(value.trim().to_owned());
                        }
                        (Place::Media, Some(media)) => media.attribute(name, value.trim()),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        (!description.media.is_empty()).then_some(description)
    }
}

enum Place {
    Session,
    Media,
    Other,
}

impl Described {
    /// Reads `<media> <port> <profile> <payload types>`.
    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let kind = match words.next()? {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            _ => return None,
        };
        let profile = words.nth(1)?;
        if !profile.starts_with("RTP/") {
            return None;
        }
        let formats = words.take(MAX_FORMATS).filter_map(|word| {
            let payload_type = word.parse().ok().filter(|pt| *pt < 128)?;
            Some(MediaFormat { payload_type, encoding: String::new(), parameters: String::new() })
        });
        Some(Self {
            kind,
            feedback: profile.ends_with("AVPF"),
            secure: profile.contains("SAVP"),
            formats: formats.collect(),
            control: None,
        })
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if name == "control" {
            self.control = Some(value.to_owned());
            return;
        }
        let Some((number, value)) = value.split_once([' ', '\t']) else { return };
        let Ok(number) = number.parse::<u8>() else { return };
        let format = self.formats.iter_mut().find(|format| format.payload_type == number);
        let Some(format) = format else { return };
        match name {
            "rtpmap" => value.trim().clone_into(&mut format.encoding),
            "fmtp" => value.trim().clone_into(&mut format.parameters),
            _ => {}
        }
    }
}

impl MediaFormat {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.split(';').filter_map(|part| part.trim().split_once('='));
        all.find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=Media Presentation\r\na=control:*\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
        m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z0IAKeKQFAe2,aM48gA==\r\na=control:trackID=1\r\na=recvonly\r\n\
        m=audio 0 RTP/AVP 8\r\na=control:trackID=2\r\n\
        m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=3\r\n";

    #[test]
    fn what_cameras_write_is_read_and_metadata_is_passed_over() {
        let Description { control, media } = Description::parse(CAMERA).unwrap();
        assert_eq!(control.as_deref(), Some("*"));
        let controls: Vec<_> = media.iter().map(|media| media.control.as_deref()).collect();
        assert_eq!(controls, [Some("trackID=1"), Some("trackID=2")]);
        let [video, audio] = &media[..] else { panic!("{media:?}") };
        assert_eq!((video.kind, audio.kind), (Kind::Video, Kind::Audio));
        assert_eq!(video.formats[0].encoding, "H264/90000");
        assert_eq!(video.formats[0].parameter("Packetization-Mode"), Some("1"));
        assert_eq!(
            video.formats[0].parameter("sprop-parameter-sets"),
            Some("Z0IAKeKQFAe2,aM48gA==")
        );
        assert_eq!((audio.formats[0].payload_type, &*audio.formats[0].encoding), (8, ""));
    }

    #[test]
    fn what_has_no_sound_and_no_pictures_is_none() {
        assert_eq!(Description::parse(""), None);
        assert_eq!(Description::parse("v=0\r\nm=application 0 RTP/AVP 107\r\n"), None);
        assert_eq!(Description::parse("m=video 0 UDP/X 96\nm=audio\nm="), None);
    }

    #[test]
    fn what_a_server_writes_is_bounded() {
        let lines = format!("m=video 0 RTP/AVP{}\r\n", " 96".repeat(100)).repeat(100);
        let description = Description::parse(&lines).unwrap();
        assert_eq!(description.media.len(), MAX_MEDIA);
        assert!(description.media.iter().all(|media| media.formats.len() <= MAX_FORMATS));
    }
}
