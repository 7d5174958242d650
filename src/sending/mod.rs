//! The sending half of a peer: RTP of any source goes in, sealed datagrams come out. It has the
//! outgoing tracks, chooses their layers by what the link carries, writes headers, seals, paces,
//! reports, repeats what a receiver lost and reads what it says of all that.
//!
//! No I/O and no clock, and no word of how the peer is found: see [`Sending`].

mod allotting;
mod bandwidth;
mod clock;
mod commands;
mod egress;
mod error;
mod event;
mod feedback;
mod forwarding;
mod header;
mod leveling;
mod link;
mod observer;
mod outbox;
mod outlet;
mod pacing;
mod packet;
mod probing;
mod reach;
mod reordering;
mod repair;
mod repeating;
mod report;
mod rtcp;
mod sealed;
mod statistics;
mod stream;
mod telephone;
#[cfg(test)]
pub(crate) mod testing;
mod track;
mod tracks;
mod transit;
mod transport_history;
mod workspace;

use std::sync::Arc;
use std::time::Instant;

pub use clock::WallClock;
pub use egress::{Egress, Purpose};
pub use event::SendingEvent;
pub use feedback::{Feedback, RemoteReport};
pub use header::{Elements, ExtensionIds, Header};
pub use leveling::level;
pub use observer::Observer;
pub use outlet::Outlet;
pub use packet::OutgoingPacket;
pub use reach::Reach;
pub use repeating::Nacked;
pub use report::goodbyes;
pub use statistics::SendingStats;
pub use stream::{Stream, StreamParameters};
pub use track::OutgoingTrack;
pub use tracks::OutgoingTracks;
pub use transport_history::Acknowledged;
pub use workspace::{Delivery, Workspace};

use crate::control::flow::Flow;
use crate::control::ids::TransportId;
use crate::srtp::KeyingMaterial;
use allotting::Allotting;
use bandwidth::Bandwidth;
use event::Events;
use outbox::Outbox;
use pacing::Pacing;
use telephone::Keys;

/// What one peer is sent.
///
/// Its owner finds the peer and agrees with it on keys and formats, and says so here:
/// [`set_keys`](Self::set_keys), [`set_flow`](Self::set_flow), [`set_reach`](Self::set_reach),
/// [`OutgoingTrack::negotiated`] followed by [`renegotiated`](Self::renegotiated). Media comes by
/// [`forward`](Self::forward), RTCP by [`on_rtcp`](Self::on_rtcp).
///
/// After any call there may be something to take: events ([`next_event`](Self::next_event)) and
/// datagrams ([`transmit`](Self::transmit)). [`handle_timeout`](Self::handle_timeout) wants to be
/// called when [`poll_timeout`](Self::poll_timeout) says, then [`forward`](Self::forward) if
/// [`has_paced`](Self::has_paced).
pub struct Sending {
    transport: TransportId,
    tracks: OutgoingTracks,
    egress: Egress,
    bandwidth: Bandwidth,
    allotting: Allotting,
    pacing: Pacing,
    keys: Keys,
    /// Where everything goes.
    flow: Option<Flow>,
    reach: Reach,
    /// The peer was reached, and its handshake goes on.
    connecting: bool,
    outbox: Outbox,
    events: Events,
    observer: Option<Arc<dyn Observer>>,
    /// When datagrams that are kept to be sent again are looked through.
    keeping: Option<Instant>,
}

impl Sending {
    /// A half without keys and tracks. `clock` is what reports tell the time by, `transport` what
    /// events about all of it name.
    pub fn new(now: Instant, clock: WallClock, transport: TransportId) -> Self {
        Self {
            transport,
            tracks: OutgoingTracks::default(),
            egress: Egress::new(now, clock),
            bandwidth: Bandwidth::default(),
            allotting: Allotting::default(),
            pacing: Pacing::default(),
            keys: Keys::default(),
            flow: None,
            reach: Reach::default(),
            connecting: false,
            outbox: Outbox::default(),
            events: Events::new(),
            observer: None,
            keeping: None,
        }
    }

    /// What keys are made of is known. `client`: this side was the DTLS client (RFC 5764 4.2).
    /// Nothing is sent before.
    pub fn set_keys(&mut self, material: &KeyingMaterial, client: bool) {
        self.tracks.iter_mut().for_each(|track| track.sealed = None);
        self.egress.set_keys(material, client);
    }

    /// Whether there are keys; without them nothing leaves.
    pub fn has_keys(&self) -> bool {
        self.egress.has_keys()
    }

    /// Who sent RTCP, for each the bytes behind an index, its SSRC and the highest index.
    pub fn rtcp_senders(&self) -> impl Iterator<Item = (usize, u32, u32)> {
        self.egress.rtcp_senders()
    }

    /// Where everything goes from now on. Nothing that was measured of the way before holds for
    /// another one.
    pub fn set_flow(&mut self, now: Instant, flow: Flow) {
        if self.flow.replace(flow) != Some(flow) {
            self.bandwidth.on_new_path(now);
        }
    }

    /// Where everything goes; `None` when that is not known yet.
    pub fn flow(&self) -> Option<&Flow> {
        self.flow.as_ref()
    }

    /// Whether the peer is there to get anything.
    pub fn set_reach(&mut self, reach: Reach) {
        self.reach = reach;
    }

    /// Who sees what is sent in the clear, if anybody.
    pub fn set_observer(&mut self, observer: Option<Arc<dyn Observer>>) {
        self.observer = observer;
    }

    /// The outgoing tracks, in the order they were added.
    pub fn tracks(&self) -> &OutgoingTracks {
        &self.tracks
    }

    /// For what an owner negotiates of them.
    pub fn tracks_mut(&mut self) -> &mut OutgoingTracks {
        &mut self.tracks
    }

    /// What the owner has to be told next; `None` when it knows everything.
    pub fn next_event(&mut self) -> Option<SendingEvent> {
        self.events.pop_front()
    }

    /// Whether media was sent that no report has told of: since a second ago, or a little less.
    pub fn is_sending(&self) -> bool {
        self.egress.report_at().is_some()
    }

    /// Whether there is an event to take or a datagram to send.
    pub fn has_news(&self) -> bool {
        !self.events.is_empty() || !self.outbox.is_empty()
    }

    /// Gives back what lists have room for and do not hold.
    pub fn trim(&mut self) {
        self.events.shrink_to_fit();
        self.outbox.trim();
        self.pacing.trim();
        self.bandwidth.trim();
    }

    /// Hands over every datagram that waits to be sent.
    pub fn transmit(&mut self, send: impl FnMut(&Flow, &[u8])) {
        self.outbox.drain(send);
    }

    /// Whether packets wait that may leave now, or keys of a telephone are due, by [`Sending::forward`].
    pub fn has_paced(&mut self, now: Instant) -> bool {
        self.pacing.is_due(now) || self.keys.is_due(now)
    }

    /// Sends the reports that are due and looks after the link; see [`Sending::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.poll_reports(now);
        self.poll_link(now);
        self.poll_kept(now);
    }

    /// When it wants its timeout because of what it has just sent: reports, and packets that wait.
    pub fn wakes_at(&mut self, now: Instant) -> Option<Instant> {
        let own = [
            self.egress.report_at(),
            self.pacing.next(now),
            self.bandwidth.next(),
            self.keys.next(),
            self.keeping,
        ];
        own.into_iter().flatten().min()
    }

    /// When [`Sending::handle_timeout`] wants to be called.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.wakes_at(now).into_iter().chain(self.allotting.next()).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::testing::{Rig, flow, material, receiver_report};
    use super::*;
    use crate::codec::Codec;
    use crate::sfu::testing::Source;

    #[test]
    fn nothing_is_sent_before_there_are_keys_an_address_and_somebody_there() {
        let mut rig = Rig::new();
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        assert_eq!(rig.forward(track, camera.frame(true, 2)).len(), 0);
        rig.sending.set_keys(&material(), true);
        assert_eq!(rig.forward(track, camera.frame(true, 2)).len(), 0);
        rig.sending.set_reach(Reach::Yes);
        assert_eq!(rig.forward(track, camera.frame(true, 2)).len(), 0, "where to?");
        rig.sending.set_flow(rig.now, flow(1));
        assert_eq!(rig.forward(track, camera.frame(true, 2)).len(), 2);
    }

    #[test]
    fn a_peer_that_fell_silent_is_sent_nothing_until_it_is_heard_again() {
        let mut rig = Rig::connected();
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        rig.sending.set_reach(Reach::Until(rig.now + Duration::from_secs(1)));
        assert_eq!(rig.forward(track, camera.frame(true, 1)).len(), 1);
        rig.wait(1000);
        assert_eq!(rig.forward(track, camera.frame(false, 1)).len(), 0);
        rig.sending.set_reach(Reach::Yes);
        assert_eq!(rig.forward(track, camera.frame(false, 1)).len(), 1);
    }

    #[test]
    fn the_timer_is_armed_by_what_was_sent_and_rests_when_nothing_is() {
        let mut rig = Rig::connected();
        assert_eq!(rig.sending.poll_timeout(rig.now), None);
        let track = rig.video(1, &[500_000]);
        let mut camera = Source::new(Codec::Vp8);
        rig.forward(track, camera.frame(true, 1));
        assert_eq!(rig.sending.wakes_at(rig.now), Some(rig.now), "the first report is due");
        rig.run(60_000);
        assert_eq!(rig.sending.wakes_at(rig.now), None);
    }

    #[test]
    fn only_what_is_authentic_and_new_is_opened() {
        let mut rig = Rig::new();
        let mut plain = vec![1];
        assert!(!rig.sending.open_rtcp(&receiver_report(1, 0), &mut plain), "no keys yet");
        let mut rig = Rig::connected();
        assert!(!rig.sending.open_rtcp(&receiver_report(1, 0), &mut plain), "not encrypted");
        assert!(plain.is_empty());
        assert!(rig.receive(&receiver_report(1, 0)));
        assert_eq!(rig.sending.rtcp_senders().map(|(_, ssrc, _)| ssrc).collect::<Vec<_>>(), [1]);
    }
}
