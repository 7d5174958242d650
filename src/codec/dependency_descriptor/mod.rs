//! The Dependency Descriptor header extension (AV1 RTP payload format, appendix A). It tells what
//! a frame depends on outside of the payload, so that layers can be chosen although nobody here
//! can read the payload.

mod reader;
mod structure;

pub use reader::{Dependencies, DescriptorReader, Frame, Targets};
pub use structure::{Differences, Indication, Structure};

/// Bytes of the mandatory fields.
const MANDATORY: usize = 3;

/// `mandatory_descriptor_fields()` (appendix A.8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mandatory {
    pub(super) start_of_frame: bool,
    pub(super) end_of_frame: bool,
    /// 0 to 63.
    pub(super) template_id: u8,
    pub(super) frame_number: u16,
}

impl Mandatory {
    /// `None` when the extension is cut short. What follows comes with it.
    fn parse(extension: &[u8]) -> Option<(Self, &[u8])> {
        let (mandatory, rest) = extension.split_first_chunk::<MANDATORY>()?;
        let fields = Self {
            start_of_frame: mandatory[0] & 0x80 != 0,
            end_of_frame: mandatory[0] & 0x40 != 0,
            template_id: mandatory[0] & 0x3f,
            frame_number: u16::from_be_bytes([mandatory[1], mandatory[2]]),
        };
        Some((fields, rest))
    }
}

/// Writes another frame number into a copy of an extension. One that is cut short stays as it is.
pub fn set_frame_number(extension: &mut [u8], frame_number: u16) {
    if let Some(bytes) = extension.get_mut(1..MANDATORY) {
        bytes.copy_from_slice(&frame_number.to_be_bytes());
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
