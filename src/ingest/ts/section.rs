//! Sections put together of packets (ISO/IEC 13818-1 2.4.4).

use super::crc::crc32;

/// Bytes of a section of PAT and PMT (2.4.4.4, 2.4.4.9).
const MAX_SECTION: usize = 1_024;
const HEADER: usize = 3;
/// From the length on to what a table says: its id, its version, its number and that of the last.
const EXTENSION: usize = 5;
const CRC: usize = 4;

/// Puts the sections of one PID together.
#[derive(Default, Debug)]
pub(super) struct Sections {
    /// What there is of the section on its way; empty when none is.
    bytes: Vec<u8>,
}

impl Sections {
    /// Takes the payload of a packet. Hands each whole section of a table that holds now to `emit`: the
    /// id of the table, what it is of, and what it says.
    pub(super) fn push(
        &mut self,
        begins: bool,
        payload: &[u8],
        mut emit: impl FnMut(u8, u16, &[u8]),
    ) {
        if !begins {
            if !self.bytes.is_empty() {
                self.take(payload, &mut emit);
            }
            return;
        }
        let Some((&pointer, rest)) = payload.split_first() else { return self.reset() };
        let Some((end, rest)) = rest.split_at_checked(pointer.into()) else { return self.reset() };
        if !self.bytes.is_empty() {
            self.take(end, &mut emit);
        }
        self.reset();
        self.take(rest, &mut emit);
    }

    /// A packet of the section is missing.
    pub(super) fn reset(&mut self) {
        self.bytes.clear();
    }

    fn take(&mut self, mut payload: &[u8], emit: &mut impl FnMut(u8, u16, &[u8])) {
        loop {
            // Behind the last section are bytes of 0xff.
            if self.bytes.is_empty() && payload.first().is_none_or(|table| *table == 0xff) {
                return;
            }
            let header = HEADER.saturating_sub(self.bytes.len()).min(payload.len());
            let (head, rest) = payload.split_at(header);
            self.bytes.extend_from_slice(head);
            let Some(&[_, high, low]) = self.bytes.first_chunk() else { return };
            let length = HEADER + usize::from(u16::from_be_bytes([high & 0x0f, low]));
            if length > MAX_SECTION {
                return self.reset();
            }
            let missing = length.saturating_sub(self.bytes.len());
            let (body, rest) = rest.split_at(missing.min(rest.len()));
            self.bytes.extend_from_slice(body);
            payload = rest;
            if self.bytes.len() < length {
                return;
            }
            if let Some((table, id, body)) = table(&self.bytes) {
                emit(table, id, body);
            }
            self.reset();
        }
    }
}

/// What a whole section says, if it is sound and holds now.
fn table(section: &[u8]) -> Option<(u8, u16, &[u8])> {
    if crc32(section) != 0 {
        return None;
    }
    let (&[table, syntax, _], rest) = section.split_first_chunk::<HEADER>()?;
    let (&[high, low, version, _, _], rest) = rest.split_first_chunk::<EXTENSION>()?;
    let body = rest.get(..rest.len().checked_sub(CRC)?)?;
    let holds = syntax & 0x80 != 0 && version & 1 != 0;
    holds.then_some((table, u16::from_be_bytes([high, low]), body))
}
