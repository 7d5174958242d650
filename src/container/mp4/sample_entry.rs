//! What a decoder of a track has to know: sample entries (ISO/IEC 14496-12 8.5.2), codec by codec,
//! and the names that playlists and `MediaSource` give codecs (RFC 6381).

use super::boxes::{boxed, full, u16s, u32s};
use crate::codec::Codec;
use crate::codec::configuration::Configuration;
use crate::container::error::ContainerError;

/// Whether a file holds it.
///
/// # Errors
/// [`ContainerError::Codec`]: VP8 in MP4 plays nowhere but in Chromium, G.711 and G.722 have no entry.
pub(super) fn holds(codec: Codec) -> Result<(), ContainerError> {
    match codec {
        Codec::Opus | Codec::H264 | Codec::H265 | Codec::Av1 | Codec::Vp9 => Ok(()),
        Codec::Vp8 | Codec::Pcmu | Codec::Pcma | Codec::G722 => {
            Err(ContainerError::Codec { codec, container: "MP4" })
        }
    }
}

/// Appends the entry. `inline`: parameter sets other than those of the entry are in the frames.
pub(super) fn entry(out: &mut Vec<u8>, codec: Codec, configuration: &Configuration, inline: bool) {
    let record = &configuration.record;
    match codec {
        // ISO/IEC 14496-15 5.4.2.1: avc3 and hev1 allow parameter sets in samples.
        Codec::H264 => visual(out, if inline { b"avc3" } else { b"avc1" }, configuration, |out| {
            boxed(out, b"avcC", |out| out.extend_from_slice(record));
        }),
        Codec::H265 => visual(out, if inline { b"hev1" } else { b"hvc1" }, configuration, |out| {
            boxed(out, b"hvcC", |out| {
                let at = out.len();
                out.extend_from_slice(record);
                if !inline {
                    complete_arrays(out.get_mut(at..).unwrap_or_default());
                }
            });
        }),
        Codec::Av1 => visual(out, b"av01", configuration, |out| {
            boxed(out, b"av1C", |out| out.extend_from_slice(record));
        }),
        Codec::Vp9 => visual(out, b"vp09", configuration, |out| {
            full(out, b"vpcC", 1, 0, |out| {
                out.extend_from_slice(&configuration.vpcc.unwrap_or_default());
            });
        }),
        Codec::Opus => opus(out, record),
        Codec::Vp8 | Codec::Pcmu | Codec::Pcma | Codec::G722 => {}
    }
}

/// VisualSampleEntry (ISO/IEC 14496-12 12.1.3).
fn visual(
    out: &mut Vec<u8>,
    name: &[u8; 4],
    configuration: &Configuration,
    record: impl FnOnce(&mut Vec<u8>),
) {
    let (width, height) = configuration.size.unwrap_or((1, 1));
    boxed(out, name, |out| {
        data_reference(out);
        u32s(out, &[0; 4]);
        u16s(out, &[width, height]);
        // 72 pixels an inch; one frame a sample.
        u32s(out, &[0x48_0000, 0x48_0000, 0]);
        u16s(out, &[1]);
        // No name of a compressor; 24 bits of depth.
        u32s(out, &[0; 8]);
        u16s(out, &[24, 0xffff]);
        record(out);
    });
}

/// OpusSampleEntry ("Encapsulation of Opus in ISO Base Media File Format" 4.3).
fn opus(out: &mut Vec<u8>, head: &[u8]) {
    // OpusHead (RFC 7845 5.1) has the same, little-endian.
    let channels = head.get(9).copied().unwrap_or(2);
    let pre_skip =
        head.get(10..12).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b));
    boxed(out, b"Opus", |out| {
        data_reference(out);
        u32s(out, &[0; 2]);
        u16s(out, &[channels.into(), 16, 0, 0]);
        u32s(out, &[48_000 << 16]);
        boxed(out, b"dOps", |out| {
            out.extend([0, channels]);
            u16s(out, &[pre_skip]);
            u32s(out, &[48_000]);
            u16s(out, &[0]);
            out.push(0);
        });
    });
}

/// SampleEntry: six bytes that are reserved, and that the data is in this file.
fn data_reference(out: &mut Vec<u8>) {
    u16s(out, &[0, 0, 0, 1]);
}

/// hvc1: every parameter set is in the record (ISO/IEC 14496-15 8.3.3.1.2, array_completeness).
fn complete_arrays(record: &mut [u8]) {
    let Some(&arrays) = record.get(22) else { return };
    let mut at = 23;
    for _ in 0..arrays {
        let Some([kind, high, low]) = record.get_mut(at..).and_then(|r| r.first_chunk_mut()) else {
            return;
        };
        *kind |= 0x80;
        let units = u16::from_be_bytes([*high, *low]);
        at += 3;
        for _ in 0..units {
            let Some(len) = record.get(at..).and_then(|r| r.first_chunk()) else { return };
            at += 2 + usize::from(u16::from_be_bytes(*len));
        }
    }
}

/// The codec as RFC 6381 and the bindings of each codec name it.
pub(super) fn codec_name(codec: Codec, configuration: &Configuration, inline: bool) -> String {
    let at = |index: usize| configuration.record.get(index).copied().unwrap_or(0);
    match codec {
        Codec::H264 => {
            let name = if inline { "avc3" } else { "avc1" };
            format!("{name}.{:02x}{:02x}{:02x}", at(1), at(2), at(3))
        }
        Codec::H265 => hevc_name(&configuration.record, inline),
        Codec::Av1 => {
            let (profile, level) = (at(1) >> 5, at(1) & 0x1f);
            let tier = if at(2) & 0x80 == 0 { 'M' } else { 'H' };
            let depth = match at(2) & 0x60 {
                0x60 => 12,
                0x40 => 10,
                _ => 8,
            };
            format!("av01.{profile}.{level:02}{tier}.{depth:02}")
        }
        Codec::Vp9 => {
            let [profile, level, colours, ..] = configuration.vpcc.unwrap_or_default();
            format!("vp09.{profile:02}.{level:02}.{:02}", colours >> 4)
        }
        codec => codec.name().to_owned(),
    }
}

/// ISO/IEC 14496-15 Annex E.3.
fn hevc_name(record: &[u8], inline: bool) -> String {
    let Some(&[_, general, c0, c1, c2, c3]) = record.first_chunk() else {
        return "hvc1".to_owned();
    };
    let space = ["", "A", "B", "C"][usize::from(general >> 6)];
    let compatible = u32::from_be_bytes([c0, c1, c2, c3]).reverse_bits();
    let tier = if general & 0x20 == 0 { 'L' } else { 'H' };
    let level = record.get(12).copied().unwrap_or(0);
    let name = if inline { "hev1" } else { "hvc1" };
    let mut name = format!("{name}.{space}{}.{compatible:X}.{tier}{level}", general & 0x1f);
    let constraints = record.get(6..12).unwrap_or_default();
    let used = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in constraints.iter().take(used) {
        name.push_str(&format!(".{byte:X}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(codec: Codec, record: &[u8]) -> String {
        let configuration = Configuration { record: record.to_vec(), ..Configuration::default() };
        codec_name(codec, &configuration, false)
    }

    #[test]
    fn codecs_are_named_as_players_ask_for_them() {
        assert_eq!(record(Codec::H264, &[1, 0x42, 0xe0, 0x1f]), "avc1.42e01f");
        let hevc = [1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(record(Codec::H265, &hevc), "hvc1.1.6.L93.B0");
        assert_eq!(record(Codec::Av1, &[0x81, 4, 0]), "av01.0.04M.08");
        assert_eq!(record(Codec::Opus, &[]), "opus");
        let vpcc = Some([0, 31, 0x82, 1, 1, 1, 0, 0]);
        let vp9 = Configuration { vpcc, ..Configuration::default() };
        assert_eq!(codec_name(Codec::Vp9, &vp9, false), "vp09.00.31.08");
    }

    #[test]
    fn arrays_of_parameter_sets_are_complete_unless_others_may_come() {
        let mut record = vec![0; 22];
        record.extend([2, 32, 0, 1, 0, 2, 7, 7, 33, 0, 1, 0, 1, 7]);
        complete_arrays(&mut record);
        assert_eq!((record[23], record[30]), (0xa0, 0xa1));
        for cut in 0..record.len() {
            complete_arrays(&mut record[..cut]);
        }
    }
}
