//! AAC in RTP (RFC 3640), in the modes AAC-hbr and AAC-lbr: whole frames, or pieces of one.

use std::fmt;

use super::description::MediaFormat;

/// Bytes of an AudioSpecificConfig.
const MAX_CONFIG: usize = 64;
/// Frames of one packet.
const MAX_UNITS: usize = 64;
/// Bytes of a frame: 6,144 bits a channel (ISO/IEC 14496-3 4.5.1), and the 13 bits of its size.
const MAX_UNIT: usize = 8191;
/// Samples of a frame of AAC-LC.
const FRAME: u32 = 1024;

/// What a description says of AAC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AacFormat {
    pub payload_type: u8,
    /// In Hz, of timestamps.
    pub clock_rate: u32,
    /// AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
    pub config: Vec<u8>,
    size_length: u8,
    index_length: u8,
}

/// Why a description of AAC is of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnusableAac {
    /// It is another codec.
    OtherCodec,
    /// A mode with headers that are not read.
    Mode,
    /// No configuration, or what is none.
    Configuration,
}

impl fmt::Display for UnusableAac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherCodec => "it is no AAC by RFC 3640",
            Self::Mode => "its AAC is of another mode than AAC-hbr and AAC-lbr (RFC 3640 3.3)",
            Self::Configuration => "its AAC comes without a configuration (RFC 3640 4.1)",
        })
    }
}

impl AacFormat {
    /// Reads what `a=rtpmap` and `a=fmtp` say.
    ///
    /// # Errors
    /// [`UnusableAac`].
    pub fn read(format: &MediaFormat) -> Result<Self, UnusableAac> {
        let mut parts = format.encoding.split('/');
        let name = parts.next().unwrap_or_default();
        if !name.eq_ignore_ascii_case("mpeg4-generic") {
            return Err(UnusableAac::OtherCodec);
        }
        let rate = parts.next().and_then(|rate| rate.parse().ok());
        let clock_rate = rate.filter(|rate| (8_000..=96_000).contains(rate));
        let clock_rate = clock_rate.ok_or(UnusableAac::Configuration)?;
        let number =
            |name: &str| format.parameter(name).map_or(Some(0), |value| value.parse().ok());
        let (size, index, delta) = match format.parameter("mode") {
            Some(mode) if mode.eq_ignore_ascii_case("aac-hbr") => (13, 3, 3),
            Some(mode) if mode.eq_ignore_ascii_case("aac-lbr") => (6, 2, 2),
            _ => return Err(UnusableAac::Mode),
        };
        let said = [number("sizelength"), number("indexlength"), number("indexdeltalength")];
        let as_its_mode = said
            .iter()
            .zip([size, index, delta])
            .all(|(said, of_mode)| matches!(said, Some(0)) || *said == Some(of_mode));
        // Headers may have more in them, which no camera sends with these modes.
        let more = [
            "ctsdeltalength",
            "dtsdeltalength",
            "streamstateindication",
            "auxiliarydatasizelength",
        ];
        let more = more.iter().any(|name| number(name) != Some(0));
        if !as_its_mode || more {
            return Err(UnusableAac::Mode);
        }
        let config =
            format.parameter("config").and_then(bytes_of).filter(|config| config.len() >= 2);
        let config = config.ok_or(UnusableAac::Configuration)?;
        let (size_length, index_length) = (size, index);
        Ok(Self {
            payload_type: format.payload_type,
            clock_rate,
            config,
            size_length,
            index_length,
        })
    }
}

/// Hexadecimal digits.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_matches('"').as_bytes();
    if digits.len() > 2 * MAX_CONFIG || !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let pairs = digits.as_chunks::<2>().0;
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?) as u8)).collect()
}

/// Makes frames of packets that come in order.
#[derive(Default, Debug)]
pub struct AccessUnits {
    /// The beginning of a frame whose rest is in packets to come: its timestamp, its size, and the bytes.
    partial: Option<(u32, usize, Vec<u8>)>,
}

impl AccessUnits {
    /// A packet is missing: what it would have gone on with is of no use.
    pub fn lost(&mut self) {
        self.partial = None;
    }

    /// Takes the payload of a packet, and hands each frame on with its timestamp. `false` when it is
    /// damaged; what was whole was handed on.
    pub fn receive(
        &mut self,
        format: &AacFormat,
        timestamp: u32,
        payload: &[u8],
        mut frame: impl FnMut(u32, &[u8]),
    ) -> bool {
        let Some((bits, rest)) = payload.split_first_chunk::<2>() else { return false };
        let bits = usize::from(u16::from_be_bytes(*bits));
        let Some((headers, mut data)) = rest.split_at_checked(bits.div_ceil(8)) else {
            return false;
        };
        let each = usize::from(format.size_length) + usize::from(format.index_length);
        let count = bits / each;
        if count == 0 || count > MAX_UNITS {
            return false;
        }
        for place in 0..count {
            let header = bits_at(headers, place * each, each);
            let (size, index) = (
                (header >> format.index_length) as usize,
                header & ((1 << format.index_length) - 1),
            );
            // Frames that are spread over packets in another order (RFC 3640 3.2.3.2).
            if index != 0 {
                return false;
            }
            let timestamp = timestamp.wrapping_add(FRAME * place as u32);
            if count == 1 && (size > data.len() || self.partial.is_some()) {
                return self.piece(timestamp, size, data, frame);
            }
            self.partial = None;
            let Some((unit, after)) = data.split_at_checked(size) else { return false };
            frame(timestamp, unit);
            data = after;
        }
        true
    }

    /// A frame that is larger than a packet: all pieces have its timestamp and its whole size.
    fn piece(
        &mut self,
        timestamp: u32,
        size: usize,
        data: &[u8],
        mut frame: impl FnMut(u32, &[u8]),
    ) -> bool {
        let known = self.partial.take().filter(|(at, of, _)| (*at, *of) == (timestamp, size));
        let (_, _, mut bytes) = known.unwrap_or((timestamp, size, Vec::new()));
        if size > MAX_UNIT || bytes.len() + data.len() > size {
            return false;
        }
        bytes.extend_from_slice(data);
        if bytes.len() == size {
            frame(timestamp, &bytes);
        } else {
            self.partial = Some((timestamp, size, bytes));
        }
        true
    }
}

/// So many bits, up to 16, from there on.
fn bits_at(bytes: &[u8], from: usize, count: usize) -> u32 {
    let first = from / 8;
    let word = (0..3usize)
        .fold(0u32, |word, at| word << 8 | u32::from(bytes.get(first + at).copied().unwrap_or(0)));
    word >> (24 - from % 8 - count) & ((1 << count) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(parameters: &str) -> MediaFormat {
        MediaFormat {
            payload_type: 97,
            encoding: "MPEG4-GENERIC/44100/2".into(),
            parameters: parameters.into(),
        }
    }

    fn hbr() -> AacFormat {
        AacFormat::read(&format("streamtype=5;profile-level-id=2;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210")).unwrap()
    }

    fn frames(
        units: &mut AccessUnits,
        timestamp: u32,
        payload: &[u8],
    ) -> (bool, Vec<(u32, Vec<u8>)>) {
        let mut frames = Vec::new();
        let whole = units
            .receive(&hbr(), timestamp, payload, |at, frame| frames.push((at, frame.to_vec())));
        (whole, frames)
    }

    #[test]
    fn a_description_of_aac_is_read() {
        assert_eq!((hbr().clock_rate, &*hbr().config), (44_100, &[0x12, 0x10][..]));
        let refused = |parameters| AacFormat::read(&format(parameters)).unwrap_err();
        assert_eq!(refused("mode=AAC-hbr;config="), UnusableAac::Configuration);
        assert_eq!(refused("mode=CELP-cbr;config=1210"), UnusableAac::Mode);
        assert_eq!(refused("mode=AAC-hbr;sizelength=12;config=1210"), UnusableAac::Mode);
        assert_eq!(refused("mode=AAC-hbr;ctsdeltalength=4;config=1210"), UnusableAac::Mode);
        let g711 =
            MediaFormat { payload_type: 0, encoding: String::new(), parameters: String::new() };
        assert_eq!(AacFormat::read(&g711), Err(UnusableAac::OtherCodec));
    }

    #[test]
    fn one_packet_has_several_frames_each_with_its_time() {
        let mut units = AccessUnits::default();
        let payload = [0, 32, 0, 3 << 3, 0, 2 << 3, 1, 2, 3, 4, 5];
        let expected = vec![(900, vec![1, 2, 3]), (900 + 1024, vec![4, 5])];
        assert_eq!(frames(&mut units, 900, &payload), (true, expected));
    }

    #[test]
    fn a_frame_in_pieces_is_put_together_and_one_with_a_gap_is_not() {
        let mut units = AccessUnits::default();
        let piece = |bytes: &[u8]| [&[0, 16, 0, 5 << 3], bytes].concat();
        assert_eq!(frames(&mut units, 7, &piece(&[1, 2, 3])), (true, vec![]));
        assert_eq!(frames(&mut units, 7, &piece(&[4, 5])), (true, vec![(7, vec![1, 2, 3, 4, 5])]));
        assert_eq!(frames(&mut units, 8, &piece(&[1, 2, 3])), (true, vec![]));
        units.lost();
        assert_eq!(frames(&mut units, 8, &piece(&[4, 5])), (true, vec![]));
    }

    #[test]
    fn damaged_packets_are_told_and_nothing_is_read_beyond_them() {
        let mut units = AccessUnits::default();
        for payload in [
            &[][..],
            &[0],
            &[0, 16],
            &[0, 8, 1],
            &[0, 0, 1, 2],
            &[0xff, 0xff, 1],
            &[0, 16, 0, 1 << 3 | 1, 9],
            &[0, 32, 0, 1 << 3, 0xff, 0xf8, 1],
        ] {
            assert!(!frames(&mut units, 0, payload).0, "{payload:?}");
        }
    }
}
