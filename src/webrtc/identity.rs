//! What a transport is to its peer in DTLS.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use str0m::config::{CryptoProvider, DtlsCert};
use str0m::crypto::from_feature_flags;

use super::dtls::Provider;

/// A self-signed certificate, valid for a year and shared by transports of an endpoint, and the
/// cryptography that goes with it. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    certificate: DtlsCert,
    fingerprint: Arc<str>,
    provider: Arc<CryptoProvider>,
}

impl Identity {
    /// Makes a new certificate.
    pub fn generate() -> Result<Self, &'static str> {
        static DTLS: OnceLock<Provider> = OnceLock::new();
        let plain = from_feature_flags();
        let certificate = plain
            .dtls_provider
            .generate_certificate()
            .ok_or("the DTLS certificate could not be made")?;

        // The form of `a=fingerprint` (RFC 8122 5).
        let digest = plain.sha256_provider.sha256(&certificate.certificate);
        let mut fingerprint = String::from("sha-256");
        for (index, byte) in digest.iter().enumerate() {
            let separator = if index == 0 { ' ' } else { ':' };
            let _ = write!(fingerprint, "{separator}{byte:02X}");
        }

        let dtls = DTLS.get_or_init(|| Provider::new(plain.dtls_provider));
        let provider = Arc::new(CryptoProvider { dtls_provider: dtls, ..plain });
        Ok(Self { certificate, fingerprint: fingerprint.into(), provider })
    }

    /// As in `a=fingerprint`: hash name, a space, upper-case hex with colons.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn certificate(&self) -> DtlsCert {
        self.certificate.clone()
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        self.provider.clone()
    }
}
