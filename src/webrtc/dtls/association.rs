//! One DTLS association, from its first handshake message to its end.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use dimpl::{Config, DtlsCertificate, Error, KeyingMaterial, Output, ProtocolVersion, SrtpProfile};
use str0m::config::DtlsVersion;

use super::failure::{Failure, MAX_CERTIFICATE};
use super::fingerprint::Fingerprints;
use super::record::Random;

/// What an association is made of.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) config: Arc<Config>,
    pub(super) certificate: DtlsCertificate,
    pub(super) version: DtlsVersion,
}

impl Recipe {
    /// `None` for a version that is none of DTLS.
    fn make(&self, now: Instant) -> Option<dimpl::Dtls> {
        let (config, certificate) = (self.config.clone(), self.certificate.clone());
        Some(match self.version {
            DtlsVersion::Dtls12 => dimpl::Dtls::new_12(config, certificate, now),
            DtlsVersion::Dtls13 => dimpl::Dtls::new_13(config, certificate, now),
            DtlsVersion::Auto => dimpl::Dtls::new_auto(config, certificate, now),
            _ => return None,
        })
    }
}

/// What an association has to say. Lengths are of what is in the caller's buffer.
pub(super) enum Step {
    Packet(usize),
    Data(usize),
    Connected,
    Keys(KeyingMaterial, SrtpProfile),
    CloseNotify,
    Failed(Failure),
    /// Nothing for str0m, and more to come.
    Again,
    /// Nothing until then.
    Timeout(Instant),
}

pub(super) struct Association {
    dtls: dimpl::Dtls,
    /// Of the ClientHello that began it, when this side is the server.
    pub(super) client_random: Option<Random>,
    pub(super) connected: bool,
    /// The certificate is one that the peer's description named.
    verified: bool,
    failed: bool,
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dtls.fmt(f)
    }
}

impl Association {
    /// A server, until it is told otherwise.
    pub(super) fn new(recipe: &Recipe, now: Instant) -> Option<Self> {
        Some(Self {
            dtls: recipe.make(now)?,
            client_random: None,
            connected: false,
            verified: false,
            failed: false,
        })
    }

    pub(super) fn set_active(&mut self, active: bool) {
        self.dtls.set_active(active);
    }

    pub(super) fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    pub(super) fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    /// Takes a datagram, or the empty one that begins a client's handshake.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), Failure> {
        if self.failed {
            return Ok(());
        }
        self.handle_timeout(now)?;
        let result = self.dtls.handle_packet(packet);
        self.judge(result)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Failure> {
        if self.failed {
            return Ok(());
        }
        let result = self.dtls.handle_timeout(now);
        self.judge(result)
    }

    /// Gives how much was taken: nothing when there is no association to send over any more, of
    /// which the session is told why.
    pub(super) fn send(&mut self, data: &[u8]) -> Result<usize, Error> {
        if self.failed { Ok(0) } else { self.dtls.send_application_data(data) }
    }

    /// Gives back what only the handshake needed, if it is through.
    pub(super) fn release_handshake(&mut self) {
        self.dtls.release_handshake();
    }

    pub(super) fn close(&mut self) -> Result<(), Error> {
        self.dtls.close()
    }

    fn judge(&mut self, result: Result<(), Error>) -> Result<(), Failure> {
        let Err(error) = result else { return Ok(()) };
        match Failure::of(error.clone(), self.connected) {
            Some(failure) => Err(self.fail(failure)),
            None => {
                tracing::debug!(%error, "DTLS datagram dropped");
                Ok(())
            }
        }
    }

    /// Tells the peer, and is over.
    fn fail(&mut self, failure: Failure) -> Failure {
        self.failed = true;
        let ended = match failure.alert() {
            Some(alert) => self.dtls.close_with_alert(alert),
            None => self.dtls.close(),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "no alert");
        }
        failure
    }

    /// What there is to do next. `buffer` has room for a datagram.
    pub(super) fn poll(&mut self, buffer: &mut [u8], expected: impl Fn() -> Fingerprints) -> Step {
        loop {
            let verified = match self.dtls.poll_output(buffer) {
                Output::Packet(packet) => return Step::Packet(packet.len()),
                Output::Timeout(at) => return Step::Timeout(at),
                Output::ApplicationData(data) if self.verified => return Step::Data(data.len()),
                Output::ApplicationData(_) => continue,
                Output::KeyingMaterial(material, profile) if self.verified => {
                    return Step::Keys(material, profile);
                }
                Output::KeyingMaterial(..) => continue,
                Output::CloseNotify => return Step::CloseNotify,
                Output::Connected if self.verified => {
                    self.connected = true;
                    return Step::Connected;
                }
                // Our settings make every peer show a certificate.
                Output::Connected => Err(Failure::Fingerprint),
                Output::PeerCert(certificate) => verify(certificate, &expected()),
                Output::BufferTooSmall { needed } => self.verify_large(needed, &expected()),
                _ => continue,
            };
            match verified {
                Ok(()) => self.verified = true,
                Err(failure) => return Step::Failed(self.fail(failure)),
            }
        }
    }

    /// Verifies a certificate that a datagram has no room for.
    fn verify_large(&mut self, needed: usize, expected: &Fingerprints) -> Result<(), Failure> {
        if needed > MAX_CERTIFICATE {
            return Err(Failure::LargeCertificate(needed));
        }
        match self.dtls.poll_output(&mut vec![0; needed]) {
            Output::PeerCert(certificate) => verify(certificate, expected),
            _ => Err(Failure::Fingerprint),
        }
    }
}

fn verify(certificate: &[u8], expected: &Fingerprints) -> Result<(), Failure> {
    if expected.match_certificate(certificate) { Ok(()) } else { Err(Failure::Fingerprint) }
}
