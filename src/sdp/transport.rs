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
    if standing.ice_lite && description.ice_lite {
        let reason = "both sides are ICE-lite, so nobody would check: set `iceLite: false`";
        return Err(SdpError::whole(reason));
    }
    let lines = || {
        let others = description.media.iter().enumerate();
        let others = others.filter(|(index, _)| members.has(*index)).map(|(_, media)| media);
        std::iter::once(tagged).chain(others)
    };
    let fingerprints = lines().map(|media| description.fingerprints(media));
    let fingerprints = fingerprints.into_iter().find(|f| !f.is_empty()).unwrap_or_default();
    let fingerprint = strongest(fingerprints, tagged)?;
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
        ice_lite: description.ice_lite,
        fingerprint,
        active,
        undecided,
        candidates: candidates.collect(),
        max_message_size: lines().find_map(|media| media.max_message_size),
    }))
}

/// RFC 8122 5.1: the one of the strongest hash that is known.
fn strongest(
    fingerprints: &[Fingerprint],
    tagged: &MediaSection<'_>,
) -> Result<Fingerprint, SdpError> {
    if fingerprints.is_empty() {
        let reason = "there is no a=fingerprint for it: media is taken over DTLS-SRTP alone";
        return Err(SdpError::unacceptable(tagged.line, reason));
    }
    let of = |hash: &str, length: usize| {
        fingerprints.iter().find(|f| f.hash == hash && f.digest.len() == length)
    };
    of("sha-256", 32).or_else(|| of("sha-1", 20)).cloned().ok_or_else(|| {
        let reason = "there is no a=fingerprint of sha-256 for it";
        SdpError::unacceptable(tagged.line, reason)
    })
}

/// Whether this side opens the association, and whether the peer left that open (RFC 8842 5.2,
/// 5.3). What a side does that says nothing is in RFC 4145 4.1: it opens with an offer, and waits
/// with an answer.
fn dtls_role(
    setup: Option<(Setup, &str)>,
    standing: Option<bool>,
    role: Role,
) -> Result<(bool, bool), SdpError> {
    match (setup.map(|(setup, _)| setup), role) {
        (Some(Setup::Active), _) | (None, Role::Offer) => Ok((false, false)),
        (Some(Setup::Passive), _) | (None, Role::Answer) => Ok((true, false)),
        (Some(Setup::ActPass), Role::Offer) => Ok((standing.unwrap_or(false), true)),
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
