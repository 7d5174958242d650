//! AV1 aggregation headers (AV1 RTP payload format 4.4). What is in which layer tells the
//! dependency descriptor.

use super::pattern::Place;
use super::{Frame, Position};

const SEQUENCE_HEADER: u8 = 1 << 3;
const FRAME: u8 = 6 << 3;

/// What a packet begins with: one element, perhaps continued.
pub fn start(frame: &Frame, position: Position) -> Vec<u8> {
    let begins_sequence = frame.place == Place::Key && frame.spatial == 0 && position.first;
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    // Z, Y, W = 1, N.
    let header = 0x10
        | flag(!position.first, 0x80)
        | flag(!position.last, 0x40)
        | flag(begins_sequence, 0x08);
    match (position.first, begins_sequence) {
        (true, true) => vec![header, SEQUENCE_HEADER],
        (true, false) => vec![header, FRAME],
        (false, _) => vec![header],
    }
}
