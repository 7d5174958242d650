//! Entries of tracks (RFC 9559 5.1.4), codec by codec (Matroska codec specifications).

use super::elements as id;
use crate::codec::{Codec, Kind};
use crate::container::TrackEntry;
use crate::container::ebml;

/// A decoder of Opus needs 80 ms to be right after a jump (RFC 7845 4.6).
const OPUS_PRE_ROLL: u64 = 80_000_000;

/// Appends the entry of a track.
pub(super) fn entry(out: &mut Vec<u8>, number: u8, track: &TrackEntry, codec_id: &str) {
    ebml::master(out, id::TRACK_ENTRY, |out| {
        ebml::unsigned(out, id::TRACK_NUMBER, number.into());
        ebml::unsigned(out, id::TRACK_UID, number.into());
        let kind = match track.codec.kind() {
            Kind::Video => 1,
            Kind::Audio => 2,
        };
        ebml::unsigned(out, id::TRACK_TYPE, kind);
        ebml::unsigned(out, id::FLAG_LACING, 0);
        if !track.name.is_empty() {
            ebml::text(out, id::NAME, &track.name);
        }
        ebml::text(out, id::LANGUAGE, "und");
        if track.language != "und" && !track.language.is_empty() {
            ebml::text(out, id::LANGUAGE_BCP47, &track.language);
        }
        ebml::text(out, id::CODEC_ID, codec_id);
        let record = match track.codec {
            // The format tag of each, as RIFF registers them (RFC 2361).
            Codec::Pcmu => wave_format(0x0007),
            Codec::Pcma => wave_format(0x0006),
            Codec::G722 => wave_format(0x028f),
            _ => track.configuration.record.clone(),
        };
        if !record.is_empty() {
            ebml::binary(out, id::CODEC_PRIVATE, &record);
        }
        match track.codec.kind() {
            Kind::Video => picture(out, track),
            Kind::Audio => sound(out, track.codec),
        }
    });
}

fn picture(out: &mut Vec<u8>, track: &TrackEntry) {
    let (width, height) = track.configuration.size.unwrap_or((1, 1));
    ebml::master(out, id::VIDEO, |out| {
        ebml::unsigned(out, id::PIXEL_WIDTH, width.into());
        ebml::unsigned(out, id::PIXEL_HEIGHT, height.into());
        if track.rotation != 0 {
            // Counterclockwise, in -180 to 180 (RFC 9559 5.1.4.1.28.46).
            let roll = [0.0, -90.0, 180.0, 90.0][usize::from(track.rotation & 3)];
            ebml::master(out, id::PROJECTION, |out| {
                ebml::unsigned(out, id::PROJECTION_TYPE, 0);
                ebml::float(out, id::PROJECTION_POSE_ROLL, roll);
            });
        }
    });
}

fn sound(out: &mut Vec<u8>, codec: Codec) {
    if codec == Codec::Opus {
        ebml::unsigned(out, id::SEEK_PRE_ROLL, OPUS_PRE_ROLL);
    }
    let (rate, channels, depth) = match codec {
        Codec::Opus => (48_000.0, 2, None),
        // Its RTP clock is that of 8 kHz, its samples are of 16 (RFC 3551 4.5.2).
        Codec::G722 => (16_000.0, 1, Some(4)),
        _ => (8_000.0, 1, Some(8)),
    };
    ebml::master(out, id::AUDIO, |out| {
        ebml::float(out, id::SAMPLING_FREQUENCY, rate);
        ebml::unsigned(out, id::CHANNELS, channels);
        if let Some(depth) = depth {
            ebml::unsigned(out, id::BIT_DEPTH, depth);
        }
    });
}

/// WAVEFORMATEX: one channel, a byte a sample at 8,000 bytes a second.
fn wave_format(tag: u16) -> Vec<u8> {
    let (rate, bits) = if tag == 0x028f { (16_000u32, 4u16) } else { (8_000, 8) };
    let mut format = tag.to_le_bytes().to_vec();
    format.extend(1u16.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend(8_000u32.to_le_bytes());
    format.extend(1u16.to_le_bytes());
    format.extend(bits.to_le_bytes());
    format.extend(0u16.to_le_bytes());
    format
}
