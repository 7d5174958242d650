//! The SSRCs of one m-line of a peer's description (RFC 5576): which of them repeat others, which
//! are a simulcast, and whose track each is.

use crate::receiving::AnnouncedSource;

/// SSRCs that are taken from one m-line; further ones are as if they were not announced.
const MAX_SOURCES: usize = 64;
/// Groups of SSRCs taken from one m-line.
const MAX_GROUPS: usize = 64;
/// Tracks that one m-line may have (Plan B).
const MAX_TRACKS: usize = 16;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RemoteSources {
    /// With stream and track, where the SSRC has an MSID.
    sources: Vec<(u32, Option<(String, String)>)>,
    /// Media and its retransmissions.
    repairs: Vec<(u32, u32)>,
    /// In the order of the group.
    simulcast: Vec<u32>,
}

impl RemoteSources {
    /// Takes what follows `a=ssrc:`.
    pub(super) fn add(&mut self, line: &str) {
        let (ssrc, attribute) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(ssrc) = ssrc.trim().parse() else { return };
        // The lines of one SSRC follow each other.
        let place = self.sources.iter().rposition(|(known, _)| *known == ssrc);
        let place = match place {
            Some(place) => place,
            None if self.sources.len() >= MAX_SOURCES => return,
            None => {
                self.sources.push((ssrc, None));
                self.sources.len() - 1
            }
        };
        if let Some(msid) = attribute.strip_prefix("msid:") {
            let mut words = msid.split_ascii_whitespace().map(str::to_owned);
            self.sources[place].1 = words.next().zip(words.next());
        }
    }

    /// Takes what follows `a=ssrc-group:`.
    pub(super) fn add_group(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let semantics = words.next();
        let ssrcs: Vec<u32> = words.take(MAX_SOURCES).map_while(|word| word.parse().ok()).collect();
        match (semantics, &ssrcs[..]) {
            (Some("FID"), [media, repair]) if self.repairs.len() < MAX_GROUPS => {
                self.repairs.push((*media, *repair));
            }
            (Some("SIM"), _) if self.simulcast.is_empty() => self.simulcast = ssrcs,
            _ => {}
        }
    }

    /// Stream and track of each track of the line: the one that the line itself names, or those of
    /// its SSRCs where they name several. A peer that names a track for the whole line means one,
    /// whatever older clients are told by the SSRCs (RFC 8829 5.2.1).
    pub(super) fn tracks<'a>(&'a self, line: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
        let named = self.named_tracks();
        if named.len() > 1 && named.iter().any(|(_, track)| *track == line.1) {
            return named;
        }
        vec![line]
    }

    fn named_tracks(&self) -> Vec<(&str, &str)> {
        let mut named: Vec<(&str, &str)> = Vec::new();
        for (stream, track) in self.sources.iter().filter_map(|(_, msid)| msid.as_ref()) {
            if named.len() < MAX_TRACKS && !named.iter().any(|(_, known)| known == track) {
                named.push((stream, track));
            }
        }
        named
    }

    /// What is announced, as far as it names media.
    pub(super) fn announced(&self) -> Vec<AnnouncedSource> {
        let tracks = self.named_tracks();
        let of_track = |msid: &Option<(String, String)>| {
            let track = msid.as_ref()?;
            tracks.iter().position(|(_, named)| *named == track.1)
        };
        let is_media = |ssrc: u32| !self.repairs.iter().any(|(_, repair)| *repair == ssrc);
        let media = self.sources.iter().filter(|(ssrc, _)| is_media(*ssrc));
        media
            .map(|(ssrc, msid)| AnnouncedSource {
                ssrc: *ssrc,
                rtx: self.repairs.iter().find(|(of, _)| of == ssrc).map(|(_, repair)| *repair),
                place: self.simulcast.iter().position(|of| of == ssrc).map(|place| place as u8),
                track: of_track(msid).unwrap_or(0),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(lines: &[&str], groups: &[&str]) -> RemoteSources {
        let mut sources = RemoteSources::default();
        lines.iter().for_each(|line| sources.add(line));
        groups.iter().for_each(|group| sources.add_group(group));
        sources
    }

    #[test]
    fn retransmissions_and_simulcast_are_read_from_groups() {
        let lines = ["1 cname:x", "1 msid:s t", "2 cname:x", "11 cname:x", "12 cname:x"];
        let announced = sources(&lines, &["SIM 1 2", "FID 1 11", "FID 2 12"]).announced();
        let expected = [
            AnnouncedSource { ssrc: 1, rtx: Some(11), place: Some(0), track: 0 },
            AnnouncedSource { ssrc: 2, rtx: Some(12), place: Some(1), track: 0 },
        ];
        assert_eq!(announced, expected);
    }

    #[test]
    fn a_line_whose_ssrcs_have_two_tracks_has_two() {
        let plan_b = sources(&["1 msid:s t", "2 msid:s u", "3 msid:s t"], &[]);
        assert_eq!(plan_b.tracks(("s", "t")), [("s", "t"), ("s", "u")]);
        let tracks: Vec<usize> = plan_b.announced().iter().map(|source| source.track).collect();
        assert_eq!(tracks, [0, 1, 0]);
    }

    #[test]
    fn a_line_that_names_a_track_itself_has_that_one() {
        let one = sources(&["1 msid:s t"], &[]);
        assert_eq!(one.tracks(("s", "t")), [("s", "t")]);
        let other = sources(&["1 msid:s t", "2 msid:s u"], &[]);
        assert_eq!(other.tracks(("a", "line")), [("a", "line")]);
        assert_eq!(sources(&[], &[]).tracks(("-", "")), [("-", "")]);
    }

    #[test]
    fn what_is_malformed_or_too_much_is_left_out() {
        let odd =
            sources(&["x cname:x", "", "4294967296 cname:x", "7"], &["FID 7", "FID", "SIM x"]);
        let expected = AnnouncedSource { ssrc: 7, rtx: None, place: None, track: 0 };
        assert_eq!(odd.announced(), [expected]);
        let mut many = RemoteSources::default();
        (0..1000).for_each(|ssrc| many.add(&format!("{ssrc} cname:x")));
        assert_eq!(many.announced().len(), MAX_SOURCES);
    }
}
