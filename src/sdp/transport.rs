//! What a description says of ICE and DTLS, checked (RFC 8839, RFC 8842).

use super::agreement::RemoteTransport;
use super::bundle::Members;
use super::candidate::{self, Candidate};
use super::description::{Description, Fingerprint, MediaSection, Setup};
use super::error::SdpError;

/// Whose description it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Offer,
    Answer,
}

/// What this side is already.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Standing {
    /// It does ICE-lite.
    pub ice_lite: bool,
    /// It opened the DTLS association that exists; `None` while there is none.
    pub active: Option<bool>,
}

pub(super) fn of(
    description: &Description<'_>,
    members: &Members,
    standing: Standing,
    role: Role,
) -> Result<Option<RemoteTransport>, SdpError> {
    let Some(tagged) = members.tagged().and_then(|index| description.media.get(index)) else {
        return Ok(None);
    };
    let ice_lite = description.is_ice_lite(tagged);
    if standing.ice_lite && ice_lite {
        let reason = "both sides are ICE-lite, so nobody would check: set `iceLite: false`";
        return Err(SdpError::unacceptable("a=ice-lite", reason));
    }
    let lines = || {
        let others = description.media.iter().enumerate();
        let others = others.filter(|(index, _)| members.has(*index)).map(|(_, media)| media);
        std::iter::once(tagged).chain(others)
    };
    let fingerprints = lines().map(|media| description.fingerprints(media));
    let fingerprints = fingerprints.into_iter().find(|f| !f.is_empty()).unwrap_or_default();
    let fingerprints = checkable(fingerprints, tagged)?;
    let (ufrag, pwd) =
        lines().find_map(|media| description.credentials(media)).ok_or_else(|| {
            SdpError::unacceptable(tagged.line, "there is no a=ice-ufrag and a=ice-pwd for it")
        })?;
    let setup = lines().find_map(|media| description.setup(media));
    let (active, undecided) = dtls_role(setup, standing.active, role)?;

    let own = lines().skip(1).flat_map(|media| media.transport.candidates.iter());
    let candidates = description.transport.candidates.iter().chain(own);
    let candidates = candidates.filter_map(|line| match candidate::parse(line) {
        Ok(Candidate::Usable(candidate)) => Some(candidate),
        Ok(Candidate::Ignored(_)) | Err(_) => None,
    });
    Ok(Some(RemoteTransport {
        ufrag: ufrag.to_owned(),
        pwd: pwd.to_owned(),
        ice_lite,
        fingerprints,
        active,
        undecided,
        candidates: candidates.collect(),
        max_message_size: lines().find_map(|media| media.max_message_size),
    }))
}

/// Hash functions of RFC 8122 5 that are good enough, with the bytes they give, and SHA-1, which
/// some peers still use.
const HASHES: [(&str, usize); 5] =
    [("sha-1", 20), ("sha-224", 28), ("sha-256", 32), ("sha-384", 48), ("sha-512", 64)];

/// RFC 8122 5.1: of several hash functions not the weakest one decides.
fn checkable(
    fingerprints: &[Fingerprint],
    tagged: &MediaSection<'_>,
) -> Result<Vec<Fingerprint>, SdpError> {
    if fingerprints.is_empty() {
        let reason = "there is no a=fingerprint for it: media is taken over DTLS-SRTP alone";
        return Err(SdpError::unacceptable(tagged.line, reason));
    }
    let known = |f: &&Fingerprint| HASHES.contains(&(&*f.hash, f.digest.len()));
    let mut known: Vec<Fingerprint> = fingerprints.iter().filter(known).cloned().collect();
    if known.is_empty() {
        let reason =
            "there is no a=fingerprint for it by sha-256, sha-384, sha-512, sha-224 or sha-1";
        return Err(SdpError::unacceptable(tagged.line, reason));
    }
    if known.iter().any(|f| f.hash != "sha-1") {
        known.retain(|f| f.hash != "sha-1");
    }
    Ok(known)
}

/// Whether this side opens the association, and whether the peer left that open (RFC 8842 5.2,
/// 5.3). Where it did, this side opens it, as RFC 8829 5.3.1 recommends: its hello goes out with the
/// answer to the peer's first check, and it has keys when the peer's flight is here, a round trip
/// sooner than if it waited for the peer's hello. What a side does that says nothing is in RFC 4145
/// 4.1: it opens with an offer, and waits with an answer.
fn dtls_role(
    setup: Option<(Setup, &str)>,
    standing: Option<bool>,
    role: Role,
) -> Result<(bool, bool), SdpError> {
    match (setup.map(|(setup, _)| setup), role) {
        (Some(Setup::Active), _) | (None, Role::Offer) => Ok((false, false)),
        (Some(Setup::Passive), _) | (None, Role::Answer) => Ok((true, false)),
        (Some(Setup::ActPass), Role::Offer) => Ok((standing.unwrap_or(true), true)),
        (Some(Setup::ActPass), Role::Answer) => {
            let line = setup.map(|(_, line)| line).unwrap_or_default();
            Err(SdpError::malformed(line, "an answer that says `active` or `passive`"))
        }
        (Some(Setup::HoldConn), _) => {
            let line = setup.map(|(_, line)| line).unwrap_or_default();
            Err(SdpError::malformed(line, "a side that opens the DTLS association"))
        }
    }
}
