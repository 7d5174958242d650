//! Several encodings on one m-line: `a=rid` and `a=simulcast` (RFC 8851, RFC 8853).

/// Most RIDs of an m-line, and of one direction of its simulcast.
pub(super) const MAX_RIDS: usize = 16;

/// What the side that names a RID does with its encoding (RFC 8851 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RidDirection {
    Send,
    Recv,
}

/// Reads what follows `a=rid:`. The restrictions behind it are left out: an encoding is taken as
/// it comes.
pub(super) fn parse_rid(value: &str) -> Option<(&str, RidDirection)> {
    let mut words = value.split_ascii_whitespace();
    let rid = words.next().filter(|rid| is_rid(rid))?;
    match words.next()? {
        "send" => Some((rid, RidDirection::Send)),
        "recv" => Some((rid, RidDirection::Recv)),
        _ => None,
    }
}

/// RFC 8851 10 names letters and digits, RFC 8852 3.1 also `-` and `_`; the length has no limit
/// but that of a header extension.
fn is_rid(rid: &str) -> bool {
    rid.len() <= 255 && rid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// What `a=simulcast` says (RFC 8853 5.1): streams in the order of preference.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Simulcast<'a> {
    pub send: Vec<SimulcastStream<'a>>,
    pub recv: Vec<SimulcastStream<'a>>,
}

/// A stream of a simulcast: its alternatives, the most wanted first.
pub type SimulcastStream<'a> = Vec<Alternative<'a>>;

/// One RID of a stream of a simulcast (RFC 8853 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alternative<'a> {
    pub rid: &'a str,
    /// Marked by `~`: there, but not sent from the start.
    pub paused: bool,
}

/// Reads what follows `a=simulcast:`, also in the form of draft-ietf-mmusic-sdp-simulcast-03 that
/// Firefox had (`send rid=a;b`).
pub(super) fn parse_simulcast(value: &str) -> Option<Simulcast<'_>> {
    let mut words = value.split_ascii_whitespace();
    let mut simulcast = Simulcast::default();
    while let Some(direction) = words.next() {
        let list = words.next()?;
        let streams = parse_streams(list.strip_prefix("rid=").unwrap_or(list));
        match direction {
            "send" => simulcast.send = streams,
            "recv" => simulcast.recv = streams,
            _ => return None,
        }
    }
    Some(simulcast)
}

fn parse_streams(list: &str) -> Vec<SimulcastStream<'_>> {
    let mut left = MAX_RIDS;
    let mut streams = Vec::new();
    for stream in list.split(';').take(MAX_RIDS) {
        let mut alternatives = Vec::new();
        for text in stream.split(',').take(left) {
            let (rid, paused) = match text.strip_prefix('~') {
                Some(rid) => (rid, true),
                None => (text, false),
            };
            if !rid.is_empty() && is_rid(rid) {
                alternatives.push(Alternative { rid, paused });
            }
        }
        left -= alternatives.len();
        if !alternatives.is_empty() {
            streams.push(alternatives);
        }
    }
    streams
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alternative(rid: &str, paused: bool) -> Alternative<'_> {
        Alternative { rid, paused }
    }

    #[test]
    fn streams_have_alternatives_and_may_be_paused() {
        let simulcast = parse_simulcast("send h,~h2;~m;l recv a").unwrap();
        assert_eq!(simulcast.send[0], [alternative("h", false), alternative("h2", true)]);
        assert_eq!(simulcast.send[1], [alternative("m", true)]);
        assert_eq!(simulcast.send.len(), 3);
        assert_eq!(simulcast.recv, [[alternative("a", false)]]);
    }

    #[test]
    fn the_form_before_the_rfc_is_read_too() {
        assert_eq!(parse_simulcast("send rid=a;b").unwrap().send.len(), 2);
    }

    #[test]
    fn rids_have_any_length_and_odd_ones_are_left_out() {
        assert_eq!(parse_rid("cam-high_1 send pt=96"), Some(("cam-high_1", RidDirection::Send)));
        assert_eq!(parse_rid("a recv"), Some(("a", RidDirection::Recv)));
        assert_eq!(parse_rid("a both"), None);
        assert_eq!(parse_rid("ä send"), None);
        assert_eq!(parse_simulcast("sometimes a"), None);
    }

    #[test]
    fn there_are_no_more_streams_than_the_bound() {
        let list = vec!["a"; 1000].join(",") + ";" + &vec!["b"; 1000].join(";");
        let text = format!("send {list}");
        let simulcast = parse_simulcast(&text).unwrap();
        assert!(simulcast.send.iter().map(Vec::len).sum::<usize>() <= MAX_RIDS);
    }
}
