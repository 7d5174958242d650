//! The first byte says into how long pieces the rest is cut, which must make no difference.

use medialoom::net::{FrameDecoder, MAX_FRAME};

/// The frames of a stream that arrives in `pieces`, and whether it was well-formed to its end.
fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let mut decoder = FrameDecoder::default();
    let mut frames = Vec::new();
    for piece in pieces {
        let pushed = decoder.push(piece, |frame| {
            assert!((1..=MAX_FRAME).contains(&frame.len()));
            frames.push(frame.to_vec());
        });
        if pushed.is_err() {
            return (frames, false);
        }
    }
    (frames, true)
}

pub fn run(input: &[u8]) {
    let Some((&length, stream)) = input.split_first() else { return };
    let whole = decode(std::iter::once(stream));
    let cut = decode(stream.chunks(usize::from(length).max(1)));
    assert_eq!(whole, cut);
}
