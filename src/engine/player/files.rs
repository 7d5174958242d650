//! What a player has of its files. Reading them is someone else's.

use std::time::Duration;

use super::error::PlayerError;
use super::form;
use crate::codec::Kind;
use crate::container::reader::ReadTrack;

/// One reading of a file: from a moment on to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Rises with each.
    pub number: u64,
    /// Which file, from 0.
    pub item: usize,
    /// Where it begins.
    pub from: Duration,
}

/// What is heard of a reading, in this order: that it was opened, its frames, its end.
#[derive(Debug)]
pub enum FileNews {
    Opened(OpenedFile),
    Frame(FileFrame),
    /// All of it was given.
    End,
    /// Nothing more of it comes.
    Failed(PlayerError),
}

/// A file that was opened.
#[derive(Debug)]
pub struct OpenedFile {
    /// The tracks of it that are played.
    pub chosen: Chosen,
    /// Of the whole file, where it says that.
    pub duration: Option<Duration>,
    /// Where it really begins: at the keyframe before the moment that was asked for.
    pub begins: Duration,
}

/// A frame of a track that is played.
#[derive(Debug)]
pub struct FileFrame {
    pub kind: Kind,
    /// From the beginning of the file on.
    pub time: Duration,
    /// A decoder can begin with it.
    pub keyframe: bool,
    /// As the file has it.
    pub data: Vec<u8>,
}

/// The files of a player, on a thread that may wait for a disk.
pub trait Files: Send {
    /// Reads this behind what is being read.
    fn read(&mut self, reading: Reading);
    /// Of what is being read nothing more is wanted.
    fn forget(&mut self);
    /// What has become of which reading since the last call. Those that were forgotten may still
    /// show.
    fn poll(&mut self) -> Option<(u64, FileNews)>;
}

/// The tracks of a file that are played.
#[derive(Clone, PartialEq, Debug)]
pub struct Chosen {
    /// With their places among the tracks of the file.
    pub audio: Option<(usize, ReadTrack)>,
    pub video: Option<(usize, ReadTrack)>,
}

impl Chosen {
    /// Chooses of each kind that is wanted the first track that can be played, those first that whoever
    /// made the file means to be.
    ///
    /// # Errors
    /// [`PlayerError::Coding`] where there are tracks of a kind and none can be;
    /// [`PlayerError::Nothing`] without any track.
    pub fn of(tracks: &[ReadTrack], audio: bool, video: bool) -> Result<Self, PlayerError> {
        let choose = |kind: Kind, wanted: bool| {
            let mut of_kind: Vec<(usize, &ReadTrack)> =
                tracks.iter().enumerate().filter(|(_, track)| track.kind == kind).collect();
            of_kind.sort_by_key(|(_, track)| !track.default);
            let mut refused = None;
            for (place, track) in of_kind.into_iter().filter(|_| wanted) {
                match form::refusal(track) {
                    None => return Ok(Some((place, track.clone()))),
                    Some(coding) => refused.get_or_insert(PlayerError::Coding { kind, coding }),
                };
            }
            refused.map_or(Ok(None), Err)
        };
        let chosen =
            Self { audio: choose(Kind::Audio, audio)?, video: choose(Kind::Video, video)? };
        if chosen.audio.is_none() && chosen.video.is_none() {
            return Err(PlayerError::Nothing);
        }
        Ok(chosen)
    }

    /// The track that a jump goes by, by its place: pictures begin with keyframes, sound anywhere.
    pub fn leader(&self) -> usize {
        self.video.as_ref().or(self.audio.as_ref()).map_or(0, |(place, _)| *place)
    }

    /// The kind of the track at a place, if it is played.
    pub fn kind_of(&self, place: usize) -> Option<Kind> {
        let tracks = [self.audio.as_ref(), self.video.as_ref()];
        let found = tracks.into_iter().flatten().find(|(known, _)| *known == place);
        found.map(|(_, track)| track.kind)
    }

    /// The track of a kind.
    pub fn of_kind(&self, kind: Kind) -> Option<&ReadTrack> {
        let track = match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        };
        track.as_ref().map(|(_, track)| track)
    }
}
