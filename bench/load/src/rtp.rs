//! The RTP header (RFC 3550 5.1) and its extensions (RFC 8285), as far as a client needs them.

const FIXED: usize = 12;
const ONE_BYTE: u16 = 0xbede;
const TWO_BYTES: u16 = 0x1000;

/// What came.
pub struct Header {
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Where the payload begins.
    pub length: usize,
    /// Bytes of padding are said to follow the payload.
    pub padding: bool,
    /// The transport-wide sequence number, where its id was asked for and it is there.
    pub transport_sequence: Option<u16>,
}

impl Header {
    /// `None` when it is no RTP.
    pub fn read(packet: &[u8], transport_sequence_id: Option<u8>) -> Option<Header> {
        let fixed: &[u8; FIXED] = packet.first_chunk()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut length = FIXED + 4 * usize::from(fixed[0] & 0x0f);
        let mut transport_sequence = None;
        if fixed[0] & 0x10 != 0 {
            let profile = u16::from_be_bytes(*packet.get(length..)?.first_chunk()?);
            let words = u16::from_be_bytes(*packet.get(length + 2..)?.first_chunk()?);
            let start = length + 4;
            length = start + 4 * usize::from(words);
            let extensions = packet.get(start..length)?;
            transport_sequence = transport_sequence_id
                .and_then(|id| extension(profile, extensions, id))
                .and_then(|value| Some(u16::from_be_bytes(*value.first_chunk()?)));
        }
        let word = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        (packet.len() >= length).then(|| Header {
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: word(4),
            ssrc: word(8),
            length,
            padding: fixed[0] & 0x20 != 0,
            transport_sequence,
        })
    }
}

/// The value of the extension with that id.
fn extension(profile: u16, mut extensions: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let first = *extensions.first()?;
        if first == 0 {
            extensions = &extensions[1..];
            continue;
        }
        let (id, length, start) = match profile {
            ONE_BYTE => (first >> 4, usize::from(first & 0x0f) + 1, 1),
            _ if profile & 0xfff0 == TWO_BYTES => (first, usize::from(*extensions.get(1)?), 2),
            _ => return None,
        };
        if id == wanted {
            return extensions.get(start..start + length);
        }
        extensions = extensions.get(start + length..)?;
    }
}

/// What goes out.
pub struct Outgoing<'a> {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Ids under 15 and values of at most 16 bytes.
    pub extensions: &'a [(u8, &'a [u8])],
}

impl Outgoing<'_> {
    /// Writes the header to the end of `packet`.
    pub fn write(&self, packet: &mut Vec<u8>) {
        let extended = !self.extensions.is_empty();
        packet.push(0x80 | u8::from(extended) << 4);
        packet.push(u8::from(self.marker) << 7 | self.payload_type);
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        if !extended {
            return;
        }
        let length: usize = self.extensions.iter().map(|(_, value)| 1 + value.len()).sum();
        let words = length.div_ceil(4);
        packet.extend_from_slice(&ONE_BYTE.to_be_bytes());
        packet.extend_from_slice(&(words as u16).to_be_bytes());
        for (id, value) in self.extensions {
            packet.push(id << 4 | (value.len() as u8 - 1));
            packet.extend_from_slice(value);
        }
        packet.resize(packet.len() + 4 * words - length, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_it_was_written() {
        let mut packet = Vec::new();
        Outgoing {
            marker: true,
            payload_type: 96,
            sequence: 7,
            timestamp: 90_000,
            ssrc: 0x1234_5678,
            extensions: &[(4, b"12"), (3, &[0x12, 0x34])],
        }
        .write(&mut packet);
        assert_eq!(packet.len() % 4, 0);
        packet.push(1);
        let header = Header::read(&packet, Some(3)).unwrap();
        assert_eq!((header.payload_type, header.sequence), (96, 7));
        assert_eq!((header.timestamp, header.ssrc), (90_000, 0x1234_5678));
        assert_eq!(header.length, packet.len() - 1);
        assert_eq!(header.transport_sequence, Some(0x1234));
        assert_eq!(Header::read(&packet, Some(9)).unwrap().transport_sequence, None);
    }

    #[test]
    fn two_byte_extensions_are_read_and_cut_packets_refused() {
        let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        packet.extend_from_slice(&[0x10, 0, 0, 2, 5, 1, 0xff, 3, 2, 0xab, 0xcd, 0]);
        assert_eq!(Header::read(&packet, Some(3)).unwrap().transport_sequence, Some(0xabcd));
        assert!(Header::read(&packet[..20], Some(3)).is_none());
    }
}
