//! Datagrams on their way out: whose port they leave by, and sealed where that has keys.

use std::sync::Arc;
use std::time::Instant;

use super::leg::Leg;
use super::{Session, split};
use crate::codec::multiplex::{self, Multiplexed};
use crate::control::flow::Flow;
use crate::control::rtp::RtpOptions;
use crate::sending::{Delivery, Outlet, Workspace};
use crate::sfu::SourcePacket;

impl Session {
    /// Sends packets of sources on outgoing tracks, what one turn has for it as one burst.
    pub fn forward(
        &mut self,
        now: Instant,
        deliveries: &[Delivery],
        packets: &[Arc<SourcePacket>],
        workspace: &mut Workspace,
        outlet: &mut impl Outlet,
    ) {
        self.leave(outlet, |sending, departures| {
            sending.forward(now, deliveries, packets, workspace, departures);
        });
    }

    /// Sends what is due of reports behind media that was just sent.
    pub fn send_along(&mut self, now: Instant, outlet: &mut impl Outlet) {
        self.poll_receiving(now);
        self.leave(outlet, |sending, departures| sending.send_along(now, departures));
    }

    fn leave<O: Outlet>(
        &mut self,
        outlet: &mut O,
        action: impl FnOnce(&mut crate::sending::Sending, &mut Departures<'_, O>),
    ) {
        let mut leaving = std::mem::take(&mut self.leaving);
        let mut legs = std::mem::take(&mut self.legs);
        let options = Arc::clone(&self.options);
        let (mut packets, mut bytes) = (0, 0);
        self.with_sending(|sending| {
            let mut departures = Departures {
                legs: &mut legs,
                options: &options,
                outlet,
                leaving: &mut leaving,
                packets: &mut packets,
                bytes: &mut bytes,
            };
            action(sending, &mut departures);
        });
        self.packets_sent += packets;
        self.bytes_sent += bytes;
        (self.legs, self.leaving) = (legs, leaving);
    }

    /// Hands over every datagram that waits to be sent.
    pub fn transmit(&mut self, mut send: impl FnMut(&Flow, &[u8])) {
        let Self { sending, legs, options, packets_sent, bytes_sent, .. } = self;
        sending.transmit(|_, bytes| {
            route(legs, options, bytes, |flow, datagram| {
                *packets_sent += 1;
                *bytes_sent += datagram.len() as u64;
                send(flow, datagram);
            });
        });
    }
}

/// Finds the way of each datagram that the sending half writes.
struct Departures<'a, O> {
    legs: &'a mut [Leg],
    options: &'a RtpOptions,
    outlet: &'a mut O,
    leaving: &'a mut Vec<u8>,
    packets: &'a mut u64,
    bytes: &'a mut u64,
}

impl<O: Outlet> Outlet for Departures<'_, O> {
    fn datagram(
        &mut self,
        _: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        // Which port it leaves by shows when it is written.
        self.leaving.clear();
        self.leaving.resize(capacity, 0);
        let Some(length) = write(self.leaving) else { return };
        let Some(packet) = self.leaving.get(..length) else { return };
        let Self { legs, options, outlet, packets, bytes, .. } = self;
        route(legs, options, packet, |flow, datagram| {
            **packets += 1;
            **bytes += datagram.len() as u64;
            outlet.datagram(flow, datagram.len(), |room| {
                room.copy_from_slice(datagram);
                Some(datagram.len())
            });
        });
    }
}

/// Sends a datagram in the clear the way it is for, RTCP in as many parts as there are ports.
fn route(
    legs: &mut [Leg],
    options: &RtpOptions,
    packet: &[u8],
    mut send: impl FnMut(&Flow, &[u8]),
) {
    match multiplex::classify(packet) {
        Multiplexed::Rtp => {
            let ssrc = packet.get(8..).and_then(|bytes| bytes.first_chunk());
            let media = ssrc.and_then(|ssrc| Session::line_of(options, u32::from_be_bytes(*ssrc)));
            let Some(leg) = legs.iter_mut().find(|leg| Some(leg.media) == media) else { return };
            let Some(flow) = leg.rtp_flow() else { return };
            let repeats = options.media.get(leg.media).is_some_and(|media| media.feedback);
            match leg.seal() {
                None => send(&flow, packet),
                Some(seal) => {
                    let mut sealed = vec![0; packet.len() + seal.rtp_overhead()];
                    if let Some(length) = seal.seal_rtp(packet, repeats, &mut sealed) {
                        send(&flow, &sealed[..length]);
                    }
                }
            }
        }
        Multiplexed::Rtcp => {
            for leg in legs.iter_mut() {
                let Some(flow) = leg.rtcp_flow() else { continue };
                let media = options.media.get(leg.media);
                let (receives, sends) =
                    media.map_or((false, false), |m| (m.receive, m.send && leg.place == 0));
                let (media, theirs) = (leg.media, [leg.ssrc, leg.announced]);
                let is_there = |ssrc| {
                    (receives && (theirs.contains(&Some(ssrc)) || ssrc == options.report_ssrc))
                        || (sends && Session::line_of(options, ssrc) == Some(media))
                };
                let Some(part) = split::part(packet, &options.cname, is_there) else { continue };
                match leg.seal() {
                    None => send(&flow, &part),
                    Some(seal) => {
                        if let Some(sealed) = seal.seal_rtcp(part) {
                            send(&flow, &sealed);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}
