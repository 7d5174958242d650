//! What the peer sends, and what it is told of that: the session between [`Receiving`] and the
//! rest of its shard.
//!
//! [`Receiving`]: crate::receiving::Receiving

use std::time::Instant;

use super::Session;
use crate::codec::multiplex::Multiplexed;
use crate::codec::rtcp;
use crate::control::event::Event;
use crate::control::flow::Flow;
use crate::control::ids::SourceId;
use crate::peer::PeerEvent;
use crate::receiving::Received;
use crate::sending::Outlet;
use crate::sfu::{EncodingIndex, EncodingSet, Need};

impl Session {
    /// Takes an RTP datagram.
    pub(super) fn on_rtp(
        &mut self,
        now: Instant,
        flow: &Flow,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) {
        let taken = self.receiving.rtp(now, datagram, plain);
        let authentic = taken.map_or_else(|reason| reason.is_authentic(), |()| true);
        if authentic {
            self.authentic_received += 1;
            if let Some(dumping) = &self.dumping {
                dumping.received(flow, datagram, plain);
            }
        }
        self.follow(now, flow, Multiplexed::Rtp, authentic);
        self.note_consent(now, Multiplexed::Rtp, authentic);
        self.take_received();
    }

    /// Takes an RTCP compound.
    pub(super) fn on_rtcp(
        &mut self,
        now: Instant,
        flow: &Flow,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) {
        if !self.sending.open_rtcp(datagram, plain) {
            return;
        }
        self.authentic_received += 1;
        self.consent(now);
        if let Some(dumping) = &self.dumping {
            dumping.plain(true, flow, plain);
        }
        self.follow(now, flow, Multiplexed::Rtcp, true);
        let receiving = &mut self.receiving;
        rtcp::packets(plain).for_each(|packet| receiving.rtcp(now, &packet));
        self.with_sending(|sending| {
            rtcp::packets(plain).for_each(|packet| sending.on_rtcp(now, &packet));
        });
        self.take_received();
    }

    /// Sends the peer what is due of reports and requests. To be called when a turn has taken all
    /// that came, so that what comes in another order is not asked for again.
    pub(super) fn poll_receiving(&mut self, now: Instant) {
        let due = if self.sending.is_sending() {
            self.receiving.next().is_some_and(|at| now >= at)
        } else {
            // There is no media for it to leave with, and the thread is awake.
            self.receiving.may_poll(now)
        };
        if due {
            self.receive_due(now);
        }
    }

    /// Sends what is due of reports together with media that has just been sent.
    pub fn send_along(&mut self, now: Instant, outlet: &mut impl Outlet) {
        if self.receiving.may_poll(now) {
            self.receive_due(now);
        }
        self.with_sending(|sending| sending.send_along(now, outlet));
    }

    fn receive_due(&mut self, now: Instant) {
        let sending = &mut self.sending;
        self.receiving.poll(now, |compound| sending.send_rtcp(compound));
        self.take_received();
    }

    fn take_received(&mut self) {
        while let Some(received) = self.receiving.next_event() {
            self.events.push_back(match received {
                Received::Packet(packet) => PeerEvent::Packet { packet },
                Received::Changed { id } => PeerEvent::IncomingTrackChanged { id },
                Received::Encoding { id, encoding } => {
                    PeerEvent::Event(Event::Encoding { id, encoding })
                }
                Received::AudioLevel { id, level, voice } => {
                    PeerEvent::Event(Event::AudioLevel { id, level, voice })
                }
                Received::Demand { id, encodings } => {
                    PeerEvent::Event(Event::Demand { id, encodings })
                }
                Received::TelephoneEvent(packet) => {
                    let events = &mut self.events;
                    self.telephone.receive(*packet, |event| {
                        events.push_back(PeerEvent::Event(event));
                    });
                    continue;
                }
                // A stream that ended falls silent, which is told.
                Received::Goodbye { .. } => continue,
            });
        }
    }

    /// Asks the peer for a keyframe of one encoding, at most once in a while.
    pub fn request_keyframe(
        &mut self,
        now: Instant,
        id: SourceId,
        encoding: EncodingIndex,
        need: Need,
    ) {
        self.receiving.request_keyframe(now, id, encoding, need);
    }

    /// The worst of its receivers loses this share of a track, in 256ths.
    pub fn set_far_loss(&mut self, now: Instant, id: SourceId, loss: u8) {
        self.receiving.set_far_loss(now, id, loss);
    }

    /// Lets nothing of a track through to its receivers any more, or again.
    pub fn withhold(&mut self, id: SourceId, withheld: bool) {
        if self.receiving.withhold(id, withheld) {
            self.take_received();
            let held_back = self.receiving.is_held_back(id).unwrap_or(withheld);
            self.events.push_back(PeerEvent::IncomingTrackHeldBack { id, held_back });
        }
    }

    /// Its receivers together want these encodings of a track.
    pub fn set_demand(&mut self, now: Instant, id: SourceId, wanted: EncodingSet) {
        self.receiving.set_demand(now, id, wanted);
        self.take_received();
    }
}
