//! The receive window that a peer is told, when JavaScript is behind.
//!
//! The association hands messages over as they come and so always tells that it has room. What
//! waits for JavaScript is no less received than what waits for its reader in a socket, so the
//! window tells of it (RFC 9260 6.2): a sender stops, with nothing lost and nothing closed, and is
//! told when there is room again.

use std::time::Duration;

use super::checksum;
use super::chunk::{COMMON_HEADER, SACK};

/// How soon a sender that was stopped is told that there is room again.
pub(in super::super) const RETRY: Duration = Duration::from_millis(100);

/// Where the window stands in a packet that begins with a SACK, behind the cumulative
/// acknowledgement (RFC 9260 3.3.4).
const WINDOW: std::ops::Range<usize> = COMMON_HEADER + 8..COMMON_HEADER + 12;

#[derive(Debug, Default)]
pub(in super::super) struct Window {
    /// The last acknowledgement as it would have been.
    closed: Option<Vec<u8>>,
    /// What was sent in its place.
    limited: Vec<u8>,
}

impl Window {
    /// What to send for a packet of the association, when JavaScript has room for so many bytes.
    pub(in super::super) fn limit<'a>(&'a mut self, packet: &'a [u8], room: usize) -> &'a [u8] {
        if packet.get(COMMON_HEADER) != Some(&SACK) {
            return packet;
        }
        self.closed = None;
        let Some(window) = packet.get(WINDOW).and_then(|bytes| bytes.try_into().ok()) else {
            return packet;
        };
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        if room >= u32::from_be_bytes(window) {
            return packet;
        }
        self.closed = Some(packet.to_vec());
        self.limited.clear();
        self.limited.extend_from_slice(packet);
        self.limited[WINDOW].copy_from_slice(&room.to_be_bytes());
        checksum::set(&mut self.limited);
        &self.limited
    }

    /// Whether the peer believes in less room than the association has.
    pub(in super::super) fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// The acknowledgement that tells the peer to go on, when JavaScript has room again.
    pub(in super::super) fn reopen(&mut self, room: usize) -> Option<Vec<u8>> {
        (room == usize::MAX).then(|| self.closed.take()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{data, packet, sack};
    use super::*;

    #[test]
    fn an_acknowledgement_tells_no_more_room_than_javascript_has() {
        let mut window = Window::default();
        let told = packet(&[sack(1_000_000, &[])]);
        assert_eq!(window.limit(&told, usize::MAX), told);
        let limited = window.limit(&told, 700).to_vec();
        assert_eq!(limited[WINDOW], 700u32.to_be_bytes());
        assert!(window.is_closed());
        assert_eq!(window.reopen(5000), None, "only when everything was taken");
        assert_eq!(window.reopen(usize::MAX).as_ref(), Some(&told));
        assert!(!window.is_closed());
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let mut window = Window::default();
        let message = packet(&[data(1, 2, 3)]);
        assert_eq!(window.limit(&message, 0), message);
        let short = packet(&[(SACK, vec![1, 2])]);
        assert_eq!(window.limit(&short[..18], 0), &short[..18]);
    }
}
