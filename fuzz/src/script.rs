//! The bytes of a fuzzer as a row of packets, and changes that leave them one.
//!
//! ```text
//! options, then for each packet: flags, shift, length (two bytes, big endian), payload
//! ```
//!
//! A length beyond the end takes what is there, so that every input is a script.

/// Most packets that are played of a script.
pub const MAX_PACKETS: usize = 64;
/// Bytes before the payload.
const HEAD: usize = 4;
/// Longest payload that a change makes.
const MAX_PAYLOAD: usize = 1500;

/// One packet: how it comes, and its payload.
#[derive(Clone, Default)]
pub struct Packet {
    pub flags: u8,
    /// How far its number is from the one that should come.
    pub shift: i8,
    pub payload: Vec<u8>,
}

#[derive(Clone, Default)]
pub struct Script {
    pub options: u8,
    pub packets: Vec<Packet>,
}

impl Script {
    pub fn parse(data: &[u8]) -> Self {
        let Some((&options, mut rest)) = data.split_first() else { return Self::default() };
        let mut packets = Vec::new();
        while packets.len() < MAX_PACKETS
            && let Some((&[flags, shift, high, low], after)) = rest.split_first_chunk::<HEAD>()
        {
            let len = usize::from(u16::from_be_bytes([high, low])).min(after.len());
            let (payload, after) = after.split_at(len);
            packets.push(Packet { flags, shift: shift.cast_signed(), payload: payload.to_vec() });
            rest = after;
        }
        Self { options, packets }
    }

    pub fn write(&self) -> Vec<u8> {
        let mut data = vec![self.options];
        for packet in &self.packets {
            let len = u16::try_from(packet.payload.len()).unwrap_or(u16::MAX);
            data.extend([packet.flags, packet.shift.cast_unsigned()]);
            data.extend(len.to_be_bytes());
            data.extend(&packet.payload[..usize::from(len)]);
        }
        data
    }

    /// Changes one thing.
    fn change(&mut self, dice: &mut Dice, bytes: Bytes) {
        let count = self.packets.len();
        if count == 0 {
            self.packets.push(Packet::default());
            return;
        }
        let at = dice.below(count);
        match dice.below(16) {
            0 => {
                self.packets.remove(at);
            }
            1 => self.packets.insert(dice.below(count), self.packets[at].clone()),
            2 => self.packets.swap(at, dice.below(count)),
            3 => self.packets[at].flags ^= 1 << dice.below(8),
            4 => self.packets[at].shift = dice.below(256) as u8 as i8,
            5 => self.options = dice.below(256) as u8,
            6 => self.packets.truncate(at + 1),
            // What begins like one packet and goes on like another.
            7 => {
                let other = self.packets[dice.below(count)].payload.clone();
                let payload = &mut self.packets[at].payload;
                let keep = dice.below(payload.len() + 1);
                payload.truncate(keep);
                payload.extend(other.get(keep..).unwrap_or(&[]));
            }
            // Headers decide most, and are a small part of the bytes.
            8..=11 => {
                let payload = &mut self.packets[at].payload;
                let head = payload.len().min(dice.below(32) + 1);
                let mut buffer = payload[..head].to_vec();
                buffer.resize(head + 8, 0);
                let len = bytes(&mut buffer, head, head + 8);
                payload.splice(..head, buffer[..len].iter().copied());
            }
            _ => {
                let payload = &mut self.packets[at].payload;
                let used = payload.len().min(MAX_PAYLOAD);
                payload.resize(MAX_PAYLOAD, 0);
                let len = bytes(payload, used, MAX_PAYLOAD);
                payload.truncate(len);
            }
        }
    }
}

/// libFuzzer's way to change bytes: a buffer, how many of it are in use, and how many may be; gives
/// how many are in use then.
type Bytes = fn(&mut [u8], usize, usize) -> usize;

/// Changes the script in the first `size` bytes of `data`; gives its new length.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32, bytes: Bytes) -> usize {
    let mut dice = Dice(seed);
    // Now and then without regard to what it is.
    if dice.below(20) == 0 {
        return bytes(data, size, max_size);
    }
    let mut script = Script::parse(&data[..size]);
    for _ in 0..=dice.below(3) {
        script.change(&mut dice, bytes);
    }
    let written = script.write();
    let len = written.len().min(max_size).min(data.len());
    data[..len].copy_from_slice(&written[..len]);
    len
}

/// A small generator (Marsaglia's xorshift with Weyl's sequence): the same seed, the same changes.
struct Dice(u32);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        let mut value = self.0;
        value = (value ^ value >> 16).wrapping_mul(0x85eb_ca6b);
        value = (value ^ value >> 13).wrapping_mul(0xc2b2_ae35);
        (value ^ value >> 16) as usize % bound.max(1)
    }
}
