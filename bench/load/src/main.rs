//! The clients of the benchmark. `medialoom-load clients` plays the peers of the plan on standard
//! input and reports on standard output; `medialoom-load floor` measures what the packets of the
//! shapes on standard input cost at least. Both speak JSON, a line each.

mod client;
mod clients;
mod clock;
mod first_seconds;
mod floor;
mod incoming;
mod keys;
mod outgoing;
mod parent;
mod plan;
mod publication;
mod readiness;
mod rtcp;
mod rtp;
mod sdp;
mod session;
mod socket;
mod srtp;
mod stamp;
mod transport_feedback;
mod window;

use std::io;

use clients::Clients;
use parent::Parent;

fn main() -> io::Result<()> {
    let mut parent = Parent::default();
    match std::env::args().nth(1).as_deref() {
        Some("clients") => Clients::new(parent.first()?)?.run(parent),
        Some("floor") => {
            let shapes: Vec<floor::Shape> = parent.first()?;
            let floors: Vec<_> = shapes.iter().map(floor::measure).collect::<Result<_, _>>()?;
            parent.report(&floors);
            Ok(())
        }
        _ => Err(io::Error::other("usage: medialoom-load clients | floor")),
    }
}
