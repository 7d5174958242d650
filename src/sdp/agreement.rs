//! What an offer and its answer come to.

use std::sync::Arc;

use super::candidate::RemoteCandidate;
use super::description::{Direction, Fingerprint, MediaSection, Msid};
use super::feedback::Feedback;
use super::local::LocalLine;
use super::simulcast::RidDirection;
use crate::codec::format::Format;
use crate::codec::names::{Mid, Rid};

/// What was agreed on.
#[derive(Clone, PartialEq, Debug)]
pub struct Agreement {
    /// As many as the offer has, in its order.
    pub lines: Vec<AgreedLine>,
    /// How to reach the peer. `None` when every line was refused.
    pub transport: Option<RemoteTransport>,
    /// The lines share one transport by `a=group:BUNDLE`.
    pub group: Vec<usize>,
    /// The peer takes one- and two-byte header extensions side by side (RFC 8285 4.1.2).
    pub extmap_allow_mixed: bool,
    /// What an answer repeats of the peer's `a=ice-options`.
    pub ice_options: &'static str,
}

/// An m-line as agreed on.
#[derive(Clone, PartialEq, Debug)]
pub struct AgreedLine {
    /// As the peer or this side named it; made up where the peer gave no name.
    pub mid: Mid,
    /// What this side's description says of it.
    pub local: LocalLine,
    /// What the peer lets this side do.
    pub allowed: Direction,
    /// What this side sends, by the peer's payload types, most wanted first.
    pub send: Arc<[Format]>,
    /// What the peer sends, by this side's payload types.
    pub receive: Arc<[Format]>,
    /// Where it is `telephone-event` (RFC 4733), of either side.
    pub send_events: Vec<TelephoneEvent>,
    pub receive_events: Vec<TelephoneEvent>,
    /// What any format of the line has.
    pub feedback: Feedback,
    pub remote: RemoteMedia,
}

impl AgreedLine {
    /// Whether media may flow on it, now or after another direction.
    pub fn usable(&self) -> bool {
        !self.local.stopped
    }

    /// Has what another line says in the same words from there: most lines of a peer agree on the
    /// same formats.
    pub fn share(&mut self, other: &Self) {
        share(&mut self.local.payloads, &other.local.payloads);
        share(&mut self.local.extensions, &other.local.extensions);
        share(&mut self.send, &other.send);
        share(&mut self.receive, &other.receive);
    }

    /// Gives back what its lists have room for and do not hold.
    pub fn shrink(&mut self) {
        let send = self.send.clone();
        share(&mut self.receive, &send);
        self.send_events.shrink_to_fit();
        self.receive_events.shrink_to_fit();
        self.remote.sources.shrink_to_fit();
        self.remote.tracks.shrink_to_fit();
    }
}

fn share<T: PartialEq>(list: &mut Arc<[T]>, other: &Arc<[T]>) {
    if list == other {
        *list = other.clone();
    }
}

/// One payload type of `telephone-event`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEvent {
    pub pt: u8,
    /// In Hz.
    pub clock_rate: u32,
}

impl TelephoneEvent {
    /// Tells the formats whose clock it shares, where they have none yet: its packets have the
    /// timestamps of theirs (RFC 4733 2.5.1.2).
    pub(super) fn belongs_to(self, formats: &mut [Format]) {
        for format in formats.iter_mut().filter(|f| f.codec.clock_rate() == self.clock_rate) {
            format.events.get_or_insert(self.pt);
        }
    }
}

/// What the peer says of what it sends on a line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RemoteMedia {
    /// One, or several of plan B. Never empty.
    pub tracks: Vec<RemoteTrack>,
    /// RIDs it sends, in its order (RFC 8851).
    pub rids: Vec<Rid>,
    /// It takes RTCP in reduced size (RFC 5506).
    pub reduced_size: bool,
    /// SSRCs it names, in its order (RFC 5576), without those of retransmissions.
    pub sources: Vec<RemoteSource>,
}

/// A track as the peer names it (`a=msid`, RFC 8830 2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteTrack {
    /// `-` for none (RFC 8830).
    pub stream: String,
    /// Empty for none.
    pub track: String,
}

/// An SSRC that the peer names, and what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemoteSource {
    pub ssrc: u32,
    /// SSRC of its retransmissions (`a=ssrc-group:FID`, RFC 5576 4.2).
    pub rtx: Option<u32>,
    /// Place in `a=ssrc-group:SIM`.
    pub place: Option<u8>,
    /// Index into the tracks.
    pub track: usize,
}

impl RemoteMedia {
    pub(super) fn of(media: &MediaSection<'_>) -> Self {
        let tracks = tracks(media);
        let retransmits = |ssrc: u32| {
            media.source_groups.iter().any(|group| {
                group.semantics == "FID" && group.ssrcs.get(1..).is_some_and(|s| s.contains(&ssrc))
            })
        };
        let rtx = |ssrc: u32| {
            let group =
                |semantics: &str, ssrcs: &[u32]| semantics == "FID" && ssrcs.first() == Some(&ssrc);
            let found = media.source_groups.iter().find(|g| group(g.semantics, &g.ssrcs))?;
            found.ssrcs.get(1).copied()
        };
        let place = |ssrc: u32| {
            let sim = media.source_groups.iter().filter(|group| group.semantics == "SIM");
            sim.filter_map(|group| group.ssrcs.iter().position(|known| *known == ssrc))
                .next()
                .and_then(|place| u8::try_from(place).ok())
        };
        let sources = media.sources.iter().filter(|source| !retransmits(source.ssrc));
        let sources = sources.map(|source| RemoteSource {
            ssrc: source.ssrc,
            rtx: rtx(source.ssrc),
            place: place(source.ssrc),
            track: first_encoding(media, source.ssrc)
                .and_then(|msid| tracks.iter().position(|known| known.track == msid.track))
                .unwrap_or(0),
        });
        let sources = sources.collect();
        let rids = media.rids.iter().filter(|(_, direction)| *direction == RidDirection::Send);
        Self {
            reduced_size: media.rtcp_rsize,
            sources,
            rids: rids.map(|(rid, _)| Rid::from(*rid)).collect(),
            tracks,
        }
    }
}

/// What the first encoding of a source's simulcast calls its track: encodings of one group are of
/// one track, whatever each is called. Of a source without a group that is the source itself.
fn first_encoding<'a>(media: &MediaSection<'a>, ssrc: u32) -> Option<Msid<'a>> {
    let mut groups = media.source_groups.iter().filter(|group| group.semantics == "SIM");
    let group = groups.find(|group| group.ssrcs.contains(&ssrc));
    let first = group.and_then(|group| group.ssrcs.first().copied()).unwrap_or(ssrc);
    media.sources.iter().find(|source| source.ssrc == first)?.msid
}

/// The tracks of an m-line: what `a=msid` names, and what it names of SSRCs where these are
/// several, as they were in plan B.
fn tracks(media: &MediaSection<'_>) -> Vec<RemoteTrack> {
    let mut named = Vec::new();
    for msid in media.sources.iter().filter_map(|source| first_encoding(media, source.ssrc)) {
        if !named.iter().any(|known: &Msid<'_>| known.track == msid.track) {
            named.push(msid);
        }
    }
    // A peer that names a track for the whole line means one, whatever it tells older clients of
    // the SSRCs (RFC 8829 5.2.1).
    if let Some(msid) = media.msids.first()
        && (named.len() < 2 || !named.iter().any(|known| known.track == msid.track))
    {
        named = vec![*msid];
    }
    if named.is_empty() {
        return vec![RemoteTrack { stream: "-".into(), track: String::new() }];
    }
    let track = |msid: &super::description::Msid<'_>| RemoteTrack {
        stream: msid.stream.to_owned(),
        track: msid.track.to_owned(),
    };
    named.iter().map(track).collect()
}

/// How to reach the peer, by its tagged line or the first that says it (RFC 9143 7).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteTransport {
    pub ufrag: String,
    pub pwd: String,
    pub ice_lite: bool,
    /// Those of hash functions that can be checked; any of them may be the certificate's.
    pub fingerprints: Vec<Fingerprint>,
    /// This side opens the DTLS association (RFC 8842 5).
    pub active: bool,
    /// The peer wrote `a=setup:actpass`: an association that exists stays.
    pub undecided: bool,
    pub candidates: Vec<RemoteCandidate>,
    /// Largest message the peer takes on a data channel, in bytes (RFC 8841 6).
    pub max_message_size: Option<u64>,
}
