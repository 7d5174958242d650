//! What is shown while nothing comes: pictures that come less often than parts end, or not at all for a
//! while, are shown again, or players would stand still, sound as well.

use std::time::Duration;

/// Bytes a second that are made of what nobody sent, so that a sender whose pictures are large makes no more
/// than others.
const MAX_RATE: usize = 2 << 20;
/// Pictures of a group that can be shown again.
const MAX_PICTURES: usize = 512;
/// How long each is shown but for the last one: no screen shows it.
const BLINK: Duration = Duration::from_micros(12);

/// The last keyframe and what came since: what a decoder needs for the last picture, which is all that
/// is seen of it.
#[derive(Default, Debug)]
pub(super) struct Still {
    data: Vec<u8>,
    /// Of each picture.
    lengths: Vec<usize>,
    /// Bytes that it may have.
    room: usize,
    /// It is not whole.
    broken: bool,
}

impl Still {
    /// That is shown again for each part at most.
    pub(super) fn new(part: Duration) -> Self {
        let room = MAX_RATE as f64 * part.as_secs_f64();
        Self { room: room as usize, broken: true, ..Self::default() }
    }

    /// There is none until a keyframe comes.
    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.lengths.clear();
        self.broken = true;
    }

    /// Another picture, as files have it.
    pub(super) fn push(&mut self, keyframe: bool, picture: &[u8]) {
        if keyframe {
            self.clear();
            self.broken = false;
        }
        let len = self.data.len().saturating_add(picture.len());
        self.broken |= len > self.room || self.lengths.len() >= MAX_PICTURES;
        if self.broken {
            return;
        }
        self.data.extend_from_slice(picture);
        self.lengths.push(picture.len());
    }

    /// All of it, to be shown from `begin` on: whether it is a keyframe, when, and what.
    pub(super) fn pictures(
        &self,
        begin: Duration,
    ) -> impl Iterator<Item = (bool, Duration, &[u8])> {
        let (mut rest, mut time) = (&self.data[..], begin);
        let lengths = if self.broken { &[] } else { &self.lengths[..] };
        lengths.iter().enumerate().map_while(move |(index, length)| {
            let (picture, behind) = rest.split_at_checked(*length)?;
            let shown = time;
            (rest, time) = (behind, time + BLINK);
            Some((index == 0, shown, picture))
        })
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.broken || self.lengths.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_shown_again_with_all_that_it_is_made_of() {
        let mut still = Still::new(Duration::from_millis(500));
        still.push(false, b"of nothing");
        assert!(still.is_empty());
        for (keyframe, picture) in
            [(true, b"old"), (true, b"key"), (false, b"one"), (false, b"two")]
        {
            still.push(keyframe, picture);
        }
        let begin = Duration::from_secs(3);
        let shown: Vec<_> = still.pictures(begin).collect();
        assert_eq!(shown[0], (true, begin, &b"key"[..]));
        assert_eq!((shown.len(), shown[2].2), (3, &b"two"[..]));
        assert!(shown[2].1 < begin + Duration::from_millis(1));
        still.push(false, &vec![0; 1 << 20]);
        assert!(
            still.is_empty() && still.pictures(begin).next().is_none(),
            "larger than it may be"
        );
        still.push(true, b"small");
        assert!(!still.is_empty());
    }
}
