//! The playlist of a whole stream (rfc8216bis 4.4.6): which renditions there are.

use std::fmt::Write;

use super::rendition::Rendition;
use crate::codec::Kind;

/// Until something was measured, and for what is not in the rate of frames.
const LEAST_RATE: u64 = 32_000;

/// Every rendition that has a format.
pub(super) fn multivariant(renditions: &[Rendition]) -> String {
    let of = |kind: Kind| {
        renditions.iter().filter(move |known| known.kind == kind && known.format.is_some())
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
    let loudest = sounds.iter().map(|sound| (rate(sound), sound.average_rate())).max();
    let sound = sounds.first().and_then(|sound| sound.format.as_ref()).zip(loudest);
    for picture in of(Kind::Video) {
        let Some(format) = &picture.format else { continue };
        let (mut peak, mut average) = (rate(picture), picture.average_rate());
        let mut codecs = quoted(&format.codec);
        if let Some((format, (sound_peak, sound_average))) = sound {
            peak += sound_peak;
            average += sound_average;
            codecs.push(',');
            codecs.push_str(&quoted(&format.codec));
        }
        variant(&mut text, (peak, average), &codecs);
        if let Some((width, height)) = format.size {
            let _ = write!(text, ",RESOLUTION={width}x{height}");
        }
        if sound.is_some() {
            text.push_str(",AUDIO=\"sound\"");
        }
        let _ = write!(text, "\n{}/live.m3u8\n", picture.name);
    }
    // Sound alone comes last: for those whose link takes no pictures, or where there are none.
    let alone = if pictures { sounds.get(..1).unwrap_or_default() } else { &sounds[..] };
    for sound in alone {
        let Some(format) = &sound.format else { continue };
        variant(&mut text, (rate(sound), sound.average_rate()), &quoted(&format.codec));
        text.push_str(if pictures { ",AUDIO=\"sound\"\n" } else { "\n" });
        let _ = writeln!(text, "{}/live.m3u8", sound.name);
    }
    text
}

/// The highest rate that is known.
fn rate(rendition: &Rendition) -> u64 {
    rendition.peak_rate.max(rendition.average_rate()).max(LEAST_RATE)
}

fn variant(text: &mut String, (peak, average): (u64, u64), codecs: &str) {
    let average = average.max(LEAST_RATE);
    let _ = write!(
        text,
        "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\""
    );
}

/// A quoted-string has no line feeds and no quotes (rfc8216bis 4.2).
fn quoted(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '"' { ' ' } else { c }).collect()
}
