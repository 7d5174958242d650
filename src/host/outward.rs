//! Whom this host asks because somebody else wants it to.

use std::net::IpAddr;

use crate::control::rtp::RtpNetwork;
use crate::net::special_addresses::{is_host, is_public};

/// Whether somebody at an address may be asked: what only this host can reach is not, unless all of that
/// is allowed, or a network that has the address.
pub(super) fn may_ask(address: IpAddr, allow_private: bool, allow: &[RtpNetwork]) -> bool {
    let allowed = || allow_private || allow.iter().any(|network| network.has(address));
    is_host(address) && (is_public(address) || allowed())
}
