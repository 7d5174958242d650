//! The header `Transport` (RFC 2326 12.39): how media of one line travel.

/// How packets of a line are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lower {
    /// On the connection itself, RTP on this channel and RTCP on the next.
    Interleaved(u8),
    /// To this port, and RTCP to the next.
    Udp(u16),
}

/// What a server says to that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    /// Channels of RTP and RTCP.
    pub(super) interleaved: Option<(u8, u8)>,
    /// Ports that it sends RTP and RTCP from.
    pub(super) server_port: Option<(u16, u16)>,
}

impl Lower {
    /// The value of the header.
    pub(super) fn header(self) -> String {
        match self {
            Self::Interleaved(channel) => {
                format!("RTP/AVP/TCP;unicast;interleaved={channel}-{}", channel.wrapping_add(1))
            }
            Self::Udp(port) => {
                format!("RTP/AVP;unicast;client_port={port}-{}", port.wrapping_add(1))
            }
        }
    }
}

impl Answer {
    pub(super) fn parse(value: &str) -> Self {
        let first = value.split(',').next().unwrap_or_default();
        let find = |name: &str| {
            let mut parts = first.split(';').filter_map(|part| part.trim().split_once('='));
            parts.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        Self {
            interleaved: find("interleaved").and_then(pair),
            server_port: find("server_port").and_then(pair),
        }
    }
}

/// `4-5`, or `4` for 4 and the next.
fn pair<T: std::str::FromStr + Copy + TryFrom<u32> + Into<u32>>(text: &str) -> Option<(T, T)> {
    let (first, second) = text.split_once('-').unwrap_or((text, ""));
    let first: T = first.trim().parse().ok()?;
    let next = || T::try_from(first.into().checked_add(1)?).ok();
    let second = if second.is_empty() { next()? } else { second.trim().parse().ok()? };
    Some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_servers_write_them() {
        let udp = Answer::parse(
            "RTP/AVP;unicast;client_port=5004-5005;server_port=6970-6971;ssrc=60A1D6F1;mode=\"PLAY\"",
        );
        assert_eq!((udp.interleaved, udp.server_port), (None, Some((6970, 6971))));
        let tcp = Answer::parse("RTP/AVP/TCP;unicast; Interleaved=2-3");
        assert_eq!((tcp.interleaved, tcp.server_port), (Some((2, 3)), None));
        assert_eq!(Answer::parse("RTP/AVP/TCP;interleaved=4").interleaved, Some((4, 5)));
        for wrong in
            ["", "interleaved=255", "interleaved=300-301", "server_port=x-1", "server_port=70000"]
        {
            let answer = Answer::parse(wrong);
            assert_eq!((answer.interleaved, answer.server_port), (None, None), "{wrong}");
        }
    }
}
