//! A frame or a unit cut into pieces that fit packets.

/// A piece and its place.
pub(super) struct Piece<'a> {
    pub data: &'a [u8],
    pub first: bool,
    pub last: bool,
}

/// Pieces of about the same size, none longer than `most`, which is above zero.
pub(super) fn pieces(data: &[u8], most: usize) -> impl Iterator<Item = Piece<'_>> {
    let count = data.len().div_ceil(most).max(1);
    (0..count).map(move |i| {
        let at = |i: usize| i * data.len() / count;
        Piece { data: &data[at(i)..at(i + 1)], first: i == 0, last: i + 1 == count }
    })
}
