//! Messages cut into chunks (RTMP 5.3).

use super::message::Message;

/// Large enough for commands, and for most messages of sound and pictures.
const CHUNK: usize = 4_096;
const EXTENDED: u32 = 0xff_ffff;

/// Writes messages one behind the other, each with a full header.
#[derive(Debug)]
pub struct ChunkWriter {
    chunk_size: usize,
}

impl Default for ChunkWriter {
    fn default() -> Self {
        // What holds until the peer is told another one (5.4.1).
        Self { chunk_size: 128 }
    }
}

impl ChunkWriter {
    /// Has chunks be larger from now on. Gives what the peer has to be told before, as the payload of
    /// Set Chunk Size.
    pub fn enlarge(&mut self) -> [u8; 4] {
        self.chunk_size = CHUNK;
        (CHUNK as u32).to_be_bytes()
    }

    /// Appends a message to `out`, on a chunk stream of 2 to 63. A payload of 16 MiB or more does not
    /// fit a message and is cut off.
    pub fn write(&self, chunk_stream: u8, message: &Message, out: &mut Vec<u8>) {
        let payload = &message.payload[..message.payload.len().min(EXTENDED as usize)];
        let short = message.timestamp.min(EXTENDED);
        out.push(chunk_stream & 0x3f);
        out.extend_from_slice(&short.to_be_bytes()[1..]);
        out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        out.push(message.kind.id());
        out.extend_from_slice(&message.stream.to_le_bytes());
        let extended = (short == EXTENDED).then(|| message.timestamp.to_be_bytes());
        out.extend(extended.iter().flatten());
        for (index, chunk) in payload.chunks(self.chunk_size).enumerate() {
            if index > 0 {
                out.push(0xc0 | chunk_stream & 0x3f);
                out.extend(extended.iter().flatten());
            }
            out.extend_from_slice(chunk);
        }
    }
}
