//! Packets to try bounds with.

use super::chunk::{DATA, INIT};

pub(super) fn packet(chunks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut packet = vec![0; 12];
    for (kind, value) in chunks {
        packet.extend([*kind, 3]);
        packet.extend((value.len() as u16 + 4).to_be_bytes());
        packet.extend(value);
        packet.resize(packet.len().next_multiple_of(4), 0);
    }
    packet
}

pub(super) fn data(tsn: u32, stream: u16, bytes: usize) -> (u8, Vec<u8>) {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend([0; 6]);
    value.resize(12 + bytes, 0);
    (DATA, value)
}

pub(super) fn init(tsn: u32) -> (u8, Vec<u8>) {
    let mut value = vec![0; 4];
    value.extend(1_048_576u32.to_be_bytes());
    value.extend([0; 4]);
    value.extend(tsn.to_be_bytes());
    (INIT, value)
}

/// A parameter of RE-CONFIG with words for a value, and streams behind.
pub(super) fn parameter(kind: u16, words: &[u32], streams: &[u16]) -> Vec<u8> {
    let length = 4 + words.len() * 4 + streams.len() * 2;
    let mut parameter = kind.to_be_bytes().to_vec();
    parameter.extend((length as u16).to_be_bytes());
    words.iter().for_each(|word| parameter.extend(word.to_be_bytes()));
    streams.iter().for_each(|stream| parameter.extend(stream.to_be_bytes()));
    parameter
}

/// SACK without gaps, or with.
pub(super) fn sack(window: u32, blocks: &[(u16, u16)]) -> (u8, Vec<u8>) {
    let mut value = vec![0; 4];
    value.extend(window.to_be_bytes());
    value.extend((blocks.len() as u16).to_be_bytes());
    value.extend([0; 2]);
    for (start, end) in blocks {
        value.extend(start.to_be_bytes());
        value.extend(end.to_be_bytes());
    }
    (super::chunk::SACK, value)
}
