//! Tracks taken from shards and made for them by those that are no peers: mixers, and whatever
//! records, plays or takes in media by other ways. They run on the pool of tasks, so a shard leaves
//! what it has for them at an [`Inlet`] and they send it messages.
//!
//! A [`Taker`] is a receiver of tracks like any other: its demand switches the layers of a sender
//! off and on as a viewer's does. A [`Made`] track is a track of a shard like any other: all that
//! forwarding does, it does for made tracks too.

mod doze;
mod inlet;
mod input;
mod made;
mod outlet;
mod taker;

pub use doze::Doze;
pub use inlet::{Inlet, LeftPackets, Notes};
pub use input::Input;
pub use made::{Class, Made, rid};
pub use outlet::{Outlet, Shards};
pub use taker::Taker;
