//! Opus (RFC 6716) through libopus, and the only unsafe code of the mixer of sound.
//!
//! States live in memory of ours: libopus keeps each in one block without pointers into itself, so
//! that a copy of the bytes is a copy of the coder (opus.h: "only a shallow copy is required").
//! That is how a mix that parts from another goes on without a seam.

use std::ffi::{CStr, c_int};

use opusic_sys as sys;

use super::{FRAME, RATE};

/// Samples of each channel in the longest packet, 120 ms (RFC 6716 3.2.5).
pub(super) const MAX_PACKET: usize = RATE as usize * 120 / 1000;
/// PLC and FEC come in steps of 2.5 ms.
pub(super) const STEP: usize = RATE as usize / 400;
/// Longest packet that is written: enough for the highest bitrate at 20 ms.
const MAX_BYTES: usize = 1500;

/// What libopus did not like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OpusError;

/// Version of the libopus that is linked, such as `1.5.2`.
pub(in crate::mcu) fn version() -> String {
    // SAFETY: a static text.
    let text = unsafe { CStr::from_ptr(sys::opus_get_version_string()) };
    text.to_string_lossy().trim_start_matches("libopus ").to_owned()
}

/// The memory of a coder. Words, as it holds pointers (to constants) and wants their alignment.
type Memory = Box<[u64]>;

fn memory(bytes: c_int) -> Memory {
    vec![0; usize::try_from(bytes).unwrap_or(0).div_ceil(size_of::<u64>())].into_boxed_slice()
}

/// How an encoder is set up.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct EncoderSettings {
    pub stereo: bool,
    pub bitrate: u32,
    pub fec: bool,
    pub dtx: bool,
    pub expected_loss: u8,
}

/// Makes packets of 20 ms.
#[derive(Clone)]
pub(super) struct Encoder {
    state: Memory,
    channels: usize,
}

impl Encoder {
    /// Of 0 to 10. At 5, one frame of speech costs about a tenth of a millisecond.
    const COMPLEXITY: c_int = 5;

    pub(super) fn new(settings: EncoderSettings) -> Result<Self, OpusError> {
        let channels = if settings.stereo { 2 } else { 1 };
        // SAFETY: a function of its argument, which is 1 or 2.
        let mut state = memory(unsafe { sys::opus_encoder_get_size(channels) });
        // FEC is part of SILK (RFC 6716 2.1.7), which only this application prefers at such rates.
        let application =
            if settings.fec { sys::OPUS_APPLICATION_VOIP } else { sys::OPUS_APPLICATION_AUDIO };
        // SAFETY: the memory has the size libopus asked for, and is aligned for pointers.
        let result = unsafe {
            sys::opus_encoder_init(state.as_mut_ptr().cast(), RATE as i32, channels, application)
        };
        if result != sys::OPUS_OK {
            return Err(OpusError);
        }
        let mut encoder = Self { state, channels: channels as usize };
        encoder.set(sys::OPUS_SET_COMPLEXITY_REQUEST, Self::COMPLEXITY);
        encoder.set(sys::OPUS_SET_BITRATE_REQUEST, settings.bitrate as c_int);
        encoder.set(sys::OPUS_SET_INBAND_FEC_REQUEST, settings.fec.into());
        encoder.set(sys::OPUS_SET_DTX_REQUEST, settings.dtx.into());
        encoder.set_expected_loss(settings.expected_loss);
        Ok(encoder)
    }

    pub(super) fn set_expected_loss(&mut self, percent: u8) {
        self.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent.min(100).into());
    }

    /// Packets that do not lean on the one before: for a decoder that has seen another.
    pub(super) fn set_prediction_disabled(&mut self, disabled: bool) {
        self.set(sys::OPUS_SET_PREDICTION_DISABLED_REQUEST, disabled.into());
    }

    /// All requests in use take an int; values are checked by libopus, and one it refuses leaves
    /// the setting as it was.
    fn set(&mut self, request: c_int, value: c_int) {
        // SAFETY: the state was initialised, and these requests take one int.
        unsafe { sys::opus_encoder_ctl(self.state.as_mut_ptr().cast(), request, value) };
    }

    /// Encodes a frame of [`FRAME`] samples of each channel behind what `packet` holds. `false`
    /// when it need not be sent (DTX); nothing is written then.
    pub(super) fn encode(&mut self, pcm: &[f32], packet: &mut Vec<u8>) -> Result<bool, OpusError> {
        if pcm.len() != FRAME * self.channels {
            return Err(OpusError);
        }
        let start = packet.len();
        packet.resize(start + MAX_BYTES, 0);
        // SAFETY: the state was initialised; the samples are as many as the frame's length says;
        // the output has as many bytes as it is told.
        let length = unsafe {
            sys::opus_encode_float(
                self.state.as_mut_ptr().cast(),
                pcm.as_ptr(),
                FRAME as c_int,
                packet[start..].as_mut_ptr(),
                MAX_BYTES as i32,
            )
        };
        let written = usize::try_from(length).map_err(|_| OpusError);
        // Two bytes and less say nothing and are not sent (opus.h).
        let sent = matches!(written, Ok(3..));
        packet.truncate(start + if sent { length as usize } else { 0 });
        written.map(|_| sent)
    }
}

/// Plays packets of any kind as one or two channels at 48 kHz.
#[derive(Clone)]
pub(super) struct Decoder {
    /// Made with the first packet: most who join a large room never say a word.
    state: Option<Memory>,
    channels: usize,
}

impl Decoder {
    pub(super) fn new(stereo: bool) -> Self {
        Self { state: None, channels: if stereo { 2 } else { 1 } }
    }

    fn make(channels: usize) -> Result<Memory, OpusError> {
        let channels = channels as c_int;
        // SAFETY: a function of its argument, which is 1 or 2.
        let mut state = memory(unsafe { sys::opus_decoder_get_size(channels) });
        // SAFETY: the memory has the size libopus asked for, and is aligned for pointers.
        let result =
            unsafe { sys::opus_decoder_init(state.as_mut_ptr().cast(), RATE as i32, channels) };
        if result == sys::OPUS_OK { Ok(state) } else { Err(OpusError) }
    }

    /// Appends what the packet holds. Nothing is appended when it is damaged.
    pub(super) fn decode(&mut self, packet: &[u8], pcm: &mut Vec<f32>) -> Result<(), OpusError> {
        if packet.is_empty() {
            return Err(OpusError);
        }
        self.run(packet, MAX_PACKET, false, pcm)
    }

    /// Appends `samples` of each channel for a packet that was lost, from the one behind it when
    /// that is given, else made up. Rounded up to steps of 2.5 ms, 120 ms at most.
    pub(super) fn conceal(
        &mut self,
        next: Option<&[u8]>,
        samples: usize,
        pcm: &mut Vec<f32>,
    ) -> Result<(), OpusError> {
        let samples = samples.next_multiple_of(STEP).clamp(STEP, MAX_PACKET);
        self.run(next.unwrap_or(&[]), samples, next.is_some(), pcm)
    }

    fn run(
        &mut self,
        packet: &[u8],
        samples: usize,
        fec: bool,
        pcm: &mut Vec<f32>,
    ) -> Result<(), OpusError> {
        let state = match &mut self.state {
            Some(state) => state,
            state => state.insert(Self::make(self.channels)?),
        };
        let start = pcm.len();
        let length = i32::try_from(packet.len()).map_err(|_| OpusError)?;
        let data = if packet.is_empty() { std::ptr::null() } else { packet.as_ptr() };
        pcm.resize(start + samples * self.channels, 0.0);
        // SAFETY: the state was initialised; the packet has as many bytes as it is told, or is null
        // without any; the output has room for `samples` of each channel.
        let decoded = unsafe {
            sys::opus_decode_float(
                state.as_mut_ptr().cast(),
                data,
                length,
                pcm[start..].as_mut_ptr(),
                samples as c_int,
                fec.into(),
            )
        };
        let decoded = usize::try_from(decoded).map_err(|_| OpusError);
        pcm.truncate(start + decoded.unwrap_or(0) * self.channels);
        decoded.map(|_| ())
    }
}

/// Samples of each channel at 48 kHz that a packet holds; `None` when it is damaged.
pub(super) fn packet_samples(packet: &[u8]) -> Option<usize> {
    let length = i32::try_from(packet.len()).ok().filter(|&length| length > 0)?;
    // SAFETY: reads at most `length` bytes.
    let samples = unsafe { sys::opus_packet_get_nb_samples(packet.as_ptr(), length, RATE as i32) };
    usize::try_from(samples).ok().filter(|samples| (1..=MAX_PACKET).contains(samples))
}

/// Whether the packet holds a copy of the one before.
pub(super) fn has_fec(packet: &[u8]) -> bool {
    let Ok(length) = i32::try_from(packet.len()) else { return false };
    // SAFETY: reads at most `length` bytes, and checks that there are any.
    length > 0 && unsafe { sys::opus_packet_has_lbrr(packet.as_ptr(), length) } == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: EncoderSettings = EncoderSettings {
        stereo: false,
        bitrate: 32_000,
        fec: true,
        dtx: false,
        expected_loss: 20,
    };

    fn tone(frame: usize) -> Vec<f32> {
        (0..FRAME)
            .map(|i| {
                ((frame * FRAME + i) as f32 * 440.0 * std::f32::consts::TAU / 48e3).sin() * 0.3
            })
            .collect()
    }

    #[test]
    fn what_is_encoded_is_heard() {
        let (mut encoder, mut decoder) = (Encoder::new(SETTINGS).unwrap(), Decoder::new(true));
        let mut heard = Vec::new();
        for frame in 0..20 {
            let mut packet = Vec::new();
            assert!(encoder.encode(&tone(frame), &mut packet).unwrap());
            assert_eq!(packet_samples(&packet), Some(FRAME));
            decoder.decode(&packet, &mut heard).unwrap();
        }
        assert_eq!(heard.len(), 20 * FRAME * 2);
        let power: f32 =
            heard[10 * FRAME..].iter().map(|s| s * s).sum::<f32>() / (30 * FRAME) as f32;
        assert!((power.sqrt() - 0.3 / 2f32.sqrt()).abs() < 0.03, "{}", power.sqrt());
    }

    #[test]
    fn a_copy_of_an_encoder_goes_on_as_the_original() {
        let mut encoder = Encoder::new(SETTINGS).unwrap();
        for frame in 0..7 {
            encoder.encode(&tone(frame), &mut Vec::new()).unwrap();
        }
        let mut copy = encoder.clone();
        for frame in 7..20 {
            let (mut one, mut other) = (Vec::new(), Vec::new());
            encoder.encode(&tone(frame), &mut one).unwrap();
            copy.encode(&tone(frame), &mut other).unwrap();
            assert_eq!(one, other);
        }
    }

    #[test]
    fn silence_is_not_sent_with_dtx() {
        let mut encoder = Encoder::new(EncoderSettings { dtx: true, ..SETTINGS }).unwrap();
        let sent =
            (0..50).filter(|_| encoder.encode(&[0.0; FRAME], &mut Vec::new()).unwrap()).count();
        assert!((1..25).contains(&sent), "{sent}");
    }

    #[test]
    fn damaged_packets_are_refused() {
        let mut decoder = Decoder::new(false);
        let mut heard = Vec::new();
        assert_eq!(decoder.decode(&[], &mut heard), Err(OpusError));
        // Code 3 with no frame count (RFC 6716 3.2.5).
        assert_eq!(decoder.decode(&[0x03], &mut heard), Err(OpusError));
        assert_eq!(
            (packet_samples(&[]), packet_samples(&[0x03]), has_fec(&[])),
            (None, None, false)
        );
        assert!(heard.is_empty());
        decoder.conceal(None, FRAME, &mut heard).unwrap();
        assert_eq!(heard.len(), FRAME);
    }
}
