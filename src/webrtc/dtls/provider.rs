//! Makes the DTLS instances that str0m asks for.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dimpl::{Config, DtlsCertificate};
use str0m::config::DtlsVersion;
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{DtlsInstance, DtlsProvider};

use super::Dtls;
use super::association::{Association, Recipe};
use super::associations::Associations;

/// How long a flight waits for its answer before it is sent again, what RFC 9147 5.8.2 recommends for
/// DTLS-SRTP.
const FLIGHT_TIMEOUT: Duration = Duration::from_millis(400);

/// How often a flight is sent again: with the time doubled each time, until 50 s are over.
const FLIGHT_RETRIES: usize = 6;

/// Makes the DTLS instances that str0m asks for. One for all sessions.
#[derive(Debug)]
pub(in super::super) struct Provider {
    certificates: &'static dyn DtlsProvider,
    /// The last one made and its MTU. Making it tries out all of the cryptography, which takes
    /// longer than a handshake.
    config: Mutex<Option<(Option<usize>, Arc<Config>)>>,
}

impl Provider {
    /// `certificates` makes certificates.
    pub(in super::super) fn new(certificates: &'static dyn DtlsProvider) -> Self {
        Self { certificates, config: Mutex::new(None) }
    }

    fn config(&self, mtu: Option<usize>) -> Result<Arc<Config>, CryptoError> {
        let mut last = self.config.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((known, config)) = &*last
            && *known == mtu
        {
            return Ok(config.clone());
        }
        // A cookie proves that an address can be reached; ICE has done that.
        let mut builder = Config::builder()
            .use_server_cookie(false)
            .flight_start_rto(FLIGHT_TIMEOUT)
            .flight_retries(FLIGHT_RETRIES);
        if let Some(mtu) = mtu {
            builder = builder.mtu(mtu);
        }
        let config = builder.build().map_err(|e| CryptoError::Other(e.to_string()))?;
        let config = Arc::new(config);
        *last = Some((mtu, config.clone()));
        Ok(config)
    }
}

thread_local! {
    /// Whose instance the next `new_dtls` makes. The provider is one for all sessions, and
    /// `new_dtls` has no argument that names the session.
    static SESSION: RefCell<Option<Dtls>> = const { RefCell::new(None) };
}

impl Dtls {
    /// Runs `build`, which makes one session's `Rtc`, so that its DTLS reports here.
    pub(in super::super) fn observe<T>(&self, build: impl FnOnce() -> T) -> T {
        SESSION.set(Some(self.clone()));
        let built = build();
        SESSION.set(None);
        built
    }
}

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCertificate> {
        self.certificates.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCertificate,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let recipe =
            Recipe { config: self.config(mtu)?, certificate: certificate.clone(), version };
        let first = Association::new(&recipe, now)
            .ok_or_else(|| CryptoError::Other(format!("unknown DTLS version {version}")))?;
        let session = SESSION.take().unwrap_or_else(|| Dtls::new(now));
        Ok(Box::new(Associations::new(recipe, first, session)))
    }

    fn is_test(&self) -> bool {
        self.certificates.is_test()
    }
}
