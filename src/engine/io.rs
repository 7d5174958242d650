//! The seam between a shard and the sockets, threads and rings that carry it. A shard does no I/O
//! and reads no clock: whoever drives it hands in datagrams, commands, messages and time, and
//! takes what comes out.

use std::time::Instant;

use crate::control::command::Command;
use crate::control::flow::Flow;
use crate::control::ids::ShardIndex;
use crate::engine::occupancy::ThreadLoad;
use crate::engine::unfinished::Rest;

/// Something that crosses from one shard to another.
pub trait Message: Send + 'static {
    /// Media may be dropped when the ring is full; everything else has to arrive.
    fn droppable(&self) -> bool;
}

/// Where a shard puts what it wants out.
pub trait Output<M> {
    /// One datagram. Datagrams of one flow that follow each other may leave as one burst.
    fn datagram(&mut self, flow: &Flow, bytes: &[u8]);
    /// One datagram, written in place: `write` gets room for `capacity` bytes and says how many it
    /// used, or that there is none after all.
    fn datagram_in_place(
        &mut self,
        flow: &Flow,
        capacity: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    );
    /// A message to another shard.
    fn message(&mut self, to: ShardIndex, message: M);
    /// The flow is not used any more: a TCP connection can be closed.
    fn end_flow(&mut self, flow: &Flow);
    /// Ports that nobody has a lease of any more are to be closed, after everything that was said
    /// here has left.
    fn close_ports(&mut self) {}
}

/// A shard, as its driver sees it. Calls come from one thread, with `now` never going back.
/// After any number of `handle_*` calls the driver calls `flush` once, so that what belongs
/// together leaves together.
pub trait Reactor {
    /// What shards tell each other.
    type Message: Message;

    /// A command of JavaScript, for something that lives here.
    fn handle_command(&mut self, now: Instant, command: Command);
    /// A message of another shard, or of its own.
    fn handle_message(&mut self, now: Instant, message: Self::Message);
    /// One datagram, without its framing where it came over TCP (RFC 4571).
    fn handle_datagram(&mut self, now: Instant, flow: &Flow, bytes: &[u8]);
    /// All that waited was handed in. Gives whether something that belongs to it is likely to come
    /// within a fraction of a millisecond, so that it is worth a wait before `flush`.
    fn awaits_rest(&mut self) -> Rest {
        Rest::Nothing
    }
    /// A TCP connection ended.
    fn handle_flow_ended(&mut self, now: Instant, flow: &Flow);
    /// It is as late as [`Reactor::poll_timeout`] said, or later.
    fn handle_timeout(&mut self, now: Instant);
    /// How busy its thread is, a few times a second as long as there are turns. A turn that this
    /// asks for anything comes next.
    fn handle_load(&mut self, now: Instant, load: ThreadLoad);
    /// When `handle_timeout` wants to be called next. Asked after `flush`.
    fn poll_timeout(&mut self) -> Option<Instant>;
    /// Hands over everything that the calls before this one have to send.
    fn flush(&mut self, now: Instant, output: &mut impl Output<Self::Message>);
    /// The thread is about to end: say goodbye to every peer. `flush` is called once more.
    fn shutdown(&mut self, now: Instant);
}
