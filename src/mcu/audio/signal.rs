//! Small words for samples: levels, and from and to 16 bits.

/// Of what cannot be heard at all (RFC 6464 3).
pub(super) const SILENCE: f32 = -127.0;

/// Mean power in dBov: 0 is a square wave at full scale, -127 what is silent (RFC 6464 3).
pub(super) fn level(samples: &[f32]) -> f32 {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>();
    decibels(power / samples.len().max(1) as f32)
}

/// Of a power, -127 to 0.
pub(super) fn decibels(power: f32) -> f32 {
    // Also for what is no number.
    if power > 2e-13 { (10.0 * power.log10()).min(0.0) } else { SILENCE }
}

/// An amplitude for a level.
pub(super) fn amplitude(decibels: f32) -> f32 {
    10f32.powf(decibels / 20.0)
}

/// As RFC 6464 writes it, but negative.
pub(super) fn rounded(level: f32) -> i8 {
    level.round().clamp(-127.0, 0.0) as i8
}

pub(super) fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// What lies beyond full scale is clipped; what is no number is silent.
pub(super) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// Multiplies by a factor that moves evenly from one value to the other.
pub(super) fn ramp(samples: &mut [f32], channels: usize, from: f32, to: f32) {
    if from == to {
        if from != 1.0 {
            samples.iter_mut().for_each(|sample| *sample *= from);
        }
        return;
    }
    let step = (to - from) / (samples.len() / channels).max(1) as f32;
    for (index, frame) in samples.chunks_exact_mut(channels).enumerate() {
        let factor = from + step * (index + 1) as f32;
        frame.iter_mut().for_each(|sample| *sample *= factor);
    }
}

/// Appends with another number of channels: one becomes two alike, two their mean.
pub(super) fn convert_channels(from: &[f32], channels: usize, to: &mut Vec<f32>, wanted: usize) {
    match (channels, wanted) {
        (1, 2) => to.extend(from.iter().flat_map(|&sample| [sample; 2])),
        (2, 1) => to.extend(from.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0)),
        _ => to.extend_from_slice(from),
    }
}
