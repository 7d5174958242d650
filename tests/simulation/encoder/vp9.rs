//! VP9 payload descriptors (RFC 9628 4.2), with a scalability structure in key pictures.

use super::pattern::{PERIOD, Place};
use super::{Frame, Position, SIZES};

/// What a packet begins with.
pub fn start(frame: &Frame, position: Position, flexible: bool) -> Vec<u8> {
    let key = frame.place == Place::Key;
    let structure = key && frame.spatial == 0 && position.first;
    let top = frame.spatial + 1 == frame.spatial_layers;
    let used_above = !top && (key || !frame.key_only);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    // I and L are always there.
    let first = 0xa0
        | flag(!key, 0x40)
        | flag(flexible, 0x10)
        | flag(position.first, 0x08)
        | flag(position.last, 0x04)
        | flag(structure, 0x02)
        | flag(!used_above, 0x01);
    let mut payload = vec![first];
    payload.extend((frame.picture as u16 | 0x8000).to_be_bytes());
    // No picture of this pattern is predicted from an earlier one above T0 across the next T0, so
    // a receiver may move up at each (U).
    let layer = frame.place.temporal() << 5 | 0x10 | frame.spatial << 1;
    payload.push(layer | flag(frame.inter_layer, 0x01));
    match (flexible, frame.place.reference()) {
        (false, _) => payload.push(frame.base_pictures as u8),
        (true, Some(back)) => payload.push((back as u8) << 1),
        (true, None) => {}
    }
    if structure {
        scalability_structure(&mut payload, frame.spatial_layers, !flexible);
    }
    payload
}

/// RFC 9628 4.2.1.
fn scalability_structure(payload: &mut Vec<u8>, layers: u8, group: bool) {
    payload.push((layers - 1) << 5 | 0x10 | if group { 0x08 } else { 0 });
    for size in &SIZES[..usize::from(layers)] {
        payload.extend(size.width.to_be_bytes());
        payload.extend(size.height.to_be_bytes());
    }
    if !group {
        return;
    }
    payload.push(PERIOD as u8);
    for after in PERIOD..2 * PERIOD {
        let place = Place::after_key(after);
        let back = place.reference().expect("no key picture");
        payload.push(place.temporal() << 5 | 0x10 | 1 << 2);
        payload.push(back as u8);
    }
}
