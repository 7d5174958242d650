//! The way of messages from threads of other kinds to a media thread: bounded for packets, and certain
//! for what has to arrive. That a track ended is said once, by somebody who is gone a moment later.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::engine::io::Message;

/// What had to arrive and found no room. Grows with the tracks that there are, never with packets.
struct Late<M> {
    waiting: Mutex<VecDeque<M>>,
    /// Something waits: nobody's next word may overtake it.
    any: AtomicBool,
}

impl<M> Late<M> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<M>> {
        // Nothing panics while the lock is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where messages go in, from any thread.
pub(super) struct MessageSender<M> {
    sender: mpsc::Sender<M>,
    late: Arc<Late<M>>,
}

/// Where they come out, those of each sender in their order.
pub(super) struct MessageReceiver<M> {
    receiver: mpsc::Receiver<M>,
    late: Arc<Late<M>>,
    /// What was taken together with something late, and comes before what is sent now.
    taken: VecDeque<M>,
}

/// With room for so many.
pub(super) fn channel<M>(room: usize) -> (MessageSender<M>, MessageReceiver<M>) {
    let (sender, receiver) = mpsc::channel(room);
    let late = Arc::new(Late { waiting: Mutex::default(), any: AtomicBool::new(false) });
    let receiver = MessageReceiver { receiver, late: Arc::clone(&late), taken: VecDeque::new() };
    (MessageSender { sender, late }, receiver)
}

impl<M: Message> MessageSender<M> {
    /// Never blocks. Gives back what may be dropped and finds no room; all else arrives, unless the other
    /// end is gone, and everything there with it.
    pub(super) fn send(&self, message: M) -> Result<(), M> {
        let mut message = message;
        if !self.late.any.load(Ordering::Acquire) {
            match self.try_send(message) {
                Ok(()) => return Ok(()),
                Err(back) => message = back,
            }
        }
        if message.droppable() {
            return Err(message);
        }
        let mut waiting = self.late.lock();
        if waiting.is_empty() {
            // Room may have come meanwhile.
            match self.try_send(message) {
                Ok(()) => return Ok(()),
                Err(back) => message = back,
            }
        }
        if !self.sender.is_closed() {
            waiting.push_back(message);
            self.late.any.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn try_send(&self, message: M) -> Result<(), M> {
        match self.sender.try_send(message) {
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(message)) => Err(message),
        }
    }
}

impl<M> MessageReceiver<M> {
    /// The next one, if any is there.
    pub(super) fn next(&mut self) -> Option<M> {
        if let Some(message) = self.taken.pop_front() {
            return Some(message);
        }
        if let Ok(message) = self.receiver.try_recv() {
            return Some(message);
        }
        if !self.late.any.load(Ordering::Acquire) {
            return None;
        }
        // Whoever has something late waits for this lock, and everybody else sees `any`: so this ends.
        let mut waiting = self.late.lock();
        while let Ok(message) = self.receiver.try_recv() {
            self.taken.push_back(message);
        }
        self.taken.extend(waiting.drain(..));
        self.late.any.store(false, Ordering::Release);
        drop(waiting);
        self.taken.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq, Debug)]
    enum Said {
        Packet(u32),
        End(u32),
    }

    impl Message for Said {
        fn droppable(&self) -> bool {
            matches!(self, Self::Packet(_))
        }
    }

    fn all(receiver: &mut MessageReceiver<Said>) -> Vec<Said> {
        std::iter::from_fn(|| receiver.next()).collect()
    }

    #[test]
    fn an_end_arrives_behind_the_packets_that_filled_the_queue() {
        let (sender, mut receiver) = channel(2);
        assert_eq!(sender.send(Said::Packet(1)), Ok(()));
        assert_eq!(sender.send(Said::Packet(2)), Ok(()));
        assert_eq!(sender.send(Said::Packet(3)), Err(Said::Packet(3)));
        assert_eq!(sender.send(Said::End(4)), Ok(()));
        assert_eq!(sender.send(Said::End(5)), Ok(()));
        let expected = [Said::Packet(1), Said::Packet(2), Said::End(4), Said::End(5)];
        assert_eq!(all(&mut receiver), expected);
        assert_eq!(sender.send(Said::Packet(6)), Ok(()), "there is room again");
        assert_eq!(all(&mut receiver), [Said::Packet(6)]);
    }

    #[test]
    fn nothing_overtakes_what_is_late_although_there_is_room_for_it() {
        let (sender, mut receiver) = channel(1);
        sender.send(Said::Packet(1)).unwrap();
        sender.send(Said::End(2)).unwrap();
        assert_eq!(receiver.next(), Some(Said::Packet(1)));
        assert_eq!(sender.send(Said::Packet(3)), Err(Said::Packet(3)));
        sender.send(Said::End(4)).unwrap();
        assert_eq!(all(&mut receiver), [Said::End(2), Said::End(4)]);
    }

    #[test]
    fn every_sender_is_heard_in_its_order_while_the_queue_is_full_most_of_the_time() {
        const WORDS: u32 = 20_000;
        let (sender, mut receiver) = channel(4);
        let sender = Arc::new(sender);
        let speakers: Vec<_> = (0..3)
            .map(|speaker| {
                let sender = Arc::clone(&sender);
                std::thread::spawn(move || {
                    for word in 0..WORDS {
                        sender.send(Said::End(speaker * WORDS + word)).unwrap();
                        let _ = sender.send(Said::Packet(speaker * WORDS + word));
                    }
                })
            })
            .collect();
        let mut next = [0; 3];
        while next.iter().sum::<u32>() < 3 * WORDS {
            match receiver.next() {
                Some(Said::End(word)) => {
                    let (speaker, word) = ((word / WORDS) as usize, word % WORDS);
                    assert_eq!(next[speaker], word);
                    next[speaker] = word + 1;
                }
                Some(Said::Packet(_)) => {}
                None => std::thread::yield_now(),
            }
        }
        speakers.into_iter().for_each(|speaker| speaker.join().unwrap());
    }

    #[test]
    fn nothing_is_kept_for_a_thread_that_is_gone() {
        let (sender, receiver) = channel(1);
        sender.send(Said::Packet(1)).unwrap();
        sender.send(Said::End(2)).unwrap();
        drop(receiver);
        sender.send(Said::End(3)).unwrap();
        assert_eq!(sender.late.lock().len(), 1);
    }
}
