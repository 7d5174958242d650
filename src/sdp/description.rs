//! A peer's description as it was read: what each line says, and nothing of what follows from it.

use crate::codec::Kind;

use super::payload::Payloads;
use super::simulcast::{RidDirection, Simulcast};

/// A description. Borrows from its text.
#[derive(Debug, Default)]
pub struct Description<'a> {
    /// In the order of the text.
    pub media: Vec<MediaSection<'a>>,
    /// Identification tags of each `a=group:BUNDLE` (RFC 9143), in their order.
    pub bundles: Vec<Vec<&'a str>>,
    /// `c=` of the session (RFC 8866 5.7).
    pub connection: Option<&'a str>,
    /// What the session says for all m-lines that say nothing themselves (RFC 8839 5.4,
    /// RFC 8122 5, RFC 4145 4).
    pub transport: Transport<'a>,
    /// `a=extmap` of the session (RFC 8285 7).
    pub extensions: Vec<ExtensionMap<'a>>,
    /// `a=extmap-allow-mixed` of the session (RFC 8285 6).
    pub extmap_allow_mixed: bool,
    /// `a=source-filter` (RFC 4570), for all lines without one.
    pub source_filter: Option<&'a str>,
}

impl<'a> Description<'a> {
    /// The ICE credentials that hold for an m-line (RFC 8839 5.4).
    pub fn credentials(&self, media: &MediaSection<'a>) -> Option<(&'a str, &'a str)> {
        media.transport.credentials().or_else(|| self.transport.credentials())
    }

    /// The certificate fingerprints that hold for an m-line (RFC 8122 5).
    pub fn fingerprints<'s>(&'s self, media: &'s MediaSection<'a>) -> &'s [Fingerprint] {
        if media.transport.fingerprints.is_empty() {
            &self.transport.fingerprints
        } else {
            &media.transport.fingerprints
        }
    }

    /// The DTLS role that holds for an m-line (RFC 8842 5).
    pub fn setup(&self, media: &MediaSection<'a>) -> Option<(Setup, &'a str)> {
        media.transport.setup.or(self.transport.setup)
    }

    /// Header extensions of an m-line, its own before the session's.
    pub fn extensions<'s>(
        &'s self,
        media: &'s MediaSection<'a>,
    ) -> impl Iterator<Item = &'s ExtensionMap<'a>> {
        media.extensions.iter().chain(&self.extensions)
    }

    /// Whether the peer does ICE-lite, by what the session says or an m-line.
    pub fn is_ice_lite(&self, media: &MediaSection<'a>) -> bool {
        self.transport.ice_lite || media.transport.ice_lite
    }

    /// Candidates of the whole description.
    pub fn candidates(&self) -> impl Iterator<Item = &'a str> + '_ {
        let own = self.transport.candidates.iter().copied();
        own.chain(self.media.iter().flat_map(|media| media.transport.candidates.iter().copied()))
    }

    /// What the peer takes for ICE (`a=ice-options`, RFC 8839 5.6).
    pub fn has_ice_option(&self, name: &str) -> bool {
        let own = self.media.iter().filter_map(|media| media.transport.ice_options);
        let mut all = self.transport.ice_options.into_iter().chain(own);
        all.any(|options| options.split_ascii_whitespace().any(|option| option == name))
    }
}

/// What a description says of ICE and DTLS, for the session or for one m-line.
#[derive(Debug, Default)]
pub struct Transport<'a> {
    /// RFC 8839 5.4.
    pub ufrag: Option<&'a str>,
    pub pwd: Option<&'a str>,
    pub ice_options: Option<&'a str>,
    /// `a=ice-lite` (RFC 8839 5.3), which is for the session and stands in m-lines of some.
    pub ice_lite: bool,
    /// RFC 8122 5, in the order of the text.
    pub fingerprints: Vec<Fingerprint>,
    /// RFC 4145 4, with the line it stands in.
    pub setup: Option<(Setup, &'a str)>,
    /// `candidate:...`, as they came.
    pub candidates: Vec<&'a str>,
}

impl<'a> Transport<'a> {
    fn credentials(&self) -> Option<(&'a str, &'a str)> {
        Some((self.ufrag?, self.pwd?))
    }
}

/// A certificate's fingerprint (RFC 8122 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    /// Lower case, such as `sha-256`.
    pub hash: String,
    pub digest: Vec<u8>,
}

/// Who opens the DTLS association (RFC 4145 4, RFC 8842 5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setup {
    Active,
    Passive,
    ActPass,
    HoldConn,
}

impl Setup {
    /// As `a=setup` writes it (RFC 4145 4).
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
            Self::HoldConn => "holdconn",
        }
    }
}

/// Which way media flows, seen by whose description it is (RFC 8866 6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    /// The direction of a side that does these two.
    pub fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// What an attribute of this name says, such as `sendonly`; `None` for any other word.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];
        all.into_iter().find(|direction| direction.name() == name)
    }

    /// The name of its attribute (RFC 8866 6.7).
    pub fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether the side that it describes sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the side that it describes receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, seen from the other side.
    pub fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow.
    pub fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

/// What an m-line is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MediaKind {
    Rtp(Kind),
    /// Data channels (RFC 8841).
    Application,
    /// Text, images and what else there may be (RFC 8866 8.2.1).
    Other,
}

/// An m-line and what follows it.
#[derive(Debug)]
pub struct MediaSection<'a> {
    /// The m-line as it came.
    pub line: &'a str,
    pub kind: MediaKind,
    /// The m-line's first word.
    pub media: &'a str,
    /// 0 refuses the line, unless it is `bundle_only` (RFC 9143 6).
    pub port: u16,
    pub profile: &'a str,
    /// The rest of the m-line.
    pub formats: &'a str,
    /// `a=mid` (RFC 5888 4), with the line it stands in.
    pub mid: Option<(&'a str, &'a str)>,
    pub bundle_only: bool,
    /// The m-line's, else the session's, else `sendrecv` (RFC 8866 6.7).
    pub direction: Direction,
    pub transport: Transport<'a>,
    /// `c=` of the m-line (RFC 8866 5.7).
    pub connection: Option<&'a str>,
    /// `a=rtcp` (RFC 3605).
    pub rtcp: Option<&'a str>,
    /// `a=source-filter` (RFC 4570).
    pub source_filter: Option<&'a str>,
    /// `a=crypto` (RFC 4568 4), each with the line it stands in.
    pub crypto: Vec<(&'a str, &'a str)>,
    /// RFC 5761, RFC 8858.
    pub rtcp_mux: bool,
    /// RFC 5506.
    pub rtcp_rsize: bool,
    pub extmap_allow_mixed: bool,
    /// In the order of the m-line.
    pub payloads: Payloads<'a>,
    /// Feedback for all payload types (`a=rtcp-fb:*`, RFC 4585 4.2).
    pub feedback: Vec<&'a str>,
    pub extensions: Vec<ExtensionMap<'a>>,
    /// `a=msid` (RFC 8830), the first of each track.
    pub msids: Vec<Msid<'a>>,
    /// `a=ssrc` (RFC 5576), each SSRC once.
    pub sources: Vec<Source<'a>>,
    pub source_groups: Vec<SourceGroup<'a>>,
    /// `a=rid` (RFC 8851 4).
    pub rids: Vec<(&'a str, RidDirection)>,
    /// RFC 8853.
    pub simulcast: Option<Simulcast<'a>>,
    /// RFC 8841 5, or of the old `a=sctpmap` or m-line.
    pub sctp_port: Option<u16>,
    /// In bytes (RFC 8841 6).
    pub max_message_size: Option<u64>,
}

impl MediaSection<'_> {
    /// Whether the line is refused, or was given up.
    pub fn stopped(&self) -> bool {
        self.port == 0 && !self.bundle_only
    }

    /// The name of the line (`a=mid`, RFC 5888 4), if it has one.
    pub fn mid(&self) -> Option<&str> {
        self.mid.map(|(mid, _)| mid)
    }
}

/// `a=extmap` (RFC 8285 5), as far as its id can be in packets: 1 to 255.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExtensionMap<'a> {
    pub id: u8,
    /// Of the side whose description it is.
    pub direction: Direction,
    pub uri: &'a str,
}

/// To which stream a track belongs (RFC 8830).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Msid<'a> {
    /// `-` for none.
    pub stream: &'a str,
    /// Empty for none.
    pub track: &'a str,
}

/// What `a=ssrc` says of an SSRC (RFC 5576 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Source<'a> {
    pub ssrc: u32,
    pub cname: Option<&'a str>,
    /// Of plan B, before RFC 8830.
    pub msid: Option<Msid<'a>>,
}

/// `a=ssrc-group` (RFC 5576 4.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceGroup<'a> {
    /// `FID` and `SIM` are known.
    pub semantics: &'a str,
    pub ssrcs: Vec<u32>,
}
