//! Candidates that come one by one, and ICE restarts by fragment (RFC 8838, RFC 8840).

use std::time::Instant;

use str0m::Candidate;

use super::negotiation::check_size;
use super::{Session, sdp};
use crate::control::error::{EngineError, ErrorCode};

impl Session {
    pub(crate) fn add_candidate(&mut self, now: Instant, text: &str) -> Result<(), EngineError> {
        let text = text.trim().trim_start_matches("a=");
        // The end of candidates says nothing to us: str0m never gives up checking on its own.
        if text.is_empty() || text == "end-of-candidates" {
            return Ok(());
        }
        // A name under .local is the browser hiding its address (mDNS). Its own checks reach us.
        let address = text.split_ascii_whitespace().nth(4).unwrap_or_default();
        if address.ends_with(".local") {
            return Ok(());
        }
        let candidate = Candidate::from_sdp_string(text).map_err(|error| {
            EngineError::new(ErrorCode::Candidate, format!("not a candidate: {error}")).line(text)
        })?;
        self.rtc.add_remote_candidate(candidate);
        self.drain(now);
        Ok(())
    }

    /// Trickle and restart in the form WHIP and WHEP use. Gives the fragment to answer a restart.
    pub(crate) fn accept_fragment(
        &mut self,
        now: Instant,
        text: &str,
    ) -> Result<Option<String>, EngineError> {
        check_size(text)?;
        let fragment = sdp::parse_fragment(text);
        if fragment.is_empty() {
            let text = "a fragment has ICE credentials, candidates or the end of candidates";
            return Err(EngineError::new(ErrorCode::Sdp, text));
        }
        let restart = match (&fragment.ufrag, &fragment.pwd) {
            (Some(ufrag), Some(pwd)) => match &self.negotiation.remote_credentials {
                Some((known, _)) if known == ufrag => None,
                Some(_) => Some((ufrag.clone(), pwd.clone())),
                None => {
                    return Err(EngineError::new(
                        ErrorCode::InvalidState,
                        "a fragment came before any offer",
                    ));
                }
            },
            _ => None,
        };
        let answer = match restart {
            None => None,
            Some((ufrag, pwd)) => {
                let Some(offer) = self.negotiation.remote_offer.clone() else {
                    return Err(EngineError::new(
                        ErrorCode::InvalidState,
                        "only a peer that made the offer can restart ICE by a fragment",
                    ));
                };
                let answer =
                    self.accept_offer(now, &sdp::with_credentials(&offer, &ufrag, &pwd))?;
                Some(sdp::fragment_of(&answer))
            }
        };
        for candidate in &fragment.candidates {
            self.add_candidate(now, candidate)?;
        }
        Ok(answer)
    }
}
