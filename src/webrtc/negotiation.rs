//! Offers and answers (RFC 8829): what we want sent and received against what was agreed on.
//!
//! str0m forgets our wishes when the peer's offer crosses ours, and changes a direction before the
//! peer has agreed. So the wishes live here, in the tracks, and every offer is made from the
//! difference between them and what was last agreed on.

use std::collections::HashMap;
use std::time::Instant;

use str0m::RtcError;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, Mid};

use super::config::{kind_of, media_kind_of};
use super::dtls::Fingerprints;
use super::sdp::{self, Amendment, Limits, RemoteMedia};
use super::{Session, SessionEvent};
use crate::control::error::{EngineError, ErrorCode};
use crate::control::event::{Event, TransportState};
use crate::sending::OutgoingTrack;

#[derive(Default)]
pub(super) struct Negotiation {
    /// Our offer, while it has no answer.
    pending: Option<Pending>,
    /// Our direction of each m-line, as last agreed on.
    agreed: HashMap<Mid, Direction>,
    /// What the peer's last description said of its m-lines.
    pub(super) remote: Vec<RemoteMedia>,
    /// The peer's last description when it was an offer, for a restart by fragment.
    pub(super) remote_offer: Option<String>,
    /// The peer's current ICE credentials.
    pub(super) remote_credentials: Option<(String, String)>,
    /// `NegotiationNeeded` went out and no offer was asked for since.
    announced: bool,
    /// M-lines this side made.
    own_lines: Vec<Mid>,
    /// The data channel m-line was asked for.
    wants_application: bool,
    has_application: bool,
}

struct Pending {
    offer: SdpPendingOffer,
    /// Directions it asks for.
    directions: Vec<(Mid, Direction)>,
    application: bool,
}

impl Negotiation {
    pub(super) fn want_application(&mut self) {
        self.wants_application = true;
    }

    pub(super) fn has_application(&self) -> bool {
        self.has_application
    }

    /// Every m-line for media that was ever agreed on.
    pub(super) fn lines(&self) -> impl Iterator<Item = Mid> + '_ {
        self.agreed.keys().copied()
    }
}

impl Session {
    pub(crate) fn accept_offer(&mut self, now: Instant, sdp: &str) -> Result<String, EngineError> {
        let answer = self.negotiate(|session| session.apply_offer(sdp))?;
        self.note_carrier(now, sdp);
        self.after_description(now);
        Ok(answer)
    }

    fn apply_offer(&mut self, sdp: &str) -> Result<String, EngineError> {
        check_size(sdp)?;
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|e| sdp_error(sdp, &e.to_string()))?;
        let fingerprints = fingerprints(sdp)?;
        if self.negotiation.pending.is_some() {
            if !self.options.polite {
                return Err(EngineError::new(
                    ErrorCode::Glare,
                    "an offer of this side is pending and it is not polite: the peer has to roll its own back",
                ));
            }
            self.forget_pending_offer();
        }
        let credentials = sdp::credentials(sdp).map(|(u, p)| (u.to_owned(), p.to_owned()));
        let answer = self.rtc.sdp_api().accept_offer(offer).map_err(|e| rejected(sdp, &e))?;
        self.dtls.expect_certificate(fingerprints);
        self.negotiation.remote = sdp::remote_media(sdp);
        self.negotiation.remote_offer = Some(sdp.to_owned());
        self.negotiation.remote_credentials = credentials;
        self.adopt_offered_lines();
        self.agree_on_application(sdp);
        self.reconcile();
        Ok(sdp::amend(&answer.to_sdp_string(), &self.amendments(&[]), self.limits()))
    }

    pub(crate) fn create_offer(
        &mut self,
        now: Instant,
        ice_restart: bool,
    ) -> Result<String, EngineError> {
        let offer = self.negotiate(|session| session.make_offer(ice_restart))?;
        self.drain(now);
        Ok(offer)
    }

    fn make_offer(&mut self, ice_restart: bool) -> Result<String, EngineError> {
        self.forget_pending_offer();
        self.negotiation.announced = false;
        self.reuse_own_lines();

        let wanted = self.wanted_directions();
        let mut api = self.rtc.sdp_api();
        for (mid, direction) in &wanted {
            api.set_direction(*mid, *direction);
        }
        let mut directions = wanted;
        for outgoing in self.sending.tracks_mut().iter_mut() {
            if outgoing.mid.is_none() && outgoing.offered.is_none() {
                let mid = api.add_media(
                    media_kind_of(outgoing.kind),
                    Direction::SendOnly,
                    Some(outgoing.stream.clone()),
                    Some(outgoing.track.clone()),
                    None,
                );
                outgoing.offered = Some((&*mid).into());
                directions.push((mid, Direction::SendOnly));
            }
        }
        let application = self.negotiation.wants_application && !self.negotiation.has_application;
        if application {
            self.channels.offer(&mut api);
        }
        if ice_restart {
            api.ice_restart(true);
        }
        let Some((offer, pending)) = api.apply() else {
            return Err(EngineError::new(
                ErrorCode::InvalidState,
                "there is nothing to negotiate: add a track or a data channel first, or ask for an ICE restart",
            ));
        };
        let amendments = self.amendments(&directions);
        self.negotiation.pending = Some(Pending { offer: pending, directions, application });
        self.learn_local_credentials(&offer.to_sdp_string());
        Ok(sdp::amend(&offer.to_sdp_string(), &amendments, self.limits()))
    }

    pub(crate) fn accept_answer(&mut self, now: Instant, sdp: &str) -> Result<(), EngineError> {
        self.negotiate(|session| session.apply_answer(sdp))?;
        self.note_carrier(now, sdp);
        self.after_description(now);
        Ok(())
    }

    fn apply_answer(&mut self, sdp: &str) -> Result<(), EngineError> {
        check_size(sdp)?;
        if self.negotiation.pending.is_none() {
            return Err(EngineError::new(
                ErrorCode::InvalidState,
                "there is no offer to answer: call createOffer() first",
            ));
        }
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|e| sdp_error(sdp, &e.to_string()))?;
        let fingerprints = fingerprints(sdp)?;
        let Some(pending) = self.negotiation.pending.take() else { return Ok(()) };
        if let Err(error) = self.rtc.sdp_api().accept_answer(pending.offer, answer) {
            self.forget_offered_lines();
            self.announce_if_needed();
            return Err(rejected(sdp, &error));
        }
        self.dtls.expect_certificate(fingerprints);
        self.negotiation.remote = sdp::remote_media(sdp);
        self.negotiation.remote_credentials =
            sdp::credentials(sdp).map(|(u, p)| (u.to_owned(), p.to_owned()));
        for outgoing in self.sending.tracks_mut().iter_mut() {
            if let Some(mid) = outgoing.offered.take() {
                let event =
                    Event::OutgoingTrackNegotiated { id: outgoing.id, mid: mid.to_string() };
                outgoing.bind(mid);
                self.events.push_back(SessionEvent::Event(event));
            }
        }
        for (mid, direction) in pending.directions {
            if self.negotiation.agreed.insert(mid, direction).is_none() {
                self.negotiation.own_lines.push(mid);
            }
        }
        if pending.application {
            self.agree_on_application(sdp);
        }
        self.reconcile();
        Ok(())
    }

    /// Drops our offer as if it had not been made.
    pub(crate) fn rollback(&mut self) -> Result<(), EngineError> {
        if self.negotiation.pending.is_none() {
            return Err(EngineError::new(
                ErrorCode::InvalidState,
                "there is no offer to roll back",
            ));
        }
        self.forget_pending_offer();
        self.announce_if_needed();
        Ok(())
    }

    /// Says once that negotiation is needed, until an offer is made.
    pub(crate) fn announce_if_needed(&mut self) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        if self.negotiation.announced
            || self.negotiation.pending.is_some()
            || self.state == TransportState::Closed
            || !self.needs_negotiation()
        {
            return;
        }
        self.negotiation.announced = true;
        self.events.push_back(SessionEvent::Event(Event::NegotiationNeeded { transport: self.id }));
    }

    fn needs_negotiation(&self) -> bool {
        let application = self.negotiation.wants_application && !self.negotiation.has_application;
        application
            || self.sending.tracks().iter().any(|o| o.mid.is_none())
            || !self.wanted_directions().is_empty()
    }

    /// M-lines whose direction has to change for what we want to send and receive.
    fn wanted_directions(&self) -> Vec<(Mid, Direction)> {
        let wanted = |(mid, agreed): (&Mid, &Direction)| {
            if self.rtc.media(*mid).is_none_or(|media| media.stopped()) {
                return None;
            }
            let sends = self.sending.tracks().iter().any(|outgoing| outgoing.is_on(mid));
            let receives = agreed.is_receiving() && !self.refused.contains(mid);
            let direction = direction(sends, receives);
            (direction != *agreed).then_some((*mid, direction))
        };
        self.negotiation.agreed.iter().filter_map(wanted).collect()
    }

    /// Puts outgoing tracks without an m-line on lines of our own making that fell silent, so that
    /// descriptions do not grow with every track that ever was.
    fn reuse_own_lines(&mut self) {
        for index in 0..self.sending.tracks().len() {
            let outgoing = &self.sending.tracks()[index];
            if outgoing.mid.is_some() {
                continue;
            }
            let free = |mid: &&Mid| {
                self.negotiation.agreed.get(mid) == Some(&Direction::Inactive)
                    && self.rtc.media(**mid).is_some_and(|media| {
                        kind_of(media.kind()) == outgoing.kind && !media.disabled()
                    })
                    && !self.sending.tracks().iter().any(|outgoing| outgoing.is_on(mid))
            };
            let reused = self.negotiation.own_lines.iter().find(free).copied();
            self.sending.tracks_mut()[index].offered = reused.map(|mid| (&*mid).into());
        }
    }

    /// Puts outgoing tracks without an m-line on those the peer's offer would receive on, in
    /// order, and takes our sending back from lines we have nothing for.
    fn adopt_offered_lines(&mut self) {
        let mids: Vec<Mid> =
            self.negotiation.remote.iter().map(|media| Mid::from(media.mid.as_str())).collect();
        for mid in mids {
            let Some(media) = self.rtc.media(mid) else { continue };
            let (kind, offered) = (kind_of(media.kind()), media.direction());
            let has_line = |o: &OutgoingTrack| o.mid.as_deref() == Some(&*mid);
            let taken = self.sending.tracks().iter().any(has_line);
            if offered.is_sending()
                && !taken
                && !media.disabled()
                && let Some(outgoing) =
                    self.sending.tracks_mut().iter_mut().find(|o| o.mid.is_none() && o.kind == kind)
            {
                outgoing.bind((&*mid).into());
                let event =
                    Event::OutgoingTrackNegotiated { id: outgoing.id, mid: mid.to_string() };
                self.events.push_back(SessionEvent::Event(event));
            }
            let sends = self.sending.tracks().iter().any(has_line);
            let receives = offered.is_receiving() && !self.refused.contains(&mid);
            let agreed = direction(sends && offered.is_sending(), receives);
            // Without apply() this narrows the session at once; the answer is narrowed in text.
            self.rtc.sdp_api().set_direction(mid, agreed);
            self.negotiation.agreed.insert(mid, agreed);
        }
    }

    fn agree_on_application(&mut self, sdp: &str) {
        if sdp.lines().any(|line| line.starts_with("m=application") && !line.contains(" 0 ")) {
            self.negotiation.has_application = true;
            self.channels.flush_wanted(&mut self.rtc);
        }
    }

    /// MSIDs and directions str0m does not write as we mean them.
    fn amendments(&self, offered: &[(Mid, Direction)]) -> Vec<Amendment> {
        let directions = self.negotiation.agreed.iter().map(|(mid, direction)| (*mid, *direction));
        let mut lines: HashMap<Mid, Direction> = directions.collect();
        lines.extend(offered.iter().copied());
        let amendment = |(mid, direction): (Mid, Direction)| {
            let track = self.sending.tracks().iter().find(|o| o.is_on(&mid));
            Amendment {
                mid: mid.to_string(),
                msid: track.map(|o| (o.stream.clone(), o.track.clone())),
                direction: Some(direction_name(direction)),
            }
        };
        lines.into_iter().map(amendment).collect()
    }

    fn limits(&self) -> Limits {
        Limits { max_message_size: self.options.max_message_size, dtx: self.options.dtx }
    }

    fn forget_pending_offer(&mut self) {
        if self.negotiation.pending.take().is_some() {
            self.negotiation.announced = false;
            self.forget_offered_lines();
        }
    }

    fn forget_offered_lines(&mut self) {
        for outgoing in self.sending.tracks_mut().iter_mut() {
            outgoing.offered = None;
        }
        self.channels.forget_offer();
        // str0m changed these when the offer was made, not when it is answered.
        let agreed: Vec<_> = self.negotiation.agreed.iter().map(|(m, d)| (*m, *d)).collect();
        let mut api = self.rtc.sdp_api();
        for (mid, direction) in agreed {
            api.set_direction(mid, direction);
        }
    }

    /// An ICE restart we offered takes effect with the answer, but the peer may send checks with
    /// the new credentials before the answer reaches us.
    fn learn_local_credentials(&mut self, offer: &str) {
        if let Some((ufrag, _)) = sdp::credentials(offer) {
            self.set_local_ufrag(ufrag);
        }
    }
}

fn direction(sends: bool, receives: bool) -> Direction {
    match (sends, receives) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}

pub(super) fn check_size(sdp: &str) -> Result<(), EngineError> {
    if sdp.len() > sdp::MAX_SDP {
        let text = format!("the SDP is larger than {} bytes", sdp::MAX_SDP);
        return Err(EngineError::new(ErrorCode::Sdp, text));
    }
    if sdp.lines().filter(|line| line.starts_with("m=")).count() > sdp::MAX_MEDIA {
        let text = format!("the SDP has more than {} m-lines", sdp::MAX_MEDIA);
        return Err(EngineError::new(ErrorCode::Sdp, text));
    }
    Ok(())
}

fn sdp_error(sdp: &str, message: &str) -> EngineError {
    // The parser's text quotes what it did not understand, which is the peer's and has no limit.
    let text: String = sdp::parser_text(message).chars().take(300).collect();
    let error = EngineError::new(ErrorCode::Sdp, text);
    match sdp::offending_line(sdp, message) {
        Some(line) => error.line(line),
        None => error,
    }
}

fn fingerprints(sdp: &str) -> Result<Fingerprints, EngineError> {
    Fingerprints::of_description(sdp).map_err(|error| {
        let text = EngineError::new(ErrorCode::Sdp, error.to_string());
        error.line().into_iter().fold(text, EngineError::line)
    })
}

fn rejected(sdp: &str, error: &RtcError) -> EngineError {
    match error {
        RtcError::ChangesOutOfOrder => EngineError::new(
            ErrorCode::InvalidState,
            "the offer this answers was replaced: create a new one",
        ),
        other => sdp_error(sdp, &other.to_string()),
    }
}
