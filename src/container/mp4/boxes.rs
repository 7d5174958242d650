//! Boxes (ISO/IEC 14496-12 4.2): a size, a name and a body.

/// Bytes of a box before its body.
pub(super) const HEAD: usize = 8;

/// Appends a box; `fill` appends its body, of less than 4 GiB.
pub(super) fn boxed(out: &mut Vec<u8>, name: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(name);
    fill(out);
    let size = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    if let Some(room) = out.get_mut(at..at + 4) {
        room.copy_from_slice(&size.to_be_bytes());
    }
}

/// Appends a box whose body begins with a version and 24 bits of flags (ISO/IEC 14496-12 4.2.2).
pub(super) fn full(
    out: &mut Vec<u8>,
    name: &[u8; 4],
    version: u8,
    flags: u32,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    boxed(out, name, |out| {
        out.extend_from_slice(&(u32::from(version) << 24 | flags).to_be_bytes());
        fill(out);
    });
}

/// The first bytes of a box of this size, which stand in place of a box's own.
pub(super) fn head(name: &[u8; 4], size: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&size.to_be_bytes());
    head[4..].copy_from_slice(name);
    head
}

pub(super) fn u16s(out: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
}

pub(super) fn u32s(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
}

pub(super) fn u64s(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
}

/// Text and the zero behind it.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().filter(|byte| *byte != 0));
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_says_its_size_with_what_is_in_it() {
        let mut out = vec![9];
        boxed(&mut out, b"moov", |out| full(out, b"mvhd", 1, 7, |out| u16s(out, &[0x0102])));
        assert_eq!(out[1..9], *b"\0\0\0\x16moov");
        assert_eq!(out[9..], *b"\0\0\0\x0emvhd\x01\0\0\x07\x01\x02");
        assert_eq!(head(b"free", 16), *b"\0\0\0\x10free");
    }
}
