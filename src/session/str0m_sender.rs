//! str0m's own sender behind the egress seam.

use std::sync::Arc;

use str0m::Rtc;
use str0m::rtp::{RtpWrite, SeqNo};

use super::extensions;
use crate::codec::Prefix;
use crate::egress::{Egress, OutgoingPacket, OutgoingSsrc};

pub(super) struct Str0mSender<'a> {
    pub(super) rtc: &'a mut Rtc,
}

impl Egress for Str0mSender<'_> {
    fn send(&mut self, stream: OutgoingSsrc, packet: &OutgoingPacket<'_>) {
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx(&stream.0.into()) else { return };
        let payload = match packet.prefix {
            None => Arc::clone(packet.payload),
            Some(prefix) => {
                let mut bytes = Vec::with_capacity(packet.payload.len() + Prefix::CAPACITY);
                prefix.write(packet.payload, &mut bytes);
                bytes.into()
            }
        };
        let values = extensions::to_str0m(packet.extensions, packet.frame_number);
        let write = RtpWrite::new(
            packet.pt.into(),
            SeqNo::from(packet.index),
            packet.timestamp,
            packet.captured,
            payload,
        )
        .marker(packet.marker)
        .nackable(packet.retransmittable)
        .ext_vals(values);
        stream.write_rtp(write);
    }
}
