//! Header extensions of an m-line, as the sending and the receiving half need them.

use crate::receiving;
use crate::receiving::extensions::uri;
use crate::sdp::AgreedLine;
use crate::sending;

/// The ids under which the peer takes the extensions that we send.
pub(super) fn sent(line: &AgreedLine) -> sending::ExtensionIds {
    let sent = line.local.extensions.iter().filter(|extension| extension.direction.sends());
    let id = |uri: &str| sent.clone().find(|extension| extension.uri == uri).map(|e| e.id);
    let transport_sequence = id(uri::TRANSPORT_SEQUENCE);
    sending::ExtensionIds {
        mid: id(uri::MID),
        transport_sequence,
        // The older way of the same: who takes both needs it no more.
        abs_send_time: id(uri::ABS_SEND_TIME).filter(|_| transport_sequence.is_none()),
        audio_level: id(uri::AUDIO_LEVEL),
        video_orientation: id(uri::VIDEO_ORIENTATION),
        playout_delay: id(uri::PLAYOUT_DELAY),
        abs_capture_time: id(uri::ABS_CAPTURE_TIME),
        dependency_descriptor: id(uri::DEPENDENCY_DESCRIPTOR),
    }
}

/// The ids under which the peer sends extensions.
pub(super) fn received(line: &AgreedLine) -> receiving::ExtensionIds {
    let mut ids = receiving::ExtensionIds::default();
    for extension in line.local.extensions.iter() {
        if extension.direction.receives() {
            ids.set(extension.uri, extension.id);
        }
    }
    ids
}
