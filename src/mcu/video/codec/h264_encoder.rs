//! OpenH264 encodes constrained baseline H.264.

use super::super::error::EncoderError;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile,
    RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, SBitrateInfo, SPATIAL_LAYER_0,
};

use super::EncoderSettings;
use crate::mcu::video::picture::Picture;

pub(in crate::mcu::video) struct H264Encoder {
    encoder: Encoder,
    size: (u16, u16),
    /// Options can be set once there was a picture.
    started: bool,
    bitrate: u32,
    pending_bitrate: Option<u32>,
}

impl H264Encoder {
    pub(super) fn new(settings: EncoderSettings) -> Result<Self, EncoderError> {
        let complexity = if settings.fast { Complexity::Low } else { Complexity::Medium };
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(settings.bitrate))
            .max_frame_rate(FrameRate::from_hz(settings.fps))
            .rate_control_mode(RateControlMode::Bitrate)
            .usage_type(UsageType::CameraVideoRealTime)
            .profile(Profile::Baseline)
            .complexity(complexity)
            .intra_frame_period(IntraFramePeriod::auto())
            // A new layout is a new scene; it comes as a keyframe only when one is asked for.
            .scene_change_detect(false)
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let encoder =
            Encoder::with_api_config(OpenH264API::from_source(), config).map_err(refused)?;
        Ok(Self {
            encoder,
            size: (settings.width, settings.height),
            started: false,
            bitrate: settings.bitrate,
            pending_bitrate: None,
        })
    }

    /// Bits per second.
    pub(super) fn set_bitrate(&mut self, bitrate: u32) {
        self.pending_bitrate = Some(bitrate);
    }

    fn apply_bitrate(&mut self) {
        let Some(bitrate) = self.pending_bitrate.take().filter(|b| *b != self.bitrate) else {
            return;
        };
        // The encoder refuses a target above its maximum and a maximum below its target. For all
        // layers at once it would set the target only, and keep to the layer's old maximum.
        let mut order = [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE];
        if bitrate < self.bitrate {
            order.reverse();
        }
        for option in order {
            let mut info = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bitrate as i32 };
            // SAFETY: both options take a pointer to an SBitrateInfo, which the encoder reads before
            // it returns; the encoder was initialised by its first picture. The wrapper relies on
            // neither option.
            unsafe { self.encoder.raw_api().set_option(option, (&raw mut info).cast()) };
        }
        self.bitrate = bitrate;
    }

    /// Encodes `picture` into `out`, in the byte stream format; whether it became a keyframe.
    /// `None`: it was left out to keep the rate.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        timestamp: i64,
        keyframe: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<bool>, EncoderError> {
        if picture.size() != self.size {
            return Err(EncoderError::Size);
        }
        if self.started {
            self.apply_bitrate();
            if keyframe {
                self.encoder.force_intra_frame();
            }
        }
        let milliseconds = u64::try_from(timestamp).unwrap_or(0) / 90;
        let timestamp = Timestamp::from_millis(milliseconds);
        let encoded = self.encoder.encode_at(&Planes(picture), timestamp).map_err(refused)?;
        self.started = true;
        encoded.write_vec(out);
        match encoded.frame_type() {
            FrameType::IDR | FrameType::I => Ok(Some(true)),
            _ if out.is_empty() => Ok(None),
            _ => Ok(Some(false)),
        }
    }
}

struct Planes<'a>(&'a Picture);

impl YUVSource for Planes<'_> {
    fn dimensions(&self) -> (usize, usize) {
        self.0.plane_size(0)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let (width, chroma_width) = (self.0.plane_size(0).0, self.0.plane_size(1).0);
        (width, chroma_width, chroma_width)
    }

    fn y(&self) -> &[u8] {
        self.0.planes()[0]
    }

    fn u(&self) -> &[u8] {
        self.0.planes()[1]
    }

    fn v(&self) -> &[u8] {
        self.0.planes()[2]
    }
}

fn refused(error: openh264::Error) -> EncoderError {
    EncoderError::Library { name: "OpenH264", reason: error.to_string() }
}
