//! The keys that a DTLS handshake agreed on (RFC 5764 4.2), noticed on their way to str0m: the
//! clients seal and open packets themselves, which costs a fraction.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile,
};
use str0m::crypto::from_feature_flags;

/// What a handshake gave.
pub struct Secrets {
    pub profile: SrtpProfile,
    /// Client key, server key, client salt, server salt.
    pub material: Vec<u8>,
    /// Whether this side was the DTLS client, whose keys come first.
    pub client: bool,
}

/// One certificate and the cryptography of all clients.
#[derive(Clone)]
pub struct Identity {
    pub certificate: DtlsCert,
    pub provider: Arc<CryptoProvider>,
}

impl Identity {
    pub fn generate() -> io::Result<Identity> {
        static TAP: OnceLock<Tap> = OnceLock::new();
        let plain = from_feature_flags();
        let certificate = plain
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("the DTLS certificate could not be made"))?;
        let tap = TAP.get_or_init(|| Tap(plain.dtls_provider));
        let provider = Arc::new(CryptoProvider { dtls_provider: tap, ..plain });
        Ok(Identity { certificate, provider })
    }
}

thread_local! {
    static LATEST: RefCell<Option<Secrets>> = const { RefCell::new(None) };
}

/// The secrets that came by since this was last called. One thread polls one session at a time, so
/// they are of the session that was polled just before.
pub fn take() -> Option<Secrets> {
    LATEST.take()
}

#[derive(Debug)]
struct Tap(&'static dyn DtlsProvider);

impl DtlsProvider for Tap {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Tapped(self.0.new_dtls(certificate, now, version, mtu)?)))
    }

    fn is_test(&self) -> bool {
        self.0.is_test()
    }
}

#[derive(Debug)]
struct Tapped(Box<dyn DtlsInstance>);

impl DtlsInstance for Tapped {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buffer: &'a mut [u8]) -> DtlsOutput<'a> {
        let client = self.0.is_active();
        let output = self.0.poll_output(buffer);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let material = material.as_ref().to_vec();
            LATEST.set(Some(Secrets { profile: *profile, material, client }));
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
