//! What stands between DTLS and the SCTP association that runs over it, in both directions: what a
//! peer may make the association keep and do is bounded before it gets there ([`Guard`]), and a
//! peer that sends faster than JavaScript takes its messages is held back by the receive window
//! ([`Window`]). One that goes on and on is told that it is over ([`Farewell`]).

mod ahead;
mod checksum;
mod chunk;
mod farewell;
mod guard;
mod held;
mod streams;
#[cfg(test)]
mod testing;
mod window;

pub(super) use farewell::Farewell;
pub(in super::super) use guard::Excess;
pub(super) use guard::{Guard, Verdict};
pub(super) use window::{RETRY, Window};
