//! An SRTP packet's way from the datagram to its track. Nothing changes before the packet is
//! authentic.

use std::time::Instant;

use super::clock::TimeLine;
use super::demux::{Place, Route, Usage};
use super::drops::{self, DropReason};
use super::extensions::{Hop, announced_sizes};
use super::header::RtpHeader;
use super::opened::{Opened, Reading};
use super::rtx::repair_route;
use super::stream::Stream;
use super::track::Arrival;
use super::{EventPacket, MAX_UNANNOUNCED, Received, Receiving, sooner};
use crate::codec::Kind;
use crate::codec::telephone_event::TelephoneEvent;
use crate::sfu::Extensions;
use crate::sfu::encoding::ACTIVITY_TIMEOUT;
use crate::srtp::PacketIndex;

impl Receiving {
    /// Takes an SRTP datagram. `plain` is overwritten with what it has behind its header, padding
    /// included, when it is authentic; else it is emptied. Says why a packet was dropped: one that is
    /// authentic all the same was sent by the peer.
    pub fn rtp(
        &mut self,
        now: Instant,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<(), DropReason> {
        plain.clear();
        let Some(header) = RtpHeader::parse(datagram) else {
            return self.drop(now, DropReason::Malformed, 0, 0);
        };
        let taken = self.open(&header, datagram, plain).and_then(|index| {
            // What is too much counts as lost on the way, which slows senders down that heed that.
            if self.limit.as_mut().is_some_and(|limit| !limit.take(now, datagram.len())) {
                return Err(DropReason::TooMuch);
            }
            // Whatever becomes of it, it came.
            self.note_arrival(now, &header, datagram.len());
            let payload = header.payload(plain).ok_or(DropReason::Malformed);
            self.take(now, &header, index, payload)
        });
        taken.or_else(|reason| self.drop(now, reason, header.ssrc, header.pt))
    }

    fn drop(
        &mut self,
        now: Instant,
        reason: DropReason,
        ssrc: u32,
        pt: u8,
    ) -> Result<(), DropReason> {
        drops::count(&mut self.drops, reason);
        drops::warn(now, reason, ssrc, pt);
        Err(reason)
    }

    /// Decrypts a packet under the index that it is likely to have, and gives that.
    fn open(
        &mut self,
        header: &RtpHeader<'_>,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<u64, DropReason> {
        let known = self.position(header.ssrc).ok();
        let opener = self.opener.as_ref().ok_or(DropReason::Unauthenticated)?;
        let mut opens = |index| opener.open(datagram, header.length, header.ssrc, index, plain);
        if let Some(stream) = known.and_then(|known| self.streams.get(known)) {
            let index = stream.index.guess(header.sequence).ok_or(DropReason::Replayed)?;
            if !stream.index.accepts(index) {
                return Err(DropReason::Replayed);
            }
            return opens(index).then_some(index).ok_or(DropReason::Unauthenticated);
        }
        let mut guesses = PacketIndex::first_guesses(header.sequence);
        guesses.find(|index| opens(*index)).ok_or(DropReason::Unauthenticated)
    }

    /// Notes an authentic packet for what the sender is told of the link.
    fn note_arrival(&mut self, now: Instant, header: &RtpHeader<'_>, bytes: usize) {
        if let Some(estimate) = &mut self.remb {
            estimate.receive(bytes);
        }
        let Some(id) = self.transport_sequence else { return };
        let numbers = header.elements().filter(|element| element.id == id);
        if let Some(number) = numbers.last().and_then(|element| element.value.first_chunk()) {
            let number = u16::from_be_bytes(*number);
            self.transport_feedback.receive(now, number, header.ssrc, bytes);
        }
    }

    fn take(
        &mut self,
        now: Instant,
        header: &RtpHeader<'_>,
        index: u64,
        payload: Result<&[u8], DropReason>,
    ) -> Result<(), DropReason> {
        let (place, newest) = match self.position(header.ssrc) {
            Ok(place) => {
                self.recent = place;
                let known = &mut self.streams[place].index;
                let newest = index > known.highest();
                known.record(index);
                (place, newest)
            }
            Err(_) => (self.register(now, header, index)?, true),
        };
        let Some(reading) = self.read(now, place, header, index)? else { return Ok(()) };
        let opened = Opened { header, index, newest, payload: payload? };
        match self.streams[place].route {
            Route::None => Err(DropReason::NoLine),
            Route::Media(to) => self.take_media(now, place, to, opened, reading),
            Route::Repair { line, repaired } => {
                self.take_repetition(now, line, repaired, opened, reading);
                Ok(())
            }
        }
    }

    /// Makes a stream of an SSRC that is not known, by its first authentic packet. Gives its place.
    fn register(
        &mut self,
        now: Instant,
        header: &RtpHeader<'_>,
        index: u64,
    ) -> Result<usize, DropReason> {
        let announced = self.demux.is_announced(header.ssrc);
        if !announced && self.unannounced >= MAX_UNANNOUNCED && !self.has_silent(now) {
            return Err(DropReason::TooManySources);
        }
        let route = self.route(now, header)?;
        if !announced {
            if self.unannounced >= MAX_UNANNOUNCED {
                self.forget_oldest();
            }
            self.unannounced += 1;
        }
        let place = match self.streams.binary_search_by_key(&header.ssrc, |stream| stream.ssrc) {
            Ok(place) | Err(place) => place,
        };
        self.streams.insert(place, Stream::new(now, header.ssrc, index, route));
        self.recent = place;
        Ok(place)
    }

    fn is_silent(&self, now: Instant, stream: &Stream) -> bool {
        !self.demux.is_announced(stream.ssrc)
            && now.saturating_duration_since(stream.heard) > ACTIVITY_TIMEOUT
    }

    fn has_silent(&self, now: Instant) -> bool {
        self.streams.iter().any(|stream| self.is_silent(now, stream))
    }

    /// Makes room for another stream: the one not heard for the longest that no description names
    /// gives way.
    fn forget_oldest(&mut self) {
        let unannounced =
            self.streams.iter().enumerate().filter(|(_, s)| !self.demux.is_announced(s.ssrc));
        let oldest = unannounced.min_by_key(|(_, stream)| stream.heard).map(|(place, _)| place);
        if let Some(place) = oldest {
            self.streams.remove(place);
            self.unannounced -= 1;
        }
    }

    /// Decides whose a stream is, by a packet of it.
    fn route(&mut self, now: Instant, header: &RtpHeader<'_>) -> Result<Route, DropReason> {
        let lines = &self.lines;
        let found = self.demux.find(header, |place| lines.get(place).map(|line| &line.spec))?;
        let line = self.lines.get_mut(found.line).ok_or(DropReason::NoLine)?;
        let usage = Usage::of(&line.spec, header.pt).ok_or(DropReason::UnknownPayloadType)?;
        let track = found.track(&line.spec)?;
        let state = line.tracks.get_mut(track).ok_or(DropReason::NoLine)?;
        let format = match usage {
            Usage::Repair { .. } => {
                return repair_route(&found, &line.spec, track, |key| state.encoding(key));
            }
            Usage::Media { format, .. } => format,
            // Of the sound it is among.
            Usage::TelephoneEvent { .. } => 0,
        };
        let encoding = state.assign(now, found.key(&line.spec, false)?, header.ssrc, format)?;
        Ok(Route::Media(Place { line: found.line, track, encoding }))
    }

    /// Reads the extensions by the stream's line, and follows a stream that says it is of another
    /// line or encoding now. `None` when the packet says nothing to anybody.
    fn read<'a>(
        &mut self,
        now: Instant,
        place: usize,
        header: &RtpHeader<'a>,
        index: u64,
    ) -> Result<Option<Reading<'a>>, DropReason> {
        // Once more at most: whoever was routed by this very packet is where it says.
        for attempt in 0..2 {
            let stream = self.streams.get(place).ok_or(DropReason::NoLine)?;
            let line = match stream.route {
                Route::None => None,
                Route::Media(Place { line, .. }) | Route::Repair { line, .. } => {
                    self.lines.get(line)
                }
            };
            if let Some(line) = line {
                let mut extensions = Extensions::default();
                let hop = Hop::read(&line.spec.extensions, header.elements(), &mut extensions);
                if !self.left(stream.route, &hop) || attempt > 0 {
                    let usage =
                        Usage::of(&line.spec, header.pt).ok_or(DropReason::UnknownPayloadType)?;
                    return Ok(Some(Reading { usage, hop, extensions }));
                }
            }
            let route = self.route(now, header);
            let stream = &mut self.streams[place];
            // It begins anew, but for the indices that were used.
            let used = stream.index.clone();
            *stream = Stream::new(now, header.ssrc, index, route.unwrap_or_default());
            stream.index = used;
            route?;
        }
        Ok(None)
    }

    /// Whether a packet says that its stream is of another line or encoding than it was.
    fn left(&self, route: Route, hop: &Hop<'_>) -> bool {
        let Route::Media(Place { line, track, encoding }) = route else { return false };
        let Some(line_) = self.lines.get(line) else { return true };
        if let Some(mid) = hop.mid
            && *line_.spec.mid != *mid
            && self.demux.line_of(mid).is_some()
        {
            return true;
        }
        let encoding = line_.tracks.get(track).and_then(|track| track.encodings.get(encoding));
        let rid = encoding.and_then(|encoding| encoding.rid.as_deref());
        rid.is_some_and(|rid| hop.rid.is_some_and(|now| now != rid))
    }

    fn take_media(
        &mut self,
        now: Instant,
        place: usize,
        to: Place,
        opened: Opened<'_>,
        reading: Reading<'_>,
    ) -> Result<(), DropReason> {
        let Opened { header, index, newest, payload } = opened;
        if !self.holds(now, place, to) {
            return Err(DropReason::Superseded);
        }
        let line = &mut self.lines[to.line];
        let track = &mut line.tracks[to.track];
        let (clock_rate, rtx) = match reading.usage {
            Usage::Media { format, .. } => {
                let format = &line.spec.formats[format];
                (format.codec.clock_rate(), format.rtx)
            }
            Usage::TelephoneEvent { clock_rate } => (clock_rate, None),
            // The number of an original cannot be told by the number of the repetition.
            Usage::Repair { .. } => return Ok(()),
        };
        let stream = &mut self.streams[place];
        if !stream.unreported {
            self.reporter.wanted(now, track.kind == Kind::Video);
        }
        stream.receive(now, index, newest, header.timestamp, clock_rate);
        if line.spec.feedback.nack {
            let patience = self.reordering.patience(now);
            if let Some(found) = stream.nack.receive(now, index, patience) {
                // Where there is no stream of repetitions they have the numbers of what they repeat,
                // and come a round trip after they were asked for.
                let comes_again =
                    |asked| self.round_trip.is_none_or(|round_trip| asked >= round_trip);
                if rtx.is_none() && found.asked.is_some_and(comes_again) {
                    stream.came_again();
                } else {
                    self.reordering.late(now, found.late);
                }
            }
            sooner(&mut self.timers.nack, stream.nack.next());
        }
        if let Usage::TelephoneEvent { clock_rate } = reading.usage {
            let Some(event) = TelephoneEvent::parse(payload) else {
                return Err(DropReason::Malformed);
            };
            let packet = EventPacket {
                track: track.id,
                encoding: track.encodings[to.encoding].index,
                ssrc: header.ssrc,
                sequence: index,
                timestamp: header.timestamp,
                marker: header.marker,
                clock_rate,
                event,
                arrival: now,
            };
            let captured = stream.time_line.map_or(now, |line| line.at(header.timestamp));
            let source = packet.as_source(&line.spec.formats, header.pt, payload, captured);
            self.events.push_back(Received::TelephoneEvent(Box::new(packet)));
            if let Some(packet) = source {
                track.receive_event(to.encoding, packet, &mut self.events);
                self.timers.activity.get_or_insert(now + ACTIVITY_TIMEOUT);
            }
            return Ok(());
        }
        let line_of_time = stream
            .time_line
            .get_or_insert_with(|| TimeLine::new(header.timestamp, now, clock_rate));
        let captured = line_of_time.capture(header.timestamp, now);
        let arrival = Arrival {
            now,
            header,
            sequence: index,
            usage: reading.usage,
            pt: header.pt,
            payload,
            extensions: reading.extensions,
            captured,
            to_reported: line_of_time.rest(),
            sizes: announced_sizes(&reading.hop),
        };
        track.receive(to.encoding, stream, arrival, &mut self.events);
        if self.timers.activity.is_none() {
            self.timers.activity = Some(now + ACTIVITY_TIMEOUT);
        }
        Ok(())
    }

    /// Whether a stream is its encoding, and not one whose place another took. It gets it back when
    /// that one fell silent.
    fn holds(&mut self, now: Instant, place: usize, to: Place) -> bool {
        let ssrc = self.streams[place].ssrc;
        let current = self.lines.get(to.line).and_then(|line| {
            line.tracks.get(to.track)?.encodings.get(to.encoding).map(|encoding| encoding.ssrc)
        });
        let Some(current) = current else { return false };
        if current == ssrc {
            return true;
        }
        let silent = self
            .stream(current)
            .is_none_or(|stream| now.saturating_duration_since(stream.heard) > ACTIVITY_TIMEOUT);
        if silent {
            let track = &mut self.lines[to.line].tracks[to.track];
            track.encodings[to.encoding].restart(now, ssrc);
        }
        silent
    }
}
