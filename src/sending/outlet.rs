//! Where sealed datagrams are written to.

use crate::control::flow::Flow;

/// Takes datagrams that are written in place, so that sealing is the only copy of a payload on its
/// way to the socket. Datagrams of one flow that follow each other may leave as one burst.
pub trait Outlet {
    /// `write` gets room for `capacity` bytes and says how many it used; none: no datagram.
    fn datagram(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    );
}
