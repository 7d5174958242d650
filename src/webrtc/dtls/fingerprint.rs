//! `a=fingerprint`: what a peer said of its certificate in its description (RFC 8122 5).

use std::fmt;

use aws_lc_rs::digest::{self, Algorithm};

/// More than any peer has certificates times hash functions; what is beyond is ignored.
const MAX_FINGERPRINTS: usize = 32;

/// A hash of a certificate, as a description has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    hash: Hash,
    digest: Vec<u8>,
}

/// The hash functions of RFC 8122 that are good enough, and SHA-1, which some peers still use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha224 => &digest::SHA224,
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
            Hash::Sha512 => &digest::SHA512,
        }
    }
}

/// Why the fingerprints of a description are of no use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FingerprintError {
    /// There is none.
    Missing,
    /// A line is not of the form `a=fingerprint:sha-256 AB:CD:…`, or of another length than its
    /// hash has.
    Malformed(String),
    /// All of them are made by hash functions that are unknown or not safe.
    UnknownHash(String),
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "the description has no a=fingerprint: media without DTLS is not supported",
            ),
            Self::Malformed(_) => f.write_str("the fingerprint cannot be read"),
            Self::UnknownHash(_) => f.write_str(
                "no a=fingerprint is by a hash function that is supported: \
                 sha-256, sha-384, sha-512, sha-224 or sha-1",
            ),
        }
    }
}

impl std::error::Error for FingerprintError {}

impl FingerprintError {
    /// The line that is to blame.
    pub fn line(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Malformed(line) | Self::UnknownHash(line) => Some(line),
        }
    }
}

impl Fingerprint {
    /// Parses the value of the attribute: a hash function's name and hex with colons. `Ok(None)`
    /// when the hash function is none that is taken.
    fn parse(value: &str) -> Result<Option<Self>, ()> {
        let (name, hex) = value.trim().split_once(' ').ok_or(())?;
        let hash = match name.to_ascii_lowercase().as_str() {
            "sha-1" => Hash::Sha1,
            "sha-224" => Hash::Sha224,
            "sha-256" => Hash::Sha256,
            "sha-384" => Hash::Sha384,
            "sha-512" => Hash::Sha512,
            _ => return Ok(None),
        };
        let length = hash.algorithm().output_len();
        let digits = hex.trim().split(':').map(|byte| match byte.len() {
            2 => u8::from_str_radix(byte, 16).ok(),
            _ => None,
        });
        // One more than it may be, so that a line of any length costs no more than that.
        let digest: Vec<u8> = digits.take(length + 1).collect::<Option<_>>().ok_or(())?;
        if digest.len() != length {
            return Err(());
        }
        Ok(Some(Self { hash, digest }))
    }

    fn is_of(&self, certificate: &[u8]) -> bool {
        digest::digest(self.hash.algorithm(), certificate).as_ref() == self.digest
    }
}

/// All fingerprints of a description.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Fingerprints(Vec<Fingerprint>);

impl Fingerprints {
    /// Reads every `a=fingerprint` of a description, wherever it stands.
    pub fn of_description(sdp: &str) -> Result<Self, FingerprintError> {
        let mut known = Vec::new();
        let mut unknown = None;
        let attributes = sdp.lines().filter_map(|line| {
            line.trim().strip_prefix("a=fingerprint:").map(|value| (line, value))
        });
        for (line, value) in attributes {
            match Fingerprint::parse(value) {
                Ok(Some(fingerprint)) if known.contains(&fingerprint) => {}
                Ok(Some(fingerprint)) if known.len() < MAX_FINGERPRINTS => known.push(fingerprint),
                Ok(Some(_)) => {}
                Ok(None) => unknown = Some(line),
                Err(()) => return Err(FingerprintError::Malformed(line.trim().to_owned())),
            }
        }
        match unknown {
            Some(line) if known.is_empty() => {
                return Err(FingerprintError::UnknownHash(line.trim().to_owned()));
            }
            None if known.is_empty() => return Err(FingerprintError::Missing),
            _ => {}
        }
        // RFC 8122 5.1: of several hash functions not the weakest one decides.
        if known.iter().any(|fingerprint| fingerprint.hash != Hash::Sha1) {
            known.retain(|fingerprint| fingerprint.hash != Hash::Sha1);
        }
        Ok(Self(known))
    }

    /// Whether one of them is this certificate's, given as DER.
    pub fn match_certificate(&self, certificate: &[u8]) -> bool {
        self.0.iter().any(|fingerprint| fingerprint.is_of(certificate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"a certificate";

    fn line(name: &str, algorithm: &'static Algorithm, certificate: &[u8]) -> String {
        let digest = digest::digest(algorithm, certificate);
        let bytes: Vec<String> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        format!("a=fingerprint:{name} {}\r\n", bytes.join(":"))
    }

    fn sha256(certificate: &[u8]) -> String {
        line("sha-256", &digest::SHA256, certificate)
    }

    #[test]
    fn every_hash_function_finds_the_certificate_and_no_other() {
        for (name, algorithm) in [
            ("sha-1", &digest::SHA1_FOR_LEGACY_USE_ONLY),
            ("SHA-224", &digest::SHA224),
            ("sha-256", &digest::SHA256),
            ("sha-384", &digest::SHA384),
            ("sha-512", &digest::SHA512),
        ] {
            let fingerprints =
                Fingerprints::of_description(&line(name, algorithm, CERTIFICATE)).unwrap();
            assert!(fingerprints.match_certificate(CERTIFICATE), "{name}");
            assert!(!fingerprints.match_certificate(b"another"), "{name}");
        }
    }

    #[test]
    fn of_several_fingerprints_any_may_match() {
        let sdp = sha256(b"another") + &sha256(CERTIFICATE);
        assert!(Fingerprints::of_description(&sdp).unwrap().match_certificate(CERTIFICATE));
    }

    #[test]
    fn sha_1_does_not_count_beside_a_stronger_one() {
        let weak = line("sha-1", &digest::SHA1_FOR_LEGACY_USE_ONLY, CERTIFICATE);
        let fingerprints = Fingerprints::of_description(&(weak + &sha256(b"another"))).unwrap();
        assert!(!fingerprints.match_certificate(CERTIFICATE));
    }

    #[test]
    fn unknown_hash_functions_are_passed_over_and_alone_are_an_error() {
        let odd = "a=fingerprint:md5 00:11\r\n";
        let sdp = format!("{odd}{}", sha256(CERTIFICATE));
        assert!(Fingerprints::of_description(&sdp).unwrap().match_certificate(CERTIFICATE));
        let error = Fingerprints::of_description(odd).unwrap_err();
        assert_eq!(error, FingerprintError::UnknownHash("a=fingerprint:md5 00:11".into()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for value in ["sha-256", "sha-256 ", "sha-256 AB:CD", "sha-256 zz:00", "sha-256 ABCD"] {
            let sdp = format!("v=0\r\na=fingerprint:{value}\r\n");
            let error = Fingerprints::of_description(&sdp).unwrap_err();
            assert_eq!(error.line(), Some(format!("a=fingerprint:{value}").trim()), "{value}");
        }
        assert_eq!(Fingerprints::of_description("v=0\r\n"), Err(FingerprintError::Missing));
    }

    #[test]
    fn nothing_matches_before_there_are_fingerprints() {
        assert!(!Fingerprints::default().match_certificate(CERTIFICATE));
    }
}
