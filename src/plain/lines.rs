//! What each line is for the halves: tracks that come in, and streams that go out.

use std::time::Instant;

use super::Session;
use super::leg::Leg;
use crate::codec::names::Mid;
use crate::codec::{Codec, Kind};
use crate::control::event::{CloseReason, Event, IncomingTrackInfo};
use crate::control::ids::{OutgoingTrackId, SourceId};
use crate::control::rtp::RtpOptions;
use crate::peer::PeerEvent;
use crate::receiving::{
    AnnouncedSource, ExtensionIds, FeedbackKinds, LineTrack, ReceiveLine, TelephoneEventFormat,
};
use crate::sending::{OutgoingTrack, Reach, StreamParameters};

/// All tracks are of one stream: one far end sends them in step.
const STREAM: &str = "rtp";

/// SSRC of retransmissions, which differs from that of the media in one bit.
const RTX: u32 = 0x8000_0000;

fn mid(place: usize) -> Mid {
    Mid::from(&*place.to_string())
}

impl Session {
    /// A line has a track that comes in from now on.
    pub(super) fn announce(&mut self, place: usize) {
        let Some(line) = self.media.get_mut(place) else { return };
        let id = SourceId::new(&self.ids, self.id.shard());
        line.incoming = Some(id);
        let mut codecs: Vec<Codec> = Vec::new();
        for format in &line.declared.formats {
            if !codecs.contains(&format.codec) {
                codecs.push(format.codec);
            }
        }
        let is_h264 = codecs.contains(&Codec::H264);
        let info = IncomingTrackInfo {
            id,
            kind: line.kind,
            mid: mid(place).to_string(),
            stream: STREAM.to_owned(),
            track: mid(place).to_string(),
            codecs,
            rids: line.rids.iter().map(|rid| rid.to_string()).collect(),
            reordered: self.options.mix_b_frames && is_h264,
        };
        let event = Event::IncomingTrack { transport: self.id, info: Box::new(info) };
        self.events.push_back(PeerEvent::Event(event));
        self.events.push_back(PeerEvent::IncomingTrackChanged { id });
    }

    /// Tells the receiving half what may come, with the SSRCs that are known by now: payload types
    /// alone do not tell ports apart, as each has numbers of its own.
    pub(super) fn configure(&mut self) {
        let mut lines = Vec::with_capacity(self.media.len());
        for (place, line) in self.media.iter().enumerate() {
            let Some(id) = line.incoming else { continue };
            let given = self.options.media.get(place);
            let feedback = given.is_some_and(|media| media.feedback);
            let several = line.rids.len() > 1;
            let legs = self.legs.iter().filter(|leg| leg.media == place);
            let sources = legs.filter_map(|leg| {
                Some(AnnouncedSource {
                    ssrc: leg.ssrc.or(leg.announced)?,
                    rtx: None,
                    place: several.then(|| u8::try_from(leg.place).ok()).flatten(),
                    track: 0,
                })
            });
            let events = line.declared.events.iter();
            lines.push(ReceiveLine {
                mid: mid(place),
                kind: line.kind,
                receives: line.receives,
                formats: line.declared.formats.clone().into(),
                telephone_events: events
                    .map(|event| TelephoneEventFormat {
                        pt: event.pt,
                        clock_rate: event.clock_rate,
                    })
                    .collect(),
                rids: line.rids.clone(),
                places_have_rids: several,
                sources: sources.collect(),
                extensions: ExtensionIds::default(),
                tracks: vec![LineTrack {
                    id,
                    stream: STREAM.to_owned(),
                    track: mid(place).to_string(),
                }],
                feedback: FeedbackKinds {
                    nack: feedback,
                    pli: feedback,
                    fir: feedback,
                    refused: !feedback,
                    ..FeedbackKinds::default()
                },
                reduced_size: given.is_some_and(|media| media.reduced_size),
            });
        }
        self.receiving.configure(lines);
    }

    /// Puts a track on the first line of its kind that sends and has none.
    pub(super) fn add_outgoing(
        &mut self,
        now: Instant,
        id: OutgoingTrackId,
        kind: Kind,
        stream: String,
        track: String,
    ) {
        let taken = |place: usize| {
            self.sending.tracks().iter().any(|track| track.mid.as_ref() == Some(&mid(place)))
        };
        let mut lines = self.media.iter().enumerate();
        let free = lines.find(|(place, line)| line.send && line.kind == kind && !taken(*place));
        let Some((place, _)) = free else {
            let event = Event::OutgoingTrackClosed { id, reason: CloseReason::Error };
            self.events.push_back(PeerEvent::Event(event));
            return;
        };
        let mut outgoing = OutgoingTrack::new(id, kind, stream, track);
        outgoing.bind(mid(place));
        self.sending.add_track(outgoing);
        let event = Event::OutgoingTrackNegotiated { id, mid: mid(place).to_string() };
        self.events.push_back(PeerEvent::Event(event));
        self.reach(now);
    }

    /// Somebody can be sent to, or at another address than before: tracks begin where they can.
    pub(super) fn reach(&mut self, now: Instant) {
        for index in 0..self.sending.tracks().len() {
            let track = &self.sending.tracks()[index];
            let Some(place) = track.mid.as_ref().and_then(|mid| mid.parse::<usize>().ok()) else {
                continue;
            };
            let Some(line) = self.media.get(place) else { continue };
            let Some(given) = self.options.media.get(place) else { continue };
            let leg = self.legs.iter().find(|leg| leg.media == place);
            let sends = line.send && leg.is_some_and(Leg::is_reachable);
            let repeats = line.declared.formats.iter().any(|format| format.rtx.is_some());
            let parameters = StreamParameters {
                ssrc: given.send_ssrc,
                rtx: repeats.then_some(given.send_ssrc ^ RTX),
                keeps: given.feedback && !repeats,
                mid: mid(place),
                cname: self.options.cname.as_str().into(),
                extensions: Default::default(),
            };
            let formats = line.declared.formats.clone();
            self.sending.tracks_mut()[index].negotiated(formats, sends, Some(parameters));
        }
        let reachable = self.legs.iter().any(Leg::is_reachable);
        let reach = if reachable { Reach::Yes } else { Reach::No };
        self.with_sending(|sending| {
            sending.set_reach(reach);
            sending.renegotiated(now);
            if reach == Reach::Yes {
                sending.connected(now);
            }
        });
        if reachable && self.media.iter().all(|line| line.incoming.is_none()) {
            self.connect();
        }
    }

    /// The line that sends with an SSRC, of its media or of their retransmissions.
    pub(super) fn line_of(options: &RtpOptions, ssrc: u32) -> Option<usize> {
        let is = |send_ssrc: u32| ssrc == send_ssrc || ssrc == send_ssrc ^ RTX;
        options.media.iter().position(|media| media.send && is(media.send_ssrc))
    }
}
