//! A file of sound or pictures that somebody wants to have played.

use std::io;
use std::time::Duration;

use medialoom::codec::stored::{Loader, inspect};
use medialoom::container::reader::{Coding, Reader};
use medialoom::container::{MAX_FRAME, ReadAt};

struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_slice().read_at(at, buffer)
    }
}

/// Reads all of it, and again from a place in the middle. No frame is larger than the file, and there
/// are no more of them than it has bytes.
pub fn run(data: &[u8]) {
    let Ok(mut reader) = Reader::open(Memory(data.to_vec()), data.len() as u64) else { return };
    let loaders: Vec<_> = reader
        .tracks()
        .iter()
        .map(|track| match track.coding {
            Coding::Codec(codec) => Some((codec, Loader::new(codec, &track.record)?)),
            _ => None,
        })
        .collect();
    let mut last = Duration::ZERO;
    let mut count = 0;
    while let Ok(Some(frame)) = reader.next() {
        assert!(frame.data.len() <= data.len().min(MAX_FRAME) + 256, "{}", frame.data.len());
        count += 1;
        assert!(count <= data.len() + 1, "{count} frames of {} bytes", data.len());
        last = last.max(frame.time);
        let Some((codec, loader)) = loaders.get(frame.track).and_then(Option::as_ref) else {
            continue;
        };
        let mut loaded = Vec::new();
        if loader.load(&frame.data, frame.keyframe, &mut loaded).is_ok() {
            // Lengths of a byte become start codes of four, and a keyframe gets its parameter sets.
            assert!(loaded.len() <= 5 * frame.data.len() + data.len() * 4 + 16, "{}", loaded.len());
            let _ = inspect(*codec, &loaded);
        }
    }
    for leader in 0..reader.tracks().len().min(3) {
        let Ok(landed) = reader.seek(last / 2, leader) else { continue };
        assert!(landed <= last / 2 + Duration::from_millis(1));
        let _ = reader.next();
    }
}
