//! What a peer sends us: SRTP datagrams and RTCP go in, packets of tracks and what there is to say
//! of them come out, and reports back to the peer. No I/O and no clock; keys and what was
//! negotiated come from elsewhere.
//!
//! Order of calls: [`Receiving::configure`] after each description, [`Receiving::set_keys`] when
//! the handshake is through; then [`Receiving::rtp`] and [`Receiving::rtcp`] for what comes. After a
//! batch of them, and when [`Receiving::next`] says so, [`Receiving::poll`] and
//! [`Receiving::next_event`] until there is none.

pub mod clock;
mod configuration;
mod demux;
mod drops;
mod encoding;
pub mod extensions;
mod feedback;
pub mod header;
mod intake;
mod layers_allocation;
mod limit;
pub mod line;
mod nack;
mod opened;
mod remb;
mod reordering;
mod report;
mod rtx;
mod stream;
mod telephone;
mod telephone_events;
#[cfg(any(test, feature = "fault-injection"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod track;
mod transport_feedback;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::event::EncodingInfo;
use crate::control::ids::{IdMap, SourceId};
use crate::control::layers::EncodingDemand;
pub use crate::control::stats::DroppedPackets;
use crate::sfu::SourcePacket;
use crate::srtp::{KeyingMaterial, RtpOpener};
use demux::Demux;
pub use drops::DropReason;
pub use extensions::ExtensionIds;
pub use header::RtpHeader;
pub use line::{AnnouncedSource, FeedbackKinds, LineTrack, ReceiveLine, TelephoneEventFormat};
use reordering::Reordering;
use report::Reporter;
use stream::Stream;
pub use telephone::EventPacket;
pub use telephone_events::TelephoneEvents;
use track::Track;
use transport_feedback::TransportFeedback;

/// SSRCs of one peer beyond those that its description names.
const MAX_UNANNOUNCED: usize = 256;

/// Something that came of the peer, in the order in which it came.
#[derive(Clone, Debug)]
pub enum Received {
    /// Media for whoever receives the track.
    Packet(Arc<SourcePacket>),
    /// An encoding appeared or became active or inactive.
    Encoding { id: SourceId, encoding: EncodingInfo },
    /// What receivers choose by changed: see [`Receiving::describe`].
    Changed { id: SourceId },
    /// Asked for by [`Receiving::listen_levels`]: dBov, and whether it is voice.
    AudioLevel { id: SourceId, level: i8, voice: bool },
    /// Which encodings of a track anybody wants.
    Demand { id: SourceId, encodings: Vec<EncodingDemand> },
    /// A key of a telephone (RFC 4733), as one packet tells of it.
    TelephoneEvent(Box<EventPacket>),
    /// The peer says that a stream ends (RFC 3550 6.6).
    Goodbye { id: SourceId, ssrc: u32 },
}

type Queue = VecDeque<Received>;

/// One line, with its tracks at the places that [`ReceiveLine::tracks`] gives them.
#[derive(Debug)]
struct Line {
    spec: ReceiveLine,
    tracks: Vec<Track>,
}

/// The receiving side of one peer.
pub struct Receiving {
    opener: Option<RtpOpener>,
    lines: Vec<Line>,
    /// The line of each track, and its place there.
    places: IdMap<SourceId, (usize, usize)>,
    demux: Demux,
    /// By SSRC, in ascending order.
    streams: Vec<Stream>,
    /// How many of them no description names.
    unannounced: usize,
    /// Where the last packet's stream was.
    recent: usize,
    events: Queue,
    drops: DroppedPackets,
    reporter: Reporter,
    sender_clock: clock::SenderClock,
    transport_feedback: TransportFeedback,
    reordering: Reordering,
    /// For a peer that takes REMB and no transport-wide feedback.
    remb: Option<remb::Estimate>,
    /// The most that the application lets the peer send.
    limit: Option<limit::Limit>,
    /// A limit was lifted, of which the peer has yet to be told.
    lifted: bool,
    /// The id of transport-wide numbers, which are those of all lines together.
    transport_sequence: Option<u8>,
    /// To the peer, as the answers to our reports tell.
    round_trip: Option<Duration>,
    measured_elsewhere: Option<Duration>,
    /// Of the last FIR (RFC 5104 4.3.1.1).
    fir: u8,
    timers: Timers,
}

/// When something is due, of all streams together. Each is never later than what it stands for; too
/// early costs one look.
#[derive(Default, Debug)]
struct Timers {
    nack: Option<Instant>,
    keyframe: Option<Instant>,
    activity: Option<Instant>,
    demand: Option<Instant>,
}

fn sooner(timer: &mut Option<Instant>, at: Option<Instant>) {
    if let Some(at) = at {
        *timer = Some(timer.map_or(at, |timer| timer.min(at)));
    }
}

impl Receiving {
    /// `ssrc` is what reports are sent under. No media may be sent with it.
    pub fn new(now: Instant, ssrc: u32, cname: &str) -> Self {
        Self {
            opener: None,
            lines: Vec::new(),
            places: IdMap::default(),
            demux: Demux::default(),
            streams: Vec::new(),
            unannounced: 0,
            recent: 0,
            events: Queue::new(),
            drops: DroppedPackets::default(),
            reporter: Reporter::new(now, ssrc, cname),
            sender_clock: clock::SenderClock::default(),
            transport_feedback: TransportFeedback::default(),
            reordering: Reordering::default(),
            remb: None,
            limit: None,
            lifted: false,
            transport_sequence: None,
            round_trip: None,
            measured_elsewhere: None,
            fir: 0,
            timers: Timers::default(),
        }
    }

    /// The handshake is through. `client`: this side was the DTLS client. Streams begin anew, as
    /// the keys of another association have indices of their own.
    pub fn set_keys(&mut self, material: &KeyingMaterial, client: bool) {
        self.opener = RtpOpener::new(material, client);
        self.streams.clear();
        (self.unannounced, self.recent) = (0, 0);
    }

    /// The SSRC that reports are sent under.
    pub fn report_ssrc(&self) -> u32 {
        self.reporter.ssrc
    }

    /// Reports go under another SSRC, because media is sent with that one now.
    pub fn set_report_ssrc(&mut self, ssrc: u32) {
        self.reporter.ssrc = ssrc;
    }

    /// The round trip to the peer, as something else measured it. What its answers to our reports
    /// tell comes before it.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.measured_elsewhere = Some(round_trip);
    }

    fn likely_round_trip(&self) -> Option<Duration> {
        self.round_trip.or(self.measured_elsewhere)
    }

    /// What came, one by one.
    pub fn next_event(&mut self) -> Option<Received> {
        self.events.pop_front()
    }

    /// Gives back what lists have room for and do not hold.
    pub fn trim(&mut self) {
        self.events.shrink_to_fit();
    }

    /// Whether a description names an SSRC, for media or for retransmissions, or something
    /// authentic came with it.
    pub fn knows(&self, ssrc: u32) -> bool {
        self.demux.is_announced(ssrc) || self.position(ssrc).is_ok()
    }

    /// Packets that were dropped, by the reason.
    pub fn drops(&self) -> DroppedPackets {
        self.drops
    }

    /// Streams of media and the sequence number of the newest packet of each.
    pub fn newest(&self) -> impl Iterator<Item = (u32, u16)> {
        let media = self.streams.iter().filter(|s| matches!(s.route, demux::Route::Media(_)));
        media.map(|stream| (stream.ssrc, stream.index.highest() as u16))
    }

    /// Whether the peer sends media.
    pub fn is_active(&self) -> bool {
        self.timers.activity.is_some()
            && self.tracks().flat_map(|track| &track.encodings).any(|encoding| encoding.active())
    }

    fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.lines.iter().flat_map(|line| &line.tracks)
    }

    fn track(&self, id: SourceId) -> Option<&Track> {
        let (line, track) = *self.places.get(&id)?;
        self.lines.get(line)?.tracks.get(track)
    }

    fn track_mut(&mut self, id: SourceId) -> Option<&mut Track> {
        let (line, track) = *self.places.get(&id)?;
        self.lines.get_mut(line)?.tracks.get_mut(track)
    }

    /// The place of a stream, or where it would be.
    fn position(&self, ssrc: u32) -> Result<usize, usize> {
        if self.streams.get(self.recent).is_some_and(|stream| stream.ssrc == ssrc) {
            return Ok(self.recent);
        }
        self.streams.binary_search_by_key(&ssrc, |stream| stream.ssrc)
    }

    fn stream(&self, ssrc: u32) -> Option<&Stream> {
        self.position(ssrc).ok().and_then(|place| self.streams.get(place))
    }
}
