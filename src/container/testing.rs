//! What becomes of files, in memory.

use std::collections::BTreeMap;
use std::io;

use super::{ReadAt, Step, WriteAt};

/// Does all of it to a file.
pub fn apply(file: &mut Vec<u8>, steps: &[Step]) {
    let mut len = file.len() as u64;
    for step in steps {
        step.perform(file, &mut len).unwrap();
    }
}

/// A large file of which the contents of frames are left out.
#[derive(Default)]
pub struct Sparse {
    pub len: u64,
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl ReadAt for Sparse {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.len.saturating_sub(at) as usize);
        buffer[..len].fill(0);
        let end = at + len as u64;
        if len == 0 {
            return Ok(0);
        }
        let before = self.pieces.range(..=at).next_back().into_iter();
        for (start, piece) in before.chain(self.pieces.range(at + 1..end)) {
            for (place, byte) in (*start..).zip(piece).filter(|(p, _)| (at..end).contains(p)) {
                buffer[(place - at) as usize] = *byte;
            }
        }
        Ok(len)
    }
}

impl WriteAt for Sparse {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.len = self.len.max(at + bytes.len() as u64);
        // Within a piece that is there: heads of boxes.
        if let Some((start, piece)) = self.pieces.range_mut(..=at).next_back()
            && let Some(room) = piece.get_mut((at - start) as usize..)
            && room.len() >= bytes.len()
        {
            room[..bytes.len()].copy_from_slice(bytes);
            return Ok(());
        }
        let kept = bytes.len().min(if bytes.len() > 1 << 20 { 4 << 10 } else { usize::MAX });
        self.pieces.insert(at, bytes[..kept].to_vec());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk with room for so many bytes, of which a write that is too long takes what there is.
pub struct Small {
    pub file: Vec<u8>,
    pub room: usize,
}

impl ReadAt for Small {
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(at, buffer)
    }
}

impl WriteAt for Small {
    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let fits = self.room.saturating_sub(at as usize).min(bytes.len());
        self.file.write_at(at, &bytes[..fits])?;
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
