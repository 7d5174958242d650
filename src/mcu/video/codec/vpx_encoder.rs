//! libvpx encodes VP8 and VP9, tuned for conversations: constant bit rate, no look-ahead,
//! keyframes only when asked for.

use super::super::error::EncoderError;
use std::mem::MaybeUninit;
use std::os::raw::c_int;
use std::{ptr, slice};

use vpx_sys::{
    VPX_DL_REALTIME, VPX_EFLAG_FORCE_KF, VPX_ENCODER_ABI_VERSION, VPX_FRAME_IS_KEY,
    vp8e_enc_control_id, vpx_codec_control_, vpx_codec_ctx_t, vpx_codec_cx_pkt_kind,
    vpx_codec_destroy, vpx_codec_enc_cfg_t, vpx_codec_enc_config_default, vpx_codec_enc_config_set,
    vpx_codec_enc_init_ver, vpx_codec_encode, vpx_codec_err_t, vpx_codec_get_cx_data,
    vpx_codec_vp8_cx, vpx_codec_vp9_cx, vpx_enc_pass, vpx_image_t, vpx_img_fmt, vpx_img_wrap,
    vpx_kf_mode, vpx_rational, vpx_rc_mode,
};

use super::EncoderSettings;
use crate::codec::Codec;
use crate::mcu::video::picture::Picture;

/// Ticks of RTP's clock, in which time is told to the encoder.
const CLOCK: u32 = 90_000;

pub(in crate::mcu::video) struct VpxEncoder {
    context: Box<vpx_codec_ctx_t>,
    config: vpx_codec_enc_cfg_t,
    settings: EncoderSettings,
    /// Has to grow with every picture.
    last_timestamp: i64,
}

// SAFETY: an encoder with one thread keeps all its state behind its context and uses no
// thread-local memory; it may be used by one thread after another.
unsafe impl Send for VpxEncoder {}

impl VpxEncoder {
    pub(super) fn new(settings: EncoderSettings) -> Result<Self, EncoderError> {
        let vp9 = settings.codec == Codec::Vp9;
        let mut config = MaybeUninit::<vpx_codec_enc_cfg_t>::zeroed();
        // SAFETY: the interfaces are static; the call fills the configuration, for which all zeros
        // is not valid everywhere, so it is only read after it succeeded.
        let (interface, mut config) = unsafe {
            let interface = if vp9 { vpx_codec_vp9_cx() } else { vpx_codec_vp8_cx() };
            let result = vpx_codec_enc_config_default(interface, config.as_mut_ptr(), 0);
            if result != vpx_codec_err_t::VPX_CODEC_OK {
                return Err(EncoderError::Unsupported(settings.codec));
            }
            (interface, config.assume_init())
        };
        configure(&mut config, &settings);
        let mut context = Box::new(MaybeUninit::<vpx_codec_ctx_t>::zeroed());
        // SAFETY: the context is zeroed memory of the right size. libvpx keeps the pointer to the
        // configuration only until the call returns and copies what it points to.
        let result = unsafe {
            vpx_codec_enc_init_ver(
                context.as_mut_ptr(),
                interface,
                &config,
                0,
                VPX_ENCODER_ABI_VERSION as c_int,
            )
        };
        if result != vpx_codec_err_t::VPX_CODEC_OK {
            return Err(refused(format!("{}: {result:?}", settings.describe())));
        }
        // SAFETY: all zeros is a valid context, and initialising succeeded.
        let context = unsafe { context.assume_init() };
        let mut encoder = Self { context, config, settings, last_timestamp: -1 };
        encoder.set_fast(settings.fast);
        encoder.control(vp8e_enc_control_id::VP8E_SET_STATIC_THRESHOLD, 1);
        // A keyframe takes at most so much more than the average picture, in per cent.
        encoder.control(vp8e_enc_control_id::VP8E_SET_MAX_INTRA_BITRATE_PCT, 600);
        if vp9 {
            const CYCLIC_REFRESH: c_int = 3;
            encoder.control(vp8e_enc_control_id::VP9E_SET_AQ_MODE, CYCLIC_REFRESH);
        }
        Ok(encoder)
    }

    /// Searches less, or as much as there is time for in real time.
    pub(super) fn set_fast(&mut self, fast: bool) {
        let effort = match (self.settings.codec, fast) {
            (Codec::Vp9, false) => 8,
            (Codec::Vp9, true) => 9,
            (_, false) => -8,
            (_, true) => -14,
        };
        self.control(vp8e_enc_control_id::VP8E_SET_CPUUSED, effort);
    }

    /// Bits per second.
    pub(super) fn set_bitrate(&mut self, bitrate: u32) {
        self.config.rc_target_bitrate = (bitrate / 1000).max(1);
        // SAFETY: the context was initialised; the call copies the configuration. A refusal leaves
        // the rate as it was.
        unsafe { vpx_codec_enc_config_set(&mut *self.context, &self.config) };
    }

    /// Encodes `picture` of the encoder's size into `out`; whether it became a keyframe. `None`:
    /// it was left out to keep the rate. `timestamp` counts 90,000 a second.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        timestamp: i64,
        keyframe: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<bool>, EncoderError> {
        let (width, height) = (self.settings.width, self.settings.height);
        if picture.size() != (width, height) || width % 2 != 0 || height % 2 != 0 {
            return Err(EncoderError::Size);
        }
        let timestamp = timestamp.max(self.last_timestamp + 1);
        self.last_timestamp = timestamp;
        let duration = (CLOCK as f32 / self.settings.fps) as _;
        let flags = if keyframe { VPX_EFLAG_FORCE_KF } else { 0 };
        let mut image = MaybeUninit::<vpx_image_t>::zeroed();
        // SAFETY: for even sizes and an alignment of 1, libvpx expects what Picture holds: planes
        // after each other without padding. The encoder reads the image and copies what it needs
        // before it returns; nothing writes through the pointer.
        let result = unsafe {
            let data = picture.data().as_ptr().cast_mut();
            let format = vpx_img_fmt::VPX_IMG_FMT_I420;
            let (width, height) = (u32::from(width), u32::from(height));
            let image = vpx_img_wrap(image.as_mut_ptr(), format, width, height, 1, data);
            if image.is_null() {
                return Err(refused("it does not take the picture".to_owned()));
            }
            vpx_codec_encode(
                &mut *self.context,
                image,
                timestamp,
                duration,
                flags.into(),
                VPX_DL_REALTIME.into(),
            )
        };
        if result != vpx_codec_err_t::VPX_CODEC_OK {
            return Err(refused(format!("{result:?}")));
        }
        Ok(self.take_output(out))
    }

    fn take_output(&mut self, out: &mut Vec<u8>) -> Option<bool> {
        let mut iterator = ptr::null();
        let mut encoded = None;
        loop {
            // SAFETY: the context was initialised; the iterator begins as null and is only handed
            // back. A packet stays valid until the context is next used for encoding.
            let packet =
                unsafe { vpx_codec_get_cx_data(&mut *self.context, &mut iterator).as_ref() };
            let Some(packet) = packet else { return encoded };
            if packet.kind != vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                continue;
            }
            // SAFETY: the kind says which member of the union is there, and that its buffer holds
            // so many bytes.
            let (bytes, flags) = unsafe {
                let frame = &packet.data.frame;
                (slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz as usize), frame.flags)
            };
            out.extend_from_slice(bytes);
            encoded = Some(encoded.unwrap_or(false) || flags & VPX_FRAME_IS_KEY != 0);
        }
    }

    fn control(&mut self, control: vp8e_enc_control_id, value: c_int) {
        // SAFETY: the context was initialised, and every control used here takes one int. A control
        // that is refused leaves the encoder as it was.
        unsafe { vpx_codec_control_(&mut *self.context, control as c_int, value) };
    }
}

impl Drop for VpxEncoder {
    fn drop(&mut self) {
        // SAFETY: the context was initialised and is not used after this.
        unsafe { vpx_codec_destroy(&mut *self.context) };
    }
}

fn configure(config: &mut vpx_codec_enc_cfg_t, settings: &EncoderSettings) {
    config.g_w = settings.width.into();
    config.g_h = settings.height.into();
    config.g_threads = 1;
    config.g_timebase = vpx_rational { num: 1, den: CLOCK as c_int };
    config.g_error_resilient = 0;
    config.g_pass = vpx_enc_pass::VPX_RC_ONE_PASS;
    config.g_lag_in_frames = 0;
    config.kf_mode = vpx_kf_mode::VPX_KF_DISABLED;
    config.rc_end_usage = vpx_rc_mode::VPX_CBR;
    config.rc_target_bitrate = (settings.bitrate / 1000).max(1);
    config.rc_dropframe_thresh = 30;
    config.rc_resize_allowed = 0;
    config.rc_min_quantizer = 2;
    config.rc_max_quantizer = 56;
    config.rc_undershoot_pct = 100;
    config.rc_overshoot_pct = 15;
    // Milliseconds of the target rate.
    config.rc_buf_initial_sz = 500;
    config.rc_buf_optimal_sz = 600;
    config.rc_buf_sz = 1000;
}

fn refused(reason: String) -> EncoderError {
    EncoderError::Library { name: "libvpx", reason }
}
