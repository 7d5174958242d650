//! The Dependency Descriptor header extension (AV1 RTP payload format, appendix A): its mandatory
//! fields, and whether a template structure comes with it.

/// Bytes of the mandatory fields.
const MANDATORY: usize = 3;

/// `mandatory_descriptor_fields()` (appendix A.8.3), and the flag that tells a structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DependencyDescriptor {
    pub start_of_frame: bool,
    pub end_of_frame: bool,
    /// 0 to 63.
    pub template_id: u8,
    pub frame_number: u16,
    /// A template dependency structure is attached, which only a keyframe's first packet has.
    pub structure: bool,
}

impl DependencyDescriptor {
    /// `None` when the extension is cut short.
    pub fn parse(extension: &[u8]) -> Option<DependencyDescriptor> {
        let (mandatory, extended) = extension.split_first_chunk::<MANDATORY>()?;
        Some(DependencyDescriptor {
            start_of_frame: mandatory[0] & 0x80 != 0,
            end_of_frame: mandatory[0] & 0x40 != 0,
            template_id: mandatory[0] & 0x3f,
            frame_number: u16::from_be_bytes([mandatory[1], mandatory[2]]),
            // template_dependency_structure_present_flag leads the extended fields.
            structure: extended.first().is_some_and(|b| b & 0x80 != 0),
        })
    }

    /// Whether the packet begins a keyframe.
    pub fn keyframe(&self) -> bool {
        self.start_of_frame && self.structure
    }
}

/// Writes another frame number into a copy of an extension. One that is cut short stays as it is.
pub fn set_frame_number(extension: &mut [u8], frame_number: u16) {
    if let Some(bytes) = extension.get_mut(1..MANDATORY) {
        bytes.copy_from_slice(&frame_number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mandatory_fields_are_read() {
        let d = DependencyDescriptor::parse(&[0xc5, 0x12, 0x34]).unwrap();
        assert!(d.start_of_frame && d.end_of_frame);
        assert_eq!((d.template_id, d.frame_number), (5, 0x1234));
        assert!(!d.structure && !d.keyframe());
    }

    #[test]
    fn a_structure_at_the_start_of_a_frame_is_a_keyframe() {
        assert!(DependencyDescriptor::parse(&[0x80, 0, 1, 0x80, 0]).unwrap().keyframe());
        assert!(!DependencyDescriptor::parse(&[0x00, 0, 1, 0x80, 0]).unwrap().keyframe());
        assert!(!DependencyDescriptor::parse(&[0x80, 0, 1, 0x40, 0]).unwrap().keyframe());
    }

    #[test]
    fn a_cut_extension_is_refused_and_not_written_to() {
        assert_eq!(DependencyDescriptor::parse(&[0xc5, 0x12]), None);
        let mut cut = [0xc5, 0x12];
        set_frame_number(&mut cut, 0xffff);
        assert_eq!(cut, [0xc5, 0x12]);
    }

    #[test]
    fn another_frame_number_changes_nothing_else() {
        let mut extension = [0x81, 0, 0, 0x80, 0x77];
        set_frame_number(&mut extension, 0xfffe);
        assert_eq!(extension, [0x81, 0xff, 0xfe, 0x80, 0x77]);
    }
}
