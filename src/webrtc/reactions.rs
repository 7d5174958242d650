//! What a session does when str0m tells it something.

use std::sync::Arc;
use std::time::Instant;

use str0m::Event as RtcEvent;

use super::incoming::Changes;
use super::{Session, SessionEvent, config};
use crate::control::event::{CloseReason, Event, TransportState};
use crate::control::flow::Flow;
use crate::control::stats::CandidatePairStats;
use crate::sfu::EncodingIndex;

impl Session {
    pub(super) fn on_rtc_event(&mut self, now: Instant, event: RtcEvent) {
        match event {
            RtcEvent::RtpPacket(packet) => self.on_packet(now, packet),
            RtcEvent::SenderFeedback(feedback) => {
                let track = self.incoming.iter_mut().find(|i| i.mid == feedback.mid);
                if let Some(incoming) = track {
                    incoming.sender_report(&feedback, &mut self.clock);
                }
            }
            RtcEvent::Connected => self.on_connected(now),
            RtcEvent::ChannelOpen(handle, label) => {
                let events = &mut self.events;
                self.channels.on_open(now, &mut self.rtc, handle, label, &self.ids, events);
            }
            RtcEvent::ChannelData(data) => {
                let events = &mut self.events;
                self.channels.on_data(&mut self.rtc, data.id, data.binary, data.data, events);
            }
            RtcEvent::ChannelClose(handle) => self.channels.on_close(handle, &mut self.events),
            RtcEvent::MediaIngressStats(stats) => {
                if let Some(incoming) = self.incoming.iter_mut().find(|i| i.mid == stats.mid) {
                    incoming.report(stats);
                }
            }
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

    fn on_packet(&mut self, now: Instant, packet: str0m::rtp::RtpPacket) {
        let ssrc = packet.header.ssrc;
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_rx(&ssrc) else { return };
        let (mid, rid) = (stream.mid(), stream.rid());
        let Some(incoming) = self.incoming.iter_mut().find(|i| i.mid == mid) else { return };
        let id = incoming.id;
        let mut changes = Changes::default();
        self.authentic_received += 1;
        let packet = incoming.ingest(packet, rid, &mut changes);
        if let Some(index) = changes.announce
            && let Some(encoding) = incoming.info(index)
        {
            self.events.push_back(SessionEvent::Event(Event::Encoding { id, encoding }));
        }
        if changes.description {
            self.events.push_back(SessionEvent::IncomingTrackChanged { id });
        }
        for packet in changes.recovered {
            self.events.push_back(SessionEvent::Packet { packet: Arc::new(packet) });
        }
        let Some(packet) = packet else { return };
        if let (Some((level, voice)), Some(levels)) =
            (packet.extensions.audio_level, &mut incoming.levels)
            && let Some((level, voice)) = levels.receive(now, level, voice)
        {
            let event = Event::AudioLevel { id, level, voice };
            self.events.push_back(SessionEvent::Event(event));
        }
        self.events.push_back(SessionEvent::Packet { packet: Arc::new(packet) });
    }

    /// Notices encodings whose packets stopped coming.
    pub(super) fn poll_activity(&mut self, now: Instant) {
        for incoming in &mut self.incoming {
            let id = incoming.id;
            let silent: Vec<EncodingIndex> = incoming
                .encodings_mut()
                .filter_map(|encoding| encoding.fell_silent(now).then_some(encoding.index))
                .collect();
            for encoding in silent.iter().filter_map(|index| incoming.info(*index)) {
                self.events.push_back(SessionEvent::Event(Event::Encoding { id, encoding }));
            }
            if !silent.is_empty() {
                self.events.push_back(SessionEvent::IncomingTrackChanged { id });
            }
        }
    }

    fn on_connected(&mut self, now: Instant) {
        self.consented = now;
        self.on_dtls_news(now);
        self.set_state(TransportState::Connected);
        self.with_sending(|sending| sending.connected(now));
    }
}
