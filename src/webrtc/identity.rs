//! The DTLS identity of an endpoint, and a tap on the handshake that tells what was agreed on.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, from_feature_flags};

use crate::srtp::{KeyingMaterial, Profile};

/// A self-signed certificate, shared by all transports of an endpoint, and the cryptography that
/// goes with it. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    certificate: DtlsCert,
    fingerprint: Arc<str>,
    provider: Arc<CryptoProvider>,
}

impl Identity {
    /// Makes a new certificate.
    pub fn generate() -> Result<Self, &'static str> {
        static TAP: OnceLock<DtlsTap> = OnceLock::new();
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

        let tap = TAP.get_or_init(|| DtlsTap { inner: plain.dtls_provider });
        let provider = Arc::new(CryptoProvider { dtls_provider: tap, ..plain });
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

/// What a DTLS handshake agreed on, once it has.
#[derive(Clone, Default, Debug)]
pub(super) struct Agreement(Arc<Agreed>);

#[derive(Default, Debug)]
struct Agreed {
    profile: OnceLock<SrtpProfile>,
    /// Until the sending side takes it.
    material: Mutex<Option<(KeyingMaterial, bool)>>,
    /// A record of the association was opened since somebody asked.
    heard: AtomicBool,
}

impl Agreement {
    fn agree(&self, bytes: &[u8], profile: SrtpProfile, client: bool) {
        if self.0.profile.set(profile).is_err() {
            return;
        }
        let profile = match profile {
            SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmSha1_80,
            SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
            SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
            _ => return,
        };
        *self.0.material.lock().unwrap_or_else(|e| e.into_inner()) =
            KeyingMaterial::new(profile, bytes).map(|material| (material, client));
    }

    /// What SRTP keys are made of, and whether this side was the DTLS client; once, when the
    /// handshake is through.
    pub(super) fn take_keying_material(&self) -> Option<(KeyingMaterial, bool)> {
        self.0.material.lock().unwrap_or_else(|e| e.into_inner()).take()
    }

    /// Whether a record of the association came since it was asked last.
    pub(super) fn take_heard(&self) -> bool {
        self.0.heard.swap(false, Ordering::Relaxed)
    }

    /// The IANA name of the SRTP protection profile (RFC 5764 4.1.2, RFC 7714 14.2).
    pub(super) fn srtp_cipher(&self) -> Option<&'static str> {
        Some(match self.0.profile.get()? {
            SrtpProfile::AES128_CM_SHA1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            SrtpProfile::AEAD_AES_128_GCM => "SRTP_AEAD_AES_128_GCM",
            SrtpProfile::AEAD_AES_256_GCM => "SRTP_AEAD_AES_256_GCM",
            _ => "unknown",
        })
    }

    /// Runs `build`, which makes one session, so that its handshake reports here.
    pub(super) fn observe<T>(&self, build: impl FnOnce() -> T) -> T {
        OBSERVER.set(Some(self.clone()));
        let built = build();
        OBSERVER.set(None);
        built
    }
}

thread_local! {
    /// Whose handshake the next `new_dtls` is. The provider is one for all sessions, and
    /// `new_dtls` has no argument that names the session.
    static OBSERVER: RefCell<Option<Agreement>> = const { RefCell::new(None) };
}

/// Hands out DTLS instances whose keying material is noticed on its way through.
#[derive(Debug)]
struct DtlsTap {
    inner: &'static dyn DtlsProvider,
}

impl DtlsProvider for DtlsTap {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.inner.new_dtls(certificate, now, version, mtu)?;
        let agreement = OBSERVER.take().unwrap_or_default();
        Ok(Box::new(TappedDtls { inner, agreement }))
    }

    fn is_test(&self) -> bool {
        self.inner.is_test()
    }
}

#[derive(Debug)]
struct TappedDtls {
    inner: Box<dyn DtlsInstance>,
    agreement: Agreement,
}

impl DtlsInstance for TappedDtls {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let client = self.inner.is_active();
        let output = self.inner.poll_output(buf);
        match &output {
            DtlsOutput::KeyingMaterial(material, profile) => {
                self.agreement.agree(material.as_ref(), *profile, client);
            }
            DtlsOutput::ApplicationData(_) => self.agreement.0.heard.store(true, Ordering::Relaxed),
            _ => {}
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
