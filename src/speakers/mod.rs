//! Who speaks: the one place that decides it, for groups of speakers, for mixers and for whoever only
//! asks whether somebody does. Pure: levels of packets and time go in.
//!
//! All answers come from one measure ([`Speech`]), so they agree about what is a sound that somebody
//! makes and what is noise. They differ in how fast they are: [`Talking`] says at once that there is a
//! sound and forgives pauses, [`Places`] and [`SpeakerSlots`] give a place to a first syllable, and
//! [`DominantSpeaker`] waits until it is more than a cough.

pub mod dominant;
pub mod places;
pub mod slots;
pub mod speech;
pub mod talking;

pub use dominant::{DominantSpeaker, Voices};
pub use places::Places;
pub use slots::{Member, SpeakerSlots};
pub use speech::{Speech, SpeechMeter, THRESHOLD};
pub use talking::Talking;
