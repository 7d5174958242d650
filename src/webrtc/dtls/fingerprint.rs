//! What a peer said of its certificate in its description (RFC 8122 5), against the one it has.

use aws_lc_rs::digest::{self, Algorithm};

use crate::sdp::description::Fingerprint;

/// All fingerprints of a description.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Fingerprints(Vec<Fingerprint>);

impl Fingerprints {
    pub(super) fn new(fingerprints: Vec<Fingerprint>) -> Self {
        Self(fingerprints)
    }

    /// Whether one of them is this certificate's, given as DER.
    pub(super) fn match_certificate(&self, certificate: &[u8]) -> bool {
        self.0.iter().any(|Fingerprint { hash, digest }| {
            let algorithm = algorithm(hash);
            algorithm.is_some_and(|hash| digest::digest(hash, certificate).as_ref() == *digest)
        })
    }
}

fn algorithm(hash: &str) -> Option<&'static Algorithm> {
    Some(match hash {
        "sha-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha-224" => &digest::SHA224,
        "sha-256" => &digest::SHA256,
        "sha-384" => &digest::SHA384,
        "sha-512" => &digest::SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"a certificate";

    fn of(name: &str, certificate: &[u8]) -> Fingerprint {
        let digest =
            algorithm(name).map_or(Vec::new(), |a| digest::digest(a, certificate).as_ref().into());
        Fingerprint { hash: name.into(), digest }
    }

    #[test]
    fn every_hash_function_finds_the_certificate_and_no_other() {
        for name in ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"] {
            let fingerprints = Fingerprints::new(vec![of(name, CERTIFICATE)]);
            assert!(fingerprints.match_certificate(CERTIFICATE), "{name}");
            assert!(!fingerprints.match_certificate(b"another"), "{name}");
        }
    }

    #[test]
    fn of_several_fingerprints_any_may_match() {
        let several = vec![of("sha-256", b"another"), of("sha-256", CERTIFICATE)];
        assert!(Fingerprints::new(several).match_certificate(CERTIFICATE));
    }

    #[test]
    fn nothing_matches_before_there_are_fingerprints_nor_by_an_unknown_hash() {
        assert!(!Fingerprints::default().match_certificate(CERTIFICATE));
        assert!(!Fingerprints::new(vec![of("md5", CERTIFICATE)]).match_certificate(CERTIFICATE));
    }
}
