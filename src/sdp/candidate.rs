//! A candidate of the peer (RFC 8839 5.1), alone or in a description.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::error::SdpError;

/// A candidate that checks can be sent to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteCandidate {
    pub foundation: String,
    pub protocol: CandidateProtocol,
    pub priority: u32,
    pub address: SocketAddr,
    pub kind: CandidateKind,
    /// Where it is seen from inside; `None` where it does not tell (RFC 8839 5.1).
    pub related: Option<SocketAddr>,
    /// The ICE generation it belongs to (RFC 8839 5.1, draft-ietf-mmusic-trickle-ice 3).
    pub ufrag: Option<String>,
}

impl fmt::Display for RemoteCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ip, port) = (self.address.ip(), self.address.port());
        let (protocol, tcp_type) = match self.protocol {
            CandidateProtocol::Udp => ("udp", None),
            CandidateProtocol::Tcp(tcp_type) => ("tcp", Some(tcp_type)),
        };
        let kind = match self.kind {
            CandidateKind::Host => "host",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::PeerReflexive => "prflx",
            CandidateKind::Relayed => "relay",
        };
        let (foundation, priority) = (&self.foundation, self.priority);
        write!(f, "candidate:{foundation} 1 {protocol} {priority} {ip} {port} typ {kind}")?;
        if let Some(related) = self.related {
            write!(f, " raddr {} rport {}", related.ip(), related.port())?;
        }
        match tcp_type {
            Some(TcpType::Active) => f.write_str(" tcptype active")?,
            Some(TcpType::Passive) => f.write_str(" tcptype passive")?,
            Some(TcpType::SimultaneousOpen) => f.write_str(" tcptype so")?,
            None => {}
        }
        match &self.ufrag {
            Some(ufrag) => write!(f, " ufrag {ufrag}"),
            None => Ok(()),
        }
    }
}

/// What carries datagrams to a candidate (`transport`, RFC 8839 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CandidateProtocol {
    Udp,
    /// RFC 6544, with its `tcptype`.
    Tcp(TcpType),
}

/// Who opens the connection (`tcptype`, RFC 6544 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpType {
    Active,
    Passive,
    SimultaneousOpen,
}

/// How its owner came by a candidate (`typ`, RFC 8839 5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CandidateKind {
    Host,
    ServerReflexive,
    PeerReflexive,
    Relayed,
}

/// What a candidate comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Candidate {
    Usable(RemoteCandidate),
    /// It is well-formed, and nothing can be sent to it. The peer's own checks may reach us all
    /// the same.
    Ignored(Unusable),
}

/// Why a candidate is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusable {
    /// Its address is a name: those under `.local` hide it (draft-ietf-mmusic-mdns-ice-candidates).
    HostName,
    /// Its address means something on the peer's machine alone (RFC 4007 6).
    Zone,
    /// Only RTP and RTCP together are taken, as component 1 (RFC 5761).
    Component,
    /// Its transport is none of UDP and TCP.
    Protocol,
    /// It is by TCP and does not say who connects (`tcptype`, RFC 6544 4.5), as those from before
    /// that RFC.
    TcpType,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostName => "its address is a host name",
            Self::Zone => "its address has a zone",
            Self::Component => "its component is not 1",
            Self::Protocol => "its transport is neither UDP nor TCP",
            Self::TcpType => "it does not say who connects by TCP",
        })
    }
}

/// Most words of a line that are looked at; all that is known comes before.
const MAX_WORDS: usize = 64;
/// Letters of a foundation (RFC 8839 5.1); what is longer is cut off.
const MAX_FOUNDATION: usize = 32;
/// Bytes of a user name fragment (RFC 8839 5.4).
const MAX_UFRAG: usize = 256;

/// Reads a candidate, with or without `a=` before it.
///
/// # Errors
/// [`SdpError::Malformed`] where it is none.
pub fn parse(line: &str) -> Result<Candidate, SdpError> {
    read(line).ok_or_else(|| {
        let expected = "`candidate:<foundation> <component> <transport> <priority> <address> \
            <port> typ <type>`";
        SdpError::malformed(line, expected)
    })
}

fn read(line: &str) -> Option<Candidate> {
    let text = line.trim();
    let text = text.strip_prefix("a=").unwrap_or(text).strip_prefix("candidate:")?;
    let mut words = text.split_ascii_whitespace().take(MAX_WORDS);
    let foundation = words.next()?;
    let component: u32 = words.next()?.parse().ok()?;
    let protocol = words.next()?;
    let priority: u32 = words.next()?.parse().ok()?;
    let address = words.next()?;
    let port: u16 = words.next()?.parse().ok()?;
    if words.next()? != "typ" {
        return None;
    }
    let kind = match words.next()? {
        "host" => CandidateKind::Host,
        "srflx" => CandidateKind::ServerReflexive,
        "prflx" => CandidateKind::PeerReflexive,
        "relay" => CandidateKind::Relayed,
        _ => return None,
    };
    let mut extensions = Extensions::default();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name {
            "raddr" => extensions.related_address = value.parse().ok(),
            "rport" => extensions.related_port = value.parse().ok(),
            "tcptype" => extensions.tcp_type = tcp_type(value),
            "ufrag" if value.len() <= MAX_UFRAG => extensions.ufrag = Some(value.to_owned()),
            _ => {}
        }
    }

    if component != 1 {
        return Some(Candidate::Ignored(Unusable::Component));
    }
    let protocol = if protocol.eq_ignore_ascii_case("udp") {
        CandidateProtocol::Udp
    } else if protocol.eq_ignore_ascii_case("tcp") {
        match extensions.tcp_type {
            Some(tcp_type) => CandidateProtocol::Tcp(tcp_type),
            None => return Some(Candidate::Ignored(Unusable::TcpType)),
        }
    } else {
        return Some(Candidate::Ignored(Unusable::Protocol));
    };
    // Some write IPv6 as URLs have it.
    let plain = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = match plain.unwrap_or(address).parse() {
        Ok(address) => address,
        Err(_) if address.contains('%') => return Some(Candidate::Ignored(Unusable::Zone)),
        // Browsers take whatever is no address for a name.
        Err(_) => return Some(Candidate::Ignored(Unusable::HostName)),
    };
    let related = extensions.related_address.zip(extensions.related_port);
    Some(Candidate::Usable(RemoteCandidate {
        foundation: foundation.chars().take(MAX_FOUNDATION).collect(),
        protocol,
        priority,
        address: SocketAddr::new(address, port),
        kind,
        related: related.map(|(address, port)| SocketAddr::new(address, port)),
        ufrag: extensions.ufrag,
    }))
}

#[derive(Default)]
struct Extensions {
    /// A name hides it as in `0.0.0.0`: nothing depends on it.
    related_address: Option<IpAddr>,
    related_port: Option<u16>,
    tcp_type: Option<TcpType>,
    ufrag: Option<String>,
}

fn tcp_type(value: &str) -> Option<TcpType> {
    Some(match value {
        "active" => TcpType::Active,
        "passive" => TcpType::Passive,
        "so" => TcpType::SimultaneousOpen,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_checks_can_be_sent_to() {
        let line = "a=candidate:4 1 UDP 1686052607 198.51.100.7 50002 typ srflx raddr 10.0.0.2 \
            rport 9 generation 0 ufrag abcd network-cost 999";
        let Ok(Candidate::Usable(candidate)) = parse(line) else { panic!("it is usable") };
        assert_eq!(candidate.address, "198.51.100.7:50002".parse().unwrap());
        assert_eq!(candidate.related, Some("10.0.0.2:9".parse().unwrap()));
        assert_eq!(candidate.kind, CandidateKind::ServerReflexive);
        assert_eq!(candidate.ufrag.as_deref(), Some("abcd"));
    }

    #[test]
    fn a_hidden_related_address_hides_nothing_else() {
        let line = "candidate:4 1 udp 1 198.51.100.7 2 typ srflx raddr 0f0a.local rport 9";
        assert!(matches!(parse(line), Ok(Candidate::Usable(c)) if c.related.is_none()));
    }

    #[test]
    fn long_foundations_are_cut_and_brackets_say_nothing() {
        let line = format!("candidate:{} 1 udp 1 [2001:db8::1] 5 typ host", "f".repeat(99));
        let Ok(Candidate::Usable(candidate)) = parse(&line) else { panic!("it is usable") };
        assert_eq!(candidate.foundation.len(), MAX_FOUNDATION);
        assert_eq!(candidate.address, "[2001:db8::1]:5".parse().unwrap());
    }

    #[test]
    fn what_nothing_can_be_sent_to_is_ignored() {
        let cases = [
            ("candidate:1 1 udp 1 0f0a1b2c-1111.local 5 typ host", Unusable::HostName),
            ("candidate:1 1 udp 1 turn.example.com 5 typ relay", Unusable::HostName),
            ("candidate:1 1 udp 1 300.0.0.1 5 typ host", Unusable::HostName),
            ("candidate:1 1 udp 1 fe80::1%eth0 5 typ host", Unusable::Zone),
            ("candidate:1 70000 udp 1 192.0.2.3 5 typ host", Unusable::Component),
            ("candidate:1 2 udp 1 192.0.2.3 5 typ host", Unusable::Component),
            ("candidate:1 1 ssltcp 1 192.0.2.3 443 typ host", Unusable::Protocol),
            ("candidate:1 1 tcp 1 192.0.2.3 9 typ host", Unusable::TcpType),
        ];
        for (line, why) in cases {
            assert_eq!(parse(line), Ok(Candidate::Ignored(why)), "{line}");
        }
    }

    #[test]
    fn tcp_candidates_say_who_connects() {
        let line = "candidate:2 1 tcp 1518280447 192.0.2.3 9 typ host tcptype active";
        assert!(matches!(
            parse(line),
            Ok(Candidate::Usable(c)) if c.protocol == CandidateProtocol::Tcp(TcpType::Active)
        ));
    }

    #[test]
    fn what_is_no_candidate_is_an_error_with_its_line() {
        let nowhere = "candidate:1 1 udp 1 192.0.2.1 70000 typ host";
        for line in ["candidate:", "nonsense", nowhere, ""] {
            assert_eq!(parse(line).unwrap_err().line(), Some(line));
        }
    }
}
