//! What was agreed on of ICE, DTLS and SCTP, told to str0m.

use str0m::change::SdpOffer;
use str0m::{Candidate, IceCreds};

use super::Session;
use crate::sdp::candidate::RemoteCandidate;
use crate::sdp::description::{Fingerprint, MediaKind};
use crate::sdp::{AgreedLine, RemoteTransport, Standing};

/// Most candidates of one peer until it restarts ICE.
const MAX_REMOTE_CANDIDATES: usize = 256;

impl Session {
    /// What this side is already.
    pub(super) fn standing(&self) -> Standing {
        Standing { ice_lite: self.options.ice_lite, active: self.negotiation.active }
    }

    /// Whether a description of the peer restarts ICE (RFC 8839 4.4.1.1.1).
    pub(super) fn restarts(&self, remote: &RemoteTransport) -> bool {
        let known = self.negotiation.remote_credentials.as_ref();
        known.is_some_and(|(ufrag, pwd)| *ufrag != remote.ufrag || *pwd != remote.pwd)
    }

    /// Reaches the peer by what it says in an answer to our offer, `credentials` being ours where
    /// that restarted ICE.
    pub(super) fn associate_by_answer(
        &mut self,
        remote: &RemoteTransport,
        credentials: Option<IceCreds>,
    ) {
        // Who made the first offer controls, unless it is the only lite one (RFC 8445 6.1.1).
        self.associate(remote, credentials, !self.options.ice_lite);
    }

    /// Reaches the peer by what it says in an offer.
    pub(super) fn associate_by_offer(&mut self, remote: &RemoteTransport) {
        self.associate(remote, None, remote.ice_lite);
    }

    fn associate(
        &mut self,
        remote: &RemoteTransport,
        credentials: Option<IceCreds>,
        controlling: bool,
    ) {
        let restarts = self.restarts(remote);
        if restarts {
            // Candidates and pairs of before are gone with it, and this side has other credentials.
            self.describe_to_str0m(remote, self.negotiation.has_application);
            self.negotiation.remote_candidates = 0;
        }
        let mut api = self.rtc.direct_api();
        if let Some(credentials) = credentials.filter(|_| restarts) {
            api.set_local_ice_credentials(credentials);
        }
        api.set_remote_ice_credentials(IceCreds {
            ufrag: remote.ufrag.clone(),
            pass: remote.pwd.clone(),
        });
        self.dtls.expect_certificate(remote.fingerprints.clone());
        // Checked by the above alone; without one, str0m takes no description (see below).
        if let Some(Fingerprint { hash, digest }) = remote.fingerprints.first() {
            api.set_remote_fingerprint(str0m::crypto::Fingerprint {
                hash_func: hash.clone(),
                bytes: digest.clone(),
            });
        }
        self.negotiation.remote_credentials = Some((remote.ufrag.clone(), remote.pwd.clone()));
        for candidate in &remote.candidates {
            self.add_remote_candidate(candidate);
        }
        if self.negotiation.active.is_some() {
            return;
        }
        let mut api = self.rtc.direct_api();
        api.set_ice_controlling(controlling);
        self.negotiation.active = Some(remote.active);
        if let Err(error) = api.start_dtls(remote.active) {
            self.fail(&error);
        }
    }

    /// Begins the SCTP association with the first line for data channels.
    pub(super) fn agree_on_application(&mut self, remote: Option<&RemoteTransport>) {
        let application =
            |line: &AgreedLine| line.usable() && line.local.kind == MediaKind::Application;
        let agreed = self.negotiation.lines.iter().any(application);
        let (true, Some(remote)) = (agreed, remote) else { return };
        if !self.negotiation.has_application {
            self.describe_to_str0m(remote, true);
            self.negotiation.has_application = true;
        }
        self.channels.flush_wanted(&mut self.rtc, &mut self.events);
    }

    /// Two things str0m does by a description alone: it restarts ICE, and it begins an SCTP
    /// association with the size of messages that the peer allows. So it is given one of our own
    /// making, with one m-line: for data channels, or of a kind that it passes over.
    fn describe_to_str0m(&mut self, remote: &RemoteTransport, application: bool) {
        let RemoteTransport { ufrag, pwd, .. } = remote;
        // What a description that does not tell means (RFC 8841 6.1).
        let size = remote.max_message_size.unwrap_or(65_536);
        let line = match application {
            true => "application 9 UDP/DTLS/SCTP webrtc-datachannel",
            false => "text 9 UDP/TLS/RTP/SAVPF 0",
        };
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
             m={line}\r\nc=IN IP4 0.0.0.0\r\n\
             a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=setup:actpass\r\na=mid:0\r\na=inactive\r\n\
             a=sctp-port:5000\r\na=max-message-size:{size}\r\n"
        );
        let offer = SdpOffer::from_sdp_string(&text).map_err(|error| error.to_string());
        let told = offer.and_then(|offer| {
            self.rtc.sdp_api().accept_offer(offer).map_err(|error| error.to_string())
        });
        if let Err(error) = told {
            tracing::warn!(transport = %self.id, error, "str0m took no description");
        }
    }

    /// Takes a candidate to check. Beyond the bound they are left out: the peer's own checks may
    /// reach us all the same.
    pub(super) fn add_remote_candidate(&mut self, candidate: &RemoteCandidate) {
        if self.negotiation.remote_candidates >= MAX_REMOTE_CANDIDATES {
            return;
        }
        self.negotiation.remote_candidates += 1;
        match Candidate::from_sdp_string(&candidate.to_string()) {
            Ok(candidate) => self.rtc.add_remote_candidate(candidate),
            Err(error) => tracing::debug!(transport = %self.id, %error, "candidate left out"),
        }
    }
}
