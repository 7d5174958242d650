//! Redundant audio data (RFC 2198).

/// Redundant blocks of one packet that are looked at. libwebrtc sends nine at most.
pub const MAX_BLOCKS: usize = 16;
/// A block lies at most this far back, in ticks: the offset has 14 bits (RFC 2198 3).
pub const MAX_OFFSET: u32 = (1 << 14) - 1;
/// Longest redundant block: its length has 10 bits.
pub const MAX_LENGTH: usize = (1 << 10) - 1;
/// Bytes of header of a redundant block (RFC 2198 3).
pub const HEADER_LEN: usize = 4;
/// Bytes of header of the primary block, which has no offset and no length (RFC 2198 3).
pub const PRIMARY_HEADER_LEN: usize = 1;

/// A redundant block.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Block {
    pub pt: u8,
    /// How much older than the packet's timestamp, in ticks.
    pub offset: u16,
    /// Where its data lies in the payload.
    start: u16,
    pub length: u16,
}

/// A payload taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Red<'a> {
    payload: &'a [u8],
    blocks: [Block; MAX_BLOCKS],
    count: usize,
    /// Payload type of the primary block.
    pub pt: u8,
    /// Where the primary block begins.
    primary: usize,
}

impl<'a> Red<'a> {
    /// `None` when it is no RED, or has more blocks than anybody sends.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut blocks = [Block::default(); MAX_BLOCKS];
        let (mut header, mut count) = (0, 0);
        while payload.get(header)? & 0x80 != 0 {
            let bytes = payload.get(header..header + HEADER_LEN)?;
            *blocks.get_mut(count)? = Block {
                pt: bytes[0] & 0x7f,
                offset: u16::from(bytes[1]) << 6 | u16::from(bytes[2]) >> 2,
                start: 0,
                length: u16::from(bytes[2] & 0x03) << 8 | u16::from(bytes[3]),
            };
            header += HEADER_LEN;
            count += 1;
        }
        let pt = payload[header];
        let mut start = header + PRIMARY_HEADER_LEN;
        for block in &mut blocks[..count] {
            block.start = u16::try_from(start).ok()?;
            start += usize::from(block.length);
        }
        (start <= payload.len()).then_some(Self { payload, blocks, count, pt, primary: start })
    }

    /// In the order of the payload; senders put the oldest first (RFC 2198 3).
    pub fn redundant(&self) -> &[Block] {
        &self.blocks[..self.count]
    }

    /// The bytes of one of its blocks; none for a block that reaches beyond this payload.
    pub fn data(&self, block: &Block) -> &'a [u8] {
        let start = usize::from(block.start);
        self.payload.get(start..start + usize::from(block.length)).unwrap_or(&[])
    }

    /// Where in the payload the data begins of the redundant block at `index`, and of the primary
    /// one behind the last.
    pub fn start_of(&self, index: usize) -> usize {
        self.redundant().get(index).map_or(self.primary, |block| usize::from(block.start))
    }
}

/// The newest block of a RED payload: what the sender would have sent without RED.
///
/// Each redundant block has a header of four bytes that begins with a set bit, the primary one of
/// one byte that does not (RFC 2198 3). The blocks follow in the same order, the primary last.
pub fn primary(payload: &[u8]) -> Option<&[u8]> {
    let mut header = 0;
    let mut redundant = 0;
    while payload.get(header)? & 0x80 != 0 {
        let block = payload.get(header..header + HEADER_LEN)?;
        redundant += usize::from(block[2] & 0x03) << 8 | usize::from(block[3]);
        header += HEADER_LEN;
    }
    payload.get(header + PRIMARY_HEADER_LEN + redundant..)
}

/// The header of a redundant block.
pub fn header(pt: u8, offset: u16, length: u16) -> [u8; HEADER_LEN] {
    debug_assert!(u32::from(offset) <= MAX_OFFSET && usize::from(length) <= MAX_LENGTH);
    let fields = u32::from(offset) << 10 | u32::from(length);
    let [_, high, middle, low] = fields.to_be_bytes();
    [0x80 | pt, high, middle, low]
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

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
        let red = Red::parse(&[111, 1, 2]).unwrap();
        assert_eq!((red.pt, red.redundant().len(), red.start_of(0)), (111, 0, 1));
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in [&[][..], &[0x80, 0], &[0x80, 0, 3, 255, 111]] {
            assert_eq!(primary(garbage), None);
            assert_eq!(Red::parse(garbage), None);
        }
    }

    #[test]
    fn a_header_that_is_written_is_read_back() {
        for (offset, length) in [(0, 0), (960, 80), (16_383, 1_023), (1, 1_023), (16_383, 1)] {
            let mut payload = header(63, offset, length).to_vec();
            payload.push(111);
            payload.resize(5 + usize::from(length), 7);
            payload.extend([1, 2, 3]);
            let red = Red::parse(&payload).unwrap();
            let block = red.redundant()[0];
            assert_eq!((block.pt, block.offset, block.length), (63, offset, length));
            assert_eq!(red.data(&block), vec![7; usize::from(length)]);
            assert_eq!((red.pt, &payload[red.start_of(1)..]), (111, &[1, 2, 3][..]));
        }
    }

    #[test]
    fn blocks_are_told_apart() {
        let mut payload = [header(111, 1920, 2), header(111, 960, 1)].concat();
        payload.push(110);
        payload.extend(b"aabccc");
        let red = Red::parse(&payload).unwrap();
        let data: Vec<&[u8]> = red.redundant().iter().map(|block| red.data(block)).collect();
        assert_eq!((data, red.pt), (vec![&b"aa"[..], b"b"], 110));
        assert_eq!(&payload[red.start_of(1)..], b"bccc");
        assert_eq!(primary(&payload), Some(&b"ccc"[..]));
    }

    #[test]
    fn random_payloads_do_no_harm() {
        let mut random = SmallRng::seed_from_u64(2198);
        for _ in 0..100_000 {
            let mut payload = vec![0; random.random_range(0..90)];
            random.fill(&mut payload[..]);
            let Some(red) = Red::parse(&payload) else { continue };
            assert_eq!(primary(&payload), Some(&payload[red.start_of(MAX_BLOCKS)..]));
            for block in red.redundant() {
                assert_eq!(red.data(block).len(), usize::from(block.length));
            }
        }
    }
}
