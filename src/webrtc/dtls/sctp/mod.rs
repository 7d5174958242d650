//! What stands between DTLS and the SCTP association that runs over it, in both directions: what a
//! peer may make the association keep and do is bounded before it gets there ([`Guard`]), and a
//! peer that sends faster than JavaScript takes its messages is held back by the receive window
//! ([`Window`]).

mod ahead;
mod chunk;
mod guard;
mod held;
mod streams;
#[cfg(test)]
mod testing;
mod window;

pub(in super::super) use guard::Excess;
pub(super) use guard::{Guard, Verdict};
pub(super) use window::{RETRY, Window};
