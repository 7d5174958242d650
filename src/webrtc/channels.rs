//! Data channels of one peer (RFC 8831).

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use str0m::Rtc;
use str0m::channel::{ChannelConfig, ChannelId as Handle, Reliability};

use super::error::SessionError;
use crate::control::error::EngineError;
use crate::control::event::{CloseReason, Event};
use crate::control::ids::{ChannelId, Ids, TransportId};
use crate::control::options::ChannelOptions;
use crate::control::stats::DataChannelStats;
use crate::peer::PeerEvent;

/// Most data channels of one peer; what it opens beyond that is closed at once.
pub(super) const MAX_CHANNELS: usize = 1024;

/// Channels a peer may open in a burst, and each second after that; more are closed at once.
/// JavaScript hears of every one, and may be blocked.
const OPENING_BURST: f64 = MAX_CHANNELS as f64;
const OPENINGS_PER_SECOND: f64 = 50.0;

/// Bytes of label and protocol of a channel that the peer opens. They are kept as long as it is, in
/// the engine and in JavaScript, and may have 64 KiB each (RFC 8832 5.1).
const MAX_NAMES: usize = 4096;

/// Messages of all channels that the association may have and that are not acknowledged yet. It
/// goes through all that is in flight for each one it sends.
const MAX_IN_FLIGHT: usize = 2048;

/// Counted for each message that waits, on top of its length, so that tiny ones are bounded too.
const OVERHEAD: usize = 64;

pub(super) struct Channels {
    transport: TransportId,
    /// What is left of the burst, and when that was.
    openings: Option<(f64, Instant)>,
    list: Vec<DataChannel>,
    /// Messages in the association, of all channels.
    in_flight: usize,
    /// Largest message to take, in bytes.
    max_message_size: usize,
    /// Bytes a channel may hold back.
    max_buffered: usize,
}

struct DataChannel {
    id: ChannelId,
    /// str0m's name of it, once asked for.
    handle: Option<Handle>,
    options: ChannelOptions,
    open: bool,
    /// Closes when what waits has been handed over.
    closing: bool,
    listened: bool,
    /// Messages str0m had no room for.
    queue: VecDeque<(bool, Bytes)>,
    queued: usize,
    /// Lengths of the messages in the association that are not acknowledged, and their sum.
    in_flight: VecDeque<usize>,
    in_flight_bytes: usize,
    /// All bytes `send` ever brought.
    accepted: u64,
    /// What JavaScript was told last.
    reported: usize,
    low_threshold: usize,
    messages: Counts,
    bytes: Counts,
    dropped: u64,
}

#[derive(Default)]
struct Counts {
    sent: u64,
    received: u64,
}

impl DataChannel {
    fn new(id: ChannelId, handle: Option<Handle>, options: ChannelOptions, open: bool) -> Self {
        Self {
            id,
            handle,
            options,
            open,
            closing: false,
            listened: true,
            queue: VecDeque::new(),
            queued: 0,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            accepted: 0,
            reported: 0,
            low_threshold: 0,
            messages: Counts::default(),
            bytes: Counts::default(),
            dropped: 0,
        }
    }

    /// Bytes not acknowledged yet.
    fn buffered(&self, rtc: &mut Rtc) -> usize {
        self.queued + self.in_association(rtc)
    }

    fn in_association(&self, rtc: &mut Rtc) -> usize {
        self.handle
            .filter(|_| self.open)
            .and_then(|handle| rtc.channel(handle))
            .map_or(0, |mut channel| channel.buffered_amount())
    }

    /// Forgets messages of which nothing is left in the association. Gives how many.
    fn acknowledge(&mut self, left: usize) -> usize {
        let before = self.in_flight.len();
        while let Some(length) = self.in_flight.front()
            && self.in_flight_bytes.saturating_sub(*length) >= left
        {
            self.in_flight_bytes -= length;
            self.in_flight.pop_front();
        }
        before - self.in_flight.len()
    }
}

impl Channels {
    pub(super) fn new(
        transport: TransportId,
        max_message_size: usize,
        max_buffered: usize,
    ) -> Self {
        Self {
            transport,
            openings: None,
            list: Vec::new(),
            in_flight: 0,
            max_message_size,
            max_buffered,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether anything sent was not acknowledged yet, as far as JavaScript was told.
    pub(super) fn buffers(&self) -> bool {
        self.list.iter().any(|channel| channel.reported > 0)
    }

    fn position(&self, id: ChannelId) -> Option<usize> {
        self.list.iter().position(|channel| channel.id == id)
    }

    fn by_handle(&mut self, handle: Handle) -> Option<&mut DataChannel> {
        self.list.iter_mut().find(|channel| channel.handle == Some(handle))
    }

    /// Makes a channel. Without an association yet it waits for negotiation.
    pub(super) fn create(
        &mut self,
        rtc: &mut Rtc,
        id: ChannelId,
        options: ChannelOptions,
        has_application: bool,
        events: &mut VecDeque<PeerEvent>,
    ) {
        if self.list.len() >= MAX_CHANNELS {
            let error = SessionError::ChannelLimit(MAX_CHANNELS).into();
            events.push_back(PeerEvent::Event(Event::ChannelError { id, error }));
            let reason = CloseReason::Error;
            events.push_back(PeerEvent::Event(Event::ChannelClosed { id, reason }));
            return;
        }
        self.list.push(DataChannel::new(id, None, options, false));
        if has_application {
            self.flush_wanted(rtc, events);
        }
    }

    /// Opens on the existing association what waited for it. A stream that was agreed on by other
    /// means may have been taken since: the peer opens whatever it likes.
    pub(super) fn flush_wanted(&mut self, rtc: &mut Rtc, events: &mut VecDeque<PeerEvent>) {
        let (opened, waiting): (Vec<_>, Vec<_>) =
            self.list.iter_mut().partition(|channel| channel.handle.is_some());
        let agreed = opened.iter().filter_map(|channel| channel.options.negotiated);
        let mut taken: HashSet<u16> = agreed.collect();
        let mut refused = Vec::new();
        for channel in waiting {
            let mut api = rtc.direct_api();
            if let Some(stream) = channel.options.negotiated
                && (api.channel_id_by_sctp_stream_id(stream).is_some() || !taken.insert(stream))
            {
                refused.push((channel.id, stream));
                continue;
            }
            channel.handle = Some(api.create_data_channel(config(&channel.options)));
        }
        for (id, stream) in refused {
            self.fail(rtc, id, SessionError::ChannelTaken(stream).into(), events);
        }
    }

    /// Whether the peer may open one more channel now.
    fn admit_opening(&mut self, now: Instant) -> bool {
        let (left, since) = self.openings.unwrap_or((OPENING_BURST, now));
        let earned = now.saturating_duration_since(since).as_secs_f64() * OPENINGS_PER_SECOND;
        let left = (left + earned).min(OPENING_BURST);
        let admitted = left >= 1.0 && self.list.len() < MAX_CHANNELS;
        self.openings = Some((if admitted { left - 1.0 } else { left }, now));
        admitted
    }

    pub(super) fn on_open(
        &mut self,
        now: Instant,
        rtc: &mut Rtc,
        handle: Handle,
        label: String,
        ids: &Ids,
        events: &mut VecDeque<PeerEvent>,
    ) {
        if let Some(channel) = self.by_handle(handle) {
            channel.open = true;
            let id = channel.id;
            events.push_back(PeerEvent::Event(Event::ChannelOpen { id }));
            self.flush(rtc, events);
            return;
        }
        let options = announced_options(rtc, handle, label);
        if !is_named_in_short(&options) || !self.admit_opening(now) {
            rtc.direct_api().close_data_channel(handle);
            return;
        }
        let id = ChannelId::new(ids, self.transport.shard());
        self.list.push(DataChannel::new(id, Some(handle), options.clone(), true));
        let event =
            Event::ChannelAnnounced { transport: self.transport, id, options: Box::new(options) };
        events.push_back(PeerEvent::Event(event));
    }

    pub(super) fn on_data(
        &mut self,
        rtc: &mut Rtc,
        handle: Handle,
        binary: bool,
        data: Vec<u8>,
        events: &mut VecDeque<PeerEvent>,
    ) {
        let limit = self.max_message_size;
        let Some(channel) = self.by_handle(handle) else { return };
        channel.messages.received += 1;
        channel.bytes.received += data.len() as u64;
        let id = channel.id;
        if data.len() > limit {
            let error = SessionError::MessageTooLarge { size: data.len(), limit };
            self.fail(rtc, id, error.into(), events);
            return;
        }
        let listened = channel.listened;
        events.push_back(PeerEvent::ChannelMessage { id, binary, data: data.into(), listened });
    }

    pub(super) fn on_close(&mut self, handle: Handle, events: &mut VecDeque<PeerEvent>) {
        let Some(index) = self.list.iter().position(|c| c.handle == Some(handle)) else { return };
        let channel = self.list.swap_remove(index);
        self.in_flight -= channel.in_flight.len();
        let id = channel.id;
        events.push_back(PeerEvent::ChannelClosed { id, reason: CloseReason::Remote });
    }

    /// Sends a message of JavaScript's, which keeps to the limits itself.
    pub(super) fn send(
        &mut self,
        rtc: &mut Rtc,
        id: ChannelId,
        binary: bool,
        data: Bytes,
        events: &mut VecDeque<PeerEvent>,
    ) {
        let Some(index) = self.position(id) else { return };
        let channel = &mut self.list[index];
        channel.queued += data.len();
        channel.accepted += data.len() as u64;
        channel.queue.push_back((binary, data));
        self.flush_one(rtc, index, events);
    }

    /// Sends a message that came on another channel. Dropped and counted when the queue is full.
    pub(super) fn relay(
        &mut self,
        rtc: &mut Rtc,
        id: ChannelId,
        binary: bool,
        data: Bytes,
        events: &mut VecDeque<PeerEvent>,
    ) {
        let limit = self.max_buffered;
        let Some(index) = self.position(id) else { return };
        // An empty message has to go as a byte that is marked as none (RFC 8831 6.6), which str0m
        // does not do: it would stall the channel.
        if data.is_empty() {
            self.list[index].dropped += 1;
            return;
        }
        let channel = &self.list[index];
        let buffered = channel.buffered(rtc) + channel.queue.len() * OVERHEAD;
        if buffered + data.len() > limit || data.len() > self.max_message_size {
            self.list[index].dropped += 1;
            return;
        }
        self.send(rtc, id, binary, data, events);
    }

    /// Moves what waits into the association and tells JavaScript what is left. Says whether
    /// anything moved.
    pub(super) fn flush(&mut self, rtc: &mut Rtc, events: &mut VecDeque<PeerEvent>) -> bool {
        let mut moved = false;
        for index in (0..self.list.len()).rev() {
            let channel = &self.list[index];
            if channel.queued > 0 || channel.reported > 0 || channel.closing {
                moved |= self.flush_one(rtc, index, events);
            }
        }
        moved
    }

    fn flush_one(&mut self, rtc: &mut Rtc, index: usize, events: &mut VecDeque<PeerEvent>) -> bool {
        let channel = &mut self.list[index];
        let mut moved = false;
        let id = channel.id;
        self.in_flight -= channel.acknowledge(channel.in_association(rtc));
        while let (true, Some(handle), Some((binary, data))) =
            (channel.open, channel.handle, channel.queue.front())
        {
            if self.in_flight >= MAX_IN_FLIGHT {
                break;
            }
            let Some(mut writer) = rtc.channel(handle) else { break };
            match writer.write(*binary, data) {
                Ok(true) => {
                    moved = true;
                    self.in_flight += 1;
                    channel.in_flight.push_back(data.len());
                    channel.in_flight_bytes += data.len();
                    channel.messages.sent += 1;
                    channel.bytes.sent += data.len() as u64;
                    channel.queued -= data.len();
                    channel.queue.pop_front();
                }
                Ok(false) => break,
                // Larger than the peer takes: that message is lost, the channel goes on.
                Err(error) => {
                    let size = data.len();
                    let error = SessionError::MessageNotSent { size, error }.into();
                    events.push_back(PeerEvent::Event(Event::ChannelError { id, error }));
                    channel.dropped += 1;
                    channel.queued -= data.len();
                    channel.queue.pop_front();
                }
            }
        }
        let amount = channel.buffered(rtc);
        let before = std::mem::replace(&mut channel.reported, amount);
        if amount != before {
            let accepted = channel.accepted;
            let event = Event::ChannelBufferedAmount { id, amount, accepted };
            events.push_back(PeerEvent::Event(event));
        }
        if before > channel.low_threshold && amount <= channel.low_threshold {
            events.push_back(PeerEvent::Event(Event::ChannelBufferedAmountLow { id }));
        }
        if self.list[index].closing && self.list[index].queue.is_empty() {
            self.end(rtc, index, CloseReason::Closed, events);
            moved = true;
        }
        moved
    }

    pub(super) fn set_low_threshold(&mut self, id: ChannelId, threshold: usize) {
        if let Some(index) = self.position(id) {
            self.list[index].low_threshold = threshold;
        }
    }

    pub(super) fn listen(&mut self, id: ChannelId, listened: bool) {
        if let Some(index) = self.position(id) {
            self.list[index].listened = listened;
        }
    }

    /// Closes a channel for a fault.
    pub(super) fn fail(
        &mut self,
        rtc: &mut Rtc,
        id: ChannelId,
        error: EngineError,
        events: &mut VecDeque<PeerEvent>,
    ) {
        events.push_back(PeerEvent::Event(Event::ChannelError { id, error }));
        if let Some(index) = self.position(id) {
            self.end(rtc, index, CloseReason::Error, events);
        }
    }

    /// Closes a channel once everything sent on it before has been handed over.
    pub(super) fn close(&mut self, rtc: &mut Rtc, id: ChannelId, events: &mut VecDeque<PeerEvent>) {
        let Some(index) = self.position(id) else { return };
        if self.list[index].queue.is_empty() {
            self.end(rtc, index, CloseReason::Closed, events);
        } else {
            self.list[index].closing = true;
        }
    }

    fn end(
        &mut self,
        rtc: &mut Rtc,
        index: usize,
        reason: CloseReason,
        events: &mut VecDeque<PeerEvent>,
    ) {
        let channel = self.list.swap_remove(index);
        self.in_flight -= channel.in_flight.len();
        if let Some(handle) = channel.handle {
            rtc.direct_api().close_data_channel(handle);
        }
        events.push_back(PeerEvent::ChannelClosed { id: channel.id, reason });
    }

    pub(super) fn close_all(&mut self, reason: CloseReason, events: &mut VecDeque<PeerEvent>) {
        self.in_flight = 0;
        for channel in self.list.drain(..) {
            events.push_back(PeerEvent::ChannelClosed { id: channel.id, reason });
        }
    }

    pub(super) fn stats(&self) -> Vec<DataChannelStats> {
        let stats = |channel: &DataChannel| DataChannelStats {
            id: channel.id.0,
            label: channel.options.label.clone(),
            protocol: channel.options.protocol.clone(),
            state: if channel.open { "open" } else { "connecting" },
            messages_sent: channel.messages.sent,
            messages_received: channel.messages.received,
            bytes_sent: channel.bytes.sent,
            bytes_received: channel.bytes.received,
            messages_dropped: channel.dropped,
        };
        self.list.iter().map(stats).collect()
    }
}

fn config(options: &ChannelOptions) -> ChannelConfig {
    let reliability = match (options.max_retransmits, options.max_packet_life_time) {
        (Some(retransmits), _) => Reliability::MaxRetransmits { retransmits },
        (None, Some(lifetime)) => Reliability::MaxPacketLifetime { lifetime },
        (None, None) => Reliability::Reliable,
    };
    ChannelConfig {
        label: options.label.clone(),
        ordered: options.ordered,
        reliability,
        negotiated: options.negotiated,
        protocol: options.protocol.clone(),
    }
}

/// Whether names that the peer chose may be kept.
fn is_named_in_short(options: &ChannelOptions) -> bool {
    options.label.len() + options.protocol.len() <= MAX_NAMES
}

fn announced_options(rtc: &mut Rtc, handle: Handle, label: String) -> ChannelOptions {
    let channel = rtc.channel(handle);
    let config = channel.as_ref().and_then(|channel| channel.config());
    let (ordered, protocol, negotiated) = config
        .map_or((true, String::new(), None), |c| (c.ordered, c.protocol.clone(), c.negotiated));
    let (max_retransmits, max_packet_life_time) = match config.map(|c| c.reliability) {
        Some(Reliability::MaxRetransmits { retransmits }) => (Some(retransmits), None),
        Some(Reliability::MaxPacketLifetime { lifetime }) => (None, Some(lifetime)),
        _ => (None, None),
    };
    ChannelOptions { label, protocol, ordered, max_retransmits, max_packet_life_time, negotiated }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_peer_names_its_channels_in_short() {
        assert!(is_named_in_short(&named(MAX_NAMES / 2, MAX_NAMES / 2)));
        assert!(!is_named_in_short(&named(1, MAX_NAMES)));
        assert!(!is_named_in_short(&named(65_535, 65_535)));
    }

    fn named(label: usize, protocol: usize) -> ChannelOptions {
        ChannelOptions {
            label: "x".repeat(label),
            protocol: "x".repeat(protocol),
            ordered: true,
            max_retransmits: None,
            max_packet_life_time: None,
            negotiated: None,
        }
    }

    #[test]
    fn messages_in_flight_are_counted_until_the_last_of_their_bytes_is_acknowledged() {
        let mut channel = DataChannel::new(ChannelId(1), None, named(0, 0), true);
        channel.in_flight = [10, 20, 30].into();
        channel.in_flight_bytes = 60;
        assert_eq!(channel.acknowledge(55), 0);
        assert_eq!(channel.acknowledge(50), 1);
        assert_eq!(channel.acknowledge(1), 1);
        assert_eq!(channel.acknowledge(0), 1);
        assert_eq!((channel.in_flight.len(), channel.in_flight_bytes), (0, 0));
    }

    #[test]
    fn a_peer_opens_a_burst_of_channels_and_then_only_so_many_a_second() {
        let now = Instant::now();
        let mut channels = Channels::new(TransportId(1), 1000, 1000);
        let opened =
            |channels: &mut Channels, at| (0..5000).filter(|_| channels.admit_opening(at)).count();
        assert_eq!(opened(&mut channels, now), MAX_CHANNELS);
        assert_eq!(opened(&mut channels, now + Duration::from_secs(1)), 50);
        assert_eq!(opened(&mut channels, now + Duration::from_secs(3600)), MAX_CHANNELS);
    }
}
