//! DTLS for a peer that is an endpoint of this engine too: wrapped, so that several transports can
//! run between the same two addresses (see [`codec::wrapped`](crate::codec::wrapped)).

use str0m::IceCreds;

use super::Session;
use crate::codec::wrapped;

/// Ends the user name fragment of every transport's first description, and means: this side takes
/// wrapped DTLS. The characters are of those that a fragment may have (RFC 8839 5.4).
const MARK: &str = "/ml";

#[derive(Default)]
pub(super) struct Wrapping {
    /// The peer has said that it takes wrapped DTLS. It does so for good, though another fragment
    /// may come with an ICE restart.
    taken: bool,
    /// Reused for datagrams.
    buffer: Vec<u8>,
}

/// ICE credentials that tell what this side takes.
pub(super) fn credentials() -> IceCreds {
    let mut credentials = IceCreds::new();
    credentials.ufrag.push_str(MARK);
    credentials
}

impl Session {
    /// Whether the DTLS records of this peer come wrapped, and only so.
    pub fn is_wrapped(&self) -> bool {
        let remote = self.negotiation.remote_credentials.as_ref();
        self.wrapping.taken || remote.is_some_and(|(ufrag, _)| ufrag.ends_with(MARK))
    }

    /// The records as they go to the peer, where they have to be wrapped.
    pub(super) fn wrap(&mut self, records: &[u8]) -> Option<&[u8]> {
        self.wrapping.taken = self.is_wrapped();
        if !self.wrapping.taken {
            return None;
        }
        let (remote, _) = self.negotiation.remote_credentials.as_ref()?;
        let buffer = &mut self.wrapping.buffer;
        wrapped::wrap(buffer, remote, &self.local_ufrag, records).then_some(&buffer[..])
    }
}
