//! VP8 payload descriptors (RFC 7741 4.2) and frame headers.

use super::{Frame, Position, Size};

/// What a packet begins with.
pub fn start(frame: &Frame, position: Position, size: Size) -> Vec<u8> {
    let temporal = frame.place.temporal();
    // X, N for what nothing is predicted from, S.
    let first = 0x80 | if temporal == 2 { 0x20 } else { 0 } | if position.first { 0x10 } else { 0 };
    let picture = frame.picture as u16 | 0x8000;
    let layer = temporal << 6 | if frame.place.syncs() { 0x20 } else { 0 };
    // I, L and T are there.
    let mut payload = vec![first, 0xe0];
    payload.extend(picture.to_be_bytes());
    payload.extend([frame.base_pictures as u8, layer]);
    if position.first {
        let key = frame.place == super::pattern::Place::Key;
        // The frame header (RFC 6386 9.1): P, show_frame.
        payload.extend([if key { 0x10 } else { 0x11 }, 0, 0]);
        if key {
            payload.extend([0x9d, 0x01, 0x2a]);
            payload.extend(size.width.to_le_bytes());
            payload.extend(size.height.to_le_bytes());
        }
    }
    payload
}
