//! Opus in PES packets: each packet behind a header (ETSI TS 103 491 5.3, and ffmpeg before it).

/// Bits of every header.
const PREFIX: u16 = 0x7fe0;
const PREFIX_MASK: u16 = 0xffe0;
const START_TRIM: u16 = 0x10;
const END_TRIM: u16 = 0x08;
const EXTENSION: u16 = 0x04;

/// Takes a packet off the front. Gives what is behind it.
pub(super) fn step(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&header, mut rest) = bytes.split_first_chunk()?;
    let header = u16::from_be_bytes(header);
    if header & PREFIX_MASK != PREFIX {
        return None;
    }
    let mut size = 0usize;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        size += usize::from(byte);
        if byte != 0xff {
            break;
        }
    }
    for trim in [START_TRIM, END_TRIM] {
        if header & trim != 0 {
            rest = rest.get(2..)?;
        }
    }
    if header & EXTENSION != 0 {
        let (&length, after) = rest.split_first()?;
        rest = after.get(usize::from(length)..)?;
    }
    rest.split_at_checked(size)
}

/// Appends a packet behind its header.
pub(super) fn append(packet: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&PREFIX.to_be_bytes());
    let mut size = packet.len();
    while size >= 0xff {
        out.push(0xff);
        size -= 0xff;
    }
    // Less than 255 by now.
    out.push(size as u8);
    out.extend_from_slice(packet);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in() {
        for length in [1, 254, 255, 256, 510, 700] {
            let packet = vec![7; length];
            let mut bytes = Vec::new();
            append(&packet, &mut bytes);
            append(&[1], &mut bytes);
            let (first, rest) = step(&bytes).unwrap();
            assert_eq!(first, packet);
            assert_eq!(step(rest), Some((&[1][..], &[][..])));
        }
    }

    #[test]
    fn trims_and_extensions_are_stepped_over() {
        let bytes = [0x7f, 0xfc, 2, 1, 2, 3, 4, 1, 9, 0x78, 5];
        assert_eq!(step(&bytes), Some((&[0x78, 5][..], &[][..])));
        for cut in 0..bytes.len() {
            assert_eq!(step(&bytes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(step(&[0, 0, 1, 1]), None);
    }
}
