//! One RTP stream that goes out: its SSRCs and what is counted of it.

use std::time::Instant;

use super::clock::WallClock;
use super::feedback::Feedback;
use super::header::ExtensionIds;
use super::repair::Repair;
use crate::codec::names::Mid;
use crate::codec::rtcp::ReportBlock;

/// What negotiation says of a stream. It may change while the stream goes on, but for the SSRCs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamParameters {
    pub ssrc: u32,
    /// SSRC of the retransmissions (RFC 4588), if the receiver takes them.
    pub rtx: Option<u32>,
    /// The receiver asks for what is missing and takes it under its own number: datagrams are kept
    /// before the first request too. Else they are from the first request on, without `rtx`.
    pub keeps: bool,
    /// What the MID extension says.
    pub mid: Mid,
    /// As the description names its source, for reports.
    pub cname: Box<str>,
    pub extensions: ExtensionIds,
}

/// An outgoing RTP stream and, once something was repeated, its retransmission stream (RFC 4588).
#[derive(Debug)]
pub struct Stream {
    pub(super) parameters: StreamParameters,
    pub(super) repair: Option<Box<Repair>>,
    /// For sender reports; they wrap (RFC 3550 6.4.1).
    pub(super) packets: u32,
    pub(super) octets: u32,
    /// What was sent last, for sender reports.
    pub(super) latest: Option<Latest>,
    /// Something was sent that no report told of.
    pub(super) unreported: bool,
    pub(super) feedback: Feedback,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    pub(super) timestamp: u32,
    pub(super) captured: Instant,
    pub(super) clock_rate: u32,
}

impl Stream {
    /// A stream of which nothing was sent and nothing reported.
    pub fn new(parameters: StreamParameters) -> Self {
        Self {
            parameters,
            repair: None,
            packets: 0,
            octets: 0,
            latest: None,
            unreported: false,
            feedback: Feedback::default(),
        }
    }

    /// What was negotiated for it last.
    pub fn parameters(&self) -> &StreamParameters {
        &self.parameters
    }

    /// SSRC of the media, not of its retransmissions.
    pub fn ssrc(&self) -> u32 {
        self.parameters.ssrc
    }

    /// Whether parameters are of this stream.
    pub fn is(&self, parameters: &StreamParameters) -> bool {
        self.parameters.ssrc == parameters.ssrc && self.parameters.rtx == parameters.rtx
    }

    /// Takes what was negotiated anew. The SSRCs have to be the same: their packet indices go on.
    pub fn renegotiated(&mut self, parameters: StreamParameters) {
        debug_assert!(self.is(&parameters));
        self.parameters = parameters;
    }

    /// The numbers and limits of the retransmission stream.
    pub(super) fn repair(&mut self, ssrc: u32, media_bytes: u64) -> &mut Repair {
        self.repair.get_or_insert_with(|| {
            // Below 2^15, so that a receiver that misses the first cannot take a wrapped number
            // for the start (RFC 3711 3.3.1).
            Box::new(Repair::new((ssrc as u16) & 0x7fff, media_bytes))
        })
    }

    /// What the receiver said of it.
    pub fn feedback(&self) -> &Feedback {
        &self.feedback
    }

    /// The same, to count what the receiver asks for.
    pub fn feedback_mut(&mut self) -> &mut Feedback {
        &mut self.feedback
    }

    /// The receiver reports about it.
    pub fn report(&mut self, now: Instant, clock: &WallClock, block: &ReportBlock) {
        self.feedback.report(now, clock, block, self.packets);
    }

    /// What the link loses of it, in 256ths, as far as is known by now.
    pub(super) fn loss_by_now(&self) -> u8 {
        self.feedback.loss_by_now(self.packets)
    }

    /// Whether a full intra request asks for something new.
    pub fn full_intra_request(&mut self, number: u8) -> bool {
        self.feedback.full_intra_request(number)
    }
}
