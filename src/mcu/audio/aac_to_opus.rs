//! AAC made Opus, for WebRTC, which takes no AAC.

use super::aac::{AacConfig, AacDecoder, AacError};
use super::opus_frames::OpusFrames;
use super::signal::{level, rounded};
use super::{FRAME, RATE};

/// Times that are off by less, at 48 kHz, are rounding: FLV has milliseconds, and some encoders guess.
const TOLERANCE: u64 = RATE as u64 / 20;

/// A packet of Opus of 20 ms.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OpusPacket<'a> {
    /// When its first sample is, at 48 kHz, on the time line of what was pushed.
    pub time: u64,
    /// RFC 6464: -127 to 0 dBov.
    pub level: i8,
    /// The packet.
    pub data: &'a [u8],
}

/// Decodes one stream of AAC-LC and encodes it as Opus, mono or stereo as it came.
///
/// Times are at 48 kHz whatever the rate of the AAC. Packets follow each other without gaps for as
/// long as the frames do, within 50 ms; where frames are missing, the times say so.
pub struct AacToOpus {
    decoder: AacDecoder,
    frames: OpusFrames,
    /// When the next sample to be encoded is.
    next: Option<u64>,
}

impl AacToOpus {
    /// For what an AudioSpecificConfig describes.
    ///
    /// # Errors
    /// As [`AacError`] says, which tells who sends it what to change.
    pub fn new(config: &[u8]) -> Result<Self, AacError> {
        let decoder = AacDecoder::new(config)?;
        let AacConfig { rate, channels } = decoder.config();
        let frames = OpusFrames::new(rate, channels.into()).map_err(|_| AacError::Tools)?;
        Ok(Self { decoder, frames, next: None })
    }

    /// What the AAC is.
    pub fn config(&self) -> AacConfig {
        self.decoder.config()
    }

    /// Forgets what was not encoded yet: what comes is from somewhere else.
    pub fn reset(&mut self) {
        self.frames.reset();
        self.next = None;
    }

    /// Takes a raw frame and the time of its first sample, and emits the packets that are whole now.
    /// Times of packets only grow until the next [`reset`](Self::reset).
    ///
    /// # Errors
    /// `Malformed`: the frame is lost, and there is a gap where it was.
    pub fn push(
        &mut self,
        time: u64,
        frame: &[u8],
        mut emit: impl FnMut(OpusPacket<'_>),
    ) -> Result<(), AacError> {
        let Self { decoder, frames, next } = self;
        // Sound that is inside lies before what comes now.
        let expected = next.map(|next| next.saturating_add(frames.inside()));
        if expected.is_none_or(|expected| expected.abs_diff(time) > TOLERANCE) {
            frames.reset();
            // Numbers that were given are not given again.
            *next = Some(next.map_or(time, |next| next.max(time)));
        }
        decoder.decode(frame, frames.input())?;
        frames.encode(|frame| {
            let time = next.unwrap_or(time);
            *next = Some(time.saturating_add(FRAME as u64));
            if let Some(data) = frame.data {
                emit(OpusPacket { time, level: rounded(level(frame.pcm)), data });
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::opus::Decoder;
    use super::*;

    /// A second of 440 Hz 12 dB below full scale, stereo at 44.1 kHz, each frame after its length.
    const TONE: &[u8] = include_bytes!("testing/tone.aac");
    const CONFIG: [u8; 2] = [0x12, 0x10];

    fn frames() -> Vec<&'static [u8]> {
        let mut rest = TONE;
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (frame, after) = after.split_at(u16::from_be_bytes(*length).into());
            rest = after;
            Some(frame)
        })
        .collect()
    }

    /// When a frame of 44.1 kHz is, as FLV says it: rounded to milliseconds.
    fn time(index: usize) -> u64 {
        (index as u64 * 1024 * 1000 / 44_100) * 48
    }

    #[test]
    fn the_tone_comes_out_as_it_went_in() {
        let mut transcoder = AacToOpus::new(&CONFIG).unwrap();
        let (mut heard, mut times, mut decoder) = (Vec::new(), Vec::new(), Decoder::new(true));
        for (index, frame) in frames().into_iter().enumerate() {
            transcoder
                .push(480 + time(index), frame, |packet| {
                    times.push(packet.time);
                    decoder.decode(packet.data, &mut heard).unwrap();
                })
                .unwrap();
        }
        assert!(times.len() >= 48, "{} packets of a second", times.len());
        assert!(times.iter().enumerate().all(|(index, time)| *time == 480 + 960 * index as u64));
        let left: Vec<f32> = heard.chunks(2).skip(9_600).take(28_800).map(|pair| pair[0]).collect();
        let crossings = left.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((262..=266).contains(&crossings), "{crossings} of 440 Hz in 0.6 s");
        let power = left.iter().map(|sample| sample * sample).sum::<f32>() / left.len() as f32;
        assert!((0.23..0.27).contains(&power.sqrt()), "{}", power.sqrt());
    }

    #[test]
    fn a_gap_is_a_gap_and_time_does_not_go_back() {
        let mut transcoder = AacToOpus::new(&CONFIG).unwrap();
        let mut times = Vec::new();
        for (index, frame) in frames().into_iter().enumerate() {
            let jump = match index {
                0..10 => 0,
                10..20 => 48_000,
                _ => 0,
            };
            transcoder.push(time(index) + jump, frame, |packet| times.push(packet.time)).unwrap();
        }
        assert!(times.windows(2).all(|pair| pair[1] >= pair[0] + 960));
        assert!(times.windows(2).any(|pair| pair[1] > pair[0] + 40_000));
    }

    #[test]
    fn damaged_frames_are_lost_and_nothing_else() {
        let mut transcoder = AacToOpus::new(&CONFIG).unwrap();
        let frames = frames();
        let (mut seed, mut packets) = (1u32, 0);
        for round in 0..400 {
            let mut frame = frames[round % frames.len()].to_vec();
            for _ in 0..1 + round % 5 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % frame.len();
                frame[at] = (seed >> 24) as u8;
            }
            frame.truncate(frame.len() - round % 3);
            let _ = transcoder.push(time(round), &frame, |_| packets += 1);
        }
        assert!(packets > 0);
        let whole = (400..420).map(|index| {
            let mut emitted = 0;
            let pushed =
                transcoder.push(time(index), frames[index % frames.len()], |_| emitted += 1);
            pushed.map(|()| emitted).unwrap_or(0)
        });
        assert!(whole.sum::<usize>() >= 20);
    }
}
