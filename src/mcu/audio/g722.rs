//! G.722 at 64 kbit/s: two bands of 8 kHz, each an adaptive difference. One byte is two samples at
//! 16 kHz. Numbers and names are those of ITU-T G.722 (tables 14 to 20, section 6).

/// Tap weights of the quadrature mirror filters (table 11), half of a symmetric set.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];
/// Decision levels and codes of the lower band (table 14).
const Q6: [i32; 30] = [
    0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940,
    1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];
const ILN: [u8; 31] = [
    0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11,
    10, 9, 8, 7, 6, 5, 4,
];
const ILP: [u8; 31] = [
    0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39,
    38, 37, 36, 35, 34, 33, 32,
];
/// Output levels of the lower band with 6 and with 4 bits (tables 18 and 16).
const QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776,
    -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280,
    11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776,
    2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];
const QM4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584,
    1200, 0,
];
/// Output levels of the higher band (table 17).
const QM2: [i32; 4] = [-7408, -1616, 7408, 1616];
/// Steps of the logarithmic scale factors, by code (tables 15 and 19).
const WL: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1198, 3042];
const RL42: [usize; 16] = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0];
const WH: [i32; 3] = [0, -214, 798];
const RH2: [usize; 4] = [2, 1, 2, 1];
/// A power of two in 32 steps (table 20).
const ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// The adaptive predictor and quantiser scale of one band.
#[derive(Clone, Debug)]
struct Band {
    /// Predicted signal, and its part by the zeros.
    s: i32,
    sz: i32,
    /// Logarithmic and linear scale factor.
    nb: i32,
    det: i32,
    /// Reconstructed and partially reconstructed signal, the newest first.
    r: [i32; 2],
    p: [i32; 2],
    /// Coefficients of the poles and of the zeros.
    a: [i32; 2],
    b: [i32; 6],
    /// Quantised differences, the newest first.
    d: [i32; 6],
}

impl Band {
    fn new(det: i32) -> Self {
        Self { s: 0, sz: 0, nb: 0, det, r: [0; 2], p: [0; 2], a: [0; 2], b: [0; 6], d: [0; 6] }
    }

    fn lower() -> Self {
        Self::new(32)
    }

    fn higher() -> Self {
        Self::new(8)
    }

    /// Blocks 3L and 4L.
    fn adapt_lower(&mut self, code: usize) {
        let difference = (self.det * QM4[code]) >> 15;
        self.nb = (((self.nb * 127) >> 7) + WL[RL42[code]]).clamp(0, 18_432);
        self.det = scale(self.nb, 8);
        self.predict(difference);
    }

    /// Blocks 3H and 4H. Gives the difference.
    fn adapt_higher(&mut self, code: usize) -> i32 {
        let difference = (self.det * QM2[code]) >> 15;
        self.nb = (((self.nb * 127) >> 7) + WH[RH2[code]]).clamp(0, 22_528);
        self.det = scale(self.nb, 10);
        self.predict(difference);
        difference
    }

    /// Block 4: what comes next.
    fn predict(&mut self, d: i32) {
        let r = saturate(self.s + d);
        let p = saturate(self.sz + d);
        let alike = |one: i32, other: i32| (one < 0) == (other < 0);

        // UPPOL2
        let step = saturate(self.a[0] << 2);
        let step = if alike(p, self.p[0]) { -step } else { step }.min(32_767) >> 7;
        let step = step + if alike(p, self.p[1]) { 128 } else { -128 };
        let a2 = (step + ((self.a[1] * 32_512) >> 15)).clamp(-12_288, 12_288);
        // UPPOL1
        let step = if alike(p, self.p[0]) { 192 } else { -192 };
        let bound = saturate(15_360 - a2);
        let a1 = saturate(step + ((self.a[0] * 32_640) >> 15)).clamp(-bound, bound);
        // UPZERO
        let step = if d == 0 { 0 } else { 128 };
        for (b, &before) in self.b.iter_mut().zip(&self.d) {
            let step = if alike(d, before) { step } else { -step };
            *b = saturate(step + ((*b * 32_640) >> 15));
        }

        // DELAYA
        self.d.rotate_right(1);
        self.d[0] = d;
        self.r = [r, self.r[0]];
        self.p = [p, self.p[0]];
        self.a = [a1, a2];

        // FILTEP, FILTEZ, PREDIC
        let poles: i32 = self.a.iter().zip(&self.r).map(|(a, r)| (a * saturate(r + r)) >> 15).sum();
        let zeros: i32 = self.b.iter().zip(&self.d).map(|(b, d)| (b * saturate(d + d)) >> 15).sum();
        self.sz = saturate(zeros);
        self.s = saturate(saturate(poles) + self.sz);
    }
}

/// SCALEL and SCALEH.
fn scale(nb: i32, base: i32) -> i32 {
    let mantissa = ILB[(nb >> 6 & 31) as usize];
    let shift = base - (nb >> 11);
    (if shift < 0 { mantissa << -shift } else { mantissa >> shift }) << 2
}

#[derive(Clone, Debug)]
pub(super) struct Encoder {
    lower: Band,
    higher: Band,
    /// The last 24 samples.
    history: [i32; 24],
}

impl Default for Encoder {
    fn default() -> Self {
        Self { lower: Band::lower(), higher: Band::higher(), history: [0; 24] }
    }
}

impl Encoder {
    /// Two samples at 16 kHz.
    pub(super) fn encode(&mut self, first: i16, second: i16) -> u8 {
        self.history.copy_within(2.., 0);
        (self.history[22], self.history[23]) = (first.into(), second.into());
        let (mut even, mut odd) = (0, 0);
        for (index, pair) in self.history.chunks_exact(2).enumerate() {
            odd += pair[0] * QMF[index];
            even += pair[1] * QMF[11 - index];
        }
        let (low, high) = ((even + odd) >> 14, (even - odd) >> 14);

        let difference = saturate(low - self.lower.s);
        let magnitude = if difference < 0 { -(difference + 1) } else { difference };
        let level = (1..Q6.len())
            .find(|&level| magnitude < (Q6[level] * self.lower.det) >> 12)
            .unwrap_or(Q6.len());
        let low_code = if difference < 0 { ILN[level] } else { ILP[level] };
        self.lower.adapt_lower(usize::from(low_code >> 2));

        let difference = saturate(high - self.higher.s);
        let magnitude = if difference < 0 { -(difference + 1) } else { difference };
        let large = magnitude >= (564 * self.higher.det) >> 12;
        let high_code = match (difference < 0, large) {
            (true, false) => 1,
            (true, true) => 0,
            (false, false) => 3,
            (false, true) => 2,
        };
        self.higher.adapt_higher(usize::from(high_code));
        high_code << 6 | low_code
    }
}

#[derive(Clone, Debug)]
pub(super) struct Decoder {
    lower: Band,
    higher: Band,
    /// Sums and differences of the bands.
    history: [i32; 24],
}

impl Default for Decoder {
    fn default() -> Self {
        Self { lower: Band::lower(), higher: Band::higher(), history: [0; 24] }
    }
}

impl Decoder {
    /// Two samples at 16 kHz.
    pub(super) fn decode(&mut self, byte: u8) -> [i16; 2] {
        let code = usize::from(byte & 0x3f);
        let difference = (self.lower.det * QM6[code]) >> 15;
        let low = (self.lower.s + difference).clamp(-16_384, 16_383);
        self.lower.adapt_lower(code >> 2);

        let predicted = self.higher.s;
        let difference = self.higher.adapt_higher(usize::from(byte >> 6));
        let high = (predicted + difference).clamp(-16_384, 16_383);

        self.history.copy_within(2.., 0);
        (self.history[22], self.history[23]) = (low + high, low - high);
        let (mut first, mut second) = (0, 0);
        for (index, pair) in self.history.chunks_exact(2).enumerate() {
            first += pair[1] * QMF[11 - index];
            second += pair[0] * QMF[index];
        }
        [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// Signal to noise in dB of a tone through both, at the delay of the filters.
    fn quality(frequency: f32) -> f32 {
        let tone = |i: usize| (i as f32 * frequency * std::f32::consts::TAU / 16e3).sin() * 8000.0;
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut heard = Vec::new();
        for pair in 0..8000 {
            let byte = encoder.encode(tone(2 * pair) as i16, tone(2 * pair + 1) as i16);
            heard.extend(decoder.decode(byte));
        }
        // 24 taps on either side delay by 22 samples.
        const DELAY: usize = 22;
        let (mut signal, mut noise) = (0.0, 0.0);
        for (i, &heard) in heard.iter().enumerate().skip(8000) {
            signal += tone(i - DELAY).powi(2);
            noise += (f32::from(heard) - tone(i - DELAY)).powi(2);
        }
        10.0 * (signal / noise).log10()
    }

    /// What another implementation of the recommendation makes of these samples: a pair that is
    /// wrong alike on both sides would still understand itself.
    #[test]
    fn others_are_understood() {
        const BYTES: [u8; 32] = [
            46, 132, 32, 133, 34, 132, 4, 145, 86, 62, 184, 43, 158, 12, 157, 183, 46, 14, 153, 47,
            158, 79, 49, 158, 209, 46, 188, 60, 157, 208, 44, 18,
        ];
        const HEARD: [i16; 64] = [
            0, -1, -1, 0, 0, -2, -1, 5, 1, -18, 1, 60, -5, -155, 17, 292, -16, -516, -89, 795, 567,
            -1535, -4858, -7728, -8114, -6388, -5089, -4810, -3428, -1176, -264, -12, 2563, 6187,
            6678, 2565, -4052, -9160, -8350, -3214, -464, -205, 2686, 6869, 4139, -5266, -9234,
            -5291, -133, 2935, 4701, 2884, -3648, -7763, -4742, 1338, 5367, 2607, -4692, -7086,
            -3107, 3454, 7142, 3792,
        ];
        let sample = |i: i32| ((i * i * 37 + i * 911) % 20_001 - 10_000) as i16;
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let bytes: Vec<u8> =
            (0..32).map(|pair| encoder.encode(sample(2 * pair), sample(2 * pair + 1))).collect();
        assert_eq!(bytes, BYTES);
        let heard: Vec<i16> = BYTES.iter().flat_map(|&byte| decoder.decode(byte)).collect();
        assert_eq!(heard, HEARD);
    }

    #[test]
    fn tones_come_back() {
        for (frequency, least) in [(300.0, 25.0), (1000.0, 25.0), (2500.0, 20.0), (6000.0, 10.0)] {
            let quality = quality(frequency);
            assert!(quality > least, "{frequency} Hz: {quality} dB");
        }
    }

    #[test]
    fn random_bytes_do_no_harm() {
        let mut random = SmallRng::seed_from_u64(722);
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for _ in 0..200_000 {
            let [first, second] = decoder.decode(random.random());
            encoder.encode(first, second);
            encoder.encode(random.random(), random.random());
        }
    }
}
