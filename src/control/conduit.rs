//! What goes through the queues between a mixer and JavaScript: sound and pictures as they are.

use std::sync::Arc;
use std::time::Instant;

use super::event::Event;
use super::ids::ConduitId;
use super::mailbox::Mailbox;
use crate::queue::conduit::{self, Signal, Weight};

/// A queue of sound or pictures to JavaScript or from it. JavaScript hears of it by
/// [`Event::Conduit`] and [`Event::ConduitClosed`].
pub type Conduit<T> = conduit::Conduit<T, ConduitId>;

/// A conduit whose JavaScript end is told by the mailbox, bounded by weight.
pub fn conduit_to<T: Weight>(
    id: ConduitId,
    mailbox: Arc<Mailbox>,
    capacity: usize,
) -> Arc<Conduit<T>> {
    let bell = move |id, signal| {
        mailbox.post(match signal {
            Signal::Ready => Event::Conduit { id },
            Signal::Closed => Event::ConduitClosed { id },
        });
    };
    Arc::new(Conduit::new(id, capacity, bell))
}

/// Sound, interleaved.
#[derive(Clone, PartialEq, Debug)]
pub struct Pcm {
    pub samples: Vec<i16>,
    /// Hz.
    pub sample_rate: u32,
    pub channels: u8,
    /// The moment of its first sample.
    pub timestamp: Instant,
}

impl Weight for Pcm {
    /// Milliseconds.
    fn weight(&self) -> usize {
        let frames = self.samples.len() / usize::from(self.channels.max(1));
        frames * 1_000 / self.sample_rate.max(1) as usize
    }
}

/// A picture, without padding between lines.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    /// I420, or RGBA.
    pub data: Vec<u8>,
    pub rgba: bool,
    pub width: u16,
    pub height: u16,
    /// When it was captured.
    pub timestamp: Instant,
}

impl Weight for Frame {
    fn weight(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pcm(milliseconds: usize, now: Instant) -> Pcm {
        Pcm {
            samples: vec![0; 16 * milliseconds],
            sample_rate: 16_000,
            channels: 1,
            timestamp: now,
        }
    }

    fn conduit(capacity: usize) -> (Arc<Conduit<Pcm>>, Arc<Mailbox>) {
        let mailbox = Arc::new(Mailbox::new(|| ()));
        (conduit_to(ConduitId(64), mailbox.clone(), capacity), mailbox)
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_and_is_told_once() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        for _ in 0..7 {
            conduit.push(pcm(20, now));
        }
        assert_eq!((conduit.waiting(), conduit.dropped()), (100, 2));
        assert_eq!(mailbox.drain(), [Event::Conduit { id: ConduitId(64) }]);
        assert_eq!(std::iter::from_fn(|| conduit.take()).count(), 5);
        conduit.push(pcm(20, now));
        assert_eq!(mailbox.drain().len(), 1, "there is something again");
    }

    #[test]
    fn a_writer_is_refused_when_it_is_full_and_told_when_half_is_free() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        assert!(conduit.offer(pcm(500, now)).is_ok(), "the first one fits");
        assert!(conduit.offer(pcm(20, now)).is_err());
        assert!(mailbox.drain().is_empty());
        conduit.take();
        assert_eq!(mailbox.drain(), [Event::Conduit { id: ConduitId(64) }]);
        for _ in 0..5 {
            conduit.offer(pcm(20, now)).unwrap();
        }
        conduit.take();
        conduit.take();
        conduit.take();
        assert!(mailbox.drain().is_empty(), "nobody was refused");
    }

    #[test]
    fn one_whose_writer_is_done_closes_when_all_was_taken() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        conduit.offer(pcm(20, now)).unwrap();
        conduit.offer(pcm(20, now)).unwrap();
        conduit.finish();
        conduit.take();
        assert!(mailbox.drain().is_empty() && !conduit.is_closed());
        conduit.take();
        let closed = [Event::ConduitClosed { id: ConduitId(64) }];
        assert_eq!(mailbox.drain(), closed);
        let (conduit, mailbox) = self::tests::conduit(100);
        conduit.finish();
        assert_eq!(mailbox.drain(), closed, "nothing waited");
    }

    #[test]
    fn what_is_taken_back_is_not_read_and_the_reader_is_told_before_what_follows() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        conduit.offer(pcm(100, now)).unwrap();
        assert!(conduit.offer(pcm(20, now)).is_err());
        conduit.clear();
        assert_eq!(mailbox.drain(), [Event::Conduit { id: ConduitId(64) }], "there is room");
        conduit.offer(pcm(40, now)).unwrap();
        conduit.finish();
        assert!(conduit.has_news() && conduit.take().is_none());
        assert!(conduit.take_cleared() && !conduit.take_cleared());
        assert_eq!(conduit.take().map(|pcm| pcm.weight()), Some(40));
        assert_eq!(mailbox.drain(), [Event::ConduitClosed { id: ConduitId(64) }]);
        let (conduit, mailbox) = self::tests::conduit(100);
        conduit.clear();
        conduit.finish();
        assert!(mailbox.drain().is_empty() && conduit.take_cleared());
        assert_eq!(mailbox.drain().len(), 1, "it closes when the reader has seen that");
    }

    #[test]
    fn a_closed_one_takes_nothing_more() {
        let now = Instant::now();
        let (conduit, mailbox) = conduit(100);
        conduit.push(pcm(20, now));
        conduit.close();
        conduit.close();
        conduit.push(pcm(20, now));
        assert!(conduit.offer(pcm(20, now)).is_err());
        assert_eq!(mailbox.drain().len(), 2);
        assert!(conduit.take().is_some());
        assert!(conduit.take().is_none());
    }
}
