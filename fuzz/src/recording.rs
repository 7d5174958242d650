//! AV1, which mixers decode and do not encode: the recording that unit tests have.

/// OBUs with their sizes, a temporal delimiter before each picture (AV1 5.2).
const RECORDING: &[u8] = include_bytes!("../../src/mcu/video/testing/scene-320x180.av1");
const TEMPORAL_DELIMITER: u8 = 2;

/// Of each picture the payloads, in each of them one OBU with its size, which a packet may have
/// (the AV1 RTP payload format, section 4.5).
pub fn av1() -> Vec<Vec<Vec<u8>>> {
    let mut pictures: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut rest = RECORDING;
    while let Some(&header) = rest.first() {
        let (mut size, mut at) = (0usize, 1);
        loop {
            size |= usize::from(rest[at] & 0x7f) << (7 * (at - 1));
            at += 1;
            if rest[at - 1] & 0x80 == 0 {
                break;
            }
        }
        let (obu, after) = rest.split_at(at + size);
        rest = after;
        if header >> 3 & 0x0f == TEMPORAL_DELIMITER {
            pictures.push(Vec::new());
            continue;
        }
        let first = pictures.len() == 1 && pictures[0].is_empty();
        let aggregation = 1 << 4 | u8::from(first) << 3;
        pictures.last_mut().unwrap().push([&[aggregation], obu].concat());
    }
    pictures
}
