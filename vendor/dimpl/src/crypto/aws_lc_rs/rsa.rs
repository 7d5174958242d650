//! Verification of signatures by RSA certificates.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};
use der::{Decode, asn1::UintRef};
use spki::ObjectIdentifier;
use x509_cert::Certificate as X509Certificate;

use crate::CryptoError;
use crate::types::{HashAlgorithm, SignatureAlgorithm};

const OID_RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The time of a verification grows with the square of the modulus and with the length of the
/// exponent, and a peer chooses both.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// 65537 takes 17 bits. Nobody needs more than 32.
const MAX_EXPONENT_BYTES: usize = 4;

/// RSASSA-PKCS1-v1_5, as in DTLS 1.2.
pub(super) fn pkcs1(hash_alg: HashAlgorithm) -> Result<&'static RsaParameters, CryptoError> {
    match hash_alg {
        HashAlgorithm::SHA256 => Ok(&RSA_PKCS1_2048_8192_SHA256),
        HashAlgorithm::SHA384 => Ok(&RSA_PKCS1_2048_8192_SHA384),
        HashAlgorithm::SHA512 => Ok(&RSA_PKCS1_2048_8192_SHA512),
        _ => Err(unsupported(hash_alg)),
    }
}

/// RSASSA-PSS with a salt as long as the hash, as in DTLS 1.3 (RFC 8446 §4.2.3).
pub(super) fn pss(hash_alg: HashAlgorithm) -> Result<&'static RsaParameters, CryptoError> {
    match hash_alg {
        HashAlgorithm::SHA256 => Ok(&RSA_PSS_2048_8192_SHA256),
        HashAlgorithm::SHA384 => Ok(&RSA_PSS_2048_8192_SHA384),
        HashAlgorithm::SHA512 => Ok(&RSA_PSS_2048_8192_SHA512),
        _ => Err(unsupported(hash_alg)),
    }
}

fn unsupported(hash: HashAlgorithm) -> CryptoError {
    CryptoError::UnsupportedSignaturePair {
        signature: SignatureAlgorithm::RSA,
        hash,
    }
}

/// RFC 8017 A.1.1.
#[derive(der::Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

/// Verifies a signature by the key of a certificate.
pub(super) fn verify(
    cert_der: &[u8],
    data: &[u8],
    signature: &[u8],
    parameters: &'static RsaParameters,
    hash: HashAlgorithm,
) -> Result<(), CryptoError> {
    let cert =
        X509Certificate::from_der(cert_der).map_err(|_| CryptoError::CertificateParseFailed)?;
    let spki = cert.tbs_certificate().subject_public_key_info();
    if spki.algorithm.oid != OID_RSA_ENCRYPTION {
        return Err(CryptoError::UnsupportedPublicKeyAlgorithm);
    }
    let key = spki
        .subject_public_key
        .as_bytes()
        .ok_or(CryptoError::InvalidSubjectPublicKey)?;

    let parsed = RsaPublicKey::from_der(key).map_err(|_| CryptoError::InvalidSubjectPublicKey)?;
    if !MODULUS_BITS.contains(&bits(parsed.modulus.as_bytes()))
        || parsed.public_exponent.as_bytes().len() > MAX_EXPONENT_BYTES
    {
        return Err(CryptoError::UnsupportedRsaKeySize);
    }

    UnparsedPublicKey::new(parameters, key)
        .verify(data, signature)
        .map_err(|_| CryptoError::RsaSignatureVerificationFailed { hash })
}

/// How many bits a number has, given without leading zeros.
fn bits(bytes: &[u8]) -> usize {
    let leading = bytes
        .first()
        .map_or(0, |first| first.leading_zeros() as usize);
    (bytes.len() * 8).saturating_sub(leading)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERT: &[u8] = include_bytes!("../validation/rsa_cert.der");
    const DATA: &[u8] = include_bytes!("../validation/test_data.bin");
    const PKCS1: &[u8] = include_bytes!("../validation/rsa_sha256_sig.bin");
    const PSS: &[u8] = include_bytes!("../validation/rsa_pss_sha256_sig.bin");

    fn verify_sha256(
        cert: &[u8],
        signature: &[u8],
        parameters: &'static RsaParameters,
    ) -> Result<(), CryptoError> {
        verify(cert, DATA, signature, parameters, HashAlgorithm::SHA256)
    }

    #[test]
    fn each_padding_verifies_its_own_signatures_only() {
        let hash = HashAlgorithm::SHA256;
        let failed = Err(CryptoError::RsaSignatureVerificationFailed { hash });
        let (pkcs1, pss) = (pkcs1(hash).unwrap(), pss(hash).unwrap());
        assert_eq!(verify_sha256(CERT, PKCS1, pkcs1), Ok(()));
        assert_eq!(verify_sha256(CERT, PSS, pss), Ok(()));
        assert_eq!(verify_sha256(CERT, PKCS1, pss), failed);
        assert_eq!(verify_sha256(CERT, PSS, pkcs1), failed);
        assert_eq!(verify_sha256(CERT, &[], pkcs1), failed);
    }

    #[test]
    fn keys_are_bounded_in_size() {
        assert_eq!(bits(&[0x80; 256]), 2048);
        assert_eq!(bits(&[0x7f; 256]), 2047);
        assert!(MODULUS_BITS.contains(&bits(&[0xff; 512])));
        assert!(!MODULUS_BITS.contains(&bits(&[0x01; 513])));
        assert_eq!(bits(&[]), 0);
    }

    #[test]
    fn a_certificate_cut_anywhere_is_an_error() {
        let parameters = pkcs1(HashAlgorithm::SHA256).unwrap();
        for length in 0..CERT.len() {
            assert!(verify_sha256(&CERT[..length], PKCS1, parameters).is_err());
        }
    }
}
