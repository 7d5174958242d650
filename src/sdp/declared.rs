//! Formats that are given one by one, without a description around them, or with one that nobody
//! answers: what each payload type means, and the parameter sets that come with it.

use super::agreement::TelephoneEvent;
use super::formats::Companions;
use super::payload::{Meaning, Payload, parse_encoding};
use crate::codec::format::Format;
use crate::codec::{Codec, Kind, base64};

/// Most parameter sets of one payload type, and the longest.
const MAX_SETS: usize = 16;
const MAX_SET: usize = 1024;

/// What a list of payload types comes to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Declared {
    /// In the order in which they were given.
    pub formats: Vec<Format>,
    pub events: Vec<TelephoneEvent>,
    pub parameter_sets: Vec<ParameterSets>,
}

/// Parameter sets of one payload type, of H.264 or H.265, as NAL units (RFC 6184 8.1, RFC 7798 7.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParameterSets {
    pub pt: u8,
    pub codec: Codec,
    pub units: Vec<Vec<u8>>,
}

/// A payload type that means nothing here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Undeclared {
    /// Its place in the list.
    pub index: usize,
}

impl Declared {
    /// Reads what `a=rtpmap` and `a=fmtp` would say: payload type, encoding and parameters of each.
    ///
    /// # Errors
    /// The first payload type that is above 127, comes twice, or is nothing of this kind.
    pub fn new<'a>(
        kind: Kind,
        list: impl Iterator<Item = (u8, &'a str, &'a str)>,
    ) -> Result<Self, Undeclared> {
        let mut payloads: Vec<Payload<'a>> = Vec::new();
        for (index, (pt, encoding, parameters)) in list.enumerate() {
            if pt > 127 || payloads.iter().any(|known| known.pt == pt) {
                return Err(Undeclared { index });
            }
            let mut payload = Payload::new(pt);
            payload.encoding = parse_encoding(encoding).or(payload.encoding);
            payload.fmtp = vec![parameters];
            payloads.push(payload);
        }
        let meanings: Vec<(&Payload<'_>, Meaning)> =
            payloads.iter().map(|payload| (payload, payload.meaning())).collect();
        let companions = Companions::of(&meanings, true);
        let mut declared = Self::default();
        for (index, (payload, meaning)) in meanings.iter().enumerate() {
            let pt = payload.pt;
            match *meaning {
                Meaning::Media(codec) if codec.kind() == kind => {
                    let parameters = payload.parameters(codec).ok_or(Undeclared { index })?;
                    declared.formats.push(Format {
                        codec,
                        pt,
                        red: companions.red(pt, codec),
                        rtx: companions.rtx(pt),
                        events: None,
                        parameters,
                    });
                    declared.parameter_sets.extend(parameter_sets(payload, codec));
                }
                Meaning::TelephoneEvent { clock_rate } if kind == Kind::Audio => {
                    declared.events.push(TelephoneEvent { pt, clock_rate });
                }
                Meaning::Rtx { .. } | Meaning::Red { .. } => {}
                _ => return Err(Undeclared { index }),
            }
        }
        let Self { formats, events, .. } = &mut declared;
        events.iter().for_each(|event| event.belongs_to(formats));
        Ok(declared)
    }
}

/// What the parameters of a format say of its parameter sets. What cannot be read is left out: it may
/// come in band.
fn parameter_sets(payload: &Payload<'_>, codec: Codec) -> Option<ParameterSets> {
    let names: &[&str] = match codec {
        Codec::H264 => &["sprop-parameter-sets"],
        Codec::H265 => &["sprop-vps", "sprop-sps", "sprop-pps"],
        _ => return None,
    };
    let lists = names.iter().filter_map(|name| payload.parameter(name));
    let texts = lists.flat_map(|list| list.split(',')).take(MAX_SETS);
    let units: Vec<Vec<u8>> = texts
        .filter(|text| text.len() <= MAX_SET * 4 / 3)
        .filter_map(|text| base64::decode(text.trim()))
        .filter(|unit| !unit.is_empty())
        .collect();
    (!units.is_empty()).then_some(ParameterSets { pt: payload.pt, codec, units })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(kind: Kind, list: &[(u8, &str, &str)]) -> Result<Declared, Undeclared> {
        Declared::new(kind, list.iter().copied())
    }

    #[test]
    fn sound_has_its_red_and_its_keys() {
        let list = [
            (97, "opus/48000/2", ""),
            (98, "red/48000/2", "97/97"),
            (101, "telephone-event/48000", "0-15"),
        ];
        let Declared { formats, events, .. } = declared(Kind::Audio, &list).unwrap();
        assert_eq!(formats.len(), 1);
        let Format { codec, pt, red, events: keys, .. } = formats[0];
        assert_eq!((codec, pt, red, keys), (Codec::Opus, 97, Some(98), Some(101)));
        assert_eq!(events, [TelephoneEvent { pt: 101, clock_rate: 48_000 }]);
    }

    #[test]
    fn numbers_of_rfc_3551_need_no_name() {
        let Declared { formats, .. } = declared(Kind::Audio, &[(0, "", ""), (8, "", "")]).unwrap();
        assert_eq!(formats.iter().map(|f| f.codec).collect::<Vec<_>>(), [Codec::Pcmu, Codec::Pcma]);
    }

    #[test]
    fn parameter_sets_come_with_the_format() {
        let fmtp =
            "packetization-mode=1; sprop-parameter-sets=Z0LAHw==,aM48gA==; profile-level-id=42C01F";
        let Declared { parameter_sets, formats, .. } =
            declared(Kind::Video, &[(96, "H264/90000", fmtp)]).unwrap();
        assert_eq!(parameter_sets.len(), 1);
        assert_eq!(
            parameter_sets[0].units,
            [vec![0x67, 0x42, 0xc0, 0x1f], vec![0x68, 0xce, 0x3c, 0x80]]
        );
        assert_eq!(formats[0].parameters.packetization_mode, 1);
        let fmtp = "sprop-vps=QAE=;sprop-sps=QgE=; sprop-pps=RAE=";
        let Declared { parameter_sets, .. } =
            declared(Kind::Video, &[(96, "H265/90000", fmtp)]).unwrap();
        assert_eq!(parameter_sets[0].units, [[0x40, 1], [0x42, 1], [0x44, 1]]);
    }

    #[test]
    fn what_means_nothing_is_named_by_its_place() {
        let refused = |kind, list: &[(u8, &str, &str)]| declared(kind, list).unwrap_err().index;
        assert_eq!(refused(Kind::Audio, &[(0, "", ""), (97, "MPEG4-GENERIC/44100/2", "")]), 1);
        assert_eq!(refused(Kind::Video, &[(0, "", "")]), 0, "sound on a line of pictures");
        assert_eq!(refused(Kind::Video, &[(96, "VP8/90000", ""), (96, "VP8/90000", "")]), 1);
        assert_eq!(refused(Kind::Video, &[(200, "VP8/90000", "")]), 0);
        assert_eq!(refused(Kind::Video, &[(96, "H264/90000", "packetization-mode=2")]), 0);
    }
}
