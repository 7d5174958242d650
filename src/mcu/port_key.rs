//! What a mixer calls its ports.

/// Names a port of one mixer; given by whoever makes the port, never twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PortKey(pub u64);
