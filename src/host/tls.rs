//! TLS of connections that RTMP and RTSP are spoken over, from their first byte on.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig};

use super::error::HostError;
use super::pinned_certificate::{Fingerprint, PinnedCertificate};
use crate::control::ingest::{TlsOptions, TrustOptions};
use crate::control::rtsp::RtspTrust;

/// Who a server is: reads its certificates and the key.
///
/// # Errors
/// `Tls`, with what is wrong with which of them.
pub(super) fn identity(options: &TlsOptions) -> Result<Arc<ServerConfig>, HostError> {
    let wrong = |field: &'static str, reason: String| HostError::Tls { field, reason };
    let certificates = CertificateDer::pem_slice_iter(options.cert.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong("cert", error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("cert", "no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(options.key.as_bytes())
        .map_err(|error| wrong("key", error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("cert", error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong("key", error.to_string()))?;
    Ok(Arc::new(config))
}

/// Whom a client believes, and whom it wants to speak to.
pub(super) struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// Reads the roots. One that rustls cannot use is left out, as some of every system's are.
    ///
    /// # Errors
    /// `Tls`, when none is left or the name is none.
    pub(super) fn new(options: &TrustOptions) -> Result<Self, HostError> {
        let reason = || format!("{} is no name that a certificate has", options.name);
        let name = ServerName::try_from(options.name.clone())
            .map_err(|_| HostError::Tls { field: "ca", reason: reason() })?;
        Ok(Self { config: believing(&options.ca)?, name })
    }

    /// A connection to be made by a client. Errors: when the configuration makes none.
    pub(super) fn connection(&self) -> io::Result<Connection> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
            .map(Connection::from)
            .map_err(io::Error::other)
    }
}

/// A client that believes whom these roots vouch for, in PEM.
fn believing(ca: &str) -> Result<Arc<ClientConfig>, HostError> {
    let wrong = |reason: String| HostError::Tls { field: "ca", reason };
    let certificates = CertificateDer::pem_slice_iter(ca.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(wrong("no certificate in PEM that can be a root".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whom a client believes, whatever server it comes to speak to.
pub(super) struct Authority(Arc<ClientConfig>);

impl Authority {
    /// Reads roots, as [`Trust::new`] does, or the fingerprint of one certificate.
    ///
    /// # Errors
    /// `Tls`, with which of them is none.
    pub(super) fn new(options: &RtspTrust) -> Result<Self, HostError> {
        let text = match options {
            RtspTrust::Ca(ca) => return Ok(Self(believing(ca)?)),
            RtspTrust::Fingerprint(text) => text,
        };
        let wrong = |reason: String| HostError::Tls { field: "fingerprint", reason };
        let expected = || "a fingerprint is 64 hexadecimal digits of SHA-256".to_owned();
        let fingerprint = Fingerprint::parse(text).ok_or_else(|| wrong(expected()))?;
        let provider = Arc::new(default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(PinnedCertificate::new(
                fingerprint,
                algorithms,
            )))
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// A connection to a host, by its name or address. Errors: when no certificate can name that.
    pub(super) fn connection(&self, host: &str) -> io::Result<Connection> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        ClientConnection::new(Arc::clone(&self.0), name)
            .map(Connection::from)
            .map_err(io::Error::other)
    }
}

/// A connection as the bytes in it: through TLS where that is spoken.
pub(super) struct Channel<S> {
    socket: S,
    tls: Option<Box<Connection>>,
}

impl<S: Read + Write> Channel<S> {
    /// Through TLS where there is a connection of it.
    pub(super) fn new(socket: S, tls: Option<Connection>) -> Self {
        Self { socket, tls: tls.map(Box::new) }
    }

    pub(super) fn socket(&mut self) -> &mut S {
        &mut self.socket
    }

    pub(super) fn into_socket(self) -> S {
        self.socket
    }

    /// Reads what has come; 0 at the end. Errors: `WouldBlock` when nothing has.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A peer that ends without a word of TLS is one that ends.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                done => return done,
            }
            if tls.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            if let Err(error) = tls.process_new_packets() {
                // An alert says why.
                let _ = tls.write_tls(&mut self.socket);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            if tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
        }
    }

    /// Writes what there is room for. Errors: `WouldBlock` when there is none.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.write(bytes) };
        let mut taken = tls.writer().write(bytes)?;
        while tls.wants_write() {
            match tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                // It has taken the bytes, and sends them with the next call.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && taken > 0 => break,
                Err(error) => return Err(error),
            }
        }
        if taken == 0 {
            taken = tls.writer().write(bytes)?;
        }
        // Before the handshake is through it keeps so much and no more.
        if taken == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    /// Whether TLS has something to send by itself, or of what it took.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            tls.write_tls(&mut self.socket)?;
        }
        Ok(())
    }

    /// Says that nothing more is sent.
    pub(super) fn finish(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.socket);
        }
    }
}
