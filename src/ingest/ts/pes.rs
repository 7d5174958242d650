//! PES packets put together of packets (ISO/IEC 13818-1 2.4.3.6).

use super::error::TsError;
use super::packet::Packet;

const HEADER: usize = 9;
/// Bytes behind the length that it does not count.
const BEFORE_LENGTH: usize = 6;

/// A whole PES packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pes<'a> {
    /// When it is shown and when it is decoded, at 90 kHz; equal where one is said.
    pub(super) times: Option<(u64, u64)>,
    pub(super) data: &'a [u8],
}

/// Puts the PES packets of one PID together.
#[derive(Debug)]
pub(super) struct PesAssembler {
    /// Most bytes of one.
    limit: usize,
    counter: Option<u8>,
    bytes: Vec<u8>,
    state: State,
    /// A packet that is stuffed is the last of its PES packet, until the stream shows otherwise.
    ends_by_stuffing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Waits for a beginning.
    Idle,
    Taking,
    /// It was handed on when a packet of it was stuffed.
    EndedByStuffing,
}

impl PesAssembler {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, counter: None, bytes: Vec::new(), state: State::Idle, ends_by_stuffing: true }
    }

    /// Takes a packet. Hands what is whole, or why it never will be, to `emit`.
    pub(super) fn push(
        &mut self,
        packet: &Packet<'_>,
        mut emit: impl FnMut(Result<Pes<'_>, TsError>),
    ) {
        let Some(payload) = packet.payload else { return };
        let expected = self.counter.replace(packet.counter);
        match expected {
            _ if packet.discontinuity => {}
            // A packet may come twice (2.4.3.3).
            Some(last) if last == packet.counter => return,
            Some(last) if (last + 1) & 0x0f != packet.counter => self.lose(&mut emit),
            _ => {}
        }
        if packet.begins {
            self.finish(&mut emit);
            self.bytes.clear();
            self.state = State::Taking;
        }
        match self.state {
            State::Idle => return,
            State::EndedByStuffing => {
                // It went on: what was handed on was half of it.
                self.ends_by_stuffing = false;
                self.state = State::Idle;
                return emit(Err(TsError::Malformed));
            }
            State::Taking => {}
        }
        if self.bytes.len() + payload.len() > self.limit {
            self.state = State::Idle;
            self.bytes = Vec::new();
            return emit(Err(TsError::Size));
        }
        self.bytes.extend_from_slice(payload);
        match self.length() {
            Some(length) if self.bytes.len() >= length => {
                self.bytes.truncate(length);
                self.finish(&mut emit);
                self.state = State::Idle;
            }
            None if packet.stuffed && self.ends_by_stuffing && self.bytes.len() > HEADER => {
                self.finish(&mut emit);
                self.state = State::EndedByStuffing;
            }
            _ => {}
        }
    }

    /// What is on its way is not whole.
    fn lose(&mut self, emit: &mut impl FnMut(Result<Pes<'_>, TsError>)) {
        self.state = State::Idle;
        emit(Err(TsError::Lost));
    }

    /// Whole length, where it is said: that of pictures need not be.
    fn length(&self) -> Option<usize> {
        let &[_, _, _, _, high, low] = self.bytes.first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        (length > 0).then_some(BEFORE_LENGTH + length)
    }

    /// What is on its way ends here.
    fn finish(&mut self, emit: &mut impl FnMut(Result<Pes<'_>, TsError>)) {
        if self.state != State::Taking {
            return;
        }
        match parse(&self.bytes) {
            Some(pes) if !pes.data.is_empty() => emit(Ok(pes)),
            Some(_) => {}
            None => emit(Err(TsError::Malformed)),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Pes<'_>> {
    let (&[0, 0, 1, _, _, _, marker, flags, length], rest) = bytes.split_first_chunk::<HEADER>()?
    else {
        return None;
    };
    if marker & 0xc0 != 0x80 {
        return None;
    }
    let (header, data) = rest.split_at_checked(length.into())?;
    let times = match flags >> 6 {
        2 => header.first_chunk().map(timestamp).map(|shown| (shown, shown)),
        3 => {
            let (shown, rest) = header.split_first_chunk()?;
            Some((timestamp(shown), timestamp(rest.first_chunk()?)))
        }
        _ => None,
    };
    Some(Pes { times, data })
}

/// 33 bits among marker bits (2.4.3.7).
fn timestamp(bytes: &[u8; 5]) -> u64 {
    let [a, b, c, d, e] = bytes.map(u64::from);
    (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1
}
