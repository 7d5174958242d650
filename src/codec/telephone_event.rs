//! telephone-event: keys of a telephone, and other signals, as RTP packets (RFC 4733).

/// The payload of one packet (RFC 4733 2.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TelephoneEvent {
    /// 0 to 9 for the digits, 10 for `*`, 11 for `#`, 12 to 15 for A to D (RFC 4733 3.2).
    pub event: u8,
    /// The event is over with this packet. It is sent three times.
    pub end: bool,
    /// Power below 0 dBm0, 0 to 63.
    pub volume: u8,
    /// Since the packet's timestamp, in its units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload (RFC 4733 2.3); `None` for less than four bytes.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &[event, flags, d0, d1] = payload.first_chunk()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            // The bit between is reserved and ignored.
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }

    /// The payload that says this.
    pub fn to_bytes(self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | self.volume & 0x3f, d0, d1]
    }

    /// The key of a telephone that it stands for.
    pub fn key(self) -> Option<char> {
        b"0123456789*#ABCD".get(usize::from(self.event)).map(|&key| char::from(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_read_and_written() {
        let bytes = [11, 0x80 | 10, 0x03, 0x20];
        let event = TelephoneEvent::parse(&bytes).unwrap();
        let expected = TelephoneEvent { event: 11, end: true, volume: 10, duration: 800 };
        assert_eq!(event, expected);
        assert_eq!(event.to_bytes(), bytes);
        assert_eq!(event.key(), Some('#'));
        assert_eq!(TelephoneEvent { event: 16, ..event }.key(), None);
    }

    #[test]
    fn the_reserved_bit_is_ignored_and_what_follows_too() {
        let event = TelephoneEvent::parse(&[1, 0x40, 0, 160, 9, 9]).unwrap();
        assert_eq!((event.end, event.volume, event.duration), (false, 0, 160));
    }

    #[test]
    fn less_than_four_bytes_are_no_event() {
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }
}
