//! A run of descriptors, each after its length: later ones lean on what earlier ones said.

use medialoom::codec::dependency_descriptor::{DescriptorReader, set_frame_number};

pub fn run(input: &[u8]) {
    let (mut one, mut other) = (DescriptorReader::default(), DescriptorReader::default());
    let mut rest = input;
    while let Some((length, after)) = rest.split_first() {
        let (extension, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        let frame = one.read(extension);
        assert_eq!(frame, other.read(extension), "the same twice");
        let mut copy = extension.to_vec();
        set_frame_number(&mut copy, 0x1234);
        let renumbered = DescriptorReader::default().read(&copy);
        assert_eq!(frame.is_some(), renumbered.is_some_and(|frame| frame.number == 0x1234));
    }
}
