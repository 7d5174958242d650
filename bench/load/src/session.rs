//! ICE and DTLS of one client, by str0m. It knows of no media: packets do not pass it.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use str0m::config::Fingerprint;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc, RtcConfig};

use crate::keys::{self, Identity};
use crate::sdp::Answer;
use crate::socket::Socket;
use crate::srtp::Contexts;

pub struct Session {
    rtc: Rtc,
    local: SocketAddr,
    pub candidate: Candidate,
    /// When str0m wants to be called again.
    pub timeout: Instant,
    /// Where DTLS goes, and so everything else.
    pub remote: Option<SocketAddr>,
    /// Once the handshake is done.
    pub srtp: Option<Contexts>,
    pub connected: bool,
}

impl Session {
    pub fn new(identity: &Identity, local: SocketAddr, now: Instant) -> io::Result<Session> {
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .set_crypto_provider(identity.provider.clone())
            .set_dtls_cert(identity.certificate.clone())
            .build(now);
        let candidate = Candidate::host(local, Protocol::Udp).map_err(io::Error::other)?;
        rtc.add_local_candidate(candidate.clone());
        rtc.direct_api().set_ice_controlling(true);
        Ok(Session {
            rtc,
            local,
            candidate,
            timeout: now,
            remote: None,
            srtp: None,
            connected: false,
        })
    }

    pub fn credentials(&mut self) -> IceCreds {
        self.rtc.direct_api().local_ice_credentials()
    }

    pub fn fingerprint(&mut self) -> Fingerprint {
        self.rtc.direct_api().local_dtls_fingerprint().clone()
    }

    pub fn answer(&mut self, answer: Answer, now: Instant, socket: &Socket) -> io::Result<()> {
        let mut api = self.rtc.direct_api();
        api.set_remote_ice_credentials(answer.credentials);
        api.set_remote_fingerprint(answer.fingerprint);
        for candidate in answer.candidates {
            self.rtc.add_remote_candidate(candidate);
        }
        // Gives DTLS the time, without which it cannot begin.
        self.handle(Input::Timeout(now));
        self.rtc.direct_api().start_dtls(!answer.active).map_err(io::Error::other)?;
        self.drain(socket)
    }

    pub fn wake(&mut self, now: Instant, socket: &Socket) -> io::Result<()> {
        self.handle(Input::Timeout(now));
        self.drain(socket)
    }

    /// Takes STUN or DTLS.
    pub fn receive(
        &mut self,
        datagram: &[u8],
        source: SocketAddr,
        now: Instant,
        socket: &Socket,
    ) -> io::Result<()> {
        if let Ok(input) = Receive::new(Protocol::Udp, source, self.local, datagram) {
            self.handle(Input::Receive(now, input));
        }
        self.drain(socket)
    }

    pub fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    fn handle(&mut self, input: Input<'_>) {
        if self.rtc.is_alive() && self.rtc.handle_input(input).is_err() {
            self.rtc.disconnect();
        }
    }

    fn drain(&mut self, socket: &Socket) -> io::Result<()> {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.timeout = at;
                    return Ok(());
                }
                Ok(Output::Transmit(packet)) => {
                    if packet.contents.first().is_some_and(|byte| (20..64).contains(byte)) {
                        self.remote = Some(packet.destination);
                    }
                    socket.send(&packet.contents, packet.destination);
                }
                Ok(Output::Event(Event::Connected)) => self.connected = true,
                Ok(Output::Event(_)) => {}
                Err(_) => {
                    self.rtc.disconnect();
                    return Ok(());
                }
            }
            if let Some(secrets) = keys::take() {
                self.srtp = Some(Contexts::new(&secrets)?);
            }
        }
    }
}
