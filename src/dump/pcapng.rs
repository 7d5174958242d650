//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng), in the byte order of this machine,
//! which the file names in its first block.

use std::time::SystemTime;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const VERSION: [u16; 2] = [1, 0];
/// The section's length is not known.
const UNKNOWN_LENGTH: i64 = -1;

const INTERFACE_DESCRIPTION: u32 = 1;
/// Raw IPv4 or IPv6, told apart by the version field.
const LINKTYPE_RAW: u16 = 101;
const IF_TSRESOL: u16 = 9;
/// Timestamps in units of 10^-9 s.
const NANOSECONDS: [u8; 4] = [9, 0, 0, 0];

const ENHANCED_PACKET: u32 = 6;
const EPB_FLAGS: u16 = 2;
const INBOUND: u32 = 1;
const OUTBOUND: u32 = 2;

const END_OF_OPTIONS: [u8; 4] = [0; 4];

/// Section header and the one interface all packets belong to.
pub(super) fn file_header() -> Vec<u8> {
    let mut file = Vec::new();
    block(SECTION_HEADER, &mut file, |body| {
        body.extend(BYTE_ORDER_MAGIC.to_ne_bytes());
        body.extend(VERSION.iter().flat_map(|number| number.to_ne_bytes()));
        body.extend(UNKNOWN_LENGTH.to_ne_bytes());
    });
    block(INTERFACE_DESCRIPTION, &mut file, |body| {
        body.extend(LINKTYPE_RAW.to_ne_bytes());
        body.extend([0; 2]);
        // No limit to the length of packets.
        body.extend([0; 4]);
        body.extend(IF_TSRESOL.to_ne_bytes());
        body.extend(1u16.to_ne_bytes());
        body.extend(NANOSECONDS);
        body.extend(END_OF_OPTIONS);
    });
    file
}

/// Appends one IP packet.
pub(super) fn packet(incoming: bool, time: SystemTime, bytes: &[u8], file: &mut Vec<u8>) {
    let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    let length = bytes.len() as u32;
    let direction = if incoming { INBOUND } else { OUTBOUND };
    block(ENHANCED_PACKET, file, |body| {
        body.extend(0u32.to_ne_bytes());
        body.extend(((time >> 32) as u32).to_ne_bytes());
        body.extend((time as u32).to_ne_bytes());
        body.extend(length.to_ne_bytes());
        body.extend(length.to_ne_bytes());
        body.extend(bytes);
        body.extend(std::iter::repeat_n(0, bytes.len().next_multiple_of(4) - bytes.len()));
        body.extend(EPB_FLAGS.to_ne_bytes());
        body.extend(4u16.to_ne_bytes());
        body.extend(direction.to_ne_bytes());
        body.extend(END_OF_OPTIONS);
    });
}

/// Appends a block, whose length stands at both of its ends.
fn block(kind: u32, file: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = file.len();
    file.extend(kind.to_ne_bytes());
    file.extend([0; 4]);
    body(file);
    let length = (file.len() - start + 4) as u32;
    file[start + 4..start + 8].copy_from_slice(&length.to_ne_bytes());
    file.extend(length.to_ne_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and body length of every block, checking the framing on the way.
    fn blocks(mut file: &[u8]) -> Vec<(u32, usize)> {
        let number = |at: &[u8]| u32::from_ne_bytes(at[..4].try_into().unwrap());
        let mut blocks = Vec::new();
        while !file.is_empty() {
            let length = number(&file[4..]) as usize;
            assert_eq!(length % 4, 0);
            assert_eq!(number(&file[length - 4..]) as usize, length);
            blocks.push((number(file), length - 12));
            file = &file[length..];
        }
        blocks
    }

    #[test]
    fn blocks_are_padded_and_framed_by_their_length() {
        let mut file = file_header();
        for length in 0..5 {
            packet(true, SystemTime::UNIX_EPOCH, &vec![1; length], &mut file);
        }
        let kinds: Vec<_> = blocks(&file).into_iter().collect();
        let packets = [32, 36, 36, 36, 36].map(|length| (ENHANCED_PACKET, length));
        assert_eq!(kinds[..2], [(SECTION_HEADER, 16), (INTERFACE_DESCRIPTION, 20)]);
        assert_eq!(kinds[2..], packets);
    }

    #[test]
    fn a_clock_before_1970_does_not_break_the_file() {
        let mut file = file_header();
        let early = SystemTime::UNIX_EPOCH - std::time::Duration::from_secs(1);
        packet(false, early, b"x", &mut file);
        assert_eq!(blocks(&file).len(), 3);
    }
}
