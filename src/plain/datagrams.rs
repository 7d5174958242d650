//! Datagrams of the far end: which port they are for, and whether they are what they seem to be.

use std::time::{Duration, Instant};

use super::Session;
use super::latch::Verdict;
use super::leg::Entry;
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::event::Event;
use crate::control::flow::Flow;
use crate::peer::PeerEvent;
use crate::receiving::{DropReason, RtpHeader};
use crate::sending::Workspace;

/// How often a line may come to have another SSRC: telling the receiving half is work.
const RENEWAL: Duration = Duration::from_millis(500);

impl Session {
    /// Takes a datagram. Gives whether there is anything to see to: events, datagrams, other
    /// timers.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> bool {
        self.packets_received += 1;
        self.bytes_received += bytes.len() as u64;
        let accepted = match multiplex::classify(bytes) {
            Multiplexed::Rtp => self.enter_rtp(now, flow, bytes, workspace),
            Multiplexed::Rtcp => self.enter_rtcp(now, flow, bytes, workspace),
            // Sipura and others keep NAT mappings alive with what is neither.
            _ => None,
        };
        if accepted.is_none() {
            self.refused += 1;
        }
        self.has_news() || self.receiving.next().is_some_and(|at| at <= now)
    }

    /// Whether a datagram may be its own, as far as can be told without a key.
    pub fn may_take(&self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        match multiplex::classify(bytes) {
            Multiplexed::Rtp => RtpHeader::parse(bytes)
                .is_some_and(|header| self.port_of(now, flow, &header).is_some()),
            Multiplexed::Rtcp => self.legs.iter().any(|leg| leg.may_take_rtcp(flow)),
            _ => false,
        }
    }

    /// The port that an RTP packet is for: one that its stream came by before, or else the first
    /// that it may be for by its address and payload type.
    fn port_of(
        &self,
        now: Instant,
        flow: &Flow,
        header: &RtpHeader<'_>,
    ) -> Option<(usize, Verdict)> {
        let mut possible = None;
        for (place, leg) in self.legs.iter().enumerate() {
            if !leg.takes_rtp_at(flow.local) {
                continue;
            }
            let Some(line) = self.media.get(leg.media).filter(|line| line.incoming.is_some())
            else {
                continue;
            };
            let verdict = leg.verdict(now, flow.remote);
            if verdict == Verdict::Refused || !line.takes(header.pt) {
                continue;
            }
            let own = leg.ssrc.or(leg.announced);
            if own == Some(header.ssrc) {
                return Some((place, verdict));
            }
            // One that was told what comes takes nothing else.
            if leg.announced.is_none() && possible.is_none() {
                possible = Some((place, verdict));
            }
        }
        possible
    }

    fn enter_rtp(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> Option<()> {
        let header = RtpHeader::parse(bytes)?;
        let (place, verdict) = self.port_of(now, flow, &header)?;
        let leg = self.legs.get_mut(place)?;
        let newest = match leg.enter_rtp(now, bytes, &mut self.opened) {
            Entry::Refused => return None,
            Entry::Plain { newest } | Entry::Opened { newest } => newest,
        };
        let opened = leg.is_guarded();
        // What is old may have been kept back by somebody who sends it from elsewhere now.
        if (verdict == Verdict::Known || newest) && leg.learn(now, flow.remote) {
            self.moved(now, place);
        }
        self.note_ssrc(now, place, &header)?;
        self.hear(now);
        let clear = std::mem::take(&mut self.opened);
        let datagram = if opened { &clear[..] } else { bytes };
        // What is dropped is counted there by its reason.
        let taken = self.receiving.rtp(now, datagram, &mut workspace.plain);
        if taken == Err(DropReason::Replayed) && !opened && self.counts_anew(now, place, &header) {
            let _ = self.receiving.rtp(now, datagram, &mut workspace.plain);
        }
        self.dump(flow, datagram);
        self.opened = clear;
        let early = self.legs.get_mut(place).and_then(super::leg::Leg::take_early);
        if let Some(compound) = early {
            self.take_rtcp(now, flow, &compound);
        }
        self.take_received(now);
        Some(())
    }

    fn enter_rtcp(
        &mut self,
        now: Instant,
        flow: &Flow,
        bytes: &[u8],
        workspace: &mut Workspace,
    ) -> Option<()> {
        let plain = &mut workspace.plain;
        let mut legs = self.legs.iter_mut().filter(|leg| leg.takes_rtcp_at(flow.local));
        let entry = legs.find_map(|leg| {
            let entry = leg.enter_rtcp(flow.remote, bytes, plain);
            (entry != Entry::Refused).then_some(entry)
        })?;
        let compound = if matches!(entry, Entry::Opened { .. }) { &plain[..] } else { bytes };
        self.hear(now);
        self.take_rtcp(now, flow, compound);
        Some(())
    }

    /// A port sends somewhere else from now on, or for the first time.
    fn moved(&mut self, now: Instant, place: usize) {
        self.moves += 1;
        let Some(leg) = self.legs.get(place) else { return };
        if let Some(remote) = leg.source() {
            let event = Event::RtpRemote {
                transport: self.id,
                media: leg.media,
                encoding: leg.place,
                remote,
            };
            self.events.push_back(PeerEvent::Event(event));
        }
        self.reach(now);
    }

    /// The far end sends with this SSRC on a port. `None` when it is another one too soon. Keys of a
    /// telephone may have one of their own.
    fn note_ssrc(&mut self, now: Instant, place: usize, header: &RtpHeader<'_>) -> Option<()> {
        let leg = self.legs.get_mut(place)?;
        let line = self.media.get_mut(leg.media)?;
        if leg.ssrc == Some(header.ssrc) || !line.is_media(header.pt) {
            return Some(());
        }
        let early = line.renewed.is_some_and(|at| now.saturating_duration_since(at) < RENEWAL);
        if leg.ssrc.is_some() && early {
            return None;
        }
        line.renewed = Some(now);
        leg.ssrc = Some(header.ssrc);
        self.configure();
        Some(())
    }

    /// Whether a stream whose numbers are none that could follow counts anew: two packets in a row say
    /// so (RFC 3550 A.1).
    fn counts_anew(&mut self, now: Instant, place: usize, header: &RtpHeader<'_>) -> bool {
        let Some(leg) = self.legs.get_mut(place) else { return false };
        let follows = leg.odd.replace(header.sequence.wrapping_add(1)) == Some(header.sequence);
        follows && self.receiving.begin_anew(now, header.ssrc, header.sequence)
    }
}

impl super::MediaLine {
    /// Whether a payload type is that of sound or pictures.
    fn is_media(&self, pt: u8) -> bool {
        let formats = self.declared.formats.iter();
        formats.flat_map(|f| [Some(f.pt), f.red]).flatten().any(|known| known == pt)
    }

    /// Whether a payload type means anything here.
    fn takes(&self, pt: u8) -> bool {
        let mut repairs = self.declared.formats.iter().filter_map(|format| format.rtx);
        let mut events = self.declared.events.iter().map(|event| event.pt);
        self.is_media(pt) || repairs.any(|known| known == pt) || events.any(|known| known == pt)
    }
}
