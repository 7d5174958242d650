use medialoom::codec::{Codec, Description};

pub fn run(payload: &[u8]) {
    let description = Description::parse(Codec::H264, payload, None);
    assert!(description.size.is_none_or(|(width, height)| width > 0 && height > 0));
    assert!(!description.keyframe || description.frame_start);
}
