//! What a session does when str0m tells it something.

use std::time::Instant;

use str0m::Event as RtcEvent;

use super::{Session, config};
use crate::control::event::{CloseReason, TransportState};
use crate::control::flow::Flow;
use crate::control::stats::CandidatePairStats;

impl Session {
    pub(super) fn on_rtc_event(&mut self, now: Instant, event: RtcEvent) {
        match event {
            RtcEvent::Connected => self.on_connected(now),
            RtcEvent::ChannelOpen(handle, label) => {
                self.dtls.delivered(0);
                let events = &mut self.events;
                self.channels.on_open(now, &mut self.rtc, handle, label, &self.ids, events);
            }
            RtcEvent::ChannelData(data) => {
                self.dtls.delivered(data.data.len());
                let events = &mut self.events;
                self.channels.on_data(&mut self.rtc, data.id, data.binary, data.data, events);
            }
            RtcEvent::ChannelClose(handle) => self.channels.on_close(handle, &mut self.events),
            RtcEvent::PeerStats(stats) => {
                if let Some(pair) = stats.selected_candidate_pair {
                    let flow = Flow {
                        protocol: config::from_str0m_protocol(pair.protocol),
                        local: pair.local.addr,
                        remote: pair.remote.addr,
                    };
                    // str0m may hold on to a pair that the peer has left.
                    if self.sending.flow().is_some_and(|used| *used != flow) {
                        return;
                    }
                    let rtt = pair.current_round_trip_time;
                    rtt.into_iter().for_each(|rtt| self.receiving.set_round_trip(rtt));
                    self.candidate_pair = Some(CandidatePairStats {
                        current_round_trip_time: rtt.map(|rtt| rtt.as_secs_f64()),
                        total_round_trip_time: pair.total_round_trip_time.as_secs_f64(),
                        responses_received: pair.responses_received,
                        ..CandidatePairStats::of(&flow)
                    });
                }
            }
            RtcEvent::Closed => self.end(CloseReason::Remote),
            _ => {}
        }
    }

    fn on_connected(&mut self, now: Instant) {
        self.consented = now;
        self.on_dtls_news(now);
        self.set_state(TransportState::Connected);
        self.with_sending(|sending| sending.connected(now));
    }
}
