//! Pictures of which a turn saw some packets and not the last.

/// Pictures that are followed at once; of more it does not matter which.
const MAX_PICTURES: usize = 8;
/// What is shorter may be sound, which has no marker at the end of a frame (RFC 7587 4.1).
const LARGE: usize = 500;
/// Packets of one stream, without one of another between them, after which it is taken to be alone.
const ALONE: u32 = 32;

/// Who sends a picture in several packets sends them within microseconds of each other. Whoever
/// waits that long has them all in one turn, and sends them on in one call.
#[derive(Default)]
pub struct Unfinished {
    /// SSRCs of streams that a marker is still to come from.
    streams: Vec<u32>,
    /// The stream that the last packet was of, and how many before it were of the same.
    last: u32,
    run: u32,
}

/// What of the pictures of a turn is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    Nothing,
    /// The rest of a picture of the only one who sends pictures: nobody else's are about to come.
    OfOne,
    OfMany,
}

impl Unfinished {
    /// An RTP datagram of a peer came. It is not authenticated yet: whoever forges one makes a turn
    /// wait for a moment, as anybody who sends a packet does.
    pub fn note(&mut self, datagram: &[u8]) {
        let [_, second, _, _, _, _, _, _, ssrc @ ..] = datagram else { return };
        let Some(ssrc) = ssrc.first_chunk().copied().map(u32::from_be_bytes) else { return };
        let ends = second & 0x80 != 0;
        if ends {
            self.streams.retain(|stream| *stream != ssrc);
        } else if datagram.len() >= LARGE {
            self.run = if ssrc == self.last { self.run.saturating_add(1) } else { 0 };
            self.last = ssrc;
            if self.streams.len() < MAX_PICTURES && !self.streams.contains(&ssrc) {
                self.streams.push(ssrc);
            }
        }
    }

    /// What is to come.
    pub fn rest(&self) -> Rest {
        if self.streams.is_empty() {
            Rest::Nothing
        } else if self.run >= ALONE {
            Rest::OfOne
        } else {
            Rest::OfMany
        }
    }

    /// The next turn begins anew.
    pub fn clear(&mut self) {
        self.streams.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(ssrc: u32, marker: bool, length: usize) -> Vec<u8> {
        let mut datagram = vec![0x80, if marker { 0xe0 } else { 0x60 }, 0, 0, 0, 0, 0, 0];
        datagram.extend(ssrc.to_be_bytes());
        datagram.resize(length, 0);
        datagram
    }

    fn unfinished(datagrams: &[Vec<u8>]) -> bool {
        let mut unfinished = Unfinished::default();
        datagrams.iter().for_each(|datagram| unfinished.note(datagram));
        unfinished.rest() != Rest::Nothing
    }

    #[test]
    fn a_picture_is_unfinished_until_its_marker() {
        let (begins, ends) = (datagram(1, false, 1200), datagram(1, true, 300));
        assert!(unfinished(std::slice::from_ref(&begins)));
        assert!(!unfinished(&[begins.clone(), begins.clone(), ends.clone()]));
        assert!(unfinished(&[begins.clone(), ends.clone(), begins.clone()]), "the next one");
        assert!(!unfinished(&[ends]));
    }

    #[test]
    fn sound_is_never_unfinished() {
        assert!(!unfinished(&[datagram(1, false, 120)]));
    }

    #[test]
    fn the_end_of_one_picture_is_not_that_of_another() {
        let begins = [datagram(1, false, 1200), datagram(2, false, 1200)];
        assert!(unfinished(&[&begins[..], &[datagram(1, true, 1200)]].concat()));
    }

    #[test]
    fn the_next_turn_begins_anew() {
        let mut pictures = Unfinished::default();
        pictures.note(&datagram(1, false, 1200));
        assert_eq!(pictures.rest(), Rest::OfMany);
        pictures.clear();
        assert_eq!(pictures.rest(), Rest::Nothing);
    }

    #[test]
    fn who_has_sent_all_pictures_for_a_while_is_taken_to_be_alone_until_somebody_else_does() {
        let mut pictures = Unfinished::default();
        (0..ALONE).for_each(|_| pictures.note(&datagram(1, false, 1200)));
        assert_eq!(pictures.rest(), Rest::OfMany, "not for long enough");
        pictures.note(&datagram(1, false, 1200));
        assert_eq!(pictures.rest(), Rest::OfOne);
        pictures.note(&datagram(2, false, 1200));
        assert_eq!(pictures.rest(), Rest::OfMany);
    }

    #[test]
    fn what_is_no_rtp_and_who_has_many_streams_cost_nothing() {
        let mut pictures = Unfinished::default();
        (0..20).for_each(|length| pictures.note(&vec![0x80; length]));
        (0..10_000).for_each(|ssrc| pictures.note(&datagram(ssrc, false, 1200)));
        assert!(pictures.streams.len() <= MAX_PICTURES);
    }
}
