//! Keyframe requests to the peer.

use std::time::Instant;

use str0m::Rtc;
use str0m::media::KeyframeRequestKind;

use super::Session;
use crate::codec::Kind;
use crate::control::ids::IncomingTrackId;
use crate::sfu::EncodingIndex;

impl Session {
    /// Asks the peer for a keyframe of one encoding, at most once in a while.
    pub fn request_keyframe(&mut self, now: Instant, id: IncomingTrackId, encoding: EncodingIndex) {
        let Some(incoming) = self.incoming.iter_mut().find(|i| i.id == id) else { return };
        if incoming.kind != Kind::Video {
            return;
        }
        let found = incoming.encodings_mut().find(|e| e.index == encoding);
        if let Some(found) = found
            && found.keyframes.request(now)
        {
            send_pli(&mut self.rtc, found.ssrc);
            self.advance(now);
        }
    }

    pub(super) fn request_keyframe_by_rid(
        &mut self,
        now: Instant,
        id: IncomingTrackId,
        rid: Option<&str>,
    ) {
        let Some(incoming) = self.incoming.iter_mut().find(|i| i.id == id) else { return };
        let wanted: Vec<EncodingIndex> = incoming
            .encodings_mut()
            .filter(|e| rid.is_none() || e.rid.as_deref() == rid)
            .map(|e| e.index)
            .collect();
        for encoding in wanted {
            self.request_keyframe(now, id, encoding);
        }
    }

    /// Sends requests that waited for their turn.
    pub(super) fn poll_keyframe_requests(&mut self, now: Instant) {
        let mut sent = false;
        for incoming in &mut self.incoming {
            for encoding in incoming.encodings_mut() {
                if encoding.keyframes.poll(now) {
                    send_pli(&mut self.rtc, encoding.ssrc);
                    sent = true;
                }
            }
        }
        if sent {
            self.advance(now);
        }
    }
}

fn send_pli(rtc: &mut Rtc, ssrc: str0m::rtp::Ssrc) {
    if let Some(stream) = rtc.direct_api().stream_rx(&ssrc) {
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }
}
