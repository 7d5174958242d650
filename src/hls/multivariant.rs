//! The playlist of a whole stream (rfc8216bis 4.4.6): which renditions there are.

use std::fmt::Write;

use super::rendition::Rendition;
use crate::codec::Kind;

/// Until something was measured, and for what is not in the rate of frames.
const LEAST_RATE: u64 = 32_000;

/// Every rendition that has a format.
pub(super) fn multivariant(renditions: &[Rendition]) -> String {
    let of = |kind: Kind| {
        renditions
            .iter()
            .filter(move |known| known.kind == kind && known.format.is_some() && !known.failed)
    };
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:9\n");
    let sounds: Vec<&Rendition> = of(Kind::Audio).collect();
    let pictures = of(Kind::Video).count() > 0;
    if pictures {
        for (index, sound) in sounds.iter().enumerate() {
            let default = if index == 0 { "YES" } else { "NO" };
            let title = if sound.title.is_empty() { &sound.name } else { &sound.title };
            // Writing to a string never fails.
            let _ = write!(
                text,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"{}\",DEFAULT={default},AUTOSELECT=YES",
                quoted(title)
            );
            if sound.language != "und" {
                let _ = write!(text, ",LANGUAGE=\"{}\"", quoted(&sound.language));
            }
            let _ = writeln!(text, ",URI=\"{}/live.m3u8\"", sound.name);
        }
    }
    let best = |sounds: &[&Rendition]| {
        let loudest = sounds.iter().max_by_key(|sound| sound.peak_rate);
        loudest.map_or((0, 0), |sound| (sound.peak_rate.max(LEAST_RATE), sound.average_rate()))
    };
    let variants = if pictures { of(Kind::Video).collect() } else { sounds.clone() };
    for variant in variants {
        let Some(format) = &variant.format else { continue };
        let (mut peak, mut average) = (variant.peak_rate, variant.average_rate());
        let mut codecs = quoted(&format.codec);
        if pictures && let Some(sound) = sounds.first().and_then(|sound| sound.format.as_ref()) {
            let (sound_peak, sound_average) = best(&sounds);
            peak += sound_peak;
            average += sound_average;
            codecs.push(',');
            codecs.push_str(&quoted(&sound.codec));
        }
        let peak = peak.max(average).max(LEAST_RATE);
        let average = average.max(LEAST_RATE);
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\""
        );
        if let Some((width, height)) = format.size {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        if pictures && !sounds.is_empty() {
            text.push_str(",AUDIO=\"sound\"");
        }
        let _ = write!(text, "\n{}/live.m3u8\n", variant.name);
    }
    text
}

/// A quoted-string has no line feeds and no quotes (rfc8216bis 4.2).
fn quoted(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '"' { ' ' } else { c }).collect()
}
