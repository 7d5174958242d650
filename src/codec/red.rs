//! Redundant audio data (RFC 2198).

/// The newest block of a RED payload: what the sender would have sent without RED.
///
/// Each redundant block has a header of four bytes that begins with a set bit, the primary one of
/// one byte that does not (RFC 2198 3). The blocks follow in the same order, the primary last.
pub fn primary(payload: &[u8]) -> Option<&[u8]> {
    let mut header = 0;
    let mut redundant = 0;
    while payload.get(header)? & 0x80 != 0 {
        let block = payload.get(header..header + 4)?;
        redundant += usize::from(block[2] & 0x03) << 8 | usize::from(block[3]);
        header += 4;
    }
    payload.get(header + 1 + redundant..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_last_block() {
        // One redundant block of two bytes, then the primary.
        let payload = [0x80 | 111, 0, 0, 2, 111, b'o', b'o', b'n', b'e', b'w'];
        assert_eq!(primary(&payload), Some(&b"new"[..]));
    }

    #[test]
    fn a_lone_primary_has_one_byte_of_header() {
        assert_eq!(primary(&[111, 1, 2]), Some(&[1, 2][..]));
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(primary(&[]), None);
        assert_eq!(primary(&[0x80, 0]), None);
        assert_eq!(primary(&[0x80, 0, 3, 255, 111]), None);
    }
}
