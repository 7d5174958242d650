//! Frames of the tags of one stream: what the configuration before a frame says goes into it.

use super::error::FlvError;
use super::units::Units;
use super::video::VideoTag;
use super::{audio, video};
use crate::codec::{Codec, av1};
use crate::ingest::{Sound, VideoFrame};

/// Bytes of an av1C that are kept.
const MAX_OBUS: usize = 16 * 1024;
/// Of the record before the OBUs (AV1 in ISOBMFF 2.3.3).
const AV1C_HEADER: usize = 4;

/// Makes frames of tags. The latest configuration of a kind holds.
#[derive(Default)]
pub struct Demuxer {
    configuration: Option<Configuration>,
    /// The frame that was given last, in memory that is used again.
    frame: Vec<u8>,
}

enum Configuration {
    Units(Codec, Units),
    /// OBUs, of which the sequence header goes in front of keyframes that have none.
    Av1(Vec<u8>),
}

impl Demuxer {
    /// A frame of a tag of pictures, if it holds one. Frames before their configuration are left out.
    ///
    /// # Errors
    /// As [`FlvError`] says; the next tag may be fine.
    pub fn video(&mut self, tag: &[u8]) -> Result<Option<VideoFrame<'_>>, FlvError> {
        let (codec, keyframe, composition, data) = match video::parse(tag)? {
            None => return Ok(None),
            Some(VideoTag::Configuration { codec, record }) => {
                self.configure(codec, record)?;
                return Ok(None);
            }
            Some(VideoTag::Frame { codec, keyframe, composition, data }) => {
                (codec, keyframe, composition, data)
            }
        };
        self.frame.clear();
        match (&self.configuration, codec) {
            (Some(Configuration::Units(known, units)), _) if *known == codec => {
                units.append(data, &mut self.frame)?;
            }
            (Some(Configuration::Av1(obus)), Codec::Av1) => {
                if keyframe && !has_sequence_header(data) {
                    self.frame.extend_from_slice(obus);
                }
                self.frame.extend_from_slice(data);
            }
            (_, Codec::Vp8 | Codec::Vp9) => self.frame.extend_from_slice(data),
            _ => return Ok(None),
        }
        Ok(Some(VideoFrame { codec, keyframe, composition, data: &self.frame }))
    }

    fn configure(&mut self, codec: Codec, record: &[u8]) -> Result<(), FlvError> {
        let configuration = match codec {
            Codec::H264 | Codec::H265 => Configuration::Units(codec, Units::parse(codec, record)?),
            Codec::Av1 => {
                let obus = record.get(AV1C_HEADER..).ok_or(FlvError::Malformed)?;
                if obus.len() > MAX_OBUS {
                    return Err(FlvError::Malformed);
                }
                Configuration::Av1(obus.to_vec())
            }
            // What a vpcC says is in the frames.
            _ => return Ok(()),
        };
        self.configuration = Some(configuration);
        Ok(())
    }

    /// What a tag of sound holds, if it is of any use.
    ///
    /// # Errors
    /// As [`FlvError`] says; the next tag may be fine.
    pub fn audio<'a>(&mut self, tag: &'a [u8]) -> Result<Option<Sound<'a>>, FlvError> {
        audio::parse(tag)
    }
}

fn has_sequence_header(mut data: &[u8]) -> bool {
    while let Some((obu, rest)) = av1::split_obu(data) {
        if obu.kind == av1::SEQUENCE_HEADER {
            return true;
        }
        data = rest;
    }
    false
}
