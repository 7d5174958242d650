#![no_main]

use libfuzzer_sys::fuzz_target;
use medialoom::codec::dependency_descriptor::{DependencyDescriptor, set_frame_number};

fuzz_target!(|extension: &[u8]| {
    let Some(descriptor) = DependencyDescriptor::parse(extension) else { return };
    let mut copy = extension.to_vec();
    set_frame_number(&mut copy, 0x1234);
    let expected = DependencyDescriptor { frame_number: 0x1234, ..descriptor };
    assert_eq!(DependencyDescriptor::parse(&copy), Some(expected));
});
