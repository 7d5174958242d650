//! One port of a transport: where its packets come from and go to, and what protects them.

use std::net::SocketAddr;
use std::time::Instant;

use super::guard::{Guard, Seal};
use super::latch::{Latch, Verdict};
use super::setup::Keys;
use crate::control::flow::{Flow, Protocol};
use crate::control::rtp::{BoundPort, RtpOptions, RtpPort};

/// RTCP is on the port after that of RTP where nothing says otherwise (RFC 3550 11).
const RTCP_DISTANCE: u16 = 1;
/// Bytes of a report that is kept.
const MAX_EARLY: usize = 1500;

pub(super) struct Leg {
    /// The line that it belongs to, and the encoding of that.
    pub(super) media: usize,
    pub(super) place: usize,
    pub(super) bound: BoundPort,
    pub(super) rtcp_mux: bool,
    latch: Latch,
    /// Where RTCP goes, as it was told.
    remote_rtcp: Option<SocketAddr>,
    /// Where RTCP comes from, once some came from elsewhere than where it is by the rules.
    heard_rtcp: Option<SocketAddr>,
    /// Some came from where it is by the rules.
    rtcp_in_place: bool,
    /// A report that came before anything else, in the clear: who sends a report first sends none again
    /// for seconds, and nothing tells what belongs together without.
    early: Option<(SocketAddr, Vec<u8>)>,
    /// `None`: RTP/AVP.
    guard: Option<Guard>,
    seal: Option<Seal>,
    /// SSRCs of media: as it was told, and as it last came.
    pub(super) announced: Option<u32>,
    pub(super) ssrc: Option<u32>,
    /// The number behind one that could not follow.
    pub(super) odd: Option<u16>,
}

/// What a datagram is, after a port looked at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entry {
    /// From elsewhere, or not authentic.
    Refused,
    /// In the clear as it came.
    Plain { newest: bool },
    /// It was opened into the buffer.
    Opened { newest: bool },
}

impl Leg {
    /// `None` when the cryptography refuses the keys.
    pub(super) fn new(
        (media, place): (usize, usize),
        options: &RtpOptions,
        port: &RtpPort,
        bound: BoundPort,
        keys: Keys,
    ) -> Option<Self> {
        let Keys { send, receive } = keys;
        let guard = match receive {
            Some(material) => Some(Guard::new(&material)?),
            None => None,
        };
        let seal = match send {
            Some(material) => Some(Seal::new(&material)?),
            None => None,
        };
        // What is sent to a group comes from its members.
        let given = port.remote;
        let latch = Latch::new(given, port.allowed.clone(), options.comedia, guard.is_some());
        Some(Self {
            media,
            place,
            bound,
            rtcp_mux: port.rtcp_mux,
            latch,
            remote_rtcp: port.remote_rtcp,
            heard_rtcp: None,
            rtcp_in_place: false,
            early: None,
            guard,
            seal,
            announced: port.ssrc,
            ssrc: None,
            odd: None,
        })
    }

    /// Takes an address and keys anew. Keys that are the same go on.
    pub(super) fn update(&mut self, old: &RtpPort, port: &RtpPort, keys: Keys) {
        let Keys { send, receive } = keys;
        // Keys that the cryptography refuses leave those of before: never none in their place.
        if old.receive_key != port.receive_key {
            self.guard = match receive {
                Some(material) => Guard::new(&material).or(self.guard.take()),
                None => None,
            };
        }
        if old.send_key != port.send_key {
            self.seal = match send {
                Some(material) => Seal::new(&material).or(self.seal.take()),
                None => None,
            };
        }
        if (old.remote, old.remote_rtcp) != (port.remote, port.remote_rtcp) {
            (self.heard_rtcp, self.rtcp_in_place) = (None, false);
            self.remote_rtcp = port.remote_rtcp;
        }
        self.latch.update(port.remote, &port.allowed, self.guard.is_some());
        if old.ssrc != port.ssrc {
            (self.announced, self.ssrc) = (port.ssrc, None);
        }
    }

    /// Whether RTP that comes there is this one's.
    pub(super) fn takes_rtp_at(&self, local: SocketAddr) -> bool {
        self.bound.rtp.local == local
    }

    /// Whether RTCP that comes there is this one's.
    pub(super) fn takes_rtcp_at(&self, local: SocketAddr) -> bool {
        self.bound.rtcp.local == local
    }

    /// Whether RTCP may be this one's by where it is from.
    pub(super) fn may_take_rtcp(&self, flow: &Flow) -> bool {
        self.takes_rtcp_at(flow.local) && self.is_rtcp_at_home(flow.remote)
    }

    /// Whether RTCP may be from there: from where it is by the rules or, as NATs give it another port,
    /// from the first other one of the host. That one does not keep out who comes by the rules: its
    /// address can be forged as that of any datagram.
    fn is_rtcp_at_home(&self, from: SocketAddr) -> bool {
        let in_place = self.ruled_rtcp().is_some_and(|ruled| is_same(ruled, from));
        in_place
            || match self.heard_rtcp {
                Some(heard) => heard == from,
                None => !self.rtcp_in_place && self.is_at_host(from),
            }
    }

    /// Where RTCP is when nothing shows otherwise.
    fn ruled_rtcp(&self) -> Option<SocketAddr> {
        if self.remote_rtcp.is_some() {
            return self.remote_rtcp;
        }
        let mut remote = self.latch.learnt().or(self.latch.target())?;
        if !self.rtcp_mux {
            remote.set_port(remote.port().checked_add(RTCP_DISTANCE)?);
        }
        Some(remote)
    }

    fn note_rtcp(&mut self, from: SocketAddr) {
        if self.ruled_rtcp().is_some_and(|ruled| is_same(ruled, from)) {
            self.rtcp_in_place = true;
        } else {
            self.heard_rtcp = Some(from);
        }
    }

    fn is_at_host(&self, from: SocketAddr) -> bool {
        let host = self.latch.learnt().or(self.latch.target());
        host.is_some_and(|host| host.ip().to_canonical() == from.ip().to_canonical())
    }

    /// Whether RTP from there may be this one's.
    pub(super) fn verdict(&self, now: Instant, from: SocketAddr) -> Verdict {
        self.latch.judge(now, from)
    }

    /// Looks at an RTP packet that [`Leg::verdict`] did not refuse.
    pub(super) fn enter_rtp(
        &mut self,
        now: Instant,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) -> Entry {
        match &mut self.guard {
            None => Entry::Plain { newest: true },
            Some(guard) => match guard.open_rtp(now, datagram, plain) {
                Some(authentic) => Entry::Opened { newest: authentic.newest },
                None => Entry::Refused,
            },
        }
    }

    /// Looks at an RTCP compound: from where RTCP came before, or else from the host that media come
    /// from or go to.
    pub(super) fn enter_rtcp(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        plain: &mut Vec<u8>,
    ) -> Entry {
        let host = self.latch.learnt().or(self.latch.target());
        let at_home = self.is_rtcp_at_home(from);
        match &mut self.guard {
            None if at_home => {
                self.note_rtcp(from);
                Entry::Plain { newest: true }
            }
            None => {
                if host.is_none() && datagram.len() <= MAX_EARLY {
                    self.early = Some((from, datagram.to_vec()));
                }
                Entry::Refused
            }
            Some(guard) => {
                if !guard.open_rtcp(datagram, plain) {
                    return Entry::Refused;
                }
                if at_home || self.heard_rtcp.is_none() {
                    self.note_rtcp(from);
                }
                if self.ssrc.is_none() && plain.len() <= MAX_EARLY {
                    self.early = Some((from, plain.clone()));
                }
                Entry::Opened { newest: true }
            }
        }
    }

    /// A packet from there was the far end's. Gives whether it is somewhere else than before.
    pub(super) fn learn(&mut self, now: Instant, from: SocketAddr) -> bool {
        let before = self.latch.learnt();
        let moved = self.latch.learn(now, from);
        if moved && before.is_some() {
            (self.heard_rtcp, self.rtcp_in_place) = (None, false);
        }
        moved
    }

    /// The report that came before the first packet, if it was from the host that media come from.
    pub(super) fn take_early(&mut self) -> Option<Vec<u8>> {
        let (from, compound) = self.early.take()?;
        let host = self.latch.learnt()?;
        let same = host.ip().to_canonical() == from.ip().to_canonical();
        if same && self.guard.is_none() && self.is_rtcp_at_home(from) {
            self.note_rtcp(from);
        }
        same.then_some(compound)
    }

    /// Where RTP goes.
    pub(super) fn rtp_flow(&self) -> Option<Flow> {
        self.latch.target().map(|remote| flow(self.bound.rtp.local, remote))
    }

    /// Where RTCP goes: where it was said or comes from, else where it is by the rules.
    pub(super) fn rtcp_flow(&self) -> Option<Flow> {
        let remote = match (self.remote_rtcp, self.heard_rtcp) {
            (Some(given), _) => given,
            (None, _) if self.rtcp_in_place => self.ruled_rtcp()?,
            (None, Some(heard)) => heard,
            (None, None) => {
                let mut remote = self.latch.target()?;
                if !self.rtcp_mux {
                    remote.set_port(remote.port().checked_add(RTCP_DISTANCE)?);
                }
                remote
            }
        };
        Some(flow(self.bound.rtcp.local, remote))
    }

    /// Where media come from, once some came.
    pub(super) fn source(&self) -> Option<SocketAddr> {
        self.latch.learnt()
    }

    /// Whether it can send.
    pub(super) fn is_reachable(&self) -> bool {
        self.latch.target().is_some()
    }

    pub(super) fn seal(&mut self) -> Option<&mut Seal> {
        self.seal.as_mut()
    }

    /// Whether what comes in is protected.
    pub(super) fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    pub(super) fn is_protected(&self) -> bool {
        self.guard.is_some() || self.seal.is_some()
    }
}

fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && one.ip().to_canonical() == other.ip().to_canonical()
}

fn flow(local: SocketAddr, remote: SocketAddr) -> Flow {
    Flow { protocol: Protocol::Udp, local, remote }
}
