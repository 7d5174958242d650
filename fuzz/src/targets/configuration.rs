//! The first byte chooses a codec; the rest is a keyframe of it, on its way into a file.

use medialoom::codec::Codec;
use medialoom::codec::configuration::{Configuration, store};

pub fn run(data: &[u8]) {
    let Some((&first, frame)) = data.split_first() else { return };
    let codec = Codec::ALL[usize::from(first) % Codec::ALL.len()];
    if let Some(configuration) = Configuration::of(codec, frame) {
        assert!(configuration.record.len() <= frame.len() + 1_024);
    }
    let starts: Vec<usize> = (0..usize::from(first / 16)).map(|n| n * frame.len() / 16).collect();
    let mut stored = Vec::new();
    store(codec, frame, &starts, &mut stored);
    // A start code of three bytes becomes a length of four.
    assert!(stored.len() <= frame.len() * 4 / 3 + 64);
}
