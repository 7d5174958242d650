//! Queues between threads that know nothing of what goes through them, and what threads count.
//! The words they carry are in [`control`](crate::control).

#[cfg(feature = "allocation-counter")]
mod allocations;
pub mod backlog;
pub mod collector;
pub mod conduit;
pub mod counters;
pub mod mailbox;
