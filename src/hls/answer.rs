//! What a player gets, and who it is told to.

use bytes::Bytes;

use crate::codec::Kind;

/// What never changes may be kept by whoever passes it on, in seconds: longer than it is of use.
const FOREVER: u32 = 3_600;

/// What a player gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    pub body: Body,
    /// How many seconds it may be kept by whoever passes it on.
    pub max_age: u32,
    /// It will never be anything else.
    pub immutable: bool,
}

/// What is in an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    Playlist(Bytes),
    /// A piece of MP4, of pictures or of sound.
    Media(Kind, Bytes),
    /// Why there is nothing else.
    Words(&'static str),
}

/// Who asked.
pub trait Asker: Send {
    /// Called on whichever thread has the answer.
    fn answer(self: Box<Self>, answer: Answer);
    /// Whether nobody waits for it any more.
    fn is_gone(&self) -> bool;
}

impl<F: FnOnce(Answer) + Send> Asker for F {
    fn answer(self: Box<Self>, answer: Answer) {
        self(answer);
    }

    fn is_gone(&self) -> bool {
        false
    }
}

/// Who asked, wherever.
pub type Reply = Box<dyn Asker>;

/// A piece of MP4, if it is there.
pub(super) fn media(kind: Kind, bytes: Option<&Bytes>) -> Answer {
    match bytes {
        Some(bytes) => Answer {
            status: 200,
            body: Body::Media(kind, bytes.clone()),
            max_age: FOREVER,
            immutable: true,
        },
        None => words(404, "not there any more, or not yet"),
    }
}

/// A playlist that may be kept for so many seconds.
pub(super) fn playlist(text: Bytes, max_age: u32) -> Answer {
    Answer { status: 200, body: Body::Playlist(text), max_age, immutable: false }
}

/// Why there is nothing else.
pub(super) fn words(status: u16, why: &'static str) -> Answer {
    Answer { status, body: Body::Words(why), max_age: 0, immutable: false }
}
