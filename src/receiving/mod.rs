//! What a peer sends us, from SRTP datagrams to packets of tracks, and the reports about it. No
//! I/O and no clock.

pub mod extensions;
pub mod line;

pub use extensions::ExtensionIds;
pub use line::{AnnouncedSource, FeedbackKinds, LineTrack, ReceiveLine, TelephoneEventFormat};
