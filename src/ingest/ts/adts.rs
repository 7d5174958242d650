//! AAC behind headers of its own (ADTS, ISO/IEC 14496-3 1.A.2.2).

const HEADER: usize = 7;
/// Samples of a frame.
const SAMPLES: i64 = 1_024;
const CLOCK: i64 = 90_000;
/// ISO/IEC 14496-3 table 1.18.
pub(super) const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// A frame with what is said of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct AacFrame<'a> {
    /// An AudioSpecificConfig.
    pub(super) config: [u8; 2],
    /// How long it lasts, at 90 kHz.
    pub(super) ticks: i64,
    pub(super) data: &'a [u8],
}

/// What is at the beginning of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step<'a> {
    /// A frame, and what is behind it.
    Frame(AacFrame<'a>, &'a [u8]),
    /// The beginning of one.
    Cut,
    /// No frame; one may begin a byte later.
    Noise,
}

/// Reads one frame.
pub(super) fn step(bytes: &[u8]) -> Step<'_> {
    let Some(&[a, b, c, d, e, f, g]) = bytes.first_chunk::<HEADER>() else { return Step::Cut };
    // The syncword, and the layer, which is always 0.
    if a != 0xff || b & 0xf6 != 0xf0 {
        return Step::Noise;
    }
    let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
    let header = if b & 1 == 1 { HEADER } else { HEADER + 2 };
    let (profile, rate, channels) = (c >> 6, c >> 2 & 0x0f, (c & 1) << 2 | d >> 6);
    let Some(&samples) = RATES.get(usize::from(rate)) else { return Step::Noise };
    // Several blocks in one frame, which nobody makes, would have to be taken apart.
    if length <= header || g & 3 != 0 {
        return Step::Noise;
    }
    let Some((frame, rest)) = bytes.split_at_checked(length) else { return Step::Cut };
    let data = frame.get(header..).unwrap_or(&[]);
    let config = [(profile + 1) << 3 | rate >> 1, (rate & 1) << 7 | channels << 3];
    let ticks = SAMPLES * CLOCK / i64::from(samples);
    Step::Frame(AacFrame { config, ticks, data }, rest)
}
