//! Why a DTLS association came to nothing, or to an end.

use std::fmt;

use super::sctp::Excess;
use dimpl::{CertificateError, CryptoError, Error, SecurityError};

/// Largest certificate that is taken, in bytes: four times what one of an authority with an RSA
/// key of 4,096 bits has.
pub(super) const MAX_CERTIFICATE: usize = 8192;

/// RFC 8446 6.2.
mod alert {
    pub(super) const HANDSHAKE_FAILURE: u8 = 40;
    pub(super) const BAD_CERTIFICATE: u8 = 42;
    pub(super) const UNSUPPORTED_CERTIFICATE: u8 = 43;
    pub(super) const DECRYPT_ERROR: u8 = 51;
    pub(super) const PROTOCOL_VERSION: u8 = 70;
    pub(super) const INTERNAL_ERROR: u8 = 80;
    pub(super) const CERTIFICATE_REQUIRED: u8 = 116;
}

/// Why an association came to nothing, or to an end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Failure {
    /// The peer sent a fatal alert, before or after the handshake.
    Alert { description: u8, connected: bool },
    /// The certificate is none that the peer's description named.
    Fingerprint,
    /// The certificate is larger than [`MAX_CERTIFICATE`].
    LargeCertificate(usize),
    /// The peer did not finish the handshake in time.
    Timeout,
    /// A check of ours failed.
    Handshake(Error),
    /// The peer sends more over SCTP than is kept, and goes on.
    Excess(Excess),
}

impl Failure {
    /// What an error of the implementation means, when it is one that ends an association.
    ///
    /// Before the handshake is through nothing is authenticated, so whoever can send from the
    /// peer's address can cause most of these; they can as well send a plaintext alert. Afterwards
    /// nothing but an authentic alert counts.
    pub(super) fn of(error: Error, connected: bool) -> Option<Self> {
        match error {
            Error::SecurityError(SecurityError::FatalAlert { description }) => {
                Some(Self::Alert { description, connected })
            }
            _ if connected => None,
            Error::Timeout(_) => Some(Self::Timeout),
            Error::CryptoError(_)
            | Error::CertificateError(_)
            | Error::SecurityError(_)
            | Error::InvalidState(_)
            | Error::IncompleteServerHello => Some(Self::Handshake(error)),
            // Full queues and records out of place, which a retransmission gets over.
            _ => None,
        }
    }

    /// The alert that tells the peer.
    pub(super) fn alert(&self) -> Option<u8> {
        match self {
            Self::Alert { .. } | Self::Timeout | Self::Excess(_) => None,
            // RFC 8122 6.2.
            Self::Fingerprint | Self::LargeCertificate(_) => Some(alert::BAD_CERTIFICATE),
            Self::Handshake(error) => Some(alert_for(error)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert { description, connected } => {
                let what =
                    if *connected { "ended the association" } else { "refused the handshake" };
                let name = alert_name(*description);
                write!(f, "the peer {what}: alert {description} {name}")
            }
            Self::Fingerprint => f.write_str(
                "the certificate does not match a=fingerprint of the peer's description",
            ),
            Self::LargeCertificate(bytes) => {
                write!(f, "the certificate has {bytes} bytes, more than {MAX_CERTIFICATE}")
            }
            Self::Timeout => f.write_str("the peer did not finish the handshake in time"),
            Self::Handshake(error) => write!(f, "the handshake failed: {error}"),
            Self::Excess(excess) => f.write_str(excess.text()),
        }
    }
}

impl std::error::Error for Failure {}

fn alert_for(error: &Error) -> u8 {
    match error {
        Error::CryptoError(
            CryptoError::SignatureVerificationFailed { .. }
            | CryptoError::RsaSignatureVerificationFailed { .. },
        )
        | Error::SecurityError(
            SecurityError::ServerFinishedVerificationFailed
            | SecurityError::ClientFinishedVerificationFailed,
        ) => alert::DECRYPT_ERROR,
        Error::CryptoError(
            CryptoError::UnsupportedPublicKeyAlgorithm
            | CryptoError::UnsupportedRsaKeySize
            | CryptoError::UnsupportedEcCurve,
        ) => alert::UNSUPPORTED_CERTIFICATE,
        Error::CryptoError(
            CryptoError::CertificateParseFailed
            | CryptoError::InvalidSubjectPublicKey
            | CryptoError::MissingEcCurveParameter
            | CryptoError::InvalidEcCurveParameter,
        ) => alert::BAD_CERTIFICATE,
        Error::CertificateError(CertificateError::NoClientCertificateReceived) => {
            alert::CERTIFICATE_REQUIRED
        }
        Error::CertificateError(_) => alert::BAD_CERTIFICATE,
        Error::SecurityError(
            SecurityError::UnsupportedServerVersion(_)
            | SecurityError::UnsupportedClientVersion(_)
            | SecurityError::ClientHelloMissingDtls13SupportedVersions
            | SecurityError::ServerDidNotNegotiateDtls13,
        ) => alert::PROTOCOL_VERSION,
        Error::InvalidState(_) => alert::INTERNAL_ERROR,
        _ => alert::HANDSHAKE_FAILURE,
    }
}

/// The names of RFC 8446 6 and of what it no longer has of RFC 5246 7.2.
fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "of no known name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_with_its_number_and_name() {
        let error = Error::SecurityError(SecurityError::FatalAlert { description: 40 });
        let failure = Failure::of(error.clone(), false).unwrap();
        assert_eq!(
            failure.to_string(),
            "the peer refused the handshake: alert 40 handshake_failure"
        );
        assert_eq!(failure.alert(), None, "an alert is not answered by one");
        let failure = Failure::of(error, true).unwrap();
        assert_eq!(
            failure.to_string(),
            "the peer ended the association: alert 40 handshake_failure"
        );
    }

    #[test]
    fn nothing_but_an_alert_ends_what_is_connected() {
        let error = Error::CryptoError(CryptoError::CertificateParseFailed);
        assert_eq!(Failure::of(error.clone(), true), None);
        assert_eq!(Failure::of(error, false).unwrap().alert(), Some(42));
    }

    #[test]
    fn a_full_queue_ends_nothing() {
        assert_eq!(Failure::of(Error::ReceiveQueueFull, false), None);
    }
}
