//! A port of the mixer: its input and how it is shown.

use super::error::VideoError;
use std::time::Instant;

use super::canvas::View;
use super::draw;
use super::input::Input;
use super::options::{Placeholder, VideoPortOptions, Wanted};
use super::picture::Picture;

#[derive(Default)]
pub(super) struct Port {
    pub input: Input,
    pub options: VideoPortOptions,
    /// The placeholder's picture.
    stand_in: Option<Picture>,
    muted: bool,
    speaking: bool,
    revision: u64,
    pub wanted: Option<Wanted>,
    /// Decoded although it is not shown, for a snapshot.
    pub looked_at: Option<Instant>,
}

impl Port {
    pub(super) fn set_options(&mut self, options: VideoPortOptions) -> Result<(), VideoError> {
        if options.label.as_ref().is_some_and(|label| label.len() > Self::MAX_LABEL) {
            return Err(VideoError::LabelTooLong(Self::MAX_LABEL));
        }
        if options.placeholder != self.options.placeholder {
            self.stand_in = match &options.placeholder {
                Placeholder::Picture(file) => Some(Picture::from(&draw::decode(file)?)),
                Placeholder::Hide | Placeholder::Initials => None,
            };
        }
        self.options = options;
        self.revision += 1;
        Ok(())
    }

    const MAX_LABEL: usize = 1024;

    pub(super) fn set_muted(&mut self, muted: bool) {
        if self.muted != muted {
            self.muted = muted;
            self.revision += 1;
        }
    }

    pub(super) fn set_speaking(&mut self, speaking: bool) {
        self.speaking = speaking;
    }

    /// Whether it takes part in the layout.
    pub(super) fn is_member(&self, now: Instant) -> bool {
        let hidden = self.options.placeholder == Placeholder::Hide;
        self.options.visible && !(hidden && self.input.shown(now).is_none())
    }

    pub(super) fn view(&self, now: Instant) -> View<'_> {
        View {
            shown: self.input.shown(now),
            label: self.options.label.as_deref(),
            placeholder: self.stand_in.as_ref(),
            muted: self.muted,
            speaking: self.speaking && !self.muted,
            revision: self.revision,
        }
    }
}
