use medialoom::codec::vp9::Vp9Descriptor;

pub fn run(payload: &[u8]) {
    let Some(descriptor) = Vp9Descriptor::parse(payload) else { return };
    assert!(usize::from(descriptor.len) <= payload.len());
    let Some(prefix) = descriptor.rewrite(payload, 0x2abc, 0x5a) else { return };
    let mut out = Vec::new();
    prefix.write(payload, &mut out);
    let again = Vp9Descriptor::parse(&out).expect("a rewritten descriptor is one");
    assert!(again.picture_id.is_none_or(|id| id.value == 0x2abc));
    assert!(again.tl0_picture_index.is_none_or(|index| index == 0x5a));
    assert_eq!(out.len() - usize::from(again.len), payload.len() - usize::from(descriptor.len));
}
