//! What our descriptions say of this side.

use std::collections::HashMap;

use super::Session;
use super::config::wanted_codecs;
use crate::codec::names::Mid;
use crate::sdp::description::Setup;
use crate::sdp::{Capabilities, LocalSender, LocalSession, OpusParameters};

/// What of this side no negotiation changes.
pub(super) struct Local {
    /// The session's id (RFC 8829 5.2.1), and the name that its sources share (RFC 7022).
    id: u64,
    pub(super) cname: Box<str>,
    /// `a=fingerprint`'s value.
    fingerprint: Box<str>,
    /// `candidate:...`.
    candidates: Vec<String>,
    /// What the peer may send, in bit/s.
    pub(super) max_bitrate: Option<u64>,
}

impl Local {
    pub(super) fn new(id: u64, fingerprint: &str, candidates: Vec<String>) -> Self {
        // 63 bits, so that nobody takes it for a negative number.
        let id = id >> 1;
        Self {
            id,
            cname: format!("{id:016x}").into(),
            fingerprint: fingerprint.into(),
            candidates,
            max_bitrate: None,
        }
    }
}

impl Session {
    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            codecs: wanted_codecs(&self.options),
            red: self.options.red,
            opus: OpusParameters {
                dtx: self.options.dtx,
                stereo: self.options.opus.stereo,
                max_average_bitrate: self.options.opus.max_average_bitrate,
            },
            max_message_size: self.options.max_message_size,
        }
    }

    /// What the next description of ours says of the session.
    pub(super) fn described(&mut self, setup: Setup, ice_options: &'static str) -> LocalSession {
        let credentials = self.rtc.direct_api().local_ice_credentials();
        self.negotiation.version += 1;
        LocalSession {
            id: self.local.id,
            version: self.negotiation.version,
            ice_lite: self.options.ice_lite,
            ufrag: credentials.ufrag,
            pwd: credentials.pass,
            fingerprint: self.local.fingerprint.to_string(),
            setup,
            candidates: self.local.candidates.clone(),
            ice_options,
            extmap_allow_mixed: self.negotiation.extmap_allow_mixed,
            group: true,
            max_message_size: self.options.max_message_size,
            max_bitrate: self.local.max_bitrate,
        }
    }

    /// What a description says of the track that is sent on a line, or would be by an offer.
    /// `places` are those of the tracks.
    pub(super) fn sender(
        &mut self,
        mid: &Mid,
        with_rtx: bool,
        places: &HashMap<Mid, usize>,
    ) -> Option<LocalSender> {
        let track = self.sending.tracks().get(*places.get(mid)?)?;
        let (stream, track) = (token(&track.stream), token(&track.track));
        let (ssrc, rtx) = self.ssrcs_of(mid);
        Some(LocalSender {
            stream,
            track,
            cname: self.local.cname.to_string(),
            ssrc,
            rtx: with_rtx.then_some(rtx),
        })
    }

    /// The same of a line that was agreed on.
    pub(super) fn sender_of(
        &mut self,
        index: usize,
        places: &HashMap<Mid, usize>,
    ) -> Option<LocalSender> {
        let line = self.negotiation.lines.get(index).filter(|line| line.usable())?;
        let (mid, rtx) = (line.mid.clone(), line.send.iter().any(|format| format.rtx.is_some()));
        self.sender(&mid, rtx, places)
    }
}

/// An id as `a=msid` may have it (RFC 8830 2).
fn token(id: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`{|}~".contains(*c);
    id.chars().filter(allowed).take(64).collect()
}
