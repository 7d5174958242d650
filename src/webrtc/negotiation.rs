//! Offers and answers (RFC 8829): what we want sent and received against what was agreed on.
//!
//! The wishes live in the tracks, and every offer is made from the difference between them and
//! what was last agreed on. A description is read, checked and agreed to first; only when nothing
//! can fail any more does anything change.

use std::collections::HashSet;
use std::time::Instant;

use str0m::IceCreds;

use super::Session;
use super::error::{MAX_CHECKED_UFRAG, SessionError};
use crate::codec::names::Mid;
use crate::control::error::EngineError;
use crate::control::event::Event;
use crate::peer::PeerEvent;
use crate::sdp::description::{Direction, Setup};
use crate::sdp::{self, AgreedLine, Agreement, Draft, LocalSession, OfferedLine, RemoteTransport};

#[derive(Default)]
pub(super) struct Negotiation {
    /// Our offer, while it has no answer.
    pub(super) pending: Option<Pending>,
    /// M-lines as last agreed on, in their order. The direction that a line of them has is ours.
    pub(super) lines: Vec<AgreedLine>,
    /// The lines that share the transport.
    pub(super) group: Vec<usize>,
    /// The peer takes header extensions of both forms side by side.
    pub(super) extmap_allow_mixed: bool,
    /// What the peer's last offer said of its transport but for candidates, for a restart by fragment.
    pub(super) offered_transport: Option<Box<RemoteTransport>>,
    /// The peer's current ICE credentials.
    pub(super) remote_credentials: Option<(String, String)>,
    /// Candidates of the peer since it last restarted ICE.
    pub(super) remote_candidates: usize,
    /// Whether this side opened the DTLS association, once it is known.
    pub(super) active: Option<bool>,
    /// `NegotiationNeeded` went out and no offer was asked for since.
    pub(super) announced: bool,
    /// M-lines this side made.
    pub(super) own_lines: Vec<Mid>,
    /// The data channel m-line was asked for.
    wants_application: bool,
    pub(super) has_application: bool,
    /// Descriptions of ours so far (RFC 8829 5.2.2).
    pub(super) version: u64,
}

pub(super) struct Pending {
    /// With the directions that it asks for.
    lines: Vec<OfferedLine>,
    /// Credentials of ours that take effect when the peer restarts ICE with us.
    credentials: Option<IceCreds>,
}

impl Negotiation {
    pub(super) fn want_application(&mut self) {
        self.wants_application = true;
    }

    pub(super) fn has_application(&self) -> bool {
        self.has_application
    }

    pub(super) fn needs_application(&self) -> bool {
        self.wants_application && !self.has_application
    }

    /// Remembers what was agreed on.
    fn agree(&mut self, agreement: Agreement) {
        self.lines = agreement.lines;
        // They stay as long as the peer does.
        self.lines.shrink_to_fit();
        let mut behind = self.lines.as_mut_slice();
        while let [line, rest @ ..] = behind {
            line.shrink();
            let kind = line.local.kind;
            if let Some(next) = rest.iter_mut().find(|next| next.local.kind == kind) {
                next.share(line);
            }
            behind = rest;
        }
        self.group = agreement.group;
        self.extmap_allow_mixed = agreement.extmap_allow_mixed;
    }
}

impl Session {
    pub(crate) fn accept_offer(&mut self, now: Instant, sdp: &str) -> Result<String, EngineError> {
        let answer = self.apply_offer(sdp)?;
        self.note_carrier(now);
        self.after_description(now);
        Ok(answer)
    }

    fn apply_offer(&mut self, sdp: &str) -> Result<String, EngineError> {
        let offer = sdp::parse(sdp)?;
        if self.negotiation.pending.is_some() && !self.options.polite {
            return Err(SessionError::Glare.into());
        }
        let capabilities = self.capabilities();
        let lines = &self.negotiation.lines;
        let agreement = sdp::answer(&offer, lines, &capabilities, self.standing())?;
        if let Some(transport) = &agreement.transport {
            self.can_check(&transport.ufrag)?;
        }
        self.forget_pending_offer();
        let setup = answered_setup(agreement.transport.as_ref());
        let (group, ice_options) = (!agreement.group.is_empty(), agreement.ice_options);
        let mut transport = agreement.transport.clone();
        if let Some(transport) = &transport {
            self.associate_by_offer(transport);
        }
        self.negotiation.agree(agreement);
        self.adopt_offered_lines();
        self.agree_on_application(transport.as_ref());
        if let Some(transport) = &mut transport {
            transport.candidates = Vec::new();
        }
        self.negotiation.offered_transport = transport.map(Box::new);
        self.reconcile();
        let places = self.places_of_tracks();
        for index in 0..self.negotiation.lines.len() {
            let sender = self.sender_of(index, &places);
            self.negotiation.lines[index].local.sender = sender;
        }
        let mut session = self.described(setup, ice_options);
        session.group = group;
        Ok(self.written(&session))
    }

    /// A description of the lines that were agreed on.
    fn written(&self, session: &LocalSession) -> String {
        let lines: Vec<_> = self.negotiation.lines.iter().map(|line| &line.local).collect();
        sdp::write(session, &lines, &self.negotiation.group)
    }

    /// Whether checks can say the peer's name.
    fn can_check(&self, ufrag: &str) -> Result<(), SessionError<'static>> {
        if !self.options.ice_lite && ufrag.len() > MAX_CHECKED_UFRAG {
            return Err(SessionError::LongUfrag);
        }
        Ok(())
    }

    /// The peer restarts ICE and leaves everything else as it is (RFC 9725 4.3.2). Gives the fragment
    /// to answer with.
    pub(super) fn restart_by_fragment(
        &mut self,
        now: Instant,
        ufrag: &str,
        pwd: &str,
    ) -> Result<String, EngineError> {
        let Some(transport) = self.negotiation.offered_transport.as_deref() else {
            return Err(SessionError::FragmentRestarts.into());
        };
        if self.negotiation.pending.is_some() && !self.options.polite {
            return Err(SessionError::Glare.into());
        }
        self.can_check(ufrag)?;
        let credentials = (ufrag.to_owned(), pwd.to_owned());
        let mut transport = Box::new(transport.clone());
        (transport.ufrag, transport.pwd) = credentials;
        self.forget_pending_offer();
        self.associate_by_offer(&transport);
        self.reconcile();
        let session = self.described(answered_setup(Some(&transport)), "trickle");
        let answer = sdp::fragment_of(&self.written(&session));
        self.negotiation.offered_transport = Some(transport);
        self.after_description(now);
        Ok(answer)
    }

    pub(crate) fn create_offer(
        &mut self,
        now: Instant,
        ice_restart: bool,
    ) -> Result<String, EngineError> {
        let offer = self.make_offer(ice_restart)?;
        self.drain(now);
        Ok(offer)
    }

    fn make_offer(&mut self, ice_restart: bool) -> Result<String, EngineError> {
        self.forget_pending_offer();
        self.negotiation.announced = false;
        self.reuse_own_lines();

        let capabilities = self.capabilities();
        let wanted = self.wanted_directions();
        let mut draft = Draft::new(&capabilities, &self.negotiation.lines);
        let mut lines: Vec<OfferedLine> =
            self.negotiation.lines.iter().map(|line| draft.renewed(line)).collect();
        for (index, direction) in &wanted {
            if let Some(line) = lines.get_mut(*index) {
                line.local.direction = *direction;
            }
        }
        let mut changed = ice_restart || !wanted.is_empty();
        let mut recycled = recyclable(&self.negotiation.lines);
        let mut names: HashSet<Mid> = lines.iter().map(|line| line.mid.clone()).collect();
        for index in 0..self.sending.tracks().len() {
            let track = &self.sending.tracks()[index];
            if track.mid.is_some() || track.offered.is_some() {
                continue;
            }
            let mid = self.new_mid(&mut names);
            let track = &mut self.sending.tracks_mut()[index];
            track.offered = Some(mid.clone());
            let mut line = draft.media(track.kind, mid);
            line.local.direction = Direction::SendOnly;
            place(&mut lines, &mut recycled, line);
            changed = true;
        }
        if self.negotiation.needs_application() {
            let mid = self.new_mid(&mut names);
            place(&mut lines, &mut recycled, draft.application(mid));
            changed = true;
        }
        if !changed || lines.len() > sdp::MAX_MEDIA {
            self.forget_offered_lines();
            return Err(match changed {
                true => SessionError::TooManyLines.into(),
                false => SessionError::NothingToNegotiate.into(),
            });
        }
        let places = self.places_of_tracks();
        for line in &mut lines {
            let with_rtx = line.formats.iter().any(|format| format.rtx.is_some());
            line.local.sender = self.sender(&line.mid, with_rtx, &places);
        }
        let credentials = ice_restart.then(IceCreds::new);
        if let Some(credentials) = &credentials {
            // It takes effect with the answer, but the peer may send checks with the new
            // credentials before the answer reaches us.
            self.set_local_ufrag(&credentials.ufrag);
        }
        let mut session = self.described(Setup::ActPass, "trickle");
        if let Some(credentials) = &credentials {
            session.ufrag.clone_from(&credentials.ufrag);
            session.pwd.clone_from(&credentials.pass);
        }
        session.extmap_allow_mixed = true;
        let group = offered_group(&lines, &self.negotiation.group);
        let locals: Vec<_> = lines.iter().map(|line| &line.local).collect();
        let text = sdp::write(&session, &locals, &group);
        self.negotiation.pending = Some(Pending { lines, credentials });
        Ok(text)
    }

    pub(crate) fn accept_answer(&mut self, now: Instant, sdp: &str) -> Result<(), EngineError> {
        self.apply_answer(sdp)?;
        self.note_carrier(now);
        self.after_description(now);
        Ok(())
    }

    fn apply_answer(&mut self, sdp: &str) -> Result<(), EngineError> {
        let Some(pending) = &self.negotiation.pending else {
            return Err(SessionError::NoOfferToAnswer.into());
        };
        let answer = sdp::parse(sdp)?;
        let capabilities = self.capabilities();
        let agreement = sdp::outcome(&pending.lines, &answer, &capabilities, self.standing())?;
        if let Some(transport) = &agreement.transport {
            self.can_check(&transport.ufrag)?;
        }
        if let Some(transport) = &agreement.transport
            && self.restarts(transport)
            && pending.credentials.is_none()
        {
            return Err(SessionError::AnswerRestarts.into());
        }
        let credentials = self.negotiation.pending.take().and_then(|pending| pending.credentials);
        let transport = agreement.transport.clone();
        if let Some(transport) = &transport {
            self.associate_by_answer(transport, credentials);
        }
        let known = self.negotiation.lines.iter().map(|line| line.mid.clone());
        let known: HashSet<Mid> = known.collect();
        self.negotiation.agree(agreement);
        let made = self.negotiation.lines.iter().map(|line| &line.mid);
        let made = made.filter(|mid| !known.contains(*mid)).cloned();
        self.negotiation.own_lines.extend(made.collect::<Vec<_>>());
        for outgoing in self.sending.tracks_mut().iter_mut() {
            if let Some(mid) = outgoing.offered.take() {
                let event =
                    Event::OutgoingTrackNegotiated { id: outgoing.id, mid: mid.to_string() };
                outgoing.bind(mid);
                self.events.push_back(PeerEvent::Event(event));
            }
        }
        self.agree_on_application(transport.as_ref());
        self.reconcile();
        Ok(())
    }

    /// Drops our offer as if it had not been made.
    pub(crate) fn rollback(&mut self) -> Result<(), EngineError> {
        if self.negotiation.pending.is_none() {
            return Err(SessionError::NoOfferToRollBack.into());
        }
        self.forget_pending_offer();
        self.announce_if_needed();
        Ok(())
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
    }
}

/// Who opens the DTLS association, as an answer of ours says it.
fn answered_setup(transport: Option<&RemoteTransport>) -> Setup {
    match transport.map(|transport| transport.active) {
        Some(true) => Setup::Active,
        _ => Setup::Passive,
    }
}

/// Places of lines that were given up, which a new line can have (RFC 8829 5.2.2).
fn recyclable(lines: &[AgreedLine]) -> std::collections::VecDeque<usize> {
    lines.iter().enumerate().filter(|(_, line)| !line.usable()).map(|(index, _)| index).collect()
}

fn place(
    lines: &mut Vec<OfferedLine>,
    recycled: &mut std::collections::VecDeque<usize>,
    line: OfferedLine,
) {
    match recycled.pop_front().and_then(|index| lines.get_mut(index)) {
        Some(place) => *place = line,
        None => lines.push(line),
    }
}

/// The lines of an offer that share the transport: the first of before stays the first.
fn offered_group(lines: &[OfferedLine], before: &[usize]) -> Vec<usize> {
    let usable = |index: &usize| lines.get(*index).is_some_and(|line| !line.local.stopped);
    let mut group: Vec<usize> = before.iter().copied().filter(usable).collect();
    let known: HashSet<usize> = group.iter().copied().collect();
    group.extend((0..lines.len()).filter(|index| usable(index) && !known.contains(index)));
    group
}
