//! Texts in handshakes (3.2.1.3): words of four bytes, each turned around, filled up with zeros.

/// Bytes of a stream id (3.2.1.3).
pub const MAX_STREAM_ID: usize = 512;

/// `None` of what is too long, or no text.
pub(super) fn read(body: &[u8]) -> Option<String> {
    if body.len() > MAX_STREAM_ID {
        return None;
    }
    let mut bytes: Vec<u8> =
        body.chunks_exact(4).flat_map(|word| word.iter().rev().copied()).collect();
    while bytes.pop_if(|byte| *byte == 0).is_some() {}
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

pub(super) fn write(id: &str) -> Vec<u8> {
    let mut bytes = id.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_they_were_written() {
        for id in ["a", "abcd", "#!::r=garden,m=publish", &"x".repeat(512)] {
            assert_eq!(read(&write(id)).as_deref(), Some(id));
        }
        assert_eq!(write("abcde"), b"dcba\0\0\0e");
        assert_eq!(read(&[b'x'; 516]), None);
        assert_eq!(read(&[0xff; 4]), None);
    }
}
