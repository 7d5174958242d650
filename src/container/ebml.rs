//! EBML (RFC 8794): elements of an id, a size and a body.

/// Size of an element that goes on until one comes that cannot be in it (RFC 8794 6.2), in eight bytes.
pub(super) const UNKNOWN_SIZE: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
/// Largest size that eight bytes hold.
pub(super) const MAX_SIZE: u64 = (1 << 56) - 2;
/// Bytes of the id and the size of a [`void`].
pub(super) const VOID_HEADER: usize = 9;

const VOID: u32 = 0xec;

/// An id, in as many bytes as it has (RFC 8794 5).
pub(super) fn id(out: &mut Vec<u8>, id: u32) {
    let bytes = id.to_be_bytes();
    let used = bytes.iter().position(|byte| *byte != 0).unwrap_or(3);
    out.extend_from_slice(&bytes[used..]);
}

/// A size in as few bytes as it takes; the value of all ones is left to the unknown size.
pub(super) fn size(out: &mut Vec<u8>, size: u64) {
    let length = (1..8).find(|length| size < (1 << (7 * length)) - 1).unwrap_or(8);
    let marked = size | 1 << (7 * length);
    out.extend_from_slice(&marked.to_be_bytes()[8 - length..]);
}

/// A size in eight bytes, whatever it is.
pub(super) fn long_size(size: u64) -> [u8; 8] {
    (size.min(MAX_SIZE) | 1 << 56).to_be_bytes()
}

/// An element of bytes.
pub(super) fn binary(out: &mut Vec<u8>, element: u32, body: &[u8]) {
    id(out, element);
    size(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// An element of text.
pub(super) fn text(out: &mut Vec<u8>, element: u32, body: &str) {
    binary(out, element, body.as_bytes());
}

/// An unsigned integer, in as few bytes as it takes.
pub(super) fn unsigned(out: &mut Vec<u8>, element: u32, value: u64) {
    let bytes = value.to_be_bytes();
    let used = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    binary(out, element, &bytes[used..]);
}

/// A number with a fraction, in eight bytes.
pub(super) fn float(out: &mut Vec<u8>, element: u32, value: f64) {
    binary(out, element, &value.to_be_bytes());
}

/// An element of elements.
pub(super) fn master(out: &mut Vec<u8>, element: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    fill(&mut body);
    binary(out, element, &body);
}

/// The head of an element without meaning that takes `len` bytes in all (RFC 8794 11.3.2).
pub(super) fn void(out: &mut Vec<u8>, len: usize) {
    id(out, VOID);
    out.extend_from_slice(&long_size(len.saturating_sub(VOID_HEADER) as u64));
}

/// The head of an element that is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) id: u32,
    /// Bytes of id and size.
    pub(super) len: usize,
    /// Of the body; `None` when it is unknown.
    pub(super) size: Option<u64>,
}

/// Most bytes of an element's head: four of the id, eight of the size.
pub(super) const MAX_HEAD: usize = 12;

/// Reads the head of an element; `None` when bytes are missing or are none.
pub(super) fn head(bytes: &[u8]) -> Option<Head> {
    let id_len = bytes.first()?.leading_zeros() as usize + 1;
    if id_len > 4 {
        return None;
    }
    let id = bytes.get(..id_len)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let (size, size_len) = number(bytes.get(id_len..)?)?;
    let unknown = size == (1 << (7 * size_len)) - 1;
    Some(Head { id, len: id_len + size_len, size: (!unknown).then_some(size) })
}

/// A number of variable length (RFC 8794 4), and the bytes that it takes.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let len = bytes.first()?.leading_zeros() as usize + 1;
    if len > 8 {
        return None;
    }
    let marked = bytes.get(..len)?.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    Some((marked & !(1 << (7 * len)), len))
}

/// The value of an unsigned element.
pub(super) fn unsigned_value(body: &[u8]) -> Option<u64> {
    (body.len() <= 8).then(|| body.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_short_as_they_can_be_and_never_the_unknown_one() {
        for (value, bytes) in [
            (0, &[0x80][..]),
            (126, &[0xfe]),
            (127, &[0x40, 0x7f]),
            (16_382, &[0x7f, 0xfe]),
            (16_383, &[0x20, 0x3f, 0xff]),
        ] {
            let mut out = Vec::new();
            size(&mut out, value);
            assert_eq!(out, bytes, "{value}");
            assert_eq!(number(&out), Some((value, bytes.len())));
        }
    }

    #[test]
    fn heads_are_read_as_they_were_written() {
        let mut out = Vec::new();
        binary(&mut out, 0x1a45_dfa3, &[1, 2, 3]);
        assert_eq!(head(&out), Some(Head { id: 0x1a45_dfa3, len: 5, size: Some(3) }));
        let unknown = [&[0x18, 0x53, 0x80, 0x67][..], &UNKNOWN_SIZE].concat();
        assert_eq!(head(&unknown), Some(Head { id: 0x1853_8067, len: 12, size: None }));
        for cut in 0..12 {
            assert_eq!(head(&unknown[..cut]), None, "{cut} bytes");
        }
        assert_eq!(head(&[0x00; 12]), None, "an id has a first bit");
    }

    #[test]
    fn a_void_takes_the_room_it_is_to_take() {
        let mut out = Vec::new();
        void(&mut out, 100);
        let head = head(&out).unwrap();
        assert_eq!(head.len as u64 + head.size.unwrap(), 100);
    }

    #[test]
    fn numbers_take_no_zeros_before_them() {
        let mut out = Vec::new();
        unsigned(&mut out, 0xd7, 0);
        unsigned(&mut out, 0xd7, 0x0100);
        assert_eq!(out, [0xd7, 0x81, 0, 0xd7, 0x82, 1, 0]);
        assert_eq!(unsigned_value(&[1, 0]), Some(256));
        assert_eq!(unsigned_value(&[0; 9]), None);
    }
}
