//! Retransmissions (RFC 4588): which packet one is, and its way back into its stream.

use std::time::{Duration, Instant};

use super::Receiving;
use super::demux::{Found, Key, Repaired, Route, Usage};
use super::drops::DropReason;
use super::line::ReceiveLine;
use super::opened::{Opened, Reading};
use super::track::Arrival;

impl Receiving {
    /// Puts a repetition back into the stream that it is of.
    pub(super) fn take_repetition(
        &mut self,
        now: Instant,
        line: usize,
        repaired: Repaired,
        opened: Opened<'_>,
        reading: Reading<'_>,
    ) {
        let Opened { header, payload, .. } = opened;
        if let Ok(own) = self.position(header.ssrc) {
            self.streams[own].heard = now;
        }
        let Usage::Repair { format } = reading.usage else { return };
        let Some((sequence, payload)) = original(payload) else { return };
        let ssrc = match repaired {
            Repaired::Source(ssrc) => Some(ssrc),
            Repaired::Encoding { track, encoding } => {
                let track = self.lines.get(line).and_then(|line| line.tracks.get(track));
                track.and_then(|track| track.encodings.get(encoding)).map(|found| found.ssrc)
            }
        };
        let Some(place) = ssrc
            .and_then(|ssrc| self.streams.binary_search_by_key(&ssrc, |stream| stream.ssrc).ok())
        else {
            return;
        };
        let stream = &mut self.streams[place];
        let Route::Media(to) = stream.route else { return };
        let Some(sequence) = stream.missing(sequence) else { return };
        let Some(track) = self.lines.get_mut(to.line).and_then(|l| l.tracks.get_mut(to.track))
        else {
            return;
        };
        if track.encodings.get(to.encoding).is_none_or(|encoding| encoding.ssrc != stream.ssrc) {
            return;
        }
        let Some(original) = self.lines[to.line].spec.formats.get(format) else { return };
        let pt = original.pt;
        stream.repair(now, sequence);
        stream.nack.receive(now, sequence, Duration::ZERO);
        let arrival = Arrival {
            now,
            header,
            sequence,
            usage: Usage::Media { format, red: false },
            pt,
            payload,
            extensions: reading.extensions,
            captured: stream.time_line.map_or(now, |line| line.at(header.timestamp)),
            to_reported: stream.time_line.and_then(|line| line.rest()),
            sizes: None,
        };
        let track = &mut self.lines[to.line].tracks[to.track];
        track.receive(to.encoding, stream, arrival, &mut self.events);
    }
}

/// What a retransmission stream repeats: what the description says of its SSRC, or the encoding
/// that it names.
pub(super) fn repair_route(
    found: &Found<'_>,
    line: &ReceiveLine,
    track: usize,
    encoding: impl Fn(Key<'_>) -> Option<usize>,
) -> Result<Route, DropReason> {
    let repaired = match found.repairs {
        Some(ssrc) => Repaired::Source(ssrc),
        None => {
            let key = found.key(line, true)?;
            // What it repeats has not come yet: it is of no use, and will be asked again.
            let encoding = encoding(key).ok_or(DropReason::NoLine)?;
            Repaired::Encoding { track, encoding }
        }
    };
    Ok(Route::Repair { line: found.line, repaired })
}

/// Splits the payload of a retransmission into the sequence number that the original had and what
/// it carried (RFC 4588 4). `None` for padding, which probes how much the link carries: it repeats
/// nothing.
fn original(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (sequence, payload) = payload.split_first_chunk()?;
    (!payload.is_empty()).then_some((u16::from_be_bytes(*sequence), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_leads_the_payload() {
        assert_eq!(original(&[0x12, 0x34, 5, 6]), Some((0x1234, &[5, 6][..])));
    }

    #[test]
    fn padding_repeats_nothing() {
        assert_eq!(original(&[]), None);
        assert_eq!(original(&[0x12]), None);
        assert_eq!(original(&[0x12, 0x34]), None);
    }
}
