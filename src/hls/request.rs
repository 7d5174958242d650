//! What a player asks for: paths and queries as playlists name them.

/// A request below the address of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Name of the rendition; the whole stream's playlist has none.
    pub(super) rendition: Option<String>,
    pub(super) want: Want,
}

/// What is wanted of a rendition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Its playlist; when it has at least this segment, or this part of it (rfc8216bis 6.2.5.2).
    Playlist(Option<(u64, Option<u64>)>),
    /// An initialization segment.
    Init(u64),
    /// A whole segment.
    Segment(u64),
    /// A part of one.
    Part(u64, u64),
}

impl Request {
    /// Of the whole stream's playlist.
    pub(super) fn is_whole(&self) -> bool {
        self.rendition.is_none()
    }

    /// Of the path below the stream's address, without a slash in front, and of what stands behind a
    /// question mark.
    ///
    /// # Errors
    /// [`Wrong`] when it is nothing that a playlist names.
    pub(super) fn parse(path: &str, query: &str, tag: &str) -> Result<Self, Wrong> {
        if path == "index.m3u8" {
            return Ok(Self { rendition: None, want: Want::Playlist(None) });
        }
        let (rendition, file) = path.split_once('/').ok_or(Wrong::File)?;
        let want = if file == "live.m3u8" {
            Want::Playlist(reload(query).ok_or(Wrong::Directives)?)
        } else {
            media(file, tag).ok_or(Wrong::File)?
        };
        Ok(Self { rendition: Some(rendition.to_owned()), want })
    }
}

/// Why something is no request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wrong {
    /// No such file is ever named.
    File,
    /// Delivery directives that make no sense.
    Directives,
}

/// `init0-TAG.mp4`, `s12-TAG.mp4` or `p12.3-TAG.mp4`.
fn media(file: &str, tag: &str) -> Option<Want> {
    let name = file.strip_suffix(".mp4")?.strip_suffix(tag)?.strip_suffix('-')?;
    if let Some(number) = name.strip_prefix("init") {
        return Some(Want::Init(decimal(number)?));
    }
    if let Some(number) = name.strip_prefix('s') {
        return Some(Want::Segment(decimal(number)?));
    }
    let (segment, part) = name.strip_prefix('p')?.split_once('.')?;
    Some(Want::Part(decimal(segment)?, decimal(part)?))
}

/// Delivery directives (rfc8216bis 6.2.5). The outer `None`: they make no sense.
fn reload(query: &str) -> Option<Option<(u64, Option<u64>)>> {
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
    };
    let segment = value("_HLS_msn").map(|(_, value)| decimal(value));
    let part = value("_HLS_part").map(|(_, value)| decimal(value));
    match (segment, part) {
        (None, None) => Some(None),
        (Some(Some(segment)), None) => Some(Some((segment, None))),
        (Some(Some(segment)), Some(Some(part))) => Some(Some((segment, Some(part)))),
        _ => None,
    }
}

/// Digits alone, of at most 15.
fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}
