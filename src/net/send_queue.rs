//! Frames that wait for a slow TCP peer.

use super::framing;

/// Most bytes that wait: two seconds of video at 2 Mbit/s.
const MAX_QUEUED: usize = 512 * 1024;

/// Holds whole frames but for the first, of which some bytes may be gone. When it is full the
/// oldest half goes: of media that waits, the newest is worth the most.
#[derive(Default, Debug)]
pub(super) struct SendQueue {
    bytes: Vec<u8>,
    /// How much of `bytes` is written.
    written: usize,
    /// Where the first frame begins of which nothing is written.
    whole: usize,
}

/// Packets that will not be written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Lost {
    pub packets: usize,
    pub bytes: usize,
}

impl SendQueue {
    /// Adds a packet. Gives what was lost for it, itself when it is too long for a frame.
    pub fn push(&mut self, packet: &[u8]) -> Lost {
        let waiting = self.bytes.len() - self.written;
        let full = waiting + packet.len() > MAX_QUEUED;
        let mut lost = if full { self.drop_oldest() } else { Lost::default() };
        if !framing::encode(packet, &mut self.bytes) {
            lost.packets += 1;
            lost.bytes += packet.len();
        }
        lost
    }

    /// Many at once, because moving the rest costs as much as it is long.
    fn drop_oldest(&mut self) -> Lost {
        let (mut end, mut lost) = (self.whole, Lost::default());
        while end - self.whole < MAX_QUEUED / 2 {
            let Some(length) = self.frame_at(end) else { break };
            end += length;
            lost.packets += 1;
            lost.bytes += length - framing::LENGTH;
        }
        self.bytes.drain(self.whole..end);
        lost
    }

    /// Length of the frame that begins there, its own length field included.
    fn frame_at(&self, start: usize) -> Option<usize> {
        let length = self.bytes.get(start..start + framing::LENGTH)?;
        Some(framing::LENGTH + usize::from(u16::from_be_bytes([length[0], length[1]])))
    }

    /// Whether everything was written.
    pub fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// What is to be written next.
    pub fn unwritten(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// The peer's side of the kernel took so many bytes.
    pub fn wrote(&mut self, length: usize) {
        self.written += length;
        while self.whole < self.written {
            let Some(length) = self.frame_at(self.whole) else { break };
            self.whole += length;
        }
        // Never holds more dead bytes than live ones, so moving them costs a constant per byte.
        if self.written * 2 >= self.bytes.len() {
            self.bytes.drain(..self.written);
            self.whole -= self.written;
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::FrameDecoder;

    /// Writes everything, `step` bytes at a time, and gives the numbers that arrive.
    fn drain(queue: &mut SendQueue, decoder: &mut FrameDecoder, step: usize) -> Vec<u32> {
        let mut numbers = Vec::new();
        while !queue.is_empty() {
            let piece = queue.unwritten().len().min(step);
            let bytes = queue.unwritten()[..piece].to_vec();
            let take = |packet: &[u8]| {
                numbers.push(u32::from_be_bytes(packet[..4].try_into().unwrap()));
            };
            decoder.push(&bytes, take).expect("whole frames");
            queue.wrote(piece);
        }
        numbers
    }

    fn packet(number: u32) -> Vec<u8> {
        let mut packet = number.to_be_bytes().to_vec();
        packet.resize(900 + number as usize % 300, 7);
        packet
    }

    #[test]
    fn everything_arrives_in_order_while_there_is_room() {
        let (mut queue, mut decoder) = (SendQueue::default(), FrameDecoder::default());
        for step in [1, 7, 1000, 100_000] {
            assert!((0..50).all(|number| queue.push(&packet(number)) == Lost::default()));
            assert!(drain(&mut queue, &mut decoder, step).into_iter().eq(0..50));
        }
        assert_eq!(queue.bytes.len(), 0);
    }

    #[test]
    fn when_it_is_full_the_oldest_go_and_no_frame_is_cut() {
        let (mut queue, mut decoder) = (SendQueue::default(), FrameDecoder::default());
        // Half of the first frame is written, and stays.
        queue.push(&packet(0));
        let first = queue.unwritten()[..500].to_vec();
        decoder.push(&first, |_| panic!("not whole yet")).unwrap();
        queue.wrote(500);
        let mut dropped = 0;
        for number in 1..5_000 {
            dropped += queue.push(&packet(number)).packets;
            assert!(queue.unwritten().len() <= MAX_QUEUED + 2_000);
        }
        let arrived = drain(&mut queue, &mut decoder, 1_448);
        assert_eq!(arrived[0], 0);
        assert_eq!(arrived.len() + dropped, 5_000);
        assert!(
            arrived[1..].windows(2).all(|pair| pair[1] == pair[0] + 1),
            "one gap, at the front"
        );
        assert_eq!(arrived.last(), Some(&4_999));
    }

    #[test]
    fn a_packet_too_long_for_a_frame_is_lost_alone() {
        let mut queue = SendQueue::default();
        assert_eq!(queue.push(&vec![0; 70_000]), Lost { packets: 1, bytes: 70_000 });
        assert!(queue.is_empty());
        assert_eq!(queue.push(&packet(1)), Lost::default());
    }
}
