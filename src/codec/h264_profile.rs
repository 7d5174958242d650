//! Profiles of H.264 as descriptions name them (RFC 6184 8.1, table 5).

/// A profile that endpoints of today send, with what its constraint flags leave of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum H264Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    PredictiveHigh444,
}

/// What `profile-level-id` means where it is left out: Baseline at level 1 (RFC 6184 8.1).
const DEFAULT: u32 = 0x42_00_0a;

/// Marks a constrained profile in [`H264Profile::code`].
const CONSTRAINED: u32 = 0x100;

impl H264Profile {
    /// Reads `profile-level-id`: profile_idc, constraint flags and level in hexadecimal. `None`
    /// for text that is none, and for profiles nobody sends by RTP.
    pub fn parse(profile_level_id: Option<&str>) -> Option<Self> {
        let id = match profile_level_id {
            None => DEFAULT,
            Some(text) if text.len() == 6 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                u32::from_str_radix(text, 16).ok()?
            }
            Some(_) => return None,
        };
        let (idc, flags) = ((id >> 16) & 0xff, (id >> 8) & 0xff);
        let has = |mask: u32| flags & mask == mask;
        Some(match idc {
            0x42 if has(0x40) => Self::ConstrainedBaseline,
            0x42 => Self::Baseline,
            0x4d if has(0x80) => Self::ConstrainedBaseline,
            0x4d => Self::Main,
            0x58 if has(0xc0) => Self::ConstrainedBaseline,
            0x58 if has(0x80) => Self::Baseline,
            // constraint_set4 and constraint_set5 (ITU-T H.264 A.2.4.2).
            0x64 if has(0x0c) => Self::ConstrainedHigh,
            0x64 => Self::High,
            0xf4 => Self::PredictiveHigh444,
            _ => return None,
        })
    }

    /// profile_idc, with [`CONSTRAINED`] beside it for the constrained ones: a number to compare.
    pub fn code(self) -> u32 {
        match self {
            Self::ConstrainedBaseline => CONSTRAINED | 0x42,
            Self::Baseline => 0x42,
            Self::Main => 0x4d,
            Self::ConstrainedHigh => CONSTRAINED | 0x64,
            Self::High => 0x64,
            Self::PredictiveHigh444 => 0xf4,
        }
    }

    /// The profile with this [`H264Profile::code`]; `None` for any other number.
    pub fn from_code(code: u32) -> Option<Self> {
        const ALL: [H264Profile; 6] = [
            H264Profile::ConstrainedBaseline,
            H264Profile::Baseline,
            H264Profile::Main,
            H264Profile::ConstrainedHigh,
            H264Profile::High,
            H264Profile::PredictiveHigh444,
        ];
        ALL.into_iter().find(|profile| profile.code() == code)
    }

    /// Whether a decoder of this profile decodes what was made in the other (ITU-T H.264 A.2).
    /// Baseline and its constrained form count as one: what tells them apart (flexible macroblock
    /// order) is made by no encoder for RTP.
    pub fn decodes(self, other: Self) -> bool {
        use H264Profile as P;
        match self {
            P::ConstrainedBaseline | P::Baseline => {
                matches!(other, P::ConstrainedBaseline | P::Baseline)
            }
            P::Main => matches!(other, P::ConstrainedBaseline | P::Baseline | P::Main),
            P::ConstrainedHigh => {
                matches!(other, P::ConstrainedBaseline | P::Baseline | P::ConstrainedHigh)
            }
            P::High => other != P::PredictiveHigh444,
            P::PredictiveHigh444 => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_from_idc_and_constraint_flags() {
        let cases = [
            (Some("42e01f"), Some(H264Profile::ConstrainedBaseline)),
            (Some("42C01E"), Some(H264Profile::ConstrainedBaseline)),
            (Some("42001f"), Some(H264Profile::Baseline)),
            (Some("4d0032"), Some(H264Profile::Main)),
            (Some("640c1f"), Some(H264Profile::ConstrainedHigh)),
            (Some("640028"), Some(H264Profile::High)),
            (Some("f4001f"), Some(H264Profile::PredictiveHigh444)),
            (None, Some(H264Profile::Baseline)),
            (Some("+4e01f"), None),
            (Some("42e0"), None),
            (Some("ff001f"), None),
        ];
        for (text, profile) in cases {
            assert_eq!(H264Profile::parse(text), profile, "{text:?}");
        }
    }

    #[test]
    fn a_higher_profile_decodes_the_lower_but_main_and_constrained_high_are_beside_each_other() {
        use H264Profile as P;
        assert!(P::High.decodes(P::Main) && P::High.decodes(P::ConstrainedHigh));
        assert!(P::ConstrainedHigh.decodes(P::Baseline) && P::Main.decodes(P::ConstrainedBaseline));
        assert!(!P::Main.decodes(P::ConstrainedHigh) && !P::ConstrainedHigh.decodes(P::Main));
        assert!(!P::ConstrainedBaseline.decodes(P::Main));
    }

    #[test]
    fn a_code_names_its_profile() {
        for code in [0x142, 0x42, 0x4d, 0x164, 0x64, 0xf4] {
            assert_eq!(H264Profile::from_code(code).map(H264Profile::code), Some(code));
        }
        assert_eq!(H264Profile::from_code(0), None);
    }
}
