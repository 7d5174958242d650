//! Candidates that come one by one, and ICE restarts by fragment (RFC 8838, RFC 8840).

use std::time::Instant;

use super::Session;
use super::error::SessionError;
use crate::control::error::EngineError;
use crate::sdp;
use crate::sdp::candidate::{self, Candidate};

impl Session {
    pub(crate) fn add_candidate(&mut self, now: Instant, text: &str) -> Result<(), EngineError> {
        let text = text.trim();
        let text = text.strip_prefix("a=").unwrap_or(text);
        // The end of candidates says nothing to us: str0m never gives up checking on its own.
        if text.is_empty() || text == "end-of-candidates" {
            return Ok(());
        }
        let read =
            candidate::parse(text).map_err(|error| SessionError::Candidate { text, error })?;
        match read {
            Candidate::Usable(candidate) => {
                self.add_remote_candidate(&candidate);
                self.drain(now);
            }
            Candidate::Ignored(reason) => {
                tracing::debug!(transport = %self.id, %reason, "candidate left out");
            }
        }
        Ok(())
    }

    /// Trickle and restart in the form WHIP and WHEP use. Gives the fragment to answer a restart.
    /// Candidates that are none are left out where others of the fragment count.
    pub(crate) fn accept_fragment(
        &mut self,
        now: Instant,
        text: &str,
    ) -> Result<Option<String>, EngineError> {
        let fragment = sdp::parse_fragment(text)?;
        let restart = match (fragment.ufrag, fragment.pwd) {
            (Some(ufrag), Some(pwd)) => match &self.negotiation.remote_credentials {
                Some((known, _)) if known == ufrag => None,
                Some(_) => Some((ufrag, pwd)),
                None => {
                    return Err(SessionError::FragmentBeforeOffer.into());
                }
            },
            _ => None,
        };
        let answer = match restart {
            None => None,
            Some((ufrag, pwd)) => Some(self.restart_by_fragment(now, ufrag, pwd)?),
        };
        let mut wrong = None;
        let mut read = 0;
        for candidate in &fragment.candidates {
            match self.add_candidate(now, candidate) {
                Ok(()) => read += 1,
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        match wrong {
            Some(error) if read == 0 && answer.is_none() => Err(error),
            _ => Ok(answer),
        }
    }
}
