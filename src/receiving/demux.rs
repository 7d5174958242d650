//! Which line, track and encoding a stream belongs to (RFC 9143 9.2, RFC 8852): by MID, then RID,
//! then its SSRC, then a payload type that only one line has.

use std::collections::HashMap;

use super::drops::DropReason;
use super::extensions::{Hop, name};
use super::header::RtpHeader;
use super::line::{AnnouncedSource, ReceiveLine};
use crate::codec::names::{Mid, Rid};

/// SSRCs of descriptions that are known, of all lines together.
const MAX_ANNOUNCED: usize = 1024;

/// Whose a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Route {
    /// Its track is gone.
    #[default]
    None,
    Media(Place),
    /// It repeats packets of others (RFC 4588).
    Repair {
        line: usize,
        repaired: Repaired,
    },
}

/// An encoding, by its places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) track: usize,
    pub(super) encoding: usize,
}

/// What a retransmission stream repeats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Repaired {
    Source(u32),
    Encoding { track: usize, encoding: usize },
}

/// What tells an encoding of a track from its others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key<'a> {
    Rid(&'a str),
    /// In the order of `a=ssrc-group:SIM`.
    Place(u8),
    Only,
}

/// What a payload type means on a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Usage {
    /// Media of the format at this place, perhaps wrapped in RED (RFC 2198).
    Media { format: usize, red: bool },
    /// Retransmissions of the format at this place.
    Repair { format: usize },
    /// RFC 4733, with its clock rate.
    TelephoneEvent { clock_rate: u32 },
}

impl Usage {
    pub(super) fn of(line: &ReceiveLine, pt: u8) -> Option<Self> {
        for (format, candidate) in line.formats.iter().enumerate() {
            if candidate.pt == pt {
                return Some(Usage::Media { format, red: false });
            }
            if candidate.rtx == Some(pt) {
                return Some(Usage::Repair { format });
            }
            if candidate.red == Some(pt) {
                return Some(Usage::Media { format, red: true });
            }
        }
        let event = line.telephone_events.iter().find(|event| event.pt == pt)?;
        Some(Usage::TelephoneEvent { clock_rate: event.clock_rate })
    }
}

/// A stream that is not known yet, as far as its first packet and the descriptions tell.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Found<'a> {
    pub(super) line: usize,
    /// What the description says of its SSRC.
    pub(super) announced: Option<AnnouncedSource>,
    /// The SSRC that it repeats, when the description says so.
    pub(super) repairs: Option<u32>,
    /// The line's own reading of its extensions.
    pub(super) hop: Hop<'a>,
}

/// Lines by what packets and descriptions call them.
#[derive(Default, Debug)]
pub(super) struct Demux {
    by_mid: HashMap<Mid, usize>,
    /// `None` when several lines have an encoding of that name.
    by_rid: HashMap<Rid, Option<usize>>,
    by_ssrc: HashMap<u32, Announced>,
    /// Payload types that one line alone has.
    by_payload_type: Box<[(u8, usize)]>,
    mid_ids: IdSet,
    rid_ids: IdSet,
    /// Those that are no MID on some line.
    other_ids: IdSet,
}

#[derive(Clone, Copy, Debug)]
struct Announced {
    line: usize,
    source: AnnouncedSource,
    repair: bool,
}

/// The lines that have a payload type.
#[derive(Clone, Copy, Debug)]
enum Owner {
    None,
    One(usize),
    Several,
}

impl Owner {
    fn only(self) -> Option<usize> {
        match self {
            Owner::One(place) => Some(place),
            Owner::None | Owner::Several => None,
        }
    }
}

impl Demux {
    pub(super) fn new<'a>(lines: impl Iterator<Item = &'a ReceiveLine> + Clone) -> Self {
        let mut demux = Self::default();
        let mut owners = [Owner::None; 128];
        for (place, line) in lines.enumerate() {
            demux.by_mid.entry(line.mid.clone()).or_insert(place);
            line.extensions.mid.into_iter().for_each(|id| demux.mid_ids.insert(id));
            line.extensions.others().for_each(|id| demux.other_ids.insert(id));
            line.extensions.rid.into_iter().for_each(|id| demux.rid_ids.insert(id));
            line.extensions.repaired_rid.into_iter().for_each(|id| demux.rid_ids.insert(id));
            for rid in &line.rids {
                let owner = demux.by_rid.entry(rid.clone()).or_insert(Some(place));
                if *owner != Some(place) {
                    *owner = None;
                }
            }
            for source in &line.sources {
                if demux.by_ssrc.len() >= MAX_ANNOUNCED {
                    break;
                }
                let media = Announced { line: place, source: *source, repair: false };
                demux.by_ssrc.entry(source.ssrc).or_insert(media);
                if let Some(rtx) = source.rtx {
                    demux.by_ssrc.entry(rtx).or_insert(Announced { repair: true, ..media });
                }
            }
            let events = line.telephone_events.iter().map(|event| event.pt);
            let media = line.formats.iter().flat_map(|f| [Some(f.pt), f.red, f.rtx]).flatten();
            for pt in media.chain(events) {
                let Some(owner) = owners.get_mut(usize::from(pt)) else { continue };
                *owner = match *owner {
                    Owner::None => Owner::One(place),
                    Owner::One(before) if before == place => Owner::One(place),
                    _ => Owner::Several,
                };
            }
        }
        let owned = (0..).zip(owners).filter_map(|(pt, owner)| Some((pt, owner.only()?)));
        demux.by_payload_type = owned.collect();
        demux
    }

    pub(super) fn is_announced(&self, ssrc: u32) -> bool {
        self.by_ssrc.contains_key(&ssrc)
    }

    pub(super) fn line_of(&self, mid: &str) -> Option<usize> {
        self.by_mid.get(mid).copied()
    }

    /// The line of a packet whose SSRC is not known. To be asked after it was authenticated.
    pub(super) fn find<'a, 'l>(
        &self,
        header: &RtpHeader<'a>,
        line: impl Fn(usize) -> Option<&'l ReceiveLine>,
    ) -> Result<Found<'a>, DropReason> {
        let announced = self.by_ssrc.get(&header.ssrc);
        let named = header.elements().filter(|element| self.mid_ids.contains(element.id));
        let mut by_mid = None;
        for element in named {
            let Some(mid) = name(element.value) else { continue };
            // A name of no line is no other line's (RFC 9143 9.2). Where the id means something else on
            // another line, as it should not in one group, it may be no name.
            let place = match self.line_of(mid) {
                Some(place) => place,
                None if self.other_ids.contains(element.id) => continue,
                None => return Err(DropReason::NoLine),
            };
            if line(place).is_some_and(|line| line.extensions.mid == Some(element.id)) {
                by_mid = Some(place);
            }
        }
        let by_rid = || {
            let named = header.elements().filter(|element| self.rid_ids.contains(element.id));
            let lines = named.filter_map(|element| *self.by_rid.get(name(element.value)?)?);
            lines.last()
        };
        let by_payload_type = || {
            let mut owned = self.by_payload_type.iter();
            owned.find(|(pt, _)| *pt == header.pt).map(|(_, line)| *line)
        };
        let place = by_mid
            .or_else(by_rid)
            .or_else(|| announced.map(|announced| announced.line))
            .or_else(by_payload_type)
            .ok_or(DropReason::NoLine)?;
        let ids = &line(place).ok_or(DropReason::NoLine)?.extensions;
        let hop = Hop::read(ids, header.elements(), &mut Default::default());
        // What a description says of an SSRC holds for the line it says it of.
        let announced = announced.filter(|announced| announced.line == place);
        Ok(Found {
            line: place,
            announced: announced.map(|announced| announced.source),
            repairs: announced.filter(|a| a.repair).map(|a| a.source.ssrc),
            hop,
        })
    }
}

impl<'a> Found<'a> {
    /// Whose track of the line it is.
    pub(super) fn track(&self, line: &ReceiveLine) -> Result<usize, DropReason> {
        match (line.tracks.len(), self.announced) {
            (0, _) => Err(DropReason::Refused),
            (1, _) => Ok(0),
            (tracks, Some(source)) if source.track < tracks => Ok(source.track),
            // Of one of several tracks, and nothing tells of which.
            _ => Err(DropReason::NoLine),
        }
    }

    /// Which encoding of its track it is.
    pub(super) fn key<'l>(&self, line: &'l ReceiveLine, repair: bool) -> Result<Key<'l>, DropReason>
    where
        'a: 'l,
    {
        let rid = if repair { self.hop.repaired_rid.or(self.hop.rid) } else { self.hop.rid };
        if let Some(rid) = rid {
            return Ok(Key::Rid(rid));
        }
        if let Some(place) = self.announced.and_then(|source| source.place) {
            let named = line.rids.get(usize::from(place)).filter(|_| line.places_have_rids);
            if let Some(rid) = named {
                return Ok(Key::Rid(rid));
            }
            return Ok(Key::Place(place));
        }
        if line.rids.len() > 1 { Err(DropReason::NoLine) } else { Ok(Key::Only) }
    }
}

/// Ids of header extensions.
#[derive(Default, Debug)]
struct IdSet([u64; 4]);

impl IdSet {
    fn insert(&mut self, id: u8) {
        self.0[usize::from(id) / 64] |= 1 << (id % 64);
    }

    fn contains(&self, id: u8) -> bool {
        self.0[usize::from(id) / 64] >> (id % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{line, packet};
    use super::*;
    use crate::codec::Kind;

    fn found<'a>(lines: &[ReceiveLine], packet: &'a [u8]) -> Result<Found<'a>, DropReason> {
        let header = RtpHeader::parse(packet).unwrap();
        Demux::new(lines.iter()).find(&header, |place| lines.get(place))
    }

    /// An audio line "0" with payload type 111 and a video line "1" with 96, rtx 97.
    fn lines() -> Vec<ReceiveLine> {
        vec![line("0", Kind::Audio), line("1", Kind::Video)]
    }

    #[test]
    fn the_mid_comes_before_everything_else() {
        let mut lines = lines();
        lines[0].sources.push(AnnouncedSource { ssrc: 7, rtx: None, place: None, track: 0 });
        let packet = packet(7, 111, &[(4, b"1")]);
        assert_eq!(found(&lines, &packet).unwrap().line, 1);
        assert_eq!(found(&lines, &packet).unwrap().announced, None, "of another line");
    }

    #[test]
    fn a_mid_of_no_line_is_of_no_line() {
        let packet = packet(7, 111, &[(4, b"9")]);
        assert_eq!(found(&lines(), &packet), Err(DropReason::NoLine));
    }

    #[test]
    fn an_id_that_is_a_mid_on_one_line_alone_may_be_something_else() {
        let mut lines = lines();
        lines[0].extensions.mid = Some(14);
        lines[0].extensions.audio_level = Some(4);
        let level = packet(7, 111, &[(4, &[0x9e])]);
        assert_eq!(found(&lines, &level).unwrap().line, 0, "by its payload type");
        let named = packet(7, 111, &[(4, &[0x1e]), (14, b"0")]);
        assert_eq!(found(&lines, &named).unwrap().line, 0);
        assert_eq!(found(&lines, &packet(7, 96, &[(4, b"1")])).unwrap().line, 1);
    }

    #[test]
    fn a_rid_that_one_line_has_tells_the_line() {
        let mut lines = lines();
        lines.push(line("2", Kind::Video));
        lines[2].rids = vec![Rid::from("q"), Rid::from("f")];
        let packet = packet(7, 96, &[(10, b"f")]);
        let found_ = found(&lines, &packet).unwrap();
        assert_eq!((found_.line, found_.key(&lines[2], false)), (2, Ok(Key::Rid("f"))));
        lines[1].rids = vec![Rid::from("f")];
        assert_eq!(found(&lines, &packet), Err(DropReason::NoLine), "two lines have it");
    }

    #[test]
    fn an_announced_ssrc_tells_line_and_encoding() {
        let mut lines = lines();
        lines.push(line("2", Kind::Video));
        let source = AnnouncedSource { ssrc: 7, rtx: Some(8), place: Some(1), track: 0 };
        lines[2].sources.push(source);
        let media = packet(7, 96, &[]);
        let media = found(&lines, &media).unwrap();
        assert_eq!((media.line, media.repairs), (2, None));
        assert_eq!(media.key(&lines[2], false), Ok(Key::Place(1)));
        let repair = packet(8, 97, &[]);
        assert_eq!(found(&lines, &repair).unwrap().repairs, Some(7));
    }

    #[test]
    fn a_payload_type_of_one_line_is_the_last_that_tells() {
        let mut lines = lines();
        let packet = packet(7, 96, &[]);
        assert_eq!(found(&lines, &packet).unwrap().line, 1);
        lines.push(line("2", Kind::Video));
        assert_eq!(found(&lines, &packet), Err(DropReason::NoLine), "two lines have it");
    }

    #[test]
    fn two_tracks_of_a_line_are_told_apart_by_their_ssrcs_alone() {
        let mut lines = lines();
        let second = lines[1].tracks[0].clone();
        lines[1].tracks.push(second);
        lines[1].sources.push(AnnouncedSource { ssrc: 7, rtx: None, place: None, track: 1 });
        let announced = packet(7, 96, &[]);
        assert_eq!(found(&lines, &announced).unwrap().track(&lines[1]), Ok(1));
        let other = packet(9, 96, &[]);
        assert_eq!(found(&lines, &other).unwrap().track(&lines[1]), Err(DropReason::NoLine));
    }

    #[test]
    fn a_repetition_names_what_it_repeats() {
        let lines = lines();
        let packet = packet(7, 97, &[(4, b"1"), (11, b"f"), (10, b"x")]);
        assert_eq!(found(&lines, &packet).unwrap().key(&lines[1], true), Ok(Key::Rid("f")));
    }

    #[test]
    fn what_payload_types_mean() {
        let line = line("0", Kind::Audio);
        assert_eq!(Usage::of(&line, 111), Some(Usage::Media { format: 0, red: false }));
        assert_eq!(Usage::of(&line, 63), Some(Usage::Media { format: 0, red: true }));
        assert_eq!(Usage::of(&line, 110), Some(Usage::TelephoneEvent { clock_rate: 48_000 }));
        assert_eq!(Usage::of(&line, 5), None);
    }
}
