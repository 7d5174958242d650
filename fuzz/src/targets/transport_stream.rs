//! The first byte is the length of the pieces that the rest comes in: a transport stream. Fails when the
//! cuts between pieces change what comes out.

use medialoom::ingest::ts::{Demuxer, Unit};
use medialoom::ingest::{Sound, VideoFrame};

fn units<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(u32, Vec<u8>)> {
    let mut demuxer = Demuxer::default();
    let mut units = Vec::new();
    for piece in pieces {
        demuxer.push(piece, |unit| {
            units.push(match unit {
                Unit::Video(time, VideoFrame { data, .. }) => (time, data.to_vec()),
                Unit::Sound(
                    time,
                    Sound::Aac(data) | Sound::AacConfiguration(data) | Sound::Opus(data),
                ) => (time, data.to_vec()),
                Unit::Lost(_, error) | Unit::Refused(error) => (0, error.to_string().into_bytes()),
            });
        });
    }
    units
}

pub fn run(input: &[u8]) {
    let Some((&length, bytes)) = input.split_first() else { return };
    let whole = units(std::iter::once(bytes));
    assert_eq!(units(bytes.chunks(usize::from(length).max(1))), whole);
}
