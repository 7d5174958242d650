//! What the far end sends, and what it is told of that: the transport between its receiving half and
//! the rest of its shard.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::error::PlainError;
use super::fitting::Fitting;
use super::order::{Order, Passage};
use crate::codec::{Codec, Kind, rtcp};
use crate::control::event::{Event, TransportState};
use crate::control::flow::Flow;
use crate::control::ids::SourceId;
use crate::peer::PeerEvent;
use crate::receiving::Received;
use crate::sfu::source::SourceDescription;
use crate::sfu::{EncodingIndex, EncodingSet, Need, SourcePacket};

impl Session {
    /// Takes an RTCP compound in the clear.
    pub(super) fn take_rtcp(&mut self, now: Instant, flow: &Flow, compound: &[u8]) {
        self.dump(flow, compound);
        let receiving = &mut self.receiving;
        rtcp::packets(compound).for_each(|packet| receiving.rtcp(now, &packet));
        self.with_sending(|sending| {
            rtcp::packets(compound).for_each(|packet| sending.on_rtcp(now, &packet));
        });
        self.take_received(now);
    }

    /// Sends the far end what is due of reports and requests. To be called when a turn has taken all
    /// that came, so that what comes in another order is not asked for again.
    pub(super) fn poll_receiving(&mut self, now: Instant) {
        if self.receiving.next().is_none_or(|at| now < at) {
            return;
        }
        let sending = &mut self.sending;
        self.receiving.poll(now, |compound| sending.send_rtcp(compound));
        self.take_received(now);
    }

    pub(super) fn take_received(&mut self, now: Instant) {
        while let Some(received) = self.receiving.next_event() {
            self.events.push_back(match received {
                Received::Packet(packet) => {
                    self.fit(now, packet);
                    continue;
                }
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
                Received::Goodbye { ssrc, .. } => {
                    // Whoever comes next on that port may do so at once.
                    for leg in self.legs.iter_mut().filter(|leg| leg.ssrc == Some(ssrc)) {
                        leg.ssrc = None;
                    }
                    if self.legs.iter().all(|leg| leg.ssrc.is_none()) {
                        self.set_state(TransportState::Disconnected);
                    }
                    continue;
                }
            });
        }
    }

    /// Hands on a packet, made to fit whoever takes it where it has to be.
    fn fit(&mut self, now: Instant, packet: Arc<SourcePacket>) {
        let events = &mut self.events;
        let mut emit = |packet| events.push_back(PeerEvent::Packet { packet });
        let mut lines = self.media.iter_mut().enumerate();
        let line = lines.find(|(_, line)| line.incoming == Some(packet.track));
        let Some((place, line)) = line.filter(|(_, line)| line.kind == Kind::Video) else {
            return emit(packet);
        };
        let encoding = packet.encoding;
        let known = line.fitting.iter().position(|fitting| fitting.encoding == encoding);
        let known = known.unwrap_or_else(|| {
            let repaired = self.options.media.get(place).is_some_and(|media| media.feedback);
            line.fitting.push(Fitting::new(encoding, &line.declared.parameter_sets, repaired));
            line.fitting.len() - 1
        });
        let Some(fitting) = line.fitting.get_mut(known) else { return };
        // The decoder of H.264 gives mixers pictures in the order in which they are shown.
        let mixed = self.options.mix_b_frames && packet.codec == Codec::H264;
        if !mixed
            && Order::matters_of(packet.codec)
            && let Passage::Refused { first } = fitting.order.look(&packet)
        {
            if first {
                let error = PlainError::BFrames.into();
                let event = Event::RtpWarning { transport: self.id, error };
                self.events.push_back(PeerEvent::Event(event));
            }
            return;
        }
        fitting.take(now, packet, &mut emit);
    }

    /// When [`Session::poll_fitting`] is due.
    pub(super) fn fitting_at(&self) -> Option<Instant> {
        self.media.iter().flat_map(|line| &line.fitting).filter_map(Fitting::next).min()
    }

    /// Goes on without packets that did not come in time.
    pub(super) fn poll_fitting(&mut self, now: Instant) {
        let events = &mut self.events;
        let mut emit = |packet| events.push_back(PeerEvent::Packet { packet });
        for fitting in self.media.iter_mut().flat_map(|line| &mut line.fitting) {
            fitting.poll(now, &mut emit);
        }
    }

    /// Asks for a keyframe of one encoding, where the far end takes such requests.
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

    /// Its receivers together want these encodings of a track.
    pub fn set_demand(&mut self, now: Instant, id: SourceId, wanted: EncodingSet) {
        self.receiving.set_demand(now, id, wanted);
        self.take_received(now);
    }

    /// Lets nothing of a track through to its receivers any more, or again.
    pub(super) fn withhold(&mut self, now: Instant, id: SourceId, withheld: bool) {
        if self.receiving.withhold(id, withheld) {
            self.take_received(now);
            let held_back = self.receiving.is_held_back(id).unwrap_or(withheld);
            self.events.push_back(PeerEvent::IncomingTrackHeldBack { id, held_back });
        }
    }

    /// Whether receivers get nothing of a track. `None`: there is no such track.
    pub fn is_held_back(&self, id: SourceId) -> Option<bool> {
        self.receiving.is_held_back(id)
    }

    /// What the receivers of an incoming track have to know.
    pub fn describe(&self, id: SourceId) -> Option<SourceDescription> {
        self.receiving.describe(id)
    }
}
