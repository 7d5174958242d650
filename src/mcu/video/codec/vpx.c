/*
 * libvpx behind calls of our own. It is compiled against the headers that are installed, so that
 * neither the layout of libvpx's structures nor the ABI number that its calls want is known in Rust:
 * both change from version to version. Declared in vpx_library.rs.
 */

#include <stdint.h>
#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

/* A picture as it lies in libvpx's memory: luma, and two planes of chroma of half the size, rounded up. */
struct medialoom_vpx_i420 {
  uint8_t *planes[3];
  int32_t strides[3];
  uint32_t width;
  uint32_t height;
};

/* What an encoder is made with. */
struct medialoom_vpx_settings {
  uint32_t width;
  uint32_t height;
  /* Ticks a second in which time is told. */
  uint32_t clock;
  uint32_t kilobits_per_second;
  int32_t vp9;
};

/* What one picture became. */
struct medialoom_vpx_packet {
  const uint8_t *data;
  size_t length;
  int32_t keyframe;
};

struct medialoom_vpx_encoder {
  vpx_codec_ctx_t context;
  /* Wanted again with every change of the rate. */
  vpx_codec_enc_cfg_t configuration;
};

const char *medialoom_vpx_version(void) { return vpx_codec_version_str(); }

/* What a result other than 0 means. */
const char *medialoom_vpx_describe(int32_t result) {
  return vpx_codec_err_to_string((vpx_codec_err_t)result);
}

/* A decoder with one thread; null when none can be made. */
void *medialoom_vpx_decoder_new(int32_t vp9) {
  vpx_codec_ctx_t *context = calloc(1, sizeof *context);
  if (context == NULL) return NULL;
  vpx_codec_dec_cfg_t configuration = {0};
  configuration.threads = 1;
  vpx_codec_iface_t *codec = vp9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx();
  if (vpx_codec_dec_init(context, codec, &configuration, 0) == VPX_CODEC_OK) return context;
  free(context);
  return NULL;
}

void medialoom_vpx_decoder_free(void *decoder) {
  vpx_codec_destroy(decoder);
  free(decoder);
}

/* 0 when it could be decoded. */
int32_t medialoom_vpx_decode(void *decoder, const uint8_t *data, uint32_t length) {
  return (int32_t)vpx_codec_decode(decoder, data, length, NULL, 0);
}

/* The next image of what was decoded last, null behind the last one. It stays until the next call to decode. */
const void *medialoom_vpx_next_image(void *decoder, const void **iterator) {
  return vpx_codec_get_frame(decoder, iterator);
}

/* Whether an image is one of 8 bits and 4:2:0, and then where it lies. */
int32_t medialoom_vpx_i420(const void *image, struct medialoom_vpx_i420 *out) {
  const vpx_image_t *picture = image;
  if (picture->fmt != VPX_IMG_FMT_I420) return 0;
  for (int i = 0; i < 3; i++) {
    out->planes[i] = picture->planes[i];
    out->strides[i] = picture->stride[i];
  }
  out->width = picture->d_w;
  out->height = picture->d_h;
  return 1;
}

/* Tuned for conversations: constant bit rate, no look-ahead, keyframes only when asked for. */
static void configure(vpx_codec_enc_cfg_t *configuration, const struct medialoom_vpx_settings *settings) {
  configuration->g_w = settings->width;
  configuration->g_h = settings->height;
  configuration->g_threads = 1;
  configuration->g_timebase.num = 1;
  configuration->g_timebase.den = (int)settings->clock;
  configuration->g_error_resilient = 0;
  configuration->g_pass = VPX_RC_ONE_PASS;
  configuration->g_lag_in_frames = 0;
  configuration->kf_mode = VPX_KF_DISABLED;
  configuration->rc_end_usage = VPX_CBR;
  configuration->rc_target_bitrate = settings->kilobits_per_second;
  configuration->rc_dropframe_thresh = 30;
  configuration->rc_resize_allowed = 0;
  configuration->rc_min_quantizer = 2;
  configuration->rc_max_quantizer = 56;
  configuration->rc_undershoot_pct = 100;
  configuration->rc_overshoot_pct = 15;
  /* Milliseconds of the target rate. */
  configuration->rc_buf_initial_sz = 500;
  configuration->rc_buf_optimal_sz = 600;
  configuration->rc_buf_sz = 1000;
}

/* Null when libvpx refuses; `result` says why. */
struct medialoom_vpx_encoder *medialoom_vpx_encoder_new(const struct medialoom_vpx_settings *settings, int32_t *result) {
  struct medialoom_vpx_encoder *encoder = calloc(1, sizeof *encoder);
  if (encoder == NULL) {
    *result = VPX_CODEC_MEM_ERROR;
    return NULL;
  }
  vpx_codec_iface_t *codec = settings->vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
  *result = (int32_t)vpx_codec_enc_config_default(codec, &encoder->configuration, 0);
  if (*result == VPX_CODEC_OK) {
    configure(&encoder->configuration, settings);
    *result = (int32_t)vpx_codec_enc_init(&encoder->context, codec, &encoder->configuration, 0);
  }
  if (*result != VPX_CODEC_OK) {
    free(encoder);
    return NULL;
  }
  /* A control that is refused leaves the encoder as it was. */
  vpx_codec_control(&encoder->context, VP8E_SET_STATIC_THRESHOLD, 1);
  /* A keyframe takes at most so much more than the average picture, in per cent. */
  vpx_codec_control(&encoder->context, VP8E_SET_MAX_INTRA_BITRATE_PCT, 600);
  if (settings->vp9) {
    const unsigned int cyclic_refresh = 3;
    vpx_codec_control(&encoder->context, VP9E_SET_AQ_MODE, cyclic_refresh);
  }
  return encoder;
}

void medialoom_vpx_encoder_free(struct medialoom_vpx_encoder *encoder) {
  vpx_codec_destroy(&encoder->context);
  free(encoder);
}

/* How little is searched: libvpx's CPUUSED. */
void medialoom_vpx_set_effort(struct medialoom_vpx_encoder *encoder, int32_t effort) {
  vpx_codec_control(&encoder->context, VP8E_SET_CPUUSED, effort);
}

/* A refusal leaves the rate as it was. */
void medialoom_vpx_set_bitrate(struct medialoom_vpx_encoder *encoder, uint32_t kilobits_per_second) {
  encoder->configuration.rc_target_bitrate = kilobits_per_second;
  vpx_codec_enc_config_set(&encoder->context, &encoder->configuration);
}

/*
 * Encodes a picture of the encoder's size, which is even: three planes behind each other without
 * padding. It is read until this returns, and not written to. 0 when it could be encoded.
 */
int32_t medialoom_vpx_encode(struct medialoom_vpx_encoder *encoder, const uint8_t *i420, int64_t timestamp,
                             uint32_t duration, int32_t keyframe) {
  vpx_image_t image;
  const vpx_codec_enc_cfg_t *size = &encoder->configuration;
  if (vpx_img_wrap(&image, VPX_IMG_FMT_I420, size->g_w, size->g_h, 1, (uint8_t *)i420) == NULL) {
    return VPX_CODEC_INVALID_PARAM;
  }
  return (int32_t)vpx_codec_encode(&encoder->context, &image, timestamp, duration,
                                   keyframe ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME);
}

/* The next packet of what was encoded last; 0 behind the last one. It stays until the next call to encode. */
int32_t medialoom_vpx_next_packet(struct medialoom_vpx_encoder *encoder, const void **iterator,
                                  struct medialoom_vpx_packet *out) {
  const vpx_codec_cx_pkt_t *packet;
  while ((packet = vpx_codec_get_cx_data(&encoder->context, iterator)) != NULL) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    out->data = packet->data.frame.buf;
    out->length = packet->data.frame.sz;
    out->keyframe = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    return 1;
  }
  return 0;
}
