//! AV1, which is decoded but not encoded here: thirty pictures of a scene, recorded.

use crate::codec::av1::{TEMPORAL_DELIMITER, leb128};

/// `scene(320, 180, HUE, 1..=30)` by libaom 3.6, 120 kbit/s: OBUs with their sizes, a temporal
/// delimiter before each picture. The first picture is a keyframe.
const RECORDING: &[u8] = include_bytes!("scene-320x180.av1");
/// Bytes of a packet's payload.
const PAYLOAD: usize = 700;

pub(in crate::mcu::video) const SIZE: (u16, u16) = (320, 180);
pub(in crate::mcu::video) const HUE: u8 = 37;

/// The payloads of each picture (the AV1 RTP payload format, section 4).
pub(in crate::mcu::video) fn recording() -> Vec<Vec<Vec<u8>>> {
    let mut pictures: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut rest = RECORDING;
    while let Some(&header) = rest.first() {
        let (size, used) = leb128(&rest[1..]).unwrap();
        let (body, after) = rest[1 + used..].split_at(size);
        rest = after;
        if header >> 3 & 0x0f == TEMPORAL_DELIMITER {
            pictures.push(Vec::new());
            continue;
        }
        // In a packet the length of the element is the size of the OBU.
        pictures.last_mut().unwrap().push([&[header & !0x02], body].concat());
    }
    pictures.iter().enumerate().map(|(at, obus)| packetize(obus, at == 0)).collect()
}

/// One element in each packet, but that the first packet has all that comes before the last OBU.
fn packetize(obus: &[Vec<u8>], keyframe: bool) -> Vec<Vec<u8>> {
    let (last, before) = obus.split_last().unwrap();
    let count = last.chunks(PAYLOAD).len();
    let packet = |(at, chunk): (usize, &[u8])| {
        let (continues, goes_on) = (at > 0, at + 1 < count);
        let mut payload = vec![u8::from(continues) << 7 | u8::from(goes_on) << 6];
        if at == 0 {
            payload[0] |= (before.len() as u8 + 1) << 4 | u8::from(keyframe) << 3;
            for obu in before {
                payload.push(u8::try_from(obu.len()).unwrap());
                payload.extend(obu);
            }
        } else {
            payload[0] |= 1 << 4;
        }
        payload.extend(chunk);
        payload
    };
    last.chunks(PAYLOAD).enumerate().map(packet).collect()
}
