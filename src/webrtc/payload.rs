//! The payload formats str0m negotiated for an m-line, in the engine's terms.

use str0m::Rtc;
use str0m::format::PayloadParams;
use str0m::media::Mid;

use super::config::codec_of;
use crate::codec::Codec;
use crate::codec::format::{Format, Parameters};
use crate::receiving::FeedbackKinds;

/// The formats of an m-line, most wanted first.
pub(super) fn formats(rtc: &Rtc, mid: Mid) -> Vec<Format> {
    let Some(media) = rtc.media(mid) else { return Vec::new() };
    let remote = media.remote_pts();
    rtc.codec_config()
        .params()
        .iter()
        .filter(|params| remote.contains(&params.pt()))
        .filter_map(format)
        .collect()
}

/// The feedback that was agreed on for an m-line.
pub(super) fn feedback(rtc: &Rtc, mid: Mid) -> FeedbackKinds {
    let Some(media) = rtc.media(mid) else { return FeedbackKinds::default() };
    let remote = media.remote_pts();
    let params = rtc.codec_config().params().iter().filter(|p| remote.contains(&p.pt()));
    params.fold(FeedbackKinds::default(), |all, params| FeedbackKinds {
        nack: all.nack || params.fb_nack(),
        pli: all.pli || params.fb_pli(),
        fir: all.fir || params.fb_fir(),
        transport_cc: all.transport_cc || params.fb_transport_cc(),
        remb: all.remb || params.fb_remb(),
    })
}

fn format(params: &PayloadParams) -> Option<Format> {
    let spec = params.spec();
    let codec = codec_of(spec.codec)?;
    let profile = match codec {
        Codec::Vp9 => spec.format.profile_id.unwrap_or(0),
        Codec::Av1 => u32::from(spec.format.profile.unwrap_or(0)),
        // profile_idc is the first of the three bytes (RFC 6184 8.1); 42 is the default.
        Codec::H264 => spec.format.profile_level_id.unwrap_or(0x42_00_0a) >> 16,
        Codec::H265 => {
            spec.format.h265_profile_tier_level.map_or(1, |level| u32::from(level.profile_id()))
        }
        _ => 0,
    };
    Some(Format {
        codec,
        pt: *params.pt(),
        red: params.red().map(|pt| *pt),
        rtx: params.resend().map(|pt| *pt),
        parameters: Parameters {
            profile,
            packetization_mode: spec.format.packetization_mode.unwrap_or(0),
        },
    })
}
