//! RFC 4571 framing: a 16-bit length before every packet on a stream.

/// Longest frame taken: a DTLS record with its largest expansion and header (RFC 6347 section
/// 4.1), the largest thing a peer has a reason to send.
pub const MAX_FRAME: usize = 16_384 + 2_048 + 13;

pub(super) const LENGTH: usize = 2;

/// A peer announced a frame longer than [`MAX_FRAME`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameTooLong;

/// Cuts a stream, in whatever pieces it arrives, into frames. Holds at most one frame.
#[derive(Default, Debug)]
pub struct FrameDecoder {
    /// The beginning of a frame whose end has not arrived.
    partial: Vec<u8>,
}

impl FrameDecoder {
    /// Hands every frame that is complete now to `each`. Empty frames, which RFC 4571 allows
    /// and nobody needs, are skipped. After an error the stream is beyond repair.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), FrameTooLong> {
        while !self.partial.is_empty() {
            let wanted = match frame_length(&self.partial)? {
                Some(length) => LENGTH + length,
                None => LENGTH,
            };
            let taken = bytes.len().min(wanted - self.partial.len());
            self.partial.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            match frame_length(&self.partial)? {
                Some(length) if self.partial.len() == LENGTH + length => {
                    if length > 0 {
                        each(&self.partial[LENGTH..]);
                    }
                    self.partial.clear();
                }
                _ if bytes.is_empty() => return Ok(()),
                _ => {}
            }
        }
        while let Some(length) = frame_length(bytes)? {
            let Some(frame) = bytes.get(LENGTH..LENGTH + length) else { break };
            if length > 0 {
                each(frame);
            }
            bytes = &bytes[LENGTH + length..];
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }
}

/// The length field, when it is there.
fn frame_length(bytes: &[u8]) -> Result<Option<usize>, FrameTooLong> {
    let Some(field) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*field));
    if length > MAX_FRAME { Err(FrameTooLong) } else { Ok(Some(length)) }
}

/// Appends `packet` as a frame. False, and nothing appended, when it is too long for one.
pub(super) fn encode(packet: &[u8], stream: &mut Vec<u8>) -> bool {
    let Ok(length) = u16::try_from(packet.len()) else { return false };
    stream.extend_from_slice(&length.to_be_bytes());
    stream.extend_from_slice(packet);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(packets: &[&[u8]]) -> Vec<u8> {
        let mut stream = Vec::new();
        for packet in packets {
            assert!(encode(packet, &mut stream));
        }
        stream
    }

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let mut decoder = FrameDecoder::default();
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(piece, |frame| frames.push(frame.to_vec())).unwrap();
        }
        frames
    }

    const PACKETS: [&[u8]; 4] = [b"first", b"x", &[9; 300], b"last"];

    #[test]
    fn every_split_of_a_stream_into_two_pieces_gives_the_same_frames() {
        let stream = stream(&PACKETS);
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            assert_eq!(decode([head, tail]), PACKETS, "split at {at}");
        }
    }

    #[test]
    fn every_piece_length_gives_the_same_frames() {
        let stream = stream(&PACKETS);
        for length in 1..=stream.len() {
            assert_eq!(decode(stream.chunks(length)), PACKETS, "pieces of {length}");
        }
    }

    #[test]
    fn empty_frames_are_skipped_however_they_are_split() {
        let stream = stream(&[b"", b"a", b"", b"", b"b", b""]);
        for length in 1..=stream.len() {
            assert_eq!(decode(stream.chunks(length)), [b"a", b"b"]);
        }
    }

    #[test]
    fn a_frame_longer_than_the_limit_is_refused_before_it_is_gathered() {
        let mut decoder = FrameDecoder::default();
        let longest = (MAX_FRAME as u16).to_be_bytes();
        let longer = (MAX_FRAME as u16 + 1).to_be_bytes();
        assert_eq!(decoder.push(&longest, |_| ()), Ok(()));
        assert_eq!(FrameDecoder::default().push(&longer, |_| ()), Err(FrameTooLong));
        let mut split = FrameDecoder::default();
        assert_eq!(split.push(&longer[..1], |_| ()), Ok(()));
        assert_eq!(split.push(&longer[1..], |_| ()), Err(FrameTooLong));
    }

    #[test]
    fn a_packet_too_long_for_the_length_field_is_not_framed() {
        let mut stream = Vec::new();
        assert!(!encode(&vec![0; 65_536], &mut stream));
        assert!(stream.is_empty());
    }
}
